#pragma once
// Passes a request body on as it comes, in a coroutine of its own, while the call awaits the answer
// and passes that back: a backend may answer before it has read everything, or read nothing more,
// and both sides may talk in turns.
#include "gateway/compose.h"
#include "http/client.h"
#include "http/server_call.h"
#include "net/condition.h"
#include "net/task.h"
#include "policy/call_trace.h"

#include <cstdint>
#include <optional>

namespace mlgate::gateway {

class RequestStream {
 public:
  enum class State : unsigned char {
    idle,
    running,
    sent,           // All of it.
    stopped,        // By stop().
    caller_failed,  // The backend's stream is cancelled; error() says why.
    backend_failed  // It takes no more; it may have answered.
  };
  // `body_max` 0: no limit. `trace` may be null. Everything outlives this object.
  RequestStream(http::ServerCall& server, http::ClientConnection& backend, BodyFraming framing,
                std::uint64_t body_max, net::Deadline& deadline, policy::CallTrace* trace);
  RequestStream(const RequestStream&) = delete;

  // `begun`: what is to go before the next bytes of the body; valid until they are read.
  void begin(std::string_view begun = {});
  // Ends it if it still runs. Before the connection or the call goes.
  net::Awaitable<void> stop();
  State state() const noexcept { return state_; }
  const Error& error() const noexcept { return *error_; }

 private:
  net::Awaitable<void> run(std::string_view begun);
  net::Awaitable<State> pass(std::string_view begun);
  net::Awaitable<bool> pass_piece(std::string_view piece);
  net::Awaitable<State> pass_end();

  http::ServerCall& server_;
  http::ClientConnection& backend_;
  BodyFraming framing_;
  std::uint64_t body_max_;
  net::Deadline& deadline_;
  policy::CallTrace* trace_;
  net::TaskGroup tasks_;
  net::Condition ended_;
  State state_ = State::idle;
  std::optional<Error> error_;
  bool stopping_ = false;
};

}  // namespace mlgate::gateway
