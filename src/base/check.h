#pragma once
// Assertions for what cannot happen unless we are wrong; what a peer, a file or a user controls is
// never asserted. CHECK stays on and ends the process, for what would corrupt; DCHECK is for debug
// builds; BUG() logs, counts and goes on.
#include <cstdint>
#include <source_location>
#include <string_view>

namespace mlgate {

[[noreturn]] void check_failed(const char* condition, std::source_location where);
void report_bug(std::string_view what, std::source_location where);
// How many BUG()s were met since the process started.
std::uint64_t bugs_total() noexcept;

}  // namespace mlgate

#define CHECK(condition) \
  ((condition) ? void() : ::mlgate::check_failed(#condition, std::source_location::current()))
#ifdef NDEBUG
#define DCHECK(condition) ((void)0)
#else
#define DCHECK(condition) CHECK(condition)
#endif
#define BUG(what) ::mlgate::report_bug(what, std::source_location::current())
