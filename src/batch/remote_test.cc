// Jobs whose blobs lie in a storage elsewhere, which fails and refuses as storages do.
#include "base/crypto.h"
#include "base/text.h"
#include "batch/test_site.h"
#include "blob/scripted_storage.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>

namespace mlgate::batch {
namespace {

using testing::Operation;
using testing::reviews;
using testing::Site;

// A storage elsewhere, as much of one as jobs need, that can be told to hang up.
class RemoteStorage {
 public:
  std::string location(const std::string& name, bool token = false) const {
    const std::string place = R"(,"RelativeLocation":"box/)" + name + R"("})";
    if (token)
      return R"({"BaseLocation":")" + server_.base() +
             R"(/","SasBlobToken":"?sv=2019-12-12&sig=x")" + place;
    return R"({"ConnectionString":"AccountName=acc;AccountKey=a2V5;BlobEndpoint=)" +
           server_.base() + '"' + place;
  }
  std::string body(bool token = false) const {
    return R"({"Input":)" + location("in.csv", token) + R"(,"Outputs":{"output1":)" +
           location("out.csv", token) + "}}";
  }
  void put(const std::string& name, std::string text) {
    const std::lock_guard lock(mutex_);
    blobs_[name] = std::move(text);
  }
  std::string get(const std::string& name) {
    const std::lock_guard lock(mutex_);
    return blobs_[name];
  }
  using When = std::function<bool(const blob::testing::Asked&)>;
  // Answers with that, or hangs up where that is empty.
  void fail(When when, std::string answer = {}) {
    const std::lock_guard lock(mutex_);
    fails_ = std::move(when);
    failure_ = std::move(answer);
  }

 private:
  std::string answer(const blob::testing::Asked& asked) {
    using blob::testing::respond;
    const std::lock_guard lock(mutex_);
    if (fails_ && fails_(asked)) return failure_;
    const std::size_t query = asked.target.find('?');
    const std::string path = asked.target.substr(0, query);
    const std::string name = path.substr(path.rfind('/') + 1);
    const std::string asks = query == std::string::npos ? "" : asked.target.substr(query + 1);
    if (asks.starts_with("comp=blocklist")) {
      std::string text;
      for (const auto& piece : split(asked.body, '<'))
        if (piece.starts_with("Latest>")) text += staged_[*base64_decode(piece.substr(7))];
      blobs_[name] = text;
      return respond("201 Created");
    }
    if (asks.starts_with("comp=block&blockid=")) {
      const std::string id = asks.substr(19, asks.find('&', 19) - 19);
      staged_[*base64_decode(*percent_decode(id))] = asked.body;
      return respond("201 Created");
    }
    if (!blobs_.contains(name)) return respond("404 Not Found");
    const std::string& text = blobs_[name];
    // Without the body that the length speaks of.
    if (asked.method == "HEAD")
      return "HTTP/1.1 200 OK\r\nConnection: close\r\nETag: \"1\"\r\nContent-Length: " +
             std::to_string(text.size()) + "\r\n\r\n";
    const std::size_t range = asked.head.find("bytes=") + 6;
    const std::size_t first = std::stoul(asked.head.substr(range));
    const std::size_t last = std::stoul(asked.head.substr(asked.head.find('-', range) + 1));
    return respond("206 Partial Content", text.substr(first, last + 1 - first));
  }
  std::mutex mutex_;
  When fails_;  // Guarded by mutex_, as what follows.
  std::string failure_;
  std::map<std::string, std::string> blobs_, staged_;
  blob::testing::ScriptedStorage server_{
      [this](const blob::testing::Asked& asked, std::size_t) { return answer(asked); }};
};

TEST(Batch, ATokenForTheOutputAloneMovesTheReportToTheWorkspace) {
  RemoteStorage remote;
  remote.put("in.csv", "Col2\nfine\n\xff\n");
  // What such a token does not permit.
  remote.fail(
      [](const blob::testing::Asked& asked) {
        return asked.target.find("errors.csv") != std::string::npos;
      },
      blob::testing::respond("403 Forbidden"));
  Site site;
  site.start();
  std::string body = remote.body(true);
  for (std::size_t at = 0; (at = body.find("&sig=", at)) != std::string::npos; at += 10)
    body.insert(at, "&sr=b");
  const std::string job = site.run(body, "onRowError=skip");
  const Json status = site.wait(job);
  ASSERT_EQ(status.string_or("StatusCode"), "Finished") << status.dump();
  const std::string place = job + "/output1.errors.csv";
  EXPECT_EQ(Json::parse(site.monitor(job))->string_or("Report"),
            site.fixture.workspace.id + "/" + place);
  const auto report = site.get(site.fixture.workspace.id, place);
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->starts_with("Row,Column,Message\r\n2,Col2,")) << *report;
}

bool is_read(const blob::testing::Asked& asked) { return asked.method == "GET"; }
bool is_block(const blob::testing::Asked& asked) {
  return asked.target.find("comp=block&") != std::string::npos;
}
bool is_commit(const blob::testing::Asked& asked) {
  return asked.target.find("comp=blocklist") != std::string::npos;
}

TEST(Batch, AnOutageOfTheStorageIsWaitedFor) {
  const std::string busy =
      blob::testing::respond("503 Server Busy", {}, "x-ms-error-code: ServerBusy\r\n");
  for (const auto phase : {is_read, is_block, is_commit}) {
    for (const std::size_t part_bytes : {std::size_t{200}, std::size_t{8} << 20}) {
      for (const std::string& answer : {std::string(), busy}) {
        RemoteStorage remote;
        remote.put("in.csv", reviews(50));
        int outage = 5;
        remote.fail([&](const auto& asked) { return phase(asked) && outage-- > 0; }, answer);
        Site site(part_bytes, {.first_pause = std::chrono::milliseconds(2)});
        site.start();
        const Json status = site.wait(site.run(remote.body()));
        EXPECT_EQ(status.string_or("StatusCode"), "Finished") << status.dump();
        EXPECT_EQ(std::ranges::count(remote.get("out.csv"), '\r'), 51);
      }
    }
  }
}

TEST(Batch, AStorageThatStaysAwayFailsTheJobInTheEnd) {
  for (const auto phase : {is_read, is_block, is_commit}) {
    RemoteStorage remote;
    remote.put("in.csv", reviews(50));
    remote.fail(phase);
    Site site(200, {.storage_wait = std::chrono::milliseconds(20),
                    .first_pause = std::chrono::milliseconds(2)});
    site.start();
    const Json status = site.wait(site.run(remote.body()));
    EXPECT_EQ(status.string_or("StatusCode"), "Failed");
    EXPECT_NE(status.string_or("Details").find("storage at http://127.0.0.1:"),
              std::string_view::npos)
        << status.dump();
  }
}

TEST(Batch, WhoWaitsForHisStorageIsToldSo) {
  RemoteStorage remote;
  remote.put("in.csv", reviews(50));
  std::atomic<bool> away = true;
  remote.fail([&](const auto& asked) { return away && is_block(asked); });
  Site site(200, {.first_pause = std::chrono::milliseconds(2)});
  site.start();
  const std::string job = site.run(remote.body(true));
  EXPECT_TRUE(site.await([&] {
    const Json shown = *Json::parse(site.monitor(job));
    return shown.string_or("WaitingFor").starts_with("The storage fails");
  }));
  EXPECT_EQ(Json::parse(site.call(Operation::status, job).body)->string_or("StatusCode"),
            "Running");
  EXPECT_EQ(site.monitor(job).find("sig="), std::string::npos);
  away = false;
  EXPECT_EQ(site.wait(job).string_or("StatusCode"), "Finished");
}

TEST(Batch, AStorageThatNeverAnsweredFailsTheJobAtOnce) {
  RemoteStorage remote;
  remote.fail([](const auto&) { return true; });
  Site site;
  site.start();
  EXPECT_EQ(site.wait(site.run(remote.body())).string_or("StatusCode"), "Failed");
}

TEST(Batch, BlobsAreNamedByAddressAndTokenToo) {
  RemoteStorage remote;
  remote.put("in.csv", "Col2\nThis is a good day\n");
  Site site;
  site.start();
  const Json status = site.wait(site.run(remote.body(true)));
  ASSERT_EQ(status.string_or("StatusCode"), "Finished") << status.dump();
  EXPECT_TRUE(remote.get("out.csv").ends_with("This is a good day,1,1,2,2,0,2,0,1\r\n"));
  const Json& result = status["Results"]["output1"];
  EXPECT_EQ(result.string_or("SasBlobToken"), "?sv=2019-12-12&sig=x");
  EXPECT_EQ(result.string_or("RelativeLocation"), "box/out.csv");
}

}  // namespace
}  // namespace mlgate::batch
