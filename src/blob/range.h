#pragma once
// The byte range of a read: "bytes=first-last", "bytes=first-", and "bytes=-count" of HTTP.
#include <cstdint>
#include <optional>
#include <string_view>

namespace mlgate::blob {

struct Range {
  std::uint64_t first = 0;
  std::optional<std::uint64_t> last;  // nullopt: to the end. Otherwise not below first.
  bool suffix = false;                // `first` counts from the end.
};

// nullopt for anything else, several ranges included; such a field is ignored, as HTTP wants it.
std::optional<Range> parse_range(std::string_view value) noexcept;

struct Span {
  std::uint64_t offset = 0, bytes = 0;
};
// The part of `size` bytes that the range means; nullopt when it lies behind the end.
std::optional<Span> resolve(const Range& range, std::uint64_t size) noexcept;

}  // namespace mlgate::blob
