#include "app/program.h"

#include "app/installation.h"
#include "base/text.h"
#include "ml/samples/samples.h"
#include "policy/catalog.h"
#include "policy/pipeline.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <future>
#include <thread>

namespace mlgate::app {
namespace {

constexpr std::size_t kControlThreads = 4;
constexpr std::size_t kControlQueueMax = 1'000;
constexpr std::size_t kComputeQueueMax = 10'000;
constexpr std::chrono::seconds kDrainTime{10};
constexpr std::size_t kUploadBytesMax = 256 << 20;
constexpr std::string_view kQuotaCollection = "quota";

// The port to listen on: the given one if it is free, or any. Checked without SO_REUSEPORT, so that
// a second mlgate does not quietly share the port of the first.
Result<std::uint16_t> free_port(const std::string& host, std::uint16_t port,
                                const std::string& flag) {
  sockaddr_storage storage{};
  socklen_t size = 0;
  auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
  if (::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    size = sizeof v4;
  } else if (::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    size = sizeof v6;
  } else {
    return fail(Errc::invalid_argument, "--bind '" + host + "' is not an IP address", "bind");
  }
  const int fd = ::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const bool bound =
      ::bind(fd, reinterpret_cast<sockaddr*>(&storage), size) == 0 && ::listen(fd, 1) == 0;
  const int error = errno;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size);
  ::close(fd);
  if (!bound) {
    return fail(Errc::conflict,
                "port " + std::to_string(port) + " on " + host + " is not to be had (" +
                    std::strerror(error) + "); choose another with --" + flag,
                flag);
  }
  return ntohs(storage.ss_family == AF_INET ? v4.sin_port : v6.sin6_port);
}

Result<net::ClientCertificates> client_certificates(const Settings& settings) {
  const std::string& mode = settings.text("tls.client_certificates");
  if (mode == "off") return net::ClientCertificates::off;
  if (mode == "request") return net::ClientCertificates::request;
  if (mode == "require") return net::ClientCertificates::require;
  return fail(Errc::invalid_argument,
              "setting 'tls.client_certificates' is '" + mode + "'; it is off, request or require",
              "tls.client_certificates");
}

http::Response service_error(int status, std::string_view code, std::string_view message) {
  using webservice::Fault;
  if (status == 404) return webservice::error_response(Fault::path_not_found);
  if (status == 408) return webservice::error_response(Fault::score_timeout);
  if (status == 400) return webservice::error_response(Fault::request_body_invalid);
  if (status == 503) return webservice::error_response(Fault::too_many_requests);
  JsonWriter w;
  w.object().key("error").object().field("code", code).field("message", message);
  w.key("details").array().object().field("code", code).field("message", message);
  w.end().end().end().end();
  return webservice::json_response(status, std::move(w).text());
}

http::Response console_error(int status, std::string_view code, std::string_view message) {
  JsonWriter w;
  w.object().key("error").object().field("code", code).field("message", message);
  w.key("details").null().end().end();
  http::Response response;
  response.status = status;
  response.set("Content-Type", "application/json; charset=utf-8");
  response.body = std::move(w).text();
  return response;
}

policy::Scope policy_scope(apim::PolicyScopeKind kind) {
  switch (kind) {
    case apim::PolicyScopeKind::global:
      return policy::Scope::global;
    case apim::PolicyScopeKind::product:
      return policy::Scope::product;
    case apim::PolicyScopeKind::api:
      return policy::Scope::api;
    case apim::PolicyScopeKind::operation:
      return policy::Scope::operation;
  }
  return policy::Scope::global;
}

std::vector<Error> check_policy(const apim::PolicyScope& scope, std::string_view text,
                                apim::PolicyFormat format) {
  return policy::check_document(
      policy::builtin_policies(), text,
      format == apim::PolicyFormat::xml ? policy::Format::xml : policy::Format::rawxml,
      policy_scope(scope.kind));
}

}  // namespace

Program::Program(const Settings& settings)
    : settings_(settings), data_{settings.text("data")}, roles_(settings.list("roles")) {}

Program::~Program() {
  if (started_) stop();
}

bool Program::plays(std::string_view role) const {
  return std::ranges::find(roles_, role) != roles_.end();
}

Result<std::unique_ptr<Program>> Program::open(const Settings& settings) {
  std::unique_ptr<Program> program(new Program(settings));
  for (const std::string& role : program->roles_) {
    if (role != "gateway" && role != "console" && role != "services")
      return fail(Errc::invalid_argument,
                  "setting 'roles' has '" + role + "'; the roles are gateway, console and services",
                  "roles");
  }
  if (!program->data_.initialised()) {
    return fail(Errc::not_found, program->data_.root.string() +
                                     " is not initialised; run 'mlgate init --data " +
                                     program->data_.root.string() + "' first");
  }
  TRY_OK(program->choose_ports());
  TRY_OK(program->open_parts());
  return program;
}

Result<void> Program::choose_ports_of(const std::string& role, RolePorts& ports) {
  if (!plays(role)) return {};
  for (const bool tls : {false, true}) {
    const std::string flag = role + (tls ? ".https_port" : ".http_port");
    TRY(const std::uint16_t port,
        free_port(settings_.text("bind"), std::uint16_t(settings_.integer(flag)), flag));
    (tls ? ports.https : ports.http) = port;
  }
  return {};
}

Result<void> Program::choose_ports() {
  TRY_OK(choose_ports_of("gateway", gateway_ports_));
  TRY_OK(choose_ports_of("console", console_ports_));
  return choose_ports_of("services", services_ports_);
}

Result<void> Program::open_parts() {
  const Clock& clock = system_clock();
  TRY(store::Vault vault, store::Vault::open(data_.master_key()));
  vault_ = std::make_unique<store::Vault>(std::move(vault));
  TRY(store_, store::open_sqlite(data_.store()));

  TRY(const net::TlsFiles tls, net::ensure_certificates(data_.tls(), {}, clock.now_ms()));
  constexpr std::string_view kClientProtocols[] = {"http/1.1"};
  net::ServerTlsOptions server{.certificate = tls.server_certificate,
                               .key = tls.server_key,
                               .sites = data_.tls() / "sites",
                               .client = net::ClientCertificates::off,
                               .client_ca = {},
                               .protocols = {"h2", "http/1.1"}};
  TRY(server_tls_, net::ServerTls::open(server));
  TRY(server.client, client_certificates(settings_));
  server.client_ca = settings_.text("tls.client_ca");
  TRY(gateway_tls_, net::ServerTls::open(std::move(server)));
  TRY(client_tls_, net::make_client_context(tls.ca_certificate, kClientProtocols));
  if (settings_.flag("dial.allow_link_local")) {
    for (const char* range : {"169.254.0.0/16", "fe80::/10"}) {
      TRY(const net::IpRange parsed, net::IpRange::parse(range));
      guard_.allow(parsed);
    }
  }

  const management::Options options = management_options(
      settings_, gateway_ports_.https, console_ports_.https, services_ports_.http);
  TRY(identity::Identity identity,
      identity::Identity::open(*store_, *vault_, clock,
                               {.tenant_id = options.tenant_id, .issuer = issuer_of(options)}));
  identity_ = std::make_unique<identity::Identity>(std::move(identity));

  std::size_t cores = std::max(1U, std::thread::hardware_concurrency());
  const auto workers = std::size_t(settings_.integer("workers"));
  for (std::size_t i = 0; i < (workers ? workers : cores); ++i)
    workers_.push_back(std::make_unique<net::Worker>(i));
  const auto compute = std::size_t(settings_.integer("services.compute_threads"));
  compute_pool_ =
      std::make_unique<net::ComputePool>("compute", compute ? compute : cores, kComputeQueueMax);
  control_pool_ = std::make_unique<net::ComputePool>("control", kControlThreads, kControlQueueMax);

  const std::string& log = settings_.text("gateway.access_log");
  TRY(recorder_,
      analytics::Recorder::start({.access_log_path = log.empty() ? "" : (data_.root / log).string(),
                                  .workers = workers_.size()}));
  make_services();
  make_control();
  make_management();
  make_handlers();
  return {};
}

void Program::make_services() {
  ml::register_modules(catalogue_);
  const Clock& clock = system_clock();
  datasets_ = std::make_unique<studio::Datasets>(
      *store_, clock, data_.datasets().string(),
      std::vector<studio::SampleDataset>{
          {.name = "Book Reviews from Amazon",
           .description = "Ratings 1 to 5 and review texts, written for this project.",
           .data_type_id = "GenericTSVNoHeader",
           .content = ml::book_reviews_tsv()}});
  registry_ = std::make_unique<webservice::Registry>(
      webservice::Registry::Parts{.store = *store_,
                                  .vault = *vault_,
                                  .catalogue = catalogue_,
                                  .clock = clock,
                                  .datasets = studio::dataset_loader(*datasets_)});
  const auto post_compute = [this](std::function<void()> work) {
    return compute_pool_->post(std::move(work));
  };
  studio_ = std::make_unique<studio::Studio>(
      studio::Studio::Parts{.store = *store_,
                            .vault = *vault_,
                            .catalogue = catalogue_,
                            .clock = clock,
                            .registry = *registry_,
                            .post_compute = post_compute},
      *datasets_, studio::StudioOptions{.subscription_id = settings_.text("arm.subscription_id")});
  service_management_ =
      std::make_unique<webservice::ServiceManagement>(*registry_, webservice::ManagementOptions{});
  request_response_ = std::make_unique<webservice::RequestResponse>(
      *registry_, post_compute,
      webservice::RrsOptions{
          .body_bytes_max = std::size_t(settings_.integer("services.max_body")),
          .time_max = std::chrono::seconds(settings_.integer("services.timeout")),
          .subscription_id = {}});
}

void Program::make_control() {
  control::BuilderOptions options;
  options.gateway_domain = settings_.text("gateway.domain");
  if (settings_.flag("services.in_process") && plays("services")) {
    options.own_services = request_response_.get();
    for (const std::uint16_t port : {services_ports_.http, services_ports_.https})
      for (const std::string& host :
           {std::string("localhost"), std::string("*.localhost"), std::string("127.0.0.1"),
            std::string("::1"), settings_.text("bind")})
        options.own_addresses.push_back({host, port});
    for (const std::string& alias : settings_.list("services.aliases"))
      options.own_addresses.push_back({alias, 0});
  }
  control_ = std::make_unique<control::Control>(std::move(options), limits_, publisher_);
  quota_checkpoint_ = std::make_unique<control::QuotaCheckpoint>(
      limits_.quotas, system_clock(),
      [this](std::vector<control::CheckpointDocument> documents) -> Result<void> {
        std::vector<store::Write> writes;
        for (control::CheckpointDocument& document : documents)
          writes.push_back({.collection = std::string(kQuotaCollection),
                            .key = std::move(document.key),
                            .body = std::move(document.body)});
        TRY_OK(store_->commit(std::move(writes)));
        return {};
      });
}

void Program::make_management() {
  management::Options options = management_options(settings_, gateway_ports_.https,
                                                   console_ports_.https, services_ports_.http);
  options.publish = [this](const std::string& service) { return publish(service); };
  options.check_policy = check_policy;
  for (const char* host : {"http://localhost:", "http://127.0.0.1:"})
    options.audiences.push_back(host + std::to_string(console_ports_.http));
  for (const char* host : {"https://localhost:", "https://127.0.0.1:"})
    options.audiences.push_back(host + std::to_string(console_ports_.https));
  management_ = std::make_unique<management::Management>(*store_, *vault_, *identity_,
                                                         system_clock(), std::move(options));
}

void Program::make_handlers() {
  gateway::HandlerOptions options;
  options.gateway.backend_failure_as_http =
      settings_.text("gateway.backend_failure_status") == "http";
  options.request_body_max = std::uint64_t(settings_.integer("gateway.max_request_body"));
  options.tunnel_idle = std::chrono::seconds(settings_.integer("gateway.websocket_idle"));
  options.client.response_time = std::chrono::seconds(settings_.integer("gateway.backend_timeout"));
  options.buffered_body_max = std::uint64_t(settings_.integer("services.max_body"));
  gateway_handler_ = std::make_unique<gateway::GatewayHandler>(options);
  gateway_handler_->reserve(workers_.size());

  using Route = http::Dispatcher::Route;
  std::vector<Route> console;
  console.push_back(
      Route{.owns = [this](auto, std::string_view path) { return management_->owns(path); },
            .body_bytes_max = 8 << 20,
            .service = nullptr,
            .blocking = [this](const http::Request& r) { return management_->handle(r); },
            .error = console_error});
  console_handler_ =
      std::make_unique<http::Dispatcher>(*control_pool_, std::move(console), console_error);

  std::vector<Route> services;
  // Management paths lie below /workspaces as well and are the narrower ones.
  services.push_back(Route{
      .owns = [](auto, std::string_view path) { return webservice::ServiceManagement::owns(path); },
      .body_bytes_max = 64 << 20,
      .service = nullptr,
      .blocking = [this](const http::Request& r) { return service_management_->handle(r); },
      .error = service_error});
  services.push_back(Route{
      .owns = [](auto, std::string_view path) { return webservice::RequestResponse::owns(path); },
      .body_bytes_max = std::size_t(settings_.integer("services.max_body")),
      .service = request_response_.get(),
      .blocking = {},
      .error = service_error});
  services.push_back(
      Route{.owns = [](auto, std::string_view path) { return studio::Studio::owns(path); },
            .body_bytes_max = kUploadBytesMax,
            .service = nullptr,
            .blocking = [this](const http::Request& r) { return studio_->handle(r); },
            .error = service_error});
  services_handler_ =
      std::make_unique<http::Dispatcher>(*control_pool_, std::move(services), service_error);

  const auto listen = [&](const std::string& role, const RolePorts& ports, http::Handler& handler) {
    if (!plays(role)) return;
    const net::ServerTls& tls = role == "gateway" ? *gateway_tls_ : *server_tls_;
    listeners_.push_back({role + ".http_port", ports.http, nullptr, &handler});
    listeners_.push_back({role + ".https_port", ports.https, tls.context(), &handler});
  };
  listen("gateway", gateway_ports_, *gateway_handler_);
  listen("console", console_ports_, *console_handler_);
  listen("services", services_ports_, *services_handler_);
}

Result<void> Program::publish(const std::string& service) {
  auto model = management_->repository().load_service(service);
  const std::lock_guard lock(published_mutex_);
  if (!model) {
    if (model.error().code() != Errc::not_found) return std::unexpected(std::move(model).error());
    if (const auto gone = published_.find(to_lower(service)); gone != published_.end()) {
      control_->remove(gone->second);
      published_.erase(gone);
    }
    return {};
  }
  const std::vector<Error> errors = control_->update(*model);
  if (!errors.empty()) return std::unexpected(errors.front());
  published_[to_lower(service)] = model->service.number;
  return {};
}

Result<void> Program::load_instances() {
  TRY(const std::vector<apim::Service> services, management_->repository().services());
  std::vector<apim::ServiceModel> models;
  for (const apim::Service& service : services) {
    TRY(apim::ServiceModel model, management_->repository().load_service(service.name));
    published_[to_lower(service.name)] = service.number;
    models.push_back(std::move(model));
  }
  const std::vector<Error> errors = control_->replace(models);
  if (!errors.empty()) {
    Error first = errors.front();
    return std::unexpected(std::move(first).within("the stored configuration"));
  }
  return {};
}

Result<void> Program::restore_quotas() {
  TRY(const std::vector<store::Document> documents, store_->list(kQuotaCollection, ""));
  for (const store::Document& document : documents) {
    TRY_OK(quota_checkpoint_->restore(document.body));
  }
  return {};
}

Result<void> Program::open_listeners(net::Worker& worker) {
  auto& servers = servers_[worker.index()];
  if (plays("gateway")) {
    gateway_handler_->open_station(worker, publisher_, recorder_->sink(worker.index()),
                                   guard_.for_target(net::DialTarget::configured),
                                   client_tls_.get());
  }
  for (const Listener& listener : listeners_) {
    http::ServerOptions options;
    options.address = {settings_.text("bind"), listener.port};
    options.tls = listener.tls;
    servers.push_back(std::make_unique<http::Server>(worker, *listener.handler, options));
    if (auto opened = servers.back()->open(); !opened)
      return std::unexpected(std::move(opened).error().within("--" + listener.flag));
  }
  return {};
}

Result<void> Program::start() {
  TRY_OK(datasets_->open());
  TRY_OK(registry_->load());
  TRY_OK(studio_->open());
  TRY_OK(restore_quotas());
  TRY_OK(load_instances());
  quota_checkpoint_->start();
  servers_.resize(workers_.size());
  started_ = true;
  Result<void> opened;
  for (const auto& worker : workers_) {
    worker->start();
    worker->run_and_wait([&] {
      if (opened) opened = open_listeners(*worker);
    });
  }
  if (!opened) return opened;
  return write_file(data_.endpoints(), endpoints().dump() + "\n", FileKind::plain);
}

Result<bool> Program::refresh_certificates(Refresh when) {
  bool any = false;
  for (net::ServerTls* tls : {server_tls_.get(), gateway_tls_.get()}) {
    if (when == Refresh::if_changed && !tls->changed()) continue;
    TRY_OK(tls->reload());
    any = true;
  }
  return any;
}

void Program::close_listeners() {
  std::vector<std::future<void>> ended;
  for (const auto& worker : workers_) {
    for (const auto& server : servers_[worker->index()]) {
      auto done = std::make_shared<std::promise<void>>();
      ended.push_back(done->get_future());
      worker->post([&server, done] { server->stop(kDrainTime, [done] { done->set_value(); }); });
    }
  }
  for (std::future<void>& one : ended) one.wait();
  for (const auto& worker : workers_) {
    worker->run_and_wait([&] {
      servers_[worker->index()].clear();
      if (plays("gateway")) gateway_handler_->close_station(*worker);
    });
  }
}

void Program::stop() {
  started_ = false;
  close_listeners();
  control_pool_.reset();
  compute_pool_.reset();
  workers_.clear();
  recorder_->stop();
  quota_checkpoint_->stop();
  std::error_code ignored;
  std::filesystem::remove(data_.endpoints(), ignored);
}

Json Program::endpoints() const {
  const auto role = [](const RolePorts& ports) {
    return Json::object(
        {{"http", Json(std::int64_t(ports.http))}, {"https", Json(std::int64_t(ports.https))}});
  };
  return Json::object({{"pid", Json(std::int64_t(::getpid()))},
                       {"bind", Json(settings_.text("bind"))},
                       {"gateway", role(gateway_ports_)},
                       {"console", role(console_ports_)},
                       {"services", role(services_ports_)}});
}

std::string Program::banner() const {
  std::string out;
  const auto line = [&](const std::string& role, const RolePorts& ports, const char* what) {
    if (!plays(role)) return;
    out += role + std::string(10 - role.size(), ' ') +
           "http://localhost:" + std::to_string(ports.http) +
           "  https://localhost:" + std::to_string(ports.https) + "  " + what + "\n";
  };
  line("gateway", gateway_ports_, "managed APIs");
  line("console", console_ports_, "management REST and tokens");
  line("services", services_ports_, "web services and Studio API");
  return out;
}

}  // namespace mlgate::app
