#pragma once
// What is known of a batch job, and its two documents. The job document is the record that callers
// ask for; it is written at submit, at start and at the end. The work document exists while a job
// waits or runs: it says which pieces of the input (parts) are done, who works on which, and where
// the next one begins. Whoever changes work has to have read what it replaces, so every change is
// decided on one truth, whatever the number of processes.
#include "base/json.h"
#include "base/result.h"
#include "base/time.h"
#include "store/store.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::batch {

// A blob as callers name it: a connection string and a path, or a base address, a path and a token.
struct BlobReference {
  std::string connection_string, relative_location, base_location, sas_token;
};

struct PortBlob {
  std::string port;  // "input1"
  BlobReference blob;
};

enum class RowErrors : unsigned char {
  fail,  // The first row that cannot be scored fails the job.
  skip   // Such rows are left out and written to a blob beside the first output.
};

enum class JobState : unsigned char { not_started, queued, running, failed, cancelled, finished };
// "NotStarted", "Queued", "Running", …
std::string_view name_of(JobState state) noexcept;
// As the status of the batch dialect names it: a queued job has not started.
std::string_view status_code(JobState state) noexcept;
bool is_final(JobState state) noexcept;

struct JobSpec {
  std::string id;  // 32 hex digits; later jobs have smaller ids, so lists begin with the latest.
  std::string workspace, service, endpoint;  // Ids.
  std::string caller;                        // Who shares the queue fairly: a subscription, or "".
  std::string graph;                         // Digest of the published graph that scores.
  std::vector<PortBlob> inputs, outputs;
  Json globals = Json::object();
  RowErrors row_errors = RowErrors::fail;
  bool delete_inputs = false;  // When the job has ended, however.
  TimeMs created_ms = 0;
};

// Whether the blob lies in the workspace's own container, since the caller named no place.
inline bool is_own(const BlobReference& reference) noexcept {
  return reference.connection_string.empty() && reference.base_location.empty();
}
bool has_own_output(const JobSpec& spec) noexcept;

struct JobRecord {
  JobSpec spec;
  JobState state = JobState::not_started;  // `running` stands for queued and running, see Work.
  // `running_ms`, when its first piece was taken, is in the work until the job ends.
  TimeMs started_ms = 0, running_ms = 0, ended_ms = 0;
  std::string details;  // Of a failed job.
  std::uint64_t rows = 0, rows_skipped = 0, input_bytes = 0;
  bool expired = false;  // The record has gone by age, and its results in our container follow.
  std::uint64_t version = 0;

  std::string document(const store::Vault& vault) const;
  static Result<JobRecord> parse(const store::Document& document, const store::Vault& vault);
};

std::string new_job_id(TimeMs now);

inline constexpr std::uint64_t kUnknown = std::numeric_limits<std::uint64_t>::max();

// The right to do one piece of a job until somebody with a higher epoch has it.
struct Lease {
  std::string worker;       // Empty: given back, free for all.
  std::uint64_t epoch = 0;  // Unique in the job.
};

struct Part {
  std::uint64_t number = 0;
  std::uint64_t begin = 0, end = kUnknown;  // Bytes of the input.
  std::uint64_t row = 0;                    // Data rows before it.
  unsigned tries = 1;                       // How often it was begun.
  Lease lease;
};

struct Failure {
  std::uint64_t part = 0;
  std::string text;
};

struct Work {
  std::string job, endpoint, caller;
  TimeMs queued_ms = 0, running_ms = 0;
  bool running = false;
  std::uint64_t epoch = 0;  // The last one given out.
  // The input as it was when its first part was begun; it has to stay so.
  std::string etag;
  std::uint64_t input_bytes = kUnknown, header_bytes = 0;
  // Where the next part begins. While `cursor_busy`, the last part's end is not known yet.
  std::uint64_t next_part = 0, next_begin = 0, next_row = 0;
  bool cursor_busy = false, at_end = false;
  std::vector<Part> parts;  // Under way.
  std::uint64_t done = 0, bytes_done = 0, rows_done = 0, rows_skipped = 0;
  std::optional<Failure> failure;  // The one with the lowest part.
  bool finishing = false;
  unsigned finish_tries = 0;
  Lease finisher;
  // How often in a row the storage failed, what it said last, and when it is asked again.
  unsigned troubles = 0;
  std::string trouble;
  TimeMs resume_ms = 0;
  std::uint64_t version = 0;

  std::string document() const;
  static Result<Work> parse(const store::Document& document);
  const Part* find(std::uint64_t number, std::uint64_t epoch) const noexcept;
  Part* find(std::uint64_t number, std::uint64_t epoch) noexcept;
};

// The longest pause of a job whose storage fails.
inline constexpr TimeMs kPutOffMax = 60'000;
// Whether the job waits for its storage. A clock that jumps changes how long, and nothing else.
inline bool is_put_off(const Work& work, TimeMs now) noexcept {
  return now < work.resume_ms && work.resume_ms - now <= kPutOffMax;
}

// How long the rest of a running job takes, as fast as it went so far; nullopt while it shows no
// progress.
std::optional<TimeMs> time_left(const Work& work, TimeMs now) noexcept;

// What a part came to: how many blocks each output has of it.
struct PartResult {
  std::uint64_t number = 0, epoch = 0;
  std::uint64_t rows = 0, rows_skipped = 0;
  std::vector<std::uint64_t> blocks;  // By output; the last one is the report of skipped rows.

  std::string document() const;
  static Result<PartResult> parse(const store::Document& document);
};

}  // namespace mlgate::batch
