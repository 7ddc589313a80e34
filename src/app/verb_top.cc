// mlgate top: what the running server does at the moment, call by API, refreshed until interrupted.
#include "app/app.h"
#include "app/console_client.h"
#include "app/top.h"

#include <CLI/CLI.hpp>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cstdio>

namespace mlgate::app {
namespace {

struct TopOptions {
  double interval_s = 2;
  bool once = false, json = false;
};

Result<Json> look(ConsoleClient& client) {
  TRY(const http::Response answer, client.call({.path = "/console/api/live"}));
  if (answer.status != 200)
    return fail(Errc::unavailable, "the server answered " + std::to_string(answer.status));
  return Json::parse(answer.body);
}

TopSize terminal_size() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return {};
  return {size.ws_col, size.ws_row};
}

// Waits; false when the user has had enough.
bool pause_for(double seconds, int signals) {
  pollfd watched{signals, POLLIN, 0};
  return ::poll(&watched, 1, int(seconds * 1e3)) <= 0;
}

int show(ConsoleClient& client, const TopOptions& options, int signals) {
  Json before;
  const bool screen = !options.once && !options.json && ::isatty(STDOUT_FILENO) != 0;
  for (;;) {
    auto now = look(client);
    if (!now) return complain(now.error().message());
    const std::string text =
        options.json ? top_json(*now, before) : top_table(*now, before, terminal_size());
    // From the upper left corner, over an empty screen.
    if (screen) std::fputs("\x1b[H\x1b[2J", stdout);
    std::fputs(text.c_str(), stdout);
    std::fflush(stdout);
    if (options.once || std::ferror(stdout) != 0 || !pause_for(options.interval_s, signals))
      return 0;
    before = *std::move(now);
  }
}

int run_top(Context& context, const TopOptions& options) {
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGINT);
  sigaddset(&ends, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  const int signals = ::signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
  auto client = ConsoleClient::open(context.data());
  const int status = client ? show(*client, options, signals) : complain(client.error().message());
  ::close(signals);
  return status;
}

}  // namespace

void add_top(CLI::App& program, Chosen& chosen) {
  CLI::App* verb = program.add_subcommand("top", "Shows what the running server does, live");
  auto options = std::make_shared<TopOptions>();
  verb->add_option("--interval", options->interval_s, "Seconds between two looks")
      ->check(CLI::Range(0.1, 3600.0))
      ->default_str("2");
  verb->add_flag("--once", options->once, "Shows one look, with rates since the start");
  verb->add_flag("--json", options->json, "One line of JSON for each look");
  verb->callback([&chosen, options] {
    chosen = [options](Context& context) { return run_top(context, *options); };
  });
}

}  // namespace mlgate::app
