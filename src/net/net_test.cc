#include "net/compute_pool.h"
#include "net/dial.h"
#include "net/listener.h"
#include "net/stream.h"
#include "net/worker.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace mlgate::net {
namespace {

using namespace std::chrono_literals;

// A worker with an echo listener; everything runs on the worker's thread and is torn down there.
class EchoServer {
 public:
  EchoServer() {
    worker.start();
    worker.run_and_wait([this] {
      group = std::make_unique<TaskGroup>(worker.executor());
      deadline = std::make_unique<Deadline>(worker.poller(), 60s);
      short_deadline = std::make_unique<Deadline>(worker.poller(), 50ms);
      listener = std::make_unique<Listener>(worker);
      auto opened = listener->open({.host = "127.0.0.1", .port = 0},
                                   [this](int fd, const Address&) { spawn(*group, echo(fd)); });
      ASSERT_TRUE(opened);
      spawn(*group, listener->run());
    });
  }
  ~EchoServer() {
    std::promise<void> empty;
    worker.post([&] {
      listener->close();
      group->when_empty([&] { empty.set_value(); });
    });
    empty.get_future().wait();
    worker.run_and_wait([this] {
      listener.reset();
      deadline.reset();
      short_deadline.reset();
      group.reset();
    });
  }

  Awaitable<void> echo(int fd) {
    Stream stream;
    stream.open(worker.poller(), fd);
    Block block = worker.blocks().take();
    for (;;) {
      const auto got = co_await stream.read_some({block.data(), Block::size()}, *deadline);
      if (!got) co_return;
      const auto sent = co_await stream.write_all({block.data(), *got}, *deadline);
      if (!sent) co_return;
    }
  }

  // Runs a client coroutine on the worker and gives its result.
  template <class T>
  T run(Awaitable<T> task) {
    std::promise<T> result;
    worker.run_and_wait([&] { spawn(*group, deliver(std::move(task), result)); });
    return result.get_future().get();
  }
  template <class T>
  static Awaitable<void> deliver(Awaitable<T> task, std::promise<T>& result) {
    result.set_value(co_await std::move(task));
  }

  Worker worker{0};
  std::unique_ptr<TaskGroup> group;
  std::unique_ptr<Deadline> deadline, short_deadline;
  std::unique_ptr<Listener> listener;
};

Awaitable<void> send_all(Stream& stream, std::string_view text, Deadline& deadline) {
  // Whether it went well is seen by what comes back.
  (void)co_await stream.write_all(text, deadline);
}

Awaitable<Result<std::string>> round_trip(EchoServer& server, std::string text) {
  Stream stream;
  Dialer dialer(server.worker, {});
  CO_TRY_OK(
      co_await dialer.connect(stream, "127.0.0.1", server.listener->port(), *server.deadline));
  TaskGroup sender(server.worker.executor());
  spawn(sender, send_all(stream, text, *server.deadline));
  std::string back;
  Block block = server.worker.blocks().take();
  Result<std::size_t> got = 0;
  while (got && back.size() < text.size()) {
    got = co_await stream.read_some({block.data(), Block::size()}, *server.deadline);
    if (got) back.append(block.data(), *got);
  }
  if (!got) stream.cancel();
  while (sender.running() > 0) co_await yield(server.worker.executor());  // nothing to check
  if (!got) co_return std::unexpected(std::move(got).error());
  co_return back;
}

TEST(Net, EchoesSmallAndLargeMessages) {
  EchoServer server;
  for (const std::size_t size : {std::size_t{1}, std::size_t{1000}, std::size_t{8'000'000}}) {
    std::string text(size, 'x');
    for (std::size_t i = 0; i < size; i += 97) text[i] = char('a' + i % 26);
    const auto back = server.run(round_trip(server, text));
    ASSERT_TRUE(back) << back.error().message();
    EXPECT_EQ(*back, text);
  }
}

Awaitable<void> wait_once(Stream& stream, Deadline& deadline, std::vector<Wake>& woken) {
  woken.push_back(co_await stream.until_readable(deadline));
}

// Two wait for the same direction, as the reader and the writer of a TLS stream may; then one event
// comes.
Awaitable<Result<std::vector<Wake>>> wait_twice(EchoServer& server) {
  Stream stream;
  Dialer dialer(server.worker, {});
  CO_TRY_OK(
      co_await dialer.connect(stream, "127.0.0.1", server.listener->port(), *server.deadline));
  while (stream.watch().readable()) {
    char byte = 0;
    if (stream.try_read({&byte, 1}).state != Io::State::done) break;
  }
  std::vector<Wake> woken;
  TaskGroup tasks(server.worker.executor());
  spawn(tasks, wait_once(stream, *server.deadline, woken));
  spawn(tasks, wait_once(stream, *server.deadline, woken));
  CO_TRY_OK(co_await stream.write_all("x", *server.deadline));
  while (tasks.running() > 0) co_await yield(server.worker.executor());  // nothing to check
  co_return woken;
}

TEST(Net, TwoWaitersOfOneDirectionAreBothWoken) {
  EchoServer server;
  const auto woken = server.run(wait_twice(server));
  ASSERT_TRUE(woken) << woken.error().message();
  EXPECT_EQ(*woken, (std::vector<Wake>{Wake::ready, Wake::ready}));
}

Awaitable<Result<std::vector<Wake>>> wait_interrupted(EchoServer& server) {
  Stream stream;
  Dialer dialer(server.worker, {});
  CO_TRY_OK(
      co_await dialer.connect(stream, "127.0.0.1", server.listener->port(), *server.deadline));
  std::vector<Wake> woken;
  TaskGroup tasks(server.worker.executor());
  spawn(tasks, wait_once(stream, *server.deadline, woken));
  co_await yield(server.worker.executor());  // nothing to check
  stream.watch().interrupt_reader();
  while (tasks.running() > 0) co_await yield(server.worker.executor());  // nothing to check
  // The stream goes on.
  CO_TRY_OK(co_await stream.write_all("y", *server.deadline));
  char byte = 0;
  CO_TRY_OK(co_await stream.read_some({&byte, 1}, *server.deadline));
  if (byte != 'y') co_return fail(Errc::internal, "another byte came");
  co_return woken;
}

TEST(Net, AnInterruptWakesTheReaderAndTheStreamGoesOn) {
  EchoServer server;
  const auto woken = server.run(wait_interrupted(server));
  ASSERT_TRUE(woken) << woken.error().message();
  EXPECT_EQ(*woken, std::vector<Wake>{Wake::cancelled});
}

Awaitable<Wake> wait_for_silence(EchoServer& server) {
  Stream stream;
  Dialer dialer(server.worker, {});
  const auto connected =
      co_await dialer.connect(stream, "127.0.0.1", server.listener->port(), *server.deadline);
  EXPECT_TRUE(connected);
  co_return co_await stream.until_readable(*server.short_deadline);
}

TEST(Net, ADeadlineWakesTheWaiter) {
  EchoServer server;
  EXPECT_EQ(server.run(wait_for_silence(server)), Wake::timeout);
}

Awaitable<Result<void>> connect_to(EchoServer& server, std::string host, std::uint16_t port,
                                   AddressCheck check) {
  Stream stream;
  Dialer dialer(server.worker, std::move(check));
  CO_TRY_OK(co_await dialer.connect(stream, host, port, *server.deadline));
  co_return Result<void>();
}

TEST(Net, ARefusedConnectionNamesItsAddress) {
  EchoServer server;
  // Port 1 of loopback has no listener.
  const auto result = server.run(connect_to(server, "127.0.0.1", 1, {}));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), Errc::unavailable);
  EXPECT_EQ(result.error().message(), "Error connecting to 127.0.0.1:1");
}

TEST(Net, TheGuardIsAskedAboutTheResolvedAddress) {
  EchoServer server;
  const auto result = server.run(connect_to(
      server, "localhost", server.listener->port(), [](const Address& address) -> Result<void> {
        return fail(Errc::denied, "no calls to " + address.text());
      }));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), Errc::denied);
}

TEST(Net, AnUnknownNameIsAnErrorThatNamesIt) {
  EchoServer server;
  // RFC 6761: .invalid never resolves.
  const auto result = server.run(connect_to(server, "no-such-host.invalid", 80, {}));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), Errc::not_found);
  EXPECT_EQ(result.error().message(), "the name no-such-host.invalid does not resolve");
}

Awaitable<void> call_by_name(EchoServer& server, Dialer& dialer, std::vector<Errc>& ends) {
  Stream stream;
  const auto connected =
      co_await dialer.connect(stream, "localhost", server.listener->port(), *server.deadline);
  ends.push_back(connected ? Errc::internal : connected.error().code());
}

TEST(Net, CallsThatWaitForOneNameAreAllAnswered) {
  EchoServer server;
  // Every address is refused, so each call ends with the guard's word and none with a connection.
  std::size_t asked = 0;
  const auto check = [&asked](const Address&) -> Result<void> {
    ++asked;
    return fail(Errc::denied, "no");
  };
  std::unique_ptr<Dialer> dialer;
  std::vector<Errc> ends;
  std::promise<void> all;
  server.worker.run_and_wait([&] {
    dialer = std::make_unique<Dialer>(server.worker, check);
    auto group = std::make_shared<TaskGroup>(server.worker.executor());
    for (int i = 0; i < 50; ++i) spawn(*group, call_by_name(server, *dialer, ends));
    group->when_empty([&all, group] { all.set_value(); });
  });
  all.get_future().wait();
  server.worker.run_and_wait([&] { dialer.reset(); });
  EXPECT_EQ(ends, std::vector<Errc>(50, Errc::denied));
  EXPECT_GE(asked, 50U);
}

TEST(Net, WorkPostedByManyThreadsRunsOnceEachAndInOrder) {
  constexpr int kThreads = 4, kEach = 5000;
  Worker worker(0);
  worker.start();
  std::array<int, kThreads> next{};
  bool in_order = true;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        worker.post([&, t, i] {
          in_order = in_order && next[std::size_t(t)] == i;
          ++next[std::size_t(t)];
        });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  worker.run_and_wait([] {});
  EXPECT_TRUE(in_order);
  for (const int count : next) EXPECT_EQ(count, kEach);
}

TEST(Net, WhatIsPostedBeforeAStopStillRuns) {
  int ran = 0;
  Worker worker(0);
  worker.post([&] {
    ++ran;
    worker.post([&] { ++ran; });
  });
  worker.stop();
  worker.start();
  worker.join();
  EXPECT_EQ(ran, 2);
}

TEST(Net, ATimerRunsAgainWhenItIsStartedAgainAndMayEndItself) {
  Poller poller;
  int runs = 0;
  std::unique_ptr<Timer> timer;
  timer = std::make_unique<Timer>(poller, 1ms, [&] {
    if (++runs < 3) {
      timer->start();
    } else {
      timer.reset();
    }
  });
  timer->start();
  poller.run_until([&] { return timer == nullptr; });
  EXPECT_EQ(runs, 3);
}

Awaitable<void> wait_twice(Signal& signal, Deadline& deadline, std::vector<Wake>& wakes) {
  wakes.push_back(co_await signal.wait(deadline));
  wakes.push_back(co_await signal.wait(deadline));
}

TEST(Net, ASignalBeforeTheWaitIsNotLostAndALateOneTimesOut) {
  Poller poller;
  std::vector<Wake> wakes;
  Deadline deadline(poller, 1ms);
  Signal signal;
  TaskGroup group(poller.executor());
  signal.notify();
  spawn(group, wait_twice(signal, deadline, wakes));
  poller.run_until([&] { return group.running() == 0; });
  EXPECT_EQ(wakes, (std::vector<Wake>{Wake::ready, Wake::timeout}));
}

TEST(Net, SparesAreAsManyAsABurstNeededAndGoWhenNobodyNeedsThem) {
  Spares<std::unique_ptr<int>> spares;
  const auto burst = [&](std::size_t count) {
    std::vector<std::unique_ptr<int>> used;
    for (std::size_t i = 0; i < count; ++i)
      used.push_back(spares.empty() ? std::make_unique<int>() : spares.take());
    for (auto& one : used) spares.give(std::move(one));
  };
  burst(1000);
  EXPECT_EQ(spares.size(), 1000U);
  for (int second = 0; second < 10; ++second) {
    spares.trim();
    burst(500);
  }
  EXPECT_GE(spares.size(), 500U);
  EXPECT_LT(spares.size(), 600U);
  for (int second = 0; second < 12; ++second) spares.trim();
  EXPECT_EQ(spares.size(), Spares<std::unique_ptr<int>>::kKept);
}

TEST(Net, BlocksOfABurstGoBack) {
  Worker worker(0);
  worker.start();
  worker.run_and_wait([&] {
    std::vector<Block> used;
    for (int i = 0; i < 300; ++i) used.push_back(worker.blocks().take());
  });
  std::size_t unused = 300;
  while (unused > 70) worker.run_and_wait([&] { unused = worker.blocks().unused(); });
}

TEST(Net, ATakenPortIsReportedByName) {
  EchoServer server;
  server.worker.run_and_wait([&] {
    // Another program's listener: bound without SO_REUSEPORT.
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::listen(fd, 1), 0);
    socklen_t size = sizeof address;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    Listener other(server.worker);
    const auto opened = other.open({.host = "127.0.0.1", .port = ntohs(address.sin_port)}, {});
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code(), Errc::conflict);
    EXPECT_NE(opened.error().message().find(std::to_string(ntohs(address.sin_port))),
              std::string::npos);
    ::close(fd);
  });
}

Awaitable<Result<int>> compute(EchoServer& server, ComputePool& pool) {
  co_return co_await pool.run(server.worker.executor(), [] { return 6 * 7; });
}

TEST(Net, ThePoolRunsWorkAndResumesTheWorker) {
  EchoServer server;
  ComputePool pool("compute", 2, 16);
  EXPECT_EQ(server.run(compute(server, pool)).value(), 42);
}

TEST(Net, AFullPoolAnswersInsteadOfQueueing) {
  EchoServer server;
  std::promise<void> release;
  const std::shared_future<void> released = release.get_future().share();
  std::promise<void> started;
  {
    ComputePool pool("compute", 1, 1);
    ASSERT_TRUE(pool.post([&] {
      started.set_value();
      released.wait();
    }));
    started.get_future().wait();
    ASSERT_TRUE(pool.post([] {}));  // Fills the queue.
    const auto refused = server.run(compute(server, pool));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Errc::exhausted);
    release.set_value();
  }
}

}  // namespace
}  // namespace mlgate::net
