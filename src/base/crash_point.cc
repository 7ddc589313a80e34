#include "base/crash_point.h"

#ifndef NDEBUG
#include "base/text.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace mlgate {
namespace {

std::uint64_t crash_at() noexcept {
  const char* text = std::getenv("MLGATE_CRASH_AT");
  return text ? parse_uint(text).value_or(0) : 0;
}

}  // namespace

void crash_point() noexcept {
  static const std::uint64_t at = crash_at();
  static const char* const count_file = std::getenv("MLGATE_CRASH_COUNT");
  static std::atomic<std::uint64_t> passed{0};
  const std::uint64_t number = ++passed;
  if (count_file) {
    if (std::FILE* file = std::fopen(count_file, "w")) {
      std::fprintf(file, "%llu\n", static_cast<unsigned long long>(number));
      std::fclose(file);
    }
  }
  if (at != 0 && number == at) ::kill(::getpid(), SIGKILL);
}

}  // namespace mlgate
#endif
