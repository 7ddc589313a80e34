// mlgate top: what the running server does at the moment, call by API, refreshed until interrupted.
#include "app/app.h"
#include "app/fetcher.h"
#include "app/top.h"
#include "base/text.h"

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

// Asks the server on the data folder, as its administrator.
class LiveClient {
 public:
  static Result<LiveClient> open(const DataFolder& data) {
    LiveClient out;
    TRY(out.credentials_, read_json_file(data.credentials()));
    auto endpoints = read_json_file(data.endpoints());
    if (!endpoints)
      return fail(Errc::unavailable,
                  "no server runs on " + data.root.string() + "; start one with 'mlgate serve'");
    out.console_ = "http://localhost:" + std::to_string((*endpoints)["console"].int_or("http", 0));
    TRY(out.fetcher_, Fetcher::make((data.tls() / "ca.pem").string()));
    return out;
  }

  Result<Json> look() {
    TRY(http::Response answer, get());
    if (answer.status == 401) {  // The token is not made yet, or has ended.
      TRY_OK(sign_in());
      TRY(answer, get());
    }
    if (answer.status != 200)
      return fail(Errc::unavailable, "the server answered " + std::to_string(answer.status));
    return Json::parse(answer.body);
  }

 private:
  Result<http::Response> get() {
    return fetcher_->fetch({.method = "GET",
                            .url = console_ + "/console/api/live",
                            .headers = {{"Authorization", "Bearer " + token_}},
                            .body = {}});
  }
  Result<void> sign_in() {
    const std::string form =
        "grant_type=client_credentials&client_id=" +
        percent_encode(credentials_.string_or("clientId")) +
        "&client_secret=" + percent_encode(credentials_.string_or("clientSecret"));
    TRY(const http::Response answer,
        fetcher_->fetch({.method = "POST",
                         .url = console_ + "/" + std::string(credentials_.string_or("tenantId")) +
                                "/oauth2/v2.0/token",
                         .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
                         .body = form}));
    if (answer.status != 200)
      return fail(Errc::denied, "the token service refused the credentials");
    TRY(const Json token, Json::parse(answer.body));
    token_ = token.string_or("access_token");
    return {};
  }

  Json credentials_;
  std::string console_, token_;
  std::unique_ptr<Fetcher> fetcher_;
};

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

int show(LiveClient& client, const TopOptions& options, int signals) {
  Json before;
  const bool screen = !options.once && !options.json && ::isatty(STDOUT_FILENO) != 0;
  for (;;) {
    auto now = client.look();
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
  auto client = LiveClient::open(context.data());
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
