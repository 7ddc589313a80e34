#pragma once
// Buffers of a worker. A block is taken when bytes are about to move and given back when they have
// moved, so an idle connection holds none.
#include "net/spares.h"

#include <cstddef>
#include <memory>
#include <utility>

namespace mlgate::net {

// A body of 64 KiB with its head.
inline constexpr std::size_t kBlockBytes = 68 * 1024;

class BlockPool;

// One block, owned; goes back to its pool when it dies. Empty after a move.
class Block {
 public:
  Block() = default;
  Block(Block&& other) noexcept
      : pool_(std::exchange(other.pool_, nullptr)),
        memory_(std::move(other.memory_)),
        data_(std::exchange(other.data_, nullptr)) {}
  Block& operator=(Block&& other) noexcept {
    if (this != &other) {
      reset();
      pool_ = std::exchange(other.pool_, nullptr);
      memory_ = std::move(other.memory_);
      data_ = std::exchange(other.data_, nullptr);
    }
    return *this;
  }
  ~Block() { reset(); }

  explicit operator bool() const noexcept { return data_ != nullptr; }
  char* data() const noexcept { return data_; }
  static constexpr std::size_t size() noexcept { return kBlockBytes; }
  void reset() noexcept;

 private:
  friend class BlockPool;
  BlockPool* pool_ = nullptr;
  std::unique_ptr<char[]> memory_;
  char* data_ = nullptr;
};

// Thread: one worker's. Outlives its blocks.
class BlockPool {
 public:
  // Blocks made since the start, and those that wait for use.
  std::size_t made() const noexcept { return made_; }
  std::size_t unused() const noexcept { return free_.size(); }
  void trim() { free_.trim(); }

  Block take() {
    Block block;
    block.pool_ = this;
    if (free_.empty()) {
      // Starts are staggered, since blocks at equal offsets of their pages fight for the same cache
      // sets.
      const std::size_t stagger = (made_++ % 60) * 64;
      block.memory_ = std::make_unique_for_overwrite<char[]>(kBlockBytes + 60 * 64);
      block.data_ = block.memory_.get() + stagger;
    } else {
      Free spare = free_.take();
      block.memory_ = std::move(spare.memory);
      block.data_ = spare.data;
    }
    return block;
  }

 private:
  friend class Block;
  struct Free {
    std::unique_ptr<char[]> memory;
    char* data;
  };
  void give(std::unique_ptr<char[]> memory, char* data) { free_.give({std::move(memory), data}); }
  Spares<Free> free_;
  std::size_t made_ = 0;
};

inline void Block::reset() noexcept {
  if (data_) pool_->give(std::move(memory_), data_);
  pool_ = nullptr;
  data_ = nullptr;
}

}  // namespace mlgate::net
