#include "app/certificates.h"

#include "base/text.h"
#include "base/time.h"
#include "net/backend_tls.h"

namespace mlgate::app {
namespace {

// Clients do not take *.localhost for {name}.localhost, so instances are named one by one; beyond
// these, the wildcard has to do.
constexpr std::size_t kNamesMax = 100;

Result<net::ClientCertificates> client_certificates(const Settings& settings) {
  const std::string& mode = settings.text("tls.client_certificates");
  if (mode == "off") return net::ClientCertificates::off;
  if (mode == "request") return net::ClientCertificates::request;
  if (mode == "require") return net::ClientCertificates::require;
  return fail(Errc::invalid_argument,
              "setting 'tls.client_certificates' is '" + mode + "'; it is off, request or require",
              "tls.client_certificates");
}

}  // namespace

Result<void> Certificates::open() {
  TRY(const net::TlsFiles tls, net::ensure_certificates(folder_, names(), system_clock().now_ms()));
  constexpr std::string_view kClientProtocols[] = {"http/1.1"};
  net::ServerTlsOptions server{.certificate = tls.server_certificate,
                               .key = tls.server_key,
                               .sites = folder_ / "sites",
                               .client = net::ClientCertificates::off,
                               .client_ca = {},
                               .protocols = {"h2", "http/1.1"}};
  TRY(others_, net::ServerTls::open(server));
  TRY(server.client, client_certificates(settings_));
  server.client_ca = settings_.text("tls.client_ca");
  TRY(gateway_, net::ServerTls::open(std::move(server)));
  TRY(client_, net::make_client_context(tls.ca_certificate, kClientProtocols));
  return net::trust_authorities(client_.get(), settings_.text("gateway.backend_ca"));
}

Result<void> Certificates::name_instances(std::span<const std::string> services) {
  const std::lock_guard lock(mutex_);
  bool any = false;
  for (const std::string& service : services) any |= named_.insert(to_lower(service)).second;
  if (!any) return {};
  return renew();
}

std::vector<std::string> Certificates::names() const {
  const std::string domain = to_lower(settings_.text("gateway.domain"));
  std::vector<std::string> names;
  if (domain != "localhost") names = {domain, "*." + domain};
  for (const std::string& name : named_) {
    if (names.size() == kNamesMax) break;
    names.push_back(name + "." + domain);
  }
  return names;
}

Result<void> Certificates::renew() {
  TRY_OK(net::ensure_certificates(folder_, names(), system_clock().now_ms()));
  TRY_OK(others_->reload());
  return gateway_->reload();
}

Result<bool> Certificates::refresh(Refresh when) {
  bool any = false;
  for (net::ServerTls* tls : {others_.get(), gateway_.get()}) {
    if (when == Refresh::if_changed && !tls->changed()) continue;
    TRY_OK(tls->reload());
    any = true;
  }
  return any;
}

}  // namespace mlgate::app
