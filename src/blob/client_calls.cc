#include "base/crypto.h"
#include "base/text.h"
#include "blob/authorization.h"
#include "blob/client_internal.h"
#include "http/uri.h"

#include <algorithm>
#include <future>
#include <thread>

namespace mlgate::blob {
namespace {

// Spoken by Azure Storage and by the emulators that people run.
constexpr std::string_view kVersion = "2019-12-12";
constexpr TimeMs kSkewMax = 15 * 60 * 1000;
constexpr std::chrono::seconds kPauseMax{30};

http::Awaitable<void> deliver(http::Client& client, http::FetchRequest request,
                              std::size_t body_bytes_max,
                              std::promise<Result<http::Response>>& result) {
  result.set_value(co_await client.fetch(std::move(request), body_bytes_max));
}

std::string between(std::string_view text, std::string_view open, std::string_view close) {
  const std::size_t begin = text.find(open);
  if (begin == std::string_view::npos) return {};
  const std::size_t end = text.find(close, begin + open.size());
  if (end == std::string_view::npos) return {};
  return std::string(text.substr(begin + open.size(), end - begin - open.size()));
}

const FaultInfo* find_code(std::string_view code) {
  for (int i = 0; i <= int(Fault::unsupported_xml_node); ++i) {
    const FaultInfo& info = info_of(Fault(i));
    if (info.code == code) return &info;
  }
  return nullptr;
}

Errc errc_of(int status) {
  switch (status) {
    case 404:
      return Errc::not_found;
    case 401:
    case 403:
      return Errc::denied;
    case 409:
      return Errc::conflict;
    case 304:
    case 412:
      return Errc::precondition_failed;
    case 408:
      return Errc::timeout;
    case 413:
    case 507:
      return Errc::exhausted;
    default:
      return status >= 500 || status == 429 ? Errc::unavailable : Errc::invalid_argument;
  }
}

bool worth_repeating(int status) {
  return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 ||
         status == 504;
}

bool worth_repeating(const Error& error) {
  return error.code() == Errc::unavailable || error.code() == Errc::timeout ||
         error.code() == Errc::closed;
}

}  // namespace

HttpCaller::HttpCaller(net::AddressCheck check, ssl_ctx_st* tls, http::ClientLimits limits) {
  worker_.start();
  worker_.run_and_wait([&] {
    tasks_ = std::make_unique<net::TaskGroup>(worker_.executor());
    client_ = std::make_unique<http::Client>(worker_, std::move(check), tls, limits);
  });
}

HttpCaller::~HttpCaller() {
  worker_.run_and_wait([this] {
    client_.reset();
    tasks_.reset();
  });
}

Result<http::Response> HttpCaller::fetch(http::FetchRequest request, std::size_t body_bytes_max) {
  std::promise<Result<http::Response>> result;
  worker_.run_and_wait(
      [&] { net::spawn(*tasks_, deliver(*client_, std::move(request), body_bytes_max, result)); });
  return result.get_future().get();
}

std::string header_of(const http::Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers)
    if (equals_ignoring_case(key, name)) return value;
  return {};
}

Error explain_refusal(int status, std::string_view code, std::string_view message,
                      std::string_view date, TimeMs now) {
  std::string text;
  const auto theirs = parse_http_date(date);
  const bool skewed = theirs && (*theirs > now + kSkewMax || *theirs < now - kSkewMax);
  if (code == "AuthenticationFailed" || (code.empty() && (status == 401 || status == 403))) {
    text = "The storage does not accept the account key or the signature.";
    if (skewed) {
      text += " Its clock says " + std::string(date) + " and ours " + to_http_date(now) +
              ": set the clock of this machine.";
    }
  } else if (code.starts_with("Authorization")) {
    text =
        "The storage refuses the operation: the account key or the token is wrong, or it does "
        "not permit this.";
  } else if (code == "ContainerNotFound") {
    text = "The container does not exist.";
  } else if (code == "BlobNotFound" || (code.empty() && status == 404)) {
    text = "The blob does not exist.";
  } else if (code == "ConditionNotMet") {
    text = "The blob was changed meanwhile.";
  } else if (!message.empty()) {
    text = message;
  } else {
    text = "The storage answered with status " + std::to_string(status) + ".";
  }
  if (!code.empty()) text += " (" + std::string(code) + ")";
  const FaultInfo* info = find_code(code);
  return {info ? info->errc : errc_of(status), std::move(text), std::string(code)};
}

Error error_of(const http::Response& response, TimeMs now) {
  std::string code = header_of(response, "x-ms-error-code");
  if (code.empty()) code = between(response.body, "<Code>", "</Code>");
  constexpr std::size_t kTextMax = 300;
  if (code.size() > 100) code.clear();
  std::string message = between(response.body, "<Message>", "</Message>");
  // Behind the first line stand ids and times.
  message = message.substr(0, std::min(message.find('\n'), kTextMax));
  if (code.empty() && response.status == 404) code = "BlobNotFound";
  if (code.empty() && response.status == 412) code = "ConditionNotMet";
  return explain_refusal(response.status, code, message, header_of(response, "date"), now);
}

BlobCalls::BlobCalls(HttpCaller& http, const Clock& clock, BlobAddress address, RetryOptions retry)
    : http_(http), clock_(clock), address_(std::move(address)), retry_(retry) {}

const std::string& BlobCalls::base() const noexcept {
  return address_.base.empty() ? address_.default_base : address_.base;
}

Result<http::Response> BlobCalls::send_once(const ClientRequest& request) {
  std::string url = address_.url();
  if (request.container) {
    BlobAddress container = address_;
    container.place.blob.clear();
    url = container.url();
    while (url.ends_with('/')) url.pop_back();
  }
  std::string query = request.query;
  if (!address_.sas.empty()) query += (query.empty() ? "" : "&") + address_.sas;
  if (!query.empty()) url += "?" + query;
  http::FetchRequest sent{
      .method = request.method, .url = url, .headers = request.headers, .body = request.body};
  sent.headers.emplace_back("x-ms-date", to_http_date(clock_.now_ms()));
  sent.headers.emplace_back("x-ms-version", std::string(kVersion));
  if (!address_.key.empty()) {
    TRY(const http::Url parsed, http::parse_url(sent.url));
    http::Fields fields;
    for (const auto& [name, value] : sent.headers) fields.add(name, value);
    const SignedRequest to_sign{.method = sent.method,
                                .path = parsed.path,
                                .query = parsed.query,
                                .headers = &fields,
                                .content_length = sent.body.size()};
    TRY(std::string authorization,
        shared_key_authorization(to_sign, address_.place.account, address_.key));
    sent.headers.emplace_back("authorization", std::move(authorization));
  }
  return http_.fetch(std::move(sent), request.answer_bytes_max);
}

Result<http::Response> BlobCalls::send(const ClientRequest& request) {
  std::chrono::milliseconds pause = retry_.first_pause;
  for (int left = retry_.tries;; --left) {
    auto response = send_once(request);
    const bool again =
        response ? worth_repeating(response->status) : worth_repeating(response.error());
    if (!again || left <= 1) {
      if (response && response->status < 300) return response;
      Error error = response ? error_of(*response, clock_.now_ms())
                             : std::move(response).error().within("storage at " + base());
      // What was worth repeating passes by itself, whatever the storage calls it: a connection that
      // it closed is nothing that the caller gave up.
      if (again) error = Error(Errc::unavailable, error.message(), error.field());
      return std::unexpected(std::move(error));
    }
    auto wait = pause;
    if (response) {
      const auto asked = parse_uint(header_of(*response, "retry-after"));
      if (asked) wait = std::max<std::chrono::milliseconds>(wait, std::chrono::seconds(*asked));
    }
    // Some chance, so that many workers do not come back at once.
    const auto chance = static_cast<unsigned char>(random_bytes(1)[0]);
    wait += wait * chance / 512;
    std::this_thread::sleep_for(std::min<std::chrono::milliseconds>(wait, kPauseMax));
    pause *= 2;
  }
}

}  // namespace mlgate::blob
