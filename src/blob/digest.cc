#include "blob/digest.h"

#include "base/crypto.h"

#include <openssl/evp.h>

#include <cstring>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace mlgate::blob {
namespace {

constexpr std::uint64_t kPolynomial = 0x9A6C9329AC4BC9B5ULL;  // Reflected, without x^64.

// Slicing by eight: table k advances a byte by k further bytes.
struct Tables {
  std::uint64_t at[8][256];
  constexpr Tables() : at{} {
    for (unsigned i = 0; i < 256; ++i) {
      std::uint64_t value = i;
      for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ (value & 1 ? kPolynomial : 0);
      at[0][i] = value;
    }
    for (unsigned k = 1; k < 8; ++k)
      for (unsigned i = 0; i < 256; ++i)
        at[k][i] = (at[k - 1][i] >> 8) ^ at[0][at[k - 1][i] & 0xFF];
  }
};
constexpr Tables kTables;

// Raw: without the inversions at both ends.
std::uint64_t update_raw(std::uint64_t crc, const unsigned char* at, std::size_t size) noexcept {
  while (size >= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    crc ^= word;
    std::uint64_t next = 0;
    for (unsigned k = 0; k < 8; ++k) next ^= kTables.at[7 - k][(crc >> (8 * k)) & 0xFF];
    crc = next;
    at += 8;
    size -= 8;
  }
  while (size-- > 0) crc = (crc >> 8) ^ kTables.at[0][(crc ^ *at++) & 0xFF];
  return crc;
}

#if defined(__x86_64__)
// x^power modulo the polynomial, reflected (bit 63 is x^0).
consteval std::uint64_t power_of_x(unsigned power) noexcept {
  std::uint64_t value = std::uint64_t{1} << 63;
  for (unsigned i = 0; i < power; ++i) value = (value >> 1) ^ (value & 1 ? kPolynomial : 0);
  return value;
}

// Carry-less multiplication moves a 128-bit remainder over the bytes behind it: its low half is
// 64 bits further from the end than its high half. The product of two reflected 64-bit values is
// one bit short of 128 bits, hence the powers are one less.
consteval std::uint64_t fold_low(unsigned bits) noexcept { return power_of_x(bits + 64 - 1); }
consteval std::uint64_t fold_high(unsigned bits) noexcept { return power_of_x(bits - 1); }

__attribute__((target("pclmul,sse4.1"))) inline __m128i fold(__m128i value, __m128i by,
                                                             __m128i next) noexcept {
  const __m128i low = _mm_clmulepi64_si128(value, by, 0x00);
  const __m128i high = _mm_clmulepi64_si128(value, by, 0x11);
  return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

constexpr std::size_t kLane = 16;
constexpr std::size_t kLanes = 8;
constexpr std::size_t kStride = kLane * kLanes;
constexpr std::size_t kWideLane = 64;
constexpr std::size_t kWideStride = kWideLane * kLanes;

__attribute__((target("pclmul,sse4.1"))) std::uint64_t update_fast(std::uint64_t crc,
                                                                   const unsigned char* at,
                                                                   std::size_t size) noexcept {
  const auto load = [](const unsigned char* from) __attribute__((target("sse4.1"))) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  };
  __m128i lanes[kLanes];
  for (std::size_t i = 0; i < kLanes; ++i) lanes[i] = load(at + i * kLane);
  lanes[0] = _mm_xor_si128(lanes[0], _mm_set_epi64x(0, std::int64_t(crc)));
  at += kStride;
  size -= kStride;
  constexpr unsigned kStrideBits = unsigned(kStride * 8);
  const __m128i by_stride =
      _mm_set_epi64x(std::int64_t(fold_high(kStrideBits)), std::int64_t(fold_low(kStrideBits)));
  while (size >= kStride) {
    for (std::size_t i = 0; i < kLanes; ++i)
      lanes[i] = fold(lanes[i], by_stride, load(at + i * kLane));
    at += kStride;
    size -= kStride;
  }
  const __m128i by_lane = _mm_set_epi64x(std::int64_t(fold_high(128)), std::int64_t(fold_low(128)));
  __m128i all = lanes[0];
  for (std::size_t i = 1; i < kLanes; ++i) all = fold(all, by_lane, lanes[i]);
  // What is left is a message of 16 bytes with the same remainder.
  unsigned char last[kLane];
  _mm_storeu_si128(reinterpret_cast<__m128i*>(last), all);
  return update_raw(update_raw(0, last, kLane), at, size);
}

// The same with lanes of 512 bits; what they come to is a shorter message for update_fast.
__attribute__((target("avx512f,vpclmulqdq"))) std::uint64_t update_wide(std::uint64_t crc,
                                                                        const unsigned char* at,
                                                                        std::size_t size) noexcept {
  constexpr int kXorAll = 0x96;  // a ^ b ^ c, for the instruction that takes any function of three.
  constexpr unsigned kStrideBits = unsigned(kWideStride * 8);
  const __m512i by = _mm512_broadcast_i32x4(
      _mm_set_epi64x(std::int64_t(fold_high(kStrideBits)), std::int64_t(fold_low(kStrideBits))));
  __m512i lanes[kLanes];
  for (std::size_t i = 0; i < kLanes; ++i) lanes[i] = _mm512_loadu_si512(at + i * kWideLane);
  lanes[0] =
      _mm512_xor_si512(lanes[0], _mm512_zextsi128_si512(_mm_set_epi64x(0, std::int64_t(crc))));
  at += kWideStride;
  size -= kWideStride;
  while (size >= kWideStride) {
    for (std::size_t i = 0; i < kLanes; ++i) {
      const __m512i low = _mm512_clmulepi64_epi128(lanes[i], by, 0x00);
      const __m512i high = _mm512_clmulepi64_epi128(lanes[i], by, 0x11);
      lanes[i] =
          _mm512_ternarylogic_epi64(low, high, _mm512_loadu_si512(at + i * kWideLane), kXorAll);
    }
    at += kWideStride;
    size -= kWideStride;
  }
  unsigned char folded[kWideStride];
  for (std::size_t i = 0; i < kLanes; ++i) _mm512_storeu_si512(folded + i * kWideLane, lanes[i]);
  crc = update_fast(0, folded, kWideStride);
  return size >= 2 * kStride ? update_fast(crc, at, size) : update_raw(crc, at, size);
}

bool has_clmul() noexcept {
  static const bool has = __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
  return has;
}
bool has_wide_clmul() noexcept {
  static const bool has =
      has_clmul() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("vpclmulqdq");
  return has;
}
#endif

}  // namespace

std::uint64_t crc64_portable(std::uint64_t crc, std::string_view bytes) noexcept {
  return ~update_raw(~crc, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

std::uint64_t crc64(std::uint64_t crc, std::string_view bytes) noexcept {
#if defined(__x86_64__)
  if (bytes.size() >= 2 * kWideStride && has_wide_clmul())
    return ~update_wide(~crc, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  if (bytes.size() >= 2 * kStride && has_clmul())
    return ~update_fast(~crc, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
#endif
  return crc64_portable(crc, bytes);
}

std::string crc64_text(std::uint64_t crc) {
  char bytes[8];
  for (unsigned i = 0; i < 8; ++i) bytes[i] = char(crc >> (8 * i));
  return base64_encode({bytes, 8});
}

void Md5::Free::operator()(evp_md_ctx_st* context) const noexcept { EVP_MD_CTX_free(context); }

Md5::Md5() : context_(EVP_MD_CTX_new()) { EVP_DigestInit_ex(context_.get(), EVP_md5(), nullptr); }
Md5::~Md5() = default;
Md5::Md5(Md5&&) noexcept = default;
Md5& Md5::operator=(Md5&&) noexcept = default;

void Md5::update(std::string_view bytes) {
  EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size());
}

std::string Md5::finish() {
  std::string out(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(out.data()), &size);
  out.resize(size);
  return out;
}

}  // namespace mlgate::blob
