#pragma once
// The receiving side of an HTTP/1.1 connection, server or client: bytes come into one block, the
// head stays where it was read until the message is over, and the body is decoded in place behind
// it. Between messages the block goes back to the pool.
#include "http/chunked.h"
#include "net/blocks.h"
#include "net/stream.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace mlgate::http {

enum class Framing : unsigned char { none, length, chunked, until_close };

class Incoming {
 public:
  struct Piece {
    enum class State : unsigned char { data, need_more, end, bad };
    State state = State::end;
    std::string_view bytes;
  };

  Incoming(net::Stream& stream, net::BlockPool& blocks) : stream_(stream), blocks_(blocks) {}

  // What was read and not yet taken.
  std::string_view bytes() const noexcept { return {block_.data() + begin_, end_ - begin_}; }
  bool empty() const noexcept { return begin_ == end_; }
  // One attempt to read behind what is there; done with 0 bytes when the block is full.
  net::Io fill() noexcept;

  // The first `size` bytes are the head; they stay valid until finish().
  void take_head(std::size_t size) noexcept;
  void begin_body(Framing framing, std::uint64_t length) noexcept;
  // The next decoded bytes; those of the call before are gone after the next fill.
  Piece next() noexcept;
  bool body_done() const noexcept { return body_done_; }
  // The stream has ended; true when that is a proper end of this body.
  bool end_of_stream() noexcept;
  // How many bytes of the body are still in the stream, when they are there as they are and none
  // waits in the block; otherwise 0. Whoever reads them himself says so.
  std::uint64_t unread() const noexcept;
  void were_read(std::uint64_t bytes) noexcept;
  // The whole body if it is in the block, undecoded framing none or length only.
  bool whole_body(std::string_view& out) noexcept;
  // Of a chunked body that was read to its end; see ChunkedDecoder.
  std::string_view trailers() const noexcept {
    return framing_ == Framing::chunked && body_done_ ? decoder_.trailers() : std::string_view();
  }
  std::uint64_t body_bytes() const noexcept { return body_bytes_; }

  // The message is over: keeps only what came behind it, and no block when nothing did.
  void finish() noexcept;

 private:
  net::Stream& stream_;
  net::BlockPool& blocks_;
  net::Block block_;
  std::size_t begin_ = 0, end_ = 0;
  std::size_t head_end_ = 0;  // Bytes before it are the head of the current message.
  Framing framing_ = Framing::none;
  std::uint64_t length_left_ = 0;
  std::uint64_t body_bytes_ = 0;
  bool body_done_ = true;
  ChunkedDecoder decoder_;
};

}  // namespace mlgate::http
