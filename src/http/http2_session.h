#pragma once
// HTTP/2 without I/O: bytes of the peer in, calls out; answers in, bytes for the peer out. What the
// protocol demands (frames, HPACK, windows, states, error codes) is nghttp2's; what a server has to
// decide is here: limits, defence against floods, and turning a header list into the same
// RequestHead that HTTP/1.1 gives, so that nothing behind knows the difference. Whatever could be
// read in two ways once it is written as HTTP/1.1 is refused here.
#include "base/result.h"
#include "http/block_queue.h"
#include "http/head_parser.h"
#include "http/server_call.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

struct nghttp2_session;

namespace mlgate::http {

struct Http2Callbacks;

struct Http2Limits {
  std::uint32_t streams_max = 128;
  HeadLimits head;                               // Bytes as SETTINGS counts: 32 more per field.
  std::int32_t stream_window = 128 * 1024;       // Received and not yet read, of one stream
  std::int32_t connection_window = 1024 * 1024;  // … and of all.
  // PING, SETTINGS, PRIORITY, RST_STREAM and empty DATA frames: at once, and each second.
  double control_frames_max = 1000;
  double control_frames_per_second = 200;
};

// One stream, shared by the session and whoever serves it.
struct Http2Stream {
  explicit Http2Stream(net::BlockPool& blocks) : in(blocks), out(blocks) {}

  std::int32_t id = 0;
  RequestHead head;        // Views of `text`.
  BlockQueue in, out;      // Received and not read; written and not sent.
  int refusal = 0;         // The head is over a limit: the status to answer.
  bool in_ended = false;   // Nothing more comes into `in`.
  bool out_ended = false;  // Nothing more goes into `out`.
  bool reset = false;      // The peer or an error ended it; sending is useless.
  bool closed = false;     // The session has forgotten it.
  // Behind the bodies, as "name: value\r\n" lines. That of the request is complete with in_ended.
  std::string in_trailers, out_trailers;

  std::uint64_t head_bytes = 0, in_bytes = 0, out_bytes = 0;

  void recycle() noexcept;  // Ready for another use; keeps memory of moderate size.

 private:
  friend class Http2Session;
  friend struct Http2Callbacks;
  struct Part {
    std::uint32_t name, name_size, value, value_size;
  };
  std::string text;
  std::string cookies;  // Crumbs, joined as HTTP/1.1 wants them.
  std::vector<Part> parts;
  std::size_t list_bytes = 0;
  bool head_done = false;
  bool deferred = false;  // nghttp2 waits for resume_data.
};

// Whom a session tells. Called inside receive() and produce(); does not call these two.
class Http2Owner {
 public:
  virtual ~Http2Owner() = default;
  // The object for a new stream, or null to refuse it.
  virtual Http2Stream* open_stream() = 0;
  // The head is complete, or `refusal` says why it never will be.
  virtual void on_head(Http2Stream& stream) = 0;
  // Body bytes, an end, a reset, or room in `out`.
  virtual void on_news(Http2Stream& stream) = 0;
  // `closed` is set; the session refers to it no longer.
  virtual void on_closed(Http2Stream& stream) = 0;
};

// Thread: one worker's.
class Http2Session {
 public:
  Http2Session(Http2Owner& owner, const Http2Limits& limits);
  Http2Session(const Http2Session&) = delete;
  ~Http2Session();

  // Takes all of `bytes`. False when the connection cannot go on: what waits to be sent (GOAWAY)
  // still should be.
  bool receive(std::string_view bytes, std::int64_t now_ns);
  // Fills `into` with what is to be sent and returns how much; 0 with nothing to send. 32 KiB of
  // room always suffice for progress.
  std::size_t produce(std::span<char> into);
  // Neither reading nor writing can bring anything any more.
  bool ended() const noexcept;
  bool has_output() const noexcept;
  std::size_t queued_frames() const noexcept;
  // Header blocks that have begun and not ended.
  bool inside_head() const noexcept { return open_head_; }

  // Gives `count` bytes of the stream's `in` back: pops them and opens the windows.
  void consume(Http2Stream& stream, std::size_t count);
  // The answer's head. `date` is "Date: …\r\n". With `body` bytes of `out` follow, up to out_ended.
  enum class Body : bool { none, follows };
  Result<void> respond(Http2Stream& stream, const ResponseStart& head, std::string_view date,
                       Body body);
  Result<void> interim(Http2Stream& stream, int status, const Fields* fields);
  // `out` has news for the session.
  void resume(Http2Stream& stream);
  // For an answer that cannot be completed.
  void reset(Http2Stream& stream);
  // No new streams; those there are may end.
  void go_away();
  // The peer's window keeps us from sending on this stream.
  bool window_shut(const Http2Stream& stream) const noexcept;

 private:
  friend struct Http2Callbacks;
  bool charge() noexcept;
  static bool add_trailer(Http2Stream& stream, std::string_view name, std::string_view value);
  // False: malformed.
  bool add_header(Http2Stream& stream, std::string_view name, std::string_view value);
  bool complete_head(Http2Stream& stream);
  bool take_pseudo(Http2Stream& stream, std::string_view name, std::string_view value);
  bool take_fields(Http2Stream& stream, bool has_host);

  Http2Owner& owner_;
  Http2Limits limits_;
  nghttp2_session* session_ = nullptr;
  std::span<char> room_;  // Of the produce() under way.
  std::string_view pending_;
  double tokens_ = 0;
  std::int64_t tokens_ns_ = 0, now_ns_ = 0;
  bool open_head_ = false, flooded_ = false, failed_ = false, leaving_ = false;
};

}  // namespace mlgate::http
