#include "net/server_tls.h"

#include "base/text.h"
#include "net/certificates_internal.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <utility>

namespace mlgate::net {
namespace {

constexpr std::size_t kSitesMax = 10'000;
constexpr unsigned char kSessionContext[] = "mlgate";

Result<void> ask_for_certificates(ssl_ctx_st* context, const ServerTlsOptions& options) {
  if (options.client == ClientCertificates::off) return {};
  if (options.client_ca.empty())
    return fail(Errc::invalid_argument,
                "client certificates need the file of the authorities that issue them",
                "tls.client_ca");
  if (SSL_CTX_load_verify_file(context, options.client_ca.c_str()) != 1)
    return internal::openssl_failure("cannot use " + options.client_ca.string());
  if (STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(options.client_ca.c_str()))
    SSL_CTX_set_client_CA_list(context, names);
  const int must =
      options.client == ClientCertificates::require ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | must, nullptr);
  return {};
}

}  // namespace

ssl_ctx_st* ServerTls::Set::find(std::string_view name) const noexcept {
  if (by_name.empty() || name.empty()) return fallback.get();
  if (const auto exact = by_name.find(name); exact != by_name.end()) return exact->second.get();
  const std::size_t dot = name.find('.');
  if (dot == std::string_view::npos) return fallback.get();
  const auto wild = by_name.find("*" + std::string(name.substr(dot)));
  return wild != by_name.end() ? wild->second.get() : fallback.get();
}

Result<std::unique_ptr<ServerTls>> ServerTls::open(ServerTlsOptions options) {
  std::unique_ptr<ServerTls> tls(new ServerTls(std::move(options)));
  TRY(tls->front_, tls->make_context(tls->options_.certificate, tls->options_.key));
  SSL_CTX_set_tlsext_servername_callback(tls->front_.get(), &ServerTls::choose);
  SSL_CTX_set_tlsext_servername_arg(tls->front_.get(), tls.get());
  TRY_OK(tls->reload());
  return tls;
}

Result<TlsContext> ServerTls::make_context(const std::filesystem::path& certificate,
                                           const std::filesystem::path& key) const {
  TRY(TlsContext context, make_server_context(certificate, key, options_.protocols));
  TRY_OK(ask_for_certificates(context.get(), options_));
  // A session that is resumed belongs to these listeners, whichever certificate began it.
  SSL_CTX_set_session_id_context(context.get(), kSessionContext, sizeof kSessionContext);
  return context;
}

std::vector<std::filesystem::path> ServerTls::site_certificates() const {
  std::vector<std::filesystem::path> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(options_.sites, error)) {
    if (entry.path().extension() == ".pem" && found.size() < kSitesMax)
      found.push_back(entry.path());
  }
  std::ranges::sort(found);  // Where two have one name, the first in order has it.
  return found;
}

Result<std::shared_ptr<const ServerTls::Set>> ServerTls::load() const {
  auto set = std::make_shared<Set>();
  TRY(set->fallback, make_context(options_.certificate, options_.key));
  for (const std::filesystem::path& certificate : site_certificates()) {
    std::filesystem::path key = certificate;
    key.replace_extension(".key");
    TRY(TlsContext context, make_context(certificate, key));
    TRY(const CertificateInfo info, read_certificate(certificate));
    for (const std::string& name : info.names) {
      SSL_CTX_up_ref(context.get());
      set->by_name.try_emplace(to_lower(name), TlsContext(context.get()));
    }
  }
  return std::shared_ptr<const Set>(std::move(set));
}

Result<void> ServerTls::reload() {
  std::string state = state_of_files();
  auto set = load();
  const std::lock_guard lock(mutex_);
  loaded_state_ = std::move(state);
  if (!set) return std::unexpected(std::move(set).error());
  current_ = *std::move(set);
  return {};
}

std::string ServerTls::state_of_files() const {
  std::vector<std::filesystem::path> files = site_certificates();
  for (std::size_t i = files.size(); i-- > 0;) {
    std::filesystem::path key = files[i];
    files.push_back(key.replace_extension(".key"));
  }
  files.push_back(options_.certificate);
  files.push_back(options_.key);
  if (!options_.client_ca.empty()) files.push_back(options_.client_ca);
  std::string state;
  for (const auto& file : files) {
    std::error_code error;
    const auto time = std::filesystem::last_write_time(file, error).time_since_epoch().count();
    const auto size = std::filesystem::file_size(file, error);
    state += file.string() + ":" + std::to_string(time) + ":" + std::to_string(size) + "\n";
  }
  return state;
}

bool ServerTls::changed() const {
  const std::string state = state_of_files();
  const std::lock_guard lock(mutex_);
  return state != loaded_state_;
}

int ServerTls::choose(ssl_st* tls, int* /*alert*/, void* self) {
  auto& owner = *static_cast<ServerTls*>(self);
  std::shared_ptr<const Set> set;
  {
    const std::lock_guard lock(owner.mutex_);
    set = owner.current_;
  }
  const char* name = SSL_get_servername(tls, TLSEXT_NAMETYPE_host_name);
  if (!set) return SSL_TLSEXT_ERR_NOACK;
  // The connection keeps its context alive.
  SSL_set_SSL_CTX(tls, set->find(name ? to_lower(name) : std::string()));
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace mlgate::net
