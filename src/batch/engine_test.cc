// Jobs from submit to result: the service, the engine and the embedded blobs together.
#include "batch/engine.h"

#include "batch/test_site.h"
#include "webservice/management.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <mutex>
#include <random>
#include <string>
#include <vector>

namespace mlgate::batch {
namespace {

using testing::Operation;
using testing::reviews;
using testing::Site;

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
      site.flaky->before_results(cancel);
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
  site.flaky->before_results(
      [&] { EXPECT_TRUE(site.make_runner()->run(**heir, [] { return true; })); });
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
        [&] { return site.commits->number.load() > before || *site.flaky->size_of(kWork) == 0; }));
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
  EXPECT_TRUE(*site.flaky->size_of(kWork) == 0);
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
  const auto ask = [&](std::string_view job) { return site.monitor(job); };
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

TEST(Batch, JobsOfAnEndpointThatWasRemovedAreCancelled) {
  Site site;
  site.put("box", "in.csv", "Col2\nx\n");
  webservice::ServiceManagement management(
      *site.fixture.registry, {.services_url = {}, .help_url = {}, .batch = site.batches.get()});
  const std::string path =
      "/workspaces/" + site.fixture.workspace.id + "/webservices/" + site.service.id;
  const std::string waiting = site.run(Site::body("in.csv", "a.csv"));
  const std::string begun = site.run(Site::body("in.csv", "b.csv"));
  const std::string registered = site.submit(Site::body("in.csv", "c.csv"));
  ASSERT_TRUE(*site.ledger.claim(begun, "worker", [](std::string_view) { return false; }));
  webservice::testing::Call call;
  call.method = "DELETE";
  call.path = path;
  call.headers = {{"Authorization", "Bearer " + site.fixture.workspace.primary_token}};
  http::Fields fields;
  EXPECT_EQ(management.handle(call.make(fields)).status, 204);
  const std::string endpoint = site.service.endpoints.front()->id;
  for (const std::string& job : {waiting, begun, registered})
    EXPECT_EQ(site.ledger.find(endpoint, job)->state(), JobState::cancelled);
  EXPECT_EQ(*site.flaky->size_of(kWork), 0U);
}

TEST(Batch, JobsWhoseEndpointTheRegistryDoesNotKnowAreCancelledAtStart) {
  Site site;
  site.put("box", "in.csv", "Col2\nx\n");
  const std::string kept = site.run(Site::body("in.csv", "a.csv"));
  const std::string endpoint = site.service.endpoints.front()->id;
  JobSpec spec = site.ledger.find(endpoint, kept)->record.spec;
  spec.id = new_job_id(system_clock().now_ms());
  spec.endpoint = std::string(32, 'd');
  ASSERT_TRUE(site.ledger.submit(spec, "{}"));
  ASSERT_TRUE(site.ledger.start(spec.endpoint, spec.id));
  ASSERT_TRUE(site.batches->cancel_orphans());
  EXPECT_EQ(site.ledger.find(spec.endpoint, spec.id)->state(), JobState::cancelled);
  EXPECT_EQ(site.ledger.find(endpoint, kept)->state(), JobState::queued);
}

TEST(Batch, OnlyWorkersThatLiveAreCountedOn) {
  Site site;
  site.put("box", "in.csv", "Col2\nx\n");
  const std::string job = site.run(Site::body("in.csv", "out.csv"));
  const auto leave_note = [&](WorkerNote note) {
    std::vector<store::Write> writes;
    writes.push_back(
        {.collection = std::string(kWorkers), .key = note.id, .body = note.document()});
    EXPECT_TRUE(site.fixture.store->commit(std::move(writes)));
  };
  const auto reason = [&] {
    return std::string(Json::parse(site.monitor(job))->string_or("WaitingFor"));
  };
  // Killed, and its number given to another process; and one of before the machine was restarted.
  WorkerNote killed = own_note("killed", 4);
  ++killed.begun;
  leave_note(killed);
  WorkerNote before = own_note("before", 4);
  before.host = "boot before";
  before.at_ms = system_clock().now_ms() - 3'600'000;
  leave_note(before);
  EXPECT_TRUE(reason().starts_with("No worker is running.")) << reason();
  before.at_ms = system_clock().now_ms();
  leave_note(before);
  EXPECT_EQ(reason(), "A worker is about to take it.");
  // The next worker that starts removes what the killed one left.
  site.start();
  EXPECT_TRUE(
      site.await([&] { return !site.fixture.store->get(kWorkers, "killed")->has_value(); }));
  site.wait(job);
}

TEST(Batch, ALimitOfJobsIsAnsweredInTheDialect) {
  Site site(std::size_t{8} << 20, {.waiting_max = 1, .stored_max = 2});
  site.put("box", "in.csv", "Col2\nx\n");
  site.run(Site::body("in.csv", "a.csv"));
  const std::string second = site.submit(Site::body("in.csv", "b.csv"));
  const auto expect_refused = [](const http::Response& answer, std::string_view text) {
    EXPECT_EQ(answer.status, 503);
    const Json error = *Json::parse(answer.body);
    EXPECT_EQ(error["error"].string_or("code"), "ServiceUnavailable");
    const Json& detail = error["error"]["details"].items()[0];
    EXPECT_EQ(detail.string_or("code"), "NoMoreResources");
    EXPECT_NE(detail.string_or("message").find(text), std::string_view::npos) << answer.body;
  };
  expect_refused(site.call(Operation::start, second), "1 batch jobs that wait or run");
  expect_refused(site.call(Operation::submit, {}, Site::body("in.csv", "c.csv")),
                 "2 batch jobs on record");
}

}  // namespace
}  // namespace mlgate::batch
