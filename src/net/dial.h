#pragma once
// Outgoing connections: resolve (off the worker, cached for a short time), check every address
// against the dial guard, connect to the first that answers.
#include "net/stream.h"
#include "net/task.h"

#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace mlgate::net {

class Worker;

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  std::string text() const;  // "127.0.0.1" or "::1".
};

// Says why an address may not be dialled, or nothing. Applied to the address that is used, after
// resolution.
using AddressCheck = std::function<Result<void>(const Address&)>;

// Opens connections for one worker.
class Dialer {
 public:
  Dialer(Worker& worker, AddressCheck check);
  // `stream` is open and connected on success. unavailable: refused or unreachable; timeout;
  // denied: the guard; not_found: the name does not resolve. The message names host and port.
  Task<void> connect(Stream& stream, const std::string& host, std::uint16_t port,
                     Deadline& deadline);

 private:
  struct Cached {
    std::vector<Address> addresses;
    std::int64_t expires_ns = 0;
  };
  Task<std::vector<Address>> resolve(const std::string& host, std::uint16_t port);
  Worker& worker_;
  AddressCheck check_;
  std::map<std::string, Cached, std::less<>> cache_;
};

}  // namespace mlgate::net
