#pragma once
// Checksums of content: CRC-64 as Azure Storage computes it (reflected polynomial
// 0x9A6C9329AC4BC9B5, all ones in and out), which the store keeps for everything, and MD5 for
// callers who ask for it.
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace mlgate::blob {

// The checksum of some bytes and then others: crc64(crc64(0, a), b) == crc64(0, ab).
std::uint64_t crc64(std::uint64_t crc, std::string_view bytes) noexcept;
// The same without special instructions.
std::uint64_t crc64_portable(std::uint64_t crc, std::string_view bytes) noexcept;
// As x-ms-content-crc64 has it: base64 of eight bytes, least significant first.
std::string crc64_text(std::uint64_t crc);

class Md5 {
 public:
  Md5();
  ~Md5();
  Md5(Md5&&) noexcept;
  Md5& operator=(Md5&&) noexcept;
  void update(std::string_view bytes);
  std::string finish();  // 16 bytes, raw; once.

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const noexcept;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

}  // namespace mlgate::blob
