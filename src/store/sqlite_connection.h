#pragma once
// A thin, value-typed face of the SQLite C interface: connections and prepared statements that
// close themselves, and errors as values. For the store, and for modules that keep an index of
// their own.
#include "base/result.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace mlgate::store {

// One prepared statement. Bound views must live until the next reset().
class Statement {
 public:
  Statement() = default;
  Result<void> prepare(sqlite3* connection, const char* sql);

  Statement& bind(int index, std::string_view text);
  Statement& bind_blob(int index, std::string_view bytes);
  Statement& bind(int index, std::uint64_t number);
  // True when a row is there. Once it is false or failed, the statement has been reset.
  Result<bool> step();
  // For statements without rows.
  Result<void> run();
  void reset() noexcept;

  std::string text(int column) const;
  std::uint64_t number(int column) const noexcept;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept;
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

// Whether the time to wait for another process, which writes, is over.
bool is_held_by_another(const Error& error) noexcept;

// One connection; used by one thread at a time.
class Connection {
 public:
  static Result<Connection> open(const std::string& path);

  Result<void> execute(const char* sql);
  // A transaction that writes. Waits for another process that does, but not for long any more when
  // that was in vain the last time: it may never end, and callers stand in line.
  Result<void> begin_write();
  sqlite3* raw() const noexcept { return connection_.get(); }
  // False after an error that made SQLite roll the whole transaction back.
  bool in_transaction() const noexcept;
  Result<Statement> prepare(const char* sql) const;

 private:
  struct Close {
    void operator()(sqlite3* connection) const noexcept;
  };
  std::unique_ptr<sqlite3, Close> connection_;
};

}  // namespace mlgate::store
