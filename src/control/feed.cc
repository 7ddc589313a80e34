#include "control/feed.h"

#include <algorithm>
#include <iterator>

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

// One view, so that of a commit all is read or nothing.
Result<Feed::Changed> Feed::read_changes() {
  TRY(const auto view, store_.view());
  Changed out;
  out.position = position_;
  std::map<std::string, std::set<std::string>, std::less<>> keys;
  for (;;) {
    TRY(const auto changes, view->changes(out.position, kChangesAtOnce));
    for (const auto& one : changes) {
      out.position = std::max(out.position, one.number);
      if (one.collection != collection_) continue;
      if (const auto instance = apim::instance_of(one.key))
        keys[std::string(*instance)].insert(one.key);
    }
    if (changes.size() < kChangesAtOnce) break;
  }
  for (const auto& [instance, changed] : keys) {
    auto& documents = out.instances[instance];
    if (!served_.contains(instance)) {
      TRY(auto all, view->list(collection_, prefix_of(instance)));
      for (auto& one : all) {
        std::string key = one.key;
        documents.emplace_back(std::move(key), stored(std::move(one)));
      }
      continue;
    }
    for (const auto& key : changed) {
      TRY(auto document, view->get(collection_, key));
      if (document)
        documents.emplace_back(key, stored(*std::move(document)));
      else
        documents.emplace_back(key, std::nullopt);
    }
  }
  return out;
}

Result<void> Feed::serve(const std::string& instance,
                         const std::vector<apim::ChangedDocument>& changed) {
  const auto known = served_.find(instance);
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
  return {};
}

Result<void> Feed::load() {
  const std::scoped_lock lock(mutex_);
  std::vector<store::Document> documents;
  std::uint64_t position = 0;
  {
    TRY(const auto view, store_.view());
    TRY(position, view->last_change());
    TRY(documents, view->list(collection_, "in/"));
  }
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
  TRY(auto changed, read_changes());
  ChangeBatch batch{changed.position, {}};
  for (auto& [instance, documents] : changed.instances) {
    TRY_OK(serve(instance, documents));
    std::ranges::move(documents, std::back_inserter(batch.documents));
  }
  position_ = changed.position;
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
      log_.note(follow());
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
