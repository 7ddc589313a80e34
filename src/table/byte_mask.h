#pragma once
// Finds bytes of a kind in 64 bytes at a time: bit i of a mask stands for byte i. The scanners of
// CSV files and of words rest on it. SSE2 where there is x86-64 (its baseline), plain loops
// elsewhere.
#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace mlgate::table {

#if defined(__SSE2__)
class Block64 {
 public:
  // Reads 64 bytes at `bytes`.
  explicit Block64(const char* bytes) noexcept
      : part_{load(bytes), load(bytes + 16), load(bytes + 32), load(bytes + 48)} {}
  std::uint64_t equal(char c) const noexcept {
    const __m128i wanted = _mm_set1_epi8(c);
    return gather([wanted](__m128i x) { return _mm_cmpeq_epi8(x, wanted); });
  }
  std::uint64_t any_of(char a, char b) const noexcept {
    const __m128i first = _mm_set1_epi8(a), second = _mm_set1_epi8(b);
    return gather([=](__m128i x) {
      return _mm_or_si128(_mm_cmpeq_epi8(x, first), _mm_cmpeq_epi8(x, second));
    });
  }
  // Blank, tab, line feed, vertical tab, form feed, carriage return.
  std::uint64_t white_space() const noexcept {
    const __m128i blank = _mm_set1_epi8(' '), tab = _mm_set1_epi8('\t'), span = _mm_set1_epi8(4);
    return gather([=](__m128i x) {
      const __m128i from_tab = _mm_sub_epi8(x, tab);
      return _mm_or_si128(_mm_cmpeq_epi8(x, blank),
                          _mm_cmpeq_epi8(_mm_min_epu8(from_tab, span), from_tab));
    });
  }
  bool ascii() const noexcept {
    return _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(part_[0], part_[1]),
                                          _mm_or_si128(part_[2], part_[3]))) == 0;
  }

 private:
  static __m128i load(const char* bytes) noexcept {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
  }
  template <class Test>
  std::uint64_t gather(Test test) const noexcept {
    const auto bits = [&](int i) {
      return std::uint64_t(unsigned(_mm_movemask_epi8(test(part_[i]))));
    };
    return bits(0) | bits(1) << 16 | bits(2) << 32 | bits(3) << 48;
  }
  __m128i part_[4];
};

// Bit i is set when counter i of 64 is not zero.
inline std::uint64_t non_zero(const std::uint32_t* counters) noexcept {
  const __m128i zero = _mm_setzero_si128();
  const auto four = [&](int i) {
    const auto* at = reinterpret_cast<const __m128i*>(counters) + i;
    return _mm_cmpeq_epi32(_mm_loadu_si128(at), zero);
  };
  const auto bits = [&](int i) {
    const __m128i low = _mm_packs_epi32(four(i), four(i + 1));
    const __m128i high = _mm_packs_epi32(four(i + 2), four(i + 3));
    return std::uint64_t(unsigned(_mm_movemask_epi8(_mm_packs_epi16(low, high))));
  };
  return ~(bits(0) | bits(4) << 16 | bits(8) << 32 | bits(12) << 48);
}
#else
class Block64 {
 public:
  explicit Block64(const char* bytes) noexcept : bytes_(bytes) {}
  std::uint64_t equal(char c) const noexcept {
    return gather([c](char x) { return x == c; });
  }
  std::uint64_t any_of(char a, char b) const noexcept {
    return gather([a, b](char x) { return x == a || x == b; });
  }
  std::uint64_t white_space() const noexcept {
    return gather([](char x) { return x == ' ' || (x >= '\t' && x <= '\r'); });
  }
  bool ascii() const noexcept {
    return gather([](char x) { return static_cast<unsigned char>(x) > 127; }) == 0;
  }

 private:
  template <class Test>
  std::uint64_t gather(Test test) const noexcept {
    std::uint64_t bits = 0;
    for (unsigned i = 0; i < 64; ++i) bits |= std::uint64_t(test(bytes_[i])) << i;
    return bits;
  }
  const char* bytes_;
};

inline std::uint64_t non_zero(const std::uint32_t* counters) noexcept {
  std::uint64_t bits = 0;
  for (unsigned i = 0; i < 64; ++i) bits |= std::uint64_t(counters[i] != 0) << i;
  return bits;
}
#endif

}  // namespace mlgate::table
