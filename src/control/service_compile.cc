// Compiling what a change has touched, and the service part around it.
#include "base/text.h"
#include "control/service_state.h"
#include "policy/limits.h"

#include <algorithm>

namespace mlgate::control {

namespace {

gateway::Protocols protocols_of(const apim::Api& api) {
  gateway::Protocols out;
  for (const auto& name : api.protocols) {
    out.http = out.http || name == "http";
    out.https = out.https || name == "https";
    out.ws = out.ws || name == "ws";
    out.wss = out.wss || name == "wss";
  }
  return out;
}

}  // namespace

gateway::DocumentPtr ServiceState::document(const PolicyKey& key, policy::Scope scope,
                                            apim::EntityNumber entity, const std::string& where) {
  const auto found = policies_.find(key);
  if (found == policies_.end()) return nullptr;
  if (const auto made = documents_.find(key); made != documents_.end())
    return made->second.document;
  const apim::Policy& policy = *found->second;
  Document made;
  const auto named_value = [&](std::string_view name) -> std::optional<policy::NamedValue> {
    made.named_values.emplace_back(name);
    for (const auto& [ignored, value] : named_values_)
      if (value.display_name == name) return policy::NamedValue{value.value, value.secret};
    return std::nullopt;
  };
  policy::Placement placement{.scope = scope, .entity = entity, .limits = &limits_};
  placement.has_backend = [&](std::string_view name) {
    made.backends.push_back(to_lower(name));
    return backends_.contains(made.backends.back());
  };
  placement.take_base_url = [&](std::string_view url) -> Result<void> {
    TRY_OK(compile_url(options_, url));
    made.base_urls.emplace_back(url);
    return {};
  };
  placement.take_quota = [&](policy::QuotaPlace quota) { made.quotas.push_back(std::move(quota)); };
  const auto format =
      policy.format == apim::PolicyFormat::xml ? policy::Format::xml : policy::Format::rawxml;
  auto compiled = policy::compile_document(catalog_, policy.text, format, placement, named_value);
  for (auto& error : compiled.errors) add_error(std::move(error), where);
  made.document = std::move(compiled.document);
  auto document = made.document;
  undo_.set(documents_, key, std::move(made));
  return document;
}

void ServiceState::compile_product(const std::string& name) {
  const auto apis = apis_of_.find(name);
  if (apis != apis_of_.end()) dirty_.rebind.insert(apis->second.begin(), apis->second.end());
  const auto found = products_.find(name);
  if (found == products_.end()) {
    undo_.erase(product_parts_, name);
    return;
  }
  const Product& product = found->second;
  auto made = std::make_shared<gateway::ProductPart>();
  made->number = product.number;
  made->name = product.name;
  made->display_name = product.display_name;
  made->subscription_required = product.subscription_required;
  made->document = document({apim::PolicyScopeKind::product, name, {}}, policy::Scope::product,
                            product.number, "products/" + product.name + "/policies/policy");
  undo_.set(product_parts_, name, gateway::ProductPtr(std::move(made)));
}

gateway::ApiVersion ServiceState::version_of(const apim::Api& api, const std::string& where) {
  gateway::ApiVersion out;
  if (!api.version_set) return out;
  const auto set = version_sets_.find(to_lower(*api.version_set));
  if (set == version_sets_.end()) {
    add_error(Error(Errc::invalid_argument, "ApiVersionSet '" + *api.version_set + "' not found.",
                    "apiVersionSetId"),
              where);
    return out;
  }
  out.set = set->second.number;
  out.value = api.api_version;
  switch (set->second.scheme) {
    case apim::VersioningScheme::segment:
      out.scheme = gateway::ApiVersion::Scheme::segment;
      break;
    case apim::VersioningScheme::query:
      out.scheme = gateway::ApiVersion::Scheme::query;
      out.parameter = set->second.query_name;
      break;
    case apim::VersioningScheme::header:
      out.scheme = gateway::ApiVersion::Scheme::header;
      out.parameter = set->second.header_name;
      break;
  }
  return out;
}

void ServiceState::compile_api(const std::string& name) {
  const auto found = apis_.find(name);
  if (found == apis_.end()) {
    undo_.erase(compiled_, name);
    return;
  }
  const apim::Api& api = found->second;
  const std::string where = "apis/" + api.name;
  auto made = std::make_shared<gateway::ApiPart>();
  made->number = api.number;
  made->family = family_of(api);
  made->name = apim::family_name(api.name);
  made->display_name = api.display_name;
  made->path = api.path;
  made->revision = api.revision;
  made->is_current = api.is_current;
  made->is_online = api.is_online;
  made->version = version_of(api, where);
  made->protocols = protocols_of(api);
  made->subscription_required = api.subscription_required;
  made->key_header = api.key_header;
  made->key_query = api.key_query;
  if (api.service_url && !api.service_url->empty()) {
    auto backend = compile_url(options_, *api.service_url);
    if (backend)
      made->backend = *std::move(backend);
    else
      add_error(std::move(backend.error()), where + "/serviceUrl");
  }
  made->document = document({apim::PolicyScopeKind::api, name, {}}, policy::Scope::api, api.number,
                            where + "/policies/policy");
  std::vector<std::pair<const std::string*, const Operation*>> operations;
  if (const auto list = operations_.find(name); list != operations_.end())
    for (const auto& one : *list->second) operations.emplace_back(&one.first, &one.second);
  std::ranges::sort(operations, {}, [](const auto& one) {
    return std::pair(one.second->order, one.second->number);
  });
  made->operations.reserve(operations.size());
  for (const auto& [key, operation] : operations) {
    made->operations.push_back(
        {operation->number, operation->name, operation->display_name, operation->method,
         operation->url_template,
         document({apim::PolicyScopeKind::operation, name, *key}, policy::Scope::operation,
                  operation->number,
                  where + "/operations/" + operation->name + "/policies/policy")});
  }
  if (auto indexed = gateway::index_operations(*made, options_.path_case); !indexed)
    add_error(std::move(indexed.error()), where);
  undo_.set(compiled_, name, {std::move(made), nullptr});
}

void ServiceState::bind(const std::string& name) {
  const auto found = compiled_.find(name);
  if (found == compiled_.end()) return;
  std::vector<gateway::ProductPtr> products;
  const auto links = products_of_.find(std::string(apim::family_name(name)));
  if (links != products_of_.end()) {
    for (const auto& product : links->second) {
      const auto part = product_parts_.find(product);
      if (part != product_parts_.end()) products.push_back(part->second);
    }
  }
  std::ranges::sort(products, {}, [](const auto& one) { return one->number; });
  static const PolicyKey kGlobal{};
  const auto global = documents_.find(kGlobal);
  const auto part = found->second.part;
  auto bound = gateway::bind_api(
      part, products, global == documents_.end() ? nullptr : global->second.document, pipelines_);
  if (!bound) {
    add_error(std::move(bound.error()), "apis/" + part->name);
    return;
  }
  undo_.set(compiled_, name, {part, *std::move(bound)});
}

void ServiceState::compile() {
  const std::size_t errors_before = errors_->size();
  if (dirty_.global) {
    const bool had = part_ != nullptr && part_->global_document != nullptr;
    const auto made = document({}, policy::Scope::global, service_.number, "policies/policy");
    dirty_.everything_rebound = had || made;
  }
  for (const auto& name : dirty_.products) compile_product(name);
  for (const auto& name : dirty_.apis) compile_api(name);
  if (errors_->size() != errors_before) return;
  if (dirty_.everything_rebound) {
    std::vector<std::string> all;
    all.reserve(compiled_.size());
    for (const auto& [name, ignored] : compiled_) all.push_back(name);
    for (const auto& name : all) bind(name);
    return;
  }
  for (const auto& name : dirty_.apis) bind(name);
  for (const auto& family : dirty_.rebind) {
    if (!dirty_.apis_seen.contains(family)) bind(family);
    // Other revisions are in the products of their API.
    const auto mark = family + std::string(apim::kRevisionMark);
    for (auto it = revisions_.lower_bound(mark); it != revisions_.end() && it->starts_with(mark);
         ++it)
      if (!dirty_.apis_seen.contains(*it)) bind(*it);
  }
}

std::shared_ptr<gateway::ServicePart> ServiceState::assemble() {
  auto out = std::make_shared<gateway::ServicePart>();
  out->number = service_.number;
  out->name = service_.name;
  out->enabled = service_.enabled;
  static const gateway::NameMap<gateway::BackendPartPtr> kNone;
  const auto& before = part_ ? part_->backends : kNone;
  out->backends = dirty_.backends
                      ? compile_backends(options_, backends_, certificates_, before, *errors_)
                      : before;
  if (part_ && part_->keys)
    out->keys = key_changes_.empty() ? part_->keys : part_->keys->with(key_changes_);
  else
    out->keys = gateway::KeyTable().with(key_changes_);
  if (part_ && !dirty_.touches_apis()) {
    // Keys, users and backends change more often than APIs do.
    out->bindings = part_->bindings;
    out->apis = part_->apis;
    out->products = part_->products;
    out->base_urls = part_->base_urls;
    out->global_document = part_->global_document;
    out->unmatched = part_->unmatched;
    return out;
  }
  auto urls = std::make_shared<gateway::NameMap<gateway::Backend>>();
  for (const auto& [key, one] : documents_) {
    for (const auto& url : one.base_urls) {
      auto backend = compile_url(options_, url);
      if (backend) urls->emplace(url, *std::move(backend));
    }
  }
  out->base_urls = std::move(urls);
  // By number, which is looked up once for each and not with every comparison.
  std::vector<std::pair<std::uint64_t, const gateway::ApiBindingPtr*>> ordered;
  ordered.reserve(compiled_.size());
  for (const auto& [name, one] : compiled_) ordered.emplace_back(one.part->number, &one.binding);
  std::ranges::sort(ordered);
  out->bindings.reserve(ordered.size());
  for (const auto& [number, binding] : ordered) out->bindings.push_back(*binding);
  for (const auto& [name, product] : product_parts_) out->products.push_back(product);
  std::ranges::sort(out->products, {}, [](const auto& one) { return one->number; });
  const auto global = documents_.find({});
  if (global != documents_.end()) out->global_document = global->second.document;
  for (auto& conflict : gateway::finish_service(*out, options_.path_case))
    errors_->push_back(std::move(conflict));
  return out;
}

}  // namespace mlgate::control
