#include "app/pulse.h"

#include "app/process_stats.h"
#include "base/time.h"

#include <algorithm>

namespace mlgate::app {
namespace {

constexpr std::int64_t kCapacityOverNs = 5'000'000'000;
// Calls are let in again a little below the limit, so that it does not flutter.
constexpr double kMemoryEasy = 0.95;

}  // namespace

Pulse::Pulse(Health& health, std::vector<net::Worker*> workers, PulseOptions options)
    : health_(health), workers_(std::move(workers)), options_(std::move(options)) {
  for (std::size_t i = 0; i < workers_.size(); ++i) beats_.push_back(std::make_shared<Beat>());
  measured_ns_ = system_clock().steady_ns();
  measured_cpu_s_ = cpu_seconds();
  thread_ = std::thread([this] { run(); });
}

void Pulse::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

double Pulse::worker_lag_seconds(std::size_t worker) const noexcept {
  const Beat& beat = *beats_[worker];
  const std::int64_t asked_ns = beat.asked_ns.load(std::memory_order_relaxed);
  const std::int64_t waiting_ns = asked_ns == 0 ? 0 : system_clock().steady_ns() - asked_ns;
  return double(std::max(waiting_ns, beat.lag_ns.load(std::memory_order_relaxed))) / 1e9;
}

void Pulse::ask(std::size_t worker) {
  const std::shared_ptr<Beat>& beat = beats_[worker];
  if (beat->asked_ns.load(std::memory_order_relaxed) != 0) return;  // It still owes an answer.
  beat->asked_ns.store(system_clock().steady_ns(), std::memory_order_relaxed);
  workers_[worker]->post([beat] {
    const std::int64_t asked_ns = beat->asked_ns.exchange(0, std::memory_order_relaxed);
    beat->lag_ns.store(system_clock().steady_ns() - asked_ns, std::memory_order_relaxed);
  });
}

void Pulse::watch_memory() {
  if (options_.memory_bytes_max == 0) return;
  const auto now = double(resident_bytes());
  const auto limit = double(options_.memory_bytes_max);
  const bool was = health_.short_of_memory.load(std::memory_order_relaxed);
  const bool is = now > (was ? limit * kMemoryEasy : limit);
  if (is != was) health_.short_of_memory.store(is, std::memory_order_relaxed);
}

void Pulse::measure_capacity(std::int64_t now_ns) {
  if (now_ns - measured_ns_ < kCapacityOverNs) return;
  const double cpu_s = cpu_seconds();
  const double share = (cpu_s - measured_cpu_s_) * 1e9 / double(now_ns - measured_ns_);
  const double cores = std::max(1U, std::thread::hardware_concurrency());
  capacity_.store(std::clamp(100 * share / cores, 0.0, 100.0), std::memory_order_relaxed);
  measured_ns_ = now_ns;
  measured_cpu_s_ = cpu_s;
}

void Pulse::give_sign(std::int64_t now_ns) {
  if (options_.watchdog.count() == 0) return;
  const std::int64_t within_ns = std::chrono::nanoseconds(options_.watchdog).count();
  if (now_ns - sign_ns_ < within_ns / 3) return;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    if (worker_lag_seconds(i) * 1e9 > double(within_ns) / 2) return;
  }
  sign_ns_ = now_ns;
  options_.alive();
}

void Pulse::tick() {
  for (std::size_t i = 0; i < workers_.size(); ++i) ask(i);
  watch_memory();
  const std::int64_t now_ns = system_clock().steady_ns();
  measure_capacity(now_ns);
  give_sign(now_ns);
}

void Pulse::run() {
  auto every = std::chrono::microseconds(options_.every);
  if (options_.watchdog.count() > 0) every = std::min(every, options_.watchdog / 4);
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    tick();
    lock.lock();
    wake_.wait_for(lock, every, [this] { return stopping_; });
  }
}

}  // namespace mlgate::app
