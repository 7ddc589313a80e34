#include "http/block_queue.h"

#include "base/check.h"

#include <algorithm>
#include <cstring>

namespace mlgate::http {

void BlockQueue::append(std::string_view bytes) {
  while (!bytes.empty()) {
    if (blocks_.empty() || end_ == net::Block::size()) {
      blocks_.push_back(pool_->take());
      end_ = 0;
    }
    const std::size_t part = std::min(bytes.size(), net::Block::size() - end_);
    std::memcpy(blocks_.back().data() + end_, bytes.data(), part);
    end_ += part;
    size_ += part;
    bytes.remove_prefix(part);
  }
}

std::string_view BlockQueue::front() const noexcept {
  if (size_ == 0) return {};
  const std::size_t stop = blocks_.size() == 1 ? end_ : net::Block::size();
  return {blocks_.front().data() + begin_, stop - begin_};
}

void BlockQueue::pop(std::size_t count) noexcept {
  DCHECK(count <= front().size());
  begin_ += count;
  size_ -= count;
  if (size_ == 0) {
    clear();
  } else if (begin_ == net::Block::size()) {
    blocks_.erase(blocks_.begin());
    begin_ = 0;
  }
}

void BlockQueue::clear() noexcept {
  blocks_.clear();
  begin_ = end_ = size_ = 0;
}

}  // namespace mlgate::http
