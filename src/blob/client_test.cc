// The client against a storage that misbehaves on purpose: what it repeats, how long it waits, what
// it does not believe, and what its errors say.
#include "blob/client.h"

#include "base/crypto.h"
#include "base/text.h"
#include "blob/digest.h"
#include "blob/scripted_storage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace mlgate::blob {
namespace {

using blob::testing::Asked;
using blob::testing::respond;
using blob::testing::ScriptedStorage;
using ::testing::HasSubstr;
using ::testing::Not;

std::string md5_of(std::string_view bytes) {
  Md5 md5;
  md5.update(bytes);
  return base64_encode(md5.finish());
}

class BlobClient : public ::testing::Test {
 protected:
  std::unique_ptr<BlobFile> open(const ScriptedStorage& storage, std::string sas = {}) {
    return *open_remote(http_, system_clock(), storage.address(std::move(sas)),
                        {.tries = 3, .first_pause = std::chrono::milliseconds(2)});
  }
  HttpCaller http_{net::AddressCheck(), nullptr};
};

TEST_F(BlobClient, AStorageThatHangsUpIsAskedAgainAndThenUnavailable) {
  ScriptedStorage storage([](const Asked&, std::size_t) { return std::string(); });
  const auto file = open(storage);
  std::string room(10, '\0');
  const auto expect_unavailable = [](const auto& done) {
    ASSERT_FALSE(done);
    // "closed" would mean that the caller has given the work up.
    EXPECT_EQ(done.error().code(), Errc::unavailable) << done.error().message();
    EXPECT_THAT(done.error().message(), HasSubstr("storage at http://127.0.0.1:"));
  };
  expect_unavailable(file->stat());
  EXPECT_EQ(storage.asked().size(), 3U);
  expect_unavailable(file->read(0, room, {}));
  expect_unavailable(file->put_block("id", "bytes"));
  expect_unavailable(file->commit({"id"}, "text/csv"));
  EXPECT_EQ(storage.asked().size(), 12U);
}

TEST_F(BlobClient, AnAnswerThatBreaksOffIsAskedForAgain) {
  ScriptedStorage storage([](const Asked&, std::size_t number) {
    return number == 0 ? std::string("HTTP/1.1 206 Partial\r\nContent-Length: 5\r\n\r\nab")
                       : respond("206 Partial Content", "abcde");
  });
  std::string room(5, '\0');
  const auto size = open(storage)->read(0, room, {});
  ASSERT_TRUE(size) << size.error().message();
  EXPECT_EQ(room, "abcde");
}

TEST_F(BlobClient, WhatPassesIsRepeatedAndWhatDoesNotIsNot) {
  for (const char* status : {"500 x", "502 x", "503 x", "504 x", "429 x", "408 x"}) {
    ScriptedStorage storage([&](const Asked&, std::size_t number) {
      return number < 2 ? respond(status) : respond("201 Created");
    });
    EXPECT_TRUE(open(storage)->put_block("id", "bytes")) << status;
    EXPECT_EQ(storage.asked().size(), 3U) << status;
  }
  for (const char* status : {"400 x", "403 x", "404 x", "409 x", "412 x", "413 x"}) {
    ScriptedStorage storage([&](const Asked&, std::size_t) { return respond(status); });
    const auto done = open(storage)->put_block("id", "bytes");
    ASSERT_FALSE(done) << status;
    EXPECT_NE(done.error().code(), Errc::unavailable) << status;
    EXPECT_EQ(storage.asked().size(), 1U) << status;
  }
  // An error of the storage's own that stays is an outage, too.
  ScriptedStorage broken([](const Asked&, std::size_t) {
    return respond("500 x", "", "x-ms-error-code: InternalError\r\n");
  });
  EXPECT_EQ(open(broken)->put_block("id", "bytes").error().code(), Errc::unavailable);
}

TEST_F(BlobClient, WaitsAsLongAsTheStorageAsks) {
  ScriptedStorage storage([](const Asked&, std::size_t number) {
    return number == 0 ? respond("503 Server Busy", "", "Retry-After: 1\r\n")
                       : respond("201 Created");
  });
  ASSERT_TRUE(open(storage)->put_block("id", "bytes"));
  const auto asked = storage.asked();
  ASSERT_EQ(asked.size(), 2U);
  EXPECT_GE(asked[1].at - asked[0].at, std::chrono::seconds(1));
}

TEST_F(BlobClient, BytesWithAnotherChecksumAreNotTaken) {
  const std::string good = "abcde";
  const auto headers = [&](const std::string& bytes, bool md5) {
    return md5 ? "Content-MD5: " + md5_of(bytes) + "\r\n"
               : "x-ms-content-crc64: " + crc64_text(crc64(0, bytes)) + "\r\n";
  };
  for (const bool md5 : {false, true}) {
    ScriptedStorage once([&](const Asked&, std::size_t number) {
      return respond("206 Partial Content", number == 0 ? "abXde" : good, headers(good, md5));
    });
    std::string room(good.size(), '\0');
    ASSERT_TRUE(open(once)->read(0, room, {}));
    EXPECT_EQ(room, good);
    EXPECT_EQ(once.asked().size(), 2U);

    ScriptedStorage always([&](const Asked&, std::size_t) {
      return respond("206 Partial Content", "abXde", headers(good, md5));
    });
    const auto refused = open(always)->read(0, room, {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Errc::unavailable);
    EXPECT_THAT(refused.error().message(), HasSubstr("checksum"));
  }
}

TEST_F(BlobClient, BlocksAndListsCarryTheirChecksum) {
  ScriptedStorage storage([](const Asked&, std::size_t) { return respond("201 Created"); });
  const auto file = open(storage);
  ASSERT_TRUE(file->put_block("id", "bytes"));
  ASSERT_TRUE(file->commit({"id"}, "text/csv"));
  for (const Asked& asked : storage.asked())
    EXPECT_THAT(asked.head, HasSubstr("content-md5: " + to_lower(md5_of(asked.body))));
}

TEST_F(BlobClient, AClockThatIsWrongIsNamed) {
  ScriptedStorage storage([](const Asked&, std::size_t) {
    return respond("403 Forbidden", "",
                   "Date: Mon, 01 Jan 2001 00:00:00 GMT\r\n"
                   "x-ms-error-code: AuthenticationFailed\r\n");
  });
  const auto refused = open(storage)->stat();
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("set the clock of this machine"));
}

TEST_F(BlobClient, NoErrorRepeatsAToken) {
  const std::string sas = "sv=2019-12-12&sig=geheim";
  ScriptedStorage large([](const Asked&, std::size_t) {
    return respond("206 Partial Content", std::string(1'000, 'x'));
  });
  std::string room(10, '\0');
  const auto too_large = open(large, sas)->read(0, room, {});
  ASSERT_FALSE(too_large);
  EXPECT_THAT(too_large.error().message(), HasSubstr("/acc/box/a.csv is too large"));
  EXPECT_THAT(too_large.error().message(), Not(HasSubstr("geheim")));
  EXPECT_THAT(large.asked().front().target, HasSubstr("sig=geheim"));

  ScriptedStorage closing([](const Asked&, std::size_t) { return std::string(); });
  EXPECT_THAT(open(closing, sas)->stat().error().message(), Not(HasSubstr("geheim")));
}

TEST_F(BlobClient, CleaningUpTouchesNeitherBlocksOfOthersNorReaders) {
  ScriptedStorage storage([](const Asked&, std::size_t) { return respond("201 Created"); });
  ASSERT_TRUE(open(storage)->discard_blocks("0123"));
  for (const Asked& asked : storage.asked()) EXPECT_EQ(asked.method, "GET") << asked.target;
}

}  // namespace
}  // namespace mlgate::blob
