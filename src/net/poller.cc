#include "net/poller.h"

#include "base/check.h"
#include "base/time.h"

#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace mlgate::net {
namespace {
constexpr long kSweepEveryNs = 100'000'000;

// Constant initialisation makes reading it as cheap as a member.
constinit thread_local Poller* serving_here = nullptr;

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kRecycle = false;  // A sanitizer has to see the end of each frame.
#else
constexpr bool kRecycle = true;
#endif
#else
constexpr bool kRecycle = true;
#endif
}  // namespace

FramePool::~FramePool() {
  for (List& list : lists_)
    while (list.first) ::operator delete(std::exchange(list.first, list.first->next));
}

void* FramePool::take(std::size_t size) {
  const std::size_t index = (size - 1) / kStep;
  if (!kRecycle || index >= kClasses) return ::operator new(size);
  List& list = lists_[index];
  if (!list.first) return ::operator new((index + 1) * kStep);
  --list.count;
  return std::exchange(list.first, list.first->next);
}

void FramePool::give(void* frame, std::size_t size) noexcept {
  const std::size_t index = (size - 1) / kStep;
  if (!kRecycle || index >= kClasses || lists_[index].count >= kKeptMax) {
    ::operator delete(frame);
    return;
  }
  List& list = lists_[index];
  list.first = ::new (frame) Free{list.first};
  ++list.count;
}

void* take_frame(std::size_t size) {
  if (serving_here) return serving_here->frames().take(size);
  // Rounded up as the pools do, for one of them may get it.
  return ::operator new((size + 63) / 64 * 64);
}

void give_frame(void* frame, std::size_t size) noexcept {
  if (serving_here)
    serving_here->frames().give(frame, size);
  else
    ::operator delete(frame);
}

Poller* Poller::serving() noexcept { return serving_here; }

void Executor::execute(std::move_only_function<void()> f) const { poller_->post(std::move(f)); }

Executor this_executor() noexcept { return Executor(*Poller::serving()); }

Deadline::Deadline(Poller& poller, std::chrono::nanoseconds duration)
    : poller_(poller), duration_ns_(duration.count()) {
  poller_.deadlines_.push_back(this);
}

Deadline::~Deadline() {
  while (first_) first_->disarm();
  std::erase(poller_.deadlines_, this);
}

void Waiting::arm(Deadline& deadline) {
  disarm();
  deadline_ = &deadline;
  expires_ns_ = deadline.poller_.now_ns() + deadline.duration_ns_;
  previous_ = deadline.last_;
  next_ = nullptr;
  (previous_ ? previous_->next_ : deadline.first_) = this;
  deadline.last_ = this;
}

void Waiting::disarm() noexcept {
  if (!deadline_) return;
  (previous_ ? previous_->next_ : deadline_->first_) = next_;
  (next_ ? next_->previous_ : deadline_->last_) = previous_;
  deadline_ = nullptr;
  previous_ = next_ = nullptr;
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
  CHECK(::epoll_ctl(poller.set_, EPOLL_CTL_ADD, fd, &event) == 0);
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
  Wait* reader = std::exchange(reader_, nullptr);
  Wait* writer = std::exchange(writer_, nullptr);
  Wait* either = std::exchange(either_, nullptr);
  wake(reader, why);
  wake(writer, why);
  wake(either, why);
}

void Watch::on_events(std::uint32_t events) {
  // A waiter that is resumed may destroy this watch: all flags first, and nothing of ours is
  // touched after the last wake but through the copies of wake_all.
  const bool was_up = !hung_up_;
  if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) hung_up_ = true;
  if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) readable_ = true;
  if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) writable_ = true;
  const bool wake_reader = readable_ && reader_;
  const bool wake_writer = writable_ && writer_;
  const bool wake_either = (readable_ || writable_) && either_;
  if (!wake_reader && !wake_writer && !wake_either) {
    if (was_up && hung_up_ && listener_) listener_->hung_up();
    return;
  }
  if (wake_either) {
    // Whoever wakes for nothing looks again.
    disarm();
    wake_all(Wake::ready);
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

Watch::Wait Watch::until_either(Deadline& deadline) {
  if (either_) {
    BUG("three coroutines wait for one descriptor");
    return Wait(Wake::cancelled);
  }
  arm(deadline);
  return Wait(either_);
}

Watch::Wait Watch::until_readable(Deadline& deadline) {
  if (cancelled_ || fd_ < 0) return Wait(Wake::cancelled);
  if (readable_) return Wait(Wake::ready);
  if (reader_) return until_either(deadline);
  arm(deadline);
  return Wait(reader_);
}

Watch::Wait Watch::until_writable(Deadline& deadline) {
  if (cancelled_ || fd_ < 0) return Wait(Wake::cancelled);
  if (writable_) return Wait(Wake::ready);
  if (writer_) return until_either(deadline);
  arm(deadline);
  return Wait(writer_);
}

void Watch::interrupt_reader() noexcept {
  if (!reader_) return;
  if (!writer_ && !either_) disarm();
  wake(reader_, Wake::cancelled);
}

Signal::Wait Signal::wait(Deadline& deadline) {
  if (std::exchange(notified_, false)) return Wait(Wake::ready);
  arm(deadline);
  return Wait(waiter_);
}

void Signal::notify() {
  disarm();
  if (!waiter_) notified_ = true;
  wake(waiter_, Wake::ready);
}

Poller::Poller()
    : set_(::epoll_create1(EPOLL_CLOEXEC)),
      bell_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      pulse_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)),
      now_ns_(system_clock().steady_ns()) {
  CHECK(set_ >= 0 && bell_ >= 0 && pulse_ >= 0);
  // Edge-triggered: each ring is an event, and the count needs no reading.
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.ptr = this;
  CHECK(::epoll_ctl(set_, EPOLL_CTL_ADD, bell_, &event) == 0);
  // With a time limit, each epoll_wait would set up a timer in the kernel and take it down again:
  // that is twice for a call that is served alone.
  const itimerspec pulse{.it_interval = {.tv_sec = 0, .tv_nsec = kSweepEveryNs},
                         .it_value = {.tv_sec = 0, .tv_nsec = kSweepEveryNs}};
  CHECK(::timerfd_settime(pulse_, 0, &pulse, nullptr) == 0);
  event.data.ptr = &pulse_;
  CHECK(::epoll_ctl(set_, EPOLL_CTL_ADD, pulse_, &event) == 0);
}

Poller::~Poller() {
  // Posted work may hold coroutines, whose ends post in turn.
  for (;;) {
    take_foreign();
    if (posted_.empty()) break;
    running_.swap(posted_);
    running_.clear();
  }
  DCHECK(deadlines_.empty());
  ::close(pulse_);
  ::close(bell_);
  ::close(set_);
}

void Poller::post(std::move_only_function<void()> f) {
  if (serving_here == this) {
    posted_.push_back(std::move(f));
    return;
  }
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = foreign_.empty();
    foreign_.push_back(std::move(f));
  }
  if (first) ::eventfd_write(bell_, 1);
}

void Poller::stop() {
  stopped_ = true;
  ::eventfd_write(bell_, 1);
}

void Poller::run() {
  serve([this] { return stopped_.load(); });
}

void Poller::run_until(const std::function<bool()>& done) { serve(done); }

void Poller::serve(const std::function<bool()>& done) {
  Poller* const before = std::exchange(serving_here, this);
  take_foreign();
  run_posted();
  while (!done()) turn();
  take_foreign();
  while (!posted_.empty()) run_posted();
  serving_here = before;
}

void Poller::turn() {
  event_count_ = ::epoll_wait(set_, events_.data(), int(events_.size()), posted_.empty() ? -1 : 0);
  now_ns_ = system_clock().steady_ns();
  for (event_next_ = 0; event_next_ < event_count_;) {
    const epoll_event event = events_[std::size_t(event_next_++)];
    if (event.data.ptr == this) {
      take_foreign();
    } else if (event.data.ptr == &pulse_) {
      take_pulse();
    } else if (event.data.ptr) {
      static_cast<Watch*>(event.data.ptr)->on_events(event.events);
    }
  }
  event_count_ = event_next_ = 0;
  run_posted();
  if (sweep_due_) sweep();
}

void Poller::take_pulse() noexcept {
  // Reading is what starts the next interval.
  std::uint64_t pulses = 0;
  sweep_due_ = ::read(pulse_, &pulses, sizeof pulses) > 0;
}

void Poller::take_foreign() {
  const std::lock_guard lock(mutex_);
  if (posted_.empty()) {
    posted_.swap(foreign_);
    return;
  }
  std::ranges::move(foreign_, std::back_inserter(posted_));
  foreign_.clear();
}

void Poller::run_posted() {
  // What this work posts in turn waits for the next batch, so that sockets have their chance.
  if (posted_.empty()) return;
  running_.swap(posted_);
  for (std::move_only_function<void()>& work : running_) std::exchange(work, nullptr)();
  running_.clear();
}

void Poller::forget(const Watch& watch) noexcept {
  for (int i = event_next_; i < event_count_; ++i)
    if (events_[std::size_t(i)].data.ptr == &watch) events_[std::size_t(i)].data.ptr = nullptr;
}

void Poller::sweep() {
  sweep_due_ = false;
  // Whoever wakes may make and drop deadlines, so the list is read anew each time.
  for (std::size_t i = 0; i < deadlines_.size(); ++i) {
    for (;;) {
      Waiting* const first = i < deadlines_.size() ? deadlines_[i]->first_ : nullptr;
      if (!first || first->expires_ns_ > now_ns_) break;
      first->disarm();
      first->timed_out();
    }
  }
}

}  // namespace mlgate::net
