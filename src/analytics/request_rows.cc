#include "analytics/request_rows_internal.h"
#include "analytics/url_text_internal.h"

#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <limits>

namespace mlgate::analytics {
namespace {

constexpr std::uint64_t kMagic = 0x3151'4552'474c'4d0a;  // "\nMLGREQ1"
constexpr std::size_t kTextBytesMax = 2'048;
constexpr std::size_t kBatchBytesMax = std::size_t{4} << 20;
constexpr std::uint32_t kRawBytesMax = std::uint32_t{64} << 20;
constexpr int kCompression = 1;

// Writes into room that was made for the whole row.
class Row {
 public:
  // Of a number, and of the length of a text.
  static constexpr std::size_t kNumberBytesMax = 10;

  explicit Row(char* at) noexcept : at_(at) {}
  char* end() const noexcept { return at_; }

  void number(std::uint64_t value) noexcept {
    for (; value >= 0x80; value >>= 7) *at_++ = char(value | 0x80);
    *at_++ = char(value);
  }
  void fixed(std::uint64_t value) noexcept {
    for (int i = 0; i < 8; ++i) *at_++ = char(value >> (8 * i) & 0xFF);
  }
  void text(std::string_view text) noexcept {
    number(text.size());
    bytes(text);
  }
  void bytes(std::string_view text) noexcept {
    if (!text.empty()) std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
  }

 private:
  char* at_;
};

// A URL in up to three pieces and an open query, no longer than texts may be.
void write_url(Row& row, const UsageRecord& record) {
  std::string query;
  if (!record.query.empty()) {
    query = '?';
    each_open_piece(record.query, record.key_query_name,
                    [&](std::string_view piece) { query += piece; });
  }
  const std::string_view pieces[] = {record.scheme, "://", record.authority, record.path, query};
  std::size_t size = 0;
  for (const auto piece : pieces) size += piece.size();
  std::size_t left = std::min(size, kTextBytesMax);
  row.number(left);
  for (const auto piece : pieces) {
    row.bytes(piece.substr(0, left));
    left -= std::min(left, piece.size());
  }
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

Result<std::string> decompressed(std::string_view part, std::size_t size) {
  std::string out(size, '\0');
  const std::size_t got = ZSTD_decompress(out.data(), out.size(), part.data(), part.size());
  if (ZSTD_isError(got) != 0 || got != size) return fail(Errc::internal, "a damaged block of rows");
  return out;
}

constexpr std::uint16_t kNoKey = std::numeric_limits<std::uint16_t>::max();
constexpr std::size_t kIndexBytes = 10;  // Of a row: two for whose it is, eight for when.

}  // namespace

// Nearly every call may have a key of its own, so that a node for each would cost more than the
// row.
std::uint16_t RequestBatch::place_of(const UsageKey& key) {
  const auto slot_of = [this](const UsageKey& one) {
    std::size_t at = UsageKeyHash()(one) & (slots.size() - 1);
    while (slots[at] != kNoKey && keys[slots[at]] != one) at = (at + 1) & (slots.size() - 1);
    return at;
  };
  if (slots.size() < 2 * keys.size() + 2) {
    slots.assign(std::max<std::size_t>(64, 4 * slots.size()), kNoKey);
    for (std::size_t i = 0; i < keys.size(); ++i) slots[slot_of(keys[i])] = std::uint16_t(i);
  }
  const std::size_t at = slot_of(key);
  if (slots[at] == kNoKey) {
    slots[at] = std::uint16_t(keys.size());
    keys.push_back(key);
    calls.push_back(0);
  }
  return slots[at];
}

void RequestBatch::note(const UsageKey& key, TimeMs time) {
  const std::uint16_t place = place_of(key);
  ++calls[place];
  which.push_back(place);
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

void RequestBatch::add(const UsageRecord& record, AddressDetail addresses) {
  constexpr std::size_t kRowBytesMax = 16 * Row::kNumberBytesMax + 16 + 3 * kTextBytesMax;
  const std::size_t before = rows.size();
  if (rows.capacity() - before < kRowBytesMax) rows.reserve(2 * before + kRowBytesMax);
  const UsageKey key{record.service, record.api,          record.operation,
                     record.product, record.subscription, record.user};
  rows.resize_and_overwrite(before + kRowBytesMax, [&](char* begin, std::size_t) {
    Row row(begin + before);
    for (const auto number :
         {key.service, key.api, key.operation, key.product, key.subscription, key.user})
      row.number(number);
    row.number(std::uint64_t(record.start_ms));
    row.fixed(record.correlation_id[0]);
    row.fixed(record.correlation_id[1]);
    row.number(record.response_code);
    row.number(record.backend_response_code);
    row.number(std::uint64_t(record.cache));
    row.number(record.request_bytes);
    row.number(record.response_bytes);
    row.number(std::uint64_t(std::max<std::int64_t>(0, record.total_ns)));
    row.number(std::uint64_t(std::max<std::int64_t>(0, record.backend_ns)));
    row.text(record.method.substr(0, kTextBytesMax));
    write_url(row, record);
    std::string room;
    std::string_view address = record.caller_address.substr(0, kTextBytesMax);
    if (addresses == AddressDetail::none) address = {};
    if (addresses == AddressDetail::network) address = network_of(address, room);
    row.text(address);
    return std::size_t(row.end() - begin);
  });
  note(key, record.start_ms);
}

void RequestBatch::begin_again(std::uint64_t first_row) {
  first = first_row;
  keys.clear();
  calls.clear();
  std::ranges::fill(slots, kNoKey);
  which.clear();
  times.clear();
  ends.clear();
  rows.clear();
  saved = 0;
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

struct BatchPacker::Context {
  std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> zstd{ZSTD_createCCtx(), &ZSTD_freeCCtx};
};

BatchPacker::BatchPacker() : context_(std::make_unique<Context>()) {
  (void)ZSTD_CCtx_setParameter(context_->zstd.get(), ZSTD_c_compressionLevel, kCompression);
  (void)ZSTD_CCtx_setParameter(context_->zstd.get(), ZSTD_c_checksumFlag, 1);
}
BatchPacker::~BatchPacker() = default;

std::uint32_t BatchPacker::append_compressed(std::string_view raw) {
  const std::size_t before = block_.size();
  block_.resize_and_overwrite(
      before + ZSTD_compressBound(raw.size()), [&](char* begin, std::size_t room) {
        const std::size_t size = ZSTD_compress2(context_->zstd.get(), begin + before, room - before,
                                                raw.data(), raw.size());
        // It fails for want of memory only.
        return before + (ZSTD_isError(size) != 0 ? 0 : size);
      });
  return std::uint32_t(block_.size() - before);
}

std::string_view BatchPacker::pack(const RequestBatch& batch) {
  RequestBlockHead head;
  block_.assign(RequestBlockHead::kBytes, '\0');
  for (std::size_t i = 0; i < batch.keys.size(); ++i) {
    const UsageKey& key = batch.keys[i];
    for (const auto number :
         {key.service, key.api, key.operation, key.product, key.subscription, key.user})
      append_varint(block_, number);
    append_varint(block_, batch.calls[i]);
  }
  head.keys_bytes = std::uint32_t(block_.size() - RequestBlockHead::kBytes);
  head.checksum = checksum_of(std::string_view(block_).substr(RequestBlockHead::kBytes));
  index_.clear();
  for (const auto which : batch.which) append_fixed(index_, which, 2);
  for (const auto time : batch.times) append_fixed(index_, std::uint64_t(time), 8);
  head.index_bytes = append_compressed(index_);
  head.rows_bytes = append_compressed(batch.rows);
  head.first = batch.first;
  head.rows = std::uint32_t(batch.times.size());
  head.keys = std::uint32_t(batch.keys.size());
  const auto [min, max] = std::ranges::minmax(batch.times);
  head.time_min = min;
  head.time_max = max;
  head.rows_raw_bytes = std::uint32_t(batch.rows.size());
  block_.replace(0, RequestBlockHead::kBytes, head.encode());
  return block_;
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
