#include "blob/lease.h"

#include "base/crypto.h"
#include "base/text.h"
#include "blob/fault.h"

#include <algorithm>

namespace mlgate::blob {
namespace {

constexpr std::int64_t kDurationMinS = 15, kDurationMaxS = 60, kBreakMaxS = 60;

// Ids are GUIDs, given in any case.
bool same_id(std::string_view a, std::string_view b) noexcept { return equals_ignoring_case(a, b); }

bool is_guid(std::string_view text) noexcept {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : hex_digit(text[i]) < 0) return false;
  }
  return true;
}

std::int64_t seconds_until(TimeMs then, TimeMs now) noexcept {
  return std::max<std::int64_t>(0, (then - now + 999) / 1000);
}

void begin(Lease& lease, std::int64_t duration_s, TimeMs now) {
  lease.duration_s = duration_s;
  lease.expires_ms = duration_s < 0 ? 0 : now + duration_s * 1000;
  lease.breaks_ms = 0;
}

Result<LeaseAnswer> acquire(Lease& lease, const LeaseRequest& request, TimeMs now) {
  if (request.duration_s != -1 &&
      (request.duration_s < kDurationMinS || request.duration_s > kDurationMaxS))
    return fail(Fault::invalid_header_value, "x-ms-lease-duration is -1, or from 15 to 60.");
  if (!request.proposed_id.empty() && !is_guid(request.proposed_id))
    return fail(Fault::invalid_header_value, "x-ms-proposed-lease-id is not a GUID.");
  const LeaseState state = status_of(lease, now).state;
  const bool same = !lease.id.empty() && same_id(lease.id, request.proposed_id);
  if (state == LeaseState::breaking)
    return fail(same ? Fault::lease_is_breaking_and_cannot_be_acquired
                     : Fault::lease_already_present);
  if (state == LeaseState::leased && !same) return fail(Fault::lease_already_present);
  lease.id = request.proposed_id.empty() ? new_guid() : to_lower(request.proposed_id);
  begin(lease, request.duration_s, now);
  return LeaseAnswer{.id = lease.id, .break_left_s = 0, .etag = {}, .modified_ms = 0};
}

Result<LeaseAnswer> renew(Lease& lease, const LeaseRequest& request, TimeMs now) {
  const LeaseState state = status_of(lease, now).state;
  if (state == LeaseState::available || !same_id(lease.id, request.id))
    return fail(Fault::lease_id_mismatch_with_lease_operation);
  if (state == LeaseState::breaking || state == LeaseState::broken)
    return fail(Fault::lease_is_broken_and_cannot_be_renewed);
  begin(lease, lease.duration_s, now);
  return LeaseAnswer{.id = lease.id, .break_left_s = 0, .etag = {}, .modified_ms = 0};
}

Result<LeaseAnswer> change(Lease& lease, const LeaseRequest& request, TimeMs now) {
  if (!is_guid(request.proposed_id))
    return fail(Fault::invalid_header_value, "x-ms-proposed-lease-id is not a GUID.");
  const LeaseState state = status_of(lease, now).state;
  const bool same = same_id(lease.id, request.id) || same_id(lease.id, request.proposed_id);
  if (state == LeaseState::breaking && same)
    return fail(Fault::lease_is_breaking_and_cannot_be_changed);
  if (state != LeaseState::leased && state != LeaseState::breaking)
    return fail(Fault::lease_not_present_with_lease_operation);
  if (!same) return fail(Fault::lease_id_mismatch_with_lease_operation);
  lease.id = to_lower(request.proposed_id);
  return LeaseAnswer{.id = lease.id, .break_left_s = 0, .etag = {}, .modified_ms = 0};
}

Result<LeaseAnswer> release(Lease& lease, const LeaseRequest& request) {
  if (lease.id.empty() || !same_id(lease.id, request.id))
    return fail(Fault::lease_id_mismatch_with_lease_operation);
  lease = Lease();
  return LeaseAnswer();
}

Result<LeaseAnswer> break_lease(Lease& lease, const LeaseRequest& request, TimeMs now) {
  if (request.break_s && (*request.break_s < 0 || *request.break_s > kBreakMaxS))
    return fail(Fault::invalid_header_value, "x-ms-lease-break-period is from 0 to 60.");
  const LeaseState state = status_of(lease, now).state;
  TimeMs end = now;
  switch (state) {
    case LeaseState::available:
      return fail(Fault::lease_not_present_with_lease_operation);
    case LeaseState::leased:
      if (lease.duration_s < 0) {
        end = now + request.break_s.value_or(0) * 1000;
      } else {
        end = request.break_s ? std::min(now + *request.break_s * 1000, lease.expires_ms)
                              : lease.expires_ms;
      }
      break;
    case LeaseState::breaking:
      end = request.break_s ? std::min(now + *request.break_s * 1000, lease.breaks_ms)
                            : lease.breaks_ms;
      break;
    case LeaseState::broken:
    case LeaseState::expired:
      break;
  }
  lease.breaks_ms = std::max<TimeMs>(end, 1);
  return LeaseAnswer{
      .id = {}, .break_left_s = seconds_until(end, now), .etag = {}, .modified_ms = 0};
}

}  // namespace

LeaseStatus status_of(const Lease& lease, TimeMs now) noexcept {
  if (lease.id.empty()) return {};
  if (lease.breaks_ms != 0)
    return {now < lease.breaks_ms ? LeaseState::breaking : LeaseState::broken, false};
  if (lease.duration_s < 0) return {LeaseState::leased, true};
  return {now < lease.expires_ms ? LeaseState::leased : LeaseState::expired, false};
}

Result<LeaseAnswer> apply(Lease& lease, const LeaseRequest& request, TimeMs now) {
  switch (request.action) {
    case LeaseRequest::Action::acquire:
      return acquire(lease, request, now);
    case LeaseRequest::Action::renew:
      return renew(lease, request, now);
    case LeaseRequest::Action::change:
      return change(lease, request, now);
    case LeaseRequest::Action::release:
      return release(lease, request);
    case LeaseRequest::Action::break_lease:
      return break_lease(lease, request, now);
  }
  return fail(Fault::invalid_header_value);
}

Result<void> check_write_lease(const Lease& lease, std::string_view given, LeaseOf of, TimeMs now) {
  if (given.empty()) {
    if (status_of(lease, now).locked()) return fail(Fault::lease_id_missing);
    return {};
  }
  return check_read_lease(lease, given, of, now);
}

Result<void> check_read_lease(const Lease& lease, std::string_view given, LeaseOf of, TimeMs now) {
  if (given.empty()) return {};
  const bool blob = of == LeaseOf::blob;
  const bool same = !lease.id.empty() && same_id(lease.id, given);
  if (status_of(lease, now).locked()) {
    if (same) return {};
    return fail(blob ? Fault::lease_id_mismatch_with_blob_operation
                     : Fault::lease_id_mismatch_with_container_operation);
  }
  if (same) return fail(Fault::lease_lost);
  return fail(blob ? Fault::lease_not_present_with_blob_operation
                   : Fault::lease_not_present_with_container_operation);
}

void forget_ended(Lease& lease, TimeMs now) noexcept {
  const LeaseState state = status_of(lease, now).state;
  if (state == LeaseState::expired || state == LeaseState::broken) lease = Lease();
}

}  // namespace mlgate::blob
