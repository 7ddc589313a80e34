#include "analytics/series.h"

#include <algorithm>
#include <tuple>

namespace mlgate::analytics {

namespace {

std::uint64_t mix(std::uint64_t hash, std::uint64_t number) noexcept {
  hash = (hash ^ number) * 0x9e3779b97f4a7c15;
  return hash ^ (hash >> 29);
}

// Reasons are short names of our own; eight bytes at a time would not be worth it.
std::uint64_t mix(std::uint64_t hash, std::string_view text) noexcept {
  for (const char c : text) hash = (hash ^ std::uint8_t(c)) * 0x100000001b3;
  return hash;
}

}  // namespace

std::string_view to_text(ResponseClass response_class) noexcept {
  switch (response_class) {
    case ResponseClass::successful:
      return "Successful";
    case ResponseClass::blocked:
      return "Unauthorized";
    case ResponseClass::failed:
      return "Failed";
    case ResponseClass::other:
      break;
  }
  return "Other";
}

std::int64_t Histogram::quantile_ns(double share) const noexcept {
  if (count == 0) return 0;
  const double wanted = share * double(count);
  double below = 0;
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    const auto here = double(buckets[i]);
    if (here > 0 && below + here >= wanted) {
      if (i == kDurationBoundsNs.size()) return kDurationBoundsNs.back();
      const auto from = double(i == 0 ? 0 : kDurationBoundsNs[i - 1]);
      const auto to = double(kDurationBoundsNs[i]);
      return std::int64_t(from + (to - from) * std::max(0.0, wanted - below) / here);
    }
    below += here;
  }
  return kDurationBoundsNs.back();
}

Series& CallSeries::series_of(const UsageRecord& record) {
  std::uint64_t key = mix(mix(0, record.service), record.api);
  key = mix(key, std::uint64_t{record.response_code} << 16 | record.backend_response_code);
  key = mix(key, record.error_reason);
  if (const auto found = series_.find(key); found != series_.end()) return found->second;
  if (series_.size() >= series_max_) return overflow_of(record);
  Series& made = series_[key];
  made.service = record.service_name;
  made.api = record.api_name;
  made.error_reason = record.error_reason;
  made.response_code = record.response_code;
  made.backend_response_code = record.backend_response_code;
  made.status = classify(record.response_code);
  return made;
}

// One series for each class of answers: four more than the limit says.
Series& CallSeries::overflow_of(const UsageRecord& record) {
  ++overflowed_;
  const ResponseClass status = classify(record.response_code);
  Series& other = series_[std::uint64_t(status)];
  if (other.api.empty()) {
    other.service = other.api = kOverflow;
    other.status = status;
  }
  return other;
}

void CallSeries::add(UsageRecords records) {
  const std::scoped_lock lock(mutex_);
  for (const UsageRecord* record : records) count(*record);
}

void CallSeries::count(const UsageRecord& record) {
  Series& series = series_of(record);
  series.total.add(record.total_ns);
  if (!record.backend_url.empty()) series.backend.add(record.backend_ns);
  series.client.add(record.client_ns);
  series.gateway.add(
      std::max<std::int64_t>(0, record.total_ns - record.backend_ns - record.client_ns));
  series.request_bytes += record.request_bytes;
  series.response_bytes += record.response_bytes;
}

std::vector<Series> CallSeries::copy() const {
  const std::scoped_lock lock(mutex_);
  std::vector<Series> out;
  out.reserve(series_.size());
  for (const auto& [key, series] : series_) out.push_back(series);
  std::ranges::sort(out, [](const Series& a, const Series& b) {
    return std::tie(a.service, a.api, a.response_code, a.backend_response_code, a.error_reason) <
           std::tie(b.service, b.api, b.response_code, b.backend_response_code, b.error_reason);
  });
  return out;
}

std::size_t CallSeries::size() const {
  const std::scoped_lock lock(mutex_);
  return series_.size();
}

std::uint64_t CallSeries::overflowed_total() const {
  const std::scoped_lock lock(mutex_);
  return overflowed_;
}

}  // namespace mlgate::analytics
