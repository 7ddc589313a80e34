#pragma once
// Outgoing connections: look the name up (on a thread that may block), check every address against
// the dial guard, connect to the first that answers.
//
// Names: an answer is used for ten seconds (or what is set) as it is, and for a minute more while
// it is looked up anew behind the calls; a failure is remembered for a second. Look-ups of one name
// by one worker are one look-up, and a call waits for it no longer than for the connection. An
// address that has been missing from three answers in a row is gone: one answer may name but some
// of many.
#include "net/stream.h"
#include "net/task.h"

#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::net {

class Worker;

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  std::string text() const;                             // "127.0.0.1" or "::1".
  bool same_host(const Address& other) const noexcept;  // Whatever the ports.
};

// Says why an address may not be dialled, or nothing. Applied to the address that is used, after
// resolution.
using AddressCheck = std::function<Result<void>(const Address&)>;

// The addresses of a name; none when it has none. Blocks.
using Resolver = std::function<std::vector<Address>(const std::string&)>;
std::vector<Address> system_addresses(const std::string& host);

struct DialerOptions {
  Resolver resolver = system_addresses;
  std::chrono::milliseconds refresh{10'000};  // How long an answer is used as it is.
};

// Opens connections for one worker.
class Dialer {
 public:
  Dialer(Worker& worker, AddressCheck check, DialerOptions options = {});
  // `stream` is open and connected on success. unavailable: refused or unreachable; timeout;
  // denied: the guard; not_found: the name does not resolve. The message names host and port. Gives
  // the address that answered.
  Task<Address> connect(Stream& stream, const std::string& host, std::uint16_t port,
                        Deadline& deadline);
  // Has the name looked up again if that is due and it was looked up before; for connections that
  // are kept.
  void renew(std::string_view host);
  // Whether the name may still mean the address: it has not gone from its answers.
  bool still_names(std::string_view host, const Address& address) const;
  // Counts addresses that have gone, of all names: without a change, nobody has to ask.
  std::uint64_t changes() const noexcept { return *changes_; }

 private:
  struct Name;
  Task<std::vector<Address>> resolve(const std::string& host, Deadline& deadline);
  std::shared_ptr<Name> name_of(const std::string& host);
  bool look_up(const std::string& host, const std::shared_ptr<Name>& name);
  Worker& worker_;
  AddressCheck check_;
  DialerOptions options_;
  std::shared_ptr<std::uint64_t> changes_ = std::make_shared<std::uint64_t>(0);
  std::map<std::string, std::shared_ptr<Name>, std::less<>> names_;
};

}  // namespace mlgate::net
