#include "webservice/request_response.h"

#include "base/text.h"
#include "net/poller.h"
#include "webservice/charset.h"
#include "webservice/echo.h"
#include "webservice/ids.h"
#include "webservice/swagger.h"

#include <atomic>
#include <new>

namespace mlgate::webservice {
namespace {

// Rough cost of a call, measured on one core: reading, scoring and writing per byte sent, and
// writing per cell.
constexpr double kNanosecondsPerByte = 8;
constexpr double kNanosecondsPerCell = 16;

// A place among the calls that an endpoint answers at once; given back at the end of life.
class Slot {
 public:
  Slot() = default;
  explicit Slot(std::shared_ptr<Load> load) : load_(std::move(load)) {}
  Slot(Slot&&) noexcept = default;
  Slot& operator=(Slot&& other) noexcept {
    std::swap(load_, other.load_);
    return *this;
  }
  ~Slot() {
    if (load_) load_->in_flight.fetch_sub(1, std::memory_order_relaxed);
  }
  // Empty when all places are taken.
  static Slot take(const Endpoint& endpoint) {
    const int before = endpoint.load->in_flight.fetch_add(1, std::memory_order_relaxed);
    Slot slot(endpoint.load);
    return before < endpoint.concurrent_max ? std::move(slot) : Slot();
  }
  explicit operator bool() const noexcept { return load_ != nullptr; }

 private:
  std::shared_ptr<Load> load_;
};

http::Response answer(std::expected<std::string, ServiceError> result) {
  if (!result) return error_response(result.error());
  return json_response(200, *std::move(result));
}

std::expected<ScoreInput, ServiceError> read_body(std::string_view content_type,
                                                  std::string_view body,
                                                  const ServiceShape& shape) {
  std::string storage;
  const auto json = body_as_utf8(content_type, body, storage);
  if (!json) return std::unexpected(ServiceError{Fault::request_body_invalid, {}, {}});
  return read_score_body(*json, shape);
}

}  // namespace

struct RequestResponse::Route {
  enum class Kind : unsigned char { none, execute, score, swagger, apidocument, jobs, job, start };
  Kind kind = Kind::none;
  std::string_view workspace, endpoint;
  bool by_subscription = false;
  std::string_view job;
};

// A call that left its worker. Worker and pool share it; `stage` says who may touch what: the
// request's views belong to the worker's coroutine, which therefore waits until they have been
// read.
struct RequestResponse::Call {
  enum Stage : int { queued, reading, scoring, done, abandoned };
  std::atomic<int> stage{queued};
  std::shared_ptr<const Endpoint> endpoint;
  Slot slot;
  AnswerForm form = AnswerForm::table;
  std::size_t answer_bytes_max = 0;
  std::string_view content_type, body;  // Until `stage` is scoring.
  bool body_read = false;
  ScoreInput input;
  http::Response response;
  net::Signal* ended = nullptr;  // The waiting coroutine's; touched on its worker alone.

  // False when the waiting coroutine has left.
  bool run();
};

bool RequestResponse::Call::run() {
  int expected = queued;
  if (!stage.compare_exchange_strong(expected, reading)) return false;
  bool readable = true;
  if (!body_read) {
    auto read = read_body(content_type, body, endpoint->model->shape);
    if (read) {
      input = *std::move(read);
    } else {
      response = error_response(read.error());
      readable = false;
    }
  }
  stage.store(scoring);
  if (readable) response = answer(score(*endpoint->model, input, form, answer_bytes_max));
  {
    const Slot given_back = std::move(slot);
  }
  stage.store(done);
  return true;
}

std::expected<std::string, ServiceError> score(const Model& model, const ScoreInput& input,
                                               AnswerForm form, std::size_t answer_bytes_max) {
  const auto refuse = [](Fault fault, std::string text) {
    return std::unexpected(ServiceError{fault, std::move(text), {}});
  };
  try {
    const auto results = model.scorer->score(input.tables, input.globals);
    if (results) return write_answer(model.shape, *results, form, answer_bytes_max);
    const Error& error = results.error();
    if (error.code() == Errc::exhausted) return refuse(Fault::out_of_memory, error.message());
    if (error.code() != Errc::invalid_argument) return refuse(Fault::unknown_error, {});
    return refuse(Fault::module_execution_error, error.message());
  } catch (const std::bad_alloc&) {
    return refuse(Fault::out_of_memory, "there is no memory left for it");
  }
}

RequestResponse::RequestResponse(const Registry& registry, PostCompute post_compute,
                                 RrsOptions options, BatchCalls* batch)
    : registry_(registry),
      post_compute_(std::move(post_compute)),
      options_(std::move(options)),
      batch_(batch) {}

RequestResponse::Route RequestResponse::route_of(std::string_view path) {
  PathParts parts(path);
  Route route;
  std::size_t at = 0;
  if (parts.is(0, "apihelp")) at = 1;
  if (parts.is(at, "workspaces") && parts.is(at + 2, "webservices") &&
      parts.is(at + 4, "endpoints") && parts.is(at + 6, "apidocument") && parts.count == at + 7) {
    return {Route::Kind::apidocument, parts[at + 1], parts[at + 5], false, {}};
  }
  if (at != 0 || !parts.is(2, "services")) return route;
  route.by_subscription = parts.is(0, "subscriptions");
  if (!route.by_subscription && !parts.is(0, "workspaces")) return route;
  route.workspace = parts[1];
  route.endpoint = parts[3];
  if (parts.count == 5) {
    if (parts.is(4, "execute")) route.kind = Route::Kind::execute;
    if (parts.is(4, "score")) route.kind = Route::Kind::score;
    if (parts.is(4, "swagger.json")) route.kind = Route::Kind::swagger;
    if (parts.is(4, "jobs")) route.kind = Route::Kind::jobs;
  } else if (parts.is(4, "jobs")) {
    const bool nameless = parts.count == 6 && parts.is(5, "start");
    if (!nameless) route.job = parts[5];
    if (parts.count == 6) route.kind = nameless ? Route::Kind::start : Route::Kind::job;
    if (parts.count == 7 && parts.is(6, "start")) route.kind = Route::Kind::start;
  }
  return route;
}

bool RequestResponse::owns(std::string_view path) {
  if (is_echo_path(path)) return true;
  const PathParts parts(path);
  if (parts.is(2, "services") && (parts.is(0, "workspaces") || parts.is(0, "subscriptions")))
    return true;
  return route_of(path).kind == Route::Kind::apidocument;
}

http::Awaitable<http::Response> RequestResponse::serve(const http::Request& request) {
  if (is_echo_path(request.path)) co_return echo(request);
  const Route route = route_of(request.path);
  const bool is_get = request.method == "GET" || request.method == "HEAD";
  const bool is_post = request.method == "POST";
  std::string_view allow;
  switch (route.kind) {
    case Route::Kind::none:
      co_return error_response(Fault::path_not_found, request.path.substr(0, 256));
    case Route::Kind::execute:
      if (is_post) co_return co_await execute(request, route);
      [[fallthrough]];
    case Route::Kind::score:
    case Route::Kind::jobs:
    case Route::Kind::start:
      if (!is_post) allow = "POST";
      break;
    case Route::Kind::swagger:
    case Route::Kind::apidocument:
      if (is_get) co_return document(request, route);
      allow = "GET, HEAD";
      break;
    case Route::Kind::job:
      if (request.method != "GET" && request.method != "DELETE") allow = "GET, DELETE";
      break;
  }
  if (!allow.empty()) co_return error_response(Fault::method_not_allowed, allow);
  const auto endpoint = authorize(request, route);
  if (!endpoint) co_return error_response(endpoint.error());
  if (route.kind == Route::Kind::score) co_return error_response(Fault::bad_version_call, "score");
  const auto form = answer_form(request.query);
  if (!form) co_return error_response(form.error());
  co_return co_await serve_batch(request, route, *endpoint);
}

http::Awaitable<http::Response> RequestResponse::serve_batch(
    const http::Request& request, const Route& route, std::shared_ptr<const Endpoint> endpoint) {
  if (!batch_) co_return error_response(Fault::not_implemented, request.path.substr(0, 256));
  BatchCalls::Call call;
  call.endpoint = std::move(endpoint);
  using Operation = BatchCalls::Operation;
  if (route.kind == Route::Kind::jobs) {
    call.operation = Operation::submit;
    co_return co_await batch_->serve(std::move(call), request);
  }
  if (route.job.empty()) co_return error_response(Fault::missing_job_id);
  const auto job = Id::parse(route.job);
  if (!job) co_return error_response(Fault::job_not_found);
  call.job = job->str();
  call.operation = route.kind == Route::Kind::start ? Operation::start
                   : request.method == "DELETE"     ? Operation::remove
                                                    : Operation::status;
  co_return co_await batch_->serve(std::move(call), request);
}

std::optional<http::Response> RequestResponse::admit(const http::Request& head) const {
  const Route route = route_of(head.path);
  switch (route.kind) {
    case Route::Kind::none:
    case Route::Kind::swagger:
    case Route::Kind::apidocument:
      return std::nullopt;
    default:
      break;
  }
  const auto endpoint = authorize(head, route);
  if (endpoint) return std::nullopt;
  return error_response(endpoint.error());
}

// Key, then ids. The key is looked at first, so that a stranger cannot tell which services exist.
std::expected<std::shared_ptr<const Endpoint>, ServiceError> RequestResponse::authorize(
    const http::Request& request, const Route& route) const {
  const auto refuse = [](Fault fault) { return std::unexpected(ServiceError{fault, {}, {}}); };
  const Directory& directory = registry_.view();
  const std::string_view key = bearer_token(request);
  const auto id = Id::parse(route.endpoint);
  auto endpoint = id ? directory.find_endpoint(id->text()) : nullptr;
  if (!endpoint || !endpoint->accepts(key)) {
    if (endpoint || !directory.knows_key(key)) return refuse(Fault::score_unauthorized);
    return refuse(id ? Fault::service_not_found : Fault::web_service_id_invalid);
  }
  if (route.by_subscription) {
    if (!is_our_subscription(route.workspace)) return refuse(Fault::service_not_in_workspace);
    return endpoint;
  }
  const auto workspace = Id::parse(route.workspace);
  if (workspace && workspace->text() == endpoint->workspace_id) return endpoint;
  const bool known = workspace && directory.find_workspace(workspace->text());
  return refuse(known ? Fault::service_not_in_workspace : Fault::workspace_not_found);
}

bool RequestResponse::is_our_subscription(std::string_view id) const {
  const auto given = Id::parse(id), ours = Id::parse(options_.subscription_id);
  return given && ours && given->text() == ours->text();
}

std::expected<AnswerForm, ServiceError> RequestResponse::answer_form(std::string_view query) const {
  const auto version = http::query_parameter(query, "api-version");
  if (version && *version != "2.0")
    return std::unexpected(ServiceError{Fault::bad_version_call, version->substr(0, 64), {}});
  const auto format = http::query_parameter(query, "format");
  if (format && !format->empty()) {
    if (equals_ignoring_case(*format, "swagger")) return AnswerForm::rows;
    return std::unexpected(ServiceError{Fault::invalid_query_parameter, "format",
                                        "The value has to be 'swagger' or absent."});
  }
  const auto details = http::query_parameter(query, "details");
  const bool detailed = details && equals_ignoring_case(*details, "true");
  return detailed ? AnswerForm::table_detailed : AnswerForm::table;
}

http::Response RequestResponse::document(const http::Request& request, const Route& route) const {
  const Directory& directory = registry_.view();
  const auto id = Id::parse(route.endpoint), workspace = Id::parse(route.workspace);
  if (!id) return error_response(Fault::web_service_id_invalid);
  const auto endpoint = directory.find_endpoint(id->text());
  if (!endpoint) return error_response(Fault::service_not_found);
  const bool right_place = route.by_subscription
                               ? is_our_subscription(route.workspace)
                               : workspace && workspace->text() == endpoint->workspace_id;
  if (!right_place) return error_response(Fault::service_not_in_workspace);
  if (const auto version = http::query_parameter(request.query, "api-version");
      version && *version != "2.0")
    return error_response(Fault::bad_version_call, version->substr(0, 64));
  if (!endpoint->model->scorer)
    return error_response(Fault::module_load_failed, endpoint->model->error);
  std::string json = swagger_document(*endpoint, request);
  if (route.kind == Route::Kind::apidocument) json = without_markup(json);
  return json_response(200, std::move(json));
}

bool RequestResponse::is_small(const Endpoint& endpoint, const http::Request& request,
                               const ScoreInput& input) const {
  std::size_t rows = 1;
  for (const auto& table : input.tables) rows = std::max(rows, table.rows);
  // A changed global parameter may change the number of columns, so that nothing can be said.
  if (!input.globals.empty()) return false;
  const double cells = double(rows) * double(endpoint.model->shape.output_columns);
  const double cost =
      double(request.body.size()) * kNanosecondsPerByte + cells * kNanosecondsPerCell;
  return cost <= double(options_.inline_cost_max.count());
}

http::Awaitable<http::Response> RequestResponse::execute(const http::Request& request,
                                                         const Route& route) {
  const auto endpoint = authorize(request, route);
  if (!endpoint) co_return error_response(endpoint.error());
  const auto form = answer_form(request.query);
  if (!form) co_return error_response(form.error());
  Slot slot = Slot::take(**endpoint);
  if (!slot) {
    co_return error_response(Fault::request_throttled, (*endpoint)->name,
                             std::to_string((*endpoint)->concurrent_max));
  }
  if (request.body.size() > options_.body_bytes_max)
    co_return error_response(Fault::body_too_large, std::to_string(options_.body_bytes_max));
  const Model& model = *(*endpoint)->model;
  if (!model.scorer) co_return error_response(Fault::module_load_failed, model.error);

  const std::string_view content_type = request.header("content-type");
  ScoreInput input;
  const bool body_read = request.body.size() <= options_.inline_body_bytes_max;
  if (body_read) {
    auto read = read_body(content_type, request.body, model.shape);
    if (!read) co_return error_response(read.error());
    input = *std::move(read);
    if (is_small(**endpoint, request, input))
      co_return answer(score(model, input, *form, options_.answer_bytes_max));
  }
  const auto call = std::make_shared<Call>();
  call->endpoint = *endpoint;
  call->slot = std::move(slot);
  call->form = *form;
  call->answer_bytes_max = options_.answer_bytes_max;
  call->content_type = content_type;
  call->body = request.body;
  call->body_read = body_read;
  call->input = std::move(input);
  co_return co_await on_pool(call);
}

http::Awaitable<http::Response> RequestResponse::on_pool(std::shared_ptr<Call> call) {
  const http::Executor executor = net::this_executor();
  net::Signal ended;
  call->ended = &ended;
  const bool taken = post_compute_([call, executor] {
    if (!call->run()) return;
    executor.execute([call] {
      if (call->ended) call->ended->notify();
    });
  });
  if (!taken) co_return error_response(Fault::too_many_requests);
  net::Deadline time_max(executor.poller(), options_.time_max);
  net::Deadline a_moment(executor.poller(), std::chrono::milliseconds(2));
  net::Wake wake = co_await ended.wait(time_max);
  int stage = call->stage.load();
  // While the pool is reading the body, whose bytes are the request's, nobody may leave; that soon
  // ends.
  while (wake == net::Wake::timeout && stage != Call::scoring && stage != Call::done) {
    if (stage == Call::queued && call->stage.compare_exchange_strong(stage, Call::abandoned)) {
      const Slot given_back = std::move(call->slot);
      break;
    }
    wake = co_await ended.wait(a_moment);
    stage = call->stage.load();
  }
  call->ended = nullptr;
  if (stage == Call::done) co_return std::move(call->response);
  co_return error_response(Fault::score_timeout);
}

}  // namespace mlgate::webservice
