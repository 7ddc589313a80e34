#include "analytics/ring.h"

#include "base/check.h"

#include <cstring>

namespace mlgate::analytics {

ByteRing::ByteRing(std::size_t bytes)
    : memory_(std::make_unique<std::uint64_t[]>(bytes / 8)),
      data_(reinterpret_cast<char*>(memory_.get())),
      mask_(bytes - 1) {
  CHECK(bytes >= 4096 && (bytes & mask_) == 0);
}

std::span<char> ByteRing::reserve(std::size_t bytes) noexcept {
  const std::size_t capacity = mask_ + 1;
  const std::size_t need = kHeader + ((bytes + 7) & ~std::size_t{7});
  if (bytes == 0 || need > capacity / 2) return {};
  std::uint64_t begin = written_.load(std::memory_order_relaxed);
  const std::size_t to_edge = capacity - (begin & mask_);
  const std::size_t skip = need > to_edge ? to_edge : 0;
  if (begin + skip + need - read_seen_ > capacity) {
    read_seen_ = read_.load(std::memory_order_acquire);
    if (begin + skip + need - read_seen_ > capacity) return {};
  }
  if (skip > 0) {
    std::memcpy(data_ + (begin & mask_), &kSkip, sizeof kSkip);
    begin += skip;
  }
  const auto size = std::uint32_t(bytes);
  std::memcpy(data_ + (begin & mask_), &size, sizeof size);
  reserved_end_ = begin + need;
  return {data_ + (begin & mask_) + kHeader, bytes};
}

void ByteRing::commit() noexcept { written_.store(reserved_end_, std::memory_order_release); }

bool ByteRing::half_full() const noexcept {
  return written_.load(std::memory_order_relaxed) - read_.load(std::memory_order_relaxed) >
         (mask_ + 1) / 2;
}

std::span<char> ByteRing::next() noexcept {
  std::uint64_t begin = seen_;
  if (begin == written_.load(std::memory_order_acquire)) return {};
  std::uint32_t size = 0;
  std::memcpy(&size, data_ + (begin & mask_), sizeof size);
  if (size == kSkip) {
    begin += mask_ + 1 - (begin & mask_);
    std::memcpy(&size, data_ + (begin & mask_), sizeof size);
  }
  seen_ = begin + kHeader + ((size + std::size_t{7}) & ~std::size_t{7});
  return {data_ + (begin & mask_) + kHeader, size};
}

void ByteRing::release() noexcept { read_.store(seen_, std::memory_order_release); }

}  // namespace mlgate::analytics
