#pragma once
// Hands snapshots to workers. Publishing is rare and takes a lock; a worker looks at one atomic
// number per call and takes the lock only when it changed. Within a worker pins are counted without
// atomics, so that calls on different workers never write to the same cache line.
#include "gateway/snapshot.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace mlgate::gateway {

// Threads: any.
class Publisher {
 public:
  Publisher();
  void publish(std::shared_ptr<const Snapshot> snapshot);
  std::uint64_t version() const noexcept { return version_.load(std::memory_order_acquire); }
  // Never null; before the first publish() an empty snapshot.
  std::shared_ptr<const Snapshot> current() const;
  // Frees old snapshots that no call runs on any more. A worker never does that itself: taking a
  // large one apart would hold its calls up. Also done by publish().
  void sweep();

 private:
  std::atomic<std::uint64_t> version_{1};
  mutable std::mutex mutex_;
  std::shared_ptr<const Snapshot> current_;
  std::vector<std::shared_ptr<const Snapshot>> retired_;
};

// Keeps a snapshot alive while a call runs on it. Thread: the worker's.
class SnapshotPin {
 public:
  SnapshotPin() = default;
  SnapshotPin(SnapshotPin&& other) noexcept : shared_(std::exchange(other.shared_, nullptr)) {}
  SnapshotPin& operator=(SnapshotPin&& other) noexcept {
    if (this != &other) {
      reset();
      shared_ = std::exchange(other.shared_, nullptr);
    }
    return *this;
  }
  ~SnapshotPin() { reset(); }

  explicit operator bool() const noexcept { return shared_ != nullptr; }
  const Snapshot& operator*() const noexcept { return *shared_->snapshot; }
  const Snapshot* operator->() const noexcept { return shared_->snapshot.get(); }
  void reset() noexcept {
    if (shared_ && --shared_->pins == 0) delete shared_;
    shared_ = nullptr;
  }

 private:
  friend class SnapshotHandle;
  struct Shared {
    std::shared_ptr<const Snapshot> snapshot;
    std::size_t pins = 1;
  };
  explicit SnapshotPin(Shared* shared) noexcept : shared_(shared) {}
  Shared* shared_ = nullptr;
};

// One per worker.
class SnapshotHandle {
 public:
  explicit SnapshotHandle(const Publisher& publisher) : publisher_(publisher) {}
  // The newest snapshot, pinned.
  SnapshotPin pin() {
    const std::uint64_t version = publisher_.version();
    if (version != version_) [[unlikely]]
      refresh(version);
    ++held_.shared_->pins;
    return SnapshotPin(held_.shared_);
  }

 private:
  void refresh(std::uint64_t version);
  const Publisher& publisher_;
  std::uint64_t version_ = 0;
  SnapshotPin held_;
};

}  // namespace mlgate::gateway
