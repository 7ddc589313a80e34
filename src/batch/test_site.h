#pragma once
// What tests of batch jobs share: a server without sockets, with the tutorial's service and blobs
// in the embedded storage, on a store that may fail.
#include "base/check.h"
#include "batch/engine.h"
#include "batch/service.h"
#include "blob/access.h"
#include "blob/accounts.h"
#include "blob/authorization.h"
#include "blob/storage.h"
#include "webservice/test_support.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mlgate::batch::testing {

using webservice::testing::Fixture;
using webservice::testing::tutorial_graph;
using Operation = webservice::BatchCalls::Operation;

inline constexpr std::string_view kStorage = "UseDevelopmentStorage=true";

// A store whose disk fills up, or that cannot be reached, for a while.
class FlakyStore final : public store::Store {
 public:
  explicit FlakyStore(std::unique_ptr<store::Store> real) : real_(std::move(real)) {}
  std::atomic<bool> down{false};
  std::atomic<int> refused{0};
  // Runs once, when the results of parts are read: where others may come in.
  void before_results(std::function<void()> hook) {
    hook_ = std::move(hook);
    hooked_ = true;
  }

  Result<std::optional<store::Document>> get(std::string_view collection,
                                             std::string_view key) override {
    return real_->get(collection, key);
  }
  Result<std::vector<store::Document>> list(std::string_view collection,
                                            std::string_view prefix) override {
    if (collection == kPartResults && hooked_.exchange(false)) hook_();
    return real_->list(collection, prefix);
  }
  Result<std::vector<store::Document>> page(std::string_view collection, std::string_view prefix,
                                            std::string_view after, std::size_t limit) override {
    return real_->page(collection, prefix, after, limit);
  }
  Result<std::uint64_t> size_of(std::string_view collection) override {
    return real_->size_of(collection);
  }
  Result<std::unique_ptr<store::Reading>> view() override { return real_->view(); }
  Result<std::uint64_t> commit(std::vector<store::Write> writes) override {
    if (down) {
      ++refused;
      return fail(Errc::exhausted, "store: database or disk is full");
    }
    return real_->commit(std::move(writes));
  }
  Result<std::vector<store::Change>> changes(std::uint64_t after, std::size_t limit) override {
    return real_->changes(after, limit);
  }
  Result<std::uint64_t> last_change() override { return real_->last_change(); }
  void on_commit(std::function<void(std::uint64_t)> listener) override {
    real_->on_commit(std::move(listener));
  }

 private:
  std::unique_ptr<store::Store> real_;
  std::atomic<bool> hooked_{false};
  std::function<void()> hook_;
};

// A server without sockets.
class Site {
 public:
  using MakeGraph = ml::Graph (*)(const ml::Catalogue&);
  explicit Site(
      std::size_t part_bytes = std::size_t{8} << 20, LedgerLimits limits = {},
      MakeGraph graph = [](const ml::Catalogue& catalogue) { return tutorial_graph(catalogue); })
      : flaky(make_flaky(fixture)),
        service(*fixture.publish(graph(fixture.catalogue))),
        accounts(*fixture.store, fixture.vault, system_clock(), {}),
        storage(*blob::Storage::open(fixture.folder / "blobs", system_clock(), {.sync = false})),
        access(accounts, *storage, system_clock()),
        ledger(Ledger::Parts{*fixture.store, fixture.vault, system_clock()}, limits) {
    CHECK(accounts.open().has_value());
    blob::EmbeddedEndpoint embedded;
    embedded.accounts = &accounts;
    embedded.storage = storage.get();
    embedded.access = &access;
    embedded.authorities = {"localhost:10000"};
    embedded.public_base = "http://localhost:10000";
    opener = std::make_unique<blob::BlobOpener>(
        blob::BlobOpener::Parts{http, system_clock(), embedded, {.tries = 1}});
    RunnerOptions options;
    options.part_bytes = part_bytes;
    options.block_bytes = std::max<std::size_t>(part_bytes / 3, 16);
    options.own_account = blob::kDevelopmentAccount;
    running = options;
    runner = make_runner();
    ServiceOptions serving;
    serving.own_account = blob::kDevelopmentAccount;
    batches =
        std::make_unique<BatchService>(BatchService::Parts{ledger, *fixture.registry, *opener,
                                                           *fixture.store, system_clock(), pool},
                                       serving);
    put("box", "", "");
    fixture.store->on_commit([held = commits](std::uint64_t number) {
      {
        const std::lock_guard lock(held->mutex);
        held->number = number;
      }
      held->more.notify_all();
    });
  }

  std::unique_ptr<Runner> make_runner() {
    return std::make_unique<Runner>(
        Runner::Parts{ledger, *opener, fixture.catalogue, fixture.datasets}, running);
  }

  void start(std::size_t threads = 2) {
    EngineOptions options;
    options.threads = threads;
    options.poll = std::chrono::milliseconds(20);
    engine = std::make_unique<Engine>(
        Engine::Parts{*fixture.store, ledger, *runner, system_clock()}, options);
    CHECK(engine->start().has_value());
  }

  void put(const std::string& container, const std::string& name, std::string_view text) {
    const std::string account(blob::kDevelopmentAccount);
    (void)storage->create_container({account, container, ""}, {}, blob::PublicAccess::none);
    if (name.empty()) return;
    auto content = storage->new_content();
    CHECK(content.has_value() && content->append(text).has_value());
    CHECK(storage->put_blob({account, container, name}, *std::move(content), {}, {}).has_value());
  }
  Result<std::string> get(const std::string& container, const std::string& name) {
    TRY(const auto reader,
        storage->open_blob({std::string(blob::kDevelopmentAccount), container, name}, {}));
    std::string text(reader.bytes(), '\0');
    TRY_OK(reader.read(0, text));
    return text;
  }

  http::Response call(Operation operation, const std::string& job, std::string body = {},
                      std::string query = {}) {
    webservice::testing::Call request;
    request.body = std::move(body);
    request.query = std::move(query);
    http::Fields fields;
    return batches->handle({operation, service.endpoints.front(), job}, request.make(fields));
  }
  std::string monitor(std::string_view job, std::string query = {}) {
    webservice::testing::Call request;
    request.query = std::move(query);
    http::Fields fields;
    return batches->monitor(*service.endpoints.front(), job, request.make(fields)).body;
  }
  static std::string body(const std::string& input, const std::string& output) {
    const auto reference = [](const std::string& name) {
      return R"({"ConnectionString":")" + std::string(kStorage) + R"(","RelativeLocation":"/box/)" +
             name + R"("})";
    };
    return R"({"Input":)" + reference(input) + R"(,"Outputs":{"output1":)" + reference(output) +
           R"(},"GlobalParameters":{}})";
  }
  std::string submit(const std::string& json, const std::string& query = {}) {
    const http::Response answer = call(Operation::submit, {}, json, query);
    CHECK(answer.status == 200);
    return answer.body.substr(1, answer.body.size() - 2);
  }
  std::string run(const std::string& json, const std::string& query = {}) {
    const std::string job = submit(json, query);
    CHECK(call(Operation::start, job).status == 200);
    return job;
  }
  // Asks again after every commit, until `holds` does; false after five minutes.
  bool await(const std::function<bool()>& holds) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::minutes(5);
    while (std::chrono::steady_clock::now() < until) {
      const std::uint64_t seen = commits->number.load();
      if (holds()) return true;
      std::unique_lock lock(commits->mutex);
      commits->more.wait_for(lock, std::chrono::milliseconds(100),
                             [&] { return commits->number.load() != seen; });
    }
    return false;
  }
  Json wait(const std::string& job) {
    Json status;
    const bool ended = await([&] {
      const http::Response answer = call(Operation::status, job);
      CHECK(answer.status == 200);
      status = *Json::parse(answer.body);
      const std::string_view code = status.string_or("StatusCode");
      return code != "NotStarted" && code != "Running";
    });
    CHECK(ended);
    return status;
  }

  static FlakyStore* make_flaky(Fixture& fixture) {
    auto made = std::make_unique<FlakyStore>(std::move(fixture.store));
    FlakyStore* flaky = made.get();
    fixture.store = std::move(made);
    fixture.open();  // The registry, on the store that it will have.
    return flaky;
  }

  Fixture fixture;
  FlakyStore* flaky;
  webservice::Service service;
  blob::Accounts accounts;
  std::unique_ptr<blob::Storage> storage;
  blob::Access access;
  blob::HttpCaller http{net::AddressCheck(), nullptr};
  Ledger ledger;
  net::ComputePool pool{"control", 2, 100};
  std::unique_ptr<blob::BlobOpener> opener;
  RunnerOptions running;
  std::unique_ptr<Runner> runner;
  std::unique_ptr<BatchService> batches;
  std::unique_ptr<Engine> engine;
  struct Commits {
    std::mutex mutex;
    std::condition_variable more;
    std::atomic<std::uint64_t> number{0};
  };
  std::shared_ptr<Commits> commits = std::make_shared<Commits>();
};

inline std::string reviews(int rows) {
  std::string text = "id,Col2\r\n";
  for (int i = 0; i < rows; ++i) {
    const std::string id = std::to_string(i);
    text += id;
    switch (i % 4) {
      case 0:
        text += ",This is a good day\r\n";
        break;
      case 1:
        text += ",\"a \"\"quoted\"\"\nreview, number " + id + "\"\r\n";
        break;
      case 2:
        text += ",plain " + id + "\n\n";
        break;
      default:
        text += ",\r\n";
    }
  }
  return text;
}

}  // namespace mlgate::batch::testing
