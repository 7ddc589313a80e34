// A gateway that serves an instance of any size from memory, for the benchmark of the data path at
// the size that is promised: the same handler, limits, metering and access log as `mlgate serve`,
// with one worker. Says "ready" and serves until its input ends.
// Usage: scale_bench APIS KEYS PORT BACKEND_PORT ACCESS_LOG
#include "analytics/recorder.h"
#include "control/control.h"
#include "control/large_model.h"
#include "gateway/handler.h"
#include "http/server.h"
#include "net/worker.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <memory>
#include <string>

namespace mlgate::app {
namespace {

struct Options {
  control::LargeModelSize size;
  std::uint16_t port = 0;
  std::string backend, log;
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
  auto recorder = analytics::Recorder::start({.access_log_path = options.log});
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
  std::printf("ready\n");
  std::fflush(stdout);
  await_end_of_input();
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
  if (count != 6) {
    std::fprintf(stderr, "usage: scale_bench APIS KEYS PORT BACKEND_PORT ACCESS_LOG\n");
    return 1;
  }
  return mlgate::app::serve(
      {.size = {.apis = std::atoi(arguments[1]), .keys = std::atoi(arguments[2]), .limits = true},
       .port = std::uint16_t(std::atoi(arguments[3])),
       .backend = "http://127.0.0.1:" + std::string(arguments[4]),
       .log = arguments[5]});
}
