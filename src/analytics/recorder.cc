#include "analytics/recorder.h"

#include <array>
#include <chrono>
#include <cstring>
#include <new>
#include <span>

namespace mlgate::analytics {

namespace {

constexpr std::size_t kTextBytesMax = 8 * 1024;  // Of one text of a record; longer ones are cut.
constexpr std::size_t kWriteBytes = 64 * 1024;   // The log is written in pieces of about this size.
constexpr std::size_t kTogether = 64;            // Records that are counted under one lock.
constexpr auto kPause = std::chrono::milliseconds(50);

constexpr std::string_view UsageRecord::* kTexts[] = {&UsageRecord::method,
                                                      &UsageRecord::scheme,
                                                      &UsageRecord::authority,
                                                      &UsageRecord::path,
                                                      &UsageRecord::query,
                                                      &UsageRecord::key_query_name,
                                                      &UsageRecord::caller_address,
                                                      &UsageRecord::client_protocol,
                                                      &UsageRecord::tls_version,
                                                      &UsageRecord::service_name,
                                                      &UsageRecord::api_name,
                                                      &UsageRecord::api_revision,
                                                      &UsageRecord::operation_name,
                                                      &UsageRecord::product_name,
                                                      &UsageRecord::subscription_name,
                                                      &UsageRecord::user_name,
                                                      &UsageRecord::backend_id,
                                                      &UsageRecord::backend_method,
                                                      &UsageRecord::backend_url,
                                                      &UsageRecord::backend_protocol,
                                                      &UsageRecord::backend_target,
                                                      &UsageRecord::error_source,
                                                      &UsageRecord::error_reason,
                                                      &UsageRecord::error_message,
                                                      &UsageRecord::error_scope,
                                                      &UsageRecord::error_section,
                                                      &UsageRecord::trace_state};

std::size_t take(ByteRing& ring, std::span<const UsageRecord*> to) noexcept {
  std::size_t count = 0;
  while (count < to.size()) {
    const auto bytes = ring.next();
    if (bytes.empty()) break;
    to[count++] = std::launder(reinterpret_cast<const UsageRecord*>(bytes.data()));
  }
  return count;
}

}  // namespace

// In the ring a record is a UsageRecord followed by its texts; the views are mended when it is
// read.
class Recorder::Sink final : public UsageSink {
 public:
  Sink(Recorder& recorder, std::size_t bytes) : recorder_(recorder), ring_(bytes) {}

  void started() noexcept override { counters_.started.add(); }
  bool record(const UsageRecord& record) noexcept override {
    counters_.ended.add();
    counters_.classes[std::size_t(classify(record.response_code))].add();
    counters_.request_bytes.add(record.request_bytes);
    counters_.response_bytes.add(record.response_bytes);
    std::size_t size = sizeof record;
    for (const auto text : kTexts) size += std::min((record.*text).size(), kTextBytesMax);
    const auto room = ring_.reserve(size);
    if (room.empty()) {
      counters_.dropped_records.add();
      return false;
    }
    auto* copy = ::new (room.data()) UsageRecord(record);
    char* out = room.data() + sizeof record;
    for (const auto text : kTexts) {
      const auto from = (record.*text).substr(0, kTextBytesMax);
      if (!from.empty()) std::memcpy(out, from.data(), from.size());
      copy->*text = {out, from.size()};
      out += from.size();
    }
    ring_.commit();
    if (ring_.half_full()) recorder_.wake();
    return true;
  }

  ByteRing& ring() noexcept { return ring_; }
  WorkerCounters& counters() noexcept { return counters_; }

 private:
  Recorder& recorder_;
  ByteRing ring_;
  WorkerCounters counters_;
};

Recorder::Recorder(RecorderOptions options)
    : options_(std::move(options)),
      series_(options_.series_max),
      file_({.path = options_.access_log_path,
             .bytes_max = options_.access_log_bytes_max,
             .files_kept = options_.access_logs_kept}) {
  for (std::size_t i = 0; i < options_.workers; ++i) {
    sinks_.push_back(std::make_unique<Sink>(*this, options_.ring_bytes));
  }
}

Result<std::unique_ptr<Recorder>> Recorder::start(RecorderOptions options) {
  std::unique_ptr<Recorder> out(new Recorder(std::move(options)));
  if (!out->options_.access_log_path.empty()) {
    TRY_OK(out->file_.open());
  }
  TRY(out->usage_, UsageStore::open(out->options_.usage, system_clock()));
  out->thread_ = std::thread([raw = out.get()] { raw->run(); });
  return out;
}

Recorder::~Recorder() { stop(); }

UsageSink& Recorder::sink(std::size_t index) noexcept { return *sinks_[index]; }

const WorkerCounters& Recorder::counters(std::size_t index) const noexcept {
  return sinks_[index]->counters();
}

void Recorder::wake() noexcept {
  if (awake_.exchange(true, std::memory_order_relaxed)) return;
  wake_.notify_one();
}

void Recorder::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
  if (usage_) usage_->stop();
}

void Recorder::flush() {
  std::unique_lock lock(mutex_);
  if (stopping_) return;
  const auto wanted = ++flush_wanted_;
  wake_.notify_one();
  flushed_.wait(lock, [&] { return flush_done_ >= wanted; });
}

std::uint64_t Recorder::dropped_total() const noexcept {
  std::uint64_t out = 0;
  for (const auto& sink : sinks_) out += sink->counters().dropped_records.read();
  return out;
}

void Recorder::write_out() {
  if (pending_.empty()) return;
  lost_.fetch_add(file_.write(pending_), std::memory_order_relaxed);
  pending_.clear();
}

void Recorder::drain() {
  std::array<const UsageRecord*, kTogether> records;
  for (const auto& sink : sinks_) {
    while (const std::size_t count = take(sink->ring(), records)) {
      const UsageRecords taken(records.data(), count);
      usage_->add(taken);
      series_.add(taken);
      for (const UsageRecord* record : taken) {
        if (file_.is_open()) format_.append(pending_, *record);
        if (record->sampled && options_.spans) options_.spans->offer(*record);
      }
      sink->ring().release();
      if (pending_.size() >= kWriteBytes) write_out();
    }
  }
}

void Recorder::run() {
  for (;;) {
    std::uint64_t wanted = 0;
    bool last = false;
    {
      std::unique_lock lock(mutex_);
      if (!stopping_ && flush_wanted_ == flush_done_) wake_.wait_for(lock, kPause);
      wanted = flush_wanted_;
      last = stopping_;
    }
    awake_.store(false, std::memory_order_relaxed);
    if (reopen_.exchange(false, std::memory_order_acquire) && file_.is_open()) {
      // A log that cannot be opened again goes on in the old file.
      if (auto opened = file_.open(); !opened) lost_.fetch_add(1, std::memory_order_relaxed);
    }
    drain();
    write_out();
    {
      const std::scoped_lock lock(mutex_);
      flush_done_ = std::max(flush_done_, wanted);
    }
    flushed_.notify_all();
    if (last) return;
  }
}

}  // namespace mlgate::analytics
