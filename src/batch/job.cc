#include "batch/job.h"

#include "base/crypto.h"
#include "base/text.h"

#include <algorithm>

namespace mlgate::batch {
namespace {

constexpr std::string_view kNames[] = {"NotStarted", "Queued",    "Running",
                                       "Failed",     "Cancelled", "Finished"};

std::string place_of(const JobSpec& spec) { return "bes.job/" + spec.endpoint + "/" + spec.id; }

void write_blobs(JsonWriter& out, const std::vector<PortBlob>& blobs) {
  out.array();
  for (const PortBlob& one : blobs) {
    out.object().field("port", one.port);
    out.field("connection", one.blob.connection_string);
    out.field("relative", one.blob.relative_location);
    out.field("base", one.blob.base_location).field("sas", one.blob.sas_token).end();
  }
  out.end();
}

std::vector<PortBlob> read_blobs(const Json& json) {
  std::vector<PortBlob> blobs;
  for (const Json& one : json.items()) {
    blobs.push_back({.port = std::string(one.string_or("port")),
                     .blob = {.connection_string = std::string(one.string_or("connection")),
                              .relative_location = std::string(one.string_or("relative")),
                              .base_location = std::string(one.string_or("base")),
                              .sas_token = std::string(one.string_or("sas"))}});
  }
  return blobs;
}

// Unsigned numbers go through text, because JSON numbers are read as signed ones.
std::uint64_t number_in(const Json& json, std::string_view name, std::uint64_t otherwise = 0) {
  const Json& value = json[name];
  return value.is_number() ? parse_uint(value.number_text()).value_or(otherwise) : otherwise;
}

void write_lease(JsonWriter& out, const Lease& lease) {
  out.field("worker", lease.worker).field("epoch", lease.epoch);
}

Lease read_lease(const Json& json) {
  return {.worker = std::string(json.string_or("worker")), .epoch = number_in(json, "epoch")};
}

}  // namespace

std::string_view name_of(JobState state) noexcept { return kNames[std::size_t(state)]; }

std::string_view status_code(JobState state) noexcept {
  return name_of(state == JobState::queued ? JobState::not_started : state);
}

bool is_final(JobState state) noexcept {
  return state == JobState::failed || state == JobState::cancelled || state == JobState::finished;
}

bool has_own_output(const JobSpec& spec) noexcept {
  return std::ranges::any_of(spec.outputs,
                             [](const PortBlob& output) { return is_own(output.blob); });
}

std::string new_job_id(TimeMs now) {
  constexpr std::uint64_t kLast = (std::uint64_t{1} << 48) - 1;
  const std::uint64_t left = kLast - (std::uint64_t(std::max<TimeMs>(now, 0)) & kLast);
  std::string bytes;
  for (int shift = 40; shift >= 0; shift -= 8) bytes += char((left >> shift) & 0xFF);
  return to_hex(bytes + random_bytes(10));
}

std::string JobRecord::document(const store::Vault& vault) const {
  // Connection strings and tokens are secrets; all of the references are sealed together.
  JsonWriter blobs;
  blobs.object().key("inputs");
  write_blobs(blobs, spec.inputs);
  blobs.key("outputs");
  write_blobs(blobs, spec.outputs);
  blobs.key("globals");
  spec.globals.write(blobs);
  blobs.end();
  JsonWriter out;
  out.object().field("id", spec.id).field("workspace", spec.workspace);
  out.field("service", spec.service).field("endpoint", spec.endpoint);
  out.field("caller", spec.caller).field("graph", spec.graph);
  out.field("blobs", vault.seal(blobs.text(), place_of(spec)));
  out.field("skip", spec.row_errors == RowErrors::skip);
  if (spec.delete_inputs) out.field("deleteInputs", true);
  if (expired) out.field("expired", true);
  out.field("state", int(state)).field("created", spec.created_ms);
  out.field("started", started_ms).field("running", running_ms);
  out.field("ended", ended_ms).field("details", details);
  out.field("rows", rows).field("skipped", rows_skipped).field("bytes", input_bytes).end();
  return std::move(out).text();
}

Result<JobRecord> JobRecord::parse(const store::Document& document, const store::Vault& vault) {
  TRY(const Json json, Json::parse(document.body));
  JobRecord record;
  JobSpec& spec = record.spec;
  spec.id = json.string_or("id");
  spec.workspace = json.string_or("workspace");
  spec.service = json.string_or("service");
  spec.endpoint = json.string_or("endpoint");
  spec.caller = json.string_or("caller");
  spec.graph = json.string_or("graph");
  TRY(const std::string text, vault.unseal(json.string_or("blobs"), place_of(spec)));
  TRY(const Json blobs, Json::parse(text));
  spec.inputs = read_blobs(blobs["inputs"]);
  spec.outputs = read_blobs(blobs["outputs"]);
  spec.globals = blobs["globals"];
  spec.row_errors = json.bool_or("skip", false) ? RowErrors::skip : RowErrors::fail;
  spec.delete_inputs = json.bool_or("deleteInputs", false);
  record.expired = json.bool_or("expired", false);
  spec.created_ms = json.int_or("created", 0);
  const std::int64_t state = json.int_or("state", 0);
  if (state < 0 || state > std::int64_t(JobState::finished))
    return fail(Errc::internal, "the job " + spec.id + " has an unknown state");
  record.state = JobState(state);
  record.started_ms = json.int_or("started", 0);
  record.running_ms = json.int_or("running", 0);
  record.ended_ms = json.int_or("ended", 0);
  record.details = json.string_or("details");
  record.rows = number_in(json, "rows");
  record.rows_skipped = number_in(json, "skipped");
  record.input_bytes = number_in(json, "bytes");
  record.version = document.version;
  return record;
}

std::string Work::document() const {
  JsonWriter out;
  out.object().field("job", job).field("endpoint", endpoint).field("caller", caller);
  out.field("queued", queued_ms).field("started", running_ms).field("running", running);
  out.field("epoch", epoch).field("etag", etag).field("input", input_bytes);
  out.field("header", header_bytes).field("part", next_part).field("begin", next_begin);
  out.field("row", next_row).field("busy", cursor_busy).field("end", at_end);
  out.field("done", done).field("bytes", bytes_done).field("rows", rows_done);
  out.field("skipped", rows_skipped).key("parts").array();
  for (const Part& part : parts) {
    out.object().field("n", part.number).field("b", part.begin).field("e", part.end);
    out.field("r", part.row).field("t", part.tries);
    write_lease(out, part.lease);
    out.end();
  }
  out.end();
  if (troubles > 0) {
    out.key("trouble").object().field("times", troubles).field("text", trouble);
    out.field("resume", resume_ms).end();
  }
  if (failure) {
    out.key("failure").object().field("part", failure->part).field("text", failure->text).end();
  }
  if (finishing) {
    out.key("finisher").object().field("tries", finish_tries);
    write_lease(out, finisher);
    out.end();
  }
  out.end();
  return std::move(out).text();
}

Result<Work> Work::parse(const store::Document& document) {
  TRY(const Json json, Json::parse(document.body));
  Work work;
  work.job = json.string_or("job");
  work.endpoint = json.string_or("endpoint");
  work.caller = json.string_or("caller");
  work.queued_ms = json.int_or("queued", 0);
  work.running_ms = json.int_or("started", 0);
  work.running = json.bool_or("running", false);
  work.epoch = number_in(json, "epoch");
  work.etag = json.string_or("etag");
  work.input_bytes = number_in(json, "input", kUnknown);
  work.header_bytes = number_in(json, "header");
  work.next_part = number_in(json, "part");
  work.next_begin = number_in(json, "begin");
  work.next_row = number_in(json, "row");
  work.cursor_busy = json.bool_or("busy", false);
  work.at_end = json.bool_or("end", false);
  work.done = number_in(json, "done");
  work.bytes_done = number_in(json, "bytes");
  work.rows_done = number_in(json, "rows");
  work.rows_skipped = number_in(json, "skipped");
  for (const Json& one : json["parts"].items()) {
    work.parts.push_back({.number = number_in(one, "n"),
                          .begin = number_in(one, "b"),
                          .end = number_in(one, "e", kUnknown),
                          .row = number_in(one, "r"),
                          .tries = unsigned(number_in(one, "t", 1)),
                          .lease = read_lease(one)});
  }
  if (const Json* failing = json.find("trouble")) {
    work.troubles = unsigned(number_in(*failing, "times"));
    work.trouble = failing->string_or("text");
    work.resume_ms = failing->int_or("resume", 0);
  }
  if (const Json* failed = json.find("failure")) {
    work.failure = {.part = number_in(*failed, "part"),
                    .text = std::string(failed->string_or("text"))};
  }
  if (const Json* finisher = json.find("finisher")) {
    work.finishing = true;
    work.finish_tries = unsigned(number_in(*finisher, "tries"));
    work.finisher = read_lease(*finisher);
  }
  work.version = document.version;
  return work;
}

Part* Work::find(std::uint64_t number, std::uint64_t wanted) noexcept {
  const auto found = std::ranges::find_if(
      parts, [&](const Part& part) { return part.number == number && part.lease.epoch == wanted; });
  return found == parts.end() ? nullptr : &*found;
}
const Part* Work::find(std::uint64_t number, std::uint64_t wanted) const noexcept {
  return const_cast<Work*>(this)->find(number, wanted);
}

std::optional<TimeMs> time_left(const Work& work, TimeMs now) noexcept {
  const bool is_known = work.running && work.input_bytes != kUnknown && work.bytes_done > 0;
  if (!is_known || now < work.running_ms) return std::nullopt;
  const auto left = double(work.input_bytes - std::min(work.bytes_done, work.input_bytes));
  return TimeMs(double(now - work.running_ms) * left / double(work.bytes_done));
}

std::string PartResult::document() const {
  JsonWriter out;
  out.object().field("part", number).field("epoch", epoch).field("rows", rows);
  out.field("skipped", rows_skipped).key("blocks").array();
  for (const std::uint64_t count : blocks) out.value(count);
  out.end().end();
  return std::move(out).text();
}

Result<PartResult> PartResult::parse(const store::Document& document) {
  TRY(const Json json, Json::parse(document.body));
  PartResult result;
  result.number = number_in(json, "part");
  result.epoch = number_in(json, "epoch");
  result.rows = number_in(json, "rows");
  result.rows_skipped = number_in(json, "skipped");
  for (const Json& count : json["blocks"].items())
    result.blocks.push_back(parse_uint(count.number_text()).value_or(0));
  return result;
}

}  // namespace mlgate::batch
