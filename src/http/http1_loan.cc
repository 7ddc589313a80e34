// Lending the socket of a connection, so that large bodies move between it and files on a thread
// that may wait for disks: each byte is copied once less, and a turn moves as much as is there.
#include "http/http1_connection.h"

#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>

namespace mlgate::http {
namespace {

// A reader is not woken for less, or it would be woken for every segment.
constexpr int kInputMarkBytes = 256 * 1024;

bool any_waits(int descriptor) noexcept {
  int bytes = 0;
  return ::ioctl(descriptor, FIONREAD, &bytes) == 0 && bytes > 0;
}

}  // namespace

void Http1Connection::want_at_once(int bytes) noexcept {
  // Refused, it only costs more turns.
  (void)::setsockopt(stream_.watch().fd(), SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes);
  wanted_bytes_ = bytes;
}

net::Task<Loan> Http1Connection::lend_input() {
  const std::uint64_t left = stream_.is_tls() ? 0 : in_.unread();
  if (left == 0) co_return Loan();
  if (stopped_reading_) co_return fail(Errc::closed, "The answer is complete.");
  if (body_since_ns_ == 0) body_since_ns_ = server_.worker_.now_ns();
  if (expect_continue_) {
    CO_TRY_OK(co_await interim(100, nullptr));
  }
  net::Watch& watch = stream_.watch();
  if (!watch.readable()) {
    const int mark = int(std::min<std::uint64_t>(left, kInputMarkBytes));
    if (mark != wanted_bytes_) want_at_once(mark);
    net::Wake wake = co_await watch.until_readable(server_.timeouts_.body);
    // A slow caller may take longer than the limit for so many bytes at once.
    if (wake == net::Wake::timeout && any_waits(watch.fd())) wake = net::Wake::ready;
    CO_TRY_OK(body_came(wake));
    if (stopped_reading_) co_return fail(Errc::closed, "The answer is complete.");
  }
  co_return Loan{watch.lend_reading(), left};
}

Result<void> Http1Connection::return_input(const Moved& moved) {
  stream_.watch().take_back_reading(moved.stop == Moved::Stop::would_block);
  in_.were_read(moved.bytes);
  if (moved.stop != Moved::Stop::closed) return {};
  broken_ = true;
  return fail(Errc::closed, "The caller closed the connection inside the body.");
}

net::Task<Loan> Http1Connection::lend_output() {
  if (stream_.is_tls() || chunked_out_ || no_body_) co_return Loan();
  CO_TRY_OK(co_await flush());
  net::Watch& watch = stream_.watch();
  const net::Wake wake = co_await watch.until_writable(server_.timeouts_.body);
  if (wake == net::Wake::ready) co_return Loan{watch.lend_writing(), body_left_};
  broken_ = true;
  co_return fail(wake == net::Wake::timeout ? Errc::timeout : Errc::closed,
                 "The caller took no data.");
}

Result<void> Http1Connection::return_output(const Moved& moved) {
  stream_.watch().take_back_writing(moved.stop == Moved::Stop::would_block);
  bytes_out_ += moved.bytes;
  body_left_ -= std::min(body_left_, moved.bytes);
  if (moved.stop != Moved::Stop::closed) return {};
  broken_ = true;
  return fail(Errc::closed, "The caller closed the connection.");
}

}  // namespace mlgate::http
