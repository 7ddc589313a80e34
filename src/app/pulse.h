#pragma once
// A thread that looks after the process: measures how long each worker takes to answer, tells the
// service manager that all is well only while they do, keeps the share of processor time, and notes
// when memory runs short.
#include "app/health.h"
#include "net/worker.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace mlgate::app {

struct PulseOptions {
  std::uint64_t memory_bytes_max = 0;  // 0: no limit.
  std::chrono::milliseconds every{200};
  std::chrono::microseconds watchdog{0};  // 0: nobody waits for a sign of life.
  std::function<void()> alive;            // The sign.
};

class Pulse {
 public:
  // Workers run until stop() and `health` outlives it.
  Pulse(Health& health, std::vector<net::Worker*> workers, PulseOptions options);
  Pulse(const Pulse&) = delete;
  ~Pulse() { stop(); }
  void stop();

  // How long the last question took, or how long the present one has been waiting.
  double worker_lag_seconds(std::size_t worker) const noexcept;
  // Processor time of the last seconds, of all cores: 0..100.
  double capacity_percent() const noexcept { return capacity_.load(std::memory_order_relaxed); }

 private:
  struct Beat {
    std::atomic<std::int64_t> asked_ns{0};  // 0: no question is open.
    std::atomic<std::int64_t> lag_ns{0};
  };
  void run();
  void tick();
  void ask(std::size_t worker);
  void watch_memory();
  void measure_capacity(std::int64_t now_ns);
  void give_sign(std::int64_t now_ns);

  Health& health_;
  std::vector<net::Worker*> workers_;
  PulseOptions options_;
  std::vector<std::shared_ptr<Beat>> beats_;
  std::atomic<double> capacity_{0};
  std::int64_t measured_ns_ = 0, sign_ns_ = 0;
  double measured_cpu_s_ = 0;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace mlgate::app
