#include "batch/runner.h"

#include "base/crash_point.h"
#include "base/text.h"
#include "batch/runner_internal.h"
#include "http/message.h"
#include "table/arff.h"
#include "table/csv.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace mlgate::batch {
namespace {

constexpr std::size_t kScorersMax = 16;  // Kept compiled.
constexpr std::uint64_t kPartsMax = 20'000;
constexpr std::size_t kBlockBytesMax = std::size_t{64} << 20;
constexpr std::uint64_t kReportHeaderPart = 0xFF'FFFF'FFFF;  // Behind every part.
constexpr std::size_t kHeaderBytesMax = std::size_t{16} << 20;

Error lost() { return {Errc::closed, "the work was given to another worker or ended"}; }

constexpr std::string_view kStoreField = "store";

// Trouble of the store is not the job's: it passes, and the piece is tried again.
Result<void> of_store(Result<void> done) {
  if (done || done.error().code() == Errc::closed || done.error().code() == Errc::conflict)
    return done;
  return fail(done.error().code(), done.error().message(), std::string(kStoreField));
}

bool ends_job(const Error& error) {
  return error.code() != Errc::closed && error.field() != kStoreField;
}

// An outage of the storage; not that it refuses something.
bool may_pass(const Error& error) {
  return error.code() == Errc::unavailable || error.code() == Errc::timeout;
}

std::string ending(const std::string& text, std::string_view job) {
  return text + (text.ends_with('.') ? "" : ".") + " requestId = " + std::string(job);
}

Result<std::string> read_all(blob::BlobFile& file, const std::string& etag, std::uint64_t begin,
                             std::uint64_t bytes) {
  std::string text;
  // Filled at once below, but for what is only there to be readable.
  text.resize_and_overwrite(
      std::size_t(bytes) + RecordScan::kReadBeyond, [](char* room, std::size_t all) {
        std::memset(room + all - RecordScan::kReadBeyond, 0, RecordScan::kReadBeyond);
        return all;
      });
  TRY(const std::size_t size, file.read(begin, std::span(text).first(std::size_t(bytes)), etag));
  if (size != bytes) return fail(Errc::conflict, "The blob is shorter than it was.");
  return text;
}

// What of a part was read, and where its records end.
struct Window {
  std::string bytes;  // With padding behind `size`.
  std::size_t size = 0, header = 0;
  std::vector<std::size_t> ends;  // Of records, counted behind the header.
  bool reaches_end = false;       // Of the input.
  std::string_view rows() const noexcept {
    return std::string_view(bytes).substr(header, size - header);
  }
};

Result<std::size_t> header_bytes(Format format, std::string_view bytes, bool complete) {
  if (format == Format::arff) {
    const auto begin = table::arff_data_begin(bytes);
    return begin ? *begin : complete ? bytes.size() : 0;
  }
  RecordScan scan(format);
  scan.advance(bytes);
  if (complete) scan.finish();
  return scan.ends().empty() ? 0 : scan.ends().front();
}

}  // namespace

std::string place_text(std::string_view kind, const OpenPort& port) {
  return std::string(kind) + " " + port.name + " (" + port.location + ")";
}

Result<blob::BlobAddress> locate(blob::BlobOpener& opener, const JobSpec& spec,
                                 const BlobReference& reference, const std::string& own_account) {
  if (!reference.connection_string.empty()) {
    TRY(const auto connection, blob::parse_connection_string(reference.connection_string));
    return blob::address_of(connection, reference.relative_location);
  }
  if (!reference.base_location.empty())
    return blob::address_of(reference.base_location, reference.relative_location,
                            reference.sas_token);
  return opener.own_address(own_account, spec.workspace, reference.relative_location);
}

BlobReference report_reference(const JobSpec& spec, const std::string& own_account) {
  BlobReference reference = spec.outputs.front().blob;
  std::string token = reference.sas_token;
  if (const auto connection = blob::parse_connection_string(reference.connection_string);
      connection && !reference.connection_string.empty())
    token = connection->sas;
  if (token.starts_with('?')) token.erase(0, 1);
  if (http::query_parameter(token, "sr") == "b" && !own_account.empty()) {
    const std::string name = spec.id + "/" + spec.outputs.front().port;
    reference = {
        .connection_string = {}, .relative_location = name, .base_location = {}, .sas_token = {}};
  }
  reference.relative_location += ".errors.csv";
  return reference;
}

Runner::Runner(Parts parts, RunnerOptions options)
    : parts_(std::move(parts)), options_(std::move(options)) {}
Runner::~Runner() = default;

Result<std::shared_ptr<const ml::Scorer>> Runner::scorer_of(const std::string& digest) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::ranges::find(scorers_, digest, [](const auto& e) { return e.first; });
    if (found != scorers_.end()) {
      scorers_.splice(scorers_.begin(), scorers_, found);
      return scorers_.front().second;
    }
  }
  const auto text = parts_.ledger.graph(digest);
  if (!text && text.error().code() != Errc::not_found)
    return fail(text.error().code(), text.error().message(), std::string(kStoreField));
  if (!text) return std::unexpected(text.error());
  TRY(const Json json, Json::parse(*text));
  TRY(const ml::Graph graph, ml::Graph::parse(json));
  TRY(auto scorer, ml::compile_scorer(graph, parts_.catalogue, parts_.datasets));
  const std::lock_guard lock(mutex_);
  scorers_.emplace_front(digest, scorer);
  if (scorers_.size() > kScorersMax) scorers_.pop_back();
  return scorer;
}

Result<void> Runner::open_blobs(OpenJob& job, const JobSpec& spec) {
  const auto open = [&](std::string_view kind, const std::string& port,
                        const BlobReference& reference, bool own) -> Result<OpenPort> {
    OpenPort opened;
    opened.name = port;
    TRY(const blob::BlobAddress address,
        locate(parts_.opener, spec, reference, options_.own_account));
    opened.location = address.place.container + "/" + address.place.blob;
    opened.format = format_of(address.place.blob).value_or(Format::csv);
    auto file = parts_.opener.open(address);
    if (!file) return std::unexpected(std::move(file).error().within(place_text(kind, opened)));
    opened.file = *std::move(file);
    if (own) {
      TRY_OK(opened.file->ensure_container());
    }
    return opened;
  };
  const auto find = [](const std::vector<PortBlob>& blobs,
                       const std::string& port) -> const PortBlob* {
    const auto found = std::ranges::find(blobs, port, &PortBlob::port);
    return found == blobs.end() ? nullptr : &*found;
  };
  for (const ml::ScorerPort& port : job.scorer->inputs()) {
    const PortBlob* blob = find(spec.inputs, port.name);
    if (!blob) return fail(Errc::internal, "the job has no input \"" + port.name + "\"");
    TRY(OpenPort opened, open("Input", port.name, blob->blob, false));
    job.inputs.push_back(std::move(opened));
  }
  for (const ml::ScorerPort& port : job.scorer->outputs()) {
    const PortBlob* blob = find(spec.outputs, port.name);
    if (!blob) return fail(Errc::internal, "the job has no output \"" + port.name + "\"");
    TRY(OpenPort opened, open("Output", port.name, blob->blob, is_own(blob->blob)));
    job.outputs.push_back(std::move(opened));
  }
  if (spec.row_errors == RowErrors::skip) {
    const BlobReference place = report_reference(spec, options_.own_account);
    TRY(job.report, open("Report", "skipped rows", place, is_own(place)));
  }
  return {};
}

Result<std::shared_ptr<OpenJob>> Runner::open(const Assignment& assignment) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = open_.find(assignment.spec.id); found != open_.end())
      return found->second;
  }
  const auto job = std::make_shared<OpenJob>();
  job->spec = assignment.spec;
  TRY(job->scorer, scorer_of(assignment.spec.graph));
  for (const auto& [name, value] : assignment.spec.globals.members())
    job->globals.emplace(name, value);
  TRY_OK(open_blobs(*job, assignment.spec));
  job->whole = job->inputs.size() != 1 || !job->scorer->row_wise();
  if (!job->inputs.empty()) {
    auto stat = job->inputs.front().file->stat();
    if (!stat) {
      return fail(stat.error().code() == Errc::closed ? Errc::internal : stat.error().code(),
                  "Unable to access the provided Azure blob - " + job->inputs.front().location +
                      ".  Azure error message: " + stat.error().message());
    }
    job->stat = *std::move(stat);
  }
  const std::lock_guard lock(mutex_);
  return open_.try_emplace(assignment.spec.id, job).first->second;
}

void Runner::forget(std::string_view job) {
  const std::lock_guard lock(mutex_);
  if (const auto found = open_.find(job); found != open_.end()) open_.erase(found);
}

bool Runner::is_open(std::string_view job) const {
  const std::lock_guard lock(mutex_);
  return open_.contains(job);
}

std::vector<std::string> Runner::kept() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> jobs;
  for (const auto& [job, opened] : open_) jobs.push_back(job);
  return jobs;
}

namespace {

// Reads the part from its begin: to its known end, or as far as whole records go within the size
// of a part.
Result<Window> read_part(const OpenJob& job, const Part& part, const RunnerOptions& options) {
  const std::uint64_t input = job.stat.bytes;
  const OpenPort& port = job.inputs.front();
  const std::uint64_t step = std::max<std::uint64_t>(options.part_bytes, input / kPartsMax + 1);
  std::uint64_t bytes = std::min(step, input - std::min(part.begin, input));
  if (part.end != kUnknown) bytes = part.end - part.begin;
  for (;;) {
    Window window;
    TRY(window.bytes, read_all(*port.file, job.stat.etag, part.begin, bytes));
    window.size = std::size_t(bytes);
    window.reaches_end = part.begin + bytes >= input;
    const bool complete = window.reaches_end || part.end != kUnknown;
    const std::string_view text = std::string_view(window.bytes).substr(0, window.size);
    if (part.number == 0) {
      TRY(window.header, header_bytes(port.format, text, complete));
    }
    const bool headed = part.number != 0 || window.header > 0 || complete;
    if (headed) {
      RecordScan scan(port.format);
      scan.advance(window.rows());
      if (complete) scan.finish();
      window.ends = scan.ends();
      if (!complete && !window.ends.empty()) window.size = window.header + window.ends.back();
      if (complete || !window.ends.empty()) return window;
    }
    if (bytes > options.record_bytes_max + kHeaderBytesMax) {
      return fail(Errc::exhausted, place_text("Input", port) + ": Row " +
                                       std::to_string(part.row + 1) +
                                       " is longer than the limit of " +
                                       std::to_string(options.record_bytes_max) + " bytes.");
    }
    bytes = std::min(2 * bytes, input - part.begin);
  }
}

Result<std::string> header_of_input(OpenJob& job, std::uint64_t bytes) {
  const std::lock_guard lock(job.mutex);
  if (!job.header.empty()) return job.header;
  TRY(job.header, read_all(*job.inputs.front().file, job.stat.etag, 0, bytes));
  job.header.resize(std::size_t(bytes));
  return job.header;
}

// Reads all inputs and scores them at once, for services whose rows depend on each other.
Result<std::vector<table::Table>> score_whole(const OpenJob& job, const RunnerOptions& options) {
  std::vector<table::Table> tables;
  for (std::size_t i = 0; i < job.inputs.size(); ++i) {
    const OpenPort& port = job.inputs[i];
    TRY(const auto stat, port.file->stat());
    if (stat.bytes > options.whole_bytes_max) {
      return fail(Errc::exhausted, place_text("Input", port) +
                                       ": the service needs all rows at once, and the blob "
                                       "is larger than the limit of " +
                                       std::to_string(options.whole_bytes_max) + " bytes.");
    }
    TRY(std::string text, read_all(*port.file, stat.etag, 0, stat.bytes));
    text.resize(std::size_t(stat.bytes));
    const auto reader = make_row_reader(
        port.format, {.schema = job.scorer->inputs()[i].schema, .rows_per_table = table::kAllRows});
    reader->feed(text);
    reader->finish();
    auto table = reader->next();
    if (!table) return std::unexpected(std::move(table).error().within(place_text("Input", port)));
    if (!*table) return fail(Errc::internal, "a reader gave no table");
    tables.push_back(**std::move(table));
  }
  return job.scorer->score(tables, job.globals);
}

std::vector<BlockWriter> block_writers(const OpenJob& job, const Assignment& assignment,
                                       std::size_t block_bytes) {
  std::vector<BlockWriter> outputs;
  for (const OpenPort& port : job.outputs)
    outputs.emplace_back(port, job.spec.id, assignment.part.number, assignment.lease.epoch,
                         block_bytes);
  return outputs;
}

// A result of fewer parts than were done would look like a good one.
Result<void> check_complete(const std::vector<PartResult>& parts, std::uint64_t done) {
  bool complete = parts.size() == done;
  for (std::size_t i = 0; i < parts.size(); ++i) complete &= parts[i].number == i;
  if (complete) return {};
  return fail(Errc::internal, "Of " + std::to_string(done) + " parts of the result " +
                                  std::to_string(parts.size()) + " are known");
}

// What is committed replaces what was there, so that `check` is asked before each blob whether the
// result is still wanted.
Result<void> commit_outputs(const OpenJob& job, const std::vector<PartResult>& parts,
                            const std::function<Result<void>()>& check) {
  const std::size_t ports = job.outputs.size() + 1;
  for (std::size_t i = 0; i < ports; ++i) {
    const bool report = i == job.outputs.size();
    const OpenPort& port = report ? job.report : job.outputs[i];
    std::vector<std::string> ids;
    for (const PartResult& part : parts) {
      if (part.blocks.size() != ports)
        return fail(Errc::internal, "A part has another number of outputs than the job");
      for (std::uint64_t b = 0; b < part.blocks[i]; ++b)
        ids.push_back(block_id(job.spec.id, part.number, part.epoch, b));
    }
    if (report && !port.file) continue;
    // Which part skips the first row shows in the end. Without any, the report of an earlier job
    // gives way to an empty one.
    if (report) {
      ids.insert(ids.begin(), block_id(job.spec.id, kReportHeaderPart, 0, 0));
      auto staged = port.file->put_block(ids.front(), report_header());
      if (!staged)
        return std::unexpected(std::move(staged).error().within(place_text("Report", port)));
    }
    if (ids.size() > blob::kBlocksMax)
      return fail(Errc::exhausted, place_text("Output", port) + ": the result has more than " +
                                       std::to_string(blob::kBlocksMax) +
                                       " blocks; split the input.");
    TRY_OK(check());
    crash_point();
    auto done = port.file->commit(ids, content_type_of(report ? Format::csv : port.format));
    crash_point();
    if (!done) return std::unexpected(std::move(done).error().within(place_text("Output", port)));
  }
  return {};
}

}  // namespace

Result<void> Runner::run_part(const Assignment& assignment,
                              const std::function<bool()>& still_held) {
  TRY(const auto job, open(assignment));
  const Work& work = assignment.work;
  if (!work.etag.empty() && work.etag != job->stat.etag)
    return fail(Errc::conflict, "The input was changed while the job ran");
  // Larger blocks where there would be more than a blob can have.
  const std::size_t block_bytes =
      std::clamp(std::size_t(job->stat.bytes / 2'000), options_.block_bytes,
                 std::max(options_.block_bytes, kBlockBytesMax));
  std::vector<BlockWriter> outputs = block_writers(*job, assignment, block_bytes);
  BlockWriter report(job->report, job->spec.id, assignment.part.number, assignment.lease.epoch,
                     block_bytes);
  PartResult result{.number = assignment.part.number, .epoch = assignment.lease.epoch};
  Ledger::Boundary boundary{.etag = job->stat.etag, .input_bytes = job->stat.bytes};
  bool alone = true;
  if (job->whole) {
    TRY(const auto tables, score_whole(*job, options_));
    for (std::size_t i = 0; i < tables.size(); ++i) {
      append_header(outputs[i].buffer(), job->outputs[i].format, tables[i].schema());
      append_rows(outputs[i].buffer(), job->outputs[i].format, tables[i]);
      TRY_OK(outputs[i].finish());
    }
    result.rows = tables.empty() ? 0 : tables.front().rows;
    boundary.end = job->stat.bytes;
    boundary.at_end = true;
  } else {
    TRY(const Window window, read_part(*job, assignment.part, options_));
    boundary.header_bytes = window.header;
    boundary.end = assignment.part.begin + window.size;
    boundary.rows = window.ends.size();
    boundary.at_end = boundary.end == job->stat.bytes;
    alone = assignment.part.number == 0 && boundary.at_end;
    if (!alone && assignment.part.end == kUnknown) {
      TRY_OK(of_store(parts_.ledger.set_boundary(assignment, boundary)));
    }
    std::string header = window.bytes.substr(0, window.header);
    if (assignment.part.number != 0) {
      TRY(header, header_of_input(*job, work.header_bytes));
    }
    PartScorer scorer(*job, options_, outputs, report);
    TRY_OK(scorer.run({.header = header,
                       .bytes = window.rows(),
                       .ends = window.ends,
                       .rows_before = assignment.part.row,
                       .writes_header = assignment.part.number == 0},
                      still_held));
    result.rows = scorer.rows();
    result.rows_skipped = scorer.skipped();
  }
  for (const BlockWriter& output : outputs) result.blocks.push_back(output.blocks());
  result.blocks.push_back(report.blocks());
  if (!alone) return of_store(parts_.ledger.complete(assignment, result));
  TRY_OK(commit_outputs(*job, {result}, [&] { return of_store(parts_.ledger.check(assignment)); }));
  return of_store(parts_.ledger.finish_whole(assignment, boundary, result));
}

Result<void> Runner::run_finish(const Assignment& assignment) {
  if (!assignment.work.failure) {
    TRY(const auto job, open(assignment));
    const auto parts = parts_.ledger.results(assignment);
    if (!parts) return of_store(std::unexpected(parts.error()));
    TRY_OK(check_complete(*parts, assignment.work.done));
    TRY_OK(commit_outputs(*job, *parts, [&] { return of_store(parts_.ledger.check(assignment)); }));
  }
  return of_store(parts_.ledger.finish(assignment, std::nullopt));
}

Result<void> Runner::run(const Assignment& assignment, const std::function<bool()>& still_held) {
  Result<void> done;
  try {
    done = assignment.kind == Assignment::Kind::finish ? run_finish(assignment)
                                                       : run_part(assignment, still_held);
  } catch (const std::bad_alloc&) {
    done = fail(Errc::exhausted, "There is no memory left for a part of the input.");
  }
  if (done || !ends_job(done.error())) return done;
  if (!still_held()) return std::unexpected(lost());
  // Where the storage never answered, its name is more likely to be wrong.
  const bool answered = is_open(assignment.spec.id) || assignment.work.input_bytes != kUnknown;
  if (answered && may_pass(done.error())) {
    const auto later = parts_.ledger.put_off(assignment, done.error().message());
    if (!later) return of_store(std::unexpected(later.error()));
    if (*later) return {};
  }
  const std::string text = ending(done.error().message(), assignment.spec.id);
  return of_store(assignment.kind == Assignment::Kind::finish
                      ? parts_.ledger.finish(assignment, text)
                      : parts_.ledger.give_up(assignment, text));
}

Result<void> Runner::drop_blocks(const JobSpec& spec) {
  OpenJob job;
  TRY(job.scorer, scorer_of(spec.graph));
  TRY_OK(open_blobs(job, spec));
  for (const OpenPort& port : job.outputs) {
    TRY_OK(port.file->discard_blocks(spec.id));
  }
  return job.report.file ? job.report.file->discard_blocks(spec.id) : Result<void>();
}

Result<void> Runner::remove_blob(const JobSpec& spec, const BlobReference& reference) {
  TRY(const auto address, locate(parts_.opener, spec, reference, options_.own_account));
  TRY(const auto file, parts_.opener.open(address));
  return file->remove();
}

Result<void> Runner::clean_up(const JobRecord& record) {
  const JobSpec& spec = record.spec;
  Result<void> done;
  if (record.expired) {
    for (const PortBlob& output : spec.outputs)
      if (is_own(output.blob)) done = remove_blob(spec, output.blob);
    if (spec.row_errors == RowErrors::skip) {
      const BlobReference report = report_reference(spec, options_.own_account);
      if (is_own(report)) done = remove_blob(spec, report);
    }
    return done;
  }
  if (record.state != JobState::finished) done = drop_blocks(spec);
  if (!spec.delete_inputs) return done;
  for (const PortBlob& input : spec.inputs) done = remove_blob(spec, input.blob);
  return done;
}

}  // namespace mlgate::batch
