#include "analytics/request_rows_internal.h"
#include "analytics/url_text_internal.h"

#include <zstd.h>

#include <algorithm>
#include <limits>

namespace mlgate::analytics {
namespace {

constexpr std::uint64_t kMagic = 0x3151'4552'474c'4d0a;  // "\nMLGREQ1"
constexpr std::size_t kTextBytesMax = 2'048;
constexpr std::size_t kBatchBytesMax = std::size_t{4} << 20;
constexpr std::uint32_t kRawBytesMax = std::uint32_t{64} << 20;
constexpr int kCompression = 1;

void append_text(std::string& out, std::string_view text) {
  append_varint(out, text.size());
  out += text;
}

// "192.0.2.17" becomes "192.0.2.0", "2001:db8:1:2::3" becomes "2001:db8:1::".
std::string_view network_of(std::string_view address, std::string& room) {
  if (const auto dot = address.rfind('.'); dot != std::string_view::npos) {
    room.assign(address.substr(0, dot + 1));
    room += '0';
    return room;
  }
  std::size_t end = 0;
  for (int group = 0; group < 3; ++group) {
    const auto colon = address.find(':', end);
    if (colon == std::string_view::npos) return {};
    if (colon + 1 < address.size() && address[colon + 1] == ':') {
      room.assign(address.substr(0, colon));
      room += "::";
      return room;
    }
    end = colon + 1;
  }
  room.assign(address.substr(0, end));
  room += ':';
  return room;
}

// With a checksum of its own.
std::string compressed(std::string_view raw) {
  std::string out(ZSTD_compressBound(raw.size()), '\0');
  const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context(ZSTD_createCCtx(),
                                                                     &ZSTD_freeCCtx);
  (void)ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, kCompression);
  (void)ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
  const std::size_t size =
      ZSTD_compress2(context.get(), out.data(), out.size(), raw.data(), raw.size());
  // It fails for want of memory only.
  out.resize(ZSTD_isError(size) != 0 ? 0 : size);
  return out;
}

Result<std::string> decompressed(std::string_view part, std::size_t size) {
  std::string out(size, '\0');
  const std::size_t got = ZSTD_decompress(out.data(), out.size(), part.data(), part.size());
  if (ZSTD_isError(got) != 0 || got != size) return fail(Errc::internal, "a damaged block of rows");
  return out;
}

constexpr std::size_t kIndexBytes = 10;  // Of a row: two for whose it is, eight for when.

}  // namespace

void RequestBatch::note(const UsageKey& key, TimeMs time) {
  const auto [at, made] = index.try_emplace(key, std::uint16_t(keys.size()));
  if (made) {
    keys.push_back(key);
    calls.push_back(0);
  }
  ++calls[at->second];
  which.push_back(at->second);
  times.push_back(time);
  ends.push_back(std::uint32_t(rows.size()));
}

bool RequestBatch::is_full(std::size_t rows_max) const noexcept {
  return times.size() >= rows_max || rows.size() >= kBatchBytesMax;
}

std::string_view RequestBatch::row(std::size_t i) const noexcept {
  const std::size_t begin = i == 0 ? 0 : ends[i - 1];
  return std::string_view(rows).substr(begin, ends[i] - begin);
}

void append_row(std::string& out, const UsageRecord& record, AddressDetail addresses) {
  for (const auto number : {record.service, record.api, record.operation, record.product,
                            record.subscription, record.user, std::uint64_t(record.start_ms)})
    append_varint(out, number);
  append_fixed(out, record.correlation_id[0], 8);
  append_fixed(out, record.correlation_id[1], 8);
  append_varint(out, record.response_code);
  append_varint(out, record.backend_response_code);
  append_varint(out, std::uint64_t(record.cache));
  append_varint(out, record.request_bytes);
  append_varint(out, record.response_bytes);
  append_varint(out, std::uint64_t(std::max<std::int64_t>(0, record.total_ns)));
  append_varint(out, std::uint64_t(std::max<std::int64_t>(0, record.backend_ns)));
  append_text(out, record.method.substr(0, kTextBytesMax));
  std::string url;
  url.reserve(record.scheme.size() + 3 + record.authority.size() + record.path.size() + 1 +
              record.query.size());
  url.append(record.scheme).append("://").append(record.authority).append(record.path);
  if (!record.query.empty()) {
    url += '?';
    each_open_piece(record.query, record.key_query_name,
                    [&](std::string_view piece) { url += piece; });
  }
  append_text(out, std::string_view(url).substr(0, kTextBytesMax));
  std::string room;
  std::string_view address = record.caller_address.substr(0, kTextBytesMax);
  if (addresses == AddressDetail::none) address = {};
  if (addresses == AddressDetail::network) address = network_of(address, room);
  append_text(out, address);
}

std::optional<RequestRow> read_row(ByteReader& in) {
  RequestRow row;
  for (auto* number : {&row.key.service, &row.key.api, &row.key.operation, &row.key.product,
                       &row.key.subscription, &row.key.user})
    *number = in.varint();
  row.time_ms = TimeMs(in.varint());
  const std::string_view id = in.text(16);
  if (!in.good()) return std::nullopt;
  row.request_id[0] = fixed_at(id, 0, 8);
  row.request_id[1] = fixed_at(id, 8, 8);
  row.response_code = std::uint16_t(in.varint());
  row.backend_response_code = std::uint16_t(in.varint());
  const std::uint64_t cache = in.varint();
  row.cache = cache <= 2 ? CacheUse(cache) : CacheUse::none;
  row.request_bytes = in.varint();
  row.response_bytes = in.varint();
  row.total_ns = std::int64_t(in.varint());
  row.backend_ns = std::int64_t(in.varint());
  for (auto* text : {&row.method, &row.url, &row.address}) *text = in.text(in.varint());
  if (!in.good()) return std::nullopt;
  return row;
}

std::string RequestBlockHead::encode() const {
  std::string out;
  append_fixed(out, kMagic, 8);
  append_fixed(out, first, 8);
  append_fixed(out, rows, 4);
  append_fixed(out, keys, 4);
  append_fixed(out, std::uint64_t(time_min), 8);
  append_fixed(out, std::uint64_t(time_max), 8);
  for (const auto bytes : {keys_bytes, index_bytes, rows_bytes, rows_raw_bytes})
    append_fixed(out, bytes, 4);
  append_fixed(out, checksum, 8);
  append_fixed(out, 0, 8);
  append_fixed(out, checksum_of(out), 8);
  return out;
}

std::optional<RequestBlockHead> RequestBlockHead::decode(std::string_view bytes) noexcept {
  constexpr std::size_t kSum = kBytes - 8;
  if (bytes.size() < kBytes || fixed_at(bytes, 0, 8) != kMagic ||
      fixed_at(bytes, kSum, 8) != checksum_of(bytes.substr(0, kSum)))
    return std::nullopt;
  const auto small = [&](std::size_t at) { return std::uint32_t(fixed_at(bytes, at, 4)); };
  RequestBlockHead out;
  out.first = fixed_at(bytes, 8, 8);
  out.rows = small(16);
  out.keys = small(20);
  out.time_min = TimeMs(fixed_at(bytes, 24, 8));
  out.time_max = TimeMs(fixed_at(bytes, 32, 8));
  out.keys_bytes = small(40);
  out.index_bytes = small(44);
  out.rows_bytes = small(48);
  out.rows_raw_bytes = small(52);
  out.checksum = fixed_at(bytes, 56, 8);
  if (out.rows > std::numeric_limits<std::uint16_t>::max() || out.keys > out.rows ||
      out.rows_raw_bytes > kRawBytesMax)
    return std::nullopt;
  return out;
}

std::string pack_batch(const RequestBatch& batch) {
  std::string keys, index;
  for (std::size_t i = 0; i < batch.keys.size(); ++i) {
    const UsageKey& key = batch.keys[i];
    for (const auto number :
         {key.service, key.api, key.operation, key.product, key.subscription, key.user})
      append_varint(keys, number);
    append_varint(keys, batch.calls[i]);
  }
  for (const auto which : batch.which) append_fixed(index, which, 2);
  for (const auto time : batch.times) append_fixed(index, std::uint64_t(time), 8);
  index = compressed(index);
  const std::string rows = compressed(batch.rows);
  RequestBlockHead head;
  head.first = batch.first;
  head.rows = std::uint32_t(batch.times.size());
  head.keys = std::uint32_t(batch.keys.size());
  const auto [min, max] = std::ranges::minmax(batch.times);
  head.time_min = min;
  head.time_max = max;
  head.keys_bytes = std::uint32_t(keys.size());
  head.index_bytes = std::uint32_t(index.size());
  head.rows_bytes = std::uint32_t(rows.size());
  head.rows_raw_bytes = std::uint32_t(batch.rows.size());
  head.checksum = checksum_of(keys);
  return head.encode() + keys + index + rows;
}

std::vector<KeyCalls> read_keys(std::string_view part, std::uint32_t count) {
  std::vector<KeyCalls> out;
  ByteReader in(part);
  for (std::uint32_t i = 0; i < count && in.good(); ++i) {
    KeyCalls one;
    for (auto* number : {&one.key.service, &one.key.api, &one.key.operation, &one.key.product,
                         &one.key.subscription, &one.key.user, &one.calls})
      *number = in.varint();
    out.push_back(one);
  }
  return out;
}

Result<RowIndex> unpack_index(std::string_view part, const RequestBlockHead& head) {
  TRY(const std::string raw, decompressed(part, std::size_t{head.rows} * kIndexBytes));
  RowIndex out;
  out.which.reserve(head.rows);
  out.times.reserve(head.rows);
  for (std::size_t i = 0; i < head.rows; ++i) {
    out.which.push_back(std::uint16_t(fixed_at(raw, i * 2, 2)));
    out.times.push_back(TimeMs(fixed_at(raw, std::size_t{head.rows} * 2 + i * 8, 8)));
    if (out.which.back() >= head.keys) return fail(Errc::internal, "a damaged block of rows");
  }
  return out;
}

Result<std::string> unpack_rows(std::string_view part, const RequestBlockHead& head) {
  return decompressed(part, head.rows_raw_bytes);
}

}  // namespace mlgate::analytics
