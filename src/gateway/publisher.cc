#include "gateway/publisher.h"

#include <algorithm>
#include <iterator>

namespace mlgate::gateway {

Publisher::Publisher() : current_(std::make_shared<const Snapshot>()) {}

void Publisher::publish(std::shared_ptr<const Snapshot> snapshot) {
  {
    const std::scoped_lock lock(mutex_);
    current_.swap(snapshot);
    retired_.push_back(std::move(snapshot));
    version_.fetch_add(1, std::memory_order_release);
  }
  sweep();
}

void Publisher::sweep() {
  std::vector<std::shared_ptr<const Snapshot>> free;
  {
    const std::scoped_lock lock(mutex_);
    // Nobody can take a retired snapshot anew, so one that is held here alone stays so.
    const auto kept = std::partition(retired_.begin(), retired_.end(),
                                     [](const auto& one) { return one.use_count() > 1; });
    free.assign(std::make_move_iterator(kept), std::make_move_iterator(retired_.end()));
    retired_.erase(kept, retired_.end());
  }
  // They die here: outside the lock.
}

std::shared_ptr<const Snapshot> Publisher::current() const {
  const std::scoped_lock lock(mutex_);
  return current_;
}

void SnapshotHandle::refresh(std::uint64_t version) {
  held_ = SnapshotPin(new SnapshotPin::Shared{publisher_.current()});
  version_ = version;
}

}  // namespace mlgate::gateway
