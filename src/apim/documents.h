#pragma once
// What the entities need of the world: durable documents that change together, and secrets at rest.
// The management side adapts the store and its vault to these two seams.
#include "base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::apim {

struct StoredDocument {
  std::string key;
  std::string body;
  std::uint64_t version = 0;
};

struct DocumentWrite {
  std::string key;
  std::optional<std::string> body;                // nullopt deletes.
  std::optional<std::uint64_t> expected_version;  // 0: the document must not exist.
};

// Safe from any thread that may block.
class Documents {
 public:
  virtual ~Documents() = default;
  virtual Result<std::optional<StoredDocument>> get(std::string_view key) = 0;
  // In ASCII order of the key; one consistent reading.
  virtual Result<std::vector<StoredDocument>> list(std::string_view prefix) = 0;
  // All or nothing; the version of every document written. precondition_failed when an expectation
  // fails.
  virtual Result<std::uint64_t> commit(std::vector<DocumentWrite> writes) = 0;
};

class Secrets {
 public:
  virtual ~Secrets() = default;
  // `place` is bound to the sealed text, which cannot be opened anywhere else.
  virtual std::string seal(std::string_view plain, std::string_view place) const = 0;
  virtual Result<std::string> unseal(std::string_view sealed, std::string_view place) const = 0;
  // The same text for the same secret, from which the secret cannot be found: for unique indexes.
  virtual std::string fingerprint(std::string_view secret) const = 0;
};

}  // namespace mlgate::apim
