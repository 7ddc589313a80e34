#include "analytics/usage_store.h"

#include <chrono>

namespace mlgate::analytics {
namespace {

constexpr std::chrono::seconds kSaveEvery{1};
constexpr std::size_t kFoldersMax = 64;

}  // namespace

Result<std::unique_ptr<UsageStore>> UsageStore::open(UsageOptions options, const Clock& clock) {
  std::unique_ptr<UsageStore> out(new UsageStore(clock));
  for (std::size_t i = 1;; ++i) {
    std::string folder = options.folder;
    if (i > 1) folder += "-" + std::to_string(i);
    options.rollups.folder = folder;
    options.requests.folder = folder.empty() ? folder : folder + "/requests";
    auto rollups = UsageRollups::open(options.rollups);
    if (rollups) {
      out->rollups_ = *std::move(rollups);
      out->place_ = i;
      break;
    }
    if (rollups.error().code() != Errc::conflict || i == kFoldersMax)
      return std::unexpected(std::move(rollups).error());
  }
  TRY(out->requests_, RequestLog::open(options.requests));
  if (!options.folder.empty()) out->thread_ = std::thread([raw = out.get()] { raw->run(); });
  return out;
}

UsageStore::~UsageStore() { stop(); }

void UsageStore::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void UsageStore::run() {
  for (bool last = false; !last;) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, kSaveEvery, [&] { return stopping_; });
      last = stopping_;
    }
    rollups_->save(clock_.now_ms());
    requests_->save(clock_.now_ms());
  }
}

}  // namespace mlgate::analytics
