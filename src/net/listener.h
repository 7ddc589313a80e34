#pragma once
// A listening socket of one worker. Every worker has its own (SO_REUSEPORT), so that the kernel
// deals out connections and no worker waits for another.
#include "net/dial.h"
#include "net/poller.h"
#include "net/task.h"

#include <cstdint>
#include <functional>
#include <string>

namespace mlgate::net {

struct ListenAddress {
  std::string host = "127.0.0.1";  // A literal address; "0.0.0.0" or "::" for all.
  std::uint16_t port = 0;          // 0: any free port.
  // A Unix socket instead, which its owner alone may open (0600). A socket that was left there is
  // replaced. One worker's: there is no sharing.
  std::string unix_path = {};
  // A socket that listens already, handed down by a service manager; it stays the caller's. Workers
  // share it, so that connections outlive the process that stops.
  int inherited = -1;
};

class Listener {
 public:
  // Called for each connection with a non-blocking descriptor that the callee owns.
  using Accepted = std::function<void(int fd, const Address& peer)>;

  explicit Listener(Worker& worker);
  // conflict when the port is taken, naming it.
  Result<void> open(const ListenAddress& address, Accepted accepted);
  // Accepts until closed. Thread: the worker's.
  Awaitable<void> run();
  // Takes what has connected already, so that nobody is turned away by close(). False: more may
  // wait.
  bool take_waiting();
  void close() noexcept { watch_.close(); }
  bool is_open() const noexcept { return watch_.is_open(); }
  std::uint16_t port() const noexcept { return port_; }

 private:
  Result<void> open_socket(const ListenAddress& address);
  Result<void> open_unix_socket(const std::string& path);
  Result<void> inherit(int fd);
  void note_port();
  Worker& worker_;
  Watch watch_;
  Deadline forever_, pause_;
  Accepted accepted_;
  int fd_ = -1;
  bool starved_ = false;
  std::uint16_t port_ = 0;
};

}  // namespace mlgate::net
