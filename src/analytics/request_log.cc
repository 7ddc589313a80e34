#include "analytics/request_log.h"

#include "analytics/request_files_internal.h"
#include "analytics/request_rows_internal.h"

#include <algorithm>
#include <utility>

namespace mlgate::analytics {
namespace {

constexpr std::size_t kFullMax = 8;  // Batches that wait for the disk, of at most 4 MiB each.

// Adds what matches, latest first, to a page.
class PageFiller {
 public:
  PageFiller(const RequestQuestion& question, RequestPage& page)
      : question_(question), page_(page) {}

  bool is_wanted(const UsageKey& key) const {
    return (question_.service == 0 || key.service == question_.service) &&
           (!question_.wanted || question_.wanted(key));
  }
  bool is_in_time(TimeMs time) const { return time >= question_.from_ms && time < question_.to_ms; }
  bool holds_all(TimeMs min, TimeMs max) const { return is_in_time(min) && is_in_time(max); }
  bool touches(TimeMs min, TimeMs max) const {
    return max >= question_.from_ms && min < question_.to_ms;
  }
  // Whether none of so many matches would be on the page.
  bool is_off_page(std::uint64_t matches) const {
    return page_.count + matches <= question_.skip || page_.count >= question_.skip + question_.top;
  }
  void skip(std::uint64_t matches) { page_.count += matches; }
  // One match; true when its row is wanted.
  bool next() {
    const std::uint64_t at = page_.count++;
    return at >= question_.skip && at - question_.skip < question_.top;
  }
  void add(RequestRow row) { page_.rows.push_back(std::move(row)); }

 private:
  const RequestQuestion& question_;
  RequestPage& page_;
};

void fill_from(const RequestBatch& batch, PageFiller& page) {
  std::vector<bool> wanted;
  for (const UsageKey& key : batch.keys) wanted.push_back(page.is_wanted(key));
  for (std::size_t i = batch.times.size(); i-- > 0;) {
    if (!wanted[batch.which[i]] || !page.is_in_time(batch.times[i]) || !page.next()) continue;
    ByteReader in(batch.row(i));
    if (auto row = read_row(in)) page.add(*std::move(row));
  }
}

// The rows that stand at these places, which are in descending order.
Result<void> add_rows(const std::string& rows, const std::vector<std::size_t>& places,
                      PageFiller& page) {
  std::vector<RequestRow> found;
  ByteReader in(rows);
  auto next = places.rbegin();
  for (std::size_t i = 0; next != places.rend(); ++i) {
    auto row = read_row(in);
    if (!row) return fail(Errc::internal, "a damaged block of rows");
    if (i != *next) continue;
    found.push_back(*std::move(row));
    ++next;
  }
  for (auto row = found.rbegin(); row != found.rend(); ++row) page.add(std::move(*row));
  return {};
}

// Reads no more of a block than its keys when all or nothing of it matches and no row is shown.
Result<void> fill_from(const RequestBlock& block, RequestReader& reader, PageFiller& page) {
  const RequestBlockHead& head = block.head;
  TRY(const std::vector<KeyCalls> keys, reader.keys(block));
  std::vector<bool> wanted;
  std::uint64_t matches = 0;
  for (const KeyCalls& one : keys) {
    wanted.push_back(page.is_wanted(one.key));
    if (wanted.back()) matches += one.calls;
  }
  if (matches == 0) return {};
  if (page.is_off_page(matches) && page.holds_all(head.time_min, head.time_max)) {
    page.skip(matches);
    return {};
  }
  TRY(const RowIndex index, reader.index(block));
  std::vector<std::size_t> places;
  for (std::size_t i = index.times.size(); i-- > 0;)
    if (wanted[index.which[i]] && page.is_in_time(index.times[i]) && page.next())
      places.push_back(i);
  if (places.empty()) return {};
  TRY(const std::string rows, reader.rows(block));
  return add_rows(rows, places, page);
}

}  // namespace

RequestLog::RequestLog(RequestLogOptions options)
    : options_(std::move(options)), batch_(std::make_shared<RequestBatch>()) {
  options_.block_rows = std::clamp<std::size_t>(options_.block_rows, 1, 65'535);
}
RequestLog::~RequestLog() = default;

Result<std::unique_ptr<RequestLog>> RequestLog::open(RequestLogOptions options) {
  auto out = std::make_unique<RequestLog>(std::move(options));
  if (out->options_.folder.empty()) return out;
  out->files_ = std::make_unique<RequestFiles>(out->options_);
  TRY(const std::uint64_t next, out->files_->open());
  out->batch_->first = next;
  TRY_OK(out->files_->read_tail(*out->batch_));
  out->bytes_.store(out->files_->bytes(), std::memory_order_relaxed);
  return out;
}

void RequestLog::close_batch() {
  const std::uint64_t next = batch_->first + batch_->times.size();
  if (full_.size() >= kFullMax) {
    dropped_.fetch_add(full_.front()->times.size(), std::memory_order_relaxed);
    full_.pop_front();
  }
  full_.push_back(std::move(batch_));
  batch_ = spare_ ? std::exchange(spare_, nullptr) : std::make_shared<RequestBatch>();
  batch_->begin_again(next);
}

void RequestLog::add(UsageRecords records) {
  const std::scoped_lock lock(mutex_);
  for (const UsageRecord* record : records) {
    batch_->add(*record, options_.addresses);
    if (batch_->is_full(options_.block_rows)) close_batch();
  }
}

void RequestLog::save(TimeMs now_ms) {
  if (!files_) return;
  {
    // So that segments, which go as a whole, hold days and not months.
    const std::scoped_lock lock(mutex_);
    if (!batch_->times.empty() && batch_->times.front() < now_ms - kDayMs) close_batch();
  }
  for (;;) {
    std::shared_ptr<RequestBatch> batch;
    {
      const std::scoped_lock lock(mutex_);
      if (full_.empty()) break;
      batch = full_.front();
    }
    auto block = files_->append(*batch);
    if (!block) {
      failures_.fetch_add(1, std::memory_order_relaxed);
      return;  // It stays in memory until it succeeds or must make room.
    }
    const std::scoped_lock lock(mutex_);
    files_->publish(*std::move(block));
    if (!full_.empty() && full_.front() == batch) full_.pop_front();
    if (!batch->lent) spare_ = std::move(batch);
  }
  std::uint64_t first = 0;
  std::string rows;
  std::size_t saved = 0;
  {
    const std::scoped_lock lock(mutex_);
    RequestBatch& batch = *batch_;
    const std::size_t from = batch.saved == 0 ? 0 : batch.ends[batch.saved - 1];
    first = batch.first + batch.saved;
    saved = batch.times.size();
    rows = batch.rows.substr(from);
  }
  if (!rows.empty()) {
    if (files_->append_tail(first, rows)) {
      const std::scoped_lock lock(mutex_);
      // The batch may be full and gone meanwhile; then it will be a block.
      if (batch_->first <= first) batch_->saved = std::max(batch_->saved, saved);
    } else {
      failures_.fetch_add(1, std::memory_order_relaxed);
    }
  }
  forgotten_.fetch_add(files_->forget_old(now_ms, mutex_), std::memory_order_relaxed);
  bytes_.store(files_->bytes(), std::memory_order_relaxed);
}

std::uint64_t RequestLog::unsaved() const {
  if (!files_) return 0;
  const std::scoped_lock lock(mutex_);
  std::uint64_t out = batch_->times.size() - batch_->saved;
  for (const auto& batch : full_) out += batch->times.size() - batch->saved;
  return out;
}

RequestPage RequestLog::read(const RequestQuestion& question) const {
  RequestPage out;
  PageFiller page(question, out);
  std::deque<std::shared_ptr<RequestBatch>> full;
  std::vector<RequestBlock> blocks;
  {
    const std::scoped_lock lock(mutex_);
    fill_from(*batch_, page);
    full = full_;
    for (const auto& batch : full) batch->lent = true;
    if (files_) blocks = files_->blocks();
  }
  for (auto batch = full.rbegin(); batch != full.rend(); ++batch) fill_from(**batch, page);
  RequestReader reader;
  for (auto block = blocks.rbegin(); block != blocks.rend(); ++block) {
    if (!page.touches(block->head.time_min, block->head.time_max)) continue;
    if (!fill_from(*block, reader, page)) failures_.fetch_add(1, std::memory_order_relaxed);
  }
  return out;
}

}  // namespace mlgate::analytics
