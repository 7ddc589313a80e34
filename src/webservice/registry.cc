#include "webservice/registry.h"

#include "base/crypto.h"
#include "base/text.h"

#include <algorithm>
#include <cstring>
#include <set>

namespace mlgate::webservice {
namespace {

constexpr std::string_view kServices = "ml.service";
constexpr std::string_view kGraphs = "ml.service_graph";
constexpr std::string_view kWorkspaces = "ml.workspace";
constexpr std::size_t kEndpointsMax = 10'000;  // Of one service.
constexpr std::size_t kNameMax = 24;           // Characters of an endpoint's name.
constexpr int kLowConcurrency = 4;
constexpr int kHighConcurrencyMax = 200;
constexpr std::string_view kNoDescription = "No description provided for this web service.";

std::string graph_key(std::string_view service_id, std::uint64_t version) {
  return std::string(service_id) + "." + std::to_string(version);
}

store::Write write_of(std::string_view collection, std::string key,
                      std::optional<std::string> body) {
  store::Write write;
  write.collection = collection;
  write.key = std::move(key);
  write.body = std::move(body);
  return write;
}

// Versions of the index start at a random number, so that a thread never takes the index of another
// registry for the one it has seen.
std::uint64_t first_version() {
  std::uint64_t version = 0;
  std::memcpy(&version, random_bytes(sizeof version).data(), sizeof version);
  return version | 1U;
}

bool is_endpoint_name(std::string_view name) {
  if (name.empty() || name.size() > kNameMax) return false;
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return is_digit(c) || (c >= 'a' && c <= 'z'); });
}

Result<void> apply(const EndpointSettings& settings, Endpoint& endpoint) {
  if (settings.description) endpoint.description = *settings.description;
  if (settings.trace_level) {
    const std::string& level = *settings.trace_level;
    if (level != "None" && level != "Error" && level != "All")
      return fail(Errc::invalid_argument, "has to be None, Error or All", "DiagnosticsTraceLevel");
    endpoint.trace_level = level;
  }
  if (settings.prevent_update) endpoint.prevent_update = *settings.prevent_update;
  if (settings.throttle) {
    if (endpoint.throttle != *settings.throttle) endpoint.concurrent_max = 20;
    endpoint.throttle = *settings.throttle;
  }
  if (settings.concurrent_max && endpoint.throttle == ThrottleLevel::high) {
    if (*settings.concurrent_max < 1 || *settings.concurrent_max > kHighConcurrencyMax)
      return fail(Errc::invalid_argument, "has to be between 1 and 200", "MaxConcurrentCalls");
    endpoint.concurrent_max = int(*settings.concurrent_max);
  }
  // Low is a fixed limit; a given value is ignored.
  if (endpoint.throttle == ThrottleLevel::low) endpoint.concurrent_max = kLowConcurrency;
  return {};
}

Endpoint new_endpoint(const Service& service, std::string_view name, TimeMs now) {
  Endpoint endpoint;
  endpoint.id = new_hex_id();
  endpoint.name = name;
  endpoint.workspace_id = service.workspace_id;
  endpoint.service_id = service.id;
  endpoint.primary_key = new_service_key();
  endpoint.secondary_key = new_service_key();
  endpoint.created_ms = endpoint.updated_ms = now;
  endpoint.model_version = service.model_version;
  endpoint.load = std::make_shared<Load>();
  return endpoint;
}

}  // namespace

Registry::Registry(Parts parts)
    : parts_(std::move(parts)),
      shown_(std::make_shared<Directory>()),
      shown_version_(first_version()) {}

std::shared_ptr<const Directory> Registry::directory() const {
  const std::lock_guard lock(shown_mutex_);
  return shown_;
}

const Directory& Registry::view() const {
  struct Seen {
    const Registry* owner = nullptr;
    std::uint64_t version = 0;
    std::shared_ptr<const Directory> directory;
  };
  // One per thread: reading it costs no shared counter, and a change costs each thread one short
  // lock.
  thread_local Seen seen;
  const std::uint64_t version = shown_version_.load(std::memory_order_acquire);
  if (seen.owner != this || seen.version != version) {
    seen.directory = directory();
    seen.owner = this;
    seen.version = version;
  }
  return *seen.directory;
}

void Registry::show(std::shared_ptr<Directory> next) {
  next->index();
  const std::lock_guard lock(shown_mutex_);
  shown_ = std::move(next);
  shown_version_.fetch_add(1, std::memory_order_release);
}

std::shared_ptr<const Model> Registry::compile(const ml::Graph& graph) const {
  auto model = std::make_shared<Model>();
  auto scorer = ml::compile_scorer(graph, parts_.catalogue, parts_.datasets);
  if (scorer) {
    model->scorer = *std::move(scorer);
    model->shape = ServiceShape::of(*model->scorer, graph, parts_.catalogue);
  } else {
    model->error = scorer.error().message();
  }
  return model;
}

Result<ml::Graph> Registry::read_graph(std::string_view service_id, std::uint64_t version) {
  TRY(const auto document, parts_.store.get(kGraphs, graph_key(service_id, version)));
  if (!document) return fail(Errc::not_found, "the published graph is not in the store");
  TRY(const Json json, Json::parse(document->body));
  return ml::Graph::parse(json);
}

Result<std::string> Registry::graph_text(const Endpoint& endpoint) {
  TRY(auto document,
      parts_.store.get(kGraphs, graph_key(endpoint.service_id, endpoint.model_version)));
  if (!document) return fail(Errc::not_found, "the published graph is not in the store");
  return std::move(document->body);
}

Result<std::shared_ptr<const Service>> Registry::read_service(const store::Document& document) {
  std::vector<Endpoint> endpoints;
  TRY(Service service, parse_service(document, parts_.vault, endpoints));
  if (endpoints.empty() || !endpoints.front().is_default())
    return fail(Errc::internal, "the default endpoint is missing");
  Models models;
  for (Endpoint& endpoint : endpoints) {
    auto& model = models[endpoint.model_version];
    if (!model) {
      if (auto graph = read_graph(service.id, endpoint.model_version)) {
        model = compile(*graph);
      } else {
        auto broken = std::make_shared<Model>();
        broken->error = graph.error().message();
        model = std::move(broken);
      }
    }
    endpoint.model = model;
    endpoint.load = std::make_shared<Load>();
    service.endpoints.push_back(std::make_shared<const Endpoint>(std::move(endpoint)));
  }
  return std::make_shared<const Service>(std::move(service));
}

Result<void> Registry::load() {
  const std::lock_guard lock(change_);
  auto next = std::make_shared<Directory>();
  TRY(const auto workspaces, parts_.store.list(kWorkspaces, ""));
  for (const auto& document : workspaces) {
    TRY(Workspace workspace, parse_workspace(document, parts_.vault));
    auto id = workspace.id;
    next->workspaces.emplace(std::move(id),
                             std::make_shared<const Workspace>(std::move(workspace)));
  }
  TRY(const auto services, parts_.store.list(kServices, ""));
  for (const auto& document : services) {
    auto service = read_service(document);
    if (!service)
      return std::unexpected(std::move(service).error().within("web service " + document.key));
    next->services.emplace((*service)->id, *service);
  }
  show(std::move(next));
  return {};
}

Result<Workspace> Registry::commit_workspace(Workspace workspace, store::Expect expect) {
  store::Write write =
      write_of(kWorkspaces, workspace.id, workspace_document(workspace, parts_.vault));
  write.expect = expect;
  write.version = workspace.document_version;
  std::vector<store::Write> writes;
  writes.push_back(std::move(write));
  TRY(workspace.document_version, parts_.store.commit(std::move(writes)));
  auto next = std::make_shared<Directory>(*directory());
  next->workspaces[workspace.id] = std::make_shared<const Workspace>(workspace);
  show(std::move(next));
  return workspace;
}

Result<Workspace> Registry::create_workspace(std::string_view name, std::string_view owner_email) {
  const std::lock_guard lock(change_);
  Workspace workspace;
  workspace.id = new_hex_id();
  workspace.name = name;
  workspace.owner_email = owner_email;
  workspace.region = "local";
  workspace.primary_token = new_hex_id();
  workspace.secondary_token = new_hex_id();
  workspace.created_ms = parts_.clock.now_ms();
  return commit_workspace(std::move(workspace), store::Expect::absent);
}

Result<Workspace> Registry::update_workspace(std::string_view id, std::optional<std::string> name,
                                             std::optional<std::string> description) {
  const std::lock_guard lock(change_);
  const auto now = directory();
  const Workspace* found = now->find_workspace(id);
  if (!found) return fail(Errc::not_found, "there is no such workspace");
  Workspace workspace = *found;
  if (name) workspace.name = *std::move(name);
  if (description) workspace.description = *std::move(description);
  return commit_workspace(std::move(workspace), store::Expect::version);
}

Result<Workspace> Registry::regenerate_token(std::string_view id, KeyKind which) {
  const std::lock_guard lock(change_);
  const auto now = directory();
  const Workspace* found = now->find_workspace(id);
  if (!found) return fail(Errc::not_found, "there is no such workspace");
  Workspace workspace = *found;
  (which == KeyKind::primary ? workspace.primary_token : workspace.secondary_token) = new_hex_id();
  return commit_workspace(std::move(workspace), store::Expect::version);
}

Result<std::shared_ptr<const Service>> Registry::commit_service(Service service,
                                                                std::vector<store::Write> writes) {
  store::Write write = write_of(kServices, service.id, service_document(service, parts_.vault));
  write.expect = service.document_version == 0 ? store::Expect::absent : store::Expect::version;
  write.version = service.document_version;
  writes.push_back(std::move(write));
  TRY(service.document_version, parts_.store.commit(std::move(writes)));
  auto shown = std::make_shared<const Service>(std::move(service));
  auto next = std::make_shared<Directory>(*directory());
  next->services[shown->id] = shown;
  show(std::move(next));
  return shown;
}

// Graphs that no endpoint of the service uses any more.
std::vector<store::Write> Registry::drop_unused_models(const Service& before,
                                                       const Service& after) const {
  std::set<std::uint64_t> used{after.model_version}, dropped;
  for (const auto& endpoint : after.endpoints) used.insert(endpoint->model_version);
  if (!used.contains(before.model_version)) dropped.insert(before.model_version);
  for (const auto& endpoint : before.endpoints)
    if (!used.contains(endpoint->model_version)) dropped.insert(endpoint->model_version);
  std::vector<store::Write> writes;
  for (const std::uint64_t version : dropped)
    writes.push_back(write_of(kGraphs, graph_key(after.id, version), std::nullopt));
  return writes;
}

Result<std::shared_ptr<const Service>> Registry::publish(Publication publication) {
  const std::lock_guard lock(change_);
  auto model = compile(publication.graph);
  if (!model->scorer) return fail(Errc::invalid_argument, model->error, "ExperimentGraph");
  const TimeMs now = parts_.clock.now_ms();
  const auto seen = directory();
  const Service* before = nullptr;
  Service service;
  if (publication.service_id.empty()) {
    service.id = new_hex_id();
    service.workspace_id = publication.workspace_id;
    service.created_ms = now;
    service.description =
        publication.description.empty() ? std::string(kNoDescription) : publication.description;
    Endpoint made = new_endpoint(service, "default", now);
    made.description = service.description;
    service.endpoints.push_back(std::make_shared<const Endpoint>(std::move(made)));
  } else {
    before = seen->find_service(publication.workspace_id, publication.service_id);
    if (!before) return fail(Errc::not_found, "there is no such web service");
    service = *before;
    service.model_version = before->model_version + 1;
    if (!publication.description.empty()) service.description = publication.description;
  }
  service.name = publication.name;
  service.experiment_id = publication.experiment_id;
  service.updated_ms = now;
  for (auto& endpoint : service.endpoints) {
    Endpoint next = *endpoint;
    next.service_name = service.name;
    next.service_description = service.description;
    if (next.is_default()) {
      next.model = model;
      next.model_version = service.model_version;
      next.updated_ms = now;
    }
    endpoint = std::make_shared<const Endpoint>(std::move(next));
  }
  std::vector<store::Write> writes;
  if (before) writes = drop_unused_models(*before, service);
  writes.push_back(write_of(kGraphs, graph_key(service.id, service.model_version),
                            publication.graph.to_json().dump()));
  return commit_service(std::move(service), std::move(writes));
}

Result<std::shared_ptr<const Service>> Registry::update_service(
    std::string_view workspace_id, std::string_view id, std::optional<std::string> name,
    std::optional<std::string> description) {
  const std::lock_guard lock(change_);
  const auto seen = directory();
  const Service* found = seen->find_service(workspace_id, id);
  if (!found) return fail(Errc::not_found, "there is no such web service");
  Service service = *found;
  if (name) service.name = *std::move(name);
  if (description) service.description = *std::move(description);
  service.updated_ms = parts_.clock.now_ms();
  for (auto& endpoint : service.endpoints) {
    Endpoint next = *endpoint;
    next.service_name = service.name;
    next.service_description = service.description;
    endpoint = std::make_shared<const Endpoint>(std::move(next));
  }
  return commit_service(std::move(service), {});
}

Result<void> Registry::remove_service(std::string_view workspace_id, std::string_view id) {
  const std::lock_guard lock(change_);
  const auto seen = directory();
  const Service* found = seen->find_service(workspace_id, id);
  if (!found) return fail(Errc::not_found, "there is no such web service");
  std::vector<store::Write> writes;
  TRY(const auto graphs, parts_.store.list(kGraphs, found->id + "."));
  for (const auto& graph : graphs) writes.push_back(write_of(kGraphs, graph.key, std::nullopt));
  writes.push_back(write_of(kServices, found->id, std::nullopt));
  TRY_OK(parts_.store.commit(std::move(writes)));
  auto next = std::make_shared<Directory>(*seen);
  next->services.erase(found->id);
  show(std::move(next));
  return {};
}

Result<std::shared_ptr<const Service>> Registry::current(const Service& service) const {
  const auto seen = directory();
  const auto found = seen->services.find(service.id);
  if (found == seen->services.end()) return fail(Errc::not_found, "there is no such web service");
  return found->second;
}

Result<std::shared_ptr<const Endpoint>> Registry::commit_endpoint(const Service& before,
                                                                  Endpoint endpoint) {
  Service service = before;
  service.updated_ms = endpoint.updated_ms = parts_.clock.now_ms();
  endpoint.service_name = service.name;
  endpoint.service_description = service.description;
  auto made = std::make_shared<const Endpoint>(std::move(endpoint));
  const auto same = [&](const auto& other) { return other->id == made->id; };
  const auto at = std::find_if(service.endpoints.begin(), service.endpoints.end(), same);
  if (at == service.endpoints.end()) {
    service.endpoints.push_back(made);
  } else {
    *at = made;
  }
  auto writes = drop_unused_models(before, service);
  TRY_OK(commit_service(std::move(service), std::move(writes)));
  return made;
}

Result<std::shared_ptr<const Endpoint>> Registry::put_endpoint(const Service& service,
                                                               std::string_view name,
                                                               const EndpointSettings& settings) {
  const std::lock_guard lock(change_);
  TRY(const auto now, current(service));
  Endpoint endpoint;
  if (const Endpoint* found = now->find_endpoint(name)) {
    endpoint = *found;
  } else {
    if (!is_endpoint_name(name)) {
      return fail(Errc::invalid_argument, "has 1 to 24 lower-case letters and digits",
                  "EndpointName");
    }
    if (now->endpoints.size() >= kEndpointsMax)
      return fail(Errc::exhausted, "a web service has at most 10000 endpoints", "EndpointName");
    endpoint = new_endpoint(*now, name, parts_.clock.now_ms());
    endpoint.model = now->find_endpoint("default")->model;
  }
  TRY_OK(apply(settings, endpoint));
  return commit_endpoint(*now, std::move(endpoint));
}

Result<void> Registry::remove_endpoint(const Service& service, std::string_view endpoint_id) {
  const std::lock_guard lock(change_);
  TRY(const auto now, current(service));
  Service next = *now;
  const auto gone = std::erase_if(
      next.endpoints, [&](const auto& endpoint) { return endpoint->id == endpoint_id; });
  if (gone == 0) return fail(Errc::not_found, "there is no such endpoint");
  next.updated_ms = parts_.clock.now_ms();
  auto writes = drop_unused_models(*now, next);
  TRY_OK(commit_service(std::move(next), std::move(writes)));
  return {};
}

Result<std::shared_ptr<const Endpoint>> Registry::refresh_endpoint(const Service& service,
                                                                   std::string_view endpoint_id) {
  const std::lock_guard lock(change_);
  TRY(const auto now, current(service));
  const Endpoint* found = now->find_endpoint(endpoint_id);
  if (!found) return fail(Errc::not_found, "there is no such endpoint");
  Endpoint endpoint = *found;
  endpoint.model = now->find_endpoint("default")->model;
  endpoint.model_version = now->model_version;
  return commit_endpoint(*now, std::move(endpoint));
}

Result<std::shared_ptr<const Endpoint>> Registry::regenerate_key(const Service& service,
                                                                 std::string_view endpoint_id,
                                                                 KeyKind which) {
  const std::lock_guard lock(change_);
  TRY(const auto now, current(service));
  const Endpoint* found = now->find_endpoint(endpoint_id);
  if (!found) return fail(Errc::not_found, "there is no such endpoint");
  Endpoint endpoint = *found;
  (which == KeyKind::primary ? endpoint.primary_key : endpoint.secondary_key) = new_service_key();
  return commit_endpoint(*now, std::move(endpoint));
}

Result<bool> Registry::uses_dataset(std::string_view dataset_id) {
  TRY(const auto documents, parts_.store.list(kGraphs, ""));
  for (const auto& document : documents) {
    TRY(const Json json, Json::parse(document.body));
    TRY(const ml::Graph graph, ml::Graph::parse(json));
    for (const auto& node : graph.nodes)
      if (node.dataset_id == dataset_id) return true;
  }
  return false;
}

}  // namespace mlgate::webservice
