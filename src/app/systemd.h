#pragma once
// The service manager's side: sockets that it opened for us, and what it is told about the state of
// the process. Both protocols are a few environment variables and datagrams; without them nothing
// here does anything.
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::app {

// A listening socket handed down (LISTEN_FDS).
struct InheritedSocket {
  int fd = -1;
  std::string name;  // FileDescriptorName= of the socket unit.
  std::uint16_t port = 0;
};
// Those that listen for TCP connections. Takes the variables out of the environment.
std::vector<InheritedSocket> inherited_sockets();

// Sends "READY=1", "STOPPING=1", "WATCHDOG=1", "STATUS=…" to NOTIFY_SOCKET; false when there is
// none or it does not listen.
bool notify_manager(std::string_view state);
// How often WATCHDOG=1 is expected at the latest; 0: not at all.
std::chrono::microseconds watchdog_interval();

}  // namespace mlgate::app
