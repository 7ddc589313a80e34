#pragma once
// A server connection that speaks HTTP/2: one coroutine reads, every request has its own, and what
// they write leaves in common sends. Windows are opened only as handlers read, and handlers wait
// when the peer takes no more. Without streams the connection waits without a buffer.
#include "http/http2_session.h"
#include "http/pace.h"
#include "http/server.h"
#include "http/server_call.h"
#include "net/condition.h"

#include <memory>
#include <string_view>
#include <vector>

namespace mlgate::http {

class Http2Connection;

// One request of such a connection; pooled per server.
class Http2Call final : public ServerCall, public Http2Stream {
 public:
  explicit Http2Call(net::BlockPool& blocks) : Http2Stream(blocks) {}

  const RequestHead& head() const noexcept override { return Http2Stream::head; }
  std::string_view scheme() const noexcept override;
  std::string_view peer() const noexcept override;
  std::string_view tls_version() const noexcept override;
  std::string_view protocol() const noexcept override { return "HTTP/2"; }
  net::Worker& worker() noexcept override;
  std::optional<std::string_view> buffered_body() noexcept override;
  net::Task<std::string_view> read_body() override;
  std::string_view trailers() const noexcept override { return in_trailers; }
  void expect_pauses() noexcept override { paused_ = true; }
  void stop_reading() noexcept override;
  bool gone() const noexcept override { return reset; }
  net::Task<void> interim(int status, const Fields* fields) override;
  net::Task<Upgraded> upgrade(const Fields& fields) override;
  Result<void> start(const ResponseStart& response) override;
  bool try_append(std::string_view bytes) noexcept override;
  net::Task<void> write(std::string_view bytes) override;
  net::Task<void> flush() override;
  void set_trailers(std::string_view lines) override;
  bool try_finish() noexcept override;
  net::Task<void> finish() override;
  void abort() noexcept override;
  void set_upstream(net::Stream* upstream) noexcept override;
  bool started() const noexcept override { return started_; }
  std::uint64_t bytes_in() const noexcept override { return head_bytes + in_bytes; }
  std::uint64_t bytes_out() const noexcept override { return Http2Stream::out_bytes; }

 private:
  friend class Http2Connection;
  // Wait for news of the body, and for room for the answer; give why there is no use in going on.
  net::Task<void> await_body();
  net::Task<void> await_room();
  // Count the waits so far. False: the peer is too slow.
  bool reads_on() noexcept;
  bool writes_on() noexcept;
  void recycle() noexcept;
  void cut_upstream() noexcept;

  Http2Connection* connection_ = nullptr;
  net::Stream* upstream_ = nullptr;
  net::Condition reader_, writer_;
  Pace reading_, writing_;
  std::int64_t moved_ns_ = 0;  // Last sign of life of the stream.
  std::size_t lent_ = 0;       // Bytes of `in` that the handler looks at.
  std::size_t index_ = 0;      // In the connection's list.
  bool head_ready_ = false, handling_ = false, queued_ = false;
  bool started_ = false, no_body_ = false, stopped_reading_ = false, cut_ = false;
  bool paused_ = false;  // The body may come with pauses.
};

class Http2Connection final : private Http2Owner,
                              public std::enable_shared_from_this<Http2Connection> {
 public:
  Http2Connection(Server& server, net::Stream& stream, std::string_view peer);
  ~Http2Connection() override;

  // Serves until the connection ends; `first` has been read already. True when the peer may still
  // be reading our last words.
  net::Awaitable<bool> run(std::string_view first);
  void cut_upstream() noexcept;
  // GOAWAY; the connection ends with its last stream, or at once.
  void stop(bool now) noexcept;

 private:
  friend class Http2Call;
  Http2Stream* open_stream() override;
  void on_head(Http2Stream& stream) override;
  void on_news(Http2Stream& stream) override;
  void on_closed(Http2Stream& stream) override;

  net::Io read_some();
  // Everything that has become possible: starts and wakes handlers, sends what waits.
  void turn();
  // The same, soon: what other coroutines do until then goes out in the same send.
  void schedule_turn();
  void post_turn();
  // Lets run() see that the connection is over.
  void wake_reader();
  void queue(Http2Call& call);
  void wake(Http2Call& call);
  void pump();
  net::Io send_some() noexcept;
  net::Awaitable<void> drain();
  net::Awaitable<void> serve(Http2Call& call);
  // Ends waits, and streams, of a peer that is too slow.
  void check_time(Http2Call& call);
  net::Task<void> refuse(Http2Call& call);
  void settle(Http2Call& call);
  void reap();
  void check_times();
  bool finished() const noexcept;
  net::Deadline& next_deadline() noexcept;
  net::Awaitable<void> end_streams();
  std::int64_t now_ns() const noexcept;

  Server& server_;
  net::Stream& stream_;
  std::string_view peer_;
  Http2Session session_;
  std::vector<std::unique_ptr<Http2Call>> calls_;
  std::vector<Http2Call*> ready_;
  net::Block out_;
  std::size_t out_begin_ = 0, out_end_ = 0;
  std::size_t handling_ = 0;  // Calls whose handler runs.
  net::Condition handled_, drained_;
  std::int64_t active_ns_ = 0;  // When a stream was there last.
  std::int64_t checked_ns_ = 0;
  bool in_turn_ = false, again_ = false, posted_ = false, blocked_ = false;
  bool broken_ = false, stopping_ = false, over_ = false;
};

}  // namespace mlgate::http
