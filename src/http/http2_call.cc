// What a handler sees of one HTTP/2 stream.
#include "base/check.h"
#include "base/text.h"
#include "http/http2_connection.h"
#include "net/worker.h"

#include <algorithm>

namespace mlgate::http {
namespace {

// Written and not yet sent, per stream.
constexpr std::size_t kOutBytesMax = 64 * 1024;

}  // namespace

std::string_view Http2Call::scheme() const noexcept {
  return connection_->stream_.is_tls() ? "https" : "http";
}
std::string_view Http2Call::peer() const noexcept { return connection_->peer_; }
std::string_view Http2Call::tls_version() const noexcept {
  return connection_->stream_.tls_version();
}
net::Worker& Http2Call::worker() noexcept { return connection_->server_.worker_; }

void Http2Call::recycle() noexcept {
  Http2Stream::recycle();
  connection_ = nullptr;
  upstream_ = nullptr;
  reading_.reset();
  writing_.reset();
  moved_ns_ = 0;
  lent_ = index_ = 0;
  head_ready_ = handling_ = queued_ = false;
  started_ = no_body_ = stopped_reading_ = cut_ = paused_ = false;
}

std::optional<std::string_view> Http2Call::buffered_body() noexcept {
  // A body with trailers is read to its end, where they are.
  if (!in_ended || reset || !in_trailers.empty()) return std::nullopt;
  const std::string_view body = in.front();
  if (body.size() != in.size()) return std::nullopt;
  return body;
}

bool Http2Call::reads_on() noexcept {
  // Where both sides talk in turns, what goes out is a sign of life as well.
  const bool turns = (paused_ || started_) && !out_ended;
  const std::uint64_t moved = in_bytes + (turns ? Http2Stream::out_bytes - out.size() : 0);
  const ServerLimits& limits = connection_->server_.options_.limits;
  const PaceLimits pace = turns ? limits.turns_pace() : limits.body_pace();
  return reading_.keeps(connection_->now_ns(), moved, pace);
}

bool Http2Call::writes_on() noexcept {
  const ServerLimits& limits = connection_->server_.options_.limits;
  const std::uint64_t moved = Http2Stream::out_bytes - out.size();
  return writing_.keeps(connection_->now_ns(), moved, limits.answer_pace());
}

net::Task<void> Http2Call::await_body() {
  reading_.begin(connection_->now_ns());
  const net::Wake wake = co_await reader_.wait();
  if (wake == net::Wake::cancelled) co_return fail(Errc::closed, "The connection was closed.");
  if (wake == net::Wake::timeout || !reads_on())
    co_return fail(Errc::timeout, "The request body came too slowly.");
  co_return Result<void>();
}

net::Task<void> Http2Call::await_room() {
  writing_.begin(connection_->now_ns());
  const net::Wake wake = co_await writer_.wait();
  if (wake == net::Wake::cancelled) co_return fail(Errc::closed, "The connection was closed.");
  if (wake == net::Wake::timeout || !writes_on())
    co_return fail(Errc::timeout, "The caller took no data.");
  co_return Result<void>();
}

net::Task<std::string_view> Http2Call::read_body() {
  if (lent_ > 0) {
    connection_->session_.consume(*this, std::exchange(lent_, 0));
    connection_->schedule_turn();  // The windows that this opened.
  }
  for (;;) {
    if (reset) co_return fail(Errc::closed, "The caller reset the stream.");
    if (stopped_reading_) co_return fail(Errc::closed, "The answer is complete.");
    if (!in.empty()) {
      lent_ = in.front().size();
      co_return in.front();
    }
    if (in_ended) co_return std::string_view();
    if (Http2Stream::head.expect_continue) {
      Http2Stream::head.expect_continue = false;
      if (!started_) {
        CO_TRY_OK(co_await interim(100, nullptr));
      }
    }
    CO_TRY_OK(co_await await_body());
  }
}

void Http2Call::stop_reading() noexcept {
  stopped_reading_ = true;
  reader_.notify(net::Wake::ready);
}

net::Task<void> Http2Call::interim(int status, const Fields* fields) {
  if (status == 100) Http2Stream::head.expect_continue = false;
  CO_TRY_OK(connection_->session_.interim(*this, status, fields));
  connection_->schedule_turn();
  co_return Result<void>();
}

net::Task<Upgraded> Http2Call::upgrade(const Fields& /*fields*/) {
  co_return fail(Errc::unsupported, "HTTP/2 shares its connection.");
}

Result<void> Http2Call::start(const ResponseStart& response) {
  DCHECK(!started_);
  const bool bodiless = response.status == 204 || response.status == 304 || response.status < 200;
  no_body_ = bodiless || Http2Stream::head.method == "HEAD" || response.body_bytes == 0u;
  TRY_OK(connection_->session_.respond(
      *this, response, connection_->server_.date_field(),
      no_body_ ? Http2Session::Body::none : Http2Session::Body::follows));
  started_ = true;
  if (no_body_) out_ended = true;
  return {};
}

bool Http2Call::try_append(std::string_view bytes) noexcept {
  if (no_body_ || reset || bytes.empty()) return true;
  if (out.size() + bytes.size() > kOutBytesMax) return false;
  out.append(bytes);
  Http2Stream::out_bytes += bytes.size();
  return true;
}

net::Task<void> Http2Call::write(std::string_view bytes) {
  while (!bytes.empty()) {
    if (reset) co_return fail(Errc::closed, "The caller reset the stream.");
    const std::size_t room = kOutBytesMax - std::min(kOutBytesMax, out.size());
    const std::size_t part = std::min(room, bytes.size());
    if (part > 0) {
      try_append(bytes.substr(0, part));
      bytes.remove_prefix(part);
    }
    if (bytes.empty()) break;
    connection_->session_.resume(*this);
    connection_->schedule_turn();
    CO_TRY_OK(co_await await_room());
  }
  co_return Result<void>();
}

net::Task<void> Http2Call::flush() {
  connection_->session_.resume(*this);
  connection_->schedule_turn();
  while (!out.empty()) {
    if (reset) co_return fail(Errc::closed, "The caller reset the stream.");
    CO_TRY_OK(co_await await_room());
  }
  if (reset) co_return fail(Errc::closed, "The caller reset the stream.");
  co_return Result<void>();
}

void Http2Call::set_trailers(std::string_view lines) {
  if (!no_body_) out_trailers = lines;
}

bool Http2Call::try_finish() noexcept {
  // What is left to send stays with the stream, which outlives the call.
  out_ended = true;
  connection_->session_.resume(*this);
  connection_->schedule_turn();
  return !reset;
}

net::Task<void> Http2Call::finish() {
  if (!try_finish()) co_return fail(Errc::closed, "The caller reset the stream.");
  co_return Result<void>();
}

void Http2Call::abort() noexcept {
  if (reset || (out_ended && started_)) return;
  connection_->session_.reset(*this);
  connection_->schedule_turn();
}

void Http2Call::set_upstream(net::Stream* upstream) noexcept {
  upstream_ = upstream;
  if (upstream && (cut_ || reset)) upstream->cancel();
}

void Http2Call::cut_upstream() noexcept {
  cut_ = true;
  if (upstream_) upstream_->cancel();
}

}  // namespace mlgate::http
