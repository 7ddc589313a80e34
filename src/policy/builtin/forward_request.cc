// forward-request: hands the call over to the connection's loop, with the time that the backend has
// for its head.
#include "policy/builtin/forward_request.h"

#include "base/text.h"
#include "policy/catalog.h"
#include "policy/exchange.h"

#include <algorithm>

namespace mlgate::policy {

namespace {

constexpr std::string_view kVersions[] = {"1", "2or1", "2"};
constexpr ParamSpec kParams[] = {
    {.name = "timeout",
     .type = ParamType::integer,
     .expression = true,
     .min = 1,
     .max = 86'400,
     .help = "Seconds until the backend's response headers must have arrived; the gateway's "
             "setting if absent."},
    {.name = "timeout-ms",
     .type = ParamType::integer,
     .expression = true,
     .min = 1,
     .max = 86'400'000,
     .help = "The same in milliseconds; excludes timeout."},
    {.name = "continue-timeout",
     .type = ParamType::integer,
     .expression = true,
     .min = 0,
     .max = 86'400,
     .otherwise = "1",
     .help = "Seconds to wait for 100 Continue."},
    {.name = "http-version",
     .type = ParamType::choice,
     .otherwise = "1",
     .choices = kVersions,
     .help = "Protocol version towards the backend."},
    {.name = "follow-redirects",
     .type = ParamType::boolean,
     .expression = true,
     .otherwise = "false",
     .help = "Whether redirects of the backend are followed."},
    {.name = "buffer-request-body",
     .type = ParamType::boolean,
     .expression = true,
     .otherwise = "false",
     .help = "Whether the request body is read whole before it is sent, up to "
             "gateway.max_buffered_body, so that it can be sent again."},
    {.name = "buffer-response",
     .type = ParamType::boolean,
     .expression = true,
     .otherwise = "true",
     .help = "Whether the response may be held back until a block is full."},
    {.name = "fail-on-error-status-code",
     .type = ParamType::boolean,
     .expression = true,
     .otherwise = "false",
     .help = "Whether a backend status of 400 to 599 goes to on-error."},
};
constexpr ElementSpec kGrammar{.name = "forward-request", .attributes = kParams, .children = {}};

class ForwardRequest final : public Policy {
 public:
  explicit ForwardRequest(ForwardOptions options) : options_(options) {}

  static std::shared_ptr<const Policy> make(const PolicyNode& node, const PolicyPlace&,
                                            DocumentErrors& errors) {
    const Params& params = node.params;
    ForwardOptions options;
    if (params.has("timeout-ms")) {
      if (params.has("timeout")) {
        errors.add_invalid_value(*node.element, "timeout-ms", params.text("timeout-ms"),
                                 "Only one of 'timeout' and 'timeout-ms' may be given.");
      }
      options.timeout_ms = std::uint32_t(params.integer("timeout-ms"));
    } else if (params.has("timeout")) {
      options.timeout_ms = std::uint32_t(params.integer("timeout") * 1000);
    }
    options.continue_ms =
        std::uint32_t(std::max<std::int64_t>(1, params.integer("continue-timeout") * 1000));
    if (params.text("http-version") == "2") {
      errors.add_invalid_value(*node.element, "http-version", "2",
                               "HTTP/2 to backends is not supported by this build.");
    }
    if (params.boolean("follow-redirects")) {
      errors.add_invalid_value(*node.element, "follow-redirects", "true",
                               "Following redirects is not supported by this build.");
    }
    options.fail_on_error_status = params.boolean("fail-on-error-status-code");
    options.buffer_request = params.boolean("buffer-request-body");
    options.buffer_response = params.boolean("buffer-response");
    return std::make_shared<ForwardRequest>(options);
  }

  Flow apply(Exchange& x) const noexcept override {
    x.forward = options_;
    return Flow::forward;
  }

 private:
  ForwardOptions options_;
};

// Constant data: a policy never changes.
const ForwardRequest kDefault{ForwardOptions{}};

}  // namespace

const Policy* default_forward_request() noexcept { return &kDefault; }

void register_forward_request(PolicyCatalog& catalog) {
  catalog.add({.name = "forward-request",
               .sections = bit(Section::backend),
               .forwards = true,
               .grammar = &kGrammar,
               .make = &ForwardRequest::make,
               .help = "Sends the request to the backend."});
}

}  // namespace mlgate::policy
