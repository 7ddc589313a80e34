#include "blob/lease.h"

#include "blob/fault.h"

#include <gtest/gtest.h>

namespace mlgate::blob {
namespace {

using Action = LeaseRequest::Action;
constexpr const char* kA = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa";
constexpr const char* kB = "bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb";

LeaseRequest acquire(const char* id, std::int64_t seconds) {
  return {
      .action = Action::acquire, .id = {}, .proposed_id = id, .duration_s = seconds, .break_s = {}};
}
LeaseRequest of(Action action, const char* id) {
  return {.action = action, .id = id, .proposed_id = {}, .duration_s = -1, .break_s = {}};
}

// A lease in each of its states, at the time 100 s.
constexpr TimeMs kNow = 100'000;
Lease lease_in(LeaseState state) {
  Lease lease;
  if (state == LeaseState::available) return lease;
  lease.id = kA;
  lease.duration_s = 30;
  lease.expires_ms = state == LeaseState::expired ? kNow - 1 : kNow + 20'000;
  if (state == LeaseState::breaking) lease.breaks_ms = kNow + 5'000;
  if (state == LeaseState::broken) lease.breaks_ms = kNow - 5'000;
  return lease;
}

// The code of the error, or the state that the lease is in afterwards.
std::string outcome(LeaseState from, const LeaseRequest& request) {
  Lease lease = lease_in(from);
  const auto done = apply(lease, request, kNow);
  if (!done) return done.error().field();
  constexpr const char* kNames[] = {"available", "leased", "expired", "breaking", "broken"};
  return kNames[int(status_of(lease, kNow).state)];
}

TEST(Lease, FollowsTheTableOfStates) {
  using enum LeaseState;
  struct Row {
    LeaseState from;
    LeaseRequest request;
    const char* expected;
  };
  const LeaseRequest brk = of(Action::break_lease, "");
  const std::vector<Row> rows = {
      {available, acquire(kA, 15), "leased"},
      {available, of(Action::renew, kA), "LeaseIdMismatchWithLeaseOperation"},
      {available, of(Action::release, kA), "LeaseIdMismatchWithLeaseOperation"},
      {available, brk, "LeaseNotPresentWithLeaseOperation"},
      {leased, acquire(kA, -1), "leased"},
      {leased, acquire(kB, 15), "LeaseAlreadyPresent"},
      {leased, acquire("", 15), "LeaseAlreadyPresent"},
      {leased, of(Action::renew, kA), "leased"},
      {leased, of(Action::renew, kB), "LeaseIdMismatchWithLeaseOperation"},
      {leased, of(Action::release, kA), "available"},
      {leased, of(Action::release, kB), "LeaseIdMismatchWithLeaseOperation"},
      {leased, brk, "breaking"},
      {expired, acquire(kB, 15), "leased"},
      {expired, of(Action::renew, kA), "leased"},
      {expired, of(Action::release, kA), "available"},
      {expired, brk, "broken"},
      {breaking, acquire(kA, 15), "LeaseIsBreakingAndCannotBeAcquired"},
      {breaking, acquire(kB, 15), "LeaseAlreadyPresent"},
      {breaking, of(Action::renew, kA), "LeaseIsBrokenAndCannotBeRenewed"},
      {breaking, of(Action::release, kA), "available"},
      {broken, acquire(kB, 15), "leased"},
      {broken, of(Action::renew, kA), "LeaseIsBrokenAndCannotBeRenewed"},
      {broken, of(Action::release, kA), "available"},
      {broken, brk, "broken"},
  };
  for (std::size_t i = 0; i < rows.size(); ++i)
    EXPECT_EQ(outcome(rows[i].from, rows[i].request), rows[i].expected) << "row " << i;
}

TEST(Lease, EndsByTime) {
  Lease lease;
  ASSERT_TRUE(apply(lease, acquire(kA, 15), kNow).has_value());
  EXPECT_EQ(status_of(lease, kNow + 14'999).state, LeaseState::leased);
  EXPECT_EQ(status_of(lease, kNow + 15'000).state, LeaseState::expired);
  ASSERT_TRUE(apply(lease, acquire(kA, -1), kNow).has_value());
  EXPECT_TRUE(status_of(lease, kNow + 1'000'000).infinite);
}

TEST(Lease, TakesNoDurationOutsideItsRange) {
  Lease lease;
  for (const std::int64_t seconds : {0, 14, 61, -2})
    EXPECT_FALSE(apply(lease, acquire(kA, seconds), kNow).has_value()) << seconds;
  EXPECT_FALSE(apply(lease, acquire("no guid", 15), kNow).has_value());
}

TEST(Lease, BreaksAfterThePeriodThatIsAskedFor) {
  Lease lease;
  ASSERT_TRUE(apply(lease, acquire(kA, -1), kNow).has_value());
  LeaseRequest request = of(Action::break_lease, "");
  request.break_s = 10;
  EXPECT_EQ(apply(lease, request, kNow).value().break_left_s, 10);
  EXPECT_TRUE(status_of(lease, kNow + 9'999).locked());
  EXPECT_EQ(status_of(lease, kNow + 10'000).state, LeaseState::broken);
  // Only ever sooner.
  request.break_s = 60;
  EXPECT_EQ(apply(lease, request, kNow + 5'000).value().break_left_s, 5);
  request.break_s = 0;
  EXPECT_EQ(apply(lease, request, kNow + 5'000).value().break_left_s, 0);
  EXPECT_EQ(status_of(lease, kNow + 5'000).state, LeaseState::broken);
}

TEST(Lease, GuardsWritesAndOnlyThem) {
  const auto write = [](LeaseState state, const char* given) {
    const auto checked = check_write_lease(lease_in(state), given, LeaseOf::blob, kNow);
    return checked ? std::string("fine") : checked.error().field();
  };
  EXPECT_EQ(write(LeaseState::leased, ""), "LeaseIdMissing");
  EXPECT_EQ(write(LeaseState::breaking, ""), "LeaseIdMissing");
  EXPECT_EQ(write(LeaseState::leased, kB), "LeaseIdMismatchWithBlobOperation");
  EXPECT_EQ(write(LeaseState::leased, kA), "fine");
  EXPECT_EQ(write(LeaseState::expired, ""), "fine");
  EXPECT_EQ(write(LeaseState::expired, kA), "LeaseLost");
  EXPECT_EQ(write(LeaseState::available, kA), "LeaseNotPresentWithBlobOperation");
  EXPECT_TRUE(check_read_lease(lease_in(LeaseState::leased), "", LeaseOf::blob, kNow).has_value());
  EXPECT_FALSE(check_read_lease(lease_in(LeaseState::leased), kB, LeaseOf::blob, kNow).has_value());
}

}  // namespace
}  // namespace mlgate::blob
