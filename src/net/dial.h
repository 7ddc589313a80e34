#pragma once
// Outgoing connections: look the name up (on a thread that may block), check every address against
// the dial guard, connect to the first that answers.
//
// Names: an answer is used for ten seconds as it is, and for a minute more while it is looked up
// anew behind the calls; a failure is remembered for a second. Look-ups of one name by one worker
// are one look-up, and a call waits for it no longer than for the connection.
#include "net/stream.h"
#include "net/task.h"

#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
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
  struct Name;
  Task<std::vector<Address>> resolve(const std::string& host, Deadline& deadline);
  std::shared_ptr<Name> name_of(const std::string& host);
  bool look_up(const std::string& host, const std::shared_ptr<Name>& name);
  Worker& worker_;
  AddressCheck check_;
  std::map<std::string, std::shared_ptr<Name>, std::less<>> names_;
};

}  // namespace mlgate::net
