#pragma once
// A server connection that speaks HTTP/1.1, or finds that its peer speaks HTTP/2 and hands itself
// to an Http2Connection. Owned by its own coroutine; while it is idle it holds
// no buffer and no call state, only the socket and its place in the timeout list.
#include "http/incoming.h"
#include "http/pace.h"
#include "http/server.h"
#include "http/server_call.h"

#include <array>
#include <memory>
#include <string>

namespace mlgate::http {

class Http2Connection;

// What a request needs while it is served; pooled per server.
struct CallState {
  RequestHead head;
};

class Http1Connection final : public ServerCall, private net::HangUpListener {
 public:
  Http1Connection(Server& server, int fd, const net::Address& peer);
  ~Http1Connection() override;

  // Serves requests until the connection ends.
  net::Awaitable<void> run();
  // Cancels what the call under way waits for besides its caller.
  void cut_upstream() noexcept;
  // Wakes the coroutine, which then ends; a call under way may end first when `now` is false.
  // Takes no new calls, where the protocol has a way to say so.
  void drain() noexcept;
  void stop(bool now) noexcept;
  bool idle() const noexcept { return state_ == nullptr; }

  const RequestHead& head() const noexcept override { return state_->head; }
  std::string_view scheme() const noexcept override { return stream_.is_tls() ? "https" : "http"; }
  std::string_view peer() const noexcept override { return peer_.data(); }
  std::string_view tls_version() const noexcept override { return stream_.tls_version(); }
  std::string_view protocol() const noexcept override {
    return state_->head.version_minor == 0 ? "HTTP/1.0" : "HTTP/1.1";
  }
  net::Worker& worker() noexcept override { return server_.worker_; }
  std::optional<std::string_view> buffered_body() noexcept override;
  std::string_view begun_body() noexcept override;
  net::Task<std::string_view> read_body() override;
  net::Task<Loan> lend_input() override;
  Result<void> return_input(const Moved& moved) override;
  std::string_view trailers() const noexcept override { return in_.trailers(); }
  void expect_pauses() noexcept override { paused_ = true; }
  void stop_reading() noexcept override;
  bool gone() const noexcept override { return broken_; }
  net::Task<void> interim(int status, const Fields* fields) override;
  net::Task<Upgraded> upgrade(const Fields& fields) override;
  Result<void> start(const ResponseStart& response) override;
  bool try_append(std::string_view bytes) noexcept override;
  net::Task<void> write(std::string_view bytes) override;
  net::Task<Loan> lend_output() override;
  Result<void> return_output(const Moved& moved) override;
  net::Task<void> flush() override;
  void set_trailers(std::string_view lines) override;
  bool try_finish() noexcept override;
  net::Task<void> finish() override;
  void abort() noexcept override { broken_ = true; }
  void set_upstream(net::Stream* upstream) noexcept override;
  bool started() const noexcept override { return started_; }
  std::uint64_t bytes_in() const noexcept override { return head_bytes_ + in_.body_bytes(); }
  std::uint64_t bytes_out() const noexcept override { return bytes_out_; }

 private:
  // Ends a call whose caller has left while it waits for its upstream.
  void hung_up() override;
  bool caller_left() const noexcept;
  void look_again();
  enum class Next : unsigned char { request, http2, closed };
  net::Awaitable<Next> await_request();
  net::Awaitable<Next> find_protocol();
  net::Awaitable<void> serve_http2();
  net::Awaitable<bool> read_head();
  net::Awaitable<void> refuse(int status, std::string_view what);
  void begin_call(std::size_t head_bytes) noexcept;
  net::Awaitable<void> end_call();
  net::Awaitable<void> linger();
  bool head_late(std::int64_t since_ns) const noexcept;
  // What a wait for body bytes has come to; so many have come and are not read yet.
  Result<void> body_came(net::Wake wake, std::uint64_t unread);
  // Waits until the peer takes more of the answer.
  net::Task<void> await_taker(net::Io::State want);
  // The socket counts as readable once so many bytes wait, or the end.
  void want_at_once(int bytes) noexcept;
  void end_body() noexcept;
  // Sends what waits, as far as the socket takes it now.
  net::Io send_some() noexcept;
  net::Task<void> write_through(std::string_view bytes);
  bool room_for(std::size_t size) noexcept;
  void put(std::string_view bytes) noexcept;
  void put_chunk(std::string_view bytes) noexcept;

  Server& server_;
  net::Stream stream_;
  Incoming in_;
  std::unique_ptr<CallState> state_;
  net::Stream* upstream_ = nullptr;
  Http2Connection* http2_ = nullptr;  // While it serves this connection.
  std::array<char, 48> peer_{};

  net::Block out_;
  std::size_t out_begin_ = 0, out_end_ = 0;

  std::uint64_t head_bytes_ = 0, bytes_out_ = 0;
  std::uint64_t body_left_ = 0;  // Of an answer of known length.
  Pace reading_, writing_;
  int wanted_bytes_ = 1;
  bool started_ = false, finished_ = false, broken_ = false, stopping_ = false, cut_ = false;
  bool keep_alive_ = false, chunked_out_ = false, no_body_ = false, expect_continue_ = false;
  bool stopped_reading_ = false, upgraded_ = false;
  bool body_wanted_ = false;  // Somebody has begun to read the body.
  bool paused_ = false;       // It may come with pauses.
  std::string trailers_;      // Behind the answer's body, checked lines.
};

}  // namespace mlgate::http
