#include "http/incoming.h"

#include "base/check.h"

#include <algorithm>
#include <cstring>

namespace mlgate::http {

net::Io Incoming::fill() noexcept {
  if (!block_) block_ = blocks_.take();
  if (begin_ == end_) {
    begin_ = end_ = head_end_;
  } else if (end_ == net::Block::size() && begin_ > head_end_) {
    std::memmove(block_.data() + head_end_, block_.data() + begin_, end_ - begin_);
    end_ = head_end_ + (end_ - begin_);
    begin_ = head_end_;
  }
  const std::size_t room = net::Block::size() - end_;
  if (room == 0) return {net::Io::State::done, 0};
  const net::Io io = stream_.try_read({block_.data() + end_, room});
  end_ += io.bytes;
  return io;
}

void Incoming::take_head(std::size_t size) noexcept {
  DCHECK(size <= end_ - begin_);
  begin_ += size;
  head_end_ = begin_;
}

void Incoming::begin_body(Framing framing, std::uint64_t length) noexcept {
  framing_ = framing;
  length_left_ = length;
  body_bytes_ = 0;
  body_done_ = framing == Framing::none || (framing == Framing::length && length == 0);
  if (framing == Framing::chunked) decoder_ = ChunkedDecoder();
}

Incoming::Piece Incoming::next() noexcept {
  using State = Piece::State;
  if (body_done_) return {State::end, {}};
  if (begin_ == end_) return {State::need_more, {}};
  if (framing_ == Framing::chunked) {
    while (begin_ < end_) {
      const ChunkedDecoder::Step step = decoder_.next(bytes());
      begin_ += step.consumed;
      if (step.state == ChunkedDecoder::State::bad) return {State::bad, {}};
      if (step.state == ChunkedDecoder::State::end) {
        body_done_ = true;
        return {State::end, {}};
      }
      if (!step.data.empty()) {
        body_bytes_ += step.data.size();
        return {State::data, step.data};
      }
      if (step.consumed == 0) break;
    }
    return {State::need_more, {}};
  }
  std::string_view piece = bytes();
  if (framing_ == Framing::length) {
    piece = piece.substr(0, std::size_t(std::min<std::uint64_t>(length_left_, piece.size())));
    length_left_ -= piece.size();
    body_done_ = length_left_ == 0;
  }
  begin_ += piece.size();
  body_bytes_ += piece.size();
  return {State::data, piece};
}

bool Incoming::end_of_stream() noexcept {
  if (body_done_) return true;
  if (framing_ != Framing::until_close || begin_ != end_) return false;
  body_done_ = true;
  return true;
}

std::uint64_t Incoming::unread() const noexcept {
  return framing_ == Framing::length && begin_ == end_ ? length_left_ : 0;
}

void Incoming::were_read(std::uint64_t bytes) noexcept {
  DCHECK(bytes <= unread());
  length_left_ -= bytes;
  body_bytes_ += bytes;
  body_done_ = length_left_ == 0;
}

bool Incoming::whole_body(std::string_view& out) noexcept {
  if (body_done_) {
    out = {};
    return true;
  }
  if (framing_ != Framing::length || body_bytes_ != 0 || length_left_ > end_ - begin_) return false;
  out = next().bytes;
  return true;
}

void Incoming::finish() noexcept {
  head_end_ = 0;
  body_done_ = true;
  framing_ = Framing::none;
  if (begin_ == end_) {
    begin_ = end_ = 0;
    block_.reset();
  }
}

}  // namespace mlgate::http
