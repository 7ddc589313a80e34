#include "app/systemd.h"

#include "base/text.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace mlgate::app {
namespace {

constexpr int kFirstDescriptor = 3;  // By the protocol.
constexpr std::int64_t kSocketsMax = 64;

std::int64_t number_of(const char* variable) {
  const char* text = std::getenv(variable);
  return text ? parse_int(text).value_or(0) : 0;
}

// The port of a socket that listens for TCP connections; 0 for any other.
std::uint16_t listening_port(int fd) {
  int listening = 0;
  socklen_t size = sizeof listening;
  if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0 || !listening) return 0;
  sockaddr_storage address{};
  size = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  if (address.ss_family == AF_INET) return ntohs(reinterpret_cast<sockaddr_in&>(address).sin_port);
  if (address.ss_family == AF_INET6)
    return ntohs(reinterpret_cast<sockaddr_in6&>(address).sin6_port);
  return 0;
}

}  // namespace

std::vector<InheritedSocket> inherited_sockets() {
  std::vector<InheritedSocket> out;
  const std::int64_t count = number_of("LISTEN_FDS");
  if (count > 0 && count <= kSocketsMax && number_of("LISTEN_PID") == ::getpid()) {
    const char* names_text = std::getenv("LISTEN_FDNAMES");
    const std::string names_copy = names_text ? names_text : "";
    const auto names = split(names_copy, ':');
    for (int i = 0; i < int(count); ++i) {
      const int fd = kFirstDescriptor + i;
      ::fcntl(fd, F_SETFD, FD_CLOEXEC);
      const std::uint16_t port = listening_port(fd);
      const auto index = std::size_t(i);
      if (port != 0)
        out.push_back({fd, index < names.size() ? std::string(names[index]) : "", port});
    }
  }
  for (const char* variable : {"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"}) ::unsetenv(variable);
  return out;
}

bool notify_manager(std::string_view state) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  if (!path || (path[0] != '/' && path[0] != '@')) return false;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::size_t size = std::strlen(path);
  if (size >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, path, size);
  if (path[0] == '@') address.sun_path[0] = '\0';  // An abstract address.
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const auto length = socklen_t(offsetof(sockaddr_un, sun_path) + size);
  const auto sent = ::sendto(fd, state.data(), state.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                             reinterpret_cast<const sockaddr*>(&address), length);
  ::close(fd);
  return sent == ssize_t(state.size());
}

std::chrono::microseconds watchdog_interval() {
  const std::int64_t pid = number_of("WATCHDOG_PID");
  if (pid != 0 && pid != ::getpid()) return std::chrono::microseconds(0);
  return std::chrono::microseconds(std::max<std::int64_t>(0, number_of("WATCHDOG_USEC")));
}

}  // namespace mlgate::app
