// Jobs from submit to result: the service, the engine and the embedded blobs together.
#include "batch/engine.h"

#include "batch/service.h"
#include "blob/access.h"
#include "blob/accounts.h"
#include "blob/authorization.h"
#include "blob/storage.h"
#include "webservice/test_support.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <random>

namespace mlgate::batch {
namespace {

using webservice::testing::Fixture;
using webservice::testing::tutorial_graph;
using Operation = webservice::BatchCalls::Operation;

constexpr std::string_view kStorage = "UseDevelopmentStorage=true";

// A store whose disk fills up, or that cannot be reached, for a while.
class FlakyStore final : public store::Store {
 public:
  explicit FlakyStore(std::unique_ptr<store::Store> real) : real_(std::move(real)) {}
  std::atomic<bool> down{false};
  std::atomic<int> refused{0};
  // Runs once, when the results of parts are read: where others may come in.
  std::function<void()> before_results;

  Result<std::optional<store::Document>> get(std::string_view collection,
                                             std::string_view key) override {
    return real_->get(collection, key);
  }
  Result<std::vector<store::Document>> list(std::string_view collection,
                                            std::string_view prefix) override {
    if (collection == kPartResults)
      if (const auto hook = std::exchange(before_results, nullptr)) hook();
    return real_->list(collection, prefix);
  }
  Result<std::vector<store::Document>> page(std::string_view collection, std::string_view prefix,
                                            std::string_view after, std::size_t limit) override {
    return real_->page(collection, prefix, after, limit);
  }
  Result<std::uint64_t> commit(std::vector<store::Write> writes) override {
    if (down) {
      ++refused;
      return fail(Errc::exhausted, "store: database or disk is full");
    }
    return real_->commit(std::move(writes));
  }
  Result<std::vector<store::Change>> changes(std::uint64_t after, std::size_t limit) override {
    return real_->changes(after, limit);
  }
  Result<std::uint64_t> last_change() override { return real_->last_change(); }
  void on_commit(std::function<void(std::uint64_t)> listener) override {
    real_->on_commit(std::move(listener));
  }

 private:
  std::unique_ptr<store::Store> real_;
};

// A server without sockets.
class Site {
 public:
  explicit Site(std::size_t part_bytes = std::size_t{8} << 20, LedgerLimits limits = {})
      : flaky(make_flaky(fixture)),
        service(*fixture.publish(tutorial_graph(fixture.catalogue))),
        accounts(*fixture.store, fixture.vault, system_clock(), {}),
        storage(*blob::Storage::open(fixture.folder / "blobs", system_clock(), {.sync = false})),
        access(accounts, *storage, system_clock()),
        ledger(Ledger::Parts{*fixture.store, fixture.vault, system_clock()}, limits) {
    CHECK(accounts.open().has_value());
    blob::EmbeddedEndpoint embedded;
    embedded.accounts = &accounts;
    embedded.storage = storage.get();
    embedded.access = &access;
    embedded.authorities = {"localhost:10000"};
    embedded.public_base = "http://localhost:10000";
    opener = std::make_unique<blob::BlobOpener>(
        blob::BlobOpener::Parts{http, system_clock(), embedded, {.tries = 1}});
    RunnerOptions options;
    options.part_bytes = part_bytes;
    options.block_bytes = std::max<std::size_t>(part_bytes / 3, 16);
    options.own_account = blob::kDevelopmentAccount;
    running = options;
    runner = make_runner();
    ServiceOptions serving;
    serving.own_account = blob::kDevelopmentAccount;
    batches =
        std::make_unique<BatchService>(BatchService::Parts{ledger, *fixture.registry, *opener,
                                                           *fixture.store, system_clock(), pool},
                                       serving);
    put("box", "", "");
    fixture.store->on_commit([held = commits](std::uint64_t number) {
      {
        const std::lock_guard lock(held->mutex);
        held->number = number;
      }
      held->more.notify_all();
    });
  }

  std::unique_ptr<Runner> make_runner() {
    return std::make_unique<Runner>(
        Runner::Parts{ledger, *opener, fixture.catalogue, fixture.datasets}, running);
  }

  void start(std::size_t threads = 2) {
    EngineOptions options;
    options.threads = threads;
    options.poll = std::chrono::milliseconds(20);
    engine = std::make_unique<Engine>(
        Engine::Parts{*fixture.store, ledger, *runner, system_clock()}, options);
    CHECK(engine->start().has_value());
  }

  void put(const std::string& container, const std::string& name, std::string_view text) {
    const std::string account(blob::kDevelopmentAccount);
    (void)storage->create_container({account, container, ""}, {}, blob::PublicAccess::none);
    if (name.empty()) return;
    auto content = storage->new_content();
    CHECK(content.has_value() && content->append(text).has_value());
    CHECK(storage->put_blob({account, container, name}, *std::move(content), {}, {}).has_value());
  }
  Result<std::string> get(const std::string& container, const std::string& name) {
    TRY(const auto reader,
        storage->open_blob({std::string(blob::kDevelopmentAccount), container, name}, {}));
    std::string text(reader.bytes(), '\0');
    TRY_OK(reader.read(0, text));
    return text;
  }

  http::Response call(Operation operation, const std::string& job, std::string body = {},
                      std::string query = {}) {
    webservice::testing::Call request;
    request.body = std::move(body);
    request.query = std::move(query);
    http::Fields fields;
    return batches->handle({operation, service.endpoints.front(), job}, request.make(fields));
  }
  static std::string body(const std::string& input, const std::string& output) {
    const auto reference = [](const std::string& name) {
      return R"({"ConnectionString":")" + std::string(kStorage) + R"(","RelativeLocation":"/box/)" +
             name + R"("})";
    };
    return R"({"Input":)" + reference(input) + R"(,"Outputs":{"output1":)" + reference(output) +
           R"(},"GlobalParameters":{}})";
  }
  std::string submit(const std::string& json, const std::string& query = {}) {
    const http::Response answer = call(Operation::submit, {}, json, query);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return answer.body.size() > 2 ? answer.body.substr(1, answer.body.size() - 2) : std::string();
  }
  std::string run(const std::string& json, const std::string& query = {}) {
    const std::string job = submit(json, query);
    EXPECT_EQ(call(Operation::start, job).status, 200);
    return job;
  }
  // Asks again after every commit, until `holds` does; false after five minutes.
  bool await(const std::function<bool()>& holds) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::minutes(5);
    while (std::chrono::steady_clock::now() < until) {
      const std::uint64_t seen = commits->number.load();
      if (holds()) return true;
      std::unique_lock lock(commits->mutex);
      commits->more.wait_for(lock, std::chrono::milliseconds(100),
                             [&] { return commits->number.load() != seen; });
    }
    return false;
  }
  Json wait(const std::string& job) {
    Json status;
    EXPECT_TRUE(await([&] {
      const http::Response answer = call(Operation::status, job);
      EXPECT_EQ(answer.status, 200) << answer.body;
      status = *Json::parse(answer.body);
      const std::string_view code = status.string_or("StatusCode");
      return code != "NotStarted" && code != "Running";
    }));
    return status;
  }

  static FlakyStore* make_flaky(Fixture& fixture) {
    auto made = std::make_unique<FlakyStore>(std::move(fixture.store));
    FlakyStore* flaky = made.get();
    fixture.store = std::move(made);
    fixture.open();  // The registry, on the store that it will have.
    return flaky;
  }

  Fixture fixture;
  FlakyStore* flaky;
  webservice::Service service;
  blob::Accounts accounts;
  std::unique_ptr<blob::Storage> storage;
  blob::Access access;
  blob::HttpCaller http{net::AddressCheck(), nullptr};
  Ledger ledger;
  net::ComputePool pool{"control", 2, 100};
  std::unique_ptr<blob::BlobOpener> opener;
  RunnerOptions running;
  std::unique_ptr<Runner> runner;
  std::unique_ptr<BatchService> batches;
  std::unique_ptr<Engine> engine;
  struct Commits {
    std::mutex mutex;
    std::condition_variable more;
    std::atomic<std::uint64_t> number{0};
  };
  std::shared_ptr<Commits> commits = std::make_shared<Commits>();
};

std::string reviews(int rows) {
  std::string text = "id,Col2\r\n";
  for (int i = 0; i < rows; ++i) {
    const std::string id = std::to_string(i);
    text += id;
    switch (i % 4) {
      case 0:
        text += ",This is a good day\r\n";
        break;
      case 1:
        text += ",\"a \"\"quoted\"\"\nreview, number " + id + "\"\r\n";
        break;
      case 2:
        text += ",plain " + id + "\n\n";
        break;
      default:
        text += ",\r\n";
    }
  }
  return text;
}

TEST(Batch, TheTutorialsJob) {
  Site site;
  site.start();
  site.put("box", "in.csv", "Col2\nThis is a good day\n");
  const std::string job = site.run(Site::body("in.csv", "out.csv"));
  const Json status = site.wait(job);
  EXPECT_EQ(status.string_or("StatusCode"), "Finished");
  EXPECT_TRUE(status["Details"].is_null());
  const Json& output = status["Results"]["output1"];
  EXPECT_TRUE(output["ConnectionString"].is_null());
  EXPECT_EQ(output.string_or("BaseLocation"), "http://localhost:10000/devstoreaccount1/");
  EXPECT_EQ(output.string_or("RelativeLocation"), "box/out.csv");
  EXPECT_TRUE(output.string_or("SasBlobToken").starts_with("?"));
  EXPECT_EQ(*site.get("box", "out.csv"),
            "Col2,Col2_HashingFeature_1,Col2_HashingFeature_2,Col2_HashingFeature_3,"
            "Col2_HashingFeature_4,Col2_HashingFeature_5,Col2_HashingFeature_6,"
            "Col2_HashingFeature_7,Col2_HashingFeature_8\r\n"
            "This is a good day,1,1,2,2,0,2,0,1\r\n");
  // Removing the record leaves the blob.
  EXPECT_EQ(site.call(Operation::remove, job).status, 200);
  EXPECT_EQ(site.call(Operation::status, job).status, 404);
  EXPECT_TRUE(site.get("box", "out.csv"));
}

TEST(Batch, TheResultIsTheSameHoweverTheInputIsCut) {
  const std::string input = reviews(500);
  std::string expected;
  for (const std::size_t part_bytes : {std::size_t{8} << 20, std::size_t{4'000}, std::size_t{97}}) {
    for (const std::size_t threads : {1U, 4U}) {
      Site site(part_bytes);
      site.start(threads);
      site.put("box", "in.csv", input);
      const Json status = site.wait(site.run(Site::body("in.csv", "out.csv")));
      ASSERT_EQ(status.string_or("StatusCode"), "Finished") << status.dump();
      const auto result = site.get("box", "out.csv");
      ASSERT_TRUE(result);
      if (expected.empty()) expected = *result;
      EXPECT_EQ(*result, expected) << part_bytes << " " << threads;
    }
  }
  EXPECT_EQ(std::ranges::count(expected, '\r'), 501);
}

TEST(Batch, ABadRowFailsTheJobWithItsNumberOrIsSkippedAndReported) {
  std::string input = reviews(100);
  input += "100,\xff\xfe\r\n101,fine\r\n";
  for (const std::size_t part_bytes : {std::size_t{8} << 20, std::size_t{97}}) {
    Site site(part_bytes);
    site.start();
    site.put("box", "in.csv", input);
    const Json failed = site.wait(site.run(Site::body("in.csv", "out.csv")));
    EXPECT_EQ(failed.string_or("StatusCode"), "Failed");
    EXPECT_NE(failed.string_or("Details").find("Row 101, column \"Col2\""), std::string_view::npos)
        << failed.dump();
    EXPECT_EQ(failed.string_or("Details").find("Storage=true"), std::string_view::npos);
    EXPECT_FALSE(site.get("box", "out.csv"));

    const Json skipped = site.wait(site.run(Site::body("in.csv", "out.csv"), "onRowError=skip"));
    EXPECT_EQ(skipped.string_or("StatusCode"), "Finished") << skipped.dump();
    const std::string result = *site.get("box", "out.csv");
    EXPECT_NE(result.find("fine,"), std::string::npos);
    EXPECT_EQ(std::ranges::count(result, '\r'), 102);
    const auto report = site.get("box", "out.csv.errors.csv");
    ASSERT_TRUE(report);
    EXPECT_NE(report->find("101,Col2,"), std::string::npos) << *report;
  }
}

TEST(Batch, FilesWithoutRowsAndWithoutAnything) {
  Site site;
  site.start();
  site.put("box", "rowless.csv", "Col2\r\n");
  EXPECT_EQ(site.wait(site.run(Site::body("rowless.csv", "a.tsv"))).string_or("StatusCode"),
            "Finished");
  EXPECT_TRUE(site.get("box", "a.tsv")->starts_with("Col2\tCol2_HashingFeature_1\t"));
  site.put("box", "empty.csv", "");
  EXPECT_EQ(site.wait(site.run(Site::body("empty.csv", "b.csv"))).string_or("StatusCode"),
            "Finished");
}

TEST(Batch, ArffInAndOut) {
  for (const std::size_t part_bytes : {std::size_t{8} << 20, std::size_t{70}}) {
    Site site(part_bytes);
    site.start();
    std::string input = "@relation r\n@attribute Col2 string\n@data\n";
    for (int i = 0; i < 20; ++i) input += "'This is a good day'\n% comment\n";
    site.put("box", "in.arff", input);
    const Json status = site.wait(site.run(Site::body("in.arff", "out.arff")));
    ASSERT_EQ(status.string_or("StatusCode"), "Finished") << status.dump();
    const std::string result = *site.get("box", "out.arff");
    EXPECT_TRUE(result.ends_with("'This is a good day',1,1,2,2,0,2,0,1\n")) << result;
    EXPECT_EQ(std::ranges::count(result, '\''), 40);
  }
}

TEST(Batch, WithoutOutputsTheResultIsInTheWorkspacesContainer) {
  Site site;
  site.start();
  site.put("box", "in.csv", "Col2\nx\n");
  const std::string job = site.run(R"({"Input":{"ConnectionString":"UseDevelopmentStorage=true",)"
                                   R"("RelativeLocation":"box/in.csv"}})");
  const Json status = site.wait(job);
  ASSERT_EQ(status.string_or("StatusCode"), "Finished") << status.dump();
  EXPECT_EQ(status["Results"]["output1"].string_or("RelativeLocation"),
            site.fixture.workspace.id + "/" + job + "/output1.csv");
  EXPECT_TRUE(site.get(site.fixture.workspace.id, job + "/output1.csv"));
}

TEST(Batch, FailuresSayWhatIsMissing) {
  Site site;
  site.start();
  const auto details = [&](const std::string& json) {
    const Json status = site.wait(site.run(json));
    EXPECT_EQ(status.string_or("StatusCode"), "Failed");
    return std::string(status.string_or("Details"));
  };
  EXPECT_TRUE(details(Site::body("nothing.csv", "o.csv"))
                  .starts_with("Unable to access the provided Azure blob - box/nothing.csv.  Azure "
                               "error message: The blob does not exist. (BlobNotFound)"));
  site.put("box", "other.csv", "Col1\nx\n");
  EXPECT_NE(details(Site::body("other.csv", "o.csv")).find("There is no column \"Col2\""),
            std::string::npos);
  site.put("box", "in.csv", "Col2\nx\n");
  std::string elsewhere = Site::body("in.csv", "o.csv");
  elsewhere.replace(elsewhere.rfind("/box/"), 5, "/missing/");
  EXPECT_NE(details(elsewhere).find("The container does not exist. (ContainerNotFound)"),
            std::string::npos);
  const std::string wrong_key = Site::body("in.csv", "o.csv");
  std::string changed = wrong_key;
  changed.replace(changed.find(kStorage), kStorage.size(),
                  "AccountName=devstoreaccount1;AccountKey=c2VjcmV0");
  const std::string refused = details(changed);
  EXPECT_NE(refused.find("does not accept the account key"), std::string::npos) << refused;
  EXPECT_EQ(refused.find("c2VjcmV0"), std::string::npos);
}

TEST(Batch, BlocksOfJobsThatFailAreDropped) {
  Site site(200);
  site.start();
  site.put("box", "in.csv", reviews(200) + "200,\xff\r\n");
  EXPECT_EQ(site.wait(site.run(Site::body("in.csv", "out.csv"))).string_or("StatusCode"), "Failed");
  const blob::Place place{std::string(blob::kDevelopmentAccount), "box", "out.csv"};
  EXPECT_TRUE(site.await([&] { return site.ledger.litter()->empty(); }));
  EXPECT_FALSE(site.storage->block_lists(place, {})) << "there are still blocks";
}

TEST(Batch, CancelStopsAJobAndTheOthersGoOn) {
  Site site;
  site.put("box", "in.csv", "Col2\nx\n");
  const std::string job = site.run(Site::body("in.csv", "a.csv"));
  const std::string other = site.run(Site::body("in.csv", "b.csv"));
  EXPECT_EQ(site.call(Operation::remove, job).status, 200);
  EXPECT_EQ(site.wait(job).string_or("StatusCode"), "Cancelled");
  const http::Response again = site.call(Operation::start, job);
  EXPECT_EQ(again.status, 400);
  EXPECT_NE(again.body.find("because it is in Cancelled state"), std::string::npos);
  site.start();
  EXPECT_EQ(site.wait(other).string_or("StatusCode"), "Finished");
  EXPECT_FALSE(site.get("box", "a.csv"));
}

// Does the pieces of a job until the one that finishes it, which it gives undone.
Assignment work_to_finish(Site& site, const std::string& job) {
  const auto nobody_is_dead = [](std::string_view) { return false; };
  for (;;) {
    const auto given = site.ledger.claim(job, "worker", nobody_is_dead);
    CHECK(given.has_value() && given->has_value());
    if ((*given)->kind == Assignment::Kind::finish) return **given;
    CHECK(site.runner->run(**given, [] { return true; }).has_value());
  }
}

TEST(Batch, AFinisherWhoseJobWasCancelledLeavesTheOlderBlob) {
  for (const bool in_between : {false, true}) {
    Site site(200);
    site.put("box", "in.csv", reviews(50));
    site.put("box", "out.csv", "older");
    const std::string job = site.run(Site::body("in.csv", "out.csv"));
    const Assignment finish = work_to_finish(site, job);
    const auto cancel = [&] { EXPECT_EQ(site.call(Operation::remove, job).status, 200); };
    if (in_between) {
      site.flaky->before_results = cancel;
    } else {
      cancel();
    }
    const auto done = site.runner->run(finish, [] { return true; });
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code(), Errc::closed) << done.error().message();
    EXPECT_EQ(*site.get("box", "out.csv"), "older");
    EXPECT_EQ(site.wait(job).string_or("StatusCode"), "Cancelled");
  }
}

TEST(Batch, AFinisherThatComesBackLateLeavesTheResult) {
  Site site(200);
  site.put("box", "in.csv", reviews(50));
  const std::string job = site.run(Site::body("in.csv", "out.csv"));
  const Assignment stale = work_to_finish(site, job);
  const auto all_dead = [](std::string_view) { return true; };
  const auto heir = site.ledger.claim(job, "heir", all_dead);
  ASSERT_TRUE(heir && *heir);
  // While the stale one is about to read the results, the heir ends the job.
  site.flaky->before_results = [&] {
    EXPECT_TRUE(site.make_runner()->run(**heir, [] { return true; }));
  };
  const auto done = site.runner->run(stale, [] { return true; });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), Errc::closed);
  EXPECT_EQ(site.wait(job).string_or("StatusCode"), "Finished");
  EXPECT_EQ(std::ranges::count(*site.get("box", "out.csv"), '\r'), 51);
}

TEST(Batch, AJobOfOnePartThatWasCancelledLeavesTheOlderBlob) {
  Site site;
  site.put("box", "in.csv", reviews(5));
  site.put("box", "out.csv", "older");
  const std::string job = site.run(Site::body("in.csv", "out.csv"));
  const auto given = site.ledger.claim(job, "worker", [](std::string_view) { return false; });
  ASSERT_TRUE(given && *given);
  EXPECT_EQ(site.call(Operation::remove, job).status, 200);
  const auto done = site.runner->run(**given, [] { return true; });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), Errc::closed);
  EXPECT_EQ(*site.get("box", "out.csv"), "older");
}

TEST(Batch, AnEngineThatStopsLeavesItsJobsToTheNext) {
  Site site(500);
  site.put("box", "in.csv", reviews(2'000));
  const std::string job = site.run(Site::body("in.csv", "out.csv"));
  int restarts = 0;
  for (bool ended = false; !ended; ++restarts) {
    const std::uint64_t before = site.commits->number.load() + 20;
    site.start();
    EXPECT_TRUE(site.await(
        [&] { return site.commits->number.load() > before || site.ledger.all_work()->empty(); }));
    site.engine->stop();
    ended =
        Json::parse(site.call(Operation::status, job).body)->string_or("StatusCode") == "Finished";
    ASSERT_LT(restarts, 10'000);
  }
  EXPECT_GT(restarts, 1);
  Site whole;
  whole.start();
  whole.put("box", "in.csv", reviews(2'000));
  EXPECT_EQ(whole.wait(whole.run(Site::body("in.csv", "out.csv"))).string_or("StatusCode"),
            "Finished");
  EXPECT_EQ(*site.get("box", "out.csv"), *whole.get("box", "out.csv"));
}

// A clock that leaps: by days on the wall, and by more than a lease in between, so that whoever
// goes by it takes workers for dead that are at work.
class LeapingClock final : public Clock {
 public:
  explicit LeapingClock(unsigned seed) : random_(seed) {}
  TimeMs now_ms() const noexcept override {
    const std::lock_guard lock(mutex_);
    return system_clock().now_ms() + (TimeMs(random_() % 20) - 10) * 86'400'000;
  }
  std::int64_t steady_ns() const noexcept override {
    const std::lock_guard lock(mutex_);
    if (random_() % 16 == 0) leapt_ns_ += 30'000'000'000;
    return system_clock().steady_ns() + leapt_ns_;
  }

 private:
  mutable std::mutex mutex_;
  mutable std::mt19937 random_;
  mutable std::int64_t leapt_ns_ = 0;
};

TEST(Batch, WorkersThatTakeEachOtherForDeadGiveTheSameResult) {
  Site site(300, {.tries_max = 100'000});
  site.put("box", "in.csv", reviews(600));
  struct Process {
    explicit Process(Site& site, unsigned seed)
        : clock(seed),
          runner(site.make_runner()),
          engine(Engine::Parts{*site.fixture.store, site.ledger, *runner, clock},
                 {.threads = 2, .poll = std::chrono::milliseconds(20)}) {
      CHECK(engine.start().has_value());
    }
    LeapingClock clock;
    std::unique_ptr<Runner> runner;
    Engine engine;
  };
  std::vector<std::string> jobs;
  {
    std::vector<std::unique_ptr<Process>> processes;
    for (unsigned seed = 1; seed <= 3; ++seed)
      processes.push_back(std::make_unique<Process>(site, seed));
    for (int i = 0; i < 6; ++i)
      jobs.push_back(site.run(Site::body("in.csv", "out" + std::to_string(i) + ".csv")));
    for (const std::string& job : jobs)
      EXPECT_EQ(site.wait(job).string_or("StatusCode"), "Finished");
  }
  Site calm;
  calm.start();
  calm.put("box", "in.csv", reviews(600));
  EXPECT_EQ(calm.wait(calm.run(Site::body("in.csv", "out.csv"))).string_or("StatusCode"),
            "Finished");
  for (std::size_t i = 0; i < jobs.size(); ++i)
    EXPECT_EQ(*site.get("box", "out" + std::to_string(i) + ".csv"), *calm.get("box", "out.csv"));
  EXPECT_TRUE(site.ledger.all_work()->empty());
}

TEST(Batch, AStoreThatIsFullForAWhileLosesNothing) {
  Site site(500);
  site.put("box", "in.csv", reviews(2'000));
  site.start();
  const std::string job = site.run(Site::body("in.csv", "out.csv"));
  const std::uint64_t begun = site.commits->number.load() + 20;
  EXPECT_TRUE(site.await([&] { return site.commits->number.load() > begun; }));
  site.flaky->down = true;
  const http::Response refused =
      site.call(Operation::submit, {}, Site::body("in.csv", "other.csv"));
  EXPECT_EQ(refused.status, 500);
  EXPECT_NE(refused.body.find("There is no room left"), std::string::npos) << refused.body;
  // Until the engine has met it, too.
  EXPECT_TRUE(site.await([&] { return site.flaky->refused > 2; }));
  const Json meanwhile = *Json::parse(site.call(Operation::status, job).body);
  EXPECT_EQ(meanwhile.string_or("StatusCode"), "Running");
  site.flaky->down = false;
  EXPECT_EQ(site.wait(job).string_or("StatusCode"), "Finished");
  EXPECT_EQ(site.ledger.list(site.service.endpoints.front()->id, "", 10)->size(), 1U);
  EXPECT_EQ(std::ranges::count(*site.get("box", "out.csv"), '\r'), 2'001);
}

TEST(Batch, WhoWaitsIsToldWhatFor) {
  Site site(std::size_t{8} << 20, {.running_max = 40});
  site.put("box", "in.csv", "Col2\nx\n");
  std::vector<std::string> jobs;
  for (int i = 0; i < 8; ++i)
    jobs.push_back(site.run(Site::body("in.csv", "out" + std::to_string(i) + ".csv")));
  webservice::testing::Call request;
  http::Fields fields;
  const auto ask = [&](std::string_view job) {
    return site.batches->monitor(*site.service.endpoints.front(), job, request.make(fields)).body;
  };
  // In the order in which they were started, though that took less than a tick of the clock.
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const Json job = *Json::parse(ask(jobs[i]));
    EXPECT_EQ(job.string_or("State"), "Queued");
    EXPECT_EQ(job.string_or("StatusCode"), "NotStarted");
    EXPECT_EQ(job.int_or("Place", 0), std::int64_t(i) + 1);
    EXPECT_TRUE(job.string_or("WaitingFor").starts_with("No worker is running.")) << job.dump();
  }
  site.start();
  for (const std::string& job : jobs) site.wait(job);
  const Json all = *Json::parse(ask({}));
  ASSERT_EQ(all.items().size(), jobs.size());
  EXPECT_EQ(all.items()[0].int_or("RowsDone", 0), 1);
  EXPECT_EQ(all.dump().find("Storage=true"), std::string::npos);
}

struct Refusal {
  const char *body, *code, *text;
};
class Submit : public ::testing::TestWithParam<Refusal> {};

TEST_P(Submit, IsRefusedWithTheDocumentedCode) {
  Site site;
  const http::Response answer = site.call(Operation::submit, {}, GetParam().body);
  EXPECT_EQ(answer.status, 400) << answer.body;
  const Json error = *Json::parse(answer.body);
  const Json& detail = error["error"]["details"].items()[0];
  EXPECT_EQ(detail.string_or("code"), GetParam().code) << answer.body;
  EXPECT_NE(detail.string_or("message").find(GetParam().text), std::string_view::npos)
      << answer.body;
}

#define REF(location) \
  R"({"ConnectionString":"UseDevelopmentStorage=true","RelativeLocation":")" location R"("})"

INSTANTIATE_TEST_SUITE_P(
    Bodies, Submit,
    ::testing::Values(
        Refusal{"", "RequestBodyInvalid", ""}, Refusal{"[]", "RequestBodyInvalid", ""},
        Refusal{"{}", "MissingRequestInput", ""},
        Refusal{R"({"Input":)" REF("box/a.csv") R"(,"Inputs":{"input1":)" REF("box/a.csv") "}}",
                "DuplicateInputInBatchCall", ""},
        Refusal{R"({"Inputs":{"other":)" REF("box/a.csv") "}}", "InvalidInputNames", "other"},
        Refusal{R"({"Inputs":{"input1":)" REF("box/a.csv") R"(,"x":)" REF("box/a.csv") "}}",
                "BatchJobInputsTooManySpecified", "input1"},
        Refusal{R"({"Input":{}})", "MissingInputBlobInformation", ""},
        Refusal{R"({"Input":)" REF("") "}", "ContainerIsEmpty", ""},
        Refusal{R"({"Input":)" REF("B/a.csv") "}", "ContainerSegmentInvalid", ""},
        Refusal{R"({"Input":)" REF("box/") "}", "InputBlobRelativeLocationInvalid", ""},
        Refusal{R"({"Input":)" REF("box/a.txt") "}", "InvalidBlobExtension",
                "\".csv, .tsv, .arff\""},
        Refusal{R"({"Input":{"ConnectionString":"AccountName=a;AccountKey=***",)"
                R"("RelativeLocation":"box/a.csv"}})",
                "InvalidBlobConnectionString", "input1: AccountKey is not base64"},
        Refusal{R"({"Input":{"ConnectionString":"UseDevelopmentStorage=true",)"
                R"("BaseLocation":"http://x/","RelativeLocation":"box/a.csv"}})",
                "InvalidBlob", "box/a.csv"},
        Refusal{R"({"Input":)" REF("box/a.csv") R"(,"Outputs":{"x":)" REF("box/b.csv") "}}",
                "InvalidOutputOverrideName", "x"},
        Refusal{R"({"Input":)" REF("box/a.csv") R"(,"Outputs":{"output1":null}})",
                "MissingOutputOverrideSpecification", "output1"},
        Refusal{R"({"Input":)" REF("box/a.csv") R"(,"GlobalParameters":{"no":"1"}})",
                "UnexpectedParameter", ""}));

}  // namespace
}  // namespace mlgate::batch
