// mlgate serve: plays its roles until SIGTERM or SIGINT, then drains. SIGUSR1 opens the access log
// again.
#include "app/app.h"
#include "app/program.h"

#include <CLI/CLI.hpp>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

namespace mlgate::app {
namespace {

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGUSR1);
  return set;
}

int run_serve(Context& context, int ready_fd) {
  // Blocked before any thread starts, so that only sigwait below takes them.
  const sigset_t signals = stop_signals();
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
  for (int which = 0; which != SIGTERM && which != SIGINT;) {
    sigwait(&signals, &which);
    if (which == SIGUSR1) (*program)->reopen_logs();
  }
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
