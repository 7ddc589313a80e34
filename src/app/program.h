#pragma once
// The running program: builds every part in order, starts the listeners, and takes all down in
// reverse. The only place that sees everything.
#include "analytics/recorder.h"
#include "app/data_folder.h"
#include "app/settings.h"
#include "control/control.h"
#include "control/quota_checkpoint.h"
#include "gateway/handler.h"
#include "http/dispatcher.h"
#include "http/server.h"
#include "identity/identity.h"
#include "management/management.h"
#include "ml/module.h"
#include "net/compute_pool.h"
#include "net/dial_guard.h"
#include "net/server_tls.h"
#include "net/tls_ca.h"
#include "net/worker.h"
#include "policy/limits.h"
#include "store/store.h"
#include "studio/studio.h"
#include "webservice/management.h"
#include "webservice/registry.h"
#include "webservice/request_response.h"

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace mlgate::app {

struct RolePorts {
  std::uint16_t http = 0, https = 0;
};

class Program {
 public:
  // Opens the data folder, which `init` made, and checks that the ports are free.
  static Result<std::unique_ptr<Program>> open(const Settings& settings);
  ~Program();

  // Loads what is stored and begins to listen.
  Result<void> start();
  // Lets calls end, then ends all threads. What was acknowledged is on disk.
  void stop();
  // Has the listeners present the certificates as their files are by now; true when they were read.
  // After an error, which names the file, all stays as it was.
  enum class Refresh : unsigned char { always, if_changed };
  Result<bool> refresh_certificates(Refresh when);

  const RolePorts& gateway() const noexcept { return gateway_ports_; }
  const RolePorts& console() const noexcept { return console_ports_; }
  const RolePorts& services() const noexcept { return services_ports_; }
  // The addresses, for people.
  std::string banner() const;

 private:
  struct Listener {    // What is listened on, by every worker.
    std::string flag;  // "gateway.http_port"
    std::uint16_t port = 0;
    ssl_ctx_st* tls = nullptr;
    http::Handler* handler = nullptr;
  };

  explicit Program(const Settings& settings);
  Result<void> open_parts();
  Result<void> choose_ports();
  Result<void> choose_ports_of(const std::string& role, RolePorts& ports);
  bool plays(std::string_view role) const;
  void make_services();
  void make_control();
  void make_management();
  void make_handlers();
  Result<void> restore_quotas();
  Result<void> load_instances();
  Result<void> publish(const std::string& service);
  Result<void> open_listeners(net::Worker& worker);
  void close_listeners();
  Json endpoints() const;

  Settings settings_;
  DataFolder data_;
  RolePorts gateway_ports_, console_ports_, services_ports_;
  std::vector<std::string> roles_;

  std::unique_ptr<store::Vault> vault_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<net::ServerTls> server_tls_, gateway_tls_;
  net::TlsContext client_tls_;
  net::DialGuard guard_;
  std::unique_ptr<identity::Identity> identity_;

  policy::Limits limits_;
  gateway::Publisher publisher_;
  std::unique_ptr<analytics::Recorder> recorder_;
  std::vector<std::unique_ptr<net::Worker>> workers_;

  ml::Catalogue catalogue_;
  std::unique_ptr<studio::Datasets> datasets_;
  std::unique_ptr<webservice::Registry> registry_;
  std::unique_ptr<studio::Studio> studio_;
  std::unique_ptr<webservice::ServiceManagement> service_management_;
  std::unique_ptr<webservice::RequestResponse> request_response_;
  std::unique_ptr<control::Control> control_;
  std::unique_ptr<control::QuotaCheckpoint> quota_checkpoint_;
  std::unique_ptr<management::Management> management_;
  std::mutex published_mutex_;
  std::map<std::string, apim::EntityNumber, std::less<>>
      published_;  // Instances the gateway has, by name.

  std::unique_ptr<gateway::GatewayHandler> gateway_handler_;
  std::unique_ptr<http::Dispatcher> console_handler_, services_handler_;
  std::vector<Listener> listeners_;
  std::vector<std::vector<std::unique_ptr<http::Server>>> servers_;  // By worker.

  // Last, so that they end first: their work refers to all of the above.
  std::unique_ptr<net::ComputePool> compute_pool_, control_pool_;
  bool started_ = false;
};

}  // namespace mlgate::app
