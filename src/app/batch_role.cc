#include "app/batch_role.h"

#include "base/text.h"
#include "blob/authorization.h"
#include "http/uri.h"

#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace mlgate::app {
namespace {

struct BlobPorts {
  std::uint16_t http = 0, https = 0;
};

// Where the blob endpoint listens: here, in the process that has noted its ports, or as configured.
BlobPorts blob_ports(const Settings& settings, const DataFolder& data,
                     const BatchRole::Parts& parts) {
  if (parts.blob_http_port != 0) return {parts.blob_http_port, parts.blob_https_port};
  if (const auto running = read_json_file(data.endpoints())) {
    const Json& ports = (*running)["blob"];
    const std::int64_t http = ports.int_or("http", 0), https = ports.int_or("https", 0);
    if (http > 0) return {std::uint16_t(http), std::uint16_t(https)};
  }
  return {std::uint16_t(settings.integer("blob.http_port")),
          std::uint16_t(settings.integer("blob.https_port"))};
}

// Names and addresses under which other machines reach a listener that is bound to all of ours.
std::vector<std::string> own_hosts() {
  std::vector<std::string> hosts;
  char name[256] = {};
  if (::gethostname(name, sizeof name - 1) == 0) hosts.push_back(to_lower(name));
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return hosts;
  for (const ifaddrs* each = list; each; each = each->ifa_next) {
    if (!each->ifa_addr) continue;
    const bool v6 = each->ifa_addr->sa_family == AF_INET6;
    if (!v6 && each->ifa_addr->sa_family != AF_INET) continue;
    char text[NI_MAXHOST] = {};
    const socklen_t size = v6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
    if (::getnameinfo(each->ifa_addr, size, text, sizeof text, nullptr, 0, NI_NUMERICHOST) == 0)
      hosts.push_back(v6 ? "[" + std::string(text) + "]" : std::string(text));
  }
  ::freeifaddrs(list);
  return hosts;
}

bool is_bound_to_all(std::string_view bind) { return bind == "0.0.0.0" || bind == "::"; }

blob::EmbeddedEndpoint embedded_endpoint(const Settings& settings, const DataFolder& data,
                                         const BatchRole::Parts& parts) {
  const BlobPorts ports = blob_ports(settings, data, parts);
  blob::EmbeddedEndpoint endpoint;
  endpoint.accounts = &parts.blob.accounts();
  endpoint.storage = &parts.blob.storage();
  endpoint.access = &parts.blob.access();
  std::vector<std::string> hosts{"localhost", "127.0.0.1", "[::1]"};
  const std::string& bind = settings.text("bind");
  hosts.push_back(bind.find(':') == std::string::npos ? bind : "[" + bind + "]");
  if (is_bound_to_all(bind))
    for (std::string& host : own_hosts()) hosts.push_back(std::move(host));
  for (const std::string& host : hosts)
    for (const std::uint16_t port : {ports.http, ports.https})
      endpoint.authorities.push_back(host + ":" + std::to_string(port));
  endpoint.public_base = settings.text("blob.public_url");
  while (endpoint.public_base.ends_with('/')) endpoint.public_base.pop_back();
  if (endpoint.public_base.empty()) {
    endpoint.public_base = "http://localhost:" + std::to_string(ports.http);
  } else if (const auto url = http::parse_url(endpoint.public_base)) {
    endpoint.authorities.push_back(to_lower(url->host) + ":" + std::to_string(url->port));
  }
  return endpoint;
}

std::size_t thread_count(const Settings& settings) {
  const auto given = std::size_t(settings.integer("batch.threads"));
  // Two more than cores: while some wait for the disk, others compute.
  return given != 0 ? given : std::max(1U, std::thread::hardware_concurrency()) + 2;
}

}  // namespace

std::optional<std::string> links_warning(const Settings& settings) {
  if (is_loopback_bind(settings.text("bind")) || !settings.text("blob.public_url").empty())
    return std::nullopt;
  return "links to the results of batch jobs begin with http://localhost, where only this machine "
         "can read them; set blob.public_url to the address that others reach the blob endpoint "
         "by, for instance http://NAME:" +
         std::to_string(settings.integer("blob.http_port"));
}

BatchRole::BatchRole(const Settings& settings, const DataFolder& data, const Parts& parts)
    : store_(parts.store) {
  const Clock& clock = system_clock();
  const auto running_max = std::size_t(settings.integer("batch.running_jobs"));
  const std::string own_account(blob::kDevelopmentAccount);
  batch::LedgerLimits limits;
  limits.running_max = running_max;
  limits.waiting_max = std::size_t(settings.integer("batch.waiting_jobs"));
  limits.stored_max = std::size_t(settings.integer("batch.stored_jobs"));
  limits.storage_wait = std::chrono::seconds(settings.integer("batch.storage_wait"));
  ledger_ = std::make_unique<batch::Ledger>(batch::Ledger::Parts{parts.store, parts.vault, clock},
                                            limits);
  http_ = std::make_unique<blob::HttpCaller>(parts.guard.for_target(net::DialTarget::caller_chosen),
                                             parts.tls);
  opener_ = std::make_unique<blob::BlobOpener>(blob::BlobOpener::Parts{
      *http_, clock, embedded_endpoint(settings, data, parts), blob::RetryOptions()});
  batch::RunnerOptions runner;
  runner.part_bytes = std::size_t(settings.integer("batch.part_bytes"));
  runner.own_account = own_account;
  runner_ = std::make_unique<batch::Runner>(
      batch::Runner::Parts{*ledger_, *opener_, parts.catalogue, parts.datasets}, runner);
  batch::ServiceOptions service;
  service.own_account = own_account;
  service.running_max = running_max;
  service_ = std::make_unique<batch::BatchService>(
      batch::BatchService::Parts{*ledger_, parts.registry, *opener_, parts.store, clock,
                                 parts.pool},
      service);
  engine_options_.threads = thread_count(settings);
  engine_options_.lease = std::chrono::milliseconds(settings.integer("batch.lease_ms"));
  engine_options_.retention = std::chrono::hours(24 * settings.integer("batch.retention_days"));
  engine_options_.running_max = running_max;
}

Result<void> BatchRole::start_engine() {
  engine_ = std::make_unique<batch::Engine>(
      batch::Engine::Parts{store_, *ledger_, *runner_, system_clock()}, engine_options_);
  return engine_->start();
}

void BatchRole::stop() { engine_.reset(); }

}  // namespace mlgate::app
