// Following a real store, and the last good snapshot on disk.

#include "control/feed.h"

#include "apim/editor.h"
#include "apim/repository.h"
#include "base/crypto.h"
#include "gateway/call.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>
#include <utility>

namespace mlgate::control {
namespace {

// Entities in a store, without the management interface.
class PlainSecrets final : public apim::Secrets {
 public:
  std::string seal(std::string_view plain, std::string_view) const override {
    return "sealed:" + std::string(plain);
  }
  Result<std::string> unseal(std::string_view sealed, std::string_view) const override {
    return std::string(sealed.substr(std::min<std::size_t>(7, sealed.size())));
  }
  std::string fingerprint(std::string_view secret) const override { return sha256(secret); }
};

class FeedTest : public testing::Test {
 protected:
  FeedTest() : folder_(std::filesystem::temp_directory_path() / ("feed-" + new_hex_id())) {
    std::filesystem::create_directories(folder_);
    store_ = store::open_sqlite(folder_ / "store.db").value();
    feed_ = std::make_unique<Feed>(*store_, "apim.entity", secrets_, control_);
  }
  ~FeedTest() override {
    feed_.reset();
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  void write(const std::string& key, const std::string& body) {
    std::vector<store::Write> writes(1);
    writes[0].collection = "apim.entity";
    writes[0].key = key;
    writes[0].body = body;
    ASSERT_TRUE(store_->commit(std::move(writes)));
  }
  void make_instance() {
    write("in/demo/service", R"({"number":1,"name":"demo","default":true,"enabled":true})");
    write_api("http://one.example");
    write("in/demo/operation/a/get",
          R"({"number":3,"name":"get","api":"a","properties":{"displayName":"get",)"
          R"("method":"GET","urlTemplate":"/x"}})");
  }
  void write_api(const std::string& url) {
    write("in/demo/api/a", R"({"number":2,"name":"a","properties":{"displayName":"a","path":"a",)"
                           R"("protocols":["http"],"subscriptionRequired":false,"serviceUrl":")" +
                               url + R"("}})");
  }
  std::string backend() {
    gateway::SnapshotHandle handle(publisher_);
    gateway::Call call;
    call.x.request.method = "GET";
    call.x.request.path = "/a/x";
    call.x.request.scheme = "http";
    call.x.request.authority = "localhost";
    call.pin = handle.pin();
    if (gateway::begin(call) != gateway::Step::forward)
      return std::to_string(call.x.response.status);
    return call.plan.backend->host;
  }

  std::filesystem::path folder_;
  PlainSecrets secrets_;
  std::unique_ptr<store::Store> store_;
  policy::Limits limits_;
  gateway::Publisher publisher_;
  Control control_{BuilderOptions{}, limits_, publisher_};
  std::unique_ptr<Feed> feed_;
};

TEST_F(FeedTest, FollowsWhatCommitsChange) {
  ASSERT_TRUE(feed_->load());
  EXPECT_EQ(backend(), "404");
  make_instance();
  ASSERT_TRUE(feed_->follow());
  EXPECT_EQ(backend(), "one.example");
  write_api("http://two.example");
  ASSERT_TRUE(feed_->follow());
  EXPECT_EQ(backend(), "two.example");
  write_api("ftp://bad");
  const auto refused = feed_->follow();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().field(), "apis/a/serviceUrl");
  EXPECT_EQ(backend(), "two.example");
  write_api("http://three.example");
  ASSERT_TRUE(feed_->follow());
  EXPECT_EQ(backend(), "three.example");
}

TEST_F(FeedTest, TheLastGoodSnapshotServesWithoutTheStore) {
  make_instance();
  ASSERT_TRUE(feed_->load());
  const auto file = folder_ / "last-good.snapshot";
  {
    LastGood kept(file, [this] { return feed_->read_all(); });
    feed_->keep(kept);
    write_api("http://two.example");
    ASSERT_TRUE(feed_->follow());
  }
  feed_.reset();
  const auto batch = LastGood::read(file);
  ASSERT_TRUE(batch) << batch.error().message();
  gateway::Publisher other;
  Control control(BuilderOptions{}, limits_, other);
  ASSERT_TRUE(serve_last_good(*batch, secrets_, control));
  publisher_.publish(other.current());
  EXPECT_EQ(backend(), "two.example");
  feed_ = std::make_unique<Feed>(*store_, "apim.entity", secrets_, control_);
}

TEST_F(FeedTest, ACutOrChangedTailOfTheFileIsNotRead) {
  make_instance();
  ASSERT_TRUE(feed_->load());
  const auto file = folder_ / "last-good.snapshot";
  {
    LastGood kept(file, [this] { return feed_->read_all(); });
    feed_->keep(kept);
    // A batch that is noted while the file is written anew is part of what is read for it.
    while (!kept.up_to_date()) std::this_thread::yield();
    kept.note({.number = 1, .documents = {}});
  }
  {
    LastGood kept(file, [this] { return feed_->read_all(); });
    kept.start(1);
    write_api("http://two.example");
    kept.note({.number = 99, .documents = {{"in/demo/api/b", std::nullopt}}});
  }
  const auto whole_size = std::filesystem::file_size(file);
  ASSERT_EQ(LastGood::read(file)->number, 99U);
  std::filesystem::resize_file(file, whole_size - 3);
  ASSERT_TRUE(LastGood::read(file));
  EXPECT_NE(LastGood::read(file)->number, 99U);
  std::ofstream(file, std::ios::binary) << "something else";
  EXPECT_EQ(LastGood::read(file).error().code(), Errc::invalid_argument);
  std::filesystem::remove(file);
  EXPECT_EQ(LastGood::read(file).error().code(), Errc::not_found);
}

// A commit that comes while changes are read is seen as a whole, at the next turn.
class BusyStore final : public store::Store {
 public:
  explicit BusyStore(store::Store& real) : real_(real) {}
  std::function<void()> between;  // Runs once, after changes were listed.

  Result<std::optional<store::Document>> get(std::string_view collection,
                                             std::string_view key) override {
    return real_.get(collection, key);
  }
  Result<std::vector<store::Document>> list(std::string_view collection,
                                            std::string_view prefix) override {
    return real_.list(collection, prefix);
  }
  Result<std::vector<store::Document>> page(std::string_view collection, std::string_view prefix,
                                            std::string_view after, std::size_t limit) override {
    return real_.page(collection, prefix, after, limit);
  }
  Result<std::uint64_t> size_of(std::string_view collection) override {
    return real_.size_of(collection);
  }
  Result<std::vector<store::Change>> changes(std::uint64_t after, std::size_t limit) override {
    auto found = real_.changes(after, limit);
    interrupt();
    return found;
  }
  Result<std::uint64_t> last_change() override {
    auto found = real_.last_change();
    interrupt();
    return found;
  }
  Result<std::unique_ptr<store::Reading>> view() override {
    TRY(auto view, real_.view());
    interrupt();
    return view;
  }
  Result<std::uint64_t> commit(std::vector<store::Write> writes) override {
    return real_.commit(std::move(writes));
  }
  void on_commit(std::function<void(std::uint64_t)> listener) override {
    real_.on_commit(std::move(listener));
  }

 private:
  void interrupt() {
    if (between) std::exchange(between, nullptr)();
  }
  store::Store& real_;
};

TEST_F(FeedTest, ACommitThatComesMeanwhileIsSeenWholeOrNotAtAll) {
  make_instance();
  BusyStore busy(*store_);
  Feed feed(busy, "apim.entity", secrets_, control_);
  ASSERT_TRUE(feed.load());
  write_api("http://two.example");
  // The API moves to another host, and its operation to another path: together.
  busy.between = [&] {
    std::vector<store::Write> both;
    both.push_back({"apim.entity", "in/demo/api/a",
                    R"({"number":2,"name":"a","properties":{"displayName":"a","path":"a",)"
                    R"("protocols":["http"],"subscriptionRequired":false,)"
                    R"("serviceUrl":"http://three.example"}})"});
    both.push_back({"apim.entity", "in/demo/operation/a/get",
                    R"({"number":3,"name":"get","api":"a","properties":{"displayName":"get",)"
                    R"("method":"GET","urlTemplate":"/y"}})"});
    ASSERT_TRUE(store_->commit(std::move(both)));
  };
  ASSERT_TRUE(feed.follow());
  EXPECT_EQ(backend(), "two.example") << "Neither of both.";
  ASSERT_TRUE(feed.follow());
  EXPECT_EQ(backend(), "404") << "/x is gone.";
}

TEST_F(FeedTest, WhatPollingCannotServeIsCountedUntilItWorksAgain) {
  make_instance();
  ASSERT_TRUE(feed_->load());
  write_api("ftp://bad");
  testing::internal::CaptureStderr();
  feed_->start_polling(std::chrono::milliseconds(1));
  while (feed_->failures() < 3) std::this_thread::yield();
  write_api("http://two.example");
  while (backend() != "two.example") std::this_thread::yield();
  feed_->stop_polling();
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::ranges::count(said, '\n'), 2) << said;
  EXPECT_NE(said.find("cannot follow changes of the configuration, and keeps trying: "),
            std::string::npos)
      << said;
  EXPECT_NE(said.find("can follow changes of the configuration again"), std::string::npos) << said;
}

}  // namespace
}  // namespace mlgate::control
