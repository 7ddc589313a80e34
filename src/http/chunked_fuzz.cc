// Feeds arbitrary bytes to the chunked decoder. What has to hold: cutting the input anywhere
// changes nothing, all data is a view of the input, and a body that was decoded and coded again is
// the same body.
#include "http/chunked.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using mlgate::http::ChunkedDecoder;

void require(bool condition) {
  if (!condition) std::abort();
}

struct Decoded {
  ChunkedDecoder::State state = ChunkedDecoder::State::more;
  std::string body;
  std::size_t consumed = 0;
};

Decoded decode(std::string_view input, std::size_t piece) {
  ChunkedDecoder decoder;
  Decoded out;
  while (out.state == ChunkedDecoder::State::more && out.consumed < input.size()) {
    const std::string_view part = input.substr(out.consumed, piece);
    const auto step = decoder.next(part);
    require(step.consumed <= part.size());
    require(step.consumed > 0 || step.state != ChunkedDecoder::State::more);
    if (!step.data.empty())
      require(step.data.data() >= part.data() &&
              step.data.data() + step.data.size() <= part.data() + step.consumed);
    out.state = step.state;
    out.consumed += step.consumed;
    out.body += step.data;
  }
  return out;
}

std::string encode(std::string_view body, std::size_t chunk) {
  std::string out;
  while (!body.empty()) {
    const std::string_view part = body.substr(0, chunk);
    char header[mlgate::http::kChunkHeaderBytesMax];
    out.append(header, mlgate::http::write_chunk_header(part.size(), header));
    out.append(part).append("\r\n");
    body.remove_prefix(part.size());
  }
  return out.append(mlgate::http::kLastChunk);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const Decoded whole = decode(input, std::max<std::size_t>(size, 1));
  for (const std::size_t piece : {1u, 2u, 5u, 64u}) {
    const Decoded parts = decode(input, piece);
    require(parts.state == whole.state && parts.body == whole.body);
    require(parts.consumed == whole.consumed);
  }
  if (whole.state == ChunkedDecoder::State::end) {
    const std::string coded = encode(whole.body, 7);
    const Decoded again = decode(coded, 3);
    require(again.state == ChunkedDecoder::State::end && again.body == whole.body);
    require(again.consumed == coded.size());
  }
  return 0;
}
