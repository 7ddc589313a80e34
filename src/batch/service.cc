#include "batch/service.h"

#include "base/crypto.h"
#include "base/text.h"
#include "batch/liveness.h"
#include "batch/runner.h"
#include "batch/submission.h"
#include "webservice/charset.h"

#include <algorithm>
#include <set>
#include <unordered_map>

namespace mlgate::batch {
namespace {

using webservice::error_response;
using webservice::Fault;
using webservice::json_response;

constexpr TimeMs kLinkBegin = TimeMs{5} * 60 * 1000;  // Before now, for clocks that differ.
constexpr TimeMs kLinkTime = TimeMs{24} * 3600 * 1000;

http::Response from_error(const Error& error) {
  switch (error.code()) {
    case Errc::not_found:
      return error_response(Fault::job_not_found);
    case Errc::conflict:
      return error_response(Fault::cannot_start_job, error.field());
    case Errc::exhausted:
      if (error.field() == kWork)
        return error_response(Fault::too_many_jobs, error.message(), "that wait or run");
      if (error.field() == kJobs)
        return error_response(Fault::too_many_jobs, error.message(),
                              "on record (DELETE removes one that has ended)");
      return error_response(Fault::store_full);
    case Errc::unavailable:
    case Errc::timeout:
      return error_response(Fault::store_unavailable);
    default:
      return error_response(Fault::unknown_error);
  }
}

}  // namespace

BatchService::BatchService(Parts parts, ServiceOptions options)
    : parts_(parts),
      options_(std::move(options)),
      host_(own_note({}, 0).host),
      liveness_(parts.clock, 0, host_, process_runs,
                [](std::string_view) -> Result<std::optional<WorkerNote>> { return std::nullopt; }),
      board_(parts.store, liveness_) {}

http::Awaitable<http::Response> BatchService::serve(Call call, const http::Request& request) {
  const auto executor = net::this_executor();
  const http::Request* views = &request;  // They live as long as this coroutine waits.
  auto answer =
      co_await parts_.pool.run(executor, [this, &call, views] { return handle(call, *views); });
  if (!answer) co_return error_response(Fault::too_many_requests);
  co_return *std::move(answer);
}

http::Response BatchService::handle(const Call& call, const http::Request& request) {
  switch (call.operation) {
    case Operation::submit:
      return submit(call, request);
    case Operation::start:
      return start(call);
    case Operation::status:
      return status(call);
    case Operation::remove:
      return remove(call);
  }
  return error_response(Fault::unknown_error);
}

http::Response BatchService::submit(const Call& call, const http::Request& request) {
  const webservice::Endpoint& endpoint = *call.endpoint;
  const webservice::Model& model = *endpoint.model;
  if (request.body.size() > options_.body_bytes_max)
    return error_response(Fault::body_too_large, std::to_string(options_.body_bytes_max));
  if (!model.scorer) return error_response(Fault::module_load_failed, model.error);
  std::string storage;
  const auto json = webservice::body_as_utf8(request.header("content-type"), request.body, storage);
  if (!json || trim(*json).empty()) return error_response(Fault::request_body_invalid);
  auto submission = read_submission(*json, model.shape);
  if (!submission) return error_response(submission.error());

  JobSpec spec;
  spec.created_ms = parts_.clock.now_ms();
  spec.id = new_job_id(spec.created_ms);
  spec.workspace = endpoint.workspace_id;
  spec.service = endpoint.service_id;
  spec.endpoint = endpoint.id;
  spec.caller = request.caller;
  spec.inputs = std::move(submission->inputs);
  spec.outputs = std::move(submission->outputs);
  spec.globals = std::move(submission->globals);
  spec.row_errors = options_.row_errors;
  if (const auto given = http::query_parameter(request.query, "onRowError")) {
    if (*given != "fail" && *given != "skip")
      return error_response(Fault::invalid_query_parameter, "onRowError",
                            "The value has to be 'fail' or 'skip'.");
    spec.row_errors = *given == "skip" ? RowErrors::skip : RowErrors::fail;
  }
  if (const auto given = http::query_parameter(request.query, "deleteInputs")) {
    if (*given != "true" && *given != "false")
      return error_response(Fault::invalid_query_parameter, "deleteInputs",
                            "The value has to be 'true' or 'false'.");
    spec.delete_inputs = *given == "true";
  }
  for (const webservice::OutputShape& output : model.shape.outputs) {
    if (std::ranges::find(spec.outputs, output.name, &PortBlob::port) != spec.outputs.end())
      continue;
    if (options_.own_account.empty())
      return error_response(Fault::missing_output_specification, output.name);
    // In the workspace's own container.
    spec.outputs.push_back({.port = output.name,
                            .blob = {.connection_string = {},
                                     .relative_location = spec.id + "/" + output.name + ".csv",
                                     .base_location = {},
                                     .sas_token = {}}});
  }
  // In the service's order, since the report of skipped rows lies beside the first.
  std::ranges::sort(spec.outputs, {}, [&](const PortBlob& output) {
    return std::ranges::find(model.shape.outputs, output.port, &webservice::OutputShape::name);
  });
  const auto graph = parts_.registry.graph_text(endpoint);
  if (!graph) return error_response(Fault::module_load_failed, graph.error().message());
  spec.graph = to_hex(sha256(*graph));
  if (const auto done = parts_.ledger.submit(spec, *graph); !done) return from_error(done.error());
  return json_response(200, "\"" + spec.id + "\"");
}

http::Response BatchService::start(const Call& call) {
  const auto done = parts_.ledger.start(call.endpoint->id, call.job);
  return done ? webservice::empty_response(200) : from_error(done.error());
}

http::Response BatchService::remove(const Call& call) {
  const auto done = parts_.ledger.cancel_or_remove(call.endpoint->id, call.job);
  return done ? webservice::empty_response(200) : from_error(done.error());
}

Result<std::string> BatchService::results_json(const JobSpec& spec) {
  const TimeMs now = parts_.clock.now_ms();
  JsonWriter out;
  out.object();
  for (const PortBlob& output : spec.outputs) {
    TRY(const auto address, locate(parts_.opener, spec, output.blob, options_.own_account));
    TRY(const auto link, parts_.opener.link(address, now - kLinkBegin, now + kLinkTime));
    out.key(output.port).object().key("ConnectionString").null();
    out.field("RelativeLocation", link.relative_location);
    out.field("BaseLocation", link.base_location).field("SasBlobToken", link.sas_token).end();
  }
  out.end();
  return std::move(out).text();
}

http::Response BatchService::status(const Call& call) {
  const auto view = parts_.ledger.find(call.endpoint->id, call.job);
  if (!view) return from_error(view.error());
  const JobState state = view->state();
  JsonWriter out;
  out.object().field("StatusCode", status_code(state)).key("Results");
  if (state == JobState::finished) {
    const auto results = results_json(view->record.spec);
    if (!results) return error_response(Fault::unknown_error);
    out.raw(*results);
  } else {
    out.null();
  }
  out.key("Details");
  if (state == JobState::failed) {
    out.value(view->record.details);
  } else {
    out.null();
  }
  out.end();
  return json_response(200, std::move(out).text());
}

namespace {

struct Waiting {  // What jobs of an endpoint wait for.
  JobBoard::Queue queue;
  std::unordered_map<std::string_view, std::size_t> places;  // 1 for the next.
  std::uint64_t threads = 0;
  std::size_t running_max = 0;

  // A job that came after the rest was looked at is the last.
  std::size_t place(const std::string& job) const {
    const auto found = places.find(job);
    return found == places.end() ? places.size() + 1 : found->second;
  }
  std::string reason() const {
    if (threads == 0) return "No worker is running. Start one with 'mlgate serve --roles worker'.";
    if (queue.running >= running_max)
      return std::to_string(running_max) +
             " jobs of this endpoint are running, which is the limit.";
    if (queue.pieces < threads) return "A worker is about to take it.";
    return "All " + std::to_string(threads) + " worker threads are busy.";
  }
};

void write_time(JsonWriter& out, std::string_view name, TimeMs time) {
  out.key(name);
  if (time == 0) {
    out.null();
  } else {
    out.value(to_iso8601(time));
  }
}

// "container/blob", or where it will be.
std::string location_of(const JobSpec& spec, const BlobReference& reference) {
  std::string path = is_own(reference) ? spec.workspace + "/" : "";
  path += reference.relative_location;
  return path.substr(std::min(path.find_first_not_of('/'), path.size()));
}

void write_ports(JsonWriter& out, std::string_view name, const JobSpec& spec,
                 const std::vector<PortBlob>& ports) {
  out.key(name).array();
  for (const PortBlob& port : ports)
    out.object().field("Name", port.port).field("Location", location_of(spec, port.blob)).end();
  out.end();
}

void write_job(JsonWriter& out, const JobView& view, const Waiting& waiting,
               const std::string& own_account, TimeMs now) {
  const JobRecord& record = view.record;
  const JobSpec& spec = record.spec;
  const JobState state = view.state();
  const Work* work = view.work ? &*view.work : nullptr;
  out.object().field("Id", spec.id).field("StatusCode", status_code(state));
  out.field("State", name_of(state));
  write_time(out, "CreatedTime", spec.created_ms);
  write_time(out, "StartTime", record.started_ms);
  write_time(out, "RunningTime", work ? work->running_ms : record.running_ms);
  write_time(out, "EndTime", record.ended_ms);
  out.field("Caller", spec.caller);
  write_ports(out, "Inputs", spec, spec.inputs);
  write_ports(out, "Outputs", spec, spec.outputs);
  out.key("Report");
  if (spec.row_errors == RowErrors::skip && !spec.outputs.empty()) {
    out.value(location_of(spec, report_reference(spec, own_account)));
  } else {
    out.null();
  }
  const std::uint64_t bytes = work ? work->input_bytes : record.input_bytes;
  out.field("RowsDone", work ? work->rows_done : record.rows);
  out.field("RowsSkipped", work ? work->rows_skipped : record.rows_skipped);
  out.field("BytesDone", work                          ? work->bytes_done
                         : state == JobState::finished ? record.input_bytes
                                                       : 0);
  out.key("BytesTotal");
  if (bytes == kUnknown || (bytes == 0 && state != JobState::finished)) {
    out.null();
  } else {
    out.value(bytes);
  }
  out.key("SecondsLeft");
  if (const auto left = work ? time_left(*work, now) : std::nullopt) {
    out.value((*left + 999) / 1000);
  } else {
    out.null();
  }
  out.key("Place");
  if (state == JobState::queued && work) {
    out.value(std::uint64_t(waiting.place(spec.id)));
    out.field("WaitingFor", waiting.reason());
  } else if (work && work->troubles > 0) {
    out.null().field("WaitingFor",
                     "The storage fails, and is asked again until it answers: " + work->trouble);
  } else {
    out.null().key("WaitingFor").null();
  }
  out.key("Details");
  if (state == JobState::failed) {
    out.value(record.details);
  } else {
    out.null();
  }
  out.end();
}

}  // namespace

void BatchService::endpoint_removed(std::string_view endpoint) {
  // What the store refuses now is done by cancel_orphans at the next start.
  (void)parts_.ledger.cancel_all(endpoint);
}

Result<void> BatchService::cancel_orphans() {
  TRY(const auto busy, parts_.ledger.busy_endpoints());
  if (busy.empty()) return {};
  std::set<std::string_view> known;
  const auto directory = parts_.registry.directory();
  for (const auto& [id, service] : directory->services)
    for (const auto& endpoint : service->endpoints) known.insert(endpoint->id);
  for (const std::string& endpoint : busy) {
    if (known.contains(endpoint)) continue;
    TRY_OK(parts_.ledger.cancel_all(endpoint));
  }
  return {};
}

Result<std::uint64_t> BatchService::threads_alive() {
  TRY(const auto notes, parts_.store.list(kWorkers, ""));
  std::uint64_t threads = 0;
  for (const store::Document& document : notes) {
    const auto note = WorkerNote::parse(document);
    if (note && seems_alive(*note, host_, parts_.clock.now_ms())) threads += note->threads;
  }
  return threads;
}

http::Response BatchService::monitor(const webservice::Endpoint& endpoint, std::string_view job,
                                     const http::Request& request) {
  Waiting waiting;
  waiting.running_max = options_.running_max;
  const auto threads = threads_alive();
  if (!threads) return from_error(threads.error());
  waiting.threads = *threads;
  if (const auto news = board_.refresh(); !news) return from_error(news.error());
  waiting.queue = board_.queue(endpoint.id);
  for (const std::string& waits : waiting.queue.order)
    waiting.places.emplace(waits, waiting.places.size() + 1);
  const TimeMs now = parts_.clock.now_ms();
  JsonWriter out;
  if (!job.empty()) {
    const auto view = parts_.ledger.find(endpoint.id, job);
    if (!view) return from_error(view.error());
    write_job(out, *view, waiting, options_.own_account, now);
    return json_response(200, std::move(out).text());
  }
  const auto given = http::query_parameter(request.query, "limit");
  const auto limit = given ? parse_uint(*given) : 100;
  if (!limit || *limit == 0 || *limit > options_.list_max) {
    return error_response(Fault::invalid_query_parameter, "limit",
                          "The value has to be 1 to " + std::to_string(options_.list_max) + ".");
  }
  const std::string after = http::query_parameter(request.query, "after").value_or("");
  const auto views = parts_.ledger.list(endpoint.id, after, std::size_t(*limit));
  if (!views) return from_error(views.error());
  out.array();
  for (const JobView& view : *views) write_job(out, view, waiting, options_.own_account, now);
  out.end();
  return json_response(200, std::move(out).text());
}

}  // namespace mlgate::batch
