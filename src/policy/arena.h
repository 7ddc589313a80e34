#pragma once
// Text that a call makes on its way (a decoded parameter, a rewritten target, the body of a
// refusal) lives here until the call ends. The first 8 KiB are inline, so that an ordinary call
// allocates nothing; larger ones take blocks from the heap, which go back at reset() except for
// one. Thread: the worker's.
#include <cstddef>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

namespace mlgate::policy {

class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // Bytes without a value, aligned for `alignment`; valid until reset().
  char* take(std::size_t bytes, std::size_t alignment = 1) {
    const std::size_t at = (used_ + alignment - 1) & ~(alignment - 1);
    if (at + bytes <= room_) [[likely]] {
      used_ = at + bytes;
      return memory_ + at;
    }
    return take_slow(bytes);
  }
  template <class T>
  std::span<T> make(std::size_t count) {
    static_assert(std::is_trivially_destructible_v<T>);
    auto* first = reinterpret_cast<T*>(take(count * sizeof(T), alignof(T)));
    for (std::size_t i = 0; i < count; ++i) ::new (static_cast<void*>(first + i)) T();
    return {first, count};
  }
  std::string_view copy(std::string_view text) { return join({text}); }
  std::string_view join(std::initializer_list<std::string_view> parts) {
    std::size_t size = 0;
    for (const auto part : parts) size += part.size();
    char* const begin = take(size);
    char* out = begin;
    for (const auto part : parts) {
      if (!part.empty()) std::memcpy(out, part.data(), part.size());
      out += part.size();
    }
    return {begin, size};
  }
  // Gives back the tail of the latest take(): `end` lies within it.
  void trim_to(const char* end) noexcept {
    if (end >= memory_ && end <= memory_ + used_) used_ = std::size_t(end - memory_);
  }
  void reset() noexcept {
    if (!blocks_.empty()) {
      if (blocks_.size() > 1 || blocks_.front().size > kKeptMax) blocks_.clear();
    }
    memory_ = inline_;
    room_ = sizeof inline_;
    used_ = 0;
    next_block_ = 0;
  }

 private:
  struct Block {
    std::unique_ptr<char[]> memory;
    std::size_t size = 0;
  };
  static constexpr std::size_t kKeptMax = 64 * 1024;

  char* take_slow(std::size_t bytes) {
    // A kept block serves again before a new one is made; operator new aligns for every T used
    // here.
    if (next_block_ >= blocks_.size() || blocks_[next_block_].size < bytes) {
      const std::size_t size = bytes > 16 * 1024 ? bytes : 16 * 1024;
      blocks_.resize(next_block_);
      blocks_.push_back({std::make_unique_for_overwrite<char[]>(size), size});
    }
    memory_ = blocks_[next_block_].memory.get();
    room_ = blocks_[next_block_].size;
    ++next_block_;
    used_ = bytes;
    return memory_;
  }

  alignas(16) char inline_[8 * 1024];
  char* memory_ = inline_;
  std::size_t room_ = sizeof inline_;
  std::size_t used_ = 0;
  std::vector<Block> blocks_;
  std::size_t next_block_ = 0;
};

}  // namespace mlgate::policy
