#include "gateway/publisher.h"

namespace mlgate::gateway {

Publisher::Publisher() : current_(std::make_shared<const Snapshot>()) {}

void Publisher::publish(std::shared_ptr<const Snapshot> snapshot) {
  {
    const std::scoped_lock lock(mutex_);
    current_.swap(snapshot);
    version_.fetch_add(1, std::memory_order_release);
  }
  // The old snapshot, when nobody runs on it, dies here: outside the lock.
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
