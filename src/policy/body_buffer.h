#pragma once
// A body that a policy must see whole, or that may have to be sent again: kept in blocks as it
// comes, up to a limit, and read as often as needed. Nothing is moved as it grows. Thread: the
// worker's.
#include "base/result.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::policy {

class BodyBuffer {
 public:
  static constexpr std::size_t kFirstBlock = 4 * 1024, kLargestBlock = 256 * 1024;

  explicit BodyBuffer(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  // exhausted when the body would be larger than the limit; what was taken before stays.
  Result<void> append(std::string_view bytes) {
    if (bytes.size() > bytes_max_ - size_)
      return fail(Errc::exhausted,
                  "The body is larger than " + std::to_string(bytes_max_) + " bytes.");
    size_ += bytes.size();
    while (!bytes.empty()) {
      if (blocks_.empty() || blocks_.back().used == blocks_.back().size) add_block();
      Block& block = blocks_.back();
      const std::size_t count = std::min(bytes.size(), block.size - block.used);
      std::memcpy(block.memory.get() + block.used, bytes.data(), count);
      block.used += count;
      bytes.remove_prefix(count);
    }
    return {};
  }
  std::size_t size() const noexcept { return size_; }

  // The whole in one piece, valid until the next append(): made once where there are several
  // blocks.
  std::string_view whole() {
    if (blocks_.empty()) return {};
    if (blocks_.size() == 1) return {blocks_[0].memory.get(), blocks_[0].used};
    Block joined{std::make_unique_for_overwrite<char[]>(size_), size_, 0};
    for (const Block& one : blocks_) {
      std::memcpy(joined.memory.get() + joined.used, one.memory.get(), one.used);
      joined.used += one.used;
    }
    blocks_.clear();
    blocks_.push_back(std::move(joined));
    return {blocks_[0].memory.get(), blocks_[0].used};
  }

  // Reads from the beginning; any number of readers, one after another or at the same time.
  class Reader {
   public:
    explicit Reader(const BodyBuffer& body) : body_(body) {}
    // The next piece; empty at the end.
    std::string_view next() noexcept {
      if (at_ == body_.blocks_.size()) return {};
      const Block& block = body_.blocks_[at_++];
      return {block.memory.get(), block.used};
    }

   private:
    const BodyBuffer& body_;
    std::size_t at_ = 0;
  };

 private:
  struct Block {
    std::unique_ptr<char[]> memory;
    std::size_t size = 0, used = 0;
  };
  void add_block() {
    const std::size_t size =
        blocks_.empty() ? kFirstBlock : std::min(kLargestBlock, 2 * blocks_.back().size);
    blocks_.push_back({std::make_unique_for_overwrite<char[]>(size), size, 0});
  }

  std::size_t bytes_max_;
  std::size_t size_ = 0;
  std::vector<Block> blocks_;
};

}  // namespace mlgate::policy
