#include "gateway/trace_desk.h"

#include "base/crypto.h"

#include <algorithm>
#include <cstring>

namespace mlgate::gateway {

namespace {

constexpr std::string_view kPrefix = "aid=";
constexpr std::size_t kTokenBytesMax = 256;
constexpr std::size_t kEntryOverhead = 256;  // Of the tables, for one trace.

std::string payload_of(const DebugCredential& credential) {
  std::string out(sizeof credential, '\0');
  std::memcpy(out.data(), &credential, sizeof credential);
  return out;
}

}  // namespace

TraceDesk::TraceDesk(TraceDeskOptions options) : options_(options), key_(random_bytes(32)) {}

std::string TraceDesk::issue(const DebugCredential& credential) const {
  const std::string payload = payload_of(credential);
  return std::string(kPrefix) + base64url_encode(payload) + "." +
         base64url_encode(hmac_sha256(key_, payload));
}

CredentialState TraceDesk::check(std::string_view token, std::uint64_t service, std::uint64_t api,
                                 TimeMs now_ms, TimeMs& expires_ms) const {
  expires_ms = 0;
  if (token.size() > kTokenBytesMax || !token.starts_with(kPrefix)) return CredentialState::expired;
  token.remove_prefix(kPrefix.size());
  const auto dot = token.find('.');
  if (dot == std::string_view::npos) return CredentialState::expired;
  const auto payload = base64url_decode(token.substr(0, dot));
  const auto signature = base64url_decode(token.substr(dot + 1));
  DebugCredential credential;
  if (!payload || !signature || payload->size() != sizeof credential ||
      !equal_secrets(*signature, hmac_sha256(key_, *payload))) {
    return CredentialState::expired;
  }
  std::memcpy(&credential, payload->data(), sizeof credential);
  expires_ms = credential.expires_ms;
  if (credential.expires_ms <= now_ms) return CredentialState::expired;
  {
    const std::scoped_lock lock(mutex_);
    const auto until = invalid_until_.find(credential.service);
    if (until != invalid_until_.end() && credential.issued_ms <= until->second) {
      return CredentialState::expired;
    }
  }
  if (credential.service != service || credential.api != api) return CredentialState::wrong_api;
  return CredentialState::good;
}

void TraceDesk::invalidate(std::uint64_t service, TimeMs now_ms) {
  const std::scoped_lock lock(mutex_);
  // Older marks are about credentials that have ended by themselves.
  std::erase_if(invalid_until_,
                [&](const auto& mark) { return mark.second < now_ms - kLifeMaxMs; });
  invalid_until_[service] = now_ms;
}

void TraceDesk::forget_oldest() {
  const auto found = traces_.find(order_.front());
  order_.pop_front();
  if (found == traces_.end()) return;
  bytes_ -= found->second.json.size() + kEntryOverhead;
  if (!found->second.link.empty()) links_.erase(found->second.link);
  traces_.erase(found);
}

void TraceDesk::make_room(std::size_t bytes, TimeMs now_ms) {
  const auto too_old = [&] {
    const auto oldest = traces_.find(order_.front());
    return oldest == traces_.end() || oldest->second.made_ms + options_.keep_ms <= now_ms;
  };
  while (!order_.empty() && (order_.size() >= options_.traces_max ||
                             bytes_ + bytes > options_.bytes_max || too_old())) {
    forget_oldest();
  }
}

void TraceDesk::announce(std::string_view id) {
  const std::scoped_lock lock(mutex_);
  announced_.emplace(id);
}

std::string TraceDesk::new_link() { return base64url_encode(random_bytes(24)); }

void TraceDesk::keep(std::uint64_t service, std::string_view id, std::string json, std::string link,
                     TimeMs now_ms) {
  {
    const std::scoped_lock lock(mutex_);
    const std::size_t bytes = json.size() + kEntryOverhead;
    make_room(bytes, now_ms);
    const auto [at, fresh] =
        traces_.try_emplace(std::string(id), Kept{service, now_ms, std::move(json), link});
    if (fresh) {
      bytes_ += bytes;
      order_.emplace_back(id);
      if (!link.empty()) links_.emplace(std::move(link), id);
    }
    announced_.erase(std::string(id));
  }
  kept_.notify_all();
}

void TraceDesk::await(std::unique_lock<std::mutex>& lock, const std::string& id) {
  kept_.wait_for(lock, kWaitMax, [&] { return !announced_.contains(id); });
}

std::optional<std::string> TraceDesk::find(std::uint64_t service, std::string_view id,
                                           TimeMs now_ms) {
  std::unique_lock lock(mutex_);
  await(lock, std::string(id));
  const auto found = traces_.find(std::string(id));
  if (found == traces_.end() || found->second.service != service) return std::nullopt;
  if (found->second.made_ms + options_.keep_ms <= now_ms) return std::nullopt;
  return found->second.json;
}

std::optional<std::string> TraceDesk::open_link(std::string_view link, TimeMs now_ms) {
  std::unique_lock lock(mutex_);
  auto found = links_.find(std::string(link));
  if (found == links_.end()) {
    // Perhaps that of a call that is not over.
    if (announced_.empty()) return std::nullopt;
    kept_.wait_for(lock, kWaitMax,
                   [&] { return announced_.empty() || links_.contains(std::string(link)); });
    found = links_.find(std::string(link));
    if (found == links_.end()) return std::nullopt;
  }
  const auto trace = traces_.find(found->second);
  links_.erase(found);
  if (trace == traces_.end()) return std::nullopt;
  trace->second.link.clear();
  if (trace->second.made_ms + options_.link_ms <= now_ms) return std::nullopt;
  return trace->second.json;
}

std::size_t TraceDesk::traces() const {
  const std::scoped_lock lock(mutex_);
  return traces_.size();
}

std::size_t TraceDesk::bytes() const {
  const std::scoped_lock lock(mutex_);
  return bytes_;
}

}  // namespace mlgate::gateway
