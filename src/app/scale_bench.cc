// A gateway that serves an instance of any size from memory, for the benchmark of the data path at
// the size that is promised: the same handler, limits, metering and access log as `mlgate serve`,
// with one worker, and counters of quotas that are kept in a store. Says "ready", serves until its
// input ends, and then says what keeping them took: "checkpoint BYTES MILLISECONDS" for each turn.
// Usage: scale_bench APIS KEYS PORT BACKEND_PORT ACCESS_LOG STORE
#include "analytics/recorder.h"
#include "control/control.h"
#include "control/large_model.h"
#include "control/quota_checkpoint.h"
#include "gateway/handler.h"
#include "http/server.h"
#include "net/worker.h"
#include "store/store.h"

#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace mlgate::app {
namespace {

struct Options {
  control::LargeModelSize size;
  std::uint16_t port = 0;
  std::string backend, log, store;
};

// Writes counters at the pace of the program, and notes what each turn took.
class Checkpoints {
 public:
  Checkpoints(policy::Quotas& quotas, std::unique_ptr<store::Store> store)
      : store_(std::move(store)),
        checkpoint_(quotas, system_clock(), [this](auto documents) { return keep(documents); }),
        thread_([this] { run(); }) {}
  Checkpoints(const Checkpoints&) = delete;
  ~Checkpoints() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    thread_.join();
    for (const Turn& turn : turns_)
      std::printf("checkpoint %llu %.3f\n", static_cast<unsigned long long>(turn.bytes), turn.ms);
  }

 private:
  struct Turn {
    std::uint64_t bytes;
    double ms;
  };
  Result<void> keep(std::vector<control::CheckpointDocument>& documents) {
    std::vector<store::Write> writes;
    for (auto& one : documents)
      writes.push_back({.collection = "quota", .key = one.key, .body = std::move(one.body)});
    TRY_OK(store_->commit(std::move(writes)));
    return {};
  }
  void run() {
    std::unique_lock lock(mutex_);
    while (!wake_.wait_for(lock, std::chrono::milliseconds(800), [this] { return stopping_; })) {
      lock.unlock();
      const auto before = checkpoint_.counts();
      const bool written = checkpoint_.write_changes().has_value();
      const auto after = checkpoint_.counts();
      lock.lock();
      if (written && after.writes > before.writes)
        turns_.push_back({after.bytes - before.bytes, (after.seconds - before.seconds) * 1e3});
    }
  }

  std::unique_ptr<store::Store> store_;
  control::QuotaCheckpoint checkpoint_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::vector<Turn> turns_;
  std::thread thread_;
};

int refuse(const Error& error) {
  std::fprintf(stderr, "%s\n", error.message().c_str());
  return 1;
}

void await_end_of_input() {
  char byte = 0;
  while (::read(STDIN_FILENO, &byte, 1) > 0) {
  }
}

int serve(const Options& options) {
  policy::Limits limits;
  gateway::Publisher publisher;
  control::Control control({}, limits, publisher);
  {
    const auto errors = control.update(control::large_model(options.size, options.backend));
    if (!errors.empty()) return refuse(errors.front());
  }
  auto store = store::open_sqlite(options.store);
  if (!store) return refuse(store.error());
  auto recorder = analytics::Recorder::start(
      {.access_log_path = options.log, .usage = {.folder = options.log + ".usage"}});
  if (!recorder) return refuse(recorder.error());
  gateway::GatewayHandler handler({});
  handler.reserve(1);
  net::Worker worker(0);
  worker.start();
  std::unique_ptr<http::Server> server;
  Result<void> opened;
  worker.run_and_wait([&] {
    handler.open_station(
        worker, publisher, (*recorder)->sink(0), [](const net::Address&) { return Result<void>(); },
        nullptr);
    http::ServerOptions server_options;
    server_options.address.port = options.port;
    server = std::make_unique<http::Server>(worker, handler, server_options);
    opened = server->open();
  });
  if (!opened) return refuse(opened.error());
  auto checkpoints = std::make_unique<Checkpoints>(limits.quotas, *std::move(store));
  std::printf("ready\n");
  std::fflush(stdout);
  await_end_of_input();
  checkpoints.reset();
  std::promise<void> ended;
  worker.post([&] { server->stop(std::chrono::seconds(1), [&] { ended.set_value(); }); });
  ended.get_future().wait();
  worker.run_and_wait([&] {
    server.reset();
    handler.close_station(worker);
  });
  worker.stop();
  worker.join();
  (*recorder)->stop();
  return 0;
}

}  // namespace
}  // namespace mlgate::app

int main(int count, char** arguments) {
  if (count != 7) {
    std::fprintf(stderr, "usage: scale_bench APIS KEYS PORT BACKEND_PORT ACCESS_LOG STORE\n");
    return 1;
  }
  return mlgate::app::serve(
      {.size = {.apis = std::atoi(arguments[1]), .keys = std::atoi(arguments[2]), .limits = true},
       .port = std::uint16_t(std::atoi(arguments[3])),
       .backend = "http://127.0.0.1:" + std::string(arguments[4]),
       .log = arguments[5],
       .store = arguments[6]});
}
