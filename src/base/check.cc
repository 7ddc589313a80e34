#include "base/check.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace mlgate {
namespace {
std::atomic<std::uint64_t> bugs{0};
}

void check_failed(const char* condition, std::source_location where) {
  std::fprintf(stderr, "mlgate: check failed: %s (%s:%u)\n", condition, where.file_name(),
               where.line());
  std::abort();
}

void report_bug(std::string_view what, std::source_location where) {
  bugs.fetch_add(1, std::memory_order_relaxed);
  std::fprintf(stderr, "mlgate: bug: %.*s (%s:%u)\n", int(what.size()), what.data(),
               where.file_name(), where.line());
}

std::uint64_t bugs_total() noexcept { return bugs.load(std::memory_order_relaxed); }

}  // namespace mlgate
