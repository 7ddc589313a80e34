#include "analytics/file_io_internal.h"
#include "analytics/rollup_disk_internal.h"
#include "base/text.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <queue>
#include <system_error>

namespace mlgate::analytics {
namespace {

constexpr std::string_view kJournal = "journal-";
constexpr TimeMs kSealEveryMs = 60'000;
constexpr TimeMs kRetryMs = 10'000;
// Calls end later than they begin; what ends later still makes a further block.
constexpr TimeMs kGraceMs = 60'000;
constexpr std::size_t kNameBytesMax = 1'024;
constexpr std::uint64_t kNamesSlackBytes = std::uint64_t{1} << 20;

void append_name(std::string& out, std::uint64_t number, const UsageName& name) {
  const std::string_view text = std::string_view(name.name).substr(0, kNameBytesMax);
  append_varint(out, number);
  append_varint(out, name.parent);
  append_varint(out, text.size());
  out += text;
}

}  // namespace

UsageRollups::Disk::~Disk() {
  if (lock_ >= 0) ::close(lock_);
}

std::filesystem::path UsageRollups::Disk::journal(std::uint64_t generation) const {
  return std::filesystem::path(rollups_.options_.folder) /
         (std::string(kJournal) + std::to_string(generation));
}

void UsageRollups::Disk::failed(const Error& /*error*/) {
  rollups_.failures_.fetch_add(1, std::memory_order_relaxed);
}

Result<void> UsageRollups::Disk::lock_folder() {
  const std::filesystem::path folder = rollups_.options_.folder;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  lock_ = ::open((folder / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (lock_ < 0) return fail(Errc::unavailable, "cannot write to " + folder.string());
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0)
    return fail(Errc::conflict, folder.string() + " is another process's");
  return {};
}

Result<std::uint64_t> UsageRollups::Disk::first_journal() const {
  std::uint64_t first = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(rollups_.options_.folder, error)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kJournal)) continue;
    const auto number = parse_uint(std::string_view(name).substr(kJournal.size()));
    if (number && *number > 0) first = first == 0 ? *number : std::min(first, *number);
  }
  if (error) return fail(Errc::unavailable, rollups_.options_.folder + ": " + error.message());
  return first;
}

Result<void> UsageRollups::Disk::read_journal(const std::filesystem::path& path) {
  TRY(const std::string bytes, read_whole_file(path));
  const std::size_t good = read_frames(bytes, [this](std::string_view frame) {
    ByteReader in(frame);
    while (in.good() && !in.at_end()) {
      const auto minute = TimeMs(in.varint()) * kMinuteMs;
      const auto size = in.varint();
      CellReader cells(in.text(size), Detail::latencies);
      while (cells.next()) rollups_.open_.at(minute, cells.key()).add(cells.usage());
    }
  });
  if (good < bytes.size() && ::truncate(path.c_str(), off_t(good)) != 0)
    return fail(Errc::unavailable, "cannot shorten " + path.string());
  return {};
}

Result<void> UsageRollups::Disk::read_names() {
  const auto path = std::filesystem::path(rollups_.options_.folder) / "names";
  if (!std::filesystem::exists(path)) return {};
  TRY(const std::string bytes, read_whole_file(path));
  names_bytes_ = read_frames(bytes, [this](std::string_view frame) {
    ByteReader in(frame);
    while (in.good() && !in.at_end()) {
      const auto number = in.varint(), parent = in.varint(), size = in.varint();
      std::string name(in.text(size));
      if (in.good()) rollups_.names_[number] = {std::move(name), parent};
    }
  });
  if (names_bytes_ < bytes.size() && ::truncate(path.c_str(), off_t(names_bytes_)) != 0)
    return fail(Errc::unavailable, "cannot shorten " + path.string());
  return {};
}

Result<void> UsageRollups::Disk::open() {
  TRY_OK(lock_folder());
  TRY(const std::uint64_t first, first_journal());
  TRY(working_, files_.open(first == 0 ? UINT64_MAX : first));
  published_ = working_;
  generation_ = std::max<std::uint64_t>(1, first);
  // There is a second one when the process ended between making it and removing the first; it is
  // empty then.
  for (std::uint64_t at = generation_; std::filesystem::exists(journal(at)); ++at) {
    TRY_OK(read_journal(journal(at)));
    if (at != generation_) (void)::unlink(journal(at).c_str());
  }
  if (first == 0) {
    // After the last generation that any block was made of, which without a journal nobody knows.
    generation_ = std::uint64_t(std::max<TimeMs>(1, system_clock().now_ms()));
    TRY_OK(append_to_file(journal(generation_), {}));
  }
  TRY_OK(read_names());
  count_bytes();
  return {};
}

void UsageRollups::Disk::save_names() {
  std::unordered_map<std::uint64_t, UsageName> added;
  {
    const std::scoped_lock lock(rollups_.mutex_);
    added.swap(rollups_.new_names_);
  }
  if (added.empty()) return;
  const auto path = std::filesystem::path(rollups_.options_.folder) / "names";
  std::string content;
  for (const auto& [number, name] : added) append_name(content, number, name);
  const std::string frame = framed(content);
  if (auto saved = append_to_file(path, frame); !saved) {
    failed(saved.error());
    const std::scoped_lock lock(rollups_.mutex_);
    rollups_.new_names_.merge(added);
    return;
  }
  names_bytes_ += frame.size();
  // Renaming an entity again and again would make the file grow for ever.
  const auto all = rollups_.names();
  if (names_bytes_ < kNamesSlackBytes + all.size() * 200) return;
  std::string anew;
  for (const auto& [number, name] : all) append_name(anew, number, name);
  const auto beside = std::filesystem::path(rollups_.options_.folder) / "names.new";
  (void)::unlink(beside.c_str());
  const std::string whole = framed(anew);
  if (!append_to_file(beside, whole) || ::rename(beside.c_str(), path.c_str()) != 0) return;
  names_bytes_ = whole.size();
}

void UsageRollups::Disk::save_fresh() {
  std::uint64_t added = 0;
  {
    const std::scoped_lock lock(rollups_.mutex_);
    added = rollups_.added_total();
    if (rollups_.fresh_.count == 0) return;
    rollups_.saving_ = std::exchange(rollups_.fresh_, {});
  }
  std::string content;
  // This thread alone changes them; others only look.
  for (const auto& [minute, cells] : rollups_.saving_.cells) {
    std::string bytes;
    for (const auto& [key, usage] : cells) append_cell(bytes, key, usage);
    append_varint(content, std::uint64_t(minute / kMinuteMs));
    append_varint(content, bytes.size());
    content += bytes;
  }
  {
    const std::scoped_lock lock(rollups_.mutex_);
    rollups_.open_.take(std::move(rollups_.saving_));
  }
  // What the journal does not take is still in memory, and in a block within a minute.
  if (auto saved = append_to_file(journal(generation_), framed(content)); !saved)
    return failed(saved.error());
  rollups_.saved_.store(added, std::memory_order_relaxed);
}

void UsageRollups::Disk::save(TimeMs now_ms) {
  save_names();
  save_fresh();
  std::size_t open = 0;
  {
    const std::scoped_lock lock(rollups_.mutex_);
    open = rollups_.open_.count;
  }
  if (sealed_ms_ == 0) sealed_ms_ = now_ms;
  const bool due = now_ms - sealed_ms_ >= kSealEveryMs || now_ms < sealed_ms_ ||
                   open > rollups_.options_.cells_max / 2;
  if (due && (now_ms < failed_ms_ || now_ms - failed_ms_ >= kRetryMs)) seal(now_ms);
}

void UsageRollups::Disk::seal(TimeMs now_ms) {
  std::shared_ptr<const Minutes> sealing;
  {
    const std::scoped_lock lock(rollups_.mutex_);
    sealing = std::make_shared<const Minutes>(std::exchange(rollups_.open_, {}));
    rollups_.sealing_ = sealing;
  }
  auto made = make_blocks(*sealing, now_ms);
  if (made) made = files_.commit();
  if (made) made = append_to_file(journal(generation_ + 1), {});
  if (!made) {
    failed(made.error());
    failed_ms_ = now_ms;
    added_.clear();
    files_.roll_back();
    const std::scoped_lock lock(rollups_.mutex_);
    working_ = published_;
    rollups_.open_ = *sealing;
    rollups_.sealing_.reset();
    return;
  }
  {
    const std::scoped_lock lock(rollups_.mutex_);
    for (BlockRef& block : added_) published_.add(std::move(block));
    rollups_.sealing_.reset();
  }
  added_.clear();
  (void)::unlink(journal(generation_).c_str());
  ++generation_;
  sealed_ms_ = now_ms;
  failed_ms_ = 0;
  forget_old(now_ms);
  count_bytes();
}

Result<void> UsageRollups::Disk::append(Level level, TimeMs start_ms, BlockWriter& block) {
  TRY(BlockRef made, files_.append(block.finish(level, start_ms, generation_)));
  working_.add(made);
  added_.push_back(std::move(made));
  return {};
}

Result<void> UsageRollups::Disk::make_blocks(const Minutes& minutes, TimeMs now_ms) {
  for (const auto& [minute, cells] : minutes.cells) {
    std::vector<const Cells::value_type*> sorted;
    sorted.reserve(cells.size());
    for (const auto& cell : cells) sorted.push_back(&cell);
    std::ranges::sort(sorted, {}, [](const auto* cell) -> const UsageKey& { return cell->first; });
    const auto write = [&](Level level, TimeMs start) -> Result<void> {
      BlockWriter block;
      for (const auto* cell : sorted) block.add(cell->first, cell->second);
      return append(level, start, block);
    };
    const TimeMs quarter = floor_to(minute, kQuarterMs), day = floor_to(minute, kDayMs);
    // Late calls belong to everything that was made of their minute without them. Whether a quarter
    // was made is asked before the minute is there.
    const bool late_quarter = working_.has(Level::quarter, quarter);
    const bool late_day = working_.has(Level::day, day);
    TRY_OK(write(Level::minute, minute));
    if (late_quarter) {
      TRY_OK(write(Level::quarter, quarter));
    }
    if (late_day) {
      TRY_OK(write(Level::day, day));
    }
  }
  TRY_OK(merge_due(Level::minute, Level::quarter, now_ms));
  return merge_due(Level::quarter, Level::day, now_ms);
}

// Makes blocks of `to` for the pieces of time that are over.
Result<void> UsageRollups::Disk::merge_due(Level from, Level to, TimeMs now_ms) {
  const TimeMs length = to == Level::day ? kDayMs : kQuarterMs;
  const auto& sources = working_.level(from);
  std::vector<TimeMs> due;
  for (auto at = sources.begin(); at != sources.end();) {
    const TimeMs start = floor_to(at->first, length);
    if (start + length + kGraceMs <= now_ms && !working_.has(to, start)) due.push_back(start);
    at = sources.lower_bound(start + length);
  }
  for (const TimeMs start : due) {
    TRY_OK(merge(from, to, start));
  }
  return {};
}

Result<void> UsageRollups::Disk::merge(Level from, Level to, TimeMs start_ms) {
  const TimeMs end = start_ms + (to == Level::day ? kDayMs : kQuarterMs);
  std::vector<std::string> parts;
  BlockReader reader;
  const auto& sources = working_.level(from);
  for (auto at = sources.lower_bound(start_ms); at != sources.end() && at->first < end; ++at) {
    for (const BlockRef& block : at->second) {
      auto part = reader.read(block, Part::cells);
      if (part)
        parts.push_back(*std::move(part));
      else
        failed(part.error());  // What is damaged is left out rather than hold up the rest.
    }
  }
  std::vector<CellReader> readers;
  readers.reserve(parts.size());
  for (const std::string& part : parts) readers.emplace_back(part, Detail::latencies);
  const auto later = [&](std::size_t a, std::size_t b) {
    return readers[a].key() > readers[b].key();
  };
  std::priority_queue<std::size_t, std::vector<std::size_t>, decltype(later)> next(later);
  for (std::size_t i = 0; i < readers.size(); ++i)
    if (readers[i].next()) next.push(i);
  BlockWriter block;
  while (!next.empty()) {
    const UsageKey key = readers[next.top()].key();
    Usage sum;
    while (!next.empty() && readers[next.top()].key() == key) {
      const std::size_t i = next.top();
      next.pop();
      sum.add(readers[i].usage());
      if (readers[i].next()) next.push(i);
    }
    block.add(key, sum);
  }
  return append(to, start_ms, block);
}

void UsageRollups::Disk::forget(const UsageFile& file) {
  const std::scoped_lock reading(reading_);
  {
    const std::scoped_lock lock(rollups_.mutex_);
    published_.forget(file);
  }
  working_.forget(file);
  files_.remove(file);
}

void UsageRollups::Disk::forget_old(TimeMs now_ms) {
  const auto forget_before = [&](Level level, TimeMs limit) {
    for (;;) {
      const auto& blocks = working_.level(level);
      if (blocks.empty()) return;
      const UsageFile file = *blocks.begin()->second.front().file;
      if (file.start_ms + BlockFiles::file_length(level) > limit) return;
      forget(file);
    }
  };
  forget_before(Level::minute, now_ms - rollups_.options_.minutes_ms);
  forget_before(Level::quarter, now_ms - rollups_.options_.quarters_ms);
  for (;;) {
    count_bytes();
    std::uint64_t bytes = 0;
    for (const auto& [path, size] : files_.sizes())
      if (path.filename().string().starts_with("minutes-")) bytes += size;
    const auto& minutes = working_.level(Level::minute);
    if (bytes <= rollups_.options_.minute_bytes_max || minutes.empty()) return;
    const UsageFile oldest = *minutes.begin()->second.front().file;
    const TimeMs end = oldest.start_ms + BlockFiles::file_length(Level::minute);
    if (end + kQuarterMs > now_ms) return;  // Its quarters are not all made yet.
    forget(oldest);
  }
}

void UsageRollups::Disk::count_bytes() {
  std::uint64_t bytes = 0;
  for (const auto& [path, size] : files_.sizes()) bytes += size;
  rollups_.bytes_.store(bytes, std::memory_order_relaxed);
}

void UsageRollups::Disk::visit(const UsageQuestion& question, const UsageVisitor& visitor) const {
  const std::shared_lock reading(reading_);
  std::vector<BlockRef> blocks;
  {
    const std::scoped_lock lock(rollups_.mutex_);
    rollups_.visit_memory(question, visitor);
    blocks = published_.cover(question.from_ms, question.to_ms, question.step_ms);
  }
  BlockReader reader;
  const Part part = question.by_key ? Part::cells : Part::totals;
  const Detail detail = question.latencies ? Detail::latencies : Detail::counts;
  for (const BlockRef& block : blocks) {
    const auto bytes = reader.read(block, part);
    if (!bytes) {
      rollups_.failures_.fetch_add(1, std::memory_order_relaxed);
      continue;
    }
    CellReader cells(*bytes, detail);
    while (cells.next())
      if (question.service == 0 || cells.key().service == question.service)
        visitor(block.start_ms, cells.key(), cells.usage());
  }
}

}  // namespace mlgate::analytics
