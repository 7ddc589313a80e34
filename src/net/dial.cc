#include "net/dial.h"

#include "net/worker.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace mlgate::net {
namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;
constexpr std::int64_t kUsableNs = 60 * kSecondNs;  // Behind the time that it is fresh.
// Answers in a row without an address that make it gone.
constexpr unsigned kMissedMax = 3;
constexpr std::int64_t kFailureNs = kSecondNs;
constexpr std::size_t kNamesMax = 1024;
constexpr std::size_t kAddressesMax = 16;

bool parse_literal(const std::string& host, Address& out) {
  in_addr v4{};
  in6_addr v6{};
  if (::inet_pton(AF_INET, host.c_str(), &v4) == 1) {
    auto& address = reinterpret_cast<sockaddr_in&>(out.storage);
    address.sin_family = AF_INET;
    address.sin_addr = v4;
    out.size = sizeof address;
    return true;
  }
  if (::inet_pton(AF_INET6, host.c_str(), &v6) == 1) {
    auto& address = reinterpret_cast<sockaddr_in6&>(out.storage);
    address.sin6_family = AF_INET6;
    address.sin6_addr = v6;
    out.size = sizeof address;
    return true;
  }
  return false;
}

void set_port(Address& address, std::uint16_t port) {
  if (address.storage.ss_family == AF_INET)
    reinterpret_cast<sockaddr_in&>(address.storage).sin_port = htons(port);
  else
    reinterpret_cast<sockaddr_in6&>(address.storage).sin6_port = htons(port);
}

std::string where(const std::string& host, std::uint16_t port) {
  return host + ":" + std::to_string(port);
}

}  // namespace

std::vector<Address> system_addresses(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  std::vector<Address> addresses;
  if (::getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return addresses;
  for (const addrinfo* entry = found; entry && addresses.size() < kAddressesMax;
       entry = entry->ai_next) {
    if (entry->ai_family != AF_INET && entry->ai_family != AF_INET6) continue;
    Address& address = addresses.emplace_back();
    address.size = entry->ai_addrlen;
    std::memcpy(&address.storage, entry->ai_addr, entry->ai_addrlen);
  }
  ::freeaddrinfo(found);
  return addresses;
}

bool Address::same_host(const Address& other) const noexcept {
  if (storage.ss_family != other.storage.ss_family) return false;
  if (storage.ss_family == AF_INET) {
    return reinterpret_cast<const sockaddr_in&>(storage).sin_addr.s_addr ==
           reinterpret_cast<const sockaddr_in&>(other.storage).sin_addr.s_addr;
  }
  return std::memcmp(&reinterpret_cast<const sockaddr_in6&>(storage).sin6_addr,
                     &reinterpret_cast<const sockaddr_in6&>(other.storage).sin6_addr,
                     sizeof(in6_addr)) == 0;
}

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

Dialer::Dialer(Worker& worker, AddressCheck check, DialerOptions options)
    : worker_(worker), check_(std::move(check)), options_(std::move(options)) {}

// What is known of one name. Touched on the worker alone; outlives the dialer while it is looked
// up.
struct Dialer::Name {
  std::vector<Address> addresses;  // Empty: it does not resolve, or is not known yet.
  std::int64_t fresh_until_ns = 0, usable_until_ns = 0;
  bool looking = false;
  std::vector<Signal*> waiting;
  struct Known {
    Address address;
    unsigned missed = 0;
  };
  std::vector<Known> known;  // All that it may still mean.

  // True when an address has gone.
  bool learn(std::vector<Address> answer) {
    for (Known& one : known) {
      const bool there = std::ranges::any_of(
          answer, [&](const Address& address) { return address.same_host(one.address); });
      one.missed = there ? 0 : one.missed + 1;
    }
    for (const Address& address : answer)
      if (!names(address)) known.push_back({address, 0});
    addresses = std::move(answer);
    return std::erase_if(known, [](const Known& one) { return one.missed >= kMissedMax; }) != 0;
  }
  bool names(const Address& address) const {
    return std::ranges::any_of(known,
                               [&](const Known& one) { return one.address.same_host(address); });
  }
};

std::shared_ptr<Dialer::Name> Dialer::name_of(const std::string& host) {
  const auto known = names_.find(host);
  if (known != names_.end()) return known->second;
  if (names_.size() >= kNamesMax) {
    std::erase_if(names_, [&](const auto& entry) {
      return !entry.second->looking && entry.second->fresh_until_ns < worker_.now_ns();
    });
  }
  auto name = std::make_shared<Name>();
  if (names_.size() < kNamesMax) names_.emplace(host, name);
  return name;
}

bool Dialer::look_up(const std::string& host, const std::shared_ptr<Name>& name) {
  if (name->looking) return true;
  Poller& poller = worker_.poller();
  const std::int64_t fresh_ns = std::chrono::nanoseconds(options_.refresh).count();
  const auto work = [host, name, &poller, fresh_ns, resolver = options_.resolver,
                     changes = changes_] {
    poller.post([name, &poller, fresh_ns, changes, addresses = resolver(host)]() mutable {
      const std::int64_t now_ns = poller.now_ns();
      name->looking = false;
      name->fresh_until_ns = now_ns + (addresses.empty() ? kFailureNs : fresh_ns);
      if (!addresses.empty()) {
        if (name->learn(std::move(addresses))) ++*changes;
        name->usable_until_ns = now_ns + fresh_ns + kUsableNs;
      } else if (now_ns >= name->usable_until_ns) {
        name->addresses.clear();
      }
      for (Signal* signal : std::exchange(name->waiting, {})) signal->notify();
    });
  };
  name->looking = worker_.resolvers().post(work);
  return name->looking;
}

Task<std::vector<Address>> Dialer::resolve(const std::string& host, Deadline& deadline) {
  std::vector<Address> literal(1);
  if (parse_literal(host, literal[0])) co_return literal;
  const std::shared_ptr<Name> name = name_of(host);
  const bool usable = !name->addresses.empty() && name->usable_until_ns > worker_.now_ns();
  if (name->fresh_until_ns <= worker_.now_ns()) {
    const bool taken = look_up(host, name);
    if (!taken && !usable) co_return fail(Errc::exhausted, "too many names are being looked up");
    if (!usable) {
      Signal answered;
      name->waiting.push_back(&answered);
      const Wake wake = co_await answered.wait(deadline);
      std::erase(name->waiting, &answered);
      if (wake != Wake::ready)
        co_return fail(Errc::timeout, "looking up the name " + host + " took too long");
    }
  }
  if (name->addresses.empty())
    co_return fail(Errc::not_found, "the name " + host + " does not resolve");
  co_return name->addresses;
}

void Dialer::renew(std::string_view host) {
  const auto known = names_.find(host);
  if (known == names_.end() || known->second->fresh_until_ns > worker_.now_ns()) return;
  (void)look_up(known->first, known->second);  // Later, when there is too much to do.
}

bool Dialer::still_names(std::string_view host, const Address& address) const {
  const auto known = names_.find(host);
  return known == names_.end() || known->second->known.empty() || known->second->names(address);
}

Task<Address> Dialer::connect(Stream& stream, const std::string& host, std::uint16_t port,
                              Deadline& deadline) {
  CO_TRY(std::vector<Address> addresses, co_await resolve(host, deadline));
  Result<void> last = fail(Errc::unavailable, "no address for " + where(host, port));
  for (Address& address : addresses) {
    set_port(address, port);
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
    if (error == 0) co_return address;
    stream.close();
    last = fail(Errc::unavailable,
                "Error connecting to " + address.text() + ":" + std::to_string(port));
  }
  co_return std::unexpected(std::move(last).error());
}

}  // namespace mlgate::net
