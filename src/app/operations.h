#pragma once
// What stands around the parts that serve: health, the watching of calls, metrics, export, limits
// of the process, and the service manager. The program makes it first and ends it last, and asks it
// for what each part needs.
#include "analytics/exporter.h"
#include "app/data_folder.h"
#include "app/fetcher.h"
#include "app/front_door.h"
#include "app/health.h"
#include "app/observer.h"
#include "app/pulse.h"
#include "app/settings.h"
#include "app/systemd.h"
#include "gateway/forwarded.h"
#include "gateway/url_template.h"
#include "gateway/watch.h"
#include "http/dispatcher.h"
#include "management/management.h"
#include "net/dial_guard.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::app {

// The rules for outgoing connections that the settings make.
Result<net::DialGuard> make_dial_guard(const Settings& settings);

// Whom the gateway believes about its callers, and how it compares paths.
Result<gateway::TrustedProxies> trusted_proxies(const Settings& settings);
Result<gateway::PathCase> path_case(const Settings& settings);

class Operations {
 public:
  // Raises the limit of descriptors and takes over inherited sockets.
  static Result<std::unique_ptr<Operations>> make(const Settings& settings, const DataFolder& data);
  Operations(const Operations&) = delete;
  ~Operations();

  // Where spans go; null when nothing is exported.
  analytics::SpanSink* spans() noexcept { return exporter_.get(); }
  const gateway::Watching& watching() const noexcept { return watching_; }
  management::Tracing tracing();
  // Ports are known from here on.
  void set_console(const std::string& url);

  // The socket that was handed down under this name ("gateway.http") or for this port.
  std::optional<InheritedSocket> inherited(std::string_view name, std::uint16_t port) const;
  // Above this a listener of that role refuses connections. The console has the last ones.
  int descriptor_max(std::string_view role) const noexcept;

  // Stands before a listener's handler; lives as long as this.
  http::Handler& front(http::Handler& inner, std::string_view role, std::size_t workers);
  // /metrics and /console/api/… of the console listener.
  void add_console_routes(std::vector<http::Dispatcher::Route>& routes,
                          const management::Management& management, http::ErrorWriter error);
  // /metrics alone, for a listener of its own.
  http::Dispatcher::Route metrics_route(http::ErrorWriter error);

  // Everything serves: looks after `parts.workers` and tells the service manager.
  struct Serving {
    const analytics::Recorder& recorder;
    const policy::Limits& limits;
    const StoreFollower& follower;
    const gateway::Publisher& publisher;
    const net::ComputePool& control_pool;
    const net::ComputePool& compute_pool;
    std::vector<net::Worker*> workers;
    std::function<WorkerLocal(net::Worker&)> local;
  };
  void begin(Serving parts);
  // The process is about to stop: load balancers are told from here on. Waits for stop.delay.
  void begin_drain();
  // Before the workers end.
  void end_watch();
  // After the recorder has written its last record.
  void end_export();

 private:
  Operations(const Settings& settings, std::uint64_t descriptors);
  Result<void> make_exporter(const Settings& settings, const DataFolder& data);
  http::Response metrics() const;
  http::Response guarded_metrics(const http::Request& request,
                                 const management::Management& management) const;
  http::Response console_api(const http::Request& request,
                             const management::Management& management);

  const Settings& settings_;
  std::uint64_t descriptors_;
  std::vector<InheritedSocket> sockets_;
  Health health_;
  gateway::TraceDesk traces_;
  gateway::Watching watching_;
  std::unique_ptr<Fetcher> fetcher_;
  std::unique_ptr<analytics::OtlpExporter> exporter_;
  std::vector<std::unique_ptr<FrontDoor>> fronts_;
  std::unique_ptr<Pulse> pulse_;
  std::unique_ptr<Observer> observer_;
};

}  // namespace mlgate::app
