#pragma once
// Bytes that wait, in blocks of the worker's pool: taken when bytes come, given back as they go.
#include "net/blocks.h"

#include <cstddef>
#include <string_view>
#include <vector>

namespace mlgate::http {

// Thread: the worker's of the pool.
class BlockQueue {
 public:
  explicit BlockQueue(net::BlockPool& pool) : pool_(&pool) {}

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  void append(std::string_view bytes);
  // The first bytes that stand in one piece; empty only when there are none. They stay where they
  // are until pop().
  std::string_view front() const noexcept;
  void pop(std::size_t count) noexcept;
  void clear() noexcept;

 private:
  net::BlockPool* pool_;
  std::vector<net::Block> blocks_;
  std::size_t begin_ = 0;  // In the first block.
  std::size_t end_ = 0;    // In the last one.
  std::size_t size_ = 0;
};

}  // namespace mlgate::http
