#pragma once
// Keeps the gateway at what is stored: loads and follows the entities, restores and keeps quotas,
// and serves the last good snapshot while the store is away.
#include "control/control.h"
#include "control/feed.h"
#include "control/last_good.h"
#include "control/quota_checkpoint.h"
#include "control/quota_desk.h"
#include "store/store.h"

#include <condition_variable>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace mlgate::app {

class StoreFollower {
 public:
  struct Parts {          // All references outlive this.
    store::Store* store;  // Null: it cannot be opened by now, and is awaited.
    std::filesystem::path store_file, last_good_file;
    const apim::Secrets& secrets;
    policy::Limits& limits;
    gateway::Publisher& publisher;
    // Which of the gateways on this store the process has, from 1; 0: none. Each counts quotas and
    // keeps a last good snapshot, and nobody else does.
    std::size_t gateway;
  };
  StoreFollower(Parts parts, control::BuilderOptions options);
  StoreFollower(const StoreFollower&) = delete;
  ~StoreFollower();

  // Serves what is stored, or the last good snapshot.
  Result<void> start();
  // Publishes what changed since.
  Result<void> follow() { return feed_->follow(); }
  struct Counts {
    control::QuotaCheckpoint::Counts quotas;
    std::uint64_t feed_failures = 0, last_good_failures = 0;
  };
  Counts counts() const;
  // The counters, for administrators.
  control::QuotaDesk& quotas() noexcept { return quotas_; }
  // Gives up waiting for the store; before the listeners close.
  void stop_waiting();
  // What was counted and published is on disk when it returns.
  void stop();

 private:
  Result<void> follow_store();
  Result<void> serve_last_good();
  void wait_for_store();
  Result<void> restore_quotas();
  Result<void> keep_quotas(std::vector<control::CheckpointDocument> documents);
  // What the keys of this gateway's counters begin with.
  std::string quota_prefix() const;

  Parts parts_;
  std::unique_ptr<store::Store> late_store_;  // Opened when it came back.
  control::Control control_;
  control::QuotaCheckpoint checkpoint_;
  control::QuotaDesk quotas_;
  std::unique_ptr<control::Feed> feed_;
  std::unique_ptr<control::LastGood> last_good_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool waiting_ends_ = false;
  std::thread waiting_;
};

}  // namespace mlgate::app
