#include "analytics/rollup_format_internal.h"

#include <bit>
#include <cstring>

namespace mlgate::analytics {
namespace {

constexpr std::uint64_t kBlockMagic = 0x3142'4755'474c'4d0a;  // "\nMLGUGB1"
constexpr std::size_t kSumOfHead = 40;  // What the head's own checksum covers.

enum Flag : std::uint64_t {
  one_call = 1,
  has_backend = 2,
  // Two bits of the class and two of the cache of a single call.
  class_shift = 2,
  cache_shift = 4,
};

void append_latencies(std::string& out, const Latencies& latencies) {
  const auto bins = latencies.bins();
  append_varint(out, bins.size());
  std::uint32_t before = 0;
  for (const auto& bin : bins) {
    append_varint(out, bin.bucket - before);
    append_varint(out, bin.count);
    before = bin.bucket;
  }
}

void read_latencies(ByteReader& in, Latencies& out) {
  const std::uint64_t count = in.varint();
  std::uint64_t bucket = 0;
  for (std::uint64_t i = 0; i < count && in.good(); ++i) {
    bucket += in.varint();
    const std::uint64_t calls = in.varint();
    if (bucket < Latencies::kBuckets) out.add_bucket(unsigned(bucket), calls);
  }
}

void append_one_call(std::string& out, const UsageCounts& c) {
  std::uint64_t flags = one_call;
  if (c.backend_calls > 0) flags |= has_backend;
  flags |= (c.blocked * 1 + c.failed * 2 + c.other * 3) << class_shift;
  flags |= (c.cache_hits * 1 + c.cache_misses * 2) << cache_shift;
  append_varint(out, flags);
  append_varint(out, c.request_bytes);
  append_varint(out, c.response_bytes);
  append_varint(out, std::uint64_t(c.total_ns));
  if (c.backend_calls > 0) append_varint(out, std::uint64_t(c.backend_ns));
}

void read_one_call(ByteReader& in, std::uint64_t flags, Detail detail, Usage& usage) {
  UsageCounts& c = usage.counts;
  c.calls = 1;
  const auto which = flags >> class_shift & 3;
  (which == 0 ? c.successful : which == 1 ? c.blocked : which == 2 ? c.failed : c.other) = 1;
  c.cache_hits = (flags >> cache_shift & 3) == 1 ? 1 : 0;
  c.cache_misses = (flags >> cache_shift & 3) == 2 ? 1 : 0;
  c.request_bytes = in.varint();
  c.response_bytes = in.varint();
  c.total_ns = c.total_ns_min = c.total_ns_max = std::int64_t(in.varint());
  if (detail == Detail::latencies) usage.total.add(c.total_ns);
  if (!(flags & has_backend)) return;
  c.backend_calls = 1;
  c.backend_ns = c.backend_ns_min = c.backend_ns_max = std::int64_t(in.varint());
  if (detail == Detail::latencies) usage.backend.add(c.backend_ns);
}

void append_calls(std::string& out, const Usage& usage) {
  const UsageCounts& c = usage.counts;
  append_varint(out, c.backend_calls > 0 ? has_backend : 0);
  for (const std::uint64_t number : {c.calls, c.blocked, c.failed, c.other, c.request_bytes,
                                     c.response_bytes, c.cache_hits, c.cache_misses})
    append_varint(out, number);
  for (const std::int64_t ns : {c.total_ns, c.total_ns_min, c.total_ns_max})
    append_varint(out, std::uint64_t(ns));
  if (c.backend_calls > 0) {
    append_varint(out, c.backend_calls);
    for (const std::int64_t ns : {c.backend_ns, c.backend_ns_min, c.backend_ns_max})
      append_varint(out, std::uint64_t(ns));
  }
  std::string spread;
  append_latencies(spread, usage.total);
  append_latencies(spread, usage.backend);
  append_varint(out, spread.size());
  out += spread;
}

void read_calls(ByteReader& in, std::uint64_t flags, Detail detail, Usage& usage) {
  UsageCounts& c = usage.counts;
  for (auto* number : {&c.calls, &c.blocked, &c.failed, &c.other, &c.request_bytes,
                       &c.response_bytes, &c.cache_hits, &c.cache_misses})
    *number = in.varint();
  c.successful = c.calls - c.blocked - c.failed - c.other;
  for (auto* ns : {&c.total_ns, &c.total_ns_min, &c.total_ns_max}) *ns = std::int64_t(in.varint());
  if (flags & has_backend) {
    c.backend_calls = in.varint();
    for (auto* ns : {&c.backend_ns, &c.backend_ns_min, &c.backend_ns_max})
      *ns = std::int64_t(in.varint());
  }
  const auto spread = in.text(in.varint());
  if (detail != Detail::latencies) return;
  ByteReader bins(spread);
  read_latencies(bins, usage.total);
  read_latencies(bins, usage.backend);
}

}  // namespace

std::uint64_t fixed_at(std::string_view bytes, std::size_t at, int count) noexcept {
  std::uint64_t out = 0;
  for (int i = 0; i < count; ++i)
    out |= std::uint64_t(std::uint8_t(bytes[at + std::size_t(i)])) << (8 * i);
  return out;
}

std::uint64_t ByteReader::varint() noexcept {
  std::uint64_t out = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (at_ == end_) break;
    const auto byte = std::uint8_t(*at_++);
    out |= std::uint64_t(byte & 0x7F) << shift;
    if (byte < 0x80) return out;
  }
  good_ = false;
  return 0;
}

std::string_view ByteReader::text(std::size_t bytes) noexcept {
  if (bytes > left()) {
    good_ = false;
    at_ = end_;
    return {};
  }
  at_ += bytes;
  return {at_ - bytes, bytes};
}

void append_cell(std::string& out, const UsageKey& key, const Usage& usage) {
  for (const auto number :
       {key.service, key.api, key.operation, key.product, key.subscription, key.user})
    append_varint(out, number);
  if (usage.counts.calls == 1)
    append_one_call(out, usage.counts);
  else
    append_calls(out, usage);
}

bool CellReader::next() {
  if (in_.at_end()) return false;
  for (auto* number :
       {&key_.service, &key_.api, &key_.operation, &key_.product, &key_.subscription, &key_.user})
    *number = in_.varint();
  usage_.counts = {};
  usage_.total.clear();
  usage_.backend.clear();
  const std::uint64_t flags = in_.varint();
  if (flags & one_call)
    read_one_call(in_, flags, detail_, usage_);
  else
    read_calls(in_, flags, detail_, usage_);
  return in_.good();
}

// Against torn writes and bad disks, not against anybody: four lanes, so that it keeps up with
// memory.
std::uint64_t checksum_of(std::string_view bytes) noexcept {
  constexpr std::uint64_t kFactor = 0x9e37'79b9'7f4a'7c15;
  std::uint64_t lanes[4] = {bytes.size(), 1, 2, 3};
  const auto mix = [](std::uint64_t lane, std::uint64_t word) {
    return std::rotl((lane ^ word) * kFactor, 29);
  };
  while (bytes.size() >= sizeof lanes) {
    std::uint64_t words[4];
    std::memcpy(words, bytes.data(), sizeof words);
    for (int i = 0; i < 4; ++i) lanes[i] = mix(lanes[i], words[i]);
    bytes.remove_prefix(sizeof lanes);
  }
  std::uint64_t out = 0;
  for (const char c : bytes) out = mix(out, std::uint8_t(c));
  for (const std::uint64_t lane : lanes) out = mix(out, lane);
  return mix(out, out >> 32);
}

std::uint64_t sums_of(std::string_view totals, std::string_view cells) noexcept {
  return checksum_of(totals) >> 32 | (checksum_of(cells) >> 32) << 32;
}

std::string BlockHead::encode() const {
  std::string out;
  append_fixed(out, kBlockMagic, 8);
  append_fixed(out, std::uint64_t(start_ms), 8);
  append_fixed(out, generation << 8 | std::uint64_t(level), 8);
  append_fixed(out, totals_bytes, 4);
  append_fixed(out, cells_bytes, 4);
  append_fixed(out, checksum, 8);
  append_fixed(out, checksum_of(out), 8);
  return out;
}

std::optional<BlockHead> BlockHead::decode(std::string_view bytes) noexcept {
  if (bytes.size() < kBytes || fixed_at(bytes, 0, 8) != kBlockMagic) return std::nullopt;
  if (fixed_at(bytes, kSumOfHead, 8) != checksum_of(bytes.substr(0, kSumOfHead)))
    return std::nullopt;
  BlockHead out;
  out.start_ms = TimeMs(fixed_at(bytes, 8, 8));
  out.generation = fixed_at(bytes, 16, 8) >> 8;
  const auto level = fixed_at(bytes, 16, 1);
  if (level > std::uint64_t(Level::day)) return std::nullopt;
  out.level = Level(level);
  out.totals_bytes = std::uint32_t(fixed_at(bytes, 24, 4));
  out.cells_bytes = std::uint32_t(fixed_at(bytes, 28, 4));
  out.checksum = fixed_at(bytes, 32, 8);
  return out;
}

void BlockWriter::add(const UsageKey& key, const Usage& usage) {
  append_cell(cells_, key, usage);
  UsageKey service;
  service.service = key.service;
  totals_[service].add(usage);
}

std::string BlockWriter::finish(Level level, TimeMs start_ms, std::uint64_t generation) {
  std::string body;
  for (const auto& [key, usage] : totals_) append_cell(body, key, usage);
  BlockHead head{.level = level, .start_ms = start_ms, .generation = generation};
  head.totals_bytes = std::uint32_t(body.size());
  head.cells_bytes = std::uint32_t(cells_.size());
  body += cells_;
  const std::string_view whole = body;
  head.checksum = sums_of(whole.substr(0, head.totals_bytes), whole.substr(head.totals_bytes));
  return head.encode() + body;
}

}  // namespace mlgate::analytics
