// From the request head to the plan: service, API, operation, key, inbound, backend.
#include "base/crypto.h"
#include "gateway/call.h"
#include "gateway/pipeline_run.h"

#include <algorithm>

namespace mlgate::gateway {

namespace {

constexpr std::string_view kUsualKeyHeader = "Ocp-Apim-Subscription-Key";
constexpr std::string_view kNotFoundMessage = "Unable to match incoming request to an operation.";
constexpr std::string_view kMissingKey =
    "Access denied due to missing subscription key. Make sure to include subscription key when "
    "making "
    "requests to an API.";
constexpr std::string_view kInvalidKey =
    "Access denied due to invalid subscription key. Make sure to provide a valid key for an active "
    "subscription.";

Step not_found(Call& call) {
  auto& x = call.x;
  policy::answer_error(x, 404, "Resource Not Found", "Resource not found");
  x.error = {.source = "configuration",
             .reason = "OperationNotFound",
             .message = kNotFoundMessage,
             .scope = {},
             .section = {},
             .path = {},
             .policy_id = {}};
  call.pipeline = call.service ? call.service->unmatched.get() : nullptr;
  return run_on_error(call);
}

void take_service(Call& call, const ServicePart& service) {
  call.service = &service;
  call.x.matched.service = service.number;
  call.x.matched.service_name = service.name;
}

void take_operation(Call& call, const ApiBinding& binding, std::uint32_t index) {
  const auto& api = *binding.api;
  const auto& operation = api.operations[index];
  call.binding = &binding;
  call.operation = &operation;
  auto& matched = call.x.matched;
  matched.api = api.number;
  matched.api_name = api.name;
  matched.api_display_name = api.display_name;
  matched.api_path = api.path;
  matched.api_revision = api.revision;
  matched.operation = operation.number;
  matched.operation_name = operation.name;
  matched.operation_display_name = operation.display_name;
}

void take_product(Call& call, const ProductContext& context) {
  if (!context.product) return;
  call.x.matched.product = context.product->number;
  call.x.matched.product_name = context.product->name;
}

void take_subscription(Call& call, const SubscriptionEntry& subscription) {
  call.subscription = &subscription;
  auto& matched = call.x.matched;
  matched.subscription = subscription.number;
  matched.subscription_name = subscription.name;
  matched.subscription_start_ms = subscription.start_ms;
  matched.user = subscription.user;
  matched.user_name = subscription.user_name;
}

// Nearly every key comes in the header of the usual name, so its slot is fetched while the API is
// looked for.
KeyTable::Place guess_key(const Call& call) noexcept {
  const auto* header = policy::find_header(call.x.request.headers, kUsualKeyHeader);
  if (!header || !call.service->keys) return {};
  return call.service->keys->fetch_ahead(header->value);
}

// The key as sent, empty when there is none. The header is looked at first; an empty value counts
// as absent.
std::string_view key_of(Call& call) {
  const auto& api = *call.binding->api;
  auto& x = call.x;
  if (const auto* header = policy::find_header(x.request.headers, api.key_header);
      header && !header->value.empty()) {
    return header->value;
  }
  if (x.request.query.empty()) return {};
  return query_value(x.request.query, api.key_query, x.arena).value_or(std::string_view());
}

// The context that a key opens for this API, or nullptr.
const ProductContext* context_of_key(Call& call, std::string_view key,
                                     const KeyTable::Place& guess) {
  const auto& binding = *call.binding;
  const auto* keys = call.service->keys.get();
  const bool guessed = key.data() == guess.key.data() && key.size() == guess.key.size();
  const auto* subscription = !keys ? nullptr : guessed ? keys->find(guess) : keys->find(key);
  if (!subscription || !subscription->active) return nullptr;
  if (subscription->expiration_ms != 0 && subscription->expiration_ms <= call.x.now_ms)
    return nullptr;
  const ProductContext* context = nullptr;
  switch (subscription->scope) {
    case SubscriptionScope::service:
    case SubscriptionScope::all_apis:
      context = &binding.contexts[0];
      break;
    case SubscriptionScope::api:
      context = subscription->target == binding.api->family ? &binding.contexts[0] : nullptr;
      break;
    case SubscriptionScope::product:
      context = binding.context_of(subscription->target);
      break;
  }
  if (context) {
    take_subscription(call, *subscription);
    call.x.matched.subscription_key = key;
  }
  return context;
}

Step deny(Call& call, bool has_key) {
  auto& x = call.x;
  const auto& api = *call.binding->api;
  x.response_additions.push_back(
      {"WWW-Authenticate",
       x.arena.join({"AzureApiManagementKey realm=\"", x.request.scheme, "://", x.request.authority,
                     "/", api.path, "\",name=\"", api.key_header, "\",type=\"header\""})});
  const auto message = has_key ? kInvalidKey : kMissingKey;
  policy::answer_error(x, 401, "Access Denied", message);
  x.error = {.source = "authorization",
             .reason = has_key ? "SubscriptionKeyInvalid" : "SubscriptionKeyNotFound",
             .message = message,
             .scope = {},
             .section = {},
             .path = {},
             .policy_id = {}};
  call.pipeline = call.binding->contexts[0]
                      .pipelines[std::size_t(call.operation - call.binding->api->operations.data())]
                      .get();
  return run_on_error(call);
}

// The rule of gateway.md 2, row by row; nullptr: denied.
const ProductContext* authorize(Call& call, const KeyTable::Place& guess, bool& has_key) {
  const auto key = key_of(call);
  has_key = !key.empty();
  if (has_key) {
    if (const auto* context = context_of_key(call, key, guess)) return context;
  }
  const auto& binding = *call.binding;
  if (binding.open_context != 0) return &binding.contexts[binding.open_context];
  return binding.api->subscription_required ? nullptr : &binding.contexts[0];
}

}  // namespace

Step begin(Call& call) noexcept {
  auto& x = call.x;
  const auto* service = call.pin->service_of(x.request.authority);
  if (!service) return not_found(call);
  take_service(call, *service);
  if (!service->enabled) return not_found(call);
  const KeyTable::Place guess = guess_key(call);
  call.path = split_path(x.request.path, x.arena);
  if (!call.path.valid) return not_found(call);
  const auto match = service->apis->find(
      call.path, {.query = x.request.query, .headers = &x.request.headers, .arena = &x.arena});
  if (!match.binding) return not_found(call);
  if (!guess.key.empty()) service->keys->fetch_entry(guess);
  const auto& api = *match.binding->api;
  // Wanted soon, and nowhere near what is looked at until then.
  __builtin_prefetch(match.binding->contexts.data());
  __builtin_prefetch(api.operations.data());
  if (!api.protocols.allows(x.request.scheme, call.upgrade)) return not_found(call);
  const auto index = api.trie.match({.method = x.request.method,
                                     .query = x.request.query,
                                     .path = &call.path,
                                     .first = match.segments},
                                    x.arena, x.parameters);
  if (index == OperationTrie::kNone) return not_found(call);
  take_operation(call, *match.binding, index);
  call.key_query_name = api.key_query;
  call.api_segments = match.segments;
  const bool watched = call.watch.wanted();
  if (watched) [[unlikely]]
    trace_matched(call);

  bool has_key = false;
  const auto* context = authorize(call, guess, has_key);
  if (watched) [[unlikely]]
    trace_authorized(call, has_key, context != nullptr);
  if (!context) return deny(call, has_key);
  take_product(call, *context);
  call.pipeline = context->pipelines[index].get();
  return run_inbound(call);
}

void Call::reset() noexcept {
  x.reset();
  pin.reset();
  watch = {};
  began_ns = 0;
  upgrade = false;
  service = nullptr;
  binding = nullptr;
  operation = nullptr;
  pipeline = nullptr;
  subscription = nullptr;
  key_query_name = {};
  path = {};
  api_segments = 0;
  plan = {};
  backend_part = nullptr;
  answered_here = false;
  backend_status = 0;
  backend_step = 0;
}

RequestIds::RequestIds() {
  const auto seed = random_bytes(sizeof state_);
  std::copy_n(seed.data(), sizeof state_, reinterpret_cast<char*>(state_));
}

void RequestIds::next(std::uint64_t (&id)[2]) noexcept {
  // xoshiro256++: fast, and unpredictable enough for names.
  const auto rotate = [](std::uint64_t x, int by) { return (x << by) | (x >> (64 - by)); };
  for (auto& half : id) {
    half = rotate(state_[0] + state_[3], 23) + state_[0];
    const auto t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = rotate(state_[3], 45);
  }
  id[0] = (id[0] & ~std::uint64_t{0xF000}) | 0x4000;
  id[1] = (id[1] & 0x3FFF'FFFF'FFFF'FFFF) | 0x8000'0000'0000'0000;
}

}  // namespace mlgate::gateway
