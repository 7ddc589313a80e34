#include "control/quota_checkpoint.h"

#include "base/json.h"
#include "base/text.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <optional>
#include <unordered_map>

namespace mlgate::control {

namespace {

// A kill loses at most what was counted in a second, the time of the write included.
constexpr std::chrono::milliseconds kEvery{800};

constexpr std::string_view kMagic = "quota 1\n";
constexpr std::size_t kNumbers = 6, kNumberBytes = 8;  // Of a counter.

std::string key_of(std::string_view prefix, std::size_t number) {
  return std::string(prefix) + to_hex(std::string(1, char(number)));
}

void append_state(std::string& out, const policy::QuotaState& state) {
  const std::uint64_t numbers[kNumbers] = {
      state.key.subscriber,           state.key.rule,
      std::uint64_t(state.window_ms), std::uint64_t(state.end_ms),
      std::uint64_t(state.calls),     std::uint64_t(state.bytes)};
  static_assert(std::endian::native == std::endian::little, "as the documents are");
  out.append(reinterpret_cast<const char*>(numbers), sizeof numbers);
}

std::uint64_t number_at(std::string_view bytes, std::size_t index) {
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < kNumberBytes; ++i)
    out |= std::uint64_t(std::uint8_t(bytes[index * kNumberBytes + i])) << (8 * i);
  return out;
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

// As programs before the deltas wrote them.
Result<std::vector<policy::QuotaState>> states_of_json(std::string_view body) {
  TRY(const Json json, Json::parse(body));
  std::vector<policy::QuotaState> states;
  for (const auto& item : json["counters"].items()) {
    TRY(auto state, state_of(item));
    states.push_back(state);
  }
  return states;
}

Result<std::vector<policy::QuotaState>> states_of(std::string_view body) {
  if (body.starts_with('{')) return states_of_json(body);
  constexpr std::size_t kBytes = kNumbers * kNumberBytes;
  if (!body.starts_with(kMagic) || (body.size() - kMagic.size()) % kBytes != 0)
    return fail(Errc::invalid_argument, "no quota counters");
  body.remove_prefix(kMagic.size());
  std::vector<policy::QuotaState> states;
  states.reserve(body.size() / kBytes);
  for (; !body.empty(); body.remove_prefix(kBytes)) {
    states.push_back({{number_at(body, 0), number_at(body, 1)},
                      TimeMs(number_at(body, 2)),
                      TimeMs(number_at(body, 3)),
                      std::int64_t(number_at(body, 4)),
                      std::int64_t(number_at(body, 5))});
  }
  return states;
}

// Which of those that begin with `prefix`; nullopt: none of them.
std::optional<std::size_t> number_of(std::string_view key, std::string_view prefix,
                                     std::size_t numbers) {
  for (std::size_t i = 0; i < numbers; ++i)
    if (key == key_of(prefix, i)) return i;
  return std::nullopt;
}

}  // namespace

QuotaCheckpoint::QuotaCheckpoint(policy::Quotas& quotas, const Clock& clock, Write write)
    : quotas_(quotas), clock_(clock), write_(std::move(write)) {}

Result<void> QuotaCheckpoint::restore(std::vector<CheckpointDocument> documents) {
  const std::scoped_lock lock(writing_);
  std::ranges::sort(documents, {}, &CheckpointDocument::version);
  std::unordered_map<policy::CounterKey, policy::QuotaState, policy::CounterKeyHash> newest;
  for (const auto& document : documents) {
    TRY(const auto states, states_of(document.body));
    for (const auto& state : states) newest.insert_or_assign(state.key, state);
    if (const auto group = number_of(document.key, kQuotaBases, bases_.size()))
      bases_[*group] = document.version;
    else if (const auto place = number_of(document.key, kQuotaDeltas, kDeltas))
      place_ = (*place + 1) % kDeltas;
    order_ = document.version;
  }
  const TimeMs now_ms = clock_.now_ms();
  for (const auto& [key, state] : newest)
    if (state.end_ms == 0 || state.end_ms > now_ms) quotas_.restore(state);
  return {};
}

void QuotaCheckpoint::collect() {
  states_.clear();
  quotas_.take_changes(clock_.now_ms(), states_);
  for (const auto& state : states_) {
    policy::QuotaState* kept = delta_.find(state.key);
    if (!kept) {
      kept = &delta_.make(state.key);
      ++delta_counters_;
    }
    *kept = state;
  }
  unwritten_ = unwritten_ || !states_.empty();
}

void QuotaCheckpoint::clear_delta() {
  delta_ = {};
  delta_counters_ = 0;
}

CheckpointDocument QuotaCheckpoint::base(std::size_t group) {
  states_.clear();
  quotas_.states_of(group, clock_.now_ms(), states_);
  CheckpointDocument out{.key = key_of(kQuotaBases, group), .body = std::string(kMagic)};
  out.body.reserve(out.body.size() + states_.size() * kNumbers * kNumberBytes);
  for (const auto& state : states_) append_state(out.body, state);
  return out;
}

std::size_t QuotaCheckpoint::oldest_base() const {
  return std::size_t(std::ranges::min_element(bases_) - bases_.begin());
}

Result<void> QuotaCheckpoint::keep(std::vector<CheckpointDocument> documents) {
  std::uint64_t bytes = 0;
  for (const auto& document : documents) bytes += document.body.size();
  TRY_OK(write_(std::move(documents)));
  bytes_.fetch_add(bytes, std::memory_order_relaxed);
  return {};
}

// The delta, and with its first write a base.
Result<void> QuotaCheckpoint::write_delta() {
  std::vector<CheckpointDocument> documents;
  documents.push_back({.key = key_of(kQuotaDeltas, place_), .body = std::string(kMagic)});
  std::string& body = documents.back().body;
  body.reserve(body.size() + delta_counters_ * kNumbers * kNumberBytes);
  delta_.for_each([&](const auto&, const auto& state) { append_state(body, state); });
  const std::size_t group = oldest_base();
  if (!begun_) documents.push_back(base(group));
  TRY_OK(keep(std::move(documents)));
  if (!begun_) bases_[group] = ++order_;
  begun_ = true;
  if (delta_counters_ < std::max(kDeltaCountersMin, quotas_.counters() / bases_.size())) return {};
  clear_delta();
  place_ = (place_ + 1) % kDeltas;
  begun_ = false;
  return {};
}

// More changed than a delta holds.
Result<void> QuotaCheckpoint::write_all() {
  std::vector<CheckpointDocument> documents;
  for (std::size_t group = 0; group < bases_.size(); ++group) documents.push_back(base(group));
  TRY_OK(keep(std::move(documents)));
  bases_.fill(++order_);
  clear_delta();
  return {};
}

Result<void> QuotaCheckpoint::write_changes() {
  const std::scoped_lock lock(writing_);
  const std::int64_t begun_ns = clock_.steady_ns();
  collect();
  if (!unwritten_) return {};
  auto written = delta_counters_ > kDeltaCountersMax ? write_all() : write_delta();
  log_.note(written);
  if (!written) return written;
  unwritten_ = false;
  writes_.fetch_add(1, std::memory_order_relaxed);
  ns_.fetch_add(std::uint64_t(clock_.steady_ns() - begun_ns), std::memory_order_relaxed);
  return written;
}

QuotaCheckpoint::Counts QuotaCheckpoint::counts() const {
  return {.writes = writes_.load(std::memory_order_relaxed),
          .bytes = bytes_.load(std::memory_order_relaxed),
          .failures = log_.failures(),
          .seconds = double(ns_.load(std::memory_order_relaxed)) / 1e9};
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
    // A failure is tried again a second later, and has been logged.
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
