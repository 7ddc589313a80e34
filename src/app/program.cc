#include "app/program.h"

#include "app/installation.h"
#include "app/listener_errors.h"
#include "app/policy_check.h"
#include "app/remote_gateway.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <future>
#include <thread>

namespace mlgate::app {
namespace {

// Some of them may wait for calls that people try out.
constexpr std::size_t kControlThreads = 4 + portal::TryIt::kCallsMax;
constexpr std::size_t kControlQueueMax = 1'000;
constexpr std::size_t kComputeQueueMax = 10'000;
// How long callers that keep their connections may take to come back once more before a stop.
constexpr std::chrono::seconds kFarewellTime{1};
constexpr std::size_t kFormBytesMax = 64 << 10;

// How long usage is kept, and what of it.
Result<analytics::UsageOptions> usage_options(const Settings& settings) {
  using analytics::AddressDetail;
  constexpr TimeMs kHourMs = 3'600'000;
  analytics::UsageOptions out;
  out.rollups.minutes_ms = settings.integer("usage.minutes_hours") * kHourMs;
  out.rollups.quarters_ms = settings.integer("usage.quarters_days") * analytics::kDayMs;
  out.requests.age_max_ms = settings.integer("usage.requests_days") * analytics::kDayMs;
  out.requests.bytes_max = std::uint64_t(settings.integer("usage.requests_max"));
  const std::string& addresses = settings.text("usage.client_addresses");
  if (addresses != "full" && addresses != "network" && addresses != "none")
    return fail(Errc::invalid_argument, "setting 'usage.client_addresses' is full, network or none",
                "usage.client_addresses");
  out.requests.addresses = addresses == "full"      ? AddressDetail::full
                           : addresses == "network" ? AddressDetail::network
                                                    : AddressDetail::none;
  return out;
}

}  // namespace

Program::Program(const Settings& settings)
    : settings_(settings),
      data_{settings.text("data")},
      roles_(settings.list("roles")),
      certificates_(settings_, data_),
      limits_(std::size_t(settings_.integer("limits.counters"))) {}

Program::~Program() {
  if (started_) stop();
}

bool Program::plays(std::string_view role) const {
  return std::ranges::find(roles_, role) != roles_.end();
}

Result<std::unique_ptr<Program>> Program::open(const Settings& settings) {
  std::unique_ptr<Program> program(new Program(settings));
  for (const std::string& role : program->roles_) {
    if (role != "gateway" && role != "console" && role != "services" && role != "blob" &&
        role != "worker")
      return fail(Errc::invalid_argument,
                  "setting 'roles' has '" + role +
                      "'; the roles are gateway, console, services, blob and worker",
                  "roles");
  }
  if (!program->data_.initialised()) {
    return fail(Errc::not_found, program->data_.root.string() +
                                     " is not initialised; run 'mlgate init --data " +
                                     program->data_.root.string() + "' first");
  }
  TRY(program->operations_, Operations::make(program->settings_, program->data_));
  TRY(program->proxies_, trusted_proxies(program->settings_));
  TRY(program->path_case_, path_case(program->settings_));
  TRY_OK(program->choose_ports());
  TRY_OK(program->open_parts());
  return program;
}

Result<void> Program::choose_ports_of(const std::string& role, RolePorts& ports) {
  if (!plays(role)) return {};
  for (const bool tls : {false, true}) {
    const std::string flag = role + (tls ? ".https_port" : ".http_port");
    std::uint16_t& port = tls ? ports.https : ports.http;
    const auto wanted = std::uint16_t(settings_.integer(flag));
    if (const auto socket = operations_->inherited(role + (tls ? ".https" : ".http"), wanted)) {
      port = socket->port;
    } else {
      TRY(port, free_port(settings_.text("bind"), wanted, flag));
    }
  }
  return {};
}

Result<void> Program::choose_ports() {
  TRY_OK(choose_ports_of("gateway", gateway_ports_));
  TRY_OK(choose_ports_of("console", console_ports_));
  TRY_OK(choose_ports_of("services", services_ports_));
  if (const std::int64_t port = settings_.integer("metrics.port"); port >= 0) {
    TRY(metrics_port_, free_port(settings_.text("bind"), std::uint16_t(port), "metrics.port"));
  }
  return choose_ports_of("blob", blob_ports_);
}

Result<void> Program::open_parts() {
  TRY(store::Vault vault, store::Vault::open(data_.master_key()));
  vault_ = std::make_unique<store::Vault>(std::move(vault));
  secrets_ = std::make_unique<management::VaultSecrets>(*vault_);
  limits_.hash_key = vault_->derive("limits").substr(0, 16);
  // The gateway alone never makes a store: one that is not there is away.
  if (!is_gateway_alone() || std::filesystem::exists(data_.store())) {
    auto opened = store::open_sqlite(data_.store());
    if (!opened && !is_gateway_alone()) return std::unexpected(std::move(opened).error());
    if (opened) store_ = *std::move(opened);
  }

  TRY_OK(certificates_.open());
  TRY(guard_, make_dial_guard(settings_));
  if (store_) {
    TRY_OK(open_identity());
    TRY(blob_, BlobRole::open(settings_, data_, *store_, *vault_, *identity_));
  }

  std::size_t cores = std::max(1U, std::thread::hardware_concurrency());
  const auto workers = std::size_t(settings_.integer("workers"));
  for (std::size_t i = 0; i < (workers ? workers : cores); ++i)
    workers_.push_back(std::make_unique<net::Worker>(i));
  const auto compute = std::size_t(settings_.integer("services.compute_threads"));
  compute_pool_ =
      std::make_unique<net::ComputePool>("compute", compute ? compute : cores, kComputeQueueMax);
  control_pool_ = std::make_unique<net::ComputePool>("control", kControlThreads, kControlQueueMax);

  TRY_OK(open_recorder());
  if (store_) make_services();
  make_follower();
  if (store_) {
    TRY_OK(open_mail());
    make_management();
    TRY_OK(make_console_role());
  }
  make_handlers();
  return {};
}

Result<void> Program::open_recorder() {
  const std::string log = plays("gateway") ? settings_.text("gateway.access_log") : "";
  TRY(analytics::UsageOptions usage, usage_options(settings_));
  if (plays("gateway")) usage.folder = data_.usage().string();
  TRY(recorder_,
      analytics::Recorder::start(
          {.access_log_path = log.empty() ? "" : (data_.root / log).string(),
           .access_log_bytes_max = std::uint64_t(settings_.integer("gateway.access_log_max")),
           .access_logs_kept = int(settings_.integer("gateway.access_log_kept")),
           .workers = workers_.size(),
           .series_max = std::size_t(settings_.integer("metrics.series")),
           .spans = operations_->spans(),
           .usage = std::move(usage)}));
  return {};
}

Result<void> Program::open_identity() {
  const Clock& clock = system_clock();
  const management::Options options = management_options(
      settings_, published_gateway().https, console_ports_.https, services_ports_.http);
  TRY(identity::Identity identity,
      identity::Identity::open(*store_, *vault_, clock,
                               {.tenant_id = options.tenant_id, .issuer = issuer_of(options)}));
  identity_ = std::make_unique<identity::Identity>(std::move(identity));
  return {};
}

void Program::make_services() {
  ml::register_modules(catalogue_);
  const Clock& clock = system_clock();
  datasets_ = std::make_unique<studio::Datasets>(*store_, clock, data_.datasets().string(),
                                                 sample_datasets());
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
  batch_ =
      std::make_unique<BatchRole>(settings_, data_,
                                  BatchRole::Parts{.store = *store_,
                                                   .vault = *vault_,
                                                   .catalogue = catalogue_,
                                                   .datasets = studio::dataset_loader(*datasets_),
                                                   .registry = *registry_,
                                                   .blob = *blob_,
                                                   .pool = *control_pool_,
                                                   .guard = guard_,
                                                   .tls = certificates_.client(),
                                                   .blob_http_port = blob_ports_.http,
                                                   .blob_https_port = blob_ports_.https});
  service_management_ = std::make_unique<webservice::ServiceManagement>(
      *registry_, webservice::ManagementOptions{
                      .services_url = {}, .help_url = {}, .batch = &batch_->service()});
  request_response_ = std::make_unique<webservice::RequestResponse>(
      *registry_, post_compute,
      webservice::RrsOptions{
          .body_bytes_max = std::size_t(settings_.integer("services.max_body")),
          .time_max = std::chrono::seconds(settings_.integer("services.timeout")),
          .subscription_id = settings_.text("arm.subscription_id")},
      &batch_->service());
}

void Program::make_follower() {
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
  options.ca_certificate = certificates_.authority();
  options.backend_ca = settings_.text("gateway.backend_ca");
  options.path_case = path_case_;
  const std::size_t gateway = plays("gateway") ? recorder_->usage().place() : 0;
  follower_ = std::make_unique<StoreFollower>(
      StoreFollower::Parts{.store = store_.get(),
                           .store_file = data_.store(),
                           .last_good_file = data_.last_good(gateway),
                           .secrets = *secrets_,
                           .limits = limits_,
                           .publisher = publisher_,
                           .gateway = gateway},
      std::move(options));
}

// As people open it: on loopback without TLS, because their browsers do not trust our own
// authority.
std::string Program::console_url() const {
  const bool clear = net::is_loopback(settings_.text("bind"));
  return (clear ? "http://localhost:" : "https://localhost:") +
         std::to_string(clear ? console_ports_.http : console_ports_.https);
}

Result<void> Program::open_mail() {
  TRY(mail_, MailRole::open(settings_, {.store = *store_,
                                        .vault = *vault_,
                                        .secrets = *secrets_,
                                        .guard = guard_,
                                        .authority = certificates_.authority(),
                                        .console_url = console_url()}));
  return {};
}

void Program::make_management() {
  management::Options options = management_options(settings_, published_gateway().https,
                                                   console_ports_.https, services_ports_.http);
  options.publish = [this](const std::string& service) -> Result<void> {
    TRY_OK(follower_->follow());
    return certificates_.name_instances({&service, 1});
  };
  options.notify = [this](const std::string& service, const std::vector<apim::Notice>& notices) {
    mail_->mailer().tell(service, notices);
  };
  options.people = {
      .invite = [this](const auto& service,
                       const auto& user) { return accounts_->invite(service, user); },
      .send_reset = [this](const auto& service,
                           const auto& user) { return accounts_->send_reset(service, user); },
      .say_goodbye = [this](const auto& service,
                            const auto& user) { return accounts_->say_goodbye(service, user); }};
  options.check_policy = check_policy;
  options.usage = &recorder_->usage().rollups();
  options.requests = &recorder_->usage().requests();
  if (plays("gateway")) options.quotas = &follower_->quotas();
  options.tracing = operations_->tracing();
  operations_->set_console(options.console_url);
  options.storage_accounts = &blob_->accounts();
  options.blob_url = "https://localhost:" + std::to_string(blob_ports_.https);
  options.remove_blobs = [this](const std::string& account) {
    return blob_->storage().remove_account(account);
  };
  for (const char* host : {"http://localhost:", "http://127.0.0.1:"})
    options.audiences.push_back(host + std::to_string(console_ports_.http));
  for (const char* host : {"https://localhost:", "https://127.0.0.1:"})
    options.audiences.push_back(host + std::to_string(console_ports_.https));
  management_ = std::make_unique<management::Management>(*store_, *vault_, *identity_,
                                                         system_clock(), std::move(options));
  people_ = std::make_unique<identity::People>(*store_, system_clock());
  accounts_ =
      std::make_unique<portal::Accounts>(*people_, management_->repository(), mail_->mailer());
}

Result<void> Program::make_console_role() {
  const RolePorts gateway = published_gateway();
  const auto at = [](const char* scheme, std::uint16_t port) {
    return std::string(scheme) + "://localhost:" + std::to_string(port);
  };
  ConsoleRole::Parts parts{.people = *people_,
                           .management = *management_,
                           .accounts = *accounts_,
                           .outbox = mail_->outbox()};
  parts.counted_calls = [this] { return recorder_->usage().rollups().added_total(); };
  parts.post = [this](std::function<void()> work) { return control_pool_->post(std::move(work)); };
  if (plays("services")) {
    parts.studio = studio_.get();
    parts.registry = registry_.get();
    parts.services = service_management_.get();
    parts.scoring = request_response_.get();
  }
  if (plays("gateway")) {
    parts.call_gateway = [this](http::InnerRequest request) {
      net::Worker& worker = *workers_[next_inner_++ % workers_.size()];
      return http::call_inner(worker, *gateway_handler_, std::move(request), {});
    };
  } else {
    TRY(parts.call_gateway, remote_gateway(certificates_.authority().string(),
                                           guard_.for_target(net::DialTarget::configured)));
  }
  console_ = std::make_unique<ConsoleRole>(
      settings_, parts,
      ConsoleRole::Addresses{
          .gateway = at("https", gateway.https),
          .services_http = at("http", services_ports_.http),
          .services_https = at("https", services_ports_.https),
          .console = console_url(),
          .blob_http = at("http", blob_ports_.http),
          .gateway_place = {settings_.text("gateway.domain"), gateway.http, gateway.https}});
  return {};
}

void Program::make_handlers() {
  gateway::HandlerOptions options;
  options.gateway.backend_failure_as_http =
      settings_.text("gateway.backend_failure_status") == "http";
  options.gateway.backend_timeout_ms =
      std::uint32_t(settings_.integer("gateway.backend_timeout") * 1000);
  options.gateway.watching = &operations_->watching();
  options.request_body_max = std::uint64_t(settings_.integer("gateway.max_request_body"));
  options.connections_max = std::uint32_t(settings_.integer("gateway.backend_connections"));
  options.tunnel_idle = std::chrono::seconds(settings_.integer("gateway.websocket_idle"));
  // Whoever needed so many at once will need them again; unused ones close after a while.
  options.client.idle_max = options.connections_max;
  options.client.connect_time = std::chrono::seconds(settings_.integer("gateway.connect_timeout"));
  options.client.response_time = std::chrono::seconds(settings_.integer("gateway.backend_timeout"));
  options.client.dial.refresh = std::chrono::seconds(settings_.integer("gateway.dns_refresh"));
  options.buffered_body_max = std::uint64_t(settings_.integer("gateway.max_buffered_body"));
  options.local_body_max = std::uint64_t(settings_.integer("services.max_body"));
  options.bodies_bytes_max = std::size_t(settings_.integer("bodies_memory"));
  options.proxies = proxies_;
  gateway_handler_ = std::make_unique<gateway::GatewayHandler>(std::move(options));
  gateway_handler_->reserve(workers_.size());

  make_console_handlers();
  make_services_handler();
  list_listeners();
}

void Program::make_console_handlers() {
  using Route = http::Dispatcher::Route;
  const auto bodies_max = std::size_t(settings_.integer("bodies_memory"));
  const http::BlockingHandler manage = [this](const http::Request& r) {
    return management_->handle(r);
  };
  std::vector<Route> console;
  if (console_) console_->add_routes(console, console_error, services_error);
  // Whoever asks for a token has none, so that only a small body is taken from him.
  console.push_back(
      Route{.owns = [this](auto, std::string_view path) { return management_->owns(path); },
            .body_bytes_max = kFormBytesMax,
            .service = nullptr,
            .blocking = manage,
            .error = console_error,
            .admit = {}});
  admin_handler_ = std::make_unique<http::Dispatcher>(
      *control_pool_,
      std::vector{Route{
          .owns = console.back().owns,
          .body_bytes_max = management::Management::kBodyBytesMax,
          .service = nullptr,
          .blocking =
              [this](const http::Request& r) { return management_->handle_as_administrator(r); },
          .error = console_error,
          .admit = {}}},
      console_error, bodies_max);
  if (management_) operations_->add_console_routes(console, *management_, console_error);
  console_handler_ = std::make_unique<http::Dispatcher>(*control_pool_, std::move(console),
                                                        console_error, bodies_max);

  // Tokens and secrets pass through the console, so off this machine it speaks TLS only.
  console_redirect_ =
      std::make_unique<http::HttpsRedirect>(settings_.text("bind"), console_ports_.https);
}

void Program::make_services_handler() {
  using Route = http::Dispatcher::Route;
  std::vector<Route> services;
  if (console_ && plays("console")) console_->add_help_route(services, services_error);
  // Management paths lie below /workspaces as well and are the narrower ones.
  services.push_back(Route{
      .owns = [](auto, std::string_view path) { return webservice::ServiceManagement::owns(path); },
      .body_bytes_max = webservice::ServiceManagement::kBodyBytesMax,
      .service = nullptr,
      .blocking = [this](const http::Request& r) { return service_management_->handle(r); },
      .error = services_error,
      .admit = [this](const http::Request& r) { return service_management_->admit(r); }});
  services.push_back(Route{
      .owns = [](auto, std::string_view path) { return webservice::RequestResponse::owns(path); },
      .body_bytes_max = std::size_t(settings_.integer("services.max_body")),
      .service = request_response_.get(),
      .blocking = {},
      .error = services_error,
      .admit = [this](const http::Request& r) { return request_response_->admit(r); }});
  services.push_back(
      Route{.owns = [](auto, std::string_view path) { return studio::Studio::owns(path); },
            .body_bytes_max = studio::Studio::kBodyBytesMax,
            .service = nullptr,
            .blocking = [this](const http::Request& r) { return studio_->handle(r); },
            .error = services_error,
            .admit = [this](const http::Request& r) { return studio_->admit(r); }});
  services_handler_ =
      std::make_unique<http::Dispatcher>(*control_pool_, std::move(services), services_error,
                                         std::size_t(settings_.integer("bodies_memory")));
}

RolePorts Program::published_gateway() const {
  if (plays("gateway")) return gateway_ports_;
  return {.http = std::uint16_t(settings_.integer("gateway.http_port")),
          .https = std::uint16_t(settings_.integer("gateway.https_port"))};
}

void Program::list_listeners() {
  http::Handler* console_clear = console_redirect_.get();
  if (net::is_loopback(settings_.text("bind"))) console_clear = console_handler_.get();
  const auto listen = [&](const std::string& role, const RolePorts& ports, http::Handler& inner) {
    if (!plays(role)) return;
    http::Handler& handler = operations_->front(inner, role, workers_.size());
    // The redirect of a clear console needs no front.
    http::Handler& clear =
        &inner == console_handler_.get() && console_clear != &inner ? *console_clear : handler;
    ssl_ctx_st* const tls = role == "gateway" ? certificates_.gateway() : certificates_.others();
    listeners_.push_back({role, role + ".http_port", ports.http, nullptr, &clear});
    listeners_.push_back({role, role + ".https_port", ports.https, tls, &handler});
  };
  listen("gateway", gateway_ports_, *gateway_handler_);
  listen("console", console_ports_, *console_handler_);
  listen("services", services_ports_, *services_handler_);
  if (plays("blob")) listen("blob", blob_ports_, blob_->make_endpoint(settings_));
  if (metrics_port_ != 0) {
    metrics_handler_ = std::make_unique<http::Dispatcher>(
        *control_pool_, std::vector{operations_->metrics_route(console_error)}, console_error);
    listeners_.push_back({"metrics", "metrics.port", metrics_port_, nullptr,
                          &operations_->front(*metrics_handler_, "metrics", workers_.size())});
  }
  // The first worker alone opens it, so it stands last: each worker's servers begin the list.
  if (plays("console"))
    listeners_.push_back(
        {"console", "data", 0, nullptr, admin_handler_.get(), data_.admin_socket().string()});
}

Result<void> Program::name_instances() {
  TRY(const std::vector<apim::Service> services, management_->repository().services());
  std::vector<std::string> names;
  for (const apim::Service& service : services) names.push_back(service.name);
  return certificates_.name_instances(names);
}

namespace {

http::ServerLimits caller_limits(const Settings& settings) {
  const auto seconds = [&](std::string_view name) {
    return std::chrono::seconds(settings.integer(name));
  };
  const auto number = [&](std::string_view name) {
    return static_cast<std::size_t>(settings.integer(name));
  };
  http::ServerLimits out;
  out.head_time = seconds("limits.head_time");
  out.idle_time = seconds("limits.idle_time");
  out.body_gap = seconds("limits.body_gap");
  out.body_rate_min = number("limits.body_rate");
  out.answer_rate_min = number("limits.answer_rate");
  out.rate_after = seconds("limits.rate_after");
  out.stream_gap = seconds("limits.stream_gap");
  out.connections_max = number("limits.connections");
  out.streams_max = std::uint32_t(number("limits.streams"));
  out.head = {.bytes_max = number("limits.head_bytes"),
              .target_bytes_max = number("limits.target_bytes"),
              .fields_max = number("limits.head_fields")};
  return out;
}

}  // namespace

Result<void> Program::open_listeners(net::Worker& worker) {
  auto& servers = servers_[worker.index()];
  if (plays("gateway")) {
    gateway_handler_->open_station(worker, publisher_, recorder_->sink(worker.index()),
                                   guard_.for_target(net::DialTarget::configured),
                                   certificates_.client());
  }
  for (const Listener& listener : listeners_) {
    if (!listener.unix_path.empty() && worker.index() != 0) continue;
    http::ServerOptions options;
    options.address.host = settings_.text("bind");
    options.address.port = listener.port;
    options.address.unix_path = listener.unix_path;
    const std::string name = listener.role + (listener.tls ? ".https" : ".http");
    if (const auto socket = operations_->inherited(name, listener.port))
      options.address.inherited = socket->fd;
    options.tls = listener.tls;
    options.limits = caller_limits(settings_);
    options.descriptor_max = operations_->descriptor_max(listener.role);
    servers.push_back(std::make_unique<http::Server>(worker, *listener.handler, options));
    if (auto opened = servers.back()->open(); !opened)
      return std::unexpected(std::move(opened).error().within("--" + listener.flag));
  }
  return {};
}

Result<void> Program::start() {
  if (!store_) {
    TRY_OK(follower_->start());
  } else {
    if (plays("services")) {
      if (const auto warning = links_warning(settings_))
        std::fprintf(stderr, "mlgate: %s\n", warning->c_str());
      TRY_OK(datasets_->open());
      TRY_OK(registry_->load());
      TRY_OK(batch_->service().cancel_orphans());
      TRY_OK(studio_->open());
    }
    if (plays("gateway") || plays("console")) {
      TRY_OK(follower_->start());
      TRY_OK(name_instances());
    }
    blob_->start();
    if (plays("worker")) {
      TRY_OK(batch_->start_engine());
    }
  }
  if (plays("gateway"))
    prober_ = std::make_unique<gateway::HealthProber>(
        publisher_, guard_.for_target(net::DialTarget::configured), certificates_.client());
  if (mail_ && plays("console")) mail_->start();
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
  if (!listeners_.empty()) {  // The note is that of the process with listeners.
    TRY_OK(write_file(data_.endpoints(), endpoints().dump() + "\n", FileKind::plain));
  }
  std::vector<net::Worker*> workers;
  for (const auto& worker : workers_) workers.push_back(worker.get());
  operations_->begin({.recorder = *recorder_,
                      .limits = limits_,
                      .follower = *follower_,
                      .publisher = publisher_,
                      .control_pool = *control_pool_,
                      .compute_pool = *compute_pool_,
                      .workers = std::move(workers),
                      .local = [this](net::Worker& worker) { return look_at(worker); }});
  return {};
}

WorkerLocal Program::look_at(net::Worker& worker) const {
  WorkerLocal out;
  const auto& servers = servers_[worker.index()];
  for (std::size_t i = 0; i < servers.size(); ++i) {
    const Listener& listener = listeners_[i];
    out.listeners.push_back(
        {listener.role + (listener.tls ? ".https" : ".http"), servers[i]->counts()});
  }
  out.blocks_made = worker.blocks().made();
  out.blocks_unused = worker.blocks().unused();
  if (plays("gateway")) out.idle_backends = gateway_handler_->idle_backends(worker);
  return out;
}

// Callers that keep their connections are told with their next answer; who does not come back in
// time is closed while idle.
void Program::drain_listeners() {
  for (const auto& worker : workers_) {
    worker->run_and_wait([&] {
      for (const auto& server : servers_[worker->index()]) server->drain();
    });
  }
  const auto until = std::chrono::steady_clock::now() + kFarewellTime;
  std::size_t open = 1;
  while (open > 0 && std::chrono::steady_clock::now() < until) {
    open = 0;
    for (const auto& worker : workers_) {
      worker->run_and_wait([&] {
        for (const auto& server : servers_[worker->index()]) open += server->connections();
      });
    }
    if (open > 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

void Program::close_listeners() {
  const std::chrono::seconds grace(settings_.integer("stop.grace"));
  std::vector<std::future<void>> ended;
  for (const auto& worker : workers_) {
    for (const auto& server : servers_[worker->index()]) {
      auto done = std::make_shared<std::promise<void>>();
      ended.push_back(done->get_future());
      worker->post([&server, done, grace] { server->stop(grace, [done] { done->set_value(); }); });
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
  operations_->begin_drain();
  drain_listeners();
  follower_->stop_waiting();
  close_listeners();
  prober_.reset();
  if (batch_) batch_->stop();
  if (blob_) blob_->stop();
  operations_->end_watch();
  control_pool_.reset();
  compute_pool_.reset();
  if (mail_) mail_->stop();
  workers_.clear();
  recorder_->stop();
  operations_->end_export();
  follower_->stop();
  std::error_code ignored;
  if (!listeners_.empty()) std::filesystem::remove(data_.endpoints(), ignored);
  if (plays("console")) std::filesystem::remove(data_.admin_socket(), ignored);
}

Json Program::endpoints() const {
  const auto role = [](const RolePorts& ports) {
    return Json::object(
        {{"http", Json(std::int64_t(ports.http))}, {"https", Json(std::int64_t(ports.https))}});
  };
  return Json::object({{"pid", Json(std::int64_t(::getpid()))},
                       {"bind", Json(settings_.text("bind"))},
                       {"metrics", Json(std::int64_t(metrics_port_))},
                       {"gateway", role(gateway_ports_)},
                       {"console", role(console_ports_)},
                       {"services", role(services_ports_)},
                       {"blob", role(blob_ports_)}});
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
  line("console", console_ports_, "pages, management REST and tokens");
  line("services", services_ports_, "web services and Studio API");
  line("blob", blob_ports_, "blob storage");
  if (!plays("console") || !console_) return out;
  const auto path = console_->first_run_path();
  if (!path || path->empty()) return out;
  const bool clear = net::is_loopback(settings_.text("bind"));
  return out + "make the first administrator at " + (clear ? "http" : "https") +
         "://localhost:" + std::to_string(clear ? console_ports_.http : console_ports_.https) +
         *path + "\n";
}

}  // namespace mlgate::app
