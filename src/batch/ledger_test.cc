#include "batch/ledger.h"

#include "batch/job_board.h"
#include "batch/memory_store.h"
#include "webservice/test_support.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <random>
#include <set>
#include <thread>

namespace mlgate::batch {
namespace {

using testing::MemoryStore;

const std::string kEndpoint(32, 'e');

class LedgerTest : public ::testing::Test {
 protected:
  explicit LedgerTest(LedgerLimits limits = {})
      : ledger_(Ledger::Parts{store_, vault_, system_clock()}, limits) {}
  JobSpec spec(std::string caller = {}) {
    JobSpec made;
    made.created_ms = 1'700'000'000'000 + ++made_;
    made.id = new_job_id(made.created_ms);
    made.workspace = std::string(32, 'a');
    made.service = std::string(32, 'b');
    made.endpoint = kEndpoint;
    made.caller = std::move(caller);
    made.graph = "digest";
    made.inputs = {{.port = "input1",
                    .blob = {.connection_string = "AccountName=a;AccountKey=c2VjcmV0",
                             .relative_location = "box/in.csv"}}};
    return made;
  }
  std::string submitted() {
    const JobSpec made = spec();
    EXPECT_TRUE(ledger_.submit(made, "{}"));
    return made.id;
  }
  std::string started() {
    const std::string job = submitted();
    EXPECT_TRUE(ledger_.start(kEndpoint, job));
    return job;
  }
  JobState state(const std::string& job) {
    const auto view = ledger_.find(kEndpoint, job);
    EXPECT_TRUE(view) << view.error().message();
    return view ? view->state() : JobState::not_started;
  }
  std::optional<Assignment> claim(const std::string& job, std::string_view worker = "w1") {
    auto given = ledger_.claim(
        job, worker, [this](std::string_view who) { return dead_.contains(std::string(who)); });
    EXPECT_TRUE(given) << given.error().message();
    return given ? *given : std::nullopt;
  }
  static Ledger::Boundary boundary(const Assignment& given, std::uint64_t bytes,
                                   std::uint64_t input) {
    const std::uint64_t end = std::min(given.part.begin + bytes, input);
    return {.etag = "tag",
            .input_bytes = input,
            .header_bytes = 5,
            .end = end,
            .rows = end - given.part.begin,
            .at_end = end == input};
  }
  static PartResult result(const Assignment& given) {
    return {.number = given.part.number, .epoch = given.lease.epoch, .rows = 1, .blocks = {1, 0}};
  }

  webservice::testing::TempFolder folder_;
  store::Vault vault_ = *store::Vault::open(folder_ / "master.key");
  MemoryStore store_;
  Ledger ledger_;
  std::set<std::string> dead_;
  int made_ = 0;
};

TEST_F(LedgerTest, AJobGoesFromRegisteredToFinished) {
  const std::string job = submitted();
  EXPECT_EQ(state(job), JobState::not_started);
  ASSERT_TRUE(ledger_.start(kEndpoint, job));
  EXPECT_EQ(state(job), JobState::queued);
  const auto part = claim(job);
  ASSERT_TRUE(part);
  EXPECT_EQ(state(job), JobState::running);
  EXPECT_FALSE(claim(job, "w2")) << "the end of the first part is not known yet";
  ASSERT_TRUE(ledger_.set_boundary(*part, boundary(*part, 10, 10)));
  EXPECT_FALSE(claim(job, "w2")) << "there is nothing behind the end";
  ASSERT_TRUE(ledger_.complete(*part, result(*part)));
  const auto finish = claim(job);
  ASSERT_TRUE(finish);
  EXPECT_EQ(finish->kind, Assignment::Kind::finish);
  ASSERT_TRUE(ledger_.finish(*finish, std::nullopt));
  EXPECT_EQ(state(job), JobState::finished);
  EXPECT_EQ(store_.count(kWork) + store_.count(kSlots) + store_.count(kPartResults), 0U);
}

TEST_F(LedgerTest, WhenAJobBeganToRunIsKnownWhenItHasEndedToo) {
  const std::string job = started();
  const auto part = claim(job);
  ASSERT_TRUE(part);
  const TimeMs began = ledger_.find(kEndpoint, job)->work->running_ms;
  EXPECT_GT(began, 0);
  ASSERT_TRUE(ledger_.cancel_or_remove(kEndpoint, job));
  EXPECT_EQ(ledger_.find(kEndpoint, job)->record.running_ms, began);
}

TEST(TimeLeft, GoesByTheBytesThatAreDone) {
  Work work{.running_ms = 1'000, .running = true, .input_bytes = 400, .bytes_done = 100};
  EXPECT_EQ(time_left(work, 3'000), 6'000);
  work.bytes_done = 400;
  EXPECT_EQ(time_left(work, 3'000), 0);
  work.bytes_done = 100;
  EXPECT_EQ(time_left(work, 500), std::nullopt) << "a clock that was set back";
  work.bytes_done = 0;
  EXPECT_EQ(time_left(work, 3'000), std::nullopt);
  work.bytes_done = 100;
  work.input_bytes = kUnknown;
  EXPECT_EQ(time_left(work, 3'000), std::nullopt);
}

TEST_F(LedgerTest, StartingTwiceNamesTheState) {
  const std::string job = started();
  EXPECT_EQ(ledger_.start(kEndpoint, job).error().field(), "Queued");
  ASSERT_TRUE(claim(job));
  EXPECT_EQ(ledger_.start(kEndpoint, job).error().field(), "Running");
  ASSERT_TRUE(ledger_.cancel_or_remove(kEndpoint, job));
  EXPECT_EQ(ledger_.start(kEndpoint, job).error().field(), "Cancelled");
  EXPECT_EQ(ledger_.start(kEndpoint, std::string(32, '0')).error().code(), Errc::not_found);
}

TEST_F(LedgerTest, CancelStopsAndKeepsTheRecordAndASecondDeleteRemovesIt) {
  const std::string job = started();
  const auto part = claim(job);
  ASSERT_TRUE(part);
  ASSERT_TRUE(ledger_.cancel_or_remove(kEndpoint, job));
  EXPECT_EQ(state(job), JobState::cancelled);
  EXPECT_EQ(ledger_.set_boundary(*part, boundary(*part, 10, 10)).error().code(), Errc::closed);
  EXPECT_EQ(ledger_.complete(*part, result(*part)).error().code(), Errc::closed);
  ASSERT_EQ(ledger_.litter()->size(), 1U);
  ASSERT_TRUE(ledger_.cancel_or_remove(kEndpoint, job));
  EXPECT_EQ(ledger_.find(kEndpoint, job).error().code(), Errc::not_found);
  EXPECT_EQ(ledger_.litter()->size(), 1U) << "the blocks are still there";
  EXPECT_EQ(ledger_.litter()->front().spec.inputs[0].blob.relative_location, "box/in.csv");
}

TEST_F(LedgerTest, AZombieIsRefusedOnceItsPartWasTakenOver) {
  const std::string job = started();
  const auto zombie = claim(job, "w1");
  ASSERT_TRUE(ledger_.set_boundary(*zombie, boundary(*zombie, 5, 10)));
  EXPECT_EQ(claim(job, "w2")->part.number, 1U) << "the living one's part is left to it";
  dead_.insert("w1");
  const auto heir = claim(job, "w3");
  ASSERT_TRUE(heir);
  EXPECT_EQ(heir->part.number, 0U);
  EXPECT_EQ(heir->part.end, 5U) << "where the part ends stays as it was";
  EXPECT_GT(heir->lease.epoch, zombie->lease.epoch);
  EXPECT_EQ(ledger_.complete(*zombie, result(*zombie)).error().code(), Errc::closed);
  EXPECT_EQ(ledger_.give_up(*zombie, "no").error().code(), Errc::closed);
  EXPECT_TRUE(ledger_.complete(*heir, result(*heir)));
  const auto kept = PartResult::parse(store_.list(kPartResults, job)->front());
  EXPECT_EQ(kept->epoch, heir->lease.epoch);
}

TEST_F(LedgerTest, AFinisherThatLostItsLeaseGetsNoResults) {
  const std::string job = started();
  const auto part = claim(job);
  ASSERT_TRUE(ledger_.set_boundary(*part, boundary(*part, 10, 10)));
  ASSERT_TRUE(ledger_.complete(*part, result(*part)));
  const auto stale = claim(job, "w1");
  EXPECT_EQ(ledger_.results(*stale)->size(), 1U);
  dead_.insert("w1");
  const auto heir = claim(job, "w2");
  ASSERT_TRUE(heir);
  EXPECT_EQ(ledger_.results(*stale).error().code(), Errc::closed);
  EXPECT_EQ(ledger_.results(*heir)->size(), 1U);
  ASSERT_TRUE(ledger_.finish(*heir, std::nullopt));
  EXPECT_EQ(ledger_.results(*stale).error().code(), Errc::closed);
  EXPECT_EQ(ledger_.results(*heir).error().code(), Errc::closed);
  EXPECT_EQ(ledger_.check(*heir).error().code(), Errc::closed);
}

TEST_F(LedgerTest, AnInputThatChangesMeanwhileIsNoticed) {
  const std::string job = started();
  const auto first = claim(job);
  ASSERT_TRUE(ledger_.set_boundary(*first, boundary(*first, 5, 10)));
  const auto second = claim(job);
  auto other = boundary(*second, 5, 10);
  other.etag = "another";
  EXPECT_EQ(ledger_.set_boundary(*second, other).error().code(), Errc::conflict);
}

TEST_F(LedgerTest, TheFirstBadPartDecidesTheError) {
  const std::string job = started();
  const auto first = claim(job);
  ASSERT_TRUE(ledger_.set_boundary(*first, boundary(*first, 1, 10)));
  const auto second = claim(job);
  ASSERT_TRUE(ledger_.set_boundary(*second, boundary(*second, 1, 10)));
  const auto third = claim(job);
  ASSERT_TRUE(ledger_.give_up(*third, "third"));
  EXPECT_FALSE(claim(job)) << "nothing new is begun, and parts before are under way";
  ASSERT_TRUE(ledger_.give_up(*second, "second"));
  ASSERT_TRUE(ledger_.complete(*first, result(*first)));
  const auto finish = claim(job);
  ASSERT_TRUE(finish);
  ASSERT_TRUE(ledger_.finish(*finish, std::nullopt));
  const auto view = ledger_.find(kEndpoint, job);
  EXPECT_EQ(view->record.state, JobState::failed);
  EXPECT_EQ(view->record.details, "second");
}

TEST_F(LedgerTest, FortyJobsOfAnEndpointRunAndTheRestWaits) {
  std::vector<std::string> jobs;
  for (int i = 0; i < 41; ++i) jobs.push_back(started());
  for (int i = 0; i < 40; ++i) EXPECT_TRUE(claim(jobs[std::size_t(i)]));
  EXPECT_FALSE(claim(jobs[40]));
  EXPECT_EQ(state(jobs[40]), JobState::queued);
  ASSERT_TRUE(ledger_.cancel_or_remove(kEndpoint, jobs[7]));
  EXPECT_TRUE(claim(jobs[40]));
}

TEST_F(LedgerTest, ASubscriptionWithFewJobsDoesNotWaitBehindOneWithMany) {
  const auto started_by = [&](const std::string& caller) {
    const JobSpec made = spec(caller);
    EXPECT_TRUE(ledger_.submit(made, "{}"));
    EXPECT_TRUE(ledger_.start(kEndpoint, made.id));
    return made.id;
  };
  std::map<std::string, std::string> caller_of;
  for (const char* caller : {"many", "many", "many", "many", "few", "many"})
    caller_of[started_by(caller)] = caller;
  Liveness liveness(
      system_clock(), 3'600'000'000'000, "here", [](const WorkerNote&) { return true; },
      [](std::string_view) -> Result<std::optional<WorkerNote>> { return std::nullopt; });
  WorkerNote worker;
  worker.id = "w1";
  worker.host = "elsewhere";
  liveness.see(worker);
  JobBoard board(store_, liveness);
  std::string order;
  for (int i = 0; i < 6; ++i) {
    ASSERT_TRUE(board.refresh());
    const auto job = board.next({}, 40);
    ASSERT_TRUE(job) << order;
    order += caller_of[*job] + " ";
    // Its end is not known yet, so that the job has nothing more to give.
    ASSERT_TRUE(claim(*job));
  }
  EXPECT_LE(order.find("few"), std::string("many ").size()) << order;
  ASSERT_TRUE(board.refresh());
  EXPECT_FALSE(board.next({}, 40));
}

// A board on the store of the test, whose workers all live.
class BoardTest : public LedgerTest {
 protected:
  BoardTest() {
    WorkerNote worker;
    worker.id = "w1";
    worker.host = "elsewhere";
    liveness_.see(worker);
  }
  std::string started_by(const std::string& caller, const std::string& endpoint = kEndpoint) {
    JobSpec made = spec(caller);
    made.endpoint = endpoint;
    EXPECT_TRUE(ledger_.submit(made, "{}"));
    EXPECT_TRUE(ledger_.start(endpoint, made.id));
    return made.id;
  }
  Liveness liveness_{
      system_clock(), 3'600'000'000'000, "here", [](const WorkerNote&) { return true; },
      [](std::string_view) -> Result<std::optional<WorkerNote>> { return std::nullopt; }};
  JobBoard board_{store_, liveness_};
};

TEST_F(BoardTest, ThePlaceInLineIsTheOrderInWhichJobsAreBegun) {
  for (const char* caller : {"many", "many", "many", "few", "", "many", "few", ""})
    started_by(caller);
  ASSERT_TRUE(board_.refresh());
  const std::vector<std::string> order = board_.queue(kEndpoint).order;
  ASSERT_EQ(order.size(), 8U);
  for (const std::string& expected : order) {
    ASSERT_TRUE(board_.refresh());
    const auto job = board_.next({}, 40);
    ASSERT_TRUE(job);
    EXPECT_EQ(*job, expected);
    EXPECT_EQ(board_.queue(kEndpoint).order.front(), expected);
    ASSERT_TRUE(claim(*job));  // Its end is not known yet, so that it has no more to give.
  }
  ASSERT_TRUE(board_.refresh());
  EXPECT_TRUE(board_.queue(kEndpoint).order.empty());
  EXPECT_EQ(board_.queue(kEndpoint).running, 8U);
  EXPECT_EQ(board_.queue(kEndpoint).pieces, 8U);
}

TEST_F(BoardTest, SlotsAreSharedBetweenCallersWhileOthersWait) {
  // "busy" holds a slot here and none of the threads; "elsewhere" works at another endpoint.
  const std::string slot = started_by("busy");
  const auto part = claim(slot);
  ASSERT_TRUE(ledger_.put_back(*part));
  const std::string other(32, 'f');
  ASSERT_TRUE(claim(started_by("elsewhere", other)));
  ASSERT_TRUE(claim(started_by("elsewhere", other)));
  started_by("busy");
  const std::string first = started_by("elsewhere");
  ASSERT_TRUE(board_.refresh());
  EXPECT_EQ(board_.queue(kEndpoint).order.front(), first);
  // The piece of the running job goes first, since its caller has none under way.
  EXPECT_EQ(board_.next({}, 40), slot);
  EXPECT_EQ(board_.next({slot}, 40), first);
  EXPECT_FALSE(board_.next({slot}, 1)) << "all slots are taken";
}

TEST_F(BoardTest, DirectCallsOfTwoEndpointsAreTwoCallers) {
  const std::string other(32, 'f');
  const std::string first = started_by(""), second = started_by(""), third = started_by("", other);
  ASSERT_TRUE(claim(first));
  ASSERT_TRUE(board_.refresh());
  EXPECT_EQ(board_.next({}, 40), third);
  EXPECT_EQ(board_.next({third}, 40), second);
}

TEST_F(BoardTest, ThousandsThatWaitCostNothingWhenOneIsAskedFor) {
  for (int i = 0; i < 3'000; ++i) started_by(i % 3 == 0 ? "a" : "b");
  ASSERT_TRUE(board_.refresh());
  const auto begin = std::chrono::steady_clock::now();
  std::set<std::string> taken;
  for (int i = 0; i < 40; ++i) {
    const auto job = board_.next(taken, 40);
    ASSERT_TRUE(job);
    EXPECT_TRUE(taken.insert(*job).second);
  }
  EXPECT_EQ(board_.queue(kEndpoint).order.size(), 3'000U);
  // Far above what it takes, and far below what looking at each job each time would.
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
  EXPECT_FALSE(board_.next(taken, 40));
}

class FewJobs : public LedgerTest {
 protected:
  FewJobs() : LedgerTest({.waiting_max = 2, .stored_max = 4}) {}
};

TEST_F(FewJobs, FromTheLimitOnJobsAreRefused) {
  const std::string first = started();
  started();
  const std::string third = submitted();
  const auto not_started = ledger_.start(kEndpoint, third);
  ASSERT_FALSE(not_started);
  EXPECT_EQ(not_started.error().code(), Errc::exhausted);
  EXPECT_EQ(not_started.error().field(), kWork);
  submitted();
  const auto not_stored = ledger_.submit(spec(), "{}");
  ASSERT_FALSE(not_stored);
  EXPECT_EQ(not_stored.error().field(), kJobs);
  // Who has gone makes room.
  ASSERT_TRUE(ledger_.cancel_or_remove(kEndpoint, first));
  while (!ledger_.start(kEndpoint, third)) std::this_thread::yield();
  EXPECT_EQ(state(third), JobState::queued);
}

TEST_F(LedgerTest, APartThatKillsItsWorkersFailsTheJobInTheEnd) {
  const std::string job = started();
  std::optional<Assignment> last;
  for (int i = 0; i < 30; ++i) {
    const std::string worker = "w" + std::to_string(i);
    const auto given = claim(job, worker);
    ASSERT_TRUE(given) << i;
    if (given->kind == Assignment::Kind::finish) {
      EXPECT_EQ(i, 20);
      ASSERT_TRUE(ledger_.finish(*given, std::nullopt));
      EXPECT_EQ(state(job), JobState::failed);
      return;
    }
    dead_.insert(worker);
  }
  FAIL() << "the job was begun for ever";
}

TEST_F(LedgerTest, SecretsAreSealedInTheStore) {
  submitted();
  for (const auto& document : *store_.list(kJobs, ""))
    EXPECT_EQ(document.body.find("c2VjcmV0"), std::string::npos);
}

TEST_F(LedgerTest, OldRecordsAndUnusedGraphsAreSweptAndLivingOnesStay) {
  const std::string old = started();
  ASSERT_TRUE(ledger_.cancel_or_remove(kEndpoint, old));
  const std::string running = started();
  const TimeMs later = system_clock().now_ms() + 1000;
  EXPECT_EQ(*ledger_.sweep(later), 1U);
  EXPECT_EQ(ledger_.find(kEndpoint, old).error().code(), Errc::not_found);
  EXPECT_EQ(state(running), JobState::queued);
  EXPECT_EQ(store_.count(kGraphs), 1U);
  ASSERT_TRUE(ledger_.cancel_or_remove(kEndpoint, running));
  EXPECT_EQ(*ledger_.sweep(later), 1U);
  EXPECT_EQ(store_.count(kGraphs), 0U);
}

TEST_F(LedgerTest, ListsTheLatestFirstInPages) {
  std::vector<std::string> jobs;
  for (int i = 0; i < 5; ++i) jobs.push_back(submitted());
  const auto first = ledger_.list(kEndpoint, "", 2);
  ASSERT_EQ(first->size(), 2U);
  EXPECT_EQ((*first)[0].record.spec.id, jobs[4]);
  const auto second = ledger_.list(kEndpoint, (*first)[1].record.spec.id, 10);
  ASSERT_EQ(second->size(), 3U);
  EXPECT_EQ((*second)[2].record.spec.id, jobs[0]);
}

// Random interleavings of workers that die, come back as zombies, and step in between what others
// read and write. The model knows two things: which parts were accepted, and what was committed to
// the blob. Each part of the input has to be accepted once, in one chain from the begin to the end,
// the job has to end, and whatever is committed, also by a zombie, is the whole result.
class LeaseModel : public LedgerTest, public ::testing::WithParamInterface<unsigned> {
 protected:
  static constexpr std::uint64_t kInput = 60;
  static constexpr std::size_t kWorkersMax = 6;
  LeaseModel() : LedgerTest({.tries_max = 100'000}) {}
  struct Held {
    Assignment given;
    bool bounded = false;
    std::optional<std::vector<PartResult>> result{};  // What a finisher is about to commit.
    bool checked = false;
  };
  using Blob = std::vector<std::pair<std::uint64_t, std::uint64_t>>;  // Part and epoch of blocks.
  std::size_t pick(std::size_t count) { return std::size_t(random_() % count); }

  // `group` tells workers apart that act in between from those that are in the middle of a call.
  void act(const std::string& job, char group) {
    const std::string worker = group + std::to_string(pick(kWorkersMax));
    auto& mine = held_[worker];
    const std::size_t choice = pick(20);
    if (choice == 0) {
      dead_.insert(worker);  // Or thought to be: it goes on all the same.
    } else if (choice == 1) {
      dead_.erase(worker);
    } else if (mine.empty() || choice < 7) {
      auto given = ledger_.claim(
          job, worker, [&](std::string_view who) { return dead_.contains(std::string(who)); });
      ASSERT_TRUE(given) << given.error().message();
      if (*given) mine.push_back({**std::move(given)});
    } else {
      advance(mine, pick(mine.size()));
    }
  }
  void advance(std::vector<Held>& mine, std::size_t index) {
    Held held = mine[index];
    if (held.given.kind == Assignment::Kind::finish) {
      if (!held.checked) {
        // Others may come in after each of these steps, up to the commit itself.
        const auto still = advance_finisher(held);
        EXPECT_TRUE(still || still.error().code() == Errc::closed) << still.error().message();
        if (still) {
          mine[index] = held;
        } else {
          mine.erase(mine.begin() + std::ptrdiff_t(index));
        }
        return;
      }
      mine.erase(mine.begin() + std::ptrdiff_t(index));
      commit(*held.result);
      const auto done = ledger_.finish(held.given, std::nullopt);
      if (done) ++finished_;
      EXPECT_TRUE(done || done.error().code() == Errc::closed) << done.error().message();
      return;
    }
    if (!held.bounded && held.given.part.end == kUnknown) {
      // Where a part ends follows from the input alone.
      const auto where = boundary(held.given, 3 + held.given.part.begin % 5, kInput);
      const auto done = ledger_.set_boundary(held.given, where);
      EXPECT_TRUE(done || done.error().code() == Errc::closed) << done.error().message();
      if (done) {
        mine[index].bounded = true;
        mine[index].given.part.end = where.end;
      } else {
        mine.erase(mine.begin() + std::ptrdiff_t(index));
      }
      return;
    }
    mine.erase(mine.begin() + std::ptrdiff_t(index));
    if (pick(8) == 0) {
      (void)ledger_.put_back(held.given);
      return;
    }
    const auto done = ledger_.complete(held.given, result(held.given));
    EXPECT_TRUE(done || done.error().code() == Errc::closed) << done.error().message();
    if (done) accepted_.emplace_back(held.given.part.begin, held.given.part.end);
  }

  Result<void> advance_finisher(Held& held) {
    if (!held.result) {
      TRY(held.result, ledger_.results(held.given));
    } else {
      TRY_OK(ledger_.check(held.given));
      held.checked = true;
    }
    return {};
  }
  void commit(const std::vector<PartResult>& parts) {
    Blob blob;
    for (const PartResult& part : parts) blob.emplace_back(part.number, part.epoch);
    EXPECT_EQ(blob.size(), accepted_.size()) << "seed " << GetParam();
    if (!blob_.empty()) {
      EXPECT_EQ(blob, blob_) << "seed " << GetParam();
    }
    blob_ = std::move(blob);
  }

  std::mt19937 random_{GetParam()};
  Blob blob_;
  std::map<std::string, std::vector<Held>> held_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> accepted_;
  int finished_ = 0;
};

TEST_P(LeaseModel, EveryPartIsAcceptedOnceWhateverWorkersDo) {
  // Between any read and the write that follows, others may act.
  const std::string job = started();
  char group = 'a';
  store_.before_commit = [&] {
    if (pick(3) == 0) act(job, group == 'a' ? 'b' : 'a');
  };
  for (int step = 0; step < 20'000 && finished_ == 0; ++step) {
    group = pick(2) == 0 ? 'a' : 'b';
    act(job, group);
    if (::testing::Test::HasFatalFailure()) return;
  }
  store_.before_commit = {};
  ASSERT_EQ(finished_, 1) << "seed " << GetParam() << " "
                          << store_.get(kWork, job)->value_or(store::Document()).body;
  std::ranges::sort(accepted_);
  std::uint64_t at = 0;
  for (const auto& [begin, end] : accepted_) {
    EXPECT_EQ(begin, at) << "seed " << GetParam();
    at = end;
  }
  EXPECT_EQ(at, kInput);
  const auto view = ledger_.find(kEndpoint, job);
  EXPECT_EQ(view->record.state, JobState::finished) << view->record.details;
  EXPECT_EQ(view->record.rows, accepted_.size());
  EXPECT_EQ(blob_.size(), accepted_.size());
  // Those who come back later change nothing.
  for (auto& [worker, mine] : held_)
    for (Held& held : mine) {
      if (held.given.kind == Assignment::Kind::finish && !held.checked) {
        EXPECT_EQ(advance_finisher(held).error().code(), Errc::closed);
      }
      EXPECT_EQ(ledger_.complete(held.given, result(held.given)).error().code(), Errc::closed);
      EXPECT_EQ(ledger_.finish(held.given, "late").error().code(), Errc::closed);
    }
  EXPECT_EQ(ledger_.find(kEndpoint, job)->record.state, JobState::finished);
  EXPECT_EQ(store_.count(kWork) + store_.count(kSlots) + store_.count(kPartResults), 0U);
}

INSTANTIATE_TEST_SUITE_P(Seeds, LeaseModel, ::testing::Range(1U, 101U));

}  // namespace
}  // namespace mlgate::batch
