#include "net/stream.h"

#include "base/check.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

namespace mlgate::net {
namespace {

// recv() and send() of the C library are points where a thread can be cancelled, and in a program
// with threads each call pays for that with atomic operations. No thread is ever cancelled here.
ssize_t receive(int fd, char* into, std::size_t size) noexcept {
  return ::syscall(SYS_recvfrom, fd, into, size, 0, nullptr, nullptr);
}
ssize_t transmit(int fd, const char* from, std::size_t size) noexcept {
  return ::syscall(SYS_sendto, fd, from, size, MSG_NOSIGNAL, nullptr, 0);
}

// Reads as the flags of the watch allow; a short read proves that the socket is drained.
Io read_socket(Watch& watch, char* into, std::size_t size) noexcept {
  if (!watch.is_open()) return {Io::State::error, 0};
  if (!watch.readable()) return {Io::State::want_read, 0};
  for (;;) {
    const ssize_t got = receive(watch.fd(), into, size);
    if (got > 0) {
      if (std::size_t(got) < size) watch.drained();
      return {Io::State::done, std::size_t(got)};
    }
    if (got == 0) return {Io::State::end, 0};
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return {Io::State::error, 0};
    // Not drained(): a hang-up that is already known would keep the flag set and spin.
    watch.would_block_reading();
    return {Io::State::want_read, 0};
  }
}

Io write_socket(Watch& watch, const char* from, std::size_t size) noexcept {
  if (!watch.is_open()) return {Io::State::error, 0};
  if (!watch.writable()) return {Io::State::want_write, 0};
  for (;;) {
    const ssize_t sent = transmit(watch.fd(), from, size);
    if (sent >= 0) {
      if (std::size_t(sent) < size) watch.filled();
      return {Io::State::done, std::size_t(sent)};
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return {Io::State::error, 0};
    watch.filled();
    return {Io::State::want_write, 0};
  }
}

int bio_read(BIO* bio, char* into, std::size_t size, std::size_t* got) {
  auto* watch = static_cast<Watch*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  const Io io = read_socket(*watch, into, size);
  *got = io.bytes;
  if (io.state == Io::State::want_read) BIO_set_retry_read(bio);
  return io.state == Io::State::done ? 1 : 0;
}

int bio_write(BIO* bio, const char* from, std::size_t size, std::size_t* sent) {
  auto* watch = static_cast<Watch*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  const Io io = write_socket(*watch, from, size);
  *sent = io.bytes;
  if (io.state == Io::State::want_write) BIO_set_retry_write(bio);
  return io.state == Io::State::done ? 1 : 0;
}

long bio_control(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO_METHOD* watch_bio_method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "watch");
    BIO_meth_set_read_ex(made, bio_read);
    BIO_meth_set_write_ex(made, bio_write);
    BIO_meth_set_ctrl(made, bio_control);
    return made;
  }();
  return method;
}

SSL* make_tls(SSL_CTX* context, Watch& watch) {
  SSL* tls = SSL_new(context);
  CHECK(tls != nullptr);
  BIO* bio = BIO_new(watch_bio_method());
  CHECK(bio != nullptr);
  BIO_set_data(bio, &watch);
  BIO_set_init(bio, 1);
  SSL_set_bio(tls, bio, bio);
  SSL_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                        SSL_MODE_RELEASE_BUFFERS);
  SSL_set_read_ahead(tls, 1);
  return tls;
}

std::string tls_error_text() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
  return reason ? reason : "the connection broke";
}

}  // namespace

void Stream::open(Poller& poller, int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  watch_.open(poller, fd);
}

bool Stream::has_news() const noexcept {
  return watch_.readable() || watch_.hung_up() || (tls_ && SSL_has_pending(tls_) == 1);
}

void Stream::start_tls_server(ssl_ctx_st* context) {
  tls_ = make_tls(context, watch_);
  SSL_set_accept_state(tls_);
}

void Stream::start_tls_client(ssl_ctx_st* context, const std::string& host) {
  tls_ = make_tls(context, watch_);
  SSL_set_connect_state(tls_);
  in6_addr address{};
  const bool literal = ::inet_pton(AF_INET, host.c_str(), &address) == 1 ||
                       ::inet_pton(AF_INET6, host.c_str(), &address) == 1;
  if (literal) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls_), host.c_str());
  } else {
    SSL_set_tlsext_host_name(tls_, host.c_str());
    SSL_set1_host(tls_, host.c_str());
  }
}

Io Stream::tls_state(int result) noexcept {
  switch (SSL_get_error(tls_, result)) {
    case SSL_ERROR_WANT_READ:
      return {Io::State::want_read, 0};
    case SSL_ERROR_WANT_WRITE:
      return {Io::State::want_write, 0};
    case SSL_ERROR_ZERO_RETURN:
      return {Io::State::end, 0};
    default:
      return {Io::State::error, 0};
  }
}

Task<void> Stream::handshake(Deadline& deadline, std::chrono::nanoseconds within) {
  const std::int64_t until_ns = watch_.now_ns() + within.count();
  for (;;) {
    ERR_clear_error();
    const int result = SSL_do_handshake(tls_);
    if (result == 1) co_return Result<void>();
    const Io io = tls_state(result);
    if (io.state != Io::State::want_read && io.state != Io::State::want_write)
      co_return fail(Errc::unavailable, "TLS handshake failed: " + tls_error_text());
    const Wake wake = co_await until(io.state, deadline);
    if (watch_.now_ns() >= until_ns) co_return fail(Errc::timeout, "TLS handshake timed out");
    if (wake == Wake::cancelled) co_return fail(Errc::closed, "closed during the TLS handshake");
  }
}

std::uint64_t Stream::unacknowledged() const noexcept {
  int bytes = 0;
  return ::ioctl(watch_.fd(), SIOCOUTQ, &bytes) == 0 && bytes > 0 ? std::uint64_t(bytes) : 0;
}

void Stream::close() noexcept {
  if (tls_) {
    if (watch_.is_open() && SSL_is_init_finished(tls_)) SSL_shutdown(tls_);
    ERR_clear_error();
    SSL_free(tls_);
    tls_ = nullptr;
  }
  watch_.close();
}

void Stream::shutdown_send() noexcept {
  if (!watch_.is_open()) return;
  if (tls_ && SSL_is_init_finished(tls_)) {
    SSL_shutdown(tls_);
    ERR_clear_error();
  }
  ::shutdown(watch_.fd(), SHUT_WR);
}

Io Stream::try_read(std::span<char> into) noexcept {
  if (!tls_) return read_socket(watch_, into.data(), into.size());
  // OpenSSL would make its buffer, find that nothing has come, and free it again: after each
  // answer.
  if (!watch_.readable() && watch_.is_open() && SSL_has_pending(tls_) == 0)
    return {Io::State::want_read, 0};
  ERR_clear_error();
  std::size_t got = 0;
  const int result = SSL_read_ex(tls_, into.data(), into.size(), &got);
  if (result == 1) return {Io::State::done, got};
  return tls_state(result);
}

Io Stream::try_write(std::string_view bytes) noexcept {
  if (!tls_) return write_socket(watch_, bytes.data(), bytes.size());
  ERR_clear_error();
  std::size_t sent = 0;
  const int result = SSL_write_ex(tls_, bytes.data(), bytes.size(), &sent);
  if (result == 1) return {Io::State::done, sent};
  return tls_state(result);
}

Io Stream::try_write(std::string_view first, std::string_view second) noexcept {
  if (tls_ || second.empty()) return try_write(first);
  if (!watch_.is_open()) return {Io::State::error, 0};
  if (!watch_.writable()) return {Io::State::want_write, 0};
  iovec parts[] = {{const_cast<char*>(first.data()), first.size()},
                   {const_cast<char*>(second.data()), second.size()}};
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = 2;
  for (;;) {
    const ssize_t sent = ::sendmsg(watch_.fd(), &message, MSG_NOSIGNAL);
    if (sent >= 0) {
      if (std::size_t(sent) < first.size() + second.size()) watch_.filled();
      return {Io::State::done, std::size_t(sent)};
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return {Io::State::error, 0};
    watch_.filled();
    return {Io::State::want_write, 0};
  }
}

Watch::Wait Stream::until(Io::State want, Deadline& deadline) {
  return want == Io::State::want_write ? watch_.until_writable(deadline)
                                       : watch_.until_readable(deadline);
}

Task<std::size_t> Stream::read_some(std::span<char> into, Deadline& deadline) {
  for (;;) {
    const Io io = try_read(into);
    if (io.state == Io::State::done) co_return io.bytes;
    if (io.state == Io::State::end) co_return fail(Errc::closed, "the peer closed the connection");
    if (io.state == Io::State::error) co_return fail(Errc::unavailable, "the connection broke");
    const Wake wake = co_await until(io.state, deadline);
    if (wake == Wake::timeout) co_return fail(Errc::timeout, "no data came in time");
    if (wake == Wake::cancelled) co_return fail(Errc::closed, "the connection was closed");
  }
}

Task<void> Stream::write_all(std::string_view bytes, Deadline& deadline) {
  while (!bytes.empty()) {
    const Io io = try_write(bytes);
    if (io.state == Io::State::done) {
      bytes.remove_prefix(io.bytes);
      continue;
    }
    if (io.state == Io::State::end || io.state == Io::State::error)
      co_return fail(Errc::unavailable, "the connection broke");
    const Wake wake = co_await until(io.state, deadline);
    if (wake == Wake::timeout) co_return fail(Errc::timeout, "the peer took no data in time");
    if (wake == Wake::cancelled) co_return fail(Errc::closed, "the connection was closed");
  }
  co_return Result<void>();
}

std::string_view Stream::protocol() const noexcept {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  if (tls_) SSL_get0_alpn_selected(tls_, &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

std::string_view Stream::tls_version() const noexcept {
  return tls_ ? std::string_view(SSL_get_version(tls_)) : std::string_view();
}

}  // namespace mlgate::net
