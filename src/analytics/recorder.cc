#include "analytics/recorder.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <new>

namespace mlgate::analytics {

namespace {

constexpr std::size_t kTextBytesMax = 8 * 1024;  // Of one text of a record; longer ones are cut.
constexpr std::size_t kWriteBytes = 64 * 1024;   // The log is written in pieces of about this size.
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
                                                      &UsageRecord::error_section};

}  // namespace

// In the ring a record is a UsageRecord followed by its texts; the views are mended when it is
// read.
class Recorder::Sink final : public UsageSink {
 public:
  Sink(Recorder& recorder, std::size_t bytes) : recorder_(recorder), ring_(bytes) {}

  bool record(const UsageRecord& record) noexcept override {
    std::size_t size = sizeof record;
    for (const auto text : kTexts) size += std::min((record.*text).size(), kTextBytesMax);
    const auto room = ring_.reserve(size);
    if (room.empty()) {
      dropped_.fetch_add(1, std::memory_order_relaxed);
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
  std::uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }

 private:
  Recorder& recorder_;
  ByteRing ring_;
  std::atomic<std::uint64_t> dropped_{0};
};

Recorder::Recorder(RecorderOptions options) : options_(std::move(options)) {
  for (std::size_t i = 0; i < options_.workers; ++i) {
    sinks_.push_back(std::make_unique<Sink>(*this, options_.ring_bytes));
  }
}

Result<std::unique_ptr<Recorder>> Recorder::start(RecorderOptions options) {
  std::unique_ptr<Recorder> out(new Recorder(std::move(options)));
  TRY_OK(out->open_log());
  out->thread_ = std::thread([raw = out.get()] { raw->run(); });
  return out;
}

Recorder::~Recorder() {
  stop();
  if (file_ >= 0) ::close(file_);
}

UsageSink& Recorder::sink(std::size_t index) noexcept { return *sinks_[index]; }

Result<void> Recorder::open_log() {
  if (options_.access_log_path.empty()) return {};
  const int fresh =
      ::open(options_.access_log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  if (fresh < 0) {
    return fail(Errc::unavailable, "cannot open the access log " + options_.access_log_path + ": " +
                                       std::strerror(errno));
  }
  if (file_ >= 0) ::close(file_);
  file_ = fresh;
  return {};
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
  for (const auto& sink : sinks_) out += sink->dropped();
  return out;
}

void Recorder::write_out() {
  std::string_view rest = pending_;
  while (file_ >= 0 && !rest.empty()) {
    const auto written = ::write(file_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      lost_.fetch_add(pending_lines_, std::memory_order_relaxed);
      break;
    }
    rest.remove_prefix(std::size_t(written));
  }
  pending_.clear();
  pending_lines_ = 0;
}

// True when there was something to read.
bool Recorder::drain() {
  bool any = false;
  for (const auto& sink : sinks_) {
    for (auto bytes = sink->ring().front(); !bytes.empty(); bytes = sink->ring().front()) {
      const auto& record = *std::launder(reinterpret_cast<const UsageRecord*>(bytes.data()));
      totals_.add(record);
      if (file_ >= 0) {
        format_.append(pending_, record);
        ++pending_lines_;
      }
      sink->ring().release();
      if (pending_.size() >= kWriteBytes) write_out();
      any = true;
    }
  }
  return any;
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
    if (reopen_.exchange(false, std::memory_order_acquire)) {
      write_out();
      // A log that cannot be opened again goes on in the old file.
      if (auto opened = open_log(); !opened) lost_.fetch_add(1, std::memory_order_relaxed);
    }
    (void)drain();
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
