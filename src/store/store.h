#pragma once
// Durable documents with a change feed. One Store per program and data folder; several processes
// may share one folder (WAL). All calls block and are safe from any thread but a worker:
// control-plane code runs on the control pool. A commit returns once it is on disk; concurrent
// commits share one fsync (group commit).
#include "base/result.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::store {

struct Document {
  std::string collection;  // E.g. "apim.entity". At most 64 bytes.
  std::string key;         // Unique in the collection. At most 1,024 bytes.
  std::string body;        // JSON or sealed bytes; at most 64 MiB.
  std::uint64_t version =
      0;  // Change number of the commit that wrote it; grows over the whole store.
};

enum class Expect : unsigned char {
  anything,  // Write whatever is there.
  absent,    // The key must not exist.
  version    // The key must exist with exactly `version`.
};

struct Write {
  std::string collection;
  std::string key;
  std::optional<std::string> body;  // nullopt deletes.
  Expect expect = Expect::anything;
  std::uint64_t version = 0;
};

struct Change {
  std::uint64_t number = 0;
  std::string collection;
  std::string key;
  bool deleted = false;
};

class Reading {
 public:
  virtual ~Reading() = default;

  // nullopt when there is no such document.
  virtual Result<std::optional<Document>> get(std::string_view collection,
                                              std::string_view key) = 0;
  // Documents whose key begins with `prefix`, in ASCII order of the key.
  virtual Result<std::vector<Document>> list(std::string_view collection,
                                             std::string_view prefix) = 0;
  // The first `limit` of them behind the key `after` (empty: from the start), for collections that
  // may be large.
  virtual Result<std::vector<Document>> page(std::string_view collection, std::string_view prefix,
                                             std::string_view after, std::size_t limit) = 0;
  // How many documents the collection has. Goes through its keys.
  virtual Result<std::uint64_t> size_of(std::string_view collection) = 0;
  // Changes with a number above `after`, oldest first, at most `limit`.
  virtual Result<std::vector<Change>> changes(std::uint64_t after, std::size_t limit) = 0;
  virtual Result<std::uint64_t> last_change() = 0;
};

// Each read sees what is committed by then.
class Store : public Reading {
 public:
  // All that is read through it is as of one moment between two commits, the same whatever is
  // committed meanwhile. For one thread, for a short while, and not longer than the store.
  virtual Result<std::unique_ptr<Reading>> view() = 0;
  // All or nothing, durable on return. The new change number, which is the version of every
  // document written. precondition_failed names the key whose expectation did not hold.
  virtual Result<std::uint64_t> commit(std::vector<Write> writes) = 0;
  // Called on the store's own thread after each commit with its change number; short and
  // non-blocking.
  virtual void on_commit(std::function<void(std::uint64_t)> listener) = 0;
};

// Opens or creates `path` (a SQLite file) and brings its schema up to date.
Result<std::unique_ptr<Store>> open_sqlite(const std::string& path);

// Secrets at rest: sealed under the data folder's master key, bound to where they are kept.
class Vault {
 public:
  // Reads the 32-byte key of `path` (0600), making it first when it is not there.
  static Result<Vault> open(const std::string& path);
  std::string seal(std::string_view plain, std::string_view place) const;  // Base64.
  Result<std::string> unseal(std::string_view sealed, std::string_view place) const;
  // A key for another purpose, derived from the master key (HMAC-SHA256 of the label).
  std::string derive(std::string_view label) const;

 private:
  std::string key_;
};

}  // namespace mlgate::store
