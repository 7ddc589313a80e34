#include "http/chunked.h"

#include "base/text.h"
#include "http/scan_internal.h"

#include <algorithm>
#include <charconv>

namespace mlgate::http {
namespace {
// 2^60 and more is no chunk, and leaves the arithmetic of callers far from overflow.
constexpr std::uint8_t kSizeDigitsMax = 15;
}  // namespace

ChunkedDecoder::Step ChunkedDecoder::next(std::string_view input) noexcept {
  std::size_t at = 0;
  while (place_ != Place::done && place_ != Place::failed) {
    if (at == input.size()) return {State::more, at, {}};
    if (place_ == Place::data) {
      const auto size = std::size_t(std::min<std::uint64_t>(left_, input.size() - at));
      left_ -= size;
      if (left_ == 0) place_ = Place::data_cr;
      return {State::more, at + size, input.substr(at, size)};
    }
    if (!take(input[at++])) place_ = Place::failed;
  }
  return {place_ == Place::done ? State::end : State::bad, at, {}};
}

bool ChunkedDecoder::take(char c) noexcept {
  switch (place_) {
    case Place::size_first:
    case Place::size:
      return take_size(c);
    case Place::extension:
      return take_extension(c);
    case Place::size_lf:
      return c == '\n' && end_of_size_line();
    case Place::data_cr:
      place_ = Place::data_lf;
      return c == '\r';
    case Place::data_lf:
      place_ = Place::size_first;
      return c == '\n';
    case Place::last_lf:
      place_ = Place::done;
      return c == '\n';
    default:
      return take_trailer(c);
  }
}

bool ChunkedDecoder::take_size(char c) noexcept {
  const int digit = hex_digit(c);
  if (digit >= 0) {
    if (place_ == Place::size_first) {
      left_ = 0;
      digits_ = 0;
      place_ = Place::size;
    }
    if (++digits_ > kSizeDigitsMax) return false;
    left_ = left_ * 16 + std::uint64_t(digit);
    return true;
  }
  if (place_ == Place::size_first) return false;
  if (c == '\r') {
    place_ = Place::size_lf;
    return true;
  }
  place_ = Place::extension;
  return c == ';' && ++extension_bytes_ <= kChunkExtensionBytesMax;
}

bool ChunkedDecoder::take_extension(char c) noexcept {
  if (c == '\r') {
    place_ = Place::size_lf;
    return true;
  }
  return internal::is_in(c, internal::kValueChar) && ++extension_bytes_ <= kChunkExtensionBytesMax;
}

bool ChunkedDecoder::end_of_size_line() noexcept {
  place_ = left_ == 0 ? Place::trailer_first : Place::data;
  return true;
}

bool ChunkedDecoder::take_trailer(char c) noexcept {
  if (place_ == Place::trailer_first && c == '\r') {
    place_ = Place::last_lf;
    return true;
  }
  if (++trailer_bytes_ > kTrailerBytesMax) return false;
  trailers_ += c;
  switch (place_) {
    case Place::trailer_first:
      place_ = Place::trailer_name;
      return internal::is_in(c, internal::kTokenChar) && ++trailer_fields_ <= kTrailerFieldsMax;
    case Place::trailer_name:
      if (c == ':') place_ = Place::trailer_value;
      return c == ':' || internal::is_in(c, internal::kTokenChar);
    case Place::trailer_value:
      if (c == '\r') place_ = Place::trailer_lf;
      return c == '\r' || internal::is_in(c, internal::kValueChar);
    default:  // trailer_lf
      place_ = Place::trailer_first;
      return c == '\n';
  }
}

std::size_t write_chunk_header(std::uint64_t data_bytes, char* out) noexcept {
  char* end = std::to_chars(out, out + 16, data_bytes, 16).ptr;
  *end++ = '\r';
  *end++ = '\n';
  return std::size_t(end - out);
}

}  // namespace mlgate::http
