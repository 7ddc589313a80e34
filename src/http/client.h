#pragma once
// The HTTP/1.1 client of one worker: connections to origins, kept alive and reused last in, first
// out. A pooled connection stays registered with the poller, so one that its peer has closed is
// known to be dead without a system call and is never handed out.
#include "http/head_parser.h"
#include "http/incoming.h"
#include "http/message.h"
#include "net/dial.h"
#include "net/stream.h"
#include "net/worker.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

struct ssl_ctx_st;

namespace mlgate::http {

// A view: the names it refers to live elsewhere.
struct Origin {
  bool tls = false;
  std::string_view host;  // Name or literal address, without brackets.
  std::uint16_t port = 0;
};

struct ClientLimits {
  std::chrono::seconds connect_time{10};
  std::chrono::seconds response_time{300};  // To the response head, and between bytes of a body.
  std::chrono::seconds idle_time{50};       // Shorter than what servers commonly allow (60 s).
  std::size_t idle_max = 256;               // Kept per origin.
  net::DialerOptions dial;                  // Also says when a kept connection leads nowhere.
};

// One connection to an origin. A call takes it, sends, reads the answer, and gives it back or drops
// it.
class ClientConnection {
 public:
  explicit ClientConnection(net::BlockPool& blocks) : in(stream, blocks) {}
  ClientConnection(const ClientConnection&) = delete;

  net::Stream stream;
  Incoming in;
  ResponseHead head;
  bool reused = false;
  bool head_done = false;  // `head` is that of the answer to the call under way.
  // Whether interim answers (100, 103) are of interest: read_head then ends with each of them in
  // `head`, head_done still false; otherwise they are skipped.
  bool wants_interim = false;
  std::int64_t idle_since_ns = 0;
  net::Address address;
  std::uint64_t dialer_changes = 0;  // When the address was compared with those of the name last.

  // Tries to parse the response head from what has come: complete fills `head`, skips interim (1xx)
  // answers and begins the body.
  HeadResult try_head(std::string_view request_method);
  // Reads until the response head is complete.
  net::Task<void> read_head(std::string_view request_method, net::Deadline& deadline);
  // The next body bytes, valid until the next read; empty at the end.
  net::Task<std::string_view> read_body(net::Deadline& deadline);
  // The answer was read whole and the origin keeps the connection.
  bool reusable() const noexcept { return in.body_done() && head.keep_alive && in.empty(); }
  // A new call begins.
  void begin() noexcept {
    head_done = wants_interim = interim_ = false;
    interims_ = 0;
  }

 private:
  bool interim_ = false;  // `head` is that of an interim answer.
  unsigned interims_ = 0;
};

struct FetchRequest {
  std::string method = "GET";
  std::string url;  // Absolute, http or https.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

// Thread: the worker's.
class Client {
 public:
  Client(net::Worker& worker, net::AddressCheck check, ssl_ctx_st* tls, ClientLimits limits);
  Client(const Client&) = delete;

  // A live pooled connection, or null.
  std::unique_ptr<ClientConnection> take_idle(const Origin& origin);
  net::Task<std::unique_ptr<ClientConnection>> connect(const Origin& origin);
  // Keeps the connection for the next call when it can be used again; closes it otherwise.
  void give_back(const Origin& origin, std::unique_ptr<ClientConnection> connection);

  // Connections that are kept for the next call.
  std::size_t idle_connections() const noexcept {
    std::size_t out = 0;
    for (const auto& [origin, connections] : idle_) out += connections.size();
    return out;
  }
  net::Deadline& response_deadline() noexcept { return response_; }
  // One whole exchange; the body of the answer at most `body_bytes_max`.
  net::Task<Response> fetch(FetchRequest request, std::size_t body_bytes_max = 64 << 20);

 private:
  // The origin still has the connection's address.
  bool leads_there(const Origin& origin, ClientConnection& connection) const;
  struct OriginKey {
    bool tls = false;
    std::string host;
    std::uint16_t port = 0;
    operator Origin() const noexcept {
      return {tls, host, port};
    }  // NOLINT(google-explicit-constructor)
  };
  struct OriginHash {
    using is_transparent = void;
    std::size_t operator()(const Origin& origin) const noexcept {
      return std::hash<std::string_view>()(origin.host) ^ (std::size_t(origin.port) << 1) ^
             std::size_t(origin.tls);
    }
  };
  struct OriginEqual {
    using is_transparent = void;
    bool operator()(const Origin& a, const Origin& b) const noexcept {
      return a.tls == b.tls && a.port == b.port && a.host == b.host;
    }
  };
  void sweep();
  net::Worker& worker_;
  net::Dialer dialer_;
  ssl_ctx_st* tls_;
  ClientLimits limits_;
  net::Deadline connect_, response_;
  std::unordered_map<OriginKey, std::vector<std::unique_ptr<ClientConnection>>, OriginHash,
                     OriginEqual>
      idle_;
  net::Timer sweep_timer_;
};

}  // namespace mlgate::http
