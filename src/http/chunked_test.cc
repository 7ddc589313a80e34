#include "http/chunked.h"

#include <gtest/gtest.h>

#include <string>

namespace mlgate::http {
namespace {

struct Decoded {
  ChunkedDecoder::State state = ChunkedDecoder::State::more;
  std::string body;
  std::size_t consumed = 0;
};

// Feeds at most `piece` bytes at a time.
Decoded decode(std::string_view input, std::size_t piece) {
  ChunkedDecoder decoder;
  Decoded out;
  while (out.consumed < input.size() && out.state == ChunkedDecoder::State::more) {
    const auto step = decoder.next(input.substr(out.consumed, piece));
    out.state = step.state;
    out.consumed += step.consumed;
    out.body += step.data;
  }
  return out;
}

void expect_body(std::string_view input, std::string_view body, std::size_t consumed) {
  SCOPED_TRACE(input);
  for (const std::size_t piece : {1u, 2u, 3u, 7u, 100000u}) {
    const Decoded out = decode(input, piece);
    EXPECT_EQ(out.state, ChunkedDecoder::State::end);
    EXPECT_EQ(out.body, body);
    EXPECT_EQ(out.consumed, consumed);
  }
}

void expect_bad(std::string_view input) {
  SCOPED_TRACE(input);
  for (const std::size_t piece : {1u, 2u, 3u, 7u, 100000u})
    EXPECT_EQ(decode(input, piece).state, ChunkedDecoder::State::bad);
}

TEST(ChunkedDecoder, GivesTheBodyAndStopsBehindIt) {
  expect_body("0\r\n\r\n", "", 5);
  expect_body("5\r\nhello\r\n0\r\n\r\nGET", "hello", 15);
  expect_body("1\r\na\r\n00a\r\n0123456789\r\n000\r\n\r\n", "a0123456789", 30);
  expect_body("A\r\n0\r\n\r\n45678\r\n0\r\n\r\n", "0\r\n\r\n45678", 20);
  expect_body("1;x=y; z=\"a b\"\r\na\r\n0;last\r\n\r\n", "a", 29);
  expect_body("1\r\na\r\n0\r\nDigest: x y\r\nE:\r\n\r\n", "a", 28);
}

TEST(ChunkedDecoder, SizesAreHexDigitsOnly) {
  for (const std::string_view size :
       {"", " 1", "1 ", "+1", "-1", "0x1", "1_", "g", "\t1", ";x", "1\t;x", "1,1"})
    expect_bad(std::string(size) + "\r\na\r\n0\r\n\r\n");
}

TEST(ChunkedDecoder, SizesDoNotOverflow) {
  expect_bad("10000000000000001\r\na\r\n0\r\n\r\n");
  expect_bad("ffffffffffffffff\r\na");
  expect_bad("0000000000000001\r\na\r\n0\r\n\r\n");
  EXPECT_EQ(decode("fffffffffffffff\r\nabc", 100).body, "abc");
}

TEST(ChunkedDecoder, LinesEndWithCrLfOnly) {
  for (const std::string_view input :
       {"1\na\r\n0\r\n\r\n", "1\r\na\n0\r\n\r\n", "1\r\na\r\n0\n\r\n", "1\r\na\r\n0\r\n\n",
        "1\ra\r\n0\r\n\r\n", "1\r\naX0\r\n\r\n", "1\r\na\r0\r\n\r\n", "1\r\nab\r\n0\r\n\r\n",
        "1;x\na\r\n0\r\n\r\n", "1;x\ry\r\na\r\n0\r\n\r\n", "0\r\nA: b\n\r\n",
        "0\r\nA: b\rc\r\n\r\n", "0\r\n\rX"})
    expect_bad(input);
}

TEST(ChunkedDecoder, ExtensionsAndTrailersAreChecked) {
  expect_bad(std::string_view("1;\0\r\na\r\n0\r\n\r\n", 13));
  expect_bad("1;\x7f\r\na\r\n0\r\n\r\n");
  expect_bad("0\r\n A: b\r\n\r\n");
  expect_bad("0\r\nA : b\r\n\r\n");
  expect_bad("0\r\n: b\r\n\r\n");
  expect_bad("0\r\nA\r\n\r\n");
  expect_bad("0\r\nA: \x01\r\n\r\n");
  expect_bad("0\r\nGET / HTTP/1.1\r\n\r\n");
}

TEST(ChunkedDecoder, ExtensionsOfAllChunksAreLimitedTogether) {
  const auto with = [](std::size_t bytes) {
    std::string out;
    // Each chunk has ten bytes of extension.
    for (std::size_t i = 0; i < bytes / 10; ++i) out += "1;123456789\r\na\r\n";
    if (bytes % 10 != 0) out += "1;" + std::string(bytes % 10 - 1, 'e') + "\r\na\r\n";
    return out + "0\r\n\r\n";
  };
  EXPECT_EQ(decode(with(kChunkExtensionBytesMax), 1000).state, ChunkedDecoder::State::end);
  EXPECT_EQ(decode(with(kChunkExtensionBytesMax + 1), 1000).state, ChunkedDecoder::State::bad);
}

TEST(ChunkedDecoder, TrailersAreLimited) {
  const auto lines = [](std::size_t count) {
    std::string out = "0\r\n";
    for (std::size_t i = 0; i < count; ++i) out += "A: b\r\n";
    return out + "\r\n";
  };
  EXPECT_EQ(decode(lines(kTrailerFieldsMax), 1000).state, ChunkedDecoder::State::end);
  EXPECT_EQ(decode(lines(kTrailerFieldsMax + 1), 1000).state, ChunkedDecoder::State::bad);
  const auto bytes = [](std::size_t size) {
    return "0\r\nA:" + std::string(size - 4, 'v') + "\r\n\r\n";
  };
  EXPECT_EQ(decode(bytes(kTrailerBytesMax), 1000).state, ChunkedDecoder::State::end);
  EXPECT_EQ(decode(bytes(kTrailerBytesMax + 1), 1000).state, ChunkedDecoder::State::bad);
}

TEST(ChunkedDecoder, StaysWhereItEnded) {
  ChunkedDecoder done;
  EXPECT_EQ(done.next("0\r\n\r\n").state, ChunkedDecoder::State::end);
  EXPECT_EQ(done.next("5\r\n").state, ChunkedDecoder::State::end);
  EXPECT_EQ(done.next("5\r\n").consumed, 0u);
  ChunkedDecoder failed;
  EXPECT_EQ(failed.next("x").state, ChunkedDecoder::State::bad);
  EXPECT_EQ(failed.next("0\r\n\r\n").state, ChunkedDecoder::State::bad);
}

TEST(ChunkedEncoder, WritesWhatTheDecoderReads) {
  std::string coded;
  std::string body;
  for (const std::size_t size : {1u, 9u, 10u, 15u, 16u, 255u, 4096u}) {
    char header[kChunkHeaderBytesMax];
    coded.append(header, write_chunk_header(size, header));
    coded.append(size, 'b').append("\r\n");
    body.append(size, 'b');
  }
  coded += kLastChunk;
  expect_body(coded, body, coded.size());
  char header[kChunkHeaderBytesMax];
  EXPECT_EQ(write_chunk_header(UINT64_MAX, header), kChunkHeaderBytesMax);
}

}  // namespace
}  // namespace mlgate::http
