#include "http/client.h"

#include "base/text.h"
#include "http/uri.h"

#include <algorithm>

namespace mlgate::http {
namespace {
constexpr std::chrono::seconds kSweepEvery{1};
constexpr unsigned kInterimsMax = 16;

// TLS peers send session tickets into idle connections: those are read away, anything else makes it
// unusable.
bool still_quiet(ClientConnection& connection) {
  if (!connection.stream.has_news()) return true;
  if (!connection.stream.is_tls()) return false;
  char byte = 0;
  return connection.stream.try_read({&byte, 1}).state == net::Io::State::want_read;
}

// A query may hold a token, which no text repeats.
std::string without_query(const std::string& url) { return url.substr(0, url.find('?')); }

std::string compose_fetch(const FetchRequest& request, const Url& url) {
  std::string head = request.method + " " + std::string(url.path.empty() ? "/" : url.path);
  if (!url.query.empty()) head += "?" + std::string(url.query);
  head += " HTTP/1.1\r\nHost: " + std::string(url.authority) + "\r\n";
  for (const auto& [name, value] : request.headers) head += name + ": " + value + "\r\n";
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT" ||
      request.method == "PATCH")
    head += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  return head + "\r\n" + request.body;
}

}  // namespace

HeadResult ClientConnection::try_head(std::string_view request_method) {
  for (;;) {
    if (interim_) {
      in.finish();
      interim_ = false;
      if (in.empty()) return HeadResult();
    }
    const HeadResult parsed = parse_response_head(in.bytes(), head);
    if (parsed.state != HeadState::complete) return parsed;
    in.take_head(parsed.head_bytes);
    if (head.status >= 100 && head.status < 200 && head.status != 101) {
      interim_ = true;
      if (++interims_ > kInterimsMax)
        return {.state = HeadState::error,
                .head_bytes = 0,
                .status = 502,
                .reason = "The backend sent too many interim answers."};
      if (wants_interim) return parsed;
      continue;
    }
    const bool bodiless = head.bodiless(request_method);
    in.begin_body(bodiless              ? Framing::none
                  : head.chunked        ? Framing::chunked
                  : head.content_length ? Framing::length
                                        : Framing::until_close,
                  head.content_length.value_or(0));
    if (!bodiless && !head.chunked && !head.content_length) head.keep_alive = false;
    if (head.status == 101) head.keep_alive = false;
    head_done = true;
    return parsed;
  }
}

net::Task<void> ClientConnection::read_head(std::string_view request_method,
                                            net::Deadline& deadline) {
  for (;;) {
    if (head_done) co_return Result<void>();
    if (!in.empty()) {
      const HeadResult parsed = try_head(request_method);
      if (parsed.state == HeadState::complete) co_return Result<void>();
      if (parsed.state == HeadState::error)
        co_return fail(Errc::unavailable,
                       "The backend sent a malformed response: " + std::string(parsed.reason));
    }
    const net::Io io = in.fill();
    if (io.state == net::Io::State::done) continue;
    if (io.state == net::Io::State::end || io.state == net::Io::State::error)
      co_return fail(Errc::closed, "The backend closed the connection before it answered.");
    if (in.empty()) in.finish();  // Waits without a block.
    const net::Wake wake = co_await stream.until(io.state, deadline);
    if (wake == net::Wake::timeout)
      co_return fail(Errc::timeout, "The backend did not answer in time.");
    if (wake == net::Wake::cancelled) co_return fail(Errc::closed, "The call was cancelled.");
  }
}

net::Task<std::string_view> ClientConnection::read_body(net::Deadline& deadline) {
  for (;;) {
    const Incoming::Piece piece = in.next();
    if (piece.state == Incoming::Piece::State::data) co_return piece.bytes;
    if (piece.state == Incoming::Piece::State::end) co_return std::string_view();
    if (piece.state == Incoming::Piece::State::bad)
      co_return fail(Errc::unavailable, "The backend sent a malformed chunked body.");
    const net::Io io = in.fill();
    if (io.state == net::Io::State::done) continue;
    if (io.state == net::Io::State::end) {
      if (in.end_of_stream()) co_return std::string_view();
      co_return fail(Errc::closed, "The backend closed the connection inside the body.");
    }
    if (io.state == net::Io::State::error)
      co_return fail(Errc::closed, "The connection to the backend broke.");
    const net::Wake wake = co_await stream.until(io.state, deadline);
    if (wake == net::Wake::timeout) co_return fail(Errc::timeout, "The backend stopped sending.");
    if (wake == net::Wake::cancelled) co_return fail(Errc::closed, "The call was cancelled.");
  }
}

Client::Client(net::Worker& worker, net::AddressCheck check, ssl_ctx_st* tls, ClientLimits limits)
    : worker_(worker),
      dialer_(worker, std::move(check), limits.dial),
      tls_(tls),
      limits_(limits),
      connect_(worker.poller(), limits.connect_time),
      response_(worker.poller(), limits.response_time),
      sweep_timer_(worker.poller(),
                   std::min<std::chrono::nanoseconds>(kSweepEvery, limits.dial.refresh),
                   [this] { sweep(); }) {
  sweep_timer_.start();
}

void Client::sweep() {
  const std::int64_t oldest_ns =
      worker_.now_ns() - std::chrono::nanoseconds(limits_.idle_time).count();
  for (auto& [key, connections] : idle_) {
    std::erase_if(connections, [&](const std::unique_ptr<ClientConnection>& connection) {
      return connection->idle_since_ns < oldest_ns || !still_quiet(*connection) ||
             !leads_there(key, *connection);
    });
    if (!connections.empty()) dialer_.renew(key.host);
  }
  std::erase_if(idle_, [](const auto& entry) { return entry.second.empty(); });
  sweep_timer_.start();
}

bool Client::leads_there(const Origin& origin, ClientConnection& connection) const {
  if (connection.dialer_changes == dialer_.changes()) return true;
  connection.dialer_changes = dialer_.changes();
  return dialer_.still_names(origin.host, connection.address);
}

std::unique_ptr<ClientConnection> Client::take_idle(const Origin& origin) {
  const auto found = idle_.find(origin);
  if (found == idle_.end()) return nullptr;
  auto& connections = found->second;
  while (!connections.empty()) {
    std::unique_ptr<ClientConnection> connection = std::move(connections.back());
    connections.pop_back();
    if (still_quiet(*connection) && leads_there(origin, *connection)) {
      connection->reused = true;
      return connection;
    }
  }
  return nullptr;
}

net::Task<std::unique_ptr<ClientConnection>> Client::connect(const Origin& origin) {
  const std::string host(origin.host);
  auto connection = std::make_unique<ClientConnection>(worker_.blocks());
  connection->dialer_changes = dialer_.changes();
  CO_TRY(connection->address,
         co_await dialer_.connect(connection->stream, host, origin.port, connect_));
  if (origin.tls) {
    connection->stream.start_tls_client(tls_, host);
    CO_TRY_OK(co_await connection->stream.handshake(connect_, limits_.connect_time));
  }
  co_return connection;
}

void Client::give_back(const Origin& origin, std::unique_ptr<ClientConnection> connection) {
  if (!connection->reusable() || !leads_there(origin, *connection)) return;
  connection->in.finish();
  connection->begin();
  connection->idle_since_ns = worker_.now_ns();
  auto found = idle_.find(origin);
  if (found == idle_.end())
    found = idle_.try_emplace({origin.tls, std::string(origin.host), origin.port}).first;
  auto& connections = found->second;
  if (connections.size() < limits_.idle_max) connections.push_back(std::move(connection));
}

net::Task<Response> Client::fetch(FetchRequest request, std::size_t body_bytes_max) {
  CO_TRY(const Url url, parse_url(request.url));
  const Origin origin{url.tls, url.host, url.port};
  std::unique_ptr<ClientConnection> connection = take_idle(origin);
  if (!connection) {
    CO_TRY(connection, co_await connect(origin));
  }
  const auto sent = co_await connection->stream.write_all(compose_fetch(request, url), response_);
  if (!sent && sent.error().code() == Errc::timeout) co_return std::unexpected(sent.error());
  // A server that refuses a body answers and closes while the body is still being sent; what it
  // said has come all the same.
  const auto answered = co_await connection->read_head(request.method, response_);
  if (!answered) co_return std::unexpected(sent ? answered.error() : sent.error());
  Response response;
  response.status = connection->head.status;
  response.reason = std::string(connection->head.reason);
  for (const Field& field : connection->head.fields)
    response.headers.emplace_back(field.name, field.value);
  for (;;) {
    CO_TRY(const std::string_view piece, co_await connection->read_body(response_));
    if (piece.empty()) break;
    if (response.body.size() + piece.size() > body_bytes_max)
      co_return fail(Errc::exhausted,
                     "The answer of " + without_query(request.url) + " is too large.");
    response.body += piece;
  }
  if (sent) give_back(origin, std::move(connection));
  co_return response;
}

}  // namespace mlgate::http
