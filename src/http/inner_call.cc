#include "http/inner_call.h"

#include "base/text.h"
#include "http/head_parser.h"
#include "net/stream.h"
#include "net/worker.h"

#include <algorithm>
#include <array>
#include <future>
#include <memory>
#include <optional>

namespace mlgate::http {
namespace {

constexpr std::array<std::string_view, 11> kFraming{
    {"host", "connection", "content-length", "transfer-encoding", "upgrade", "te", "trailer",
     "keep-alive", "expect", "proxy-connection", "http2-settings"}};

std::string compose(const InnerRequest& request) {
  std::string out =
      request.method + " " + request.target + " HTTP/1.1\r\nHost: " + request.authority + "\r\n";
  for (const auto& [name, value] : request.headers) out += name + ": " + value + "\r\n";
  const bool has_body = !request.body.empty() || request.method == "POST" ||
                        request.method == "PUT" || request.method == "PATCH";
  if (has_body) out += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  return out + "\r\n";
}

// Lives on the worker, but for the promise, which is given its result once.
class InnerCall final : public ServerCall {
 public:
  InnerCall(net::Worker& worker, InnerRequest request, std::string text, InnerLimits limits)
      : worker_(worker),
        request_(std::move(request)),
        text_(std::move(text)),
        limits_(limits),
        tasks_(worker.executor()),
        timer_(worker.poller(), limits.time, [this] { cut(); }) {}

  ~InnerCall() override { settle(fail(Errc::internal, "The handler gave no answer.")); }

  // Reads the head; views point into the text.
  Result<void> parse() {
    const HeadResult parsed = parse_request_head(text_, head_);
    if (parsed.state == HeadState::complete && parsed.head_bytes == text_.size()) return {};
    return fail(Errc::invalid_argument,
                parsed.reason.empty() ? "The request is malformed." : std::string(parsed.reason));
  }
  std::future<Result<Response>> result() { return promise_.get_future(); }
  static void run(std::shared_ptr<InnerCall> call, Handler& handler) {
    call->timer_.start();
    net::TaskGroup& tasks = call->tasks_;
    net::spawn(tasks, serve(call, handler));
    // The group counts the task until it has ended, so it must not end within it.
    tasks.when_empty([call]() mutable {
      net::Worker& worker = call->worker_;
      worker.post([kept = std::move(call)] {});
    });
  }

  const RequestHead& head() const noexcept override { return head_; }
  std::string_view scheme() const noexcept override { return request_.scheme; }
  std::string_view peer() const noexcept override { return request_.peer; }
  std::string_view tls_version() const noexcept override { return {}; }
  std::string_view protocol() const noexcept override { return "HTTP/1.1"; }
  net::Worker& worker() noexcept override { return worker_; }
  std::optional<std::string_view> buffered_body() noexcept override { return request_.body; }
  net::Task<std::string_view> read_body() override {
    if (body_read_) co_return std::string_view();
    body_read_ = true;
    co_return std::string_view(request_.body);
  }
  std::string_view trailers() const noexcept override { return {}; }
  void stop_reading() noexcept override { body_read_ = true; }
  bool gone() const noexcept override { return gone_; }
  net::Task<void> interim(int /*status*/, const Fields* /*fields*/) override {
    co_return Result<void>();
  }
  net::Task<Upgraded> upgrade(const Fields& /*fields*/) override {
    co_return fail(Errc::unsupported, "There is no connection to be upgraded.");
  }
  Result<void> start(const ResponseStart& response) override {
    started_ = true;
    answer_.status = response.status;
    answer_.reason = response.reason;
    if (response.fields) {
      for (const Field& field : *response.fields)
        if (!is_framing_field(field.name)) answer_.headers.emplace_back(field.name, field.value);
    }
    if (response.body_bytes)
      answer_.headers.emplace_back("Content-Length", std::to_string(*response.body_bytes));
    return {};
  }
  bool try_append(std::string_view bytes) noexcept override {
    if (gone_ || too_large_) return true;
    too_large_ = answer_.body.size() + bytes.size() > limits_.answer_bytes_max;
    if (!too_large_) answer_.body += bytes;
    return true;
  }
  net::Task<void> write(std::string_view bytes) override {
    try_append(bytes);
    if (!gone_ && !too_large_) co_return Result<void>();
    gone_ = true;  // Nothing more is wanted.
    if (upstream_) upstream_->cancel();
    co_return fail(Errc::closed, "The caller takes no more.");
  }
  net::Task<void> flush() override { co_return Result<void>(); }
  void set_trailers(std::string_view /*lines*/) override {}
  bool try_finish() noexcept override {
    finished_ = true;
    return true;
  }
  net::Task<void> finish() override {
    finished_ = true;
    co_return Result<void>();
  }
  void abort() noexcept override { finished_ = false; }
  void set_upstream(net::Stream* upstream) noexcept override {
    upstream_ = upstream;
    if (gone_ && upstream) upstream->cancel();
  }
  bool started() const noexcept override { return started_; }
  std::uint64_t bytes_in() const noexcept override { return text_.size() + request_.body.size(); }
  std::uint64_t bytes_out() const noexcept override { return answer_.body.size(); }

 private:
  static net::Awaitable<void> serve(std::shared_ptr<InnerCall> call, Handler& handler) {
    co_await handler.handle(*call);  // nothing to check
    call->timer_.stop();
    call->settle(call->outcome());
  }

  Result<Response> outcome() {
    const bool complete = started_ && finished_ && !too_large_;
    if (timed_out_ && !complete) {
      const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(limits_.time).count();
      return fail(Errc::timeout,
                  "There was no answer within " + std::to_string(seconds) + " seconds.");
    }
    if (too_large_)
      return fail(Errc::exhausted, "The answer is larger than " +
                                       std::to_string(limits_.answer_bytes_max) + " bytes.");
    if (!started_ || !finished_)
      return fail(Errc::unavailable, "The connection ended before the answer was complete.");
    return std::move(answer_);
  }
  void settle(Result<Response> outcome) {
    if (settled_) return;
    settled_ = true;
    promise_.set_value(std::move(outcome));
  }
  // Time is up: the handler finds its caller gone, and ends.
  void cut() {
    gone_ = timed_out_ = true;
    if (upstream_) upstream_->cancel();
  }

  net::Worker& worker_;
  InnerRequest request_;
  std::string text_;
  InnerLimits limits_;
  RequestHead head_;
  net::TaskGroup tasks_;
  net::Timer timer_;
  net::Stream* upstream_ = nullptr;
  Response answer_;
  std::promise<Result<Response>> promise_;
  bool body_read_ = false, gone_ = false, started_ = false, finished_ = false, too_large_ = false,
       timed_out_ = false, settled_ = false;
};

}  // namespace

bool is_framing_field(std::string_view name) noexcept {
  return std::ranges::any_of(kFraming,
                             [&](std::string_view one) { return equals_ignoring_case(one, name); });
}

Result<void> check_headers(const InnerRequest& request) {
  for (const auto& [name, value] : request.headers) {
    if (!is_token(name))
      return fail(Errc::invalid_argument, "'" + name + "' is not the name of a header.", "headers");
    if (is_framing_field(name))
      return fail(Errc::invalid_argument,
                  "The header '" + name + "' is set by the gateway and cannot be chosen.",
                  "headers");
    if (!is_field_value(value))
      return fail(Errc::invalid_argument,
                  "The value of the header '" + name + "' holds a character that no header has.",
                  "headers");
  }
  return {};
}

Result<Response> call_inner(net::Worker& worker, Handler& handler, InnerRequest request,
                            InnerLimits limits) {
  TRY_OK(check_headers(request));
  std::string text = compose(request);
  std::future<Result<Response>> result;
  Result<void> good;
  worker.run_and_wait([&] {
    auto call = std::make_shared<InnerCall>(worker, std::move(request), std::move(text), limits);
    good = call->parse();
    if (!good) return;
    result = call->result();
    InnerCall::run(std::move(call), handler);
  });
  if (!good) return std::unexpected(std::move(good).error());
  return result.get();
}

}  // namespace mlgate::http
