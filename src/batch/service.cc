#include "batch/service.h"

#include "base/crypto.h"
#include "base/text.h"
#include "batch/liveness.h"
#include "batch/runner.h"
#include "batch/submission.h"
#include "webservice/charset.h"

#include <algorithm>

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
    : parts_(parts), options_(std::move(options)) {}

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

struct Queue {  // What jobs wait for.
  std::vector<Work> all;
  std::uint64_t threads = 0;
  std::size_t running_max = 0;

  std::size_t running(const std::string& endpoint) const {
    return std::size_t(std::ranges::count_if(
        all, [&](const Work& work) { return work.running && work.endpoint == endpoint; }));
  }
  // 1 for the next of its endpoint and caller.
  std::size_t place(const Work& mine) const {
    return 1 + std::size_t(std::ranges::count_if(all, [&](const Work& work) {
             return !work.running && work.endpoint == mine.endpoint &&
                    std::pair(work.queued_ms, work.job) < std::pair(mine.queued_ms, mine.job);
           }));
  }
  std::string reason(const Work& mine) const {
    if (threads == 0) return "No worker is running. Start one with 'mlgate serve --roles worker'.";
    if (running(mine.endpoint) >= running_max)
      return std::to_string(running_max) +
             " jobs of this endpoint are running, which is the limit.";
    if (pieces() < threads) return "A worker is about to take it.";
    return "All " + std::to_string(threads) + " worker threads are busy.";
  }

 private:
  // What workers are at, each on a thread.
  std::uint64_t pieces() const {
    std::uint64_t count = 0;
    for (const Work& work : all) {
      count += work.finisher.worker.empty() ? 0 : 1;
      for (const Part& part : work.parts) count += part.lease.worker.empty() ? 0 : 1;
    }
    return count;
  }
};

Result<Queue> read_queue(Ledger& ledger, store::Store& store, std::size_t running_max) {
  Queue queue;
  queue.running_max = running_max;
  TRY(queue.all, ledger.all_work());
  TRY(const auto notes, store.list(kWorkers, ""));
  const std::string here = own_note({}, 0).host;
  for (const store::Document& document : notes) {
    const auto note = WorkerNote::parse(document);
    if (note && (note->host != here || process_runs(*note))) queue.threads += note->threads;
  }
  return queue;
}

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
  const bool own = reference.connection_string.empty() && reference.base_location.empty();
  std::string path = own ? spec.workspace + "/" : "";
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

void write_job(JsonWriter& out, const JobView& view, const Queue& queue) {
  const JobRecord& record = view.record;
  const JobSpec& spec = record.spec;
  const JobState state = view.state();
  const Work* work = view.work ? &*view.work : nullptr;
  out.object().field("Id", spec.id).field("StatusCode", status_code(state));
  out.field("State", name_of(state));
  write_time(out, "CreatedTime", spec.created_ms);
  write_time(out, "StartTime", record.started_ms);
  write_time(out, "RunningTime", work ? work->running_ms : 0);
  write_time(out, "EndTime", record.ended_ms);
  out.field("Caller", spec.caller);
  write_ports(out, "Inputs", spec, spec.inputs);
  write_ports(out, "Outputs", spec, spec.outputs);
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
  out.key("Place");
  if (state == JobState::queued && work) {
    out.value(std::uint64_t(queue.place(*work)));
    out.field("WaitingFor", queue.reason(*work));
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

http::Response BatchService::monitor(const webservice::Endpoint& endpoint, std::string_view job,
                                     const http::Request& request) {
  const auto queue = read_queue(parts_.ledger, parts_.store, options_.running_max);
  if (!queue) return from_error(queue.error());
  JsonWriter out;
  if (!job.empty()) {
    const auto view = parts_.ledger.find(endpoint.id, job);
    if (!view) return from_error(view.error());
    write_job(out, *view, *queue);
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
  for (const JobView& view : *views) write_job(out, view, *queue);
  out.end();
  return json_response(200, std::move(out).text());
}

}  // namespace mlgate::batch
