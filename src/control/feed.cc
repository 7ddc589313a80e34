#include "control/feed.h"

#include <algorithm>

namespace mlgate::control {
namespace {

constexpr std::size_t kChangesAtOnce = 10'000;

std::string prefix_of(std::string_view instance) { return "in/" + std::string(instance) + "/"; }

apim::StoredDocument stored(store::Document document) {
  return {std::move(document.key), std::move(document.body), document.version};
}

std::unexpected<Error> first_of(std::vector<Error> errors) {
  return std::unexpected(std::move(errors.front()));
}

}  // namespace

Feed::Feed(store::Store& store, std::string collection, const apim::Secrets& secrets,
           Control& control)
    : store_(store), collection_(std::move(collection)), secrets_(secrets), control_(control) {}

std::uint64_t Feed::position() const {
  const std::scoped_lock lock(mutex_);
  return position_;
}

Result<std::vector<apim::ChangedDocument>> Feed::whole(const std::string& instance) {
  TRY(auto documents, store_.list(collection_, prefix_of(instance)));
  std::vector<apim::ChangedDocument> out;
  out.reserve(documents.size());
  for (auto& one : documents) {
    std::string key = one.key;
    out.emplace_back(std::move(key), stored(std::move(one)));
  }
  return out;
}

Result<void> Feed::serve(const std::string& instance, const std::set<std::string>& keys,
                         ChangeBatch& batch) {
  const auto known = served_.find(instance);
  std::vector<apim::ChangedDocument> changed;
  if (known == served_.end()) {
    TRY(changed, whole(instance));
  } else {
    for (const auto& key : keys) {
      TRY(auto document, store_.get(collection_, key));
      if (document)
        changed.emplace_back(key, stored(*std::move(document)));
      else
        changed.emplace_back(key, std::nullopt);
    }
  }
  TRY(const apim::ModelDelta delta, apim::decode_changes(changed, secrets_));
  if (known != served_.end() && delta.service_gone) {
    control_.remove(known->second);
    served_.erase(known);
  } else if (known != served_.end()) {
    auto errors = control_.apply(known->second, delta);
    if (!errors.empty()) return first_of(std::move(errors));
  } else if (delta.service && !delta.service_gone) {
    auto errors = control_.apply(delta.service->number, delta);
    if (!errors.empty()) return first_of(std::move(errors));
    served_[instance] = delta.service->number;
  }
  std::ranges::move(changed, std::back_inserter(batch.documents));
  return {};
}

Result<void> Feed::load() {
  const std::scoped_lock lock(mutex_);
  TRY(const std::uint64_t position, store_.last_change());
  TRY(const auto documents, store_.list(collection_, "in/"));
  std::map<std::string, std::vector<apim::ChangedDocument>, std::less<>> instances;
  for (const auto& one : documents)
    if (const auto instance = apim::instance_of(one.key))
      instances[std::string(*instance)].emplace_back(one.key, stored(one));
  std::vector<apim::ModelDelta> deltas;
  for (const auto& [instance, changed] : instances) {
    TRY(auto delta, apim::decode_changes(changed, secrets_));
    if (!delta.service || delta.service_gone) continue;
    served_[instance] = delta.service->number;
    deltas.push_back(std::move(delta));
  }
  auto errors = control_.replace(deltas);
  if (!errors.empty()) return first_of(std::move(errors));
  position_ = position;
  return {};
}

Result<void> Feed::follow() {
  const std::scoped_lock lock(mutex_);
  Keys keys;
  std::uint64_t position = position_;
  for (;;) {
    TRY(const auto changes, store_.changes(position, kChangesAtOnce));
    for (const auto& one : changes) {
      position = std::max(position, one.number);
      if (one.collection != collection_) continue;
      if (const auto instance = apim::instance_of(one.key))
        keys[std::string(*instance)].insert(one.key);
    }
    if (changes.size() < kChangesAtOnce) break;
  }
  ChangeBatch batch{position, {}};
  for (const auto& [instance, changed] : keys) {
    TRY_OK(serve(instance, changed, batch));
  }
  position_ = position;
  if (last_good_ && !batch.documents.empty()) last_good_->note(std::move(batch));
  return {};
}

void Feed::keep(LastGood& last_good) {
  const std::scoped_lock lock(mutex_);
  last_good_ = &last_good;
  last_good.start(position_);
}

Result<ChangeBatch> Feed::read_all() {
  // What is read is at least what is served at that number; later changes are noted again.
  ChangeBatch out{position(), {}};
  TRY(auto documents, store_.list(collection_, "in/"));
  for (auto& one : documents) {
    std::string key = one.key;
    out.documents.emplace_back(std::move(key), stored(std::move(one)));
  }
  return out;
}

void Feed::start_polling(std::chrono::milliseconds every) {
  polling_ = std::thread([this, every] {
    std::unique_lock lock(polling_mutex_);
    while (!polling_wake_.wait_for(lock, every, [this] { return polling_ends_; })) {
      lock.unlock();
      // What cannot be read or served is tried again at the next turn; what was served stays.
      const bool followed = follow().has_value();
      (void)followed;
      lock.lock();
    }
  });
}

void Feed::stop_polling() {
  {
    const std::scoped_lock lock(polling_mutex_);
    polling_ends_ = true;
  }
  polling_wake_.notify_all();
  if (polling_.joinable()) polling_.join();
}

Result<void> serve_last_good(const ChangeBatch& batch, const apim::Secrets& secrets,
                             Control& control) {
  std::map<std::string, std::vector<apim::ChangedDocument>, std::less<>> instances;
  for (const auto& one : batch.documents)
    if (const auto instance = apim::instance_of(one.first))
      instances[std::string(*instance)].push_back(one);
  std::vector<apim::ModelDelta> deltas;
  for (const auto& [instance, changed] : instances) {
    TRY(auto delta, apim::decode_changes(changed, secrets));
    if (delta.service && !delta.service_gone) deltas.push_back(std::move(delta));
  }
  auto errors = control.replace(deltas);
  if (!errors.empty()) return first_of(std::move(errors));
  return {};
}

}  // namespace mlgate::control
