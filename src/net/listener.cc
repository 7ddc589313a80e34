#include "net/listener.h"

#include "net/worker.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>

namespace mlgate::net {
namespace {
constexpr int kBacklog = 4096;
constexpr int kAcceptsInARow = 64;
}  // namespace

Listener::Listener(Worker& worker)
    : worker_(worker),
      forever_(worker.poller(), std::chrono::hours(24 * 365)),
      pause_(worker.poller(), std::chrono::milliseconds(200)) {}

Result<void> Listener::open(const ListenAddress& address, Accepted accepted) {
  accepted_ = std::move(accepted);
  if (address.inherited >= 0) return inherit(address.inherited);
  return address.unix_path.empty() ? open_socket(address) : open_unix_socket(address.unix_path);
}

Result<void> Listener::open_unix_socket(const std::string& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (path.size() >= sizeof name.sun_path)
    return fail(Errc::invalid_argument, path + " is longer than " +
                                            std::to_string(sizeof name.sun_path - 1) +
                                            " bytes, which a socket cannot be");
  path.copy(name.sun_path, path.size());
  fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return fail(Errc::exhausted, std::string("no socket: ") + std::strerror(errno));
  // Before it has a name, so that it never stands there open to others.
  const bool closed = ::fchmod(fd_, S_IRUSR | S_IWUSR) == 0;
  struct stat there{};
  if (::lstat(path.c_str(), &there) == 0 && S_ISSOCK(there.st_mode)) ::unlink(path.c_str());
  if (closed && ::bind(fd_, reinterpret_cast<sockaddr*>(&name), sizeof name) == 0 &&
      ::listen(fd_, kBacklog) == 0)
    return {};
  const int error = errno;
  ::close(fd_);
  fd_ = -1;
  return fail(error == EADDRINUSE ? Errc::conflict : Errc::unavailable,
              "cannot listen on " + path + ": " + std::strerror(error));
}

Result<void> Listener::open_socket(const ListenAddress& address) {
  sockaddr_storage storage{};
  socklen_t size = 0;
  auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
  if (::inet_pton(AF_INET, address.host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(address.port);
    size = sizeof v4;
  } else if (::inet_pton(AF_INET6, address.host.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(address.port);
    size = sizeof v6;
  } else {
    return fail(Errc::invalid_argument, "'" + address.host + "' is not an IP address to listen on");
  }
  const std::string text = address.host + ":" + std::to_string(address.port);
  fd_ = ::socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return fail(Errc::exhausted, std::string("no socket: ") + std::strerror(errno));
  const int on = 1;
  ::setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  ::setsockopt(fd_, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (::bind(fd_, reinterpret_cast<sockaddr*>(&storage), size) != 0 ||
      ::listen(fd_, kBacklog) != 0) {
    const int error = errno;
    ::close(fd_);
    fd_ = -1;
    return fail(error == EADDRINUSE ? Errc::conflict : Errc::unavailable,
                "cannot listen on " + text + ": " + std::strerror(error));
  }
  note_port();
  return {};
}

Result<void> Listener::inherit(int fd) {
  fd_ = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (fd_ < 0) return fail(Errc::exhausted, std::string("no socket: ") + std::strerror(errno));
  // Blocking or not is a property of the socket that all its holders share; accepting never waits.
  ::fcntl(fd_, F_SETFL, ::fcntl(fd_, F_GETFL) | O_NONBLOCK);
  note_port();
  return {};
}

void Listener::note_port() {
  sockaddr_storage bound{};
  socklen_t bound_size = sizeof bound;
  ::getsockname(fd_, reinterpret_cast<sockaddr*>(&bound), &bound_size);
  port_ = ntohs(bound.ss_family == AF_INET ? reinterpret_cast<sockaddr_in&>(bound).sin_port
                                           : reinterpret_cast<sockaddr_in6&>(bound).sin6_port);
}

bool Listener::take_waiting() {
  starved_ = false;
  for (int taken = 0; taken < kAcceptsInARow; ++taken) {
    if (!watch_.is_open()) return true;
    Address peer;
    peer.size = sizeof peer.storage;
    const int fd = ::accept4(watch_.fd(), reinterpret_cast<sockaddr*>(&peer.storage), &peer.size,
                             SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      accepted_(fd, peer);
      continue;
    }
    starved_ = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
    if (!starved_ && errno != EAGAIN) continue;  // An error of that one connection.
    watch_.would_block_reading();
    return true;
  }
  return false;
}

Awaitable<void> Listener::run() {
  watch_.open(worker_.poller(), fd_);
  for (;;) {
    // Out of descriptors, connections wait in the backlog and make no new event: look again after a
    // pause.
    const Wake wake = co_await watch_.until_readable(starved_ ? pause_ : forever_);
    if (wake == Wake::cancelled) co_return;
    (void)take_waiting();
    if (!watch_.is_open()) co_return;
    if (watch_.readable()) co_await yield(worker_.executor());  // nothing to check
  }
}

}  // namespace mlgate::net
