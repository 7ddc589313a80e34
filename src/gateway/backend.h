#pragma once
// Where a call is sent: an HTTP server, or a service of this program that is called in the same
// process.
#include "base/result.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct ssl_ctx_st;

namespace mlgate::http {
class LocalService;
}

namespace mlgate::gateway {

class BackendState;

struct Backend {
  enum class Kind : unsigned char { none, http, local };
  Kind kind = Kind::none;
  bool tls = false;
  std::string host;  // Without brackets, for the connection and for TLS.
  std::uint16_t port = 0;
  std::string authority;    // The Host header: port only where it is not the scheme's own.
  std::string path_prefix;  // Without trailing slash: "" or "/api".
  std::string query;        // Of the service URL; goes first.
  std::string origin;       // "https://host:port", for logs.
  http::LocalService* local =
      nullptr;                        // Kind local; owned by the program, outlives every snapshot.
  ssl_ctx_st* tls_context = nullptr;  // Null: the program's own; else kept by the BackendPart.
  std::shared_ptr<BackendState> in_use;  // Of the authority: counts its connections.
};

// "http://host[:port][/path][?query]". A fragment or user info is refused.
Result<Backend> parse_backend(std::string_view url);

}  // namespace mlgate::gateway
