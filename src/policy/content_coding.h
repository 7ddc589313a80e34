#pragma once
// Bodies as they travel: gzip, deflate, brotli and zstd, taken back to plain text for policies that
// look into them. A small body may be made to grow without end, so output, growth and the memory of
// a decoder are limited; what is cut short, malformed or followed by more is refused.
#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace mlgate::policy {

enum class ContentCoding : unsigned char { identity, gzip, deflate, brotli, zstd };

// One token of Content-Encoding, compared without case; nullopt for any other.
std::optional<ContentCoding> parse_content_coding(std::string_view token) noexcept;

struct DecodeLimits {
  std::size_t bytes_max = 16 << 20;  // Of plain text.
  // Bytes of plain text per byte of body, once there are kGrowthFrom of them. Text that people send
  // stays far below; only bombs reach it.
  std::size_t growth_max = 1'000;
};
inline constexpr std::size_t kGrowthFrom = 1 << 20;
// Codings one over the other.
inline constexpr std::size_t kCodingsMax = 3;

// Takes one body apart, piece by piece.
class ContentDecoder {
 public:
  ContentDecoder(ContentCoding coding, DecodeLimits limits);
  ~ContentDecoder();
  ContentDecoder(ContentDecoder&&) noexcept;
  ContentDecoder& operator=(ContentDecoder&&) noexcept;

  // Appends what the piece holds to `out`. exhausted: over a limit; invalid_argument: malformed.
  Result<void> decode(std::string_view piece, std::string& out);
  // invalid_argument when the body is cut short.
  Result<void> finish();

  struct Engine;

 private:
  std::unique_ptr<Engine> engine_;
};

// A whole body by its Content-Encoding, e.g. "gzip" or "br, gzip". unsupported: an unknown coding,
// or more than kCodingsMax of them.
Result<std::string> decode_body(std::string_view body, std::string_view content_encoding,
                                DecodeLimits limits);

}  // namespace mlgate::policy
