#include "analytics/file_io_internal.h"
#include "analytics/request_files_internal.h"
#include "base/text.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>

namespace mlgate::analytics {
namespace {

constexpr std::string_view kPrefix = "requests-", kSuffix = ".rows";

std::filesystem::path segment_path(const std::filesystem::path& folder, std::uint64_t first) {
  std::string number = std::to_string(first);
  number.insert(0, 20 - number.size(), '0');
  return folder / (std::string(kPrefix) + number + std::string(kSuffix));
}

Result<std::string> read_part(const RequestBlock& block, std::uint64_t from, std::uint32_t bytes) {
  std::string out(bytes, '\0');
  if (!read_at(block.segment->fd, block.offset + from, out.data(), out.size()))
    return std::unexpected(file_error(block.segment->path, "cannot read"));
  return out;
}

}  // namespace

RequestSegment::~RequestSegment() {
  if (fd >= 0) ::close(fd);
}

Result<std::vector<KeyCalls>> RequestReader::keys(const RequestBlock& block) const {
  TRY(const std::string part, read_part(block, 0, block.head.keys_bytes));
  auto out = read_keys(part, block.head.keys);
  if (checksum_of(part) != block.head.checksum || out.size() != block.head.keys)
    return fail(Errc::internal, "damaged rows in " + block.segment->path.string());
  return out;
}

Result<RowIndex> RequestReader::index(const RequestBlock& block) const {
  TRY(const std::string part, read_part(block, block.head.keys_bytes, block.head.index_bytes));
  return unpack_index(part, block.head);
}

Result<std::string> RequestReader::rows(const RequestBlock& block) const {
  const RequestBlockHead& head = block.head;
  TRY(const std::string part,
      read_part(block, std::uint64_t{head.keys_bytes} + head.index_bytes, head.rows_bytes));
  return unpack_rows(part, head);
}

Result<std::uint64_t> RequestFiles::open() {
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  std::vector<std::uint64_t> firsts;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) continue;
    const std::string_view number = std::string_view(name).substr(
        kPrefix.size(), name.size() - kPrefix.size() - kSuffix.size());
    if (const auto first = parse_uint(number)) firsts.push_back(*first);
  }
  if (error) return fail(Errc::unavailable, folder_.string() + ": " + error.message());
  std::ranges::sort(firsts);
  for (const std::uint64_t first : firsts) {
    TRY_OK(scan(first));
  }
  if (segments_.empty()) return std::uint64_t{0};
  return segments_.back().first + segments_.back().rows;
}

// Finds the blocks of a segment; what follows the last whole one goes.
Result<void> RequestFiles::scan(std::uint64_t first) {
  auto file = std::make_shared<RequestSegment>();
  file->path = segment_path(folder_, first);
  file->fd = ::open(file->path.c_str(), O_RDWR | O_CLOEXEC);
  struct stat status{};
  if (file->fd < 0 || ::fstat(file->fd, &status) != 0)
    return std::unexpected(file_error(file->path, "cannot open"));
  const auto size = std::uint64_t(status.st_size);
  Segment segment{.file = file, .first = first};
  std::string bytes(RequestBlockHead::kBytes, '\0');
  while (size - segment.bytes >= bytes.size()) {
    if (!read_at(file->fd, segment.bytes, bytes.data(), bytes.size())) break;
    const auto head = RequestBlockHead::decode(bytes);
    if (!head || size - segment.bytes - bytes.size() < head->body_bytes()) break;
    blocks_.push_back({file, segment.bytes + bytes.size(), *head});
    segment.bytes += bytes.size() + head->body_bytes();
    segment.rows = head->first + head->rows - first;
    if (segment.begun == 0) segment.begun = head->time_min;
    segment.time_max = std::max(segment.time_max, head->time_max);
  }
  if (segment.bytes < size && ::ftruncate(file->fd, off_t(segment.bytes)) != 0)
    return std::unexpected(file_error(file->path, "cannot shorten"));
  segments_.push_back(std::move(segment));
  return {};
}

Result<void> RequestFiles::read_tail(RequestBatch& batch) {
  if (!std::filesystem::exists(tail())) return {};
  TRY(const std::string bytes, read_whole_file(tail()));
  const std::size_t good = read_frames(bytes, [&](std::string_view content) {
    ByteReader in(content);
    std::uint64_t number = in.varint();
    while (!in.at_end()) {
      const std::size_t before = in.left();
      const auto row = read_row(in);
      if (!row) return;
      if (number++ < batch.first) continue;  // It is in a block.
      batch.rows += content.substr(content.size() - before, before - in.left());
      batch.note(row->key, row->time_ms);
    }
  });
  batch.saved = batch.times.size();
  tail_used_ = good > 0;
  if (good < bytes.size() && ::truncate(tail().c_str(), off_t(good)) != 0)
    return fail(Errc::unavailable, "cannot shorten " + tail().string());
  return {};
}

Result<void> RequestFiles::begin_segment(std::uint64_t first, TimeMs begun) {
  auto file = std::make_shared<RequestSegment>();
  file->path = segment_path(folder_, first);
  file->fd = ::open(file->path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (file->fd < 0) return std::unexpected(file_error(file->path, "cannot make"));
  segments_.push_back({.file = std::move(file), .first = first, .begun = begun});
  return {};
}

Result<RequestBlock> RequestFiles::append(const RequestBatch& batch) {
  const TimeMs begun = batch.times.front();
  if (segments_.empty() || segments_.back().bytes >= options_.segment_bytes ||
      begun - segments_.back().begun >= kDayMs) {
    TRY_OK(begin_segment(batch.first, begun));
  }
  Segment& segment = segments_.back();
  const std::string_view block = packer_.pack(batch);
  const auto head = RequestBlockHead::decode(block);
  if (!head) return fail(Errc::internal, "a batch of rows that is too large");
  TRY_OK(append_to_file(segment.file->path, block));
  TRY_OK(sync_file(segment.file->path));
  RequestBlock out{segment.file, segment.bytes + RequestBlockHead::kBytes, *head};
  segment.bytes += block.size();
  segment.rows = head->first + head->rows - segment.first;
  segment.time_max = std::max(segment.time_max, head->time_max);
  // All that is in the tail is in the block; rows that stay there are known by their numbers.
  if (tail_used_ && ::truncate(tail().c_str(), 0) == 0) tail_used_ = false;
  return out;
}

Result<void> RequestFiles::append_tail(std::uint64_t first, std::string_view rows) {
  std::string content;
  append_varint(content, first);
  content += rows;
  TRY_OK(append_to_file(tail(), framed(content)));
  tail_used_ = true;
  return {};
}

std::uint64_t RequestFiles::forget_old(TimeMs now_ms, std::mutex& lock) {
  std::uint64_t forgotten = 0;
  while (!segments_.empty()) {
    const Segment& oldest = segments_.front();
    const bool large = bytes() > options_.bytes_max;
    if (!large && oldest.time_max >= now_ms - options_.age_max_ms) break;
    if (large) forgotten += oldest.rows;
    {
      const std::scoped_lock guard(lock);
      while (!blocks_.empty() && blocks_.front().segment == oldest.file) blocks_.pop_front();
    }
    (void)::unlink(oldest.file->path.c_str());
    segments_.pop_front();
  }
  return forgotten;
}

std::uint64_t RequestFiles::bytes() const noexcept {
  std::uint64_t out = 0;
  for (const Segment& one : segments_) out += one.bytes;
  return out;
}

}  // namespace mlgate::analytics
