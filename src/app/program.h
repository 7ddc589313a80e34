#pragma once
// The running program: builds every part in order, starts the listeners, and takes all down in
// reverse. The only place that sees everything.
#include "analytics/recorder.h"
#include "app/batch_role.h"
#include "app/blob_role.h"
#include "app/certificates.h"
#include "app/console_role.h"
#include "app/data_folder.h"
#include "app/mail_role.h"
#include "app/operations.h"
#include "app/ports.h"
#include "app/settings.h"
#include "app/store_follower.h"
#include "gateway/handler.h"
#include "gateway/health.h"
#include "http/dispatcher.h"
#include "http/redirect.h"
#include "http/server.h"
#include "identity/identity.h"
#include "management/documents.h"
#include "management/management.h"
#include "ml/module.h"
#include "net/compute_pool.h"
#include "net/dial_guard.h"
#include "net/worker.h"
#include "policy/limits.h"
#include "store/store.h"
#include "studio/studio.h"
#include "webservice/management.h"
#include "webservice/registry.h"
#include "webservice/request_response.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace mlgate::app {

class Program {
 public:
  // Opens the data folder, which `init` made, and checks that the ports are free.
  static Result<std::unique_ptr<Program>> open(const Settings& settings);
  ~Program();

  // Loads what is stored and begins to listen.
  Result<void> start();
  // Lets calls end, then ends all threads. What was acknowledged is on disk.
  void stop();
  // Closes and opens the access log again, after a rotation. Threads: any.
  void reopen_logs() noexcept { recorder_->reopen(); }
  // What the listeners present.
  Certificates& certificates() noexcept { return certificates_; }

  const RolePorts& gateway() const noexcept { return gateway_ports_; }
  const RolePorts& console() const noexcept { return console_ports_; }
  const RolePorts& services() const noexcept { return services_ports_; }
  const RolePorts& blob() const noexcept { return blob_ports_; }
  // The addresses, for people; with that of the first-run page while nobody can sign in.
  std::string banner() const;

 private:
  struct Listener {  // What is listened on, by every worker.
    std::string role;
    std::string flag;  // "gateway.http_port"
    std::uint16_t port = 0;
    ssl_ctx_st* tls = nullptr;
    http::Handler* handler = nullptr;
    std::string unix_path = {};  // Instead of a port; the first worker's alone.
  };

  explicit Program(const Settings& settings);
  Result<void> open_parts();
  Result<void> choose_ports();
  Result<void> choose_ports_of(const std::string& role, RolePorts& ports);
  bool plays(std::string_view role) const;
  Result<void> open_recorder();
  Result<void> open_identity();
  void make_services();
  void make_follower();
  Result<void> open_mail();
  void make_management();
  std::string console_url() const;
  void make_handlers();
  void make_console_handlers();
  // Where the gateway's callers find it, in this process or in another one.
  RolePorts published_gateway() const;
  Result<void> make_console_role();
  void make_services_handler();
  void list_listeners();
  // A gateway alone can serve without the store, which is opened as soon as it can be.
  bool is_gateway_alone() const { return roles_ == std::vector<std::string>{"gateway"}; }
  Result<void> name_instances();
  Result<void> open_listeners(net::Worker& worker);
  WorkerLocal look_at(net::Worker& worker) const;
  void drain_listeners();
  void close_listeners();
  Json endpoints() const;

  Settings settings_;
  DataFolder data_;
  RolePorts gateway_ports_, console_ports_, services_ports_, blob_ports_;
  std::uint16_t metrics_port_ = 0;  // 0: no listener of its own.
  std::vector<std::string> roles_;
  std::unique_ptr<Operations> operations_;

  std::unique_ptr<store::Vault> vault_;
  std::unique_ptr<store::Store> store_;
  Certificates certificates_;
  net::DialGuard guard_;
  gateway::TrustedProxies proxies_;
  gateway::PathCase path_case_;
  std::unique_ptr<identity::Identity> identity_;
  std::unique_ptr<identity::People> people_;

  std::unique_ptr<BlobRole> blob_;

  policy::Limits limits_;
  gateway::Publisher publisher_;
  std::unique_ptr<analytics::Recorder> recorder_;
  std::vector<std::unique_ptr<net::Worker>> workers_;

  ml::Catalogue catalogue_;
  std::unique_ptr<studio::Datasets> datasets_;
  std::unique_ptr<webservice::Registry> registry_;
  std::unique_ptr<studio::Studio> studio_;
  std::unique_ptr<BatchRole> batch_;
  std::unique_ptr<webservice::ServiceManagement> service_management_;
  std::unique_ptr<webservice::RequestResponse> request_response_;
  std::unique_ptr<management::VaultSecrets> secrets_;
  std::unique_ptr<StoreFollower> follower_;
  std::unique_ptr<management::Management> management_;
  std::unique_ptr<MailRole> mail_;
  std::unique_ptr<portal::Accounts> accounts_;
  std::unique_ptr<ConsoleRole> console_;
  std::unique_ptr<gateway::HealthProber> prober_;

  std::unique_ptr<gateway::GatewayHandler> gateway_handler_;
  std::atomic<std::size_t> next_inner_ = 0;  // Deals calls of our own to the workers.
  std::unique_ptr<http::Dispatcher> console_handler_, admin_handler_, services_handler_,
      metrics_handler_;
  std::unique_ptr<http::HttpsRedirect> console_redirect_;
  std::vector<Listener> listeners_;
  std::vector<std::vector<std::unique_ptr<http::Server>>> servers_;  // By worker.

  // Last, so that they end first: their work refers to all of the above.
  std::unique_ptr<net::ComputePool> compute_pool_, control_pool_;
  bool started_ = false;
};

}  // namespace mlgate::app
