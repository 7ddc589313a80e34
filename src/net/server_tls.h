#pragma once
// What TLS listeners present: several certificates, chosen by the name that the caller asks for
// (SNI), exchanged while connections go on. Listeners keep one context for ever; it hands each
// handshake to the current set, so that a renewed certificate needs no restart.
#include "net/tls_ca.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

struct ssl_st;

namespace mlgate::net {

enum class ClientCertificates : unsigned char {
  off,
  request,  // Asked for; a caller without one is served, one that does not verify is refused.
  require
};

struct ServerTlsOptions {
  std::filesystem::path certificate, key;  // For callers that name nothing, or nothing known.
  // NAME.pem (chain) with NAME.key each; they answer to the names of their SAN. May be absent.
  std::filesystem::path sites;
  ClientCertificates client = ClientCertificates::off;
  std::filesystem::path client_ca;  // Whom client certificates have to be issued by.
  std::vector<std::string_view> protocols;
};

// Any thread. Outlives the listeners that use its context.
class ServerTls {
 public:
  static Result<std::unique_ptr<ServerTls>> open(ServerTlsOptions options);
  ServerTls(const ServerTls&) = delete;

  ssl_ctx_st* context() const noexcept { return front_.get(); }
  // Reads the files again. On an error, which names the file, all stays as it was.
  Result<void> reload();
  // The files are others than at the last reload, successful or not.
  bool changed() const;

 private:
  struct Set {
    TlsContext fallback;
    std::map<std::string, TlsContext, std::less<>> by_name;  // "a.example", "*.b.example".
    ssl_ctx_st* find(std::string_view name) const noexcept;
  };
  explicit ServerTls(ServerTlsOptions options) : options_(std::move(options)) {}
  Result<TlsContext> make_context(const std::filesystem::path& certificate,
                                  const std::filesystem::path& key) const;
  Result<std::shared_ptr<const Set>> load() const;
  std::vector<std::filesystem::path> site_certificates() const;
  // Times and sizes of all files.
  std::string state_of_files() const;
  static int choose(ssl_st* tls, int* alert, void* self);

  ServerTlsOptions options_;
  TlsContext front_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Set> current_;
  std::string loaded_state_;
};

}  // namespace mlgate::net
