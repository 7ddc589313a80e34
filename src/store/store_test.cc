#include "store/store.h"

#include "base/crypto.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

namespace mlgate::store {
namespace {

class StoreTest : public testing::Test {
 protected:
  StoreTest() : folder_(std::filesystem::temp_directory_path() / ("store-" + new_hex_id())) {
    std::filesystem::create_directory(folder_);
  }
  ~StoreTest() override { std::filesystem::remove_all(folder_); }

  std::string path() const { return folder_ / "store.db"; }
  std::unique_ptr<Store> open() {
    auto store = open_sqlite(path());
    EXPECT_TRUE(store.has_value()) << (store ? "" : store.error().message());
    return store ? *std::move(store) : nullptr;
  }

  std::filesystem::path folder_;
};

Write put(std::string key, std::string body) { return {"c", std::move(key), std::move(body)}; }
Write erase(std::string key) { return {"c", std::move(key), std::nullopt}; }

std::string body_of(Store& store, std::string_view key) {
  auto found = store.get("c", key);
  return found && *found ? (*found)->body : "(none)";
}

TEST_F(StoreTest, KeepsDocumentsOverReopening) {
  std::uint64_t version = 0;
  {
    auto store = open();
    version = store->commit({put("a", "1"), put("b", std::string("\0x", 2))}).value();
    EXPECT_EQ(version, 1U);
  }
  auto store = open();
  EXPECT_EQ(store->get("c", "b").value()->body, std::string("\0x", 2));
  EXPECT_EQ(store->get("c", "a").value()->version, version);
  EXPECT_FALSE(store->get("c", "absent").value().has_value());
  EXPECT_FALSE(store->get("other", "a").value().has_value());
  EXPECT_EQ(store->last_change().value(), 1U);
}

TEST_F(StoreTest, ListsByPrefixInOrderOfKeys) {
  auto store = open();
  ASSERT_TRUE(store->commit(
      {put("s/b", "2"), put("s/a", "1"), put("s0", "3"), put("r", "4"), put("\xFF\xFF", "5")}));
  std::vector<std::string> keys;
  const auto listed = store->list("c", "s/").value();
  for (const auto& document : listed) keys.push_back(document.key);
  EXPECT_EQ(keys, (std::vector<std::string>{"s/a", "s/b"}));
  EXPECT_EQ(store->list("c", "").value().size(), 5U);
  EXPECT_EQ(store->list("c", "\xFF").value().size(), 1U);
  EXPECT_EQ(store->size_of("c").value(), 5U);
  EXPECT_EQ(store->size_of("other").value(), 0U);
}

TEST_F(StoreTest, ACommitIsAllOrNothingAndNamesTheBrokenExpectation) {
  auto store = open();
  const auto first = store->commit({put("a", "1")}).value();
  auto refused = store->commit({put("b", "2"), {"c", "a", "x", Expect::absent, 0}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::precondition_failed);
  EXPECT_EQ(refused.error().field(), "a");
  EXPECT_EQ(body_of(*store, "b"), "(none)");

  EXPECT_FALSE(store->commit({{"c", "a", "x", Expect::version, first + 7}}));
  EXPECT_FALSE(store->commit({{"c", "nothing", "x", Expect::version, 0}}));
  EXPECT_TRUE(store->commit({{"c", "a", "y", Expect::version, first}}));
  EXPECT_EQ(body_of(*store, "a"), "y");
}

TEST_F(StoreTest, TheFeedTellsTheLastChangeOfEachDocument) {
  auto store = open();
  const auto one = store->commit({put("a", "1"), put("b", "1")}).value();
  const auto two = store->commit({put("a", "2")}).value();
  const auto three = store->commit({erase("b")}).value();
  const auto changes = store->changes(0, 100).value();
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_EQ(changes[0].key, "a");
  EXPECT_EQ(changes[0].number, two);
  EXPECT_EQ(changes[1].key, "b");
  EXPECT_EQ(changes[1].number, three);
  EXPECT_TRUE(changes[1].deleted);
  EXPECT_TRUE(store->changes(three, 100).value().empty());
  EXPECT_EQ(store->changes(one, 1).value().size(), 1U);
}

TEST_F(StoreTest, TheLimitOfTheFeedNeverCutsACommit) {
  auto store = open();
  ASSERT_TRUE(store->commit({put("a", "1"), put("b", "1"), put("d", "1")}));
  ASSERT_TRUE(store->commit({put("e", "1")}));
  EXPECT_EQ(store->changes(0, 1).value().size(), 3U);
}

TEST_F(StoreTest, AViewStaysAtOneMoment) {
  auto store = open();
  const auto one = store->commit({put("a", "1")}).value();
  auto view = store->view().value();
  ASSERT_TRUE(store->commit({put("a", "2"), put("b", "2")}));
  EXPECT_EQ(view->get("c", "a").value()->body, "1");
  EXPECT_EQ(view->list("c", "").value().size(), 1U);
  EXPECT_EQ(view->changes(0, 10).value().size(), 1U);
  EXPECT_EQ(view->last_change().value(), one);
  EXPECT_EQ(view->size_of("c").value(), 1U);
  EXPECT_EQ(body_of(*store, "a"), "2");
  view.reset();
  EXPECT_EQ(store->view().value()->get("c", "a").value()->body, "2");
}

TEST_F(StoreTest, ConcurrentCommitsAllLandAndAFailingOneFailsAlone) {
  auto store = open();
  ASSERT_TRUE(store->commit({put("taken", "1")}));
  std::atomic<int> written = 0, refused = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        const std::string key = std::to_string(t) + "-" + std::to_string(i);
        (store->commit({put(key, "v")}) ? written : refused)++;
        (store->commit({put(key + "x", "v"), {"c", "taken", "2", Expect::absent, 0}}) ? written
                                                                                      : refused)++;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(written, 400);
  EXPECT_EQ(refused, 400);
  EXPECT_EQ(store->list("c", "").value().size(), 401U);
  EXPECT_EQ(store->last_change().value(), 401U);
}

TEST_F(StoreTest, OfManyCompareAndSwapsOneWinsEachRound) {
  auto store = open();
  ASSERT_TRUE(store->commit({put("n", "0")}));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int done = 0; done < 25;) {
        const Document now = *store->get("c", "n").value();
        const std::string next = std::to_string(std::stoi(now.body) + 1);
        if (store->commit({{"c", "n", next, Expect::version, now.version}})) ++done;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(body_of(*store, "n"), "100");
}

TEST_F(StoreTest, TellsListenersTheNumberOfACommit) {
  auto store = open();
  std::atomic<std::uint64_t> heard = 0;
  store->on_commit([&](std::uint64_t number) { heard = number; });
  const auto number = store->commit({put("a", "1")}).value();
  store.reset();  // Joins the thread that calls listeners.
  EXPECT_EQ(heard, number);
}

TEST_F(StoreTest, TwoStoresOnOneFileSeeAndRespectEachOther) {
  auto one = open();
  auto two = open();
  std::thread other([&] {
    for (int i = 0; i < 50; ++i) EXPECT_TRUE(two->commit({put("two" + std::to_string(i), "")}));
  });
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(one->commit({put("one" + std::to_string(i), "")}));
  other.join();
  EXPECT_EQ(one->list("c", "").value().size(), 100U);
  EXPECT_EQ(two->last_change().value(), 100U);
}

TEST_F(StoreTest, RefusesWhatIsBeyondItsLimits) {
  auto store = open();
  EXPECT_FALSE(store->commit({put("", "1")}));
  EXPECT_FALSE(store->commit({put(std::string(1'025, 'k'), "1")}));
  EXPECT_TRUE(store->commit({put(std::string(1'024, 'k'), "1")}));
  EXPECT_FALSE(store->commit({{std::string(65, 'c'), "k", "1"}}));
}

TEST_F(StoreTest, AFolderThatIsNotThereIsAnErrorNotACrash) {
  auto store = open_sqlite(folder_ / "absent" / "store.db");
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code(), Errc::unavailable);
}

// A child commits and reports each success through a pipe until it is killed: what it reported is
// there.
TEST_F(StoreTest, WhatWasCommittedSurvivesKill) {
  int pipe_ends[2];
  ASSERT_EQ(::pipe(pipe_ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    auto store = open_sqlite(path());
    for (int i = 0; store && i < 1'000'000; ++i) {
      const std::string key = std::to_string(i);
      if (!(*store)->commit({put("a" + key, key), put("b" + key, key)})) break;
      if (::write(pipe_ends[1], &i, sizeof i) != sizeof i) break;
    }
    ::_exit(1);
  }
  ::close(pipe_ends[1]);
  int last = -1;
  while (last < 60 && ::read(pipe_ends[0], &last, sizeof last) == sizeof last) {
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  while (::read(pipe_ends[0], &last, sizeof last) == sizeof last) {
  }
  ::close(pipe_ends[0]);
  ASSERT_GE(last, 60);
  auto store = open();
  for (int i = 0; i <= last; ++i) {
    EXPECT_EQ(body_of(*store, "a" + std::to_string(i)), std::to_string(i));
    EXPECT_EQ(body_of(*store, "b" + std::to_string(i)), std::to_string(i));
  }
  EXPECT_EQ(store->list("c", "a").value().size(), store->list("c", "b").value().size());
  EXPECT_TRUE(store->commit({put("after", "1")}));
}

TEST_F(StoreTest, TheVaultKeepsItsKeyAndBindsValuesToTheirPlace) {
  const std::string file = folder_ / "master.key";
  const Vault first = Vault::open(file).value();
  const std::string sealed = first.seal("secret", "place");
  struct stat info{};
  ASSERT_EQ(::stat(file.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  EXPECT_EQ(info.st_size, 32);

  const Vault second = Vault::open(file).value();
  EXPECT_EQ(second.unseal(sealed, "place").value(), "secret");
  EXPECT_FALSE(second.unseal(sealed, "other place"));
  EXPECT_FALSE(second.unseal("no base64!", "place"));
  EXPECT_EQ(sealed.find("secret"), std::string::npos);
  EXPECT_EQ(first.derive("tokens"), second.derive("tokens"));
  EXPECT_NE(first.derive("tokens"), first.derive("others"));
}

TEST_F(StoreTest, TheVaultRefusesAKeyThatOthersCanReadOrThatIsCut) {
  const std::string file = folder_ / "master.key";
  std::ofstream(file) << "short";
  ::chmod(file.c_str(), 0600);
  EXPECT_EQ(Vault::open(file).error().code(), Errc::invalid_argument);
  std::ofstream(file) << std::string(32, 'k');
  ::chmod(file.c_str(), 0644);
  EXPECT_EQ(Vault::open(file).error().code(), Errc::denied);
}

}  // namespace
}  // namespace mlgate::store
