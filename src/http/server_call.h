#pragma once
// One request on its way through a handler, whatever the protocol version it came by: the head, the
// body as it arrives, and the answer as it is written. Back-pressure both ways: nothing is read
// before it is asked for, and writing waits when the peer does not take more. Thread: the worker's.
#include "base/result.h"
#include "http/head_parser.h"
#include "http/message.h"
#include "net/task.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mlgate::net {
class Stream;
class Worker;
}  // namespace mlgate::net

namespace mlgate::http {

// A response head to be written. Framing fields (Content-Length, Transfer-Encoding, Connection) are
// the writer's and are skipped when they stand in `fields`; Date is added when absent.
struct ResponseStart {
  int status = 200;
  std::string_view reason;  // Empty: the standard phrase.
  const Fields* fields = nullptr;
  std::optional<std::uint64_t> body_bytes;  // Unknown: chunked, or until close for HTTP/1.0.
};

// A body that is read on a loan wakes its reader for so many bytes, or for the last ones, or it
// would be woken for every segment.
inline constexpr std::uint64_t kInputMarkBytes = 256 * 1024;

// A connection's own descriptor (non-blocking), on loan to whoever moves body bytes between it and
// a file, and how many may be moved at most.
struct Loan {
  int descriptor = -1;  // -1: cannot be lent.
  std::uint64_t bytes = 0;
};
// What was moved on it, and why no more.
struct Moved {
  enum class Stop : unsigned char { enough, would_block, closed };
  std::uint64_t bytes = 0;
  Stop stop = Stop::enough;
};

// A connection that has changed its protocol, and what was read of it already.
struct Upgraded {
  net::Stream* stream = nullptr;
  std::string_view early;
};

class ServerCall {
 public:
  ServerCall() = default;
  ServerCall(const ServerCall&) = delete;
  virtual ~ServerCall() = default;

  virtual const RequestHead& head() const noexcept = 0;
  virtual std::string_view scheme() const noexcept = 0;       // "http" or "https".
  virtual std::string_view peer() const noexcept = 0;         // The caller's address, without port.
  virtual std::string_view tls_version() const noexcept = 0;  // Empty on clear text.
  virtual std::string_view protocol() const noexcept = 0;     // "HTTP/1.1", "HTTP/2".
  virtual net::Worker& worker() noexcept = 0;

  // The body when all of it is here already (also when there is none); no waiting, no copy. Read it
  // so or by read_body, not both.
  virtual std::optional<std::string_view> buffered_body() noexcept = 0;
  // The bytes of a body of known length that have come with its head, if any; read_body goes on
  // behind them. Valid until then.
  virtual std::string_view begun_body() noexcept { return {}; }
  // The next bytes, valid until the next read; empty at the end. closed or timeout when the caller
  // went away; invalid_argument for broken framing.
  virtual net::Task<std::string_view> read_body() = 0;
  // Lends the connection for reading body bytes on another thread, once some are there. Nothing is
  // lent where the bytes on the wire are not simply those of the body (TLS, chunks, HTTP/2), nor
  // while some wait to be given by read_body. Whatever happens, the loan is returned before
  // anything else is asked of the call.
  virtual net::Task<Loan> lend_input();
  virtual Result<void> return_input(const Moved& moved);
  // The body may come with pauses from here on: it is passed on as it comes, to somebody who may
  // answer it piece by piece.
  virtual void expect_pauses() noexcept {}
  // The fields behind the body, once it has been read: "name: value\r\n" lines, checked. Good until
  // the call ends.
  virtual std::string_view trailers() const noexcept = 0;
  // Lets a read_body that waits fail with `closed`, and every later one: the answer is complete.
  virtual void stop_reading() noexcept = 0;
  // The caller is known to be gone, so there is no use in answering.
  virtual bool gone() const noexcept = 0;

  // Sends an interim answer (100, 103) ahead of the answer; nothing to a caller that knows none.
  virtual net::Task<void> interim(int status, const Fields* fields) = 0;
  // Answers 101 with `fields` and gives the connection out of hand: what comes and goes from here
  // on is the handler's, until handle() ends. unsupported by protocols that share a connection.
  virtual net::Task<Upgraded> upgrade(const Fields& fields) = 0;
  // Begins the answer; nothing is sent before flush, finish or a full buffer.
  virtual Result<void> start(const ResponseStart& response) = 0;
  // Appends body bytes to what waits to be sent; false (nothing taken) when they do not fit.
  virtual bool try_append(std::string_view bytes) noexcept = 0;
  // Appends body bytes, sending as needed.
  virtual net::Task<void> write(std::string_view bytes) = 0;
  // Sends what waits and lends the connection, once it takes more, for sending body bytes on
  // another thread; as lend_input.
  virtual net::Task<Loan> lend_output();
  virtual Result<void> return_output(const Moved& moved);
  // Sends what waits, for answers that trickle (server-sent events).
  virtual net::Task<void> flush() = 0;
  // Lines as of trailers(), to be sent behind a body of unknown length. Before the end of the body.
  virtual void set_trailers(std::string_view lines) = 0;
  // Ends the body and sends all. True at once when the socket took everything; otherwise await
  // finish().
  virtual bool try_finish() noexcept = 0;
  virtual net::Task<void> finish() = 0;
  // Breaks the connection: for an answer that cannot be completed.
  virtual void abort() noexcept = 0;

  // The stream that the call waits for besides its own, or null: a stop that cannot wait cancels
  // it. The handler takes it back before the stream ends.
  virtual void set_upstream(net::Stream* upstream) noexcept = 0;

  virtual bool started() const noexcept = 0;
  // Bytes of this call so far, heads included.
  virtual std::uint64_t bytes_in() const noexcept = 0;
  virtual std::uint64_t bytes_out() const noexcept = 0;
};

// Takes the calls of one listener. One object serves all workers.
class Handler {
 public:
  virtual ~Handler() = default;
  virtual net::Awaitable<void> handle(ServerCall& call) = 0;
  // The answer to a message that is no valid request (400, 408, 413, 414, 431, 501, 505), in the
  // dialect of the listener.
  virtual Response protocol_error(int status, std::string_view what) = 0;
};

class BodyShare;

// Reads the whole body, at most `bytes_max`. exhausted when it is larger.
net::Task<std::string> read_whole_body(ServerCall& call, std::size_t bytes_max);
// The same on account of a budget: unavailable when that is used up. The text is covered by `share`
// and ends before it.
net::Task<std::string> read_whole_body(ServerCall& call, std::size_t bytes_max, BodyShare& share);
// Writes a whole answer.
net::Task<void> respond(ServerCall& call, const Response& response);
// The request as handlers of whole messages see it.
Request whole_request(const ServerCall& call, std::string_view body);

}  // namespace mlgate::http
