#include "http/http1_connection.h"

#include "base/check.h"
#include "base/text.h"
#include "http/http2_connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace mlgate::http {
namespace {

constexpr std::int64_t kLingerNs = 4'000'000'000;
constexpr std::size_t kLingerBytesMax = 256 * 1024;
// How an HTTP/2 peer begins on clear text; what follows is nghttp2's to check.
constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\n";
constexpr std::size_t kDrainBytesMax = 64 * 1024;
// Copying less than this costs less than a system call of its own.
constexpr std::size_t kThroughBytesMin = 16 * 1024;
// Room that a chunk needs around its data, and the last chunk behind it.
constexpr std::size_t kChunkOverhead = kChunkHeaderBytesMax + 2 + kLastChunk.size();

bool is_framing_field(std::string_view name) noexcept {
  return equals_ignoring_case(name, "content-length") ||
         equals_ignoring_case(name, "transfer-encoding") ||
         equals_ignoring_case(name, "connection") || equals_ignoring_case(name, "keep-alive");
}

}  // namespace

Http1Connection::Http1Connection(Server& server, int fd, const net::Address& peer)
    : server_(server), in_(stream_, server.worker_.blocks()) {
  stream_.open(server.worker_.poller(), fd);
  stream_.watch().listen(*this);
  if (server.options_.tls) stream_.start_tls_server(server.options_.tls);
  const std::string text = peer.text();
  std::memcpy(peer_.data(), text.data(), std::min(text.size(), peer_.size() - 1));
  server_.connections_.push_back(this);
}

Http1Connection::~Http1Connection() { std::erase(server_.connections_, this); }

void Http1Connection::stop(bool now) noexcept {
  stopping_ = true;
  if (http2_) {
    http2_->stop(now);
    return;
  }
  if (now || idle()) stream_.cancel();
}

void Http1Connection::drain() noexcept {
  if (http2_) http2_->stop(false);
}

void Http1Connection::set_upstream(net::Stream* upstream) noexcept {
  upstream_ = upstream;
  if (!upstream) return;
  if (stream_.watch().hung_up() && caller_left()) broken_ = true;
  if (cut_ || broken_) upstream->cancel();
}

// A caller that closes its sending side behind a whole request cannot be told from one that is
// gone, and to work for those is worse than to fail the few that only end their side. One that has
// more requests on the way is still there.
bool Http1Connection::caller_left() const noexcept {
  if (!state_ || upgraded_ || !in_.body_done() || !in_.empty()) return false;
  if (stream_.is_tls()) return true;  // What may wait there is its farewell.
  char byte = 0;
  return ::recv(stream_.fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0;
}

// The end of the stream came with that of the body, and woke its reader. Not from here: whoever
// reads has to get on first.
void Http1Connection::look_again() {
  server_.worker_.executor().execute([&server = server_, this] {
    if (std::ranges::find(server.connections_, this) != server.connections_.end()) hung_up();
  });
}

void Http1Connection::hung_up() {
  if (!upstream_ || !caller_left()) return;
  broken_ = true;
  upstream_->cancel();
}

void Http1Connection::cut_upstream() noexcept {
  cut_ = true;
  if (upstream_) upstream_->cancel();
  if (http2_) http2_->cut_upstream();
}

net::Awaitable<void> Http1Connection::run() {
  if (stream_.is_tls()) {
    const auto shaken =
        co_await stream_.handshake(server_.timeouts_.look, server_.options_.limits.head_time);
    if (!shaken) {
      ++server_.failed_handshakes_total_;
      co_return;
    }
  }
  switch (co_await find_protocol()) {
    case Next::closed:
      co_return;
    case Next::http2:
      co_await serve_http2();  // nothing to check
      co_return;
    case Next::request:
      break;
  }
  for (unsigned served = 0;; ++served) {
    if (served > 0 && co_await await_request() == Next::closed) co_return;
    state_ = server_.take_state();
    if (!co_await read_head()) break;
    co_await server_.handler_.handle(*this);  // nothing to check
    if (upgraded_) break;
    co_await end_call();  // nothing to check
    if (broken_ || !keep_alive_ || stopping_) break;
    server_.give_state(std::move(state_));
    // A caller that pipelines without end lets the others have their turn.
    if (served % 64 == 63) co_await net::yield(server_.worker_.executor());  // nothing to check
  }
  if (!broken_ && !upgraded_) co_await linger();  // nothing to check
  if (state_) server_.give_state(std::move(state_));
}

net::Awaitable<Http1Connection::Next> Http1Connection::find_protocol() {
  if (stream_.protocol() == "h2") co_return Next::http2;
  if (co_await await_request() == Next::closed) co_return Next::closed;
  const std::int64_t since_ns = server_.worker_.now_ns();
  for (;;) {
    const std::string_view bytes = in_.bytes().substr(0, kPreface.size());
    if (!kPreface.starts_with(bytes)) co_return Next::request;
    if (bytes.size() == kPreface.size()) co_return Next::http2;
    // A request's own time limit begins when it is known to be one.
    const net::Io io = in_.fill();
    if (io.state == net::Io::State::done) continue;
    if (io.state == net::Io::State::end || io.state == net::Io::State::error)
      co_return Next::request;
    const net::Wake wake = co_await stream_.until(io.state, server_.timeouts_.look);
    if (wake == net::Wake::cancelled || head_late(since_ns)) co_return Next::request;
  }
}

net::Awaitable<void> Http1Connection::serve_http2() {
  const auto connection = std::make_shared<Http2Connection>(server_, stream_, peer());
  http2_ = connection.get();
  std::string first(in_.bytes());
  in_.take_head(first.size());
  in_.finish();  // The block goes back: from here on the session reads.
  if (stopping_) connection->stop(false);
  const bool listens = co_await connection->run(first);
  http2_ = nullptr;
  if (listens) co_await linger();  // nothing to check
}

net::Awaitable<Http1Connection::Next> Http1Connection::await_request() {
  if (!in_.empty()) co_return Next::request;
  for (;;) {
    const net::Io io = in_.fill();
    if (io.state == net::Io::State::done) co_return Next::request;
    in_.finish();  // Waits without a block.
    if (io.state == net::Io::State::end || io.state == net::Io::State::error || stopping_)
      co_return Next::closed;
    const net::Wake wake = co_await stream_.until(io.state, server_.timeouts_.idle);
    if (wake != net::Wake::ready) co_return Next::closed;
  }
}

bool Http1Connection::head_late(std::int64_t since_ns) const noexcept {
  return server_.worker_.now_ns() - since_ns >=
         std::chrono::nanoseconds(server_.options_.limits.head_time).count();
}

net::Awaitable<bool> Http1Connection::read_head() {
  const std::int64_t since_ns = server_.worker_.now_ns();
  std::size_t seen = 0;
  for (;;) {
    const HeadResult parsed =
        parse_request_head(in_.bytes(), state_->head, seen, server_.options_.limits.head);
    if (parsed.state == HeadState::complete) {
      begin_call(parsed.head_bytes);
      co_return true;
    }
    if (parsed.state == HeadState::error) {
      co_await refuse(parsed.status, parsed.reason);  // nothing to check
      co_return false;
    }
    seen = in_.bytes().size();
    const net::Io io = in_.fill();
    if (io.state == net::Io::State::done) continue;
    if (io.state == net::Io::State::end || io.state == net::Io::State::error) {
      broken_ = true;
      co_return false;
    }
    const net::Wake wake = co_await stream_.until(io.state, server_.timeouts_.look);
    if (head_late(since_ns)) {
      co_await refuse(408, "The request head took too long.");  // nothing to check
      co_return false;
    }
    if (wake == net::Wake::cancelled) {
      broken_ = true;
      co_return false;
    }
  }
}

void Http1Connection::begin_call(std::size_t head_bytes) noexcept {
  const RequestHead& head = state_->head;
  in_.take_head(head_bytes);
  in_.begin_body(head.chunked          ? Framing::chunked
                 : head.content_length ? Framing::length
                                       : Framing::none,
                 head.content_length.value_or(0));
  head_bytes_ = head_bytes;
  bytes_out_ = 0;
  reading_.reset();
  writing_.reset();
  body_wanted_ = paused_ = false;
  started_ = finished_ = broken_ = chunked_out_ = no_body_ = stopped_reading_ = false;
  trailers_.clear();
  keep_alive_ = head.keep_alive && !stopping_;
  expect_continue_ = head.expect_continue && !in_.body_done();
}

net::Awaitable<void> Http1Connection::refuse(int status, std::string_view what) {
  // The message could not be read, so where the next one begins is unknown: answer and close.
  Response response = server_.handler_.protocol_error(status, what);
  state_->head = RequestHead();
  state_->head.version_minor = 1;
  in_.begin_body(Framing::none, 0);
  started_ = finished_ = broken_ = chunked_out_ = no_body_ = expect_continue_ = false;
  keep_alive_ = false;
  const auto sent = co_await respond(*this, response);
  if (!sent) broken_ = true;
}

std::optional<std::string_view> Http1Connection::buffered_body() noexcept {
  std::string_view body;
  if (!in_.whole_body(body)) return std::nullopt;
  return body;
}

std::string_view Http1Connection::begun_body() noexcept {
  if (expect_continue_ || state_->head.chunked) return {};
  body_wanted_ = true;
  return in_.next().bytes;
}

net::Task<std::string_view> Http1Connection::read_body() {
  body_wanted_ = true;
  for (;;) {
    if (stopped_reading_) co_return fail(Errc::closed, "The answer is complete.");
    const Incoming::Piece piece = in_.next();
    switch (piece.state) {
      case Incoming::Piece::State::data:
        co_return piece.bytes;
      case Incoming::Piece::State::end:
        if (upstream_ && stream_.watch().hung_up()) look_again();
        co_return std::string_view();
      case Incoming::Piece::State::bad:
        keep_alive_ = false;
        co_return fail(Errc::invalid_argument, "The chunked body is malformed.");
      case Incoming::Piece::State::need_more:
        break;
    }
    if (expect_continue_) {
      CO_TRY_OK(co_await interim(100, nullptr));
    }
    const net::Io io = in_.fill();
    if (io.state == net::Io::State::done) continue;
    if (io.state == net::Io::State::end || io.state == net::Io::State::error) {
      broken_ = true;
      co_return fail(Errc::closed, "The caller closed the connection inside the body.");
    }
    reading_.begin(server_.worker_.now_ns());
    CO_TRY_OK(body_came(co_await stream_.until(io.state, server_.timeouts_.look), 0));
  }
}

Result<void> Http1Connection::body_came(net::Wake wake, std::uint64_t unread) {
  // Where both sides talk in turns, what goes out is a sign of life as well.
  const bool turns = (paused_ || started_) && !finished_;
  const std::uint64_t moved = in_.body_bytes() + unread + (turns ? bytes_out_ : 0);
  const ServerLimits& limits = server_.options_.limits;
  const PaceLimits pace = turns ? limits.turns_pace() : limits.body_pace();
  if (!reading_.keeps(server_.worker_.now_ns(), moved, pace)) {
    keep_alive_ = false;
    return fail(Errc::timeout, "The request body came too slowly.");
  }
  if (wake == net::Wake::cancelled && !stopped_reading_) {
    broken_ = true;
    return fail(Errc::closed, "The connection was closed.");
  }
  return {};
}

void Http1Connection::stop_reading() noexcept {
  stopped_reading_ = true;
  stream_.watch().interrupt_reader();
}

net::Task<void> Http1Connection::interim(int status, const Fields* fields) {
  if (status == 100) expect_continue_ = false;
  if (started_ || state_->head.version_minor == 0) co_return Result<void>();
  std::string text = "HTTP/1.1 " + std::to_string(status) + " ";
  text.append(standard_reason(status)).append("\r\n");
  if (fields) {
    for (const Field& field : *fields)
      if (!is_framing_field(field.name))
        text.append(field.name).append(": ").append(field.value).append("\r\n");
  }
  text += "\r\n";
  co_return co_await stream_.write_all(text, server_.timeouts_.body);
}

net::Task<Upgraded> Http1Connection::upgrade(const Fields& fields) {
  DCHECK(!started_);
  std::string text = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n";
  for (const Field& field : fields)
    if (!is_framing_field(field.name))
      text.append(field.name).append(": ").append(field.value).append("\r\n");
  text += "\r\n";
  // Neither request nor answer has an end of its own any more.
  started_ = finished_ = upgraded_ = true;
  keep_alive_ = false;
  CO_TRY_OK(co_await stream_.write_all(text, server_.timeouts_.body));
  bytes_out_ += text.size();
  co_return Upgraded{&stream_, in_.bytes()};
}

bool Http1Connection::room_for(std::size_t size) noexcept {
  if (!out_) {
    out_ = server_.worker_.blocks().take();
    out_begin_ = out_end_ = 0;
  }
  return net::Block::size() - out_end_ >= size;
}

void Http1Connection::put(std::string_view bytes) noexcept {
  std::memcpy(out_.data() + out_end_, bytes.data(), bytes.size());
  out_end_ += bytes.size();
}

Result<void> Http1Connection::start(const ResponseStart& response) {
  DCHECK(!started_);
  const std::string_view reason =
      response.reason.empty() ? standard_reason(response.status) : response.reason;
  std::size_t size = 160 + reason.size();
  if (response.fields)
    for (const Field& field : *response.fields) size += field.name.size() + field.value.size() + 4;
  if (!room_for(size)) return fail(Errc::exhausted, "the response head is larger than 68 KiB");

  char number[24];
  const auto digits = [&](std::uint64_t value) {
    return std::string_view(number,
                            std::size_t(std::to_chars(number, number + 24, value).ptr - number));
  };
  const RequestHead& head = state_->head;
  if (server_.draining_) keep_alive_ = false;
  put("HTTP/1.1 ");
  put(digits(std::uint64_t(response.status)));
  put(" ");
  put(reason);
  put("\r\n");
  bool dated = false;
  if (response.fields) {
    for (const Field& field : *response.fields) {
      if (is_framing_field(field.name)) continue;
      dated = dated || equals_ignoring_case(field.name, "date");
      put(field.name);
      put(": ");
      put(field.value);
      put("\r\n");
    }
  }
  if (!dated) put(server_.date_field());
  const bool bodiless = response.status == 204 || response.status == 304 || response.status < 200;
  no_body_ = bodiless || head.method == "HEAD";
  body_left_ = response.body_bytes.value_or(0);
  const bool length_allowed = response.status >= 200 && response.status != 204;
  if (response.body_bytes && length_allowed) {
    put("Content-Length: ");
    put(digits(*response.body_bytes));
    put("\r\n");
  } else if (!response.body_bytes && !no_body_) {
    chunked_out_ = head.version_minor >= 1;
    if (chunked_out_) {
      put("Transfer-Encoding: chunked\r\n");
    } else {
      keep_alive_ = false;
    }
  }
  // A body that was refused unread would be taken for the next request.
  if (expect_continue_) keep_alive_ = false;
  // One that nobody began to read and that is too long to be read away ends the connection.
  const bool unread = !body_wanted_ && !in_.body_done();
  if (unread && head.content_length.value_or(0) > kDrainBytesMax) keep_alive_ = false;
  if (!keep_alive_) {
    put("Connection: close\r\n");
  } else if (head.version_minor == 0) {
    put("Connection: keep-alive\r\n");
  }
  put("\r\n");
  started_ = true;
  return {};
}

void Http1Connection::put_chunk(std::string_view bytes) noexcept {
  out_end_ += write_chunk_header(bytes.size(), out_.data() + out_end_);
  put(bytes);
  put("\r\n");
}

bool Http1Connection::try_append(std::string_view bytes) noexcept {
  if (no_body_ || bytes.empty()) return true;
  if (!room_for(bytes.size() + kChunkOverhead)) return false;
  if (chunked_out_) {
    put_chunk(bytes);
  } else {
    put(bytes);
    body_left_ -= std::min<std::uint64_t>(body_left_, bytes.size());
  }
  return true;
}

// Sends a piece from where it lies; nothing waits to be sent before it.
net::Task<void> Http1Connection::await_taker(net::Io::State want) {
  net::Worker& worker = server_.worker_;
  for (;;) {
    writing_.begin(worker.now_ns());
    const net::Wake wake = co_await stream_.until(want, server_.timeouts_.look);
    if (wake == net::Wake::ready) co_return Result<void>();
    const std::uint64_t taken = bytes_out_ - std::min(bytes_out_, stream_.unacknowledged());
    const PaceLimits limits = server_.options_.limits.answer_pace();
    if (wake == net::Wake::timeout && writing_.keeps(worker.now_ns(), taken, limits)) continue;
    broken_ = true;
    co_return fail(wake == net::Wake::timeout ? Errc::timeout : Errc::closed,
                   "The caller took no data.");
  }
}

net::Task<void> Http1Connection::write_through(std::string_view bytes) {
  while (!bytes.empty()) {
    const net::Io io = stream_.try_write(bytes);
    if (io.state == net::Io::State::done) {
      bytes.remove_prefix(io.bytes);
      bytes_out_ += io.bytes;
      body_left_ -= std::min<std::uint64_t>(body_left_, io.bytes);
      continue;
    }
    const bool waits =
        io.state == net::Io::State::want_write || io.state == net::Io::State::want_read;
    if (waits) {
      CO_TRY_OK(co_await await_taker(io.state));
      continue;
    }
    broken_ = true;
    co_return fail(Errc::closed, "The caller closed the connection.");
  }
  co_return Result<void>();
}

net::Task<void> Http1Connection::write(std::string_view bytes) {
  for (;;) {
    const bool empty = out_begin_ == out_end_;
    if (empty && bytes.size() >= kThroughBytesMin && !chunked_out_ && !no_body_)
      co_return co_await write_through(bytes);
    if (try_append(bytes)) co_return Result<void>();
    if (empty) {
      // A chunk larger than a block: in pieces.
      const std::size_t part = net::Block::size() - kChunkOverhead;
      try_append(bytes.substr(0, part));
      bytes.remove_prefix(part);
    }
    CO_TRY_OK(co_await flush());
  }
}

net::Io Http1Connection::send_some() noexcept {
  while (out_begin_ < out_end_) {
    const net::Io io = stream_.try_write({out_.data() + out_begin_, out_end_ - out_begin_});
    if (io.state != net::Io::State::done) return io;
    out_begin_ += io.bytes;
    bytes_out_ += io.bytes;
  }
  out_begin_ = out_end_ = 0;
  return {};
}

net::Task<void> Http1Connection::flush() {
  for (;;) {
    const net::Io io = send_some();
    if (io.state == net::Io::State::done) co_return Result<void>();
    if (io.state == net::Io::State::want_write || io.state == net::Io::State::want_read) {
      CO_TRY_OK(co_await await_taker(io.state));
      continue;
    }
    broken_ = true;
    co_return fail(Errc::closed, "The caller closed the connection.");
  }
}

void Http1Connection::set_trailers(std::string_view lines) {
  if (chunked_out_ && !no_body_) trailers_ = lines.substr(0, kTrailerBytesMax);
}

void Http1Connection::end_body() noexcept {
  if (finished_) return;
  finished_ = true;
  if (chunked_out_ && !no_body_) {
    if (!trailers_.empty() && room_for(trailers_.size() + kLastChunk.size())) {
      put("0\r\n");
      put(trailers_);
      put("\r\n");
    } else if (room_for(kLastChunk.size())) {
      put(kLastChunk);
    }
  }
  // Fewer bytes than announced: only a close tells the caller.
  if (!chunked_out_ && !no_body_ && body_left_ > 0) broken_ = true;
}

bool Http1Connection::try_finish() noexcept {
  end_body();
  return send_some().state == net::Io::State::done && !broken_;
}

net::Task<void> Http1Connection::finish() {
  end_body();
  CO_TRY_OK(co_await flush());
  if (broken_) co_return fail(Errc::internal, "The answer is shorter than announced.");
  co_return Result<void>();
}

net::Awaitable<void> Http1Connection::end_call() {
  if (!started_ && !broken_) {
    BUG("a handler ended without an answer");
    const Response response = server_.handler_.protocol_error(500, "Internal server error.");
    const auto sent = co_await respond(*this, response);
    if (!sent) broken_ = true;
  }
  if (!finished_ && !broken_) broken_ = true;
  if (out_begin_ == out_end_) out_.reset();
  stopped_reading_ = false;
  if (wanted_bytes_ > 1) want_at_once(1);
  // A short rest of the body is read away, so that the connection can go on; a long one ends it.
  std::size_t drained = 0;
  while (!broken_ && keep_alive_ && !in_.body_done()) {
    const auto piece = co_await read_body();
    if (!piece) {
      keep_alive_ = false;
      break;
    }
    drained += piece->size();
    if (drained > kDrainBytesMax) keep_alive_ = false;
  }
  if (keep_alive_) in_.finish();
}

net::Awaitable<void> Http1Connection::linger() {
  const std::int64_t until_ns = server_.worker_.now_ns() + kLingerNs;
  // Closing with unread bytes would reset the connection and could take the answer with it: say
  // that we are done, then read until the peer closes too.
  stream_.shutdown_send();
  std::size_t read = 0;
  in_.finish();
  while (read < kLingerBytesMax && !stopping_ && server_.worker_.now_ns() < until_ns) {
    net::Io io;
    {
      const net::Block scrap = server_.worker_.blocks().take();
      io = stream_.try_read({scrap.data(), net::Block::size()});
    }
    if (io.state == net::Io::State::done) {
      read += io.bytes;
      continue;
    }
    if (io.state != net::Io::State::want_read) co_return;
    const net::Wake wake = co_await stream_.until_readable(server_.timeouts_.linger);
    if (wake != net::Wake::ready) co_return;
  }
}

}  // namespace mlgate::http
