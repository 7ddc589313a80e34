#pragma once
// The request/response service: scoring calls and their documents. Small calls run on the worker
// that took them; calls that would hold it up for about a millisecond go to the compute pool, and
// the worker goes on.
#include "http/message.h"
#include "webservice/batch_calls.h"
#include "webservice/errors.h"
#include "webservice/registry.h"
#include "webservice/rrs_answer.h"
#include "webservice/rrs_body.h"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace mlgate::webservice {

// Hands work to the compute pool; false when its queue is full.
using PostCompute = std::function<bool(std::function<void()>)>;

struct RrsOptions {
  std::size_t body_bytes_max = 32U << 20;
  std::chrono::milliseconds time_max{100'000};
  std::size_t answer_bytes_max = 256U << 20;
  // Bodies above this are read on the compute pool.
  std::size_t inline_body_bytes_max = 64U << 10;
  // Calls whose estimated cost is above this are scored there.
  std::chrono::nanoseconds inline_cost_max{1'000'000};
  // Of the "New" address /subscriptions/{id}/services/{s}; empty: not offered.
  std::string subscription_id;
};

// Used by all workers at once. Stop: the compute pool ends before the workers whose calls it
// answers.
class RequestResponse final : public http::LocalService {
 public:
  // `batch` answers the routes of jobs, which are not offered when it is null; it outlives this.
  RequestResponse(const Registry& registry, PostCompute post_compute, RrsOptions options,
                  BatchCalls* batch = nullptr);

  // /workspaces/{w}/services/…, the same below /subscriptions/{id}, …/apidocument, /echo….
  static bool owns(std::string_view path);

  http::Awaitable<http::Response> serve(const http::Request& request) override;
  // The answer to a call whose head shows that it has no right to what it asks for; its body need
  // not be read.
  std::optional<http::Response> admit(const http::Request& head) const;

 private:
  struct Call;
  struct Route;
  static Route route_of(std::string_view path);
  // The endpoint that the call may use, or the error.
  std::expected<std::shared_ptr<const Endpoint>, ServiceError> authorize(
      const http::Request& request, const Route& route) const;
  bool is_our_subscription(std::string_view id) const;
  std::expected<AnswerForm, ServiceError> answer_form(std::string_view query) const;
  http::Response document(const http::Request& request, const Route& route) const;
  http::Awaitable<http::Response> execute(const http::Request& request, const Route& route);
  http::Awaitable<http::Response> serve_batch(const http::Request& request, const Route& route,
                                              std::shared_ptr<const Endpoint> endpoint);
  http::Awaitable<http::Response> on_pool(std::shared_ptr<Call> call);
  bool is_small(const Endpoint& endpoint, const http::Request& request,
                const ScoreInput& input) const;

  const Registry& registry_;
  PostCompute post_compute_;
  RrsOptions options_;
  BatchCalls* batch_;
};

// Scores and writes; the parts of a call that need neither socket nor endpoint limits.
std::expected<std::string, ServiceError> score(const Model& model, const ScoreInput& input,
                                               AnswerForm form, std::size_t answer_bytes_max);

}  // namespace mlgate::webservice
