#pragma once
// Ids and credentials as clients spell them: ids in either case, with or without dashes; the bearer
// scheme in either case with any run of blanks behind it.
#include "http/message.h"

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::webservice {

// An id in its one written form: 32 lower-case hex digits.
class Id {
 public:
  // nullopt for anything but 32 hex digits, dashes left out.
  static std::optional<Id> parse(std::string_view text) noexcept;
  std::string_view text() const noexcept { return {digits_.data(), digits_.size()}; }
  std::string str() const { return std::string(text()); }

 private:
  std::array<char, 32> digits_{};
};

// The token of "Authorization: Bearer {token}"; empty when the header is absent or has another
// scheme.
std::string_view bearer_token(const http::Request& request) noexcept;

// Segments of a path between slashes, without empty ones; at most `Max` are kept, `count` counts
// all.
struct PathParts {
  static constexpr std::size_t kMax = 10;
  std::array<std::string_view, kMax> parts{};
  std::size_t count = 0;

  explicit PathParts(std::string_view path) noexcept;
  std::string_view operator[](std::size_t index) const noexcept {
    return index < count && index < kMax ? parts[index] : std::string_view();
  }
  // Segment `index` is this word, case ignored.
  bool is(std::size_t index, std::string_view word) const noexcept;
};

}  // namespace mlgate::webservice
