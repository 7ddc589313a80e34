// mlgate serve: plays its roles until SIGTERM or SIGINT, then drains. SIGUSR1 opens the access log
// again; SIGHUP has it read the certificates again, and it notices by itself when their files
// change.
#include "app/app.h"
#include "app/program.h"

#include <CLI/CLI.hpp>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

namespace mlgate::app {
namespace {

sigset_t our_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, SIGHUP);
  return set;
}

constexpr timespec kLookEvery{.tv_sec = 2, .tv_nsec = 0};

// Until it is told to stop.
void tend(Program& program, const sigset_t& signals) {
  for (;;) {
    const int which = ::sigtimedwait(&signals, nullptr, &kLookEvery);
    if (which == SIGTERM || which == SIGINT) return;
    if (which == SIGUSR1) program.reopen_logs();
    const auto refreshed = program.certificates().refresh(
        which == SIGHUP ? Certificates::Refresh::always : Certificates::Refresh::if_changed);
    if (!refreshed) {
      complain("the certificates stay as they were: " + refreshed.error().message());
    } else if (*refreshed) {
      std::printf("certificates read again\n");
      std::fflush(stdout);
    }
  }
}

int run_serve(Context& context, int ready_fd) {
  // Blocked before any thread starts, so that only tend() takes them.
  const sigset_t signals = our_signals();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);  // A limit on the size of files is an error of the write.
  auto program = Program::open(context.settings);
  if (!program) return complain(program.error().message());
  if (const auto started = (*program)->start(); !started)
    return complain(started.error().message());
  std::printf("%s", (*program)->banner().c_str());
  std::fflush(stdout);
  if (ready_fd >= 0) {
    constexpr char kReady[] = "ready\n";
    if (::write(ready_fd, kReady, sizeof kReady - 1) < 0)
      complain("the ready descriptor takes no data");
    ::close(ready_fd);
  }
  tend(**program, signals);
  (*program)->stop();
  return 0;
}

}  // namespace

void add_serve(CLI::App& program, Chosen& chosen) {
  CLI::App* verb = program.add_subcommand("serve", "Serves until it is told to stop");
  auto ready_fd = std::make_shared<int>(-1);
  verb->add_option("--ready-fd", *ready_fd,
                   "Descriptor to write a line to once all listeners answer");
  verb->callback([&chosen, ready_fd] {
    chosen = [ready_fd](Context& context) { return run_serve(context, *ready_fd); };
  });
}

}  // namespace mlgate::app
