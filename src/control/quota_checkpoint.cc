#include "control/quota_checkpoint.h"

#include "base/json.h"
#include "base/text.h"

#include <algorithm>
#include <chrono>

namespace mlgate::control {

namespace {

// A kill loses at most what was counted in a second, the time of the write included.
constexpr std::chrono::milliseconds kEvery{800};

std::string key_of(std::size_t stripe) { return "quota/" + to_hex(std::string(1, char(stripe))); }

std::string body_of(const std::vector<policy::QuotaState>& states) {
  JsonWriter out;
  out.object().key("counters").array();
  for (const auto& state : states) {
    // 64-bit numbers go as text: not every reader of JSON keeps them whole.
    out.array()
        .value(std::to_string(state.key.subscriber))
        .value(std::to_string(state.key.rule))
        .value(state.window_ms)
        .value(state.end_ms)
        .value(state.calls)
        .value(state.bytes)
        .end();
  }
  out.end().end();
  return std::move(out).text();
}

Result<policy::QuotaState> state_of(const Json& json) {
  const auto& items = json.items();
  if (!json.is_array() || items.size() != 6)
    return fail(Errc::invalid_argument, "no quota counter");
  const auto subscriber = parse_uint(items[0].as_string());
  const auto rule = parse_uint(items[1].as_string());
  const auto window = items[2].as_int(), end = items[3].as_int();
  const auto calls = items[4].as_int(), bytes = items[5].as_int();
  if (!subscriber || !rule || !window || !end || !calls || !bytes) {
    return fail(Errc::invalid_argument, "no quota counter");
  }
  return policy::QuotaState{{*subscriber, *rule}, *window, *end, *calls, *bytes};
}

}  // namespace

QuotaCheckpoint::QuotaCheckpoint(policy::Quotas& quotas, const Clock& clock, Write write)
    : quotas_(quotas), clock_(clock), write_(std::move(write)) {}

Result<void> QuotaCheckpoint::restore(std::string_view body, bool merge) {
  TRY(const Json json, Json::parse(body));
  std::vector<policy::QuotaState> states;
  for (const auto& item : json["counters"].items()) {
    TRY(auto state, state_of(item));
    if (state.end_ms == 0 || state.end_ms > clock_.now_ms()) states.push_back(state);
  }
  if (!merge) {
    quotas_.restore(states);
    return {};
  }
  for (auto& state : states) {
    const auto now = quotas_.state(state.key);
    if (now.window_ms == state.window_ms && now.end_ms == state.end_ms) {
      state.calls += now.calls;
      state.bytes += now.bytes;
    } else if (now.window_ms > state.window_ms) {
      continue;
    }
    quotas_.set_state(state);
  }
  return {};
}

Result<void> QuotaCheckpoint::write_changes() {
  const std::scoped_lock lock(writing_);
  std::vector<CheckpointDocument> documents;
  std::vector<std::size_t> taken;
  std::vector<policy::QuotaState> states;
  for (std::size_t stripe = 0; stripe < policy::Quotas::kStripes; ++stripe) {
    states.clear();
    if (!quotas_.take_changes(stripe, clock_.now_ms(), states)) continue;
    taken.push_back(stripe);
    documents.push_back({key_of(stripe), body_of(states)});
  }
  if (documents.empty()) return {};
  auto written = write_(std::move(documents));
  if (!written) {
    for (const auto stripe : taken) quotas_.mark_changed(stripe);
  }
  return written;
}

void QuotaCheckpoint::start() {
  thread_ = std::thread([this] { run(); });
}

void QuotaCheckpoint::run() {
  std::unique_lock lock(mutex_);
  auto next = std::chrono::steady_clock::now();
  while (!stopping_) {
    // From one beginning to the next, so that a slow disk does not add to what a kill may lose.
    next = std::max(next + kEvery, std::chrono::steady_clock::now());
    wake_.wait_until(lock, next, [this] { return stopping_; });
    lock.unlock();
    // A failure is tried again a second later, and the writer has logged it.
    const bool written = write_changes().has_value();
    (void)written;
    lock.lock();
  }
}

void QuotaCheckpoint::stop() {
  {
    const std::scoped_lock lock(mutex_);
    if (stopping_) return;
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  const bool written = write_changes().has_value();
  (void)written;
}

}  // namespace mlgate::control
