#include "analytics/counts.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

namespace mlgate::analytics {
namespace {

constexpr unsigned kFirstPower = 10;  // Below 2^10 ns is one bucket, from 2^37 ns on another.
constexpr unsigned kLastPower = 37;
constexpr unsigned kPerPower = 8;

}  // namespace

static_assert(Latencies::kBuckets == (kLastPower - kFirstPower) * kPerPower + 2);

ResponseClass classify(int status) noexcept {
  if (status == 401 || status == 403 || status == 429) return ResponseClass::blocked;
  if (status == 400 || status >= 500) return ResponseClass::failed;
  if ((status >= 100 && status <= 301) || status == 304 || status == 307) {
    return ResponseClass::successful;
  }
  return ResponseClass::other;
}

std::size_t UsageKeyHash::operator()(const UsageKey& key) const noexcept {
  std::uint64_t hash = 0;
  for (const auto number :
       {key.service, key.api, key.operation, key.product, key.subscription, key.user}) {
    hash = (hash ^ number) * 0x9e3779b97f4a7c15;
    hash ^= hash >> 29;
  }
  return hash;
}

void UsageCounts::add(const UsageCounts& from) noexcept {
  if (from.calls == 0) return;
  total_ns_min = calls == 0 ? from.total_ns_min : std::min(total_ns_min, from.total_ns_min);
  total_ns_max = std::max(total_ns_max, from.total_ns_max);
  if (from.backend_calls > 0) {
    backend_ns_min =
        backend_calls == 0 ? from.backend_ns_min : std::min(backend_ns_min, from.backend_ns_min);
    backend_ns_max = std::max(backend_ns_max, from.backend_ns_max);
  }
  calls += from.calls;
  successful += from.successful;
  blocked += from.blocked;
  failed += from.failed;
  other += from.other;
  request_bytes += from.request_bytes;
  response_bytes += from.response_bytes;
  cache_hits += from.cache_hits;
  cache_misses += from.cache_misses;
  total_ns += from.total_ns;
  backend_ns += from.backend_ns;
  backend_calls += from.backend_calls;
}

UsageCounts counts_of(const UsageRecord& record) noexcept {
  UsageCounts one;
  one.calls = 1;
  switch (classify(record.response_code)) {
    case ResponseClass::successful:
      one.successful = 1;
      break;
    case ResponseClass::blocked:
      one.blocked = 1;
      break;
    case ResponseClass::failed:
      one.failed = 1;
      break;
    case ResponseClass::other:
      one.other = 1;
      break;
  }
  one.request_bytes = record.request_bytes;
  one.response_bytes = record.response_bytes;
  one.cache_hits = record.cache == CacheUse::hit ? 1 : 0;
  one.cache_misses = record.cache == CacheUse::miss ? 1 : 0;
  one.total_ns = one.total_ns_min = one.total_ns_max = std::max<std::int64_t>(0, record.total_ns);
  if (record.backend_response_code != 0) {
    one.backend_calls = 1;
    one.backend_ns = one.backend_ns_min = one.backend_ns_max =
        std::max<std::int64_t>(0, record.backend_ns);
  }
  return one;
}

void Usage::add(const UsageRecord& record) {
  const UsageCounts one = counts_of(record);
  counts.add(one);
  total.add(one.total_ns);
  if (one.backend_calls > 0) backend.add(one.backend_ns);
}

unsigned Latencies::bucket_of(std::int64_t ns) noexcept {
  if (ns < std::int64_t{1} << kFirstPower) return 0;
  const auto power = unsigned(std::bit_width(std::uint64_t(ns))) - 1;
  if (power >= kLastPower) return kBuckets - 1;
  const auto eighth = unsigned(std::uint64_t(ns) >> (power - 3) & 7);
  return 1 + (power - kFirstPower) * kPerPower + eighth;
}

std::int64_t Latencies::middle_ns(unsigned bucket) noexcept {
  if (bucket == 0) return std::int64_t{1} << (kFirstPower - 1);
  if (bucket >= kBuckets - 1) return std::int64_t{1} << kLastPower;
  const unsigned power = kFirstPower + (bucket - 1) / kPerPower;
  const auto eighths = std::int64_t{8} + (bucket - 1) % kPerPower;
  return (eighths << (power - 3)) + (std::int64_t{1} << (power - 4));
}

template <class Visit>
void Latencies::each_bin(Visit visit) const {
  if (only_.count != 0) visit(only_);
  for (const Bin& bin : bins_) visit(bin);
  for (std::size_t i = 0; i < all_.size(); ++i)
    if (all_[i] != 0) visit(Bin{std::uint32_t(i), all_[i]});
}

std::vector<Latencies::Bin> Latencies::bins() const {
  std::vector<Bin> out;
  each_bin([&](const Bin& bin) { out.push_back(bin); });
  return out;
}

void Latencies::add_bucket(unsigned bucket, std::uint64_t count) {
  if (count == 0) return;
  if (!all_.empty()) {
    all_[bucket] += count;
    return;
  }
  if (bins_.empty()) {
    if (only_.count == 0 || only_.bucket == bucket) {
      only_ = {bucket, only_.count + count};
      return;
    }
    bins_.push_back(std::exchange(only_, {}));
  }
  auto at = bins_.end();
  // They nearly always come in order when they are read.
  if (!bins_.empty() && bins_.back().bucket >= bucket)
    at = std::ranges::lower_bound(bins_, bucket, {}, &Bin::bucket);
  if (at != bins_.end() && at->bucket == bucket) {
    at->count += count;
    return;
  }
  bins_.insert(at, {bucket, count});
  if (bins_.size() <= kFewBins) return;
  all_.assign(kBuckets, 0);
  for (const Bin& bin : bins_) all_[bin.bucket] = bin.count;
  bins_.clear();
}

void Latencies::add(const Latencies& from) {
  from.each_bin([this](const Bin& bin) { add_bucket(bin.bucket, bin.count); });
}

std::uint64_t Latencies::count() const noexcept {
  std::uint64_t out = 0;
  each_bin([&](const Bin& bin) { out += bin.count; });
  return out;
}

std::int64_t Latencies::quantile_ns(double share) const noexcept {
  const std::uint64_t calls = count();
  const auto wanted = std::max<std::uint64_t>(1, std::uint64_t(std::ceil(share * double(calls))));
  std::uint64_t below = 0;
  std::int64_t out = 0;
  each_bin([&](const Bin& bin) {
    if (below < wanted) out = middle_ns(bin.bucket);
    below += bin.count;
  });
  return out;
}

}  // namespace mlgate::analytics
