// Who is given up, and who is not, whatever the clocks do.
#include "batch/liveness.h"

#include <gtest/gtest.h>

namespace mlgate::batch {
namespace {

constexpr std::int64_t kLeaseNs = 10'000;

class SetClock final : public Clock {
 public:
  TimeMs now_ms() const noexcept override { return wall_ms; }
  std::int64_t steady_ns() const noexcept override { return steady; }
  TimeMs wall_ms = 1'700'000'000'000;
  std::int64_t steady = 1;
};

class LivenessTest : public ::testing::Test {
 protected:
  WorkerNote note(std::uint64_t beat, std::string host = "elsewhere") {
    WorkerNote made;
    made.id = "w";
    made.host = std::move(host);
    made.pid = 7;
    made.beat = beat;
    made.threads = 2;
    return made;
  }
  SetClock clock_;
  bool runs_ = true;
  std::optional<WorkerNote> stored_ = note(1);
  bool store_down_ = false;
  Liveness liveness_{clock_, kLeaseNs, "here", [this](const WorkerNote&) { return runs_; },
                     [this](std::string_view) -> Result<std::optional<WorkerNote>> {
                       if (store_down_) return fail(Errc::unavailable, "the store is away");
                       return stored_;
                     }};
};

TEST_F(LivenessTest, WhoseNumberStandsStillForTheLeaseTimeIsDead) {
  liveness_.see(note(1));
  clock_.steady += kLeaseNs;
  EXPECT_FALSE(liveness_.is_dead("w"));
  clock_.steady += 1;
  EXPECT_TRUE(liveness_.is_dead("w"));
}

TEST_F(LivenessTest, AWatcherThatStoodStillItselfLooksAgainBeforeItGivesAnyoneUp) {
  liveness_.see(note(1));
  clock_.steady += 100 * kLeaseNs;
  stored_ = note(5);  // The others went on meanwhile.
  EXPECT_FALSE(liveness_.is_dead("w"));
}

TEST_F(LivenessTest, TheWallClockMayJump) {
  liveness_.see(note(1));
  for (const TimeMs jump : {TimeMs{365} * 86'400'000, -TimeMs{2'000} * 86'400'000}) {
    clock_.wall_ms += jump;
    EXPECT_FALSE(liveness_.is_dead("w")) << jump;
  }
}

TEST_F(LivenessTest, AProcessOfThisHostThatHasEndedIsDeadAtOnce) {
  stored_ = note(1, "here");
  liveness_.see(*stored_);
  EXPECT_FALSE(liveness_.is_dead("w"));
  runs_ = false;
  EXPECT_TRUE(liveness_.is_dead("w"));
  stored_ = note(1, "elsewhere");  // Of another host, a process id says nothing.
  liveness_.see(*stored_);
  EXPECT_FALSE(liveness_.is_dead("w"));
}

TEST_F(LivenessTest, NobodyIsGivenUpWhileTheStoreIsAway) {
  liveness_.see(note(1));
  clock_.steady += 100 * kLeaseNs;
  store_down_ = true;
  EXPECT_FALSE(liveness_.is_dead("w"));
  store_down_ = false;
  EXPECT_TRUE(liveness_.is_dead("w"));
}

TEST_F(LivenessTest, WhoHasTakenHisNoteAwayHasLeft) {
  liveness_.see(note(1));
  liveness_.gone("w");
  stored_.reset();
  EXPECT_TRUE(liveness_.is_dead("w"));
  EXPECT_TRUE(liveness_.abandoned(0).empty());
}

TEST_F(LivenessTest, NotesOfWorkersThatEndedOrStoodStillMayGo) {
  liveness_.see(note(1));
  clock_.steady += 10 * kLeaseNs;
  EXPECT_TRUE(liveness_.abandoned(10 * kLeaseNs).empty());
  clock_.steady += 1;
  EXPECT_EQ(liveness_.abandoned(10 * kLeaseNs).size(), 1U);
  liveness_.see(note(2, "here"));
  EXPECT_TRUE(liveness_.abandoned(10 * kLeaseNs).empty());
  runs_ = false;
  EXPECT_EQ(liveness_.abandoned(10 * kLeaseNs).size(), 1U) << "its process has ended";
}

TEST(SeemsAlive, AWorkerElsewhereByItsLastSignOfLife) {
  WorkerNote elsewhere;
  elsewhere.host = "elsewhere";
  elsewhere.at_ms = 1'000'000'000;
  EXPECT_TRUE(seems_alive(elsewhere, "here", elsewhere.at_ms + 30'000));
  EXPECT_FALSE(seems_alive(elsewhere, "here", elsewhere.at_ms + 3'600'000));
  WorkerNote mine = own_note("w", 2);
  EXPECT_TRUE(seems_alive(mine, mine.host, 0));
  ++mine.begun;
  EXPECT_FALSE(seems_alive(mine, mine.host, 0)) << "its number is another process's now";
}

}  // namespace
}  // namespace mlgate::batch
