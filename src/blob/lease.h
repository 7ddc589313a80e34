#pragma once
// The life of a lease, as pure functions of its record and the time: available, leased (for a time
// or for ever), expired, breaking, broken.
#include "base/result.h"
#include "blob/types.h"

namespace mlgate::blob {

struct Lease {
  std::string id;               // Empty: there is none.
  std::int64_t duration_s = 0;  // -1: for ever.
  TimeMs expires_ms = 0;        // Of a lease for a time.
  TimeMs breaks_ms = 0;         // When breaking it ends; 0 while nobody has asked for it.
};

enum class LeaseOf : unsigned char { blob, container };

LeaseStatus status_of(const Lease& lease, TimeMs now) noexcept;
// Changes the record as asked. `id` of the answer is the lease's; its etag is left empty.
Result<LeaseAnswer> apply(Lease& lease, const LeaseRequest& request, TimeMs now);
// May an operation go on that needs the lease when there is one?
Result<void> check_write_lease(const Lease& lease, std::string_view given, LeaseOf of, TimeMs now);
// The same for one that needs no lease, but must name the right one if it names any.
Result<void> check_read_lease(const Lease& lease, std::string_view given, LeaseOf of, TimeMs now);
// A change to the resource ends what is left of an expired or broken lease.
void forget_ended(Lease& lease, TimeMs now) noexcept;

}  // namespace mlgate::blob
