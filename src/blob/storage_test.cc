#include "blob/storage.h"

#include "base/crypto.h"
#include "blob/fault.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

namespace mlgate::blob {
namespace {

namespace fs = std::filesystem;

class TestClock final : public Clock {
 public:
  TimeMs now_ms() const noexcept override { return now; }
  std::int64_t steady_ns() const noexcept override { return now * 1'000'000; }
  TimeMs now = 1'700'000'000'000;
};

class StorageTest : public testing::Test {
 protected:
  StorageTest() : folder_(fs::temp_directory_path() / ("blobs-" + new_hex_id())) { reopen(); }
  ~StorageTest() override {
    storage_.reset();
    fs::remove_all(folder_);
  }

  void reopen() {
    storage_.reset();
    auto opened = Storage::open(folder_, clock_);
    ASSERT_TRUE(opened.has_value()) << opened.error().message();
    storage_ = *std::move(opened);
    (void)storage_->create_container(container_, {}, PublicAccess::none);
  }
  Content content(std::string_view bytes) {
    Content made = storage_->new_content().value();
    EXPECT_TRUE(made.append(bytes).has_value());
    return made;
  }
  Place at(std::string name) { return {"acc", "con", std::move(name)}; }
  Result<BlobInfo> put(const std::string& name, std::string_view bytes,
                       const Conditions& conditions = {}) {
    return storage_->put_blob(at(name), content(bytes), {}, conditions);
  }
  Result<void> stage(const std::string& name, std::string_view id, std::string_view bytes) {
    return storage_->put_block(at(name), base64_encode(id), content(bytes), {});
  }
  Result<BlobInfo> commit(const std::string& name, std::initializer_list<const char*> ids,
                          BlockRef::From from = BlockRef::From::latest) {
    std::vector<BlockRef> blocks;
    for (const char* id : ids) blocks.push_back({from, base64_encode(id)});
    return storage_->put_block_list(at(name), blocks, {}, {});
  }
  static std::string all_of(const BlobReader& reader) {
    std::string out(reader.bytes(), '\0');
    EXPECT_EQ(reader.read(0, out).value(), out.size());
    return out;
  }
  std::string get(const std::string& name) {
    const auto reader = storage_->open_blob(at(name), {});
    return reader ? all_of(*reader) : reader.error().field();
  }
  std::size_t files() const {
    std::size_t count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(folder_ / "content"))
      count += entry.is_regular_file() ? 1 : 0;
    return count;
  }
  std::vector<std::string> names(ListQuery query, std::string* marker = nullptr) {
    std::vector<std::string> out;
    const BlobPage page = storage_->list_blobs(container_, query).value();
    for (const auto& item : page.items)
      out.push_back(item.prefix.empty() ? item.blob.name : item.prefix + "*");
    if (marker) *marker = page.next_marker;
    return out;
  }

  TestClock clock_;
  fs::path folder_;
  Place container_{"acc", "con", ""};
  std::unique_ptr<Storage> storage_;
};

TEST_F(StorageTest, KeepsBlobsOverReopening) {
  const std::string big = random_bytes(3'000'000);
  ASSERT_TRUE(put("big", big).has_value());
  ASSERT_TRUE(put("empty", "").has_value());
  reopen();
  EXPECT_EQ(get("big"), big);
  EXPECT_EQ(get("empty"), "");
  EXPECT_EQ(get("absent"), "BlobNotFound");
  EXPECT_EQ(storage_->open_blob({"acc", "none", "x"}, {}).error().field(), "ContainerNotFound");
  EXPECT_EQ(storage_->open_blob({"other", "con", "big"}, {}).error().field(), "ContainerNotFound");
}

TEST_F(StorageTest, ReadsRangesOverParts) {
  ASSERT_TRUE(stage("b", "1", "hello ").has_value());
  ASSERT_TRUE(stage("b", "2", "wide ").has_value());
  ASSERT_TRUE(stage("b", "3", "world").has_value());
  ASSERT_TRUE(commit("b", {"1", "3", "2", "1"}).has_value());
  EXPECT_EQ(get("b"), "hello worldwide hello ");
  const BlobReader reader = storage_->open_blob(at("b"), {}).value();
  std::string part(8, '\0');
  EXPECT_EQ(reader.read(4, part).value(), 8U);
  EXPECT_EQ(part, "o worldw");
  EXPECT_EQ(reader.read(20, part).value(), 2U);
  EXPECT_EQ(reader.read(100, part).value(), 0U);
  EXPECT_EQ(reader.extent(7).value().bytes, 4U);
}

TEST_F(StorageTest, AReaderKeepsWhatItOpened) {
  ASSERT_TRUE(put("b", "first").has_value());
  const BlobReader reader = storage_->open_blob(at("b"), {}).value();
  ASSERT_TRUE(put("b", "second").has_value());
  ASSERT_TRUE(storage_->delete_blob(at("b"), {}).has_value());
  ASSERT_TRUE(storage_->collect_garbage(Storage::Pressure::disk_full).has_value());
  EXPECT_EQ(all_of(reader), "first");
  EXPECT_EQ(files(), 0U);
}

TEST_F(StorageTest, ReplacedContentGoesAtOnceButForThatOfManyParts) {
  ASSERT_TRUE(put("b", "one").has_value());
  ASSERT_TRUE(put("b", "two").has_value());
  EXPECT_EQ(files(), 1U);
  std::vector<BlockRef> blocks;
  for (int i = 10; i < 75; ++i) {
    ASSERT_TRUE(stage("many", std::to_string(i), std::to_string(i)).has_value());
    blocks.push_back({BlockRef::From::latest, base64_encode(std::to_string(i))});
  }
  ASSERT_TRUE(storage_->put_block_list(at("many"), blocks, {}, {}).has_value());
  const BlobReader reader = storage_->open_blob(at("many"), {}).value();
  ASSERT_TRUE(put("many", "few").has_value());
  ASSERT_TRUE(storage_->collect_garbage().has_value());
  EXPECT_EQ(all_of(reader).substr(0, 6), "101112");
  clock_.now += 61'000;
  EXPECT_GE(storage_->collect_garbage().value(), 65U);
  EXPECT_EQ(files(), 2U);
  std::string into(4, '\0');
  EXPECT_EQ(reader.read(0, into).error().code(), Errc::conflict);
}

TEST_F(StorageTest, CommitsBlocksFromWhereTheListSays) {
  ASSERT_TRUE(stage("b", "x", "old").has_value());
  ASSERT_TRUE(commit("b", {"x"}).has_value());
  ASSERT_TRUE(stage("b", "x", "new").has_value());
  EXPECT_EQ(commit("b", {"y"}).error().field(), "InvalidBlockList");
  ASSERT_TRUE(commit("b", {"x"}, BlockRef::From::committed).has_value());
  EXPECT_EQ(get("b"), "old");
  EXPECT_EQ(commit("b", {"x"}, BlockRef::From::uncommitted).error().field(), "InvalidBlockList");
  ASSERT_TRUE(stage("b", "x", "new").has_value());
  ASSERT_TRUE(commit("b", {"x", "x"}).has_value());
  EXPECT_EQ(get("b"), "newnew");
  clock_.now += 61'000;
  ASSERT_TRUE(storage_->collect_garbage().has_value());
  EXPECT_EQ(files(), 1U);
  EXPECT_EQ(get("b"), "newnew");
}

TEST_F(StorageTest, ListsBlocksAndRefusesIdsOfAnotherLength) {
  ASSERT_TRUE(stage("b", "aa", "1").has_value());
  EXPECT_EQ(stage("b", "aaaaa", "1").error().field(), "InvalidBlobOrBlock");
  ASSERT_TRUE(stage("b", "bb", "22").has_value());
  ASSERT_TRUE(commit("b", {"bb"}).has_value());
  ASSERT_TRUE(stage("b", "cc", "333").has_value());
  const BlockLists lists = storage_->block_lists(at("b"), {}).value();
  ASSERT_EQ(lists.committed.size(), 1U);
  EXPECT_EQ(lists.committed[0].bytes, 2U);
  ASSERT_EQ(lists.uncommitted.size(), 1U);
  EXPECT_EQ(lists.uncommitted[0].id, base64_encode("cc"));
  EXPECT_EQ(storage_->put_block(at("b"), "***", content("x"), {}).error().field(),
            "InvalidBlockId");
}

TEST_F(StorageTest, ForgetsUncommittedBlocksAfterAWeek) {
  ASSERT_TRUE(stage("b", "aa", "1").has_value());
  EXPECT_EQ(
      names({.prefix = {}, .delimiter = {}, .marker = {}, .max_results = 10, .uncommitted = true}),
      std::vector<std::string>{"b"});
  EXPECT_TRUE(names({}).empty());
  clock_.now += std::int64_t{8} * 24 * 3600 * 1000;
  ASSERT_TRUE(storage_->collect_garbage().has_value());
  clock_.now += 61'000;
  ASSERT_TRUE(storage_->collect_garbage().has_value());
  EXPECT_EQ(files(), 0U);
  EXPECT_EQ(storage_->block_lists(at("b"), {}).error().field(), "BlobNotFound");
}

TEST_F(StorageTest, HoldsCallersToTheirConditions) {
  const std::string etag = put("b", "one").value().etag;
  EXPECT_EQ(put("b", "x", {.if_match = "\"0x1\""}).error().field(), "ConditionNotMet");
  EXPECT_EQ(put("b", "x", {.if_none_match = "*"}).error().field(), "BlobAlreadyExists");
  EXPECT_EQ(put("new", "x", {.if_match = "*"}).error().field(), "ConditionNotMet");
  ASSERT_TRUE(put("new", "x", {.if_none_match = "*"}).has_value());
  const BlobInfo second = put("b", "two", {.if_match = etag}).value();
  EXPECT_NE(second.etag, etag);
  EXPECT_EQ(storage_->open_blob(at("b"), {.if_none_match = second.etag}).error().field(),
            "NotModified");
  EXPECT_EQ(storage_->blob(at("b"), {.if_modified_since = clock_.now}).error().field(),
            "NotModified");
  EXPECT_EQ(storage_->blob(at("b"), {.if_unmodified_since = clock_.now - 10'000}).error().field(),
            "ConditionNotMet");
  EXPECT_EQ(get("b"), "two");
}

TEST_F(StorageTest, ALeaseKeepsOthersFromWriting) {
  ASSERT_TRUE(put("b", "one").has_value());
  const LeaseAnswer lease =
      storage_->lease_blob(at("b"), {.action = LeaseRequest::Action::acquire, .duration_s = 15}, {})
          .value();
  EXPECT_EQ(put("b", "two").error().field(), "LeaseIdMissing");
  EXPECT_EQ(stage("b", "aa", "x").error().field(), "LeaseIdMissing");
  EXPECT_EQ(storage_->delete_blob(at("b"), {}).error().field(), "LeaseIdMissing");
  EXPECT_EQ(storage_->check_write(at("b"), {}).error().field(), "LeaseIdMissing");
  ASSERT_TRUE(put("b", "two", {.lease_id = lease.id}).has_value());
  clock_.now += 15'000;
  EXPECT_EQ(put("b", "three", {.lease_id = lease.id}).error().field(), "LeaseLost");
  ASSERT_TRUE(put("b", "four").has_value());
  EXPECT_EQ(storage_->blob(at("b"), {}).value().lease.state, LeaseState::available);
}

TEST_F(StorageTest, CopiesShareContentUntilTheLastOneGoes) {
  ASSERT_TRUE(put("a", "shared").has_value());
  ASSERT_TRUE(storage_->copy_blob(at("a"), at("b"), {}, {}).has_value());
  EXPECT_EQ(files(), 1U);
  ASSERT_TRUE(storage_->delete_blob(at("a"), {}).has_value());
  ASSERT_TRUE(storage_->collect_garbage(Storage::Pressure::disk_full).has_value());
  EXPECT_EQ(get("b"), "shared");
  ASSERT_TRUE(storage_->copy_blob(at("b"), at("b"), {.metadata = Metadata{{"k", "v"}}}, {}));
  EXPECT_EQ(get("b"), "shared");
  ASSERT_TRUE(storage_->delete_container(container_, {}).has_value());
  ASSERT_TRUE(storage_->collect_garbage(Storage::Pressure::disk_full).has_value());
  EXPECT_EQ(files(), 0U);
}

TEST_F(StorageTest, ListsByPrefixDelimiterAndMarker) {
  for (const char* name : {"a", "d/1", "d/2", "d/e/3", "d0", "é"})
    ASSERT_TRUE(put(name, "").has_value());
  EXPECT_EQ(names({}).size(), 6U);
  EXPECT_EQ(names({.delimiter = "/"}), (std::vector<std::string>{"a", "d/*", "d0", "é"}));
  EXPECT_EQ(names({.prefix = "d/", .delimiter = "/"}),
            (std::vector<std::string>{"d/1", "d/2", "d/e/*"}));
  std::vector<std::string> paged;
  ListQuery query{.delimiter = "/", .max_results = 1};
  do {
    const auto page = names(query, &query.marker);
    ASSERT_EQ(page.size(), 1U);
    paged.push_back(page[0]);
  } while (!query.marker.empty());
  EXPECT_EQ(paged, (std::vector<std::string>{"a", "d/*", "d0", "é"}));
  EXPECT_FALSE(storage_->list_blobs(container_, {.marker = "%%%"}).has_value());
}

TEST_F(StorageTest, SeveralProcessesShareOneFolder) {
  const auto other = Storage::open(folder_, clock_).value();
  ASSERT_TRUE(put("b", "here").has_value());
  EXPECT_EQ(all_of(other->open_blob(at("b"), {}).value()), "here");
  Content held = other->new_content().value();
  ASSERT_TRUE(held.append("alive").has_value());
  // The other one lives: what it is writing is no rubbish.
  ASSERT_TRUE(storage_->collect_garbage(Storage::Pressure::disk_full).has_value());
  ASSERT_TRUE(other->put_blob(at("c"), std::move(held), {}, {}).has_value());
  EXPECT_EQ(get("c"), "alive");
}

TEST_F(StorageTest, CleansUpAfterAProcessThatDied) {
  storage_.reset();
  const pid_t child = ::fork();
  if (child == 0) {
    auto own = Storage::open(folder_, clock_);
    auto made = (*own)->new_content();
    (void)made->append("half a blob");
    auto done = (*own)->new_content();
    (void)done->append("acknowledged");
    const bool put = (*own)->put_blob(at("done"), *std::move(done), {}, {}).has_value();
    ::_exit(put ? 0 : 1);  // Without any destructor.
  }
  int status = 1;
  ::waitpid(child, &status, 0);
  ASSERT_EQ(status, 0);
  reopen();
  EXPECT_EQ(get("done"), "acknowledged");
  EXPECT_EQ(storage_->collect_garbage().value(), 1U);
  EXPECT_EQ(files(), 1U);
  EXPECT_EQ(get("done"), "acknowledged");
  std::size_t folders = 0;
  for ([[maybe_unused]] const auto& one : fs::directory_iterator(folder_ / "live")) ++folders;
  EXPECT_EQ(folders, 1U);
}

TEST_F(StorageTest, VerifyNamesTheBlobsWhoseContentIsNotWhatWasStored) {
  ASSERT_TRUE(put("good", "good").has_value());
  ASSERT_TRUE(stage("parts", "1", "first").has_value());
  ASSERT_TRUE(stage("parts", "2", "second").has_value());
  ASSERT_TRUE(commit("parts", {"1", "2"}).has_value());
  std::vector<std::string> found;
  const auto verify = [&] {
    found.clear();
    return storage_
        ->verify([&](const Storage::Damage& damage) {
          found.push_back(damage.place.blob + ": " + damage.what);
        })
        .value();
  };
  EXPECT_EQ(verify(), 15U);
  EXPECT_TRUE(found.empty());
  const auto change = [&](std::string_view content, const std::function<void(fs::path)>& how) {
    for (const auto& entry : fs::recursive_directory_iterator(folder_ / "content")) {
      if (!entry.is_regular_file()) continue;
      std::ifstream file(entry.path());
      std::string text;
      if (std::getline(file, text); text == content) how(entry.path());
    }
  };
  change("first", [](const fs::path& path) { std::ofstream(path) << "fIrst"; });
  verify();
  EXPECT_EQ(found, std::vector<std::string>{"parts: its content is not what was stored"});
  change("fIrst", [](const fs::path& path) { std::ofstream(path) << "fir"; });
  change("good", [](const fs::path& path) { fs::remove(path); });
  verify();
  EXPECT_EQ(found, (std::vector<std::string>{
                       "good: its content cannot be opened: No such file or directory",
                       "parts: 5 bytes were stored and 3 are there"}));
}

TEST_F(StorageTest, AFullDiskIsAClearErrorAndLosesNothing) {
  ASSERT_TRUE(put("b", "acknowledged").has_value());
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  rlimit small = before;
  small.rlim_cur = 1 << 20;
  Content made = storage_->new_content().value();
  ::setrlimit(RLIMIT_FSIZE, &small);
  const auto appended = made.append(std::string(2 << 20, 'x'));
  ::setrlimit(RLIMIT_FSIZE, &before);
  ASSERT_FALSE(appended.has_value());
  EXPECT_TRUE(is_fault(appended.error(), Fault::insufficient_storage));
  made = Content();
  EXPECT_EQ(get("b"), "acknowledged");
  EXPECT_EQ(files(), 1U);
}

TEST_F(StorageTest, WritersAtOnceEachEndWithOneWholeBlob) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this, t] {
      for (int i = 0; i < 25; ++i) {
        const std::string own(1'000, char('a' + t));
        EXPECT_TRUE(put("contended", own).has_value());
        const std::string got = get("contended");
        EXPECT_EQ(got, std::string(1'000, got.front()));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  clock_.now += 61'000;
  ASSERT_TRUE(storage_->collect_garbage().has_value());
  EXPECT_EQ(files(), 1U);
}

TEST_F(StorageTest, ContainersHaveMetadataPoliciesAndLeases) {
  EXPECT_EQ(storage_->create_container(container_, {}, PublicAccess::none).error().field(),
            "ContainerAlreadyExists");
  ASSERT_TRUE(storage_->set_container_metadata(container_, {{"k", "v"}}, {}).has_value());
  ASSERT_TRUE(storage_
                  ->set_container_access(container_, PublicAccess::blob,
                                         {{"id", "2020-01-01", "", "r"}}, {})
                  .has_value());
  const ContainerInfo info = storage_->container(container_, {}).value();
  EXPECT_EQ(info.metadata, (Metadata{{"k", "v"}}));
  EXPECT_EQ(info.access, PublicAccess::blob);
  EXPECT_EQ(info.policies.at(0).permissions, "r");
  for (const char* name : {"aaa", "con2"})
    ASSERT_TRUE(storage_->create_container({"acc", name, ""}, {}, PublicAccess::none).has_value());
  EXPECT_EQ(storage_->list_containers("acc", {.prefix = "con"}).value().items.size(), 2U);
  EXPECT_TRUE(storage_->list_containers("other", {}).value().items.empty());
  const LeaseRequest acquire{.action = LeaseRequest::Action::acquire, .duration_s = -1};
  ASSERT_TRUE(storage_->lease_container(container_, acquire, {}).has_value());
  EXPECT_EQ(storage_->delete_container(container_, {}).error().field(), "LeaseIdMissing");
  ASSERT_TRUE(storage_->remove_account("acc").has_value());
  EXPECT_TRUE(storage_->list_containers("acc", {}).value().items.empty());
}

}  // namespace
}  // namespace mlgate::blob
