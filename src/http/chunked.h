#pragma once
// The chunked transfer coding (RFC 9112, 7.1). The decoder works on whatever part of the body has
// come and hands back views of it, so nothing is copied and nothing is kept but a few counters.
// Sizes are hex digits and nothing else; lines end with CRLF and nothing else; extensions are
// checked, limited and dropped, trailers checked, limited and kept.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mlgate::http {

inline constexpr std::size_t kChunkExtensionBytesMax =
    4 * 1024;  // Of one message, all chunks together.
inline constexpr std::size_t kTrailerBytesMax = 8 * 1024;
inline constexpr std::size_t kTrailerFieldsMax = 32;

class ChunkedDecoder {
 public:
  enum class State : unsigned char {
    more,  // Took `consumed` bytes; `data` may hold body bytes.
    end,  // The body and its trailers are over; bytes behind `consumed` belong to the next message.
    bad   // Not the chunked coding, or above a limit.
  };
  struct Step {
    State state = State::more;
    std::size_t consumed = 0;
    std::string_view data;  // A view of the input, within the consumed bytes.
  };

  // Takes framing up to and with the next run of body bytes. `more` with empty data means that all
  // input was consumed. After end or bad it gives the same again, consuming nothing.
  Step next(std::string_view input) noexcept;
  // After `end`: "name: value\r\n" lines.
  std::string_view trailers() const noexcept { return trailers_; }

 private:
  enum class Place : unsigned char {
    size_first,
    size,
    extension,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer_first,
    trailer_name,
    trailer_value,
    trailer_lf,
    last_lf,
    done,
    failed
  };
  bool take(char c) noexcept;
  bool take_size(char c) noexcept;
  bool take_extension(char c) noexcept;
  bool take_trailer(char c) noexcept;
  bool end_of_size_line() noexcept;

  std::string trailers_;
  std::uint64_t left_ = 0;  // Of the current chunk.
  std::uint32_t extension_bytes_ = 0;
  std::uint32_t trailer_bytes_ = 0;
  std::uint8_t trailer_fields_ = 0;
  std::uint8_t digits_ = 0;
  Place place_ = Place::size_first;
};

// What stands before the data of a chunk: hex digits and CRLF. Returns the number of bytes written,
// at most kChunkHeaderBytesMax. Behind the data stands "\r\n". A chunk of size 0 would end the
// body: use kLastChunk.
inline constexpr std::size_t kChunkHeaderBytesMax = 18;
std::size_t write_chunk_header(std::uint64_t data_bytes, char* out) noexcept;
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace mlgate::http
