#include "base/text.h"
#include "store/sqlite_internal.h"

#include <sqlite3.h>

namespace mlgate::store {
namespace {

constexpr std::string_view kHeldField = "store";
constexpr int kBusyWaitMs = 10'000;  // How long a writer waits for another process,
constexpr int kHeldWaitMs = 1'000;   // and once more after that.

Error error_of(sqlite3* connection) {
  const int code = sqlite3_errcode(connection) & 0xFF;
  std::string text = sqlite3_errmsg(connection);
  switch (code) {
    case SQLITE_FULL:
    case SQLITE_TOOBIG:
      return Error(Errc::exhausted, "store: " + text);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      // Another process is writing and takes its time; the field tells callers that may wait.
      return Error(Errc::unavailable, "store: " + text, std::string(kHeldField));
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
      return Error(Errc::unavailable, "store: " + text);
    default:
      return Error(Errc::internal, "store: " + text);
  }
}

// Statements in the order in which versions of the schema added them; entry i leads to version i
// + 1.
constexpr const char* kMigrations[] = {
    // `changes` keeps the last change of each document only, so the feed never outgrows the
    // documents but
    // for the marks of deleted ones, which the writer prunes.
    "CREATE TABLE counters(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
    "INSERT INTO counters VALUES('change', 0);"
    "CREATE TABLE documents(collection TEXT NOT NULL, key TEXT NOT NULL, body BLOB NOT NULL,"
    " version INTEGER NOT NULL, PRIMARY KEY(collection, key));"
    "CREATE TABLE changes(collection TEXT NOT NULL, key TEXT NOT NULL, number INTEGER NOT NULL,"
    " deleted INTEGER NOT NULL, PRIMARY KEY(collection, key)) WITHOUT ROWID;"
    "CREATE INDEX changes_by_number ON changes(number);",
};

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const noexcept {
  sqlite3_finalize(statement);
}

Result<void> Statement::prepare(sqlite3* connection, const char* sql) {
  sqlite3_stmt* made = nullptr;
  if (sqlite3_prepare_v3(connection, sql, -1, SQLITE_PREPARE_PERSISTENT, &made, nullptr) !=
      SQLITE_OK)
    return std::unexpected(error_of(connection));
  statement_.reset(made);
  return {};
}

Statement& Statement::bind(int index, std::string_view text) {
  sqlite3_bind_text64(statement_.get(), index, text.empty() ? "" : text.data(), text.size(),
                      SQLITE_STATIC, SQLITE_UTF8);
  return *this;
}

Statement& Statement::bind_blob(int index, std::string_view bytes) {
  sqlite3_bind_blob64(statement_.get(), index, bytes.empty() ? "" : bytes.data(), bytes.size(),
                      SQLITE_STATIC);
  return *this;
}

Statement& Statement::bind(int index, std::uint64_t number) {
  sqlite3_bind_int64(statement_.get(), index, static_cast<sqlite3_int64>(number));
  return *this;
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    reset();
    return false;
  }
  Error error = error_of(sqlite3_db_handle(statement_.get()));
  reset();
  return std::unexpected(std::move(error));
}

Result<void> Statement::run() {
  TRY_OK(step());
  reset();
  return {};
}

void Statement::reset() noexcept {
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
}

std::string Statement::text(int column) const {
  const void* bytes = sqlite3_column_blob(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  if (bytes == nullptr) return {};
  return {static_cast<const char*>(bytes), static_cast<std::size_t>(size)};
}

std::uint64_t Statement::number(int column) const noexcept {
  return static_cast<std::uint64_t>(sqlite3_column_int64(statement_.get(), column));
}

void Connection::Close::operator()(sqlite3* connection) const noexcept {
  sqlite3_close_v2(connection);
}

bool is_held_by_another(const Error& error) noexcept {
  return error.code() == Errc::unavailable && error.field() == kHeldField;
}

Result<Connection> Connection::open(const std::string& path) {
  sqlite3* raw = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &raw,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  Connection self;
  self.connection_.reset(raw);
  if (code != SQLITE_OK)
    return fail(Errc::unavailable, "cannot open the store '" + path + "': " + sqlite3_errstr(code));
  sqlite3_extended_result_codes(raw, 0);
  sqlite3_busy_timeout(raw, kBusyWaitMs);
  // FULL makes a commit durable in WAL mode: the log is synced before COMMIT returns.
  TRY_OK(
      self.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
                   "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-8192;"));
  return self;
}

Result<void> Connection::execute(const char* sql) {
  if (sqlite3_exec(connection_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK)
    return std::unexpected(error_of(connection_.get()));
  return {};
}

Result<void> Connection::begin_write() {
  auto begun = execute("BEGIN IMMEDIATE");
  const bool in_vain = !begun && is_held_by_another(begun.error());
  sqlite3_busy_timeout(connection_.get(), in_vain ? kHeldWaitMs : kBusyWaitMs);
  return begun;
}

bool Connection::in_transaction() const noexcept {
  return sqlite3_get_autocommit(connection_.get()) == 0;
}

Result<Statement> Connection::prepare(const char* sql) const {
  Statement statement;
  TRY_OK(statement.prepare(connection_.get(), sql));
  return statement;
}

Result<void> migrate(Connection& connection) {
  constexpr std::uint64_t kNewest = std::size(kMigrations);
  // IMMEDIATE: two processes that start together bring the schema up to date one after the other.
  TRY_OK(connection.execute("BEGIN IMMEDIATE"));
  const auto upgrade = [&]() -> Result<void> {
    TRY(Statement version, connection.prepare("PRAGMA user_version"));
    TRY(const bool row, version.step());
    const std::uint64_t present = row ? version.number(0) : 0;
    version.reset();
    if (present > kNewest)
      return fail(Errc::unsupported, "the store has schema version " + std::to_string(present) +
                                         ", made by a newer program; this one knows up to " +
                                         std::to_string(kNewest));
    for (std::uint64_t i = present; i < kNewest; ++i) {
      TRY_OK(connection.execute(kMigrations[i]));
    }
    const std::string mark = "PRAGMA user_version=" + std::to_string(kNewest);
    TRY_OK(connection.execute(mark.c_str()));
    return {};
  };
  if (auto done = upgrade(); !done) {
    if (connection.in_transaction()) (void)connection.execute("ROLLBACK");
    return done;
  }
  return connection.execute("COMMIT");
}

}  // namespace mlgate::store
