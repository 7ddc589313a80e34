#include "blob/index.h"

#include "base/crash_point.h"
#include "blob/fault.h"

#include <pthread.h>

#include <exception>

namespace mlgate::blob {
namespace {

constexpr std::size_t kReadersKept = 8;
constexpr std::size_t kBatchMax = 256;
constexpr std::uint64_t kSchemaVersion = 1;

// Names and ids are compared as bytes (BINARY). Zero and the empty text stand for "none".
constexpr const char* kSchema =
    "CREATE TABLE containers(id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL,"
    " name TEXT NOT NULL, etag INTEGER NOT NULL, modified INTEGER NOT NULL, metadata TEXT NOT NULL,"
    " access INTEGER NOT NULL, policies TEXT NOT NULL, lease_id TEXT NOT NULL,"
    " lease_duration INTEGER NOT NULL, lease_expires INTEGER NOT NULL,"
    " lease_breaks INTEGER NOT NULL, UNIQUE(account, name));"
    "CREATE TABLE blobs(id INTEGER PRIMARY KEY AUTOINCREMENT, container INTEGER NOT NULL,"
    " name TEXT NOT NULL, etag INTEGER NOT NULL, created INTEGER NOT NULL,"
    " modified INTEGER NOT NULL, bytes INTEGER NOT NULL, headers TEXT NOT NULL,"
    " metadata TEXT NOT NULL, lease_id TEXT NOT NULL, lease_duration INTEGER NOT NULL,"
    " lease_expires INTEGER NOT NULL, lease_breaks INTEGER NOT NULL, copy_id TEXT NOT NULL,"
    " copy_source TEXT NOT NULL, copied INTEGER NOT NULL, UNIQUE(container, name));"
    // The content of a blob, in order; `block` is empty for content that came in one piece.
    "CREATE TABLE parts(blob INTEGER NOT NULL, ordinal INTEGER NOT NULL, content TEXT NOT NULL,"
    " bytes INTEGER NOT NULL, crc64 INTEGER NOT NULL, block TEXT NOT NULL,"
    " PRIMARY KEY(blob, ordinal)) WITHOUT ROWID;"
    "CREATE INDEX parts_by_content ON parts(content);"
    "CREATE TABLE blocks(container INTEGER NOT NULL, name TEXT NOT NULL, block TEXT NOT NULL,"
    " content TEXT NOT NULL, bytes INTEGER NOT NULL, crc64 INTEGER NOT NULL,"
    " PRIMARY KEY(container, name, block)) WITHOUT ROWID;"
    "CREATE INDEX blocks_by_content ON blocks(content);"
    // One row for each blob that has uncommitted blocks: how many, how long their ids are, and when
    // the last one came.
    "CREATE TABLE uploads(container INTEGER NOT NULL, name TEXT NOT NULL, count INTEGER NOT NULL,"
    " id_bytes INTEGER NOT NULL, since INTEGER NOT NULL, PRIMARY KEY(container, name))"
    " WITHOUT ROWID;"
    "CREATE INDEX uploads_by_age ON uploads(since);"
    // Content that nothing refers to any more.
    "CREATE TABLE garbage(content TEXT PRIMARY KEY, since INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX garbage_by_age ON garbage(since);"
    "CREATE TABLE services(account TEXT PRIMARY KEY, properties TEXT NOT NULL) WITHOUT ROWID;";

Result<void> make_schema(Session& session) {
  store::Connection& connection = session.connection();
  TRY_OK(connection.execute("BEGIN IMMEDIATE"));
  const auto make = [&]() -> Result<void> {
    TRY(store::Statement version, connection.prepare("PRAGMA user_version"));
    TRY(const bool row, version.step());
    const std::uint64_t present = row ? version.number(0) : 0;
    version.reset();
    if (present > kSchemaVersion)
      return fail(Errc::unsupported, "the blob index was made by a newer program");
    if (present == kSchemaVersion) return {};
    TRY_OK(connection.execute(kSchema));
    return connection.execute("PRAGMA user_version=1");
  };
  if (auto made = make(); !made) {
    if (connection.in_transaction()) (void)connection.execute("ROLLBACK");
    return made;
  }
  return connection.execute("COMMIT");
}

}  // namespace

Result<std::unique_ptr<Session>> Session::open(const std::string& path) {
  auto self = std::make_unique<Session>();
  TRY(self->connection_, store::Connection::open(path));
  return self;
}

Result<store::Statement*> Session::statement(const char* sql) {
  auto& slot = statements_[sql];
  if (!slot) {
    auto made = std::make_unique<store::Statement>();
    TRY_OK(made->prepare(connection_.raw(), sql));
    slot = std::move(made);
  }
  slot->reset();
  return slot.get();
}

void Session::reset_all() noexcept {
  for (auto& [sql, statement] : statements_)
    if (statement) statement->reset();
}

Result<std::unique_ptr<Index>> Index::open(const std::string& path) {
  std::unique_ptr<Index> self(new Index());
  self->path_ = path;
  TRY(self->writer_, Session::open(path));
  TRY_OK(make_schema(*self->writer_));
  self->thread_ = std::thread([raw = self.get()] {
    ::pthread_setname_np(::pthread_self(), "blob-index");
    raw->write_loop();
  });
  return self;
}

Index::~Index() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Result<std::unique_ptr<Session>> Index::take() {
  {
    const std::lock_guard lock(readers_mutex_);
    if (!readers_.empty()) {
      auto session = std::move(readers_.back());
      readers_.pop_back();
      return session;
    }
  }
  return Session::open(path_);
}

void Index::give(std::unique_ptr<Session> session) {
  const std::lock_guard lock(readers_mutex_);
  if (readers_.size() < kReadersKept) readers_.push_back(std::move(session));
}

Result<void> Index::write(Work work) {
  Pending pending{std::move(work), {}, {}};
  auto done = pending.done.get_future();
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(&pending);
  }
  wake_.notify_one();
  done.wait();
  return std::move(pending.outcome);
}

void Index::write_loop() {
  for (;;) {
    std::vector<Pending*> batch;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      while (!queue_.empty() && batch.size() < kBatchMax) {
        batch.push_back(queue_.front());
        queue_.pop_front();
      }
    }
    commit(batch);
    for (Pending* pending : batch) pending->done.set_value();
  }
}

void Index::commit(std::vector<Pending*>& batch) {
  auto done = transaction(batch);
  if (done) return;
  // Waiting for another process once more, each alone, would take as many times as long.
  if (batch.size() == 1 || store::is_held_by_another(done.error())) {
    for (Pending* pending : batch) pending->outcome = done;
    return;
  }
  // The transaction itself failed, for instance on a full disk: each gets a try alone.
  for (Pending* pending : batch) {
    std::vector<Pending*> alone{pending};
    commit(alone);
  }
}

Result<void> Index::transaction(std::vector<Pending*>& batch) {
  store::Connection& connection = writer_->connection();
  TRY_OK(connection.begin_write());
  const auto run = [&]() -> Result<void> {
    for (Pending* pending : batch) {
      TRY_OK(connection.execute("SAVEPOINT one"));
      pending->outcome = pending->work(*writer_);
      writer_->reset_all();
      if (!connection.in_transaction()) return std::unexpected(pending->outcome.error());
      if (!pending->outcome) {
        TRY_OK(connection.execute("ROLLBACK TO one"));
      }
      TRY_OK(connection.execute("RELEASE one"));
    }
    crash_point();
    return connection.execute("COMMIT");
  };
  auto ran = run();
  crash_point();
  if (!ran && connection.in_transaction()) (void)connection.execute("ROLLBACK");
  return ran;
}

}  // namespace mlgate::blob
