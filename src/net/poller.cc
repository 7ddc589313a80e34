#include "net/poller.h"

#include "base/check.h"
#include "base/time.h"

#include <asio/async_result.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace mlgate::net {
namespace {
constexpr std::chrono::milliseconds kSweepEvery{100};
constexpr int kTurnsMax = 8;
}  // namespace

Deadline::Deadline(Poller& poller, std::chrono::nanoseconds duration)
    : poller_(poller), duration_ns_(duration.count()) {
  poller_.deadlines_.push_back(this);
}

Deadline::~Deadline() {
  while (first_) first_->disarm();
  std::erase(poller_.deadlines_, this);
}

void Watch::open(Poller& poller, int fd) {
  DCHECK(fd_ < 0);
  poller_ = &poller;
  fd_ = fd;
  // Data that came before the registration is reported by the first event, so nothing is known yet
  // but that a fresh socket takes bytes.
  readable_ = hung_up_ = cancelled_ = false;
  writable_ = true;
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = this;
  CHECK(::epoll_ctl(poller.set_.native_handle(), EPOLL_CTL_ADD, fd, &event) == 0);
}

std::int64_t Watch::now_ns() const noexcept { return poller_->now_ns(); }

void Watch::close() noexcept {
  if (fd_ < 0) return;
  poller_->forget(*this);
  ::close(fd_);  // Leaves the epoll set by itself: no other descriptor refers to the socket.
  fd_ = -1;
  cancel();
}

void Watch::cancel() noexcept {
  cancelled_ = true;
  disarm();
  wake_all(Wake::cancelled);
}

void Watch::wake_all(Wake why) {
  // Whoever wakes may destroy this watch, so nothing of it is touched once the first is woken.
  std::optional<Waiter> reader = std::move(reader_), writer = std::move(writer_);
  std::optional<Waiter> either = std::move(either_);
  reader_.reset();
  writer_.reset();
  either_.reset();
  wake(reader, why);
  wake(writer, why);
  wake(either, why);
}

void Watch::wake(std::optional<Waiter>& waiter, Wake why) {
  if (!waiter) return;
  Waiter ready = std::move(*waiter);
  waiter.reset();
  std::move(ready)(why);
}

void Watch::on_events(std::uint32_t events) {
  // A waiter that is resumed may destroy this watch: all flags first, and nothing of ours is
  // touched after the last wake but through the copies below.
  if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) hung_up_ = true;
  if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) readable_ = true;
  if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) writable_ = true;
  const bool wake_reader = readable_ && reader_.has_value();
  const bool wake_writer = writable_ && writer_.has_value();
  const bool wake_either = (readable_ || writable_) && either_.has_value();
  if (!wake_reader && !wake_writer && !wake_either) return;
  if (wake_either && (wake_reader || wake_writer || reader_ || writer_)) {
    // Rare: whoever wakes for nothing looks again.
    disarm();
    wake_all(Wake::ready);
    return;
  }
  if (wake_either) {
    disarm();
    wake(either_, Wake::ready);
    return;
  }
  if (wake_reader != wake_writer) {
    if (!(wake_reader ? writer_ : reader_)) disarm();
    wake(wake_reader ? reader_ : writer_, Wake::ready);
    return;
  }
  disarm();
  wake_all(Wake::ready);
}

void Watch::arm(Deadline& deadline) {
  disarm();
  deadline_ = &deadline;
  expires_ns_ = poller_->now_ns() + deadline.duration_ns_;
  previous_ = deadline.last_;
  next_ = nullptr;
  (previous_ ? previous_->next_ : deadline.first_) = this;
  deadline.last_ = this;
}

void Watch::disarm() noexcept {
  if (!deadline_) return;
  (previous_ ? previous_->next_ : deadline_->first_) = next_;
  (next_ ? next_->previous_ : deadline_->last_) = previous_;
  deadline_ = nullptr;
  previous_ = next_ = nullptr;
}

Awaitable<Wake> Watch::until_either(Deadline& deadline) {
  if (either_) {
    BUG("three coroutines wait for one descriptor");
    co_return Wake::cancelled;
  }
  arm(deadline);
  Token token;
  co_return co_await asio::async_initiate<Token, void(Wake)>(
      [this](Waiter waiter) { either_.emplace(std::move(waiter)); }, token);
}

Awaitable<Wake> Watch::until_readable(Deadline& deadline) {
  if (cancelled_ || fd_ < 0) co_return Wake::cancelled;
  if (readable_) co_return Wake::ready;
  if (reader_) co_return co_await until_either(deadline);
  arm(deadline);
  Token token;
  co_return co_await asio::async_initiate<Token, void(Wake)>(
      [this](Waiter waiter) { reader_.emplace(std::move(waiter)); }, token);
}

Awaitable<Wake> Watch::until_writable(Deadline& deadline) {
  if (cancelled_ || fd_ < 0) co_return Wake::cancelled;
  if (writable_) co_return Wake::ready;
  if (writer_) co_return co_await until_either(deadline);
  arm(deadline);
  Token token;
  co_return co_await asio::async_initiate<Token, void(Wake)>(
      [this](Waiter waiter) { writer_.emplace(std::move(waiter)); }, token);
}

void Watch::interrupt_reader() noexcept {
  if (!reader_) return;
  if (!writer_ && !either_) disarm();
  wake(reader_, Wake::cancelled);
}

Poller::Poller(asio::io_context& context)
    : set_(context.get_executor(), ::epoll_create1(EPOLL_CLOEXEC)),
      timer_(context.get_executor()),
      now_ns_(system_clock().steady_ns()) {
  CHECK(set_.is_open());
  wait();
  sweep();
}

Poller::~Poller() { DCHECK(deadlines_.empty()); }

void Poller::stop() {
  stopped_ = true;
  asio::error_code ignored;
  set_.cancel(ignored);
  timer_.cancel();
}

void Poller::wait() {
  set_.async_wait(asio::posix::stream_descriptor::wait_read, [this](asio::error_code error) {
    if (stopped_) return;
    if (error) {
      BUG("waiting for the epoll set failed: " + error.message());
      return;
    }
    dispatch();
    if (!stopped_) wait();
  });
}

void Poller::dispatch() {
  // While events keep coming they are taken here, which spares the way through the io_context for
  // each batch; after a few turns posted work has its chance, and what is left behind brings us
  // back.
  for (int turn = 0; turn < kTurnsMax; ++turn) {
    event_count_ = ::epoll_wait(set_.native_handle(), events_.data(), int(events_.size()), 0);
    if (event_count_ <= 0) break;
    now_ns_ = system_clock().steady_ns();
    for (event_next_ = 0; event_next_ < event_count_;) {
      const epoll_event event = events_[std::size_t(event_next_++)];
      if (event.data.ptr) static_cast<Watch*>(event.data.ptr)->on_events(event.events);
    }
  }
  event_count_ = event_next_ = 0;
}

void Poller::forget(const Watch& watch) noexcept {
  for (int i = event_next_; i < event_count_; ++i)
    if (events_[std::size_t(i)].data.ptr == &watch) events_[std::size_t(i)].data.ptr = nullptr;
}

void Poller::sweep() {
  now_ns_ = system_clock().steady_ns();
  for (std::size_t i = 0; i < deadlines_.size(); ++i) {
    Deadline& deadline = *deadlines_[i];
    while (deadline.first_ && deadline.first_->expires_ns_ <= now_ns_) {
      Watch& watch = *deadline.first_;
      watch.disarm();
      watch.wake_all(Wake::timeout);  // The deadline was that of both directions.
    }
  }
  timer_.expires_after(kSweepEvery);
  timer_.async_wait([this](asio::error_code error) {
    if (!error && !stopped_) sweep();
  });
}

}  // namespace mlgate::net
