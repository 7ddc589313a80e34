// Lending the socket of a connection, so that large bodies move between it and files on a thread
// that may wait for disks: each byte is copied once less, and a turn moves as much as is there.
#include "http/http1_connection.h"

#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>

namespace mlgate::http {
namespace {

std::uint64_t bytes_waiting(int descriptor) noexcept {
  int bytes = 0;
  return ::ioctl(descriptor, FIONREAD, &bytes) == 0 && bytes > 0 ? std::uint64_t(bytes) : 0;
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
  body_wanted_ = true;
  if (expect_continue_) {
    CO_TRY_OK(co_await interim(100, nullptr));
  }
  net::Watch& watch = stream_.watch();
  const int mark = int(std::min(left, kInputMarkBytes));
  if (!watch.readable() && mark != wanted_bytes_) want_at_once(mark);
  for (bool come = watch.readable(); !come;) {
    reading_.begin(server_.worker_.now_ns());
    const net::Wake wake = co_await watch.until_readable(server_.timeouts_.look);
    const std::uint64_t waiting = bytes_waiting(watch.fd());
    CO_TRY_OK(body_came(wake, waiting));
    // A slow caller may take long for so many bytes at once: what there is will do.
    come = wake == net::Wake::ready || waiting > 0;
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
  CO_TRY_OK(co_await await_taker(net::Io::State::want_write));
  co_return Loan{stream_.watch().lend_writing(), body_left_};
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
