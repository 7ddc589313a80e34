#include "net/dial.h"

#include "net/worker.h"

#include <arpa/inet.h>
#include <asio/ip/basic_resolver.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/redirect_error.hpp>
#include <netinet/in.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace mlgate::net {
namespace {

constexpr std::int64_t kCacheNs = 10'000'000'000;  // Ten seconds.
constexpr std::size_t kCacheMax = 1024;

bool parse_literal(const std::string& host, std::uint16_t port, Address& out) {
  in_addr v4{};
  in6_addr v6{};
  if (::inet_pton(AF_INET, host.c_str(), &v4) == 1) {
    auto& address = reinterpret_cast<sockaddr_in&>(out.storage);
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr = v4;
    out.size = sizeof address;
    return true;
  }
  if (::inet_pton(AF_INET6, host.c_str(), &v6) == 1) {
    auto& address = reinterpret_cast<sockaddr_in6&>(out.storage);
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(port);
    address.sin6_addr = v6;
    out.size = sizeof address;
    return true;
  }
  return false;
}

std::string where(const std::string& host, std::uint16_t port) {
  return host + ":" + std::to_string(port);
}

}  // namespace

std::string Address::text() const {
  char out[INET6_ADDRSTRLEN] = "";
  if (storage.ss_family == AF_INET) {
    const auto& address = reinterpret_cast<const sockaddr_in&>(storage);
    ::inet_ntop(AF_INET, &address.sin_addr, out, sizeof out);
  } else if (storage.ss_family == AF_INET6) {
    const auto& address = reinterpret_cast<const sockaddr_in6&>(storage);
    ::inet_ntop(AF_INET6, &address.sin6_addr, out, sizeof out);
  }
  return out;
}

Dialer::Dialer(Worker& worker, AddressCheck check) : worker_(worker), check_(std::move(check)) {}

Task<std::vector<Address>> Dialer::resolve(const std::string& host, std::uint16_t port) {
  std::vector<Address> addresses(1);
  if (parse_literal(host, port, addresses[0])) co_return addresses;
  const std::string key = where(host, port);
  const auto known = cache_.find(key);
  if (known != cache_.end() && known->second.expires_ns > worker_.now_ns())
    co_return known->second.addresses;

  addresses.clear();
  asio::ip::basic_resolver<asio::ip::tcp, Executor> resolver(worker_.executor());
  asio::error_code error;
  const auto results = co_await resolver.async_resolve(
      host, std::to_string(port), asio::redirect_error(asio::use_awaitable_t<Executor>(), error));
  if (error || results.empty())
    co_return fail(Errc::not_found, "the name " + host + " does not resolve");
  for (const auto& entry : results) {
    Address address;
    address.size = socklen_t(entry.endpoint().size());
    std::memcpy(&address.storage, entry.endpoint().data(), address.size);
    addresses.push_back(address);
  }
  if (cache_.size() >= kCacheMax) cache_.clear();
  cache_[key] = {addresses, worker_.now_ns() + kCacheNs};
  co_return addresses;
}

Task<void> Dialer::connect(Stream& stream, const std::string& host, std::uint16_t port,
                           Deadline& deadline) {
  CO_TRY(const std::vector<Address> addresses, co_await resolve(host, port));
  Result<void> last = fail(Errc::unavailable, "no address for " + where(host, port));
  for (const Address& address : addresses) {
    if (check_) {
      if (last = check_(address); !last) continue;
    }
    const int fd =
        ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) co_return fail(Errc::exhausted, "no socket: " + std::string(std::strerror(errno)));
    const int result =
        ::connect(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.size);
    const int started = result == 0 ? 0 : errno;
    if (started != 0 && started != EINPROGRESS) {
      ::close(fd);
      last = fail(Errc::unavailable,
                  "Error connecting to " + address.text() + ":" + std::to_string(port));
      continue;
    }
    stream.open(worker_.poller(), fd);
    if (started == EINPROGRESS) {
      stream.watch().filled();
      const Wake wake = co_await stream.watch().until_writable(deadline);
      if (wake != Wake::ready) {
        stream.close();
        if (wake == Wake::cancelled) co_return fail(Errc::closed, "connecting was cancelled");
        last = fail(Errc::timeout, "connection timed out: " + where(host, port));
        continue;
      }
    }
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error == 0) co_return Result<void>();
    stream.close();
    last = fail(Errc::unavailable,
                "Error connecting to " + address.text() + ":" + std::to_string(port));
  }
  co_return last;
}

}  // namespace mlgate::net
