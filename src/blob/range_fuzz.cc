// Feeds arbitrary fields to the reader of ranges. What has to hold: whatever it means of a blob of
// some size lies within that blob and is not empty.
#include "blob/range.h"

#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mlgate::blob;
  const auto range = parse_range({reinterpret_cast<const char*>(data), size});
  if (!range) return 0;
  if (range->last && *range->last < range->first) std::abort();
  for (const std::uint64_t bytes : {0ULL, 1ULL, 10ULL, 1ULL << 40, ~0ULL}) {
    const auto span = resolve(*range, bytes);
    if (!span) continue;
    if (span->bytes == 0 || span->offset >= bytes || span->bytes > bytes - span->offset)
      std::abort();
  }
  return 0;
}
