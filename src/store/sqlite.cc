// The SQLite store: readers take a connection from a pool; one writer thread turns all commits that
// wait into one transaction, each within its own savepoint, so that they share an fsync and fail
// alone.
#include "base/check.h"
#include "store/sqlite_internal.h"
#include "store/store.h"

#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <thread>
#include <utility>

namespace mlgate::store {
namespace {

constexpr std::size_t kCollectionBytesMax = 64;
constexpr std::size_t kKeyBytesMax = 1'024;
constexpr std::size_t kBodyBytesMax = std::size_t{64} << 20;
constexpr std::size_t kWritesMax = 100'000;          // In one commit.
constexpr std::size_t kBatchCommitsMax = 256;        // In one transaction.
constexpr std::size_t kReadersMax = 8;               // Connections kept for later readers.
constexpr std::uint64_t kDeletionsKept = 1'000'000;  // Changes after which a deletion is forgotten.
constexpr std::uint64_t kPruneEvery = 10'000;

struct Pending {
  std::vector<Write> writes;
  std::promise<Result<std::uint64_t>> done;
  Result<std::uint64_t> outcome = 0;
};

Result<void> check_write(const Write& write) {
  if (write.collection.empty() || write.collection.size() > kCollectionBytesMax)
    return fail(Errc::invalid_argument, "a collection's name has 1 to 64 bytes");
  if (write.key.empty() || write.key.size() > kKeyBytesMax)
    return fail(Errc::invalid_argument, "a document's key has 1 to 1024 bytes");
  if (write.body && write.body->size() > kBodyBytesMax)
    return fail(Errc::exhausted, "a document has at most 64 MiB");
  return {};
}

// The smallest text above everything that begins with `prefix`; empty when there is none.
std::string end_of_prefix(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty()) {
    const auto last = static_cast<unsigned char>(end.back());
    if (last != 0xFF) {
      end.back() = static_cast<char>(last + 1);
      return end;
    }
    end.pop_back();
  }
  return end;
}

// A reading connection with its statements; used by one thread at a time.
class Reader final : public Reading {
 public:
  static Result<std::unique_ptr<Reader>> open(const std::string& path) {
    auto self = std::make_unique<Reader>();
    TRY(self->connection_, Connection::open(path));
    const Connection& c = self->connection_;
    TRY(self->get_,
        c.prepare("SELECT body, version FROM documents WHERE collection=?1 AND key=?2"));
    TRY(self->list_all_, c.prepare("SELECT key, body, version FROM documents WHERE collection=?1 "
                                   "AND key>=?2 ORDER BY key"));
    TRY(self->list_range_, c.prepare("SELECT key, body, version FROM documents WHERE "
                                     "collection=?1 AND key>=?2 AND key<?3 ORDER BY key"));
    TRY(self->page_, c.prepare("SELECT key, body, version FROM documents WHERE collection=?1 AND "
                               "key>=?2 AND key>?3 AND (?4='' OR key<?4) ORDER BY key LIMIT ?5"));
    TRY(self->size_, c.prepare("SELECT COUNT(*) FROM documents WHERE collection=?1"));
    // Whole commits only: a reader continues behind the last number it saw.
    TRY(self->changes_, c.prepare("SELECT number, collection, key, deleted FROM changes WHERE "
                                  "number>?1 ORDER BY number, collection, key"));
    TRY(self->last_, c.prepare("SELECT value FROM counters WHERE name='change'"));
    return self;
  }

  // What is read until end() is as of one moment.
  Result<void> begin() {
    TRY_OK(connection_.execute("BEGIN"));
    TRY_OK(last_change());  // The first read chooses the moment.
    return {};
  }
  Result<void> end() { return connection_.execute("ROLLBACK"); }

  Result<std::optional<Document>> get(std::string_view collection, std::string_view key) override {
    const Reset reset(get_);
    TRY(const bool row, get_.bind(1, collection).bind(2, key).step());
    if (!row) return std::nullopt;
    return Document{std::string(collection), std::string(key), get_.text(0), get_.number(1)};
  }

  Result<std::vector<Document>> list(std::string_view collection,
                                     std::string_view prefix) override {
    const std::string end = end_of_prefix(prefix);
    Statement& rows = end.empty() ? list_all_ : list_range_;
    const Reset reset(rows);
    rows.bind(1, collection).bind(2, prefix);
    if (!end.empty()) rows.bind(3, end);
    return documents(rows, collection);
  }

  Result<std::vector<Document>> page(std::string_view collection, std::string_view prefix,
                                     std::string_view after, std::size_t limit) override {
    const std::string end = end_of_prefix(prefix);
    const Reset reset(page_);
    page_.bind(1, collection).bind(2, prefix).bind(3, after).bind(4, end);
    page_.bind(5, std::uint64_t{limit});
    return documents(page_, collection);
  }

  Result<std::uint64_t> size_of(std::string_view collection) override {
    const Reset reset(size_);
    TRY_OK(size_.bind(1, collection).step());
    return size_.number(0);
  }

  Result<std::vector<Change>> changes(std::uint64_t after, std::size_t limit) override {
    const Reset reset(changes_);
    std::vector<Change> list;
    changes_.bind(1, after);
    for (;;) {
      TRY(const bool row, changes_.step());
      if (!row) return list;
      const std::uint64_t number = changes_.number(0);
      // A commit is never cut: the limit is passed by the rest of the last one.
      if (list.size() >= limit && (list.empty() || list.back().number != number)) return list;
      list.push_back({number, changes_.text(1), changes_.text(2), changes_.number(3) != 0});
    }
  }

  Result<std::uint64_t> last_change() override {
    const Reset reset(last_);
    TRY_OK(last_.step());
    return last_.number(0);
  }

 private:
  struct Reset {
    explicit Reset(Statement& statement) : statement(statement) {}
    Reset(const Reset&) = delete;
    ~Reset() { statement.reset(); }
    Statement& statement;
  };

  static Result<std::vector<Document>> documents(Statement& rows, std::string_view collection) {
    std::vector<Document> out;
    for (;;) {
      TRY(const bool row, rows.step());
      if (!row) return out;
      out.push_back({std::string(collection), rows.text(0), rows.text(1), rows.number(2)});
    }
  }

  Connection connection_;
  Statement get_, list_all_, list_range_, page_, size_, changes_, last_;
};

// The readers that nobody uses.
class Readers {
 public:
  explicit Readers(std::string path) : path_(std::move(path)) {}
  Readers(const Readers&) = delete;

  Result<std::unique_ptr<Reader>> take() {
    {
      const std::lock_guard lock(mutex_);
      if (!unused_.empty()) {
        auto reader = std::move(unused_.back());
        unused_.pop_back();
        return reader;
      }
    }
    return Reader::open(path_);
  }
  void give(std::unique_ptr<Reader> reader) {
    const std::lock_guard lock(mutex_);
    if (unused_.size() < kReadersMax) unused_.push_back(std::move(reader));
  }

 private:
  const std::string path_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Reader>> unused_;
};

// A reader at one moment.
class View final : public Reading {
 public:
  View(Readers& readers, std::unique_ptr<Reader> reader)
      : readers_(readers), reader_(std::move(reader)) {}
  View(const View&) = delete;
  ~View() override {
    if (reader_->end()) readers_.give(std::move(reader_));
  }

  Result<std::optional<Document>> get(std::string_view collection, std::string_view key) override {
    return reader_->get(collection, key);
  }
  Result<std::vector<Document>> list(std::string_view collection,
                                     std::string_view prefix) override {
    return reader_->list(collection, prefix);
  }
  Result<std::vector<Document>> page(std::string_view collection, std::string_view prefix,
                                     std::string_view after, std::size_t limit) override {
    return reader_->page(collection, prefix, after, limit);
  }
  Result<std::uint64_t> size_of(std::string_view collection) override {
    return reader_->size_of(collection);
  }
  Result<std::vector<Change>> changes(std::uint64_t after, std::size_t limit) override {
    return reader_->changes(after, limit);
  }
  Result<std::uint64_t> last_change() override { return reader_->last_change(); }

 private:
  Readers& readers_;
  std::unique_ptr<Reader> reader_;
};

// Owned by the writer thread.
class Writer {
 public:
  Result<void> open(const std::string& path) {
    TRY(connection_, Connection::open(path));
    TRY_OK(migrate(connection_));
    TRY(version_, connection_.prepare("SELECT version FROM documents WHERE collection=?1 AND "
                                      "key=?2"));
    TRY(put_, connection_.prepare("INSERT INTO documents VALUES(?1,?2,?3,?4) ON CONFLICT DO "
                                  "UPDATE SET body=excluded.body, version=excluded.version"));
    TRY(erase_, connection_.prepare("DELETE FROM documents WHERE collection=?1 AND key=?2"));
    TRY(change_, connection_.prepare("INSERT INTO changes VALUES(?1,?2,?3,?4) ON CONFLICT DO "
                                     "UPDATE SET number=excluded.number, "
                                     "deleted=excluded.deleted"));
    TRY(last_, connection_.prepare("SELECT value FROM counters WHERE name='change'"));
    TRY(set_last_, connection_.prepare("UPDATE counters SET value=?1 WHERE name='change'"));
    TRY(prune_, connection_.prepare("DELETE FROM changes WHERE deleted=1 AND number<?1"));
    return {};
  }

  // Fills the outcome of each; the last change number, 0 when nothing was written.
  std::uint64_t commit(std::vector<std::unique_ptr<Pending>>& batch) {
    auto last = transaction(batch);
    if (last) return *last;
    // Waiting for another process once more, each alone, would take as many times as long.
    if (batch.size() == 1 || is_held_by_another(last.error())) {
      for (auto& pending : batch) pending->outcome = last;
      return 0;
    }
    // A failure of the transaction itself, for instance a full disk, may be due to one large
    // commit: the others get another try, each alone.
    std::uint64_t highest = 0;
    for (auto& pending : batch) {
      std::vector<std::unique_ptr<Pending>> alone;
      alone.push_back(std::move(pending));
      highest = std::max(highest, commit(alone));
      pending = std::move(alone.front());
    }
    return highest;
  }

 private:
  Result<std::uint64_t> transaction(std::vector<std::unique_ptr<Pending>>& batch) {
    TRY_OK(connection_.begin_write());
    auto number = write_all(batch);
    if (number && *number != 0) {
      if (auto done = connection_.execute("COMMIT"); !done)
        number = std::unexpected(std::move(done).error());
    } else if (number) {
      (void)connection_.execute("ROLLBACK");
    }
    if (!number && connection_.in_transaction()) (void)connection_.execute("ROLLBACK");
    return number;
  }

  Result<std::uint64_t> write_all(std::vector<std::unique_ptr<Pending>>& batch) {
    TRY_OK(last_.step());
    const std::uint64_t first = last_.number(0);
    last_.reset();
    std::uint64_t number = first;
    for (auto& pending : batch) {
      TRY_OK(connection_.execute("SAVEPOINT one"));
      pending->outcome = apply(pending->writes, number + 1);
      if (pending->outcome) {
        ++number;
      } else {
        if (pending->outcome.error().code() != Errc::precondition_failed ||
            !connection_.in_transaction())
          return std::unexpected(pending->outcome.error());
        TRY_OK(connection_.execute("ROLLBACK TO one"));
      }
      TRY_OK(connection_.execute("RELEASE one"));
    }
    if (number == first) return 0;
    TRY_OK(set_last_.bind(1, number).run());
    if (first / kPruneEvery != number / kPruneEvery && number > kDeletionsKept) {
      TRY_OK(prune_.bind(1, number - kDeletionsKept).run());
    }
    return number;
  }

  Result<std::uint64_t> apply(const std::vector<Write>& writes, std::uint64_t number) {
    for (const Write& write : writes) {
      if (write.expect != Expect::anything) {
        TRY_OK(expect(write));
      }
      if (write.body) {
        TRY_OK(put_.bind(1, write.collection)
                   .bind(2, write.key)
                   .bind_blob(3, *write.body)
                   .bind(4, number)
                   .run());
      } else {
        TRY_OK(erase_.bind(1, write.collection).bind(2, write.key).run());
      }
      TRY_OK(change_.bind(1, write.collection)
                 .bind(2, write.key)
                 .bind(3, number)
                 .bind(4, std::uint64_t{write.body ? 0U : 1U})
                 .run());
    }
    return number;
  }

  Result<void> expect(const Write& write) {
    TRY(const bool there, version_.bind(1, write.collection).bind(2, write.key).step());
    const std::uint64_t version = there ? version_.number(0) : 0;
    version_.reset();
    const bool holds = write.expect == Expect::absent ? !there : there && version == write.version;
    if (holds) return {};
    return fail(Errc::precondition_failed,
                "the document " + write.collection + "/" + write.key +
                    (write.expect == Expect::absent ? " exists already" : " has been changed"),
                write.key);
  }

  Connection connection_;
  Statement version_, put_, erase_, change_, last_, set_last_, prune_;
};

class SqliteStore final : public Store {
 public:
  explicit SqliteStore(const std::string& path) : readers_(path) {}

  static Result<std::unique_ptr<Store>> open(const std::string& path) {
    auto self = std::make_unique<SqliteStore>(path);
    TRY_OK(self->writer_.open(path));
    TRY(auto reader, Reader::open(path));
    self->readers_.give(std::move(reader));
    self->thread_ = std::thread([raw = self.get()] { raw->write_loop(); });
    return self;
  }

  ~SqliteStore() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

  Result<std::optional<Document>> get(std::string_view collection, std::string_view key) override {
    return read([&](Reading& reader) { return reader.get(collection, key); });
  }
  Result<std::vector<Document>> list(std::string_view collection,
                                     std::string_view prefix) override {
    return read([&](Reading& reader) { return reader.list(collection, prefix); });
  }
  Result<std::vector<Document>> page(std::string_view collection, std::string_view prefix,
                                     std::string_view after, std::size_t limit) override {
    return read([&](Reading& reader) { return reader.page(collection, prefix, after, limit); });
  }
  Result<std::uint64_t> size_of(std::string_view collection) override {
    return read([&](Reading& reader) { return reader.size_of(collection); });
  }
  Result<std::vector<Change>> changes(std::uint64_t after, std::size_t limit) override {
    return read([&](Reading& reader) { return reader.changes(after, limit); });
  }
  Result<std::uint64_t> last_change() override {
    return read([](Reading& reader) { return reader.last_change(); });
  }

  Result<std::unique_ptr<Reading>> view() override {
    TRY(auto reader, readers_.take());
    TRY_OK(reader->begin());
    return std::make_unique<View>(readers_, std::move(reader));
  }

  Result<std::uint64_t> commit(std::vector<Write> writes) override {
    if (writes.empty()) return last_change();
    if (writes.size() > kWritesMax)
      return fail(Errc::exhausted, "a commit has at most 100000 writes");
    for (const Write& write : writes) {
      TRY_OK(check_write(write));
    }
    auto pending = std::make_unique<Pending>();
    pending->writes = std::move(writes);
    auto done = pending->done.get_future();
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return fail(Errc::closed, "the store is closed");
      queue_.push_back(std::move(pending));
    }
    wake_.notify_one();
    return done.get();
  }

  void on_commit(std::function<void(std::uint64_t)> listener) override {
    const std::lock_guard lock(mutex_);
    listeners_.push_back(std::move(listener));
  }

 private:
  template <class F>
  auto read(F f) -> decltype(f(std::declval<Reading&>())) {
    TRY(auto reader, readers_.take());
    auto found = f(*reader);
    readers_.give(std::move(reader));
    return found;
  }

  void write_loop() {
    for (;;) {
      std::vector<std::unique_ptr<Pending>> batch;
      std::vector<std::function<void(std::uint64_t)>> listeners;
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
        if (queue_.empty()) return;  // Stopping, and everything accepted is written.
        while (!queue_.empty() && batch.size() < kBatchCommitsMax) {
          batch.push_back(std::move(queue_.front()));
          queue_.pop_front();
        }
        listeners = listeners_;
      }
      const std::uint64_t last = writer_.commit(batch);
      for (auto& pending : batch) pending->done.set_value(std::move(pending->outcome));
      if (last != 0)
        for (const auto& listener : listeners) listener(last);
    }
  }

  Readers readers_;
  Writer writer_;     // The writer thread's, once it runs.
  std::mutex mutex_;  // Guards what follows.
  std::condition_variable wake_;
  std::deque<std::unique_ptr<Pending>> queue_;
  std::vector<std::function<void(std::uint64_t)>> listeners_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<Store>> open_sqlite(const std::string& path) {
  return SqliteStore::open(path);
}

}  // namespace mlgate::store
