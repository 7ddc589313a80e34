// mlgate tutorial: does the tutorial against the server that runs on the data folder, or one of its
// own.
#include "app/app.h"
#include "app/program.h"
#include "app/tutorial.h"
#include "net/dial_guard.h"

#include <CLI/CLI.hpp>
#include <signal.h>

#include <cstdio>

namespace mlgate::app {
namespace {

std::string local(const char* scheme, std::int64_t port) {
  return std::string(scheme) + "://localhost:" + std::to_string(port);
}

TutorialAddresses addresses_of(const Json& endpoints) {
  // Off this machine the console speaks TLS only.
  const char* clear = net::is_loopback(endpoints.string_or("bind")) ? "http" : "https";
  return {.console = local(clear, endpoints["console"].int_or(clear, 0)),
          .services = local("http", endpoints["services"].int_or("http", 0)),
          .gateway = local("https", endpoints["gateway"].int_or("https", 0)),
          .gateway_clear = local("http", endpoints["gateway"].int_or("http", 0)),
          .console_tls = local("https", endpoints["console"].int_or("https", 0)),
          .services_tls = local("https", endpoints["services"].int_or("https", 0)),
          .blob = local("http", endpoints["blob"].int_or("http", 0))};
}

bool is_running(const Json& endpoints) {
  const std::int64_t pid = endpoints.int_or("pid", 0);
  return pid > 0 && ::kill(pid_t(pid), 0) == 0;
}

int run_tutorial(Context& context) {
  const DataFolder data = context.data();
  auto running = read_json_file(data.endpoints());
  std::unique_ptr<Program> own;
  if (!running || !is_running(*running)) {
    auto program = Program::open(context.settings);
    if (!program) return complain(program.error().message());
    own = *std::move(program);
    if (const auto started = own->start(); !started) return complain(started.error().message());
    running = read_json_file(data.endpoints());
    if (!running) return complain(running.error().message());
  }
  auto fetcher = Fetcher::make((data.tls() / "ca.pem").string());
  if (!fetcher) return complain(fetcher.error().message());
  const auto done = Tutorial(**fetcher, data, addresses_of(*running)).run();
  std::fflush(stdout);
  if (!done) return complain(done.error().message());
  return 0;
}

}  // namespace

void add_tutorial(CLI::App& program, Chosen& chosen) {
  program
      .add_subcommand("tutorial",
                      "Does the tutorial through the REST interfaces and prints each step")
      ->callback([&chosen] { chosen = run_tutorial; });
}

}  // namespace mlgate::app
