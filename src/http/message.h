#pragma once
// Protocol-neutral HTTP messages. Two levels:
//  - Request and Response: whole messages, for handlers that want the body in one piece (control
//  plane, RRS).
//  - Exchange (exchange.h): head plus streamed bodies, for the gateway.
// Views of a Request live as long as the call it belongs to.
#include "net/task.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mlgate::http {

using net::Awaitable;
using net::Executor;

struct Field {
  std::string_view name;
  std::string_view value;
};

// Header fields in order of arrival, names compared without case, duplicates kept. Holds views; the
// message's buffer owns the text.
class Fields {
 public:
  void add(std::string_view name, std::string_view value) { list_.push_back({name, value}); }
  const Field* find(std::string_view name) const noexcept;
  // Value of the first field of that name; empty when there is none.
  std::string_view get(std::string_view name) const noexcept;
  void erase(std::string_view name);
  void clear() noexcept { list_.clear(); }
  std::size_t size() const noexcept { return list_.size(); }
  auto begin() const noexcept { return list_.begin(); }
  auto end() const noexcept { return list_.end(); }
  auto begin() noexcept { return list_.begin(); }
  auto end() noexcept { return list_.end(); }
  std::vector<Field>& list() noexcept { return list_; }

 private:
  std::vector<Field> list_;
};

struct Request {
  std::string_view method;
  std::string_view path;       // As sent, still percent-encoded, without query.
  std::string_view query;      // As sent, without '?'.
  std::string_view scheme;     // "http" or "https", as the caller used it.
  std::string_view authority;  // Host header (or :authority) as sent, port included.
  std::string_view peer;       // Address of the caller, no port.
  std::string_view caller;     // Subscription under which the gateway passes a call on, if any.
  std::string_view prefix;     // What stood in front of `path` when the gateway took the call.
  const Fields* headers = nullptr;
  std::string_view body;

  std::string_view header(std::string_view name) const noexcept {
    return headers ? headers->get(name) : std::string_view();
  }
};

struct Response {
  int status = 200;
  std::string reason;  // Empty: the standard phrase of the status.
  std::vector<std::pair<std::string, std::string>>
      headers;  // Content-Length and Date are the writer's.
  std::string body;

  void set(std::string_view name, std::string_view value) { headers.emplace_back(name, value); }
};

// Empty for statuses that have no registered phrase.
std::string_view standard_reason(int status) noexcept;

// Value of the first query parameter of that name (compared without case), percent-decoded, '+' as
// blank; nullopt when it is absent.
std::optional<std::string> query_parameter(std::string_view query, std::string_view name);

// A service of this program that the gateway may call without a socket. The same object answers on
// its own listener, so the bytes are the same. Called on any worker; long work leaves the worker by
// itself.
class LocalService {
 public:
  virtual ~LocalService() = default;
  virtual Awaitable<Response> serve(const Request& request) = 0;
};

// A control-plane handler: plain code that may block (store, hashing); runs on the control pool,
// never on a worker.
using BlockingHandler = std::function<Response(const Request&)>;

}  // namespace mlgate::http
