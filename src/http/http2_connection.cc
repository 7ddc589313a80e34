#include "http/http2_connection.h"

#include "base/check.h"
#include "net/worker.h"

#include <algorithm>
#include <utility>

namespace mlgate::http {
namespace {

constexpr std::size_t kCallsKeptPerConnection = 4;
// A peer that takes nothing gets no more of its frames answered.
constexpr std::size_t kQueuedFramesMax = 512;
constexpr std::int64_t kCheckEveryNs = 500'000'000;
constexpr unsigned kReadsPerYield = 16;

Http2Limits session_limits(const ServerLimits& limits) {
  Http2Limits out;
  out.streams_max = limits.streams_max;
  out.head = limits.head;
  return out;
}

}  // namespace

Http2Connection::Http2Connection(Server& server, net::Stream& stream, std::string_view peer)
    : server_(server),
      stream_(stream),
      peer_(peer),
      session_(*this, session_limits(server.options_.limits)) {
  active_ns_ = now_ns();
}

Http2Connection::~Http2Connection() = default;

std::int64_t Http2Connection::now_ns() const noexcept { return server_.worker_.now_ns(); }

Http2Stream* Http2Connection::open_stream() {
  // Streams that the peer has reset may still have a handler that has to come to its end.
  if (stopping_ || calls_.size() >= 2 * std::size_t(server_.options_.limits.streams_max))
    return nullptr;
  auto& spares = server_.http2_calls_;
  std::unique_ptr<Http2Call> call =
      spares.empty() ? std::make_unique<Http2Call>(server_.worker_.blocks()) : spares.take();
  call->connection_ = this;
  call->index_ = calls_.size();
  call->moved_ns_ = now_ns();
  calls_.push_back(std::move(call));
  return calls_.back().get();
}

void Http2Connection::on_head(Http2Stream& stream) {
  auto& call = static_cast<Http2Call&>(stream);
  call.head_ready_ = true;
  queue(call);
}

void Http2Connection::on_news(Http2Stream& stream) {
  auto& call = static_cast<Http2Call&>(stream);
  call.moved_ns_ = now_ns();
  queue(call);
}

void Http2Connection::on_closed(Http2Stream& stream) { queue(static_cast<Http2Call&>(stream)); }

void Http2Connection::queue(Http2Call& call) {
  if (call.queued_) return;
  call.queued_ = true;
  ready_.push_back(&call);
}

void Http2Connection::wake(Http2Call& call) {
  if (call.head_ready_) {
    call.head_ready_ = false;
    if (call.reset) return;
    call.handling_ = true;
    ++handling_;
    net::spawn(server_.tasks_, serve(call));
    return;
  }
  if (call.reset) call.cut_upstream();
  call.reader_.notify(net::Wake::ready);
  call.writer_.notify(net::Wake::ready);
}

void Http2Connection::schedule_turn() {
  if (in_turn_) {
    again_ = true;
    return;
  }
  post_turn();
}

void Http2Connection::post_turn() {
  if (posted_ || over_) return;
  posted_ = true;
  server_.worker_.post([self = shared_from_this()] {
    self->posted_ = false;
    self->turn();
    self->wake_reader();
  });
}

void Http2Connection::wake_reader() {
  if (!over_ && finished()) stream_.watch().interrupt_reader();
}

void Http2Connection::turn() {
  if (in_turn_) {
    again_ = true;
    return;
  }
  in_turn_ = true;
  do {
    again_ = false;
    // A handler that is woken may bring others news.
    for (std::size_t i = 0; i < ready_.size(); ++i) {
      Http2Call& call = *ready_[i];
      call.queued_ = false;
      wake(call);
    }
    ready_.clear();
    pump();
  } while (again_ || !ready_.empty());
  in_turn_ = false;
  reap();
}

void Http2Connection::pump() {
  while (!blocked_ && !broken_ && !over_) {
    if (!out_) out_ = server_.worker_.blocks().take();
    out_end_ += session_.produce({out_.data() + out_end_, net::Block::size() - out_end_});
    if (out_begin_ == out_end_) {
      out_.reset();
      out_begin_ = out_end_ = 0;
      return;
    }
    // A short rest of the block may be too small for the next frame, but then more is to come.
    const net::Io io = send_some();
    if (io.state == net::Io::State::done) continue;
    if (io.state == net::Io::State::want_read || io.state == net::Io::State::want_write) {
      blocked_ = true;
      net::spawn(server_.tasks_, drain());
    } else {
      broken_ = true;
      post_turn();  // Ends the reader, who may be our caller's caller.
    }
  }
}

net::Io Http2Connection::send_some() noexcept {
  while (out_begin_ < out_end_) {
    const net::Io io = stream_.try_write({out_.data() + out_begin_, out_end_ - out_begin_});
    if (io.state != net::Io::State::done) return io;
    out_begin_ += io.bytes;
  }
  out_begin_ = out_end_ = 0;
  return {};
}

net::Awaitable<void> Http2Connection::drain() {
  const auto self = shared_from_this();
  net::Io::State want = net::Io::State::want_write;
  Pace pace;
  std::uint64_t given = stream_.unacknowledged();
  while (!broken_) {
    pace.begin(now_ns());
    const net::Wake wake = co_await stream_.until(want, server_.timeouts_.look);
    const std::uint64_t taken = given - std::min(given, stream_.unacknowledged());
    const PaceLimits limits = server_.options_.limits.answer_pace();
    if (wake == net::Wake::timeout && pace.keeps(now_ns(), taken, limits)) continue;
    const std::size_t before = out_begin_;
    const net::Io io = wake == net::Wake::ready ? send_some() : net::Io{net::Io::State::error, 0};
    given += out_begin_ - std::min(before, out_begin_);
    if (io.state == net::Io::State::done) break;
    want = io.state;
    if (want != net::Io::State::want_read && want != net::Io::State::want_write) broken_ = true;
  }
  blocked_ = false;
  turn();
  wake_reader();
  drained_.notify(net::Wake::ready);
}

net::Awaitable<void> Http2Connection::serve(Http2Call& call) {
  const auto self = shared_from_this();
  if (call.refusal != 0) {
    const auto refused = co_await refuse(call);
    if (!refused) call.abort();
  } else {
    co_await server_.handler_.handle(call);  // nothing to check
  }
  settle(call);
  --handling_;
  active_ns_ = now_ns();
  queue(call);
  schedule_turn();
  handled_.notify(net::Wake::ready);
}

net::Task<void> Http2Connection::refuse(Http2Call& call) {
  const Response response =
      server_.handler_.protocol_error(call.refusal, standard_reason(call.refusal));
  co_return co_await respond(call, response);
}

void Http2Connection::settle(Http2Call& call) {
  // A handler that leaves without a whole answer leaves the peer nothing to wait for.
  if (!call.reset && (!call.started_ || !call.out_ended)) {
    if (!call.started_) BUG("a handler ended without an answer");
    session_.reset(call);
  }
  call.lent_ = 0;
  while (!call.in.empty()) session_.consume(call, call.in.front().size());
  call.upstream_ = nullptr;
  call.handling_ = false;
  call.writing_.begin(now_ns());
  call.moved_ns_ = now_ns();
}

void Http2Connection::reap() {
  for (std::size_t i = 0; i < calls_.size();) {
    Http2Call& call = *calls_[i];
    if (!call.closed || call.handling_ || call.queued_) {
      ++i;
      continue;
    }
    std::unique_ptr<Http2Call> free = std::move(calls_[i]);
    calls_[i] = std::move(calls_.back());
    calls_.pop_back();
    free->recycle();
    server_.http2_calls_.give(std::move(free));
  }
  if (calls_.empty() && calls_.capacity() > kCallsKeptPerConnection) {
    calls_.shrink_to_fit();
    ready_.shrink_to_fit();
  }
}

bool Http2Connection::finished() const noexcept {
  if (broken_) return true;
  if (blocked_ || session_.has_output()) return false;
  return session_.ended() || (stopping_ && calls_.empty());
}

net::Deadline& Http2Connection::next_deadline() noexcept {
  Server::Timeouts& timeouts = server_.timeouts_;
  return calls_.empty() && !session_.inside_head() ? timeouts.idle : timeouts.look;
}

void Http2Connection::check_times() {
  const ServerLimits& limits = server_.options_.limits;
  const std::int64_t now = now_ns();
  if (now - checked_ns_ < kCheckEveryNs) return;
  checked_ns_ = now;
  const auto older = [now](std::int64_t since_ns, std::chrono::nanoseconds limit) {
    return now - since_ns > limit.count();
  };
  if (calls_.empty()) {
    // Bytes that make no request do not keep a connection.
    if (older(active_ns_, session_.inside_head() ? limits.head_time : limits.idle_time)) {
      stopping_ = true;
      session_.go_away();
      turn();
    }
    return;
  }
  active_ns_ = now;
  in_turn_ = true;  // Nothing is reaped while the list is walked.
  for (std::size_t i = 0; i < calls_.size(); ++i) check_time(*calls_[i]);
  in_turn_ = false;
  turn();
}

void Http2Connection::check_time(Http2Call& call) {
  if (call.handling_) {
    if (call.reader_.waited_for() && !call.reads_on()) call.reader_.notify(net::Wake::timeout);
    if (call.writer_.waited_for() && !call.writes_on()) call.writer_.notify(net::Wake::timeout);
    return;
  }
  if (call.closed) return;
  const ServerLimits& limits = server_.options_.limits;
  // Its head does not end, its request does not, or its answer is not taken.
  const std::chrono::nanoseconds limit = call.started_ ? limits.body_gap : limits.head_time;
  const bool slow = !call.out.empty() && !call.writes_on();
  if (slow || now_ns() - call.moved_ns_ > limit.count()) session_.reset(call);
}

net::Io Http2Connection::read_some() {
  const net::Block block = server_.worker_.blocks().take();
  const net::Io io = stream_.try_read({block.data(), net::Block::size()});
  if (io.state == net::Io::State::done && !session_.receive({block.data(), io.bytes}, now_ns()))
    return {net::Io::State::error, io.bytes};
  return io;
}

net::Awaitable<bool> Http2Connection::run(std::string_view first) {
  bool failed = !first.empty() && !session_.receive(first, now_ns());
  turn();
  for (unsigned reads = 1; !failed && !finished(); ++reads) {
    if (session_.queued_frames() > kQueuedFramesMax && blocked_) {
      const net::Wake drained = co_await drained_.wait();
      if (drained != net::Wake::ready) break;
      continue;
    }
    const net::Io io = read_some();
    if (io.state == net::Io::State::done) {
      turn();
      check_times();
      if (reads % kReadsPerYield == 0)
        co_await net::yield(server_.worker_.executor());  // nothing to check
      continue;
    }
    if (io.state == net::Io::State::error && io.bytes > 0) {
      failed = true;  // What was wrong is said before the end.
    } else if (io.state == net::Io::State::end || io.state == net::Io::State::error) {
      broken_ = true;
    } else {
      const net::Wake wake = co_await stream_.until(io.state, next_deadline());
      if (stream_.watch().cancelled()) broken_ = true;
      if (wake == net::Wake::timeout) check_times();
    }
  }
  co_await end_streams();  // nothing to check
  co_return !broken_;
}

net::Awaitable<void> Http2Connection::end_streams() {
  turn();
  in_turn_ = true;
  for (std::size_t i = 0; i < calls_.size(); ++i) {
    Http2Call& call = *calls_[i];
    call.reset = true;
    call.cut_upstream();
    call.reader_.notify(net::Wake::cancelled);
    call.writer_.notify(net::Wake::cancelled);
  }
  in_turn_ = false;
  while (handling_ > 0) {
    const net::Wake handled = co_await handled_.wait();
    if (handled != net::Wake::ready) break;
  }
  while (blocked_) {
    const net::Wake drained = co_await drained_.wait();
    if (drained != net::Wake::ready) break;
  }
  over_ = true;
}

void Http2Connection::stop(bool now) noexcept {
  stopping_ = true;
  session_.go_away();
  if (now) {
    broken_ = true;
    stream_.cancel();
    return;
  }
  turn();
  wake_reader();
}

void Http2Connection::cut_upstream() noexcept {
  in_turn_ = true;
  for (std::size_t i = 0; i < calls_.size(); ++i) calls_[i]->cut_upstream();
  in_turn_ = false;
  schedule_turn();
}

}  // namespace mlgate::http
