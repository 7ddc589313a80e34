#include "app/store_follower.h"

#include "base/time.h"

#include <chrono>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace mlgate::app {
namespace {

constexpr std::string_view kQuotaCollection = "quota";
constexpr std::string_view kEntityCollection = "apim.entity";
constexpr std::chrono::milliseconds kPollingTime{250};
constexpr std::chrono::seconds kStoreRetry{1};

}  // namespace

StoreFollower::StoreFollower(Parts parts, control::BuilderOptions options)
    : parts_(std::move(parts)),
      control_(std::move(options), parts_.limits, parts_.publisher),
      checkpoint_(parts_.limits.quotas, system_clock(),
                  [this](std::vector<control::CheckpointDocument> documents) {
                    return keep_quotas(std::move(documents));
                  }),
      quotas_(control_, parts_.limits.quotas, checkpoint_, system_clock()) {}

StoreFollower::~StoreFollower() {
  stop_waiting();
  stop();
}

Result<void> StoreFollower::start() { return parts_.store ? follow_store() : serve_last_good(); }

Result<void> StoreFollower::follow_store() {
  feed_ = std::make_unique<control::Feed>(*parts_.store, std::string(kEntityCollection),
                                          parts_.secrets, control_);
  if (auto loaded = feed_->load(); !loaded)
    return std::unexpected(std::move(loaded).error().within("the stored configuration"));
  if (parts_.gateway > 0) {
    TRY_OK(restore_quotas());
    checkpoint_.start();
    last_good_ = std::make_unique<control::LastGood>(parts_.last_good_file,
                                                     [this] { return feed_->read_all(); });
    feed_->keep(*last_good_);
  }
  // Of what a console in this process changes it hears at once; of what others change, by asking.
  feed_->start_polling(kPollingTime);
  return {};
}

Result<void> StoreFollower::serve_last_good() {
  auto kept = control::LastGood::read(parts_.last_good_file);
  if (!kept)
    return std::unexpected(
        std::move(kept).error().within("the store cannot be opened, and no snapshot is left"));
  TRY_OK(control::serve_last_good(*kept, parts_.secrets, control_));
  std::fprintf(stderr, "mlgate: the store cannot be opened; serving the last good snapshot\n");
  waiting_ = std::thread([this] { wait_for_store(); });
  return {};
}

void StoreFollower::wait_for_store() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, kStoreRetry, [this] { return waiting_ends_; })) {
    if (!std::filesystem::exists(parts_.store_file)) continue;
    auto opened = store::open_sqlite(parts_.store_file.string());
    if (!opened) continue;
    late_store_ = *std::move(opened);
    parts_.store = late_store_.get();
    if (follow_store()) {
      std::fprintf(stderr, "mlgate: the store is back\n");
      return;
    }
    last_good_.reset();
    feed_.reset();
    parts_.store = nullptr;
    late_store_.reset();
  }
}

Result<void> StoreFollower::restore_quotas() {
  const std::string prefix = quota_prefix();
  std::vector<control::CheckpointDocument> documents;
  for (const std::string_view kind : {control::kQuotaBases, control::kQuotaDeltas}) {
    TRY(std::vector<store::Document> stored,
        parts_.store->list(kQuotaCollection, prefix + std::string(kind)));
    for (store::Document& document : stored)
      documents.push_back(
          {document.key.substr(prefix.size()), std::move(document.body), document.version});
  }
  return checkpoint_.restore(std::move(documents));
}

Result<void> StoreFollower::keep_quotas(std::vector<control::CheckpointDocument> documents) {
  // The store may never have come back; what was counted meanwhile is lost with the process.
  if (!parts_.store) return fail(Errc::unavailable, "the store is away");
  std::vector<store::Write> writes;
  for (control::CheckpointDocument& document : documents)
    writes.push_back({.collection = std::string(kQuotaCollection),
                      .key = quota_prefix() + document.key,
                      .body = std::move(document.body)});
  TRY_OK(parts_.store->commit(std::move(writes)));
  return {};
}

// The first has none, like the one gateway of earlier programs.
std::string StoreFollower::quota_prefix() const {
  return parts_.gateway > 1 ? std::to_string(parts_.gateway) + "/" : "";
}

void StoreFollower::stop_waiting() {
  {
    const std::lock_guard lock(mutex_);
    waiting_ends_ = true;
  }
  wake_.notify_all();
  if (waiting_.joinable()) waiting_.join();
}

void StoreFollower::stop() {
  if (feed_) feed_->stop_polling();
  if (last_good_) last_good_->stop();
  if (parts_.store && parts_.gateway > 0) checkpoint_.stop();
}

StoreFollower::Counts StoreFollower::counts() const {
  const std::lock_guard lock(mutex_);
  return {.quotas = checkpoint_.counts(),
          .feed_failures = feed_ ? feed_->failures() : 0,
          .last_good_failures = last_good_ ? last_good_->failures() : 0};
}

}  // namespace mlgate::app
