#pragma once
// A storage over sockets for tests, which answers as it is told: late, wrong, or not at all.
#include "base/check.h"
#include "base/crypto.h"
#include "base/text.h"
#include "blob/connection_string.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace mlgate::blob::testing {

struct Asked {
  std::string method, target, head, body;
  std::chrono::steady_clock::time_point at;
};

// Answers one request after the other as `answer` says; empty: closes the connection instead.
class ScriptedStorage {
 public:
  using Answer = std::function<std::string(const Asked&, std::size_t number)>;
  explicit ScriptedStorage(Answer answer) : answer_(std::move(answer)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* plain = reinterpret_cast<sockaddr*>(&address);
    CHECK(::bind(listener_, plain, size) == 0);
    CHECK(::listen(listener_, 16) == 0);
    CHECK(::getsockname(listener_, plain, &size) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ScriptedStorage(const ScriptedStorage&) = delete;
  ~ScriptedStorage() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  std::string base() const { return "http://127.0.0.1:" + std::to_string(port_) + "/acc"; }
  BlobAddress address(std::string sas = {}) const {
    BlobAddress made;
    made.place = {.account = "acc", .container = "box", .blob = "a.csv"};
    made.base = base();
    made.sas = std::move(sas);
    if (made.sas.empty()) made.key = base64_encode("key");
    return made;
  }
  std::vector<Asked> asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

 private:
  void serve() {
    for (;;) {
      const int peer = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (peer < 0) return;
      // One exchange for each connection, so that a single thread serves many.
      if (auto asked = read_request(peer)) {
        std::size_t number = 0;
        {
          const std::lock_guard lock(mutex_);
          number = asked_.size();
          asked_.push_back(*asked);
        }
        const std::string text = answer_(*asked, number);
        (void)!::send(peer, text.data(), text.size(), MSG_NOSIGNAL);
      }
      ::close(peer);
    }
  }
  static std::optional<Asked> read_request(int peer) {
    std::string text;
    char piece[4096];
    for (;;) {
      const std::size_t head = text.find("\r\n\r\n");
      if (head != std::string::npos) {
        const std::string lower = to_lower(text.substr(0, head));
        const std::size_t at = lower.find("content-length: ");
        const std::size_t length = at == std::string::npos ? 0 : std::stoul(lower.substr(at + 16));
        if (text.size() >= head + 4 + length) {
          Asked asked;
          const std::size_t blank = text.find(' ');
          asked.method = text.substr(0, blank);
          asked.target = text.substr(blank + 1, text.find(' ', blank + 1) - blank - 1);
          asked.head = lower;
          asked.body = text.substr(head + 4);
          asked.at = std::chrono::steady_clock::now();
          return asked;
        }
      }
      const ssize_t got = ::recv(peer, piece, sizeof piece, 0);
      if (got <= 0) return std::nullopt;
      text.append(piece, std::size_t(got));
    }
  }

  Answer answer_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::mutex mutex_;
  std::vector<Asked> asked_;  // Guarded by mutex_.
  std::thread thread_;
};

inline std::string respond(const std::string& status, const std::string& body = {},
                           const std::string& headers = {}) {
  return "HTTP/1.1 " + status + "\r\nConnection: close\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace mlgate::blob::testing
