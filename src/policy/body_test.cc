// Bodies that policies look into: decoding with limits, and keeping for another reading.
#include "base/text.h"
#include "policy/body_buffer.h"
#include "policy/content_coding.h"

#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

namespace mlgate::policy {
namespace {

constexpr std::string_view kText = "hello hello hello hello";

std::string deflated(std::string_view text, int window) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, window, 9, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(compressBound(text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = uInt(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = uInt(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}
std::string zstd(std::string_view text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 19));
  return out;
}
// kText, by a reference encoder.
std::string brotli() { return *from_hex("1b1600f88d946ede445586966c206f214f1ce038"); }

TEST(ContentCoding, EveryCodingGivesTheTextBack) {
  EXPECT_EQ(*decode_body(deflated(kText, 31), "gzip", {}), kText);
  EXPECT_EQ(*decode_body(deflated(kText, 15), "deflate", {}), kText);
  EXPECT_EQ(*decode_body(deflated(kText, -15), "Deflate", {}), kText);
  EXPECT_EQ(*decode_body(brotli(), "br", {}), kText);
  EXPECT_EQ(*decode_body(zstd(kText), "zstd", {}), kText);
  EXPECT_EQ(*decode_body(kText, "identity", {}), kText);
  EXPECT_EQ(*decode_body(kText, "", {}), kText);
  EXPECT_EQ(*decode_body(deflated(brotli(), 31), "br, gzip", {}), kText);
  EXPECT_EQ(*decode_body("", "gzip", {}), "");
}

TEST(ContentCoding, MembersAndFramesMayFollowEachOther) {
  EXPECT_EQ(*decode_body(deflated("a", 31) + deflated("b", 31), "gzip", {}), "ab");
  EXPECT_EQ(*decode_body(zstd("a") + zstd("b"), "zstd", {}), "ab");
}

TEST(ContentCoding, WhatIsCutMalformedOrFollowedByMoreIsRefused) {
  const std::pair<std::string, std::string> all[] = {{"gzip", deflated(kText, 31)},
                                                     {"deflate", deflated(kText, 15)},
                                                     {"br", brotli()},
                                                     {"zstd", zstd(kText)}};
  for (const auto& [coding, body] : all) {
    EXPECT_EQ(decode_body(body.substr(0, body.size() - 1), coding, {}).error().code(),
              Errc::invalid_argument)
        << coding;
    EXPECT_EQ(decode_body(body + "x", coding, {}).error().code(), Errc::invalid_argument) << coding;
    EXPECT_FALSE(decode_body("\xff\xff\xff\xff", coding, {})) << coding;
  }
  EXPECT_EQ(decode_body("x", "compress", {}).error().code(), Errc::unsupported);
  EXPECT_EQ(decode_body("x", "gzip,gzip,gzip,gzip", {}).error().code(), Errc::unsupported);
}

TEST(ContentCoding, BombsAreStoppedByOutputAndByGrowth) {
  const std::string zeros(8 << 20, '\0');
  EXPECT_EQ(decode_body(zstd(zeros), "zstd", {}).error().code(), Errc::exhausted);
  EXPECT_EQ(decode_body(deflated(zeros, 31), "gzip", {}).error().code(), Errc::exhausted);
  EXPECT_EQ(decode_body(deflated(zeros, 31), "gzip", {.growth_max = 10'000})->size(), zeros.size());
  EXPECT_EQ(decode_body(deflated(kText, 31), "gzip", {.bytes_max = kText.size()})->size(),
            kText.size());
  EXPECT_EQ(
      decode_body(deflated(kText, 31), "gzip", {.bytes_max = kText.size() - 1}).error().code(),
      Errc::exhausted);
}

TEST(ContentCoding, PiecesOfAnySizeGiveTheSame) {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += std::to_string(i * 7919 % 1000) + ",";
  const std::string body = deflated(text, 31);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{1000}}) {
    ContentDecoder decoder(ContentCoding::gzip, {});
    std::string out;
    for (std::size_t at = 0; at < body.size(); at += piece)
      ASSERT_TRUE(decoder.decode(std::string_view(body).substr(at, piece), out));
    ASSERT_TRUE(decoder.finish());
    EXPECT_EQ(out, text);
  }
}

TEST(BodyBuffer, IsReadAsOftenAsNeededAndHasALimit) {
  BodyBuffer body(100'000);
  std::string text;
  for (int i = 0; i < 1'000; ++i) {
    const std::string piece = std::to_string(i) + ";";
    text += piece;
    ASSERT_TRUE(body.append(piece));
  }
  for (int round = 0; round < 2; ++round) {
    std::string again;
    BodyBuffer::Reader reader(body);
    for (auto piece = reader.next(); !piece.empty(); piece = reader.next()) again += piece;
    EXPECT_EQ(again, text);
    EXPECT_EQ(body.whole(), text);
  }
  const auto refused = body.append(std::string(100'001 - body.size(), 'x'));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::exhausted);
  EXPECT_EQ(body.whole(), text);
  EXPECT_TRUE(body.append("end"));
  EXPECT_EQ(body.whole(), text + "end");
  EXPECT_EQ(BodyBuffer(0).whole(), "");
}

}  // namespace
}  // namespace mlgate::policy
