#pragma once
// The single calls of the last weeks, for the report by request. The writer thread adds rows to a
// batch; another thread writes what was added to a tail file every second, and each full batch as a
// compressed block to a segment file. The oldest segments go when they are too old or all are too
// large; what is dropped is counted. A block says in front whose calls it holds and of what time,
// so that a report reads little of what it does not show.
#include "analytics/counts.h"
#include "base/result.h"

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mlgate::analytics {

// How much of a caller's address is kept: all, the network (/24, /48), or nothing.
enum class AddressDetail : unsigned char { full, network, none };

struct RequestLogOptions {
  std::string folder;                                // Empty: in memory, the latest rows only.
  std::uint64_t bytes_max = std::uint64_t{2} << 30;  // Of all segments.
  TimeMs age_max_ms = 30 * kDayMs;
  std::uint64_t segment_bytes = std::uint64_t{16} << 20;
  std::size_t block_rows = 4'096;  // At most 65,535.
  AddressDetail addresses = AddressDetail::full;
};

// One call. Texts are those of the record, cut at 2 KiB; the URL bears no key.
struct RequestRow {
  UsageKey key;
  TimeMs time_ms = 0;
  std::uint64_t request_id[2] = {0, 0};
  std::uint16_t response_code = 0, backend_response_code = 0;
  CacheUse cache = CacheUse::none;
  std::uint64_t request_bytes = 0, response_bytes = 0;
  std::int64_t total_ns = 0, backend_ns = 0;
  std::string method, url, address;
};

struct RequestQuestion {
  std::uint64_t service = 0;
  TimeMs from_ms = 0, to_ms = 0;                // from <= time < to
  std::function<bool(const UsageKey&)> wanted;  // Empty: all.
  std::uint64_t skip = 0, top = 50;
};
struct RequestPage {
  std::vector<RequestRow> rows;  // Latest first.
  std::uint64_t count = 0;       // Of all that match.
};

struct RequestBatch;
class RequestFiles;

class RequestLog {
 public:
  // The folder is the process's alone.
  static Result<std::unique_ptr<RequestLog>> open(RequestLogOptions options);
  explicit RequestLog(RequestLogOptions options = {});  // In memory; open() otherwise.
  ~RequestLog();
  RequestLog(const RequestLog&) = delete;

  // Thread: the writer.
  void add(UsageRecords records);
  void add(const UsageRecord& record) {
    const UsageRecord* const one = &record;
    add(UsageRecords(&one, 1));
  }
  // Saves what was added. Thread: one, but the writer.
  void save(TimeMs now_ms);
  // Threads: any.
  RequestPage read(const RequestQuestion& question) const;

  // Rows that an end of the process would lose at the moment.
  std::uint64_t unsaved() const;
  // Rows that were never saved, because the disk was too slow or full.
  std::uint64_t dropped_total() const noexcept { return dropped_.load(std::memory_order_relaxed); }
  // Rows that went before their time, because there were too many bytes.
  std::uint64_t forgotten_total() const noexcept {
    return forgotten_.load(std::memory_order_relaxed);
  }
  std::uint64_t failures_total() const noexcept {
    return failures_.load(std::memory_order_relaxed);
  }
  std::uint64_t bytes_on_disk() const noexcept { return bytes_.load(std::memory_order_relaxed); }

 private:
  void close_batch();

  RequestLogOptions options_;
  mutable std::mutex mutex_;             // Of the batches.
  std::shared_ptr<RequestBatch> batch_;  // Being filled.
  // Oldest first; until they are in a segment.
  std::deque<std::shared_ptr<RequestBatch>> full_;
  std::shared_ptr<RequestBatch> spare_;  // For the next; its memory is there already.
  std::atomic<std::uint64_t> dropped_{0}, forgotten_{0}, bytes_{0};
  mutable std::atomic<std::uint64_t> failures_{0};
  std::unique_ptr<RequestFiles> files_;  // Null: in memory only.
};

}  // namespace mlgate::analytics
