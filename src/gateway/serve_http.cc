#include "gateway/compose.h"
#include "gateway/request_stream.h"
#include "gateway/serve_internal.h"
#include "http/trailers.h"
#include "http/websocket.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

namespace mlgate::gateway::internal {
namespace {

// A transfer that never has to wait lets the others have their turn after this much.
constexpr std::uint64_t kYieldBytes = 1 << 20;
// Pieces from here on are not copied if the connection can do without.
constexpr std::size_t kWriteBytesMin = 16 * 1024;
// Larger bodies are sent from where they lie.
constexpr std::size_t kCopiedBytesMax = 8 * 1024;
// How often a call that may be repeated takes a kept connection, should each turn out to be dead.
constexpr int kPooledTries = 2;
constexpr std::string_view kUnasked = "The backend changed the protocol without being asked.";

BodyFraming framing_of(const http::RequestHead& head) {
  if (head.chunked) return {BodyFraming::Kind::chunked, 0};
  if (head.content_length) return {BodyFraming::Kind::length, *head.content_length};
  return {};
}

// Of a body that is here: its length is known, whatever was said of it.
BodyFraming framing_of(const http::RequestHead& head, std::string_view body) {
  if (body.empty() && !head.content_length) return {};
  return {BodyFraming::Kind::length, body.size()};
}

enum class Dial : unsigned char { any, anew };

// The connection that the request goes out on: a pooled one, or a new one.
net::Task<std::unique_ptr<http::ClientConnection>> dial(Service& s, const http::Origin& origin,
                                                        Dial how) {
  if (how == Dial::any) {
    if (auto pooled = s.client.take_idle(origin)) co_return pooled;
  }
  co_return co_await s.client.connect(origin);
}

// Sends the head, and of the body what goes with it in one piece; what remains of it comes back.
net::Task<std::string_view> send_request(Service& s, http::ClientConnection& connection,
                                         BodyFraming framing, std::string_view body) {
  net::Block block = s.server.worker().blocks().take();
  const auto size = compose_forward_head(s.call, framing, {block.data(), net::Block::size()});
  if (!size) co_return fail(Errc::internal, "the request head does not fit");
  std::size_t filled = *size;
  if (body.size() <= std::min(kCopiedBytesMax, net::Block::size() - filled)) {
    if (!body.empty()) std::memcpy(block.data() + filled, body.data(), body.size());
    filled += body.size();
    body = {};
  }
  std::string_view rest(block.data(), filled);
  const net::Io io = connection.stream.try_write(rest, body);
  if (io.state == net::Io::State::done) {
    const std::size_t of_rest = std::min(io.bytes, rest.size());
    rest.remove_prefix(of_rest);
    body.remove_prefix(io.bytes - of_rest);
  }
  if (!rest.empty()) {
    CO_TRY_OK(co_await connection.stream.write_all(rest, s.client.response_deadline()));
  }
  co_return body;
}

net::Task<void> send_whole(Service& s, http::ClientConnection& connection, BodyFraming framing,
                           std::string_view body) {
  CO_TRY(const std::string_view rest, co_await send_request(s, connection, framing, body));
  co_return co_await connection.stream.write_all(rest, s.client.response_deadline());
}

// Reads until the head of the answer is there; interim answers on the way are passed on.
net::Task<void> await_head(Service& s, http::ClientConnection& connection) {
  for (;;) {
    CO_TRY_OK(co_await connection.read_head(s.call.x.request.method, *s.response_deadline));
    if (connection.head_done) co_return Result<void>();
    if (connection.head.status == 100) continue;  // Asked for by us; the caller has had his.
    http::Fields fields = connection.head.fields;
    remove_hop_by_hop(fields);
    const auto passed = co_await s.server.interim(connection.head.status, &fields);
    if (!passed) s.caller_gone = true;
  }
}

enum class Expectation : unsigned char { met, refused, broken };

// The caller holds the body back until it is asked for; so the backend is asked first.
net::Awaitable<Expectation> await_continue(Service& s, http::ClientConnection& connection) {
  for (;;) {
    const auto head = co_await connection.read_head(s.call.x.request.method, *s.continue_deadline);
    if (!head && head.error().code() != Errc::timeout) co_return Expectation::broken;
    if (head && connection.head_done) co_return Expectation::refused;
    if (head && connection.head.status != 100) {
      http::Fields fields = connection.head.fields;
      remove_hop_by_hop(fields);
      const auto passed = co_await s.server.interim(connection.head.status, &fields);
      if (!passed) co_return Expectation::broken;
      continue;
    }
    const auto asked = co_await s.server.interim(100, nullptr);
    co_return asked ? Expectation::met : Expectation::broken;
  }
}

// The answer's head is written; passes the body on. False when the backend broke off.
net::Awaitable<bool> stream_response(Service& s, http::ClientConnection& connection) {
  using State = http::Incoming::Piece::State;
  std::uint64_t since_yield = 0;
  for (;;) {
    http::Incoming::Piece piece = connection.in.next();
    if ((since_yield += piece.bytes.size()) >= kYieldBytes) {
      since_yield = 0;
      co_await net::yield(s.server.worker().executor());  // nothing to check
    }
    if (piece.state == State::end) co_return true;
    if (piece.state == State::need_more) {
      // What has come goes out before we wait for more: events must not sit in a buffer.
      Result<void> flushed;
      {
        const ClientTime waiting(s);
        flushed = co_await s.server.flush();
      }
      if (!flushed) {
        s.caller_gone = true;
        co_return true;
      }
      const auto more = co_await connection.read_body(s.client.response_deadline());
      if (!more) co_return false;
      if (more->empty()) co_return true;
      piece = {State::data, *more};
    }
    if (piece.state == State::bad) co_return false;
    trace_body(s, policy::CallTrace::Body::response, piece.bytes);
    if (piece.bytes.size() < kWriteBytesMin && s.server.try_append(piece.bytes)) continue;
    const ClientTime waiting(s);
    const auto written = co_await s.server.write(piece.bytes);
    if (!written) {
      s.caller_gone = true;
      co_return true;
    }
  }
}

bool takes_trailers(const http::ServerCall& server) {
  if (server.protocol() == "HTTP/2") return true;
  const http::Field* te = server.head().fields.find("TE");
  return te && http::list_has_token(te->value, "trailers");
}

// From the backend's head to the end of the answer. The connection is given back when both request
// and answer are whole.
net::Awaitable<void> pass_answer(Service& s, std::unique_ptr<http::ClientConnection>& connection,
                                 const http::Origin& origin, RequestStream* request) {
  Call& call = s.call;
  policy::ResponseHead& response = call.x.response;
  response.status = connection->head.status;
  response.reason = connection->head.reason;
  response.headers = connection->head.fields;
  response.body = {};
  call.backend_status = response.status;
  call.x.now_ns = s.server.worker().now_ns();
  if (respond(call) == Step::answer) {
    co_await write_answer(s);  // nothing to check
    co_return;
  }
  add_trace_header(call);
  const auto started = s.server.start(
      {.status = response.status,
       .reason = response.reason,
       .fields = &response.headers,
       .body_bytes = connection->head.chunked ? std::nullopt : connection->head.content_length});
  if (!started) {
    s.server.abort();
    co_return;
  }
  const bool whole = co_await stream_response(s, *connection);
  s.server.set_upstream(nullptr);
  if (!whole) {
    s.caller_gone = s.server.gone();
    s.server.abort();  // The caller must not take the part for the whole.
    co_return;
  }
  if (s.caller_gone) co_return;
  if (connection->head.chunked && takes_trailers(s.server))
    s.server.set_trailers(http::passable_trailers(connection->in.trailers()));
  if (request) co_await request->stop();  // nothing to check
  if (!request || request->state() == RequestStream::State::sent)
    s.client.give_back(origin, std::move(connection));
  if (s.server.try_finish()) co_return;
  const ClientTime waiting(s);
  const auto finished = co_await s.server.finish();
  if (!finished) s.caller_gone = true;
}

BackendFailure failure_of(const Error& error, bool connecting) {
  if (error.code() != Errc::timeout) return BackendFailure::connect;
  return connecting ? BackendFailure::connect_timeout : BackendFailure::timeout;
}

bool may_repeat(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" ||
         method == "OPTIONS" || method == "TRACE";
}

// Lets a stop cancel the backend while the call waits for it.
class UpstreamScope {
 public:
  UpstreamScope(http::ServerCall& server, net::Stream& stream) : server_(server) {
    server_.set_upstream(&stream);
  }
  UpstreamScope(const UpstreamScope&) = delete;
  ~UpstreamScope() { server_.set_upstream(nullptr); }

 private:
  http::ServerCall& server_;
};

// A call's share of the connections to an authority.
class ConnectionHold {
 public:
  ConnectionHold(BackendState* state, std::uint32_t max)
      : state_(state), held_(!state || state->take_connection(max)) {}
  ConnectionHold(const ConnectionHold&) = delete;
  ~ConnectionHold() {
    if (state_ && held_) state_->give_connection();
  }
  explicit operator bool() const noexcept { return held_; }

 private:
  BackendState* state_;
  bool held_;
};

enum class Attempt : unsigned char { done, stale_connection };

// The request could not be brought to an answer: says so, unless the caller has gone.
net::Awaitable<void> answer_failure(Service& s, BackendFailure failure, std::string_view message) {
  if (s.server.gone()) {
    s.caller_gone = true;
    client_gone(s.call);
    co_return;
  }
  s.call.x.now_ns = s.server.worker().now_ns();
  fail_backend(s.call, failure, message);
  co_await write_answer(s);  // nothing to check
}

// One try at the backend with a body that is here. stale_connection: a pooled connection died
// before it answered, and nothing was lost.
net::Awaitable<Attempt> attempt_whole(Service& s, const http::Origin& origin, Dial how,
                                      BodyFraming framing, std::string_view body) {
  Call& call = s.call;
  auto connection = co_await dial(s, origin, how);
  if (!connection) {
    co_await answer_failure(s, failure_of(connection.error(), true),
                            connection.error().message());  // nothing to check
    co_return Attempt::done;
  }
  http::ClientConnection& backend = **connection;
  backend.wants_interim = true;
  const UpstreamScope upstream(s.server, backend.stream);
  const std::int64_t sent_ns = system_clock().steady_ns();
  s.backend_start_ns = sent_ns - call.began_ns;
  const auto sent = co_await send_whole(s, backend, framing, body);
  if (!sent && sent.error().code() == Errc::internal) {
    fail_internal(call);
    co_await write_answer(s);  // nothing to check
    co_return Attempt::done;
  }
  if (!sent && sent.error().code() == Errc::timeout) {
    co_await answer_failure(s, BackendFailure::timeout,
                            sent.error().message());  // nothing to check
    co_return Attempt::done;
  }
  // A backend that refuses the body may have closed for reading and still have answered.
  const auto head = co_await await_head(s, backend);
  s.backend_ns = system_clock().steady_ns() - sent_ns;
  if (!head) {
    const bool untouched = backend.reused && head.error().code() == Errc::closed &&
                           may_repeat(call.x.request.method) && !s.server.gone();
    if (untouched) co_return Attempt::stale_connection;
    co_await answer_failure(s, failure_of(head.error(), false),
                            head.error().message());  // nothing to check
    co_return Attempt::done;
  }
  if (backend.head.status == 101) {  // Nobody asked for an upgrade that could be passed on.
    co_await answer_failure(s, BackendFailure::connect, kUnasked);  // nothing to check
    co_return Attempt::done;
  }
  RequestStream* const no_stream = nullptr;
  if (!sent) backend.head.keep_alive = false;
  co_await pass_answer(s, *connection, origin, no_stream);  // nothing to check
  co_return Attempt::done;
}

// Ends the call when its body could not be read; false when that is not what happened.
net::Awaitable<bool> answer_reading(Service& s, const RequestStream& request) {
  if (request.state() != RequestStream::State::caller_failed) co_return false;
  fail_reading(s, request.error());
  if (s.caller_gone) co_return true;
  if (s.server.started()) {
    s.server.abort();
  } else {
    co_await write_answer(s);  // nothing to check
  }
  co_return true;
}

// The same with a body that is still to come, and goes out while the answer may come in.
net::Awaitable<Attempt> exchange_streams(Service& s, const http::Origin& origin,
                                         std::unique_ptr<http::ClientConnection>& connection,
                                         RequestStream& request, bool expects,
                                         std::string_view begun) {
  http::ClientConnection& backend = *connection;
  const std::int64_t sent_ns = system_clock().steady_ns();
  s.backend_start_ns = sent_ns - s.call.began_ns;
  const Expectation expectation = expects ? co_await await_continue(s, backend) : Expectation::met;
  if (expectation == Expectation::broken && backend.reused && !s.server.gone())
    co_return Attempt::stale_connection;
  if (expectation == Expectation::met) request.begin(begun);
  const auto head = co_await await_head(s, backend);
  s.backend_ns = system_clock().steady_ns() - sent_ns;
  if (!head || backend.head.status == 101) {
    co_await request.stop();  // nothing to check
    if (co_await answer_reading(s, request)) co_return Attempt::done;
    co_await answer_failure(
        s, head ? BackendFailure::connect : failure_of(head.error(), false),
        head ? kUnasked : std::string_view(head.error().message()));  // nothing to check
    co_return Attempt::done;
  }
  co_await pass_answer(s, connection, origin, &request);  // nothing to check
  co_await request.stop();                                // nothing to check
  if (!s.caller_gone && request.state() == RequestStream::State::caller_failed && s.server.gone())
    fail_reading(s, request.error());
  co_return Attempt::done;
}

net::Awaitable<Attempt> attempt_streaming(Service& s, const http::Origin& origin, Dial how,
                                          BodyFraming framing) {
  auto connection = co_await dial(s, origin, how);
  if (!connection) {
    co_await answer_failure(s, failure_of(connection.error(), true),
                            connection.error().message());  // nothing to check
    co_return Attempt::done;
  }
  http::ClientConnection& backend = **connection;
  backend.wants_interim = true;
  const UpstreamScope upstream(s.server, backend.stream);
  framing.expect_continue = s.server.head().expect_continue;
  const std::string_view begun = s.server.begun_body();
  trace_body(s, policy::CallTrace::Body::request, begun);
  const auto sent = co_await send_request(s, backend, framing, begun);
  if (!sent && sent.error().code() == Errc::internal) {
    fail_internal(s.call);
    co_await write_answer(s);  // nothing to check
    co_return Attempt::done;
  }
  RequestStream request(s.server, backend, framing, s.options.request_body_max,
                        *s.response_deadline, s.call.x.trace);
  co_return co_await exchange_streams(s, origin, *connection, request, framing.expect_continue,
                                      sent.value_or(begun));
}

// Outbound policies see the handshake; what follows it is bytes.
net::Awaitable<void> join(Service& s, http::ClientConnection& backend) {
  Call& call = s.call;
  policy::ResponseHead& response = call.x.response;
  response.status = backend.head.status;
  response.reason = backend.head.reason;
  response.headers = backend.head.fields;
  response.body = {};
  call.x.now_ns = s.server.worker().now_ns();
  if (respond(call) == Step::answer) {
    co_await write_answer(s);  // nothing to check
    co_return;
  }
  response.headers.add("Upgrade", "websocket");
  const auto upgraded = co_await s.server.upgrade(response.headers);
  if (!upgraded) {
    s.caller_gone = true;
    co_return;
  }
  s.tunnelled = co_await run_tunnel(s.server.worker(), {upgraded->stream, upgraded->early},
                                    {&backend.stream, backend.in.bytes()}, *s.tunnel_deadline,
                                    *s.closing_deadline);
}

net::Awaitable<Attempt> attempt_upgrade(Service& s, const http::Origin& origin, Dial how) {
  auto connection = co_await dial(s, origin, how);
  if (!connection) {
    co_await answer_failure(s, failure_of(connection.error(), true),
                            connection.error().message());  // nothing to check
    co_return Attempt::done;
  }
  http::ClientConnection& backend = **connection;
  const UpstreamScope upstream(s.server, backend.stream);
  const std::int64_t sent_ns = system_clock().steady_ns();
  s.backend_start_ns = sent_ns - s.call.began_ns;
  const auto sent = co_await send_request(s, backend, {}, {});
  const auto head = co_await await_head(s, backend);
  s.backend_ns = system_clock().steady_ns() - sent_ns;
  if (!head) {
    if (backend.reused && head.error().code() == Errc::closed && !s.server.gone())
      co_return Attempt::stale_connection;
    co_await answer_failure(s, failure_of(head.error(), false),
                            head.error().message());  // nothing to check
    co_return Attempt::done;
  }
  if (!sent || backend.head.status != 101) {
    RequestStream* const no_stream = nullptr;
    co_await pass_answer(s, *connection, origin, no_stream);  // nothing to check
    co_return Attempt::done;
  }
  const http::Fields& asked = s.call.x.request.headers;
  const auto good = http::check_websocket_answer(backend.head, asked.get("Sec-WebSocket-Key"),
                                                 asked.get("Sec-WebSocket-Protocol"));
  if (good) {
    co_await join(s, backend);  // nothing to check
  } else {
    co_await answer_failure(s, BackendFailure::connect,
                            good.error().message());  // nothing to check
  }
  co_return Attempt::done;
}

// True when the handshake is in order; otherwise it has been answered.
net::Awaitable<bool> check_handshake(Service& s) {
  const auto good = http::check_websocket_request(s.server.head());
  if (good) co_return true;
  policy::Exchange& x = s.call.x;
  const std::string_view what = x.arena.copy(good.error().message());
  if (good.error().code() == Errc::unsupported) {
    x.response_additions.push_back({"Sec-WebSocket-Version", "13"});
    policy::answer_error(x, 426, "Upgrade Required", what);
  } else {
    policy::answer_error(x, 400, "Bad Request", what);
  }
  co_await write_answer(s);  // nothing to check
  co_return false;
}

}  // namespace

net::Awaitable<void> serve_http(Service& s) {
  const Backend& backend = *s.call.plan.backend;
  const http::RequestHead& head = s.server.head();
  std::optional<std::string_view> body = s.server.buffered_body();
  if (s.options.request_body_max != 0 && co_await refuse_too_large(s, body)) co_return;
  http::BodyShare share(s.bodies);
  std::string kept;
  if (!body && s.call.plan.buffer_request) {
    if (!co_await collect_body(s, s.options.buffered_body_max, share, kept)) co_return;
    body = kept;
  }
  const ConnectionHold hold(backend.in_use.get(), s.options.connections_max);
  if (!hold) {
    fail_connection_limit(s.call);
    co_await write_answer(s);  // nothing to check
    co_return;
  }
  const http::Origin origin{backend.tls, backend.host, backend.port};
  if (body) trace_body(s, policy::CallTrace::Body::request, *body);
  if (s.call.upgrade && !co_await check_handshake(s)) co_return;
  // A new connection is not stale, so the last try is one.
  for (int tries = 0;; ++tries) {
    const Dial how = tries < kPooledTries ? Dial::any : Dial::anew;
    Attempt attempt = Attempt::done;
    if (s.call.upgrade) {
      attempt = co_await attempt_upgrade(s, origin, how);
    } else if (body) {
      attempt = co_await attempt_whole(s, origin, how, framing_of(head, *body), *body);
    } else {
      attempt = co_await attempt_streaming(s, origin, how, framing_of(head));
    }
    if (attempt == Attempt::done) co_return;
  }
}

}  // namespace mlgate::gateway::internal
