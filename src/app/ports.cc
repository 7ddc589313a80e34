#include "app/ports.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace mlgate::app {

Result<std::uint16_t> free_port(const std::string& host, std::uint16_t port,
                                const std::string& flag) {
  sockaddr_storage storage{};
  socklen_t size = 0;
  auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
  if (::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    size = sizeof v4;
  } else if (::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    size = sizeof v6;
  } else {
    return fail(Errc::invalid_argument, "--bind '" + host + "' is not an IP address", "bind");
  }
  const int fd = ::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const bool bound =
      ::bind(fd, reinterpret_cast<sockaddr*>(&storage), size) == 0 && ::listen(fd, 1) == 0;
  const int error = errno;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size);
  ::close(fd);
  if (!bound) {
    return fail(Errc::conflict,
                "port " + std::to_string(port) + " on " + host + " is not to be had (" +
                    std::strerror(error) + "); choose another with --" + flag,
                flag);
  }
  return ntohs(storage.ss_family == AF_INET ? v4.sin_port : v6.sin6_port);
}

}  // namespace mlgate::app
