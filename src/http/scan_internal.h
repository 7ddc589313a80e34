#pragma once
// Finds the end of runs of allowed characters, 16 bytes at a time where the processor can; the
// inner loops of the head parser. Nothing is read at or behind `end`.
#include <array>
#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace mlgate::http::internal {

enum CharClass : std::uint8_t {
  kTokenChar = 1,   // RFC 9110, 5.6.2.
  kValueChar = 2,   // Field values: all but control characters; tab is one of them.
  kTargetChar = 4,  // Visible ASCII but '#', which begins a fragment and has no place in a request.
  kHostChar = 8     // Letters, digits and "-._~".
};

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> classes{};
  for (unsigned c = 0; c < 256; ++c) {
    const bool alphanumeric =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (alphanumeric) classes[c] |= kTokenChar | kHostChar;
    if ((c >= 0x20 && c != 0x7f) || c == '\t') classes[c] |= kValueChar;
    if (c > 0x20 && c < 0x7f && c != '#') classes[c] |= kTargetChar;
  }
  for (const char c : {'!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~'})
    classes[std::uint8_t(c)] |= kTokenChar;
  for (const char c : {'-', '.', '_', '~'}) classes[std::uint8_t(c)] |= kHostChar;
  return classes;
}
inline constexpr std::array<std::uint8_t, 256> kClasses = make_classes();

constexpr bool is_in(char c, CharClass wanted) noexcept {
  return (kClasses[std::uint8_t(c)] & wanted) != 0;
}

inline const char* skip_plain(const char* at, const char* end, CharClass wanted) noexcept {
  while (at != end && is_in(*at, wanted)) ++at;
  return at;
}

inline const char* skip_token(const char* at, const char* end) noexcept {
  return skip_plain(at, end, kTokenChar);
}

inline const char* skip_value(const char* at, const char* end) noexcept {
#if defined(__SSE2__)
  const __m128i control_max = _mm_set1_epi8(0x1f);
  const __m128i tab = _mm_set1_epi8('\t');
  const __m128i del = _mm_set1_epi8(0x7f);
  for (; end - at >= 16; at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, control_max), bytes);
    const __m128i stop = _mm_or_si128(_mm_andnot_si128(_mm_cmpeq_epi8(bytes, tab), control),
                                      _mm_cmpeq_epi8(bytes, del));
    const int mask = _mm_movemask_epi8(stop);
    if (mask != 0) return at + __builtin_ctz(unsigned(mask));
  }
#endif
  return skip_plain(at, end, kValueChar);
}

inline const char* skip_target(const char* at, const char* end) noexcept {
#if defined(__SSE2__)
  const __m128i blank = _mm_set1_epi8(0x20);
  const __m128i del = _mm_set1_epi8(0x7f);
  const __m128i hash = _mm_set1_epi8('#');
  for (; end - at >= 16; at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    // Signed, so that what is not ASCII compares low.
    const __m128i visible = _mm_cmpgt_epi8(bytes, blank);
    const __m128i other = _mm_or_si128(_mm_cmpeq_epi8(bytes, del), _mm_cmpeq_epi8(bytes, hash));
    const int mask = _mm_movemask_epi8(_mm_andnot_si128(other, visible)) ^ 0xffff;
    if (mask != 0) return at + __builtin_ctz(unsigned(mask));
  }
#endif
  return skip_plain(at, end, kTargetChar);
}

}  // namespace mlgate::http::internal
