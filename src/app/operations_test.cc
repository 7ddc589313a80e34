// Parts around the program, without a server: the service manager's protocols, the table of `top`,
// the text of /metrics, settings that are secret.
#include "app/observer.h"
#include "app/process_stats.h"
#include "app/settings.h"
#include "app/systemd.h"
#include "app/top.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <future>
#include <thread>

namespace mlgate::app {
namespace {

TEST(Systemd, WhatIsSaidArrivesAsOneDatagram) {
  const std::string path = testing::TempDir() + "notify" + std::to_string(::getpid());
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_FALSE(notify_manager("READY=1")) << "Nobody asked to be told.";
  ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  EXPECT_TRUE(notify_manager("READY=1\nSTATUS=Serving."));
  char text[64];
  const auto size = ::recv(fd, text, sizeof text, 0);
  EXPECT_EQ(std::string(text, std::size_t(size)), "READY=1\nSTATUS=Serving.");
  ::setenv("NOTIFY_SOCKET", "/nonexistent/socket", 1);
  EXPECT_FALSE(notify_manager("READY=1"));
  ::unsetenv("NOTIFY_SOCKET");
  ::close(fd);
  ::unlink(path.c_str());
}

TEST(Systemd, SocketsForAnotherProcessAreLeftAlone) {
  ::setenv("LISTEN_FDS", "1", 1);
  ::setenv("LISTEN_PID", "1", 1);
  EXPECT_TRUE(inherited_sockets().empty());
  EXPECT_EQ(std::getenv("LISTEN_FDS"), nullptr) << "Children must not take them for theirs.";
  ::setenv("WATCHDOG_USEC", "3000000", 1);
  EXPECT_EQ(watchdog_interval(), std::chrono::seconds(3));
  ::setenv("WATCHDOG_PID", "1", 1);
  EXPECT_EQ(watchdog_interval().count(), 0);
  ::unsetenv("WATCHDOG_USEC");
  ::unsetenv("WATCHDOG_PID");
}

TEST(ProcessStats, AreThoseOfThisProcess) {
  const ProcessStats stats = process_stats();
  EXPECT_GT(stats.resident_bytes, 1'000'000u);
  EXPECT_GT(stats.virtual_bytes, stats.resident_bytes);
  EXPECT_GT(stats.open_descriptors, 2u);
  EXPECT_GE(stats.threads, 1u);
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  EXPECT_EQ(raise_descriptor_limit(), limit.rlim_max);
}

TEST(Settings, ASecretIsNotShown) {
  Settings settings;
  ASSERT_TRUE(settings.set("telemetry.otlp_headers", "authorization=Bearer abc"));
  EXPECT_EQ(settings.to_yaml().find("Bearer abc"), std::string::npos);
  EXPECT_NE(settings.to_yaml().find("otlp_headers: \"***\""), std::string::npos);
}

// Waits for what another thread does; false when it does not come.
template <class F>
bool eventually(F done) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!done()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::yield();
  }
  return true;
}

TEST(Pulse, GivesSignsOfLifeOnlyWhileEveryWorkerAnswers) {
  Health health;
  net::Worker worker(0);
  worker.start();
  std::atomic<int> signs{0};
  Pulse pulse(health, {&worker},
              {.watchdog = std::chrono::milliseconds(40), .alive = [&] { ++signs; }});
  EXPECT_TRUE(eventually([&] { return signs > 2; }));
  std::promise<void> blocked;
  worker.post([waiting = blocked.get_future().share()] { waiting.wait(); });
  // Once it has owed an answer for half the time no sign is given, however long it takes.
  EXPECT_TRUE(eventually([&] { return pulse.worker_lag_seconds(0) > 0.02; }));
  const int before = signs;
  EXPECT_TRUE(eventually([&] { return pulse.worker_lag_seconds(0) > 0.2; }));
  EXPECT_LE(signs, before + 1);
  blocked.set_value();
  EXPECT_TRUE(eventually([&] { return signs > before + 2; }));
  pulse.stop();
}

TEST(Pulse, NotesThatMemoryRunsShort) {
  Health health;
  Pulse pulse(health, {}, {.memory_bytes_max = 1});
  EXPECT_TRUE(eventually([&] { return health.short_of_memory.load(); }));
}

Observation look_with(std::uint64_t good, std::uint64_t failed) {
  Observation seen;
  seen.now_ms = 1'700'000'000'000 + TimeMs(good) * 10;
  seen.ready = true;
  seen.workers.resize(1);
  seen.workers[0].ended = good + failed;
  seen.workers[0].started = good + failed + 2;
  analytics::Series series;
  series.service = "demo";
  series.api = "echo \"api\"";
  series.response_code = 200;
  series.status = analytics::ResponseClass::successful;
  for (std::uint64_t i = 0; i < good; ++i) series.total.add(3'000'000);
  seen.series.push_back(series);
  analytics::Series bad = series;
  bad.total = {};
  bad.response_code = 500;
  bad.status = analytics::ResponseClass::failed;
  for (std::uint64_t i = 0; i < failed; ++i) bad.total.add(1'000'000);
  seen.series.push_back(bad);
  return seen;
}

TEST(Top, RatesAreThoseBetweenTwoLooks) {
  const Json before = *Json::parse(live_json(look_with(100, 0)));
  const Json now = *Json::parse(live_json(look_with(300, 50)));  // Two seconds later.
  const auto figures = Json::parse(top_json(now, before));
  ASSERT_TRUE(figures);
  const Json& line = (*figures)["apis"].items().at(0);
  EXPECT_EQ(line["calls"].as_int(), 350);
  EXPECT_DOUBLE_EQ(line["callsPerSecond"].as_double().value_or(0), 125);
  EXPECT_DOUBLE_EQ(line["failedPerSecond"].as_double().value_or(0), 25);
  EXPECT_GT(line["p50Ms"].as_double().value_or(0), 2.5);
  EXPECT_EQ((*figures)["active"].as_int(), 2);
}

TEST(Top, TheTableFitsItsTerminalAndShowsNoControlCharacters) {
  Observation seen = look_with(10, 0);
  seen.series[0].api = "evil\x1b[2Jname";
  for (int i = 0; i < 100; ++i) {
    seen.series.push_back(seen.series[0]);
    seen.series.back().api = "api" + std::to_string(i);
  }
  const Json now = *Json::parse(live_json(seen));
  const std::string table = top_table(now, Json(), {.columns = 80, .rows = 24});
  EXPECT_EQ(table.find('\x1b'), std::string::npos);
  EXPECT_LE(std::count(table.begin(), table.end(), '\n'), 24);
}

TEST(MetricsText, NamesAreEscapedAndEveryFamilyIsThereOnce) {
  const std::string text = metrics_text(look_with(3, 1));
  EXPECT_NE(text.find("api_id=\"echo \\\"api\\\"\""), std::string::npos) << text;
  EXPECT_NE(text.find("mlgate_worker_calls_active{worker=\"0\"} 2\n"), std::string::npos) << text;
  std::size_t at = 0, families = 0;
  while ((at = text.find("# TYPE ", at)) != std::string::npos) {
    const std::string line = text.substr(at, text.find('\n', at) - at);
    const std::string name = line.substr(0, line.rfind(' '));
    EXPECT_EQ(text.find(name + " ", at + 1), std::string::npos) << name;
    ++families;
    ++at;
  }
  EXPECT_GT(families, 30u);
}

}  // namespace
}  // namespace mlgate::app
