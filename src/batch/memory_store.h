#pragma once
// A store in memory for tests of the protocol: as strict about expectations as the real one, and
// with a hook that runs between what a caller read and what it commits, which is where others come
// in.
#include "store/store.h"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace mlgate::batch::testing {

class MemoryStore final : public store::Store {
 public:
  std::function<void()> before_commit;       // Not called within itself.
  std::function<Result<void>()> may_commit;  // Refuses for instance as a full disk does.

  Result<std::optional<store::Document>> get(std::string_view collection,
                                             std::string_view key) override {
    const std::lock_guard lock(mutex_);
    const auto found = documents_.find({std::string(collection), std::string(key)});
    if (found == documents_.end()) return std::nullopt;
    return found->second;
  }
  Result<std::vector<store::Document>> list(std::string_view collection,
                                            std::string_view prefix) override {
    return page(collection, prefix, {}, documents_.size() + 1);
  }
  Result<std::vector<store::Document>> page(std::string_view collection, std::string_view prefix,
                                            std::string_view after, std::size_t limit) override {
    const std::lock_guard lock(mutex_);
    std::vector<store::Document> out;
    for (const auto& [place, document] : documents_) {
      if (place.first != collection || !place.second.starts_with(prefix)) continue;
      if (place.second <= after && !after.empty()) continue;
      if (out.size() < limit) out.push_back(document);
    }
    return out;
  }
  Result<std::uint64_t> size_of(std::string_view collection) override {
    const std::lock_guard lock(mutex_);
    return count(collection);
  }
  Result<std::unique_ptr<store::Reading>> view() override {
    return fail(Errc::unavailable, "this store keeps no earlier state");
  }
  Result<std::uint64_t> commit(std::vector<store::Write> writes) override {
    if (before_commit && !hooked_) {
      hooked_ = true;
      before_commit();
      hooked_ = false;
    }
    if (may_commit) {
      TRY_OK(may_commit());
    }
    const std::lock_guard lock(mutex_);
    for (const store::Write& write : writes) {
      const auto found = documents_.find({write.collection, write.key});
      const bool there = found != documents_.end();
      const bool holds = write.expect == store::Expect::anything ||
                         (write.expect == store::Expect::absent && !there) ||
                         (write.expect == store::Expect::version && there &&
                          found->second.version == write.version);
      if (!holds) return fail(Errc::precondition_failed, "changed", write.key);
    }
    ++last_;
    for (store::Write& write : writes) {
      const std::pair place(write.collection, write.key);
      changes_.push_back({last_, write.collection, write.key, !write.body});
      if (!write.body) {
        documents_.erase(place);
      } else {
        documents_[place] = {write.collection, write.key, *std::move(write.body), last_};
      }
    }
    return last_;
  }
  Result<std::vector<store::Change>> changes(std::uint64_t after, std::size_t) override {
    const std::lock_guard lock(mutex_);
    std::vector<store::Change> out;
    for (const store::Change& change : changes_)
      if (change.number > after) out.push_back(change);
    return out;
  }
  Result<std::uint64_t> last_change() override {
    const std::lock_guard lock(mutex_);
    return last_;
  }
  void on_commit(std::function<void(std::uint64_t)>) override {}
  std::size_t count(std::string_view collection) const {
    std::size_t found = 0;
    for (const auto& [place, document] : documents_) found += place.first == collection ? 1 : 0;
    return found;
  }

 private:
  std::mutex mutex_;
  bool hooked_ = false;
  std::uint64_t last_ = 0;
  std::map<std::pair<std::string, std::string>, store::Document> documents_;
  std::vector<store::Change> changes_;
};

}  // namespace mlgate::batch::testing
