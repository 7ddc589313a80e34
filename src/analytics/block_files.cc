#include "analytics/block_files_internal.h"
#include "analytics/file_io_internal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <system_error>

namespace mlgate::analytics {
namespace {

constexpr std::string_view kSuffix = ".usage";
constexpr std::array<std::string_view, 3> kPrefixes{"minutes-", "quarters-", "days-"};
constexpr TimeMs kHourMs = 4 * kQuarterMs;
constexpr TimeMs kNever = std::numeric_limits<TimeMs>::max();

class Descriptor {
 public:
  Descriptor(const std::filesystem::path& path, int flags)
      : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0640)) {}
  Descriptor(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const noexcept { return fd_; }
  bool good() const noexcept { return fd_ >= 0; }

 private:
  int fd_;
};

TimeMs next_start(const BlockIndex::Blocks& blocks, TimeMs from, TimeMs length) {
  const auto at = blocks.lower_bound(from);
  return at == blocks.end() ? kNever : floor_to(at->first, length);
}

}  // namespace

void BlockIndex::forget(const UsageFile& file) {
  auto& blocks = levels_[std::size_t(file.level)];
  const TimeMs end = file.start_ms + BlockFiles::file_length(file.level);
  blocks.erase(blocks.lower_bound(file.start_ms), blocks.lower_bound(end));
}

bool BlockIndex::has_any(Level level, TimeMs start, TimeMs length) const {
  const auto at = this->level(level).lower_bound(start);
  return at != this->level(level).end() && at->first < start + length;
}

void BlockIndex::take(Level level, TimeMs start, std::vector<BlockRef>& out) const {
  const auto& blocks = this->level(level).at(start);
  out.insert(out.end(), blocks.begin(), blocks.end());
}

void BlockIndex::cover_quarter(TimeMs quarter, const Period& period,
                               std::vector<BlockRef>& out) const {
  if (has(Level::quarter, quarter) &&
      (period.holds(quarter, kQuarterMs) || !has_any(Level::minute, quarter, kQuarterMs)))
    return take(Level::quarter, quarter, out);
  const auto& minutes = level(Level::minute);
  for (auto at = minutes.lower_bound(quarter);
       at != minutes.end() && at->first < std::min(quarter + kQuarterMs, period.to_ms); ++at)
    if (at->first + kMinuteMs > period.from_ms)
      out.insert(out.end(), at->second.begin(), at->second.end());
}

void BlockIndex::cover_day(TimeMs day, const Period& period, TimeMs step,
                           std::vector<BlockRef>& out) const {
  const bool fits = period.holds(day, kDayMs) && step % kDayMs == 0;
  if (has(Level::day, day) && (fits || !has_any(Level::quarter, day, kDayMs)))
    return take(Level::day, day, out);
  const TimeMs end = std::min(day + kDayMs, period.to_ms);
  TimeMs at = std::max(day, floor_to(period.from_ms, kQuarterMs));
  while (at < end) {
    const TimeMs quarter = std::min(next_start(level(Level::quarter), at, kQuarterMs),
                                    next_start(level(Level::minute), at, kQuarterMs));
    if (quarter >= end) return;
    cover_quarter(quarter, period, out);
    at = quarter + kQuarterMs;
  }
}

std::vector<BlockRef> BlockIndex::cover(TimeMs from_ms, TimeMs to_ms, TimeMs step_ms) const {
  std::vector<BlockRef> out;
  const Period period{from_ms, to_ms};
  TimeMs at = floor_to(from_ms, kDayMs);
  while (at < to_ms) {
    const TimeMs day = std::min({next_start(level(Level::day), at, kDayMs),
                                 next_start(level(Level::quarter), at, kDayMs),
                                 next_start(level(Level::minute), at, kDayMs)});
    if (day >= to_ms) break;
    cover_day(day, period, step_ms, out);
    at = day + kDayMs;
  }
  return out;
}

BlockReader::~BlockReader() {
  if (fd_ >= 0) ::close(fd_);
}

Result<std::string> BlockReader::read(const BlockRef& block, Part part) {
  if (file_ != block.file) {
    if (fd_ >= 0) ::close(fd_);
    file_ = block.file;
    fd_ = ::open(file_->path.c_str(), O_RDONLY | O_CLOEXEC);
  }
  const bool totals = part == Part::totals;
  std::string out(totals ? block.totals_bytes : block.cells_bytes, '\0');
  const std::uint64_t at = block.offset + (totals ? 0 : block.totals_bytes);
  if (fd_ < 0 || !read_at(fd_, at, out.data(), out.size()))
    return std::unexpected(file_error(file_->path, "cannot read"));
  if (checksum_of(out) >> 32 != (totals ? block.checksum & 0xFFFF'FFFF : block.checksum >> 32))
    return fail(Errc::internal, "damaged usage in " + file_->path.string());
  return out;
}

TimeMs BlockFiles::file_length(Level level) noexcept {
  if (level == Level::minute) return kHourMs;
  return level == Level::quarter ? kDayMs : 400 * kDayMs;
}

std::shared_ptr<const UsageFile> BlockFiles::file_of(const BlockHead& head) const {
  auto out = std::make_shared<UsageFile>();
  out->level = head.level;
  out->start_ms = floor_to(head.start_ms, file_length(head.level));
  const std::size_t shown = head.level == Level::minute ? 13 : 10;  // "2026-11-23T13"
  out->path = folder_ / (std::string(kPrefixes[std::size_t(head.level)]) +
                         to_iso8601(out->start_ms).substr(0, shown) + std::string(kSuffix));
  return out;
}

Result<void> BlockFiles::scan(const std::filesystem::path& path, std::uint64_t journal_min,
                              BlockIndex& out) {
  const Descriptor file(path, O_RDWR);
  struct stat status{};
  if (!file.good() || ::fstat(file.get(), &status) != 0)
    return std::unexpected(file_error(path, "cannot open"));
  const auto size = std::uint64_t(status.st_size);
  std::uint64_t at = 0;
  std::shared_ptr<const UsageFile> shared;
  std::string bytes(BlockHead::kBytes, '\0');
  while (size - at >= BlockHead::kBytes) {
    if (!read_at(file.get(), at, bytes.data(), bytes.size())) break;
    const auto head = BlockHead::decode(bytes);
    if (!head || head->generation >= journal_min) break;
    const std::uint64_t body = std::uint64_t{head->totals_bytes} + head->cells_bytes;
    if (size - at - BlockHead::kBytes < body) break;
    if (!shared) shared = file_of(*head);
    if (shared->path != path) break;
    out.add({shared, head->start_ms, at + BlockHead::kBytes, head->totals_bytes, head->cells_bytes,
             head->checksum});
    at += BlockHead::kBytes + body;
  }
  if (at < size && ::ftruncate(file.get(), off_t(at)) != 0)
    return std::unexpected(file_error(path, "cannot shorten"));
  sizes_[path] = at;
  return {};
}

Result<BlockIndex> BlockFiles::open(std::uint64_t journal_min) {
  BlockIndex out;
  sizes_.clear();
  before_.clear();
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, failed)) {
    const std::string name = entry.path().filename().string();
    const auto is_ours = [&](std::string_view prefix) { return name.starts_with(prefix); };
    if (!name.ends_with(kSuffix) || !std::ranges::any_of(kPrefixes, is_ours)) continue;
    TRY_OK(scan(entry.path(), journal_min, out));
  }
  if (failed) return fail(Errc::unavailable, folder_.string() + ": " + failed.message());
  return out;
}

Result<BlockRef> BlockFiles::append(const std::string& bytes) {
  const auto head = BlockHead::decode(bytes);
  if (!head) return fail(Errc::internal, "a block of usage without its head");
  auto file = file_of(*head);
  std::uint64_t& size = sizes_[file->path];
  before_.try_emplace(file->path, size);
  TRY_OK(append_to_file(file->path, bytes));
  const BlockRef out{std::move(file),    head->start_ms,    size + BlockHead::kBytes,
                     head->totals_bytes, head->cells_bytes, head->checksum};
  size += bytes.size();
  return out;
}

Result<void> BlockFiles::commit() {
  for (const auto& [path, size] : before_) {
    TRY_OK(sync_file(path));
  }
  TRY_OK(sync_file(folder_));
  before_.clear();
  return {};
}

void BlockFiles::roll_back() noexcept {
  for (const auto& [path, size] : before_) {
    // What stays behind has the generation of a journal that is still there, and goes with it.
    (void)::truncate(path.c_str(), off_t(size));
    sizes_[path] = size;
  }
  before_.clear();
}

void BlockFiles::remove(const UsageFile& file) noexcept {
  (void)::unlink(file.path.c_str());
  sizes_.erase(file.path);
}

}  // namespace mlgate::analytics
