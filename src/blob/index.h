#pragma once
// The index of the blob store: an SQLite file of its own. Listing walks a B-tree from a marker,
// which documents of the store could not; and a burst of small blobs must not queue in front of the
// program's configuration.
//
// Readers take a connection from a pool. Writers hand a function to one thread, which runs all that
// wait in one transaction, each within a savepoint: they share a sync of the log and fail alone.
#include "base/result.h"
#include "store/sqlite_connection.h"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace mlgate::blob {

// A connection and the statements that were prepared on it.
class Session {
 public:
  static Result<std::unique_ptr<Session>> open(const std::string& path);
  // The statement for that text, which must be a literal. Its rows are those of the last use: ask
  // for one statement, step it to its end or reset it, ask for the next.
  Result<store::Statement*> statement(const char* sql);
  store::Connection& connection() noexcept { return connection_; }
  // After each use: a statement that was left halfway would keep its snapshot.
  void reset_all() noexcept;

 private:
  store::Connection connection_;
  std::unordered_map<const char*, std::unique_ptr<store::Statement>> statements_;
};

class Index {
 public:
  static Result<std::unique_ptr<Index>> open(const std::string& path);
  ~Index();

  // `work` sees one state of the index.
  template <class F>
  auto read(F&& work) -> std::invoke_result_t<F, Session&> {
    TRY(std::unique_ptr<Session> session, take());
    auto begun = session->connection().execute("BEGIN");
    if (!begun) return std::unexpected(std::move(begun).error());
    auto result = work(*session);
    session->reset_all();
    const auto ended = session->connection().execute("COMMIT");
    if (ended) give(std::move(session));
    return result;
  }
  // Durable on return. `work` runs on another thread while this one waits; it may run twice.
  using Work = std::function<Result<void>(Session&)>;
  Result<void> write(Work work);

 private:
  struct Pending {
    Work work;
    std::promise<void> done;
    Result<void> outcome;
  };
  Index() = default;
  Result<std::unique_ptr<Session>> take();
  void give(std::unique_ptr<Session> session);
  void write_loop();
  void commit(std::vector<Pending*>& batch);
  Result<void> transaction(std::vector<Pending*>& batch);

  std::string path_;
  std::unique_ptr<Session> writer_;  // The writing thread's.
  std::mutex readers_mutex_;
  std::vector<std::unique_ptr<Session>> readers_;
  std::mutex mutex_;  // Guards what follows.
  std::condition_variable wake_;
  std::deque<Pending*> queue_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace mlgate::blob
