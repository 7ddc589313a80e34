#pragma once
// Reading and changing the stored entities. A Transaction sees its own writes, hands out entity
// numbers and collects every violation that the rules find; the Repository commits it whole or not
// at all. Writers of several processes are ordered by one sequence document that every commit
// expects unchanged.
#include "apim/documents.h"
#include "apim/model.h"
#include "apim/properties.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::apim {

// Something to read entities from: the documents as they are, or as a transaction has changed them.
class Reader {
 public:
  virtual ~Reader() = default;
  virtual Result<std::optional<StoredDocument>> read(std::string_view key) = 0;
  virtual Result<std::vector<StoredDocument>> read_all(std::string_view prefix) = 0;
  virtual const Secrets& secrets() const noexcept = 0;
};

class DocumentReader final : public Reader {
 public:
  DocumentReader(Documents& documents, const Secrets& secrets)
      : documents_(documents), secrets_(secrets) {}
  Result<std::optional<StoredDocument>> read(std::string_view key) override {
    return documents_.get(key);
  }
  Result<std::vector<StoredDocument>> read_all(std::string_view prefix) override {
    return documents_.list(prefix);
  }
  const Secrets& secrets() const noexcept override { return secrets_; }

 private:
  Documents& documents_;
  const Secrets& secrets_;
};

// Something that people are told of once it is committed.
struct Notice {
  enum class Kind : unsigned char { requested, activated, rejected };
  Kind kind = Kind::requested;
  Subscription subscription;
};

class Transaction final : public Reader {
 public:
  static Result<Transaction> begin(Documents& documents, const Secrets& secrets, TimeMs now);

  Result<std::optional<StoredDocument>> read(std::string_view key) override;
  Result<std::vector<StoredDocument>> read_all(std::string_view prefix) override;
  const Secrets& secrets() const noexcept override { return *secrets_; }
  TimeMs now() const noexcept { return now_; }

  // Writing what is there already changes nothing and keeps the version.
  Result<void> write(const std::string& key, std::string body);
  Result<void> erase(const std::string& key);
  Result<void> erase_all(std::string_view prefix);
  EntityNumber next_number() noexcept { return ++sequence_; }

  Errors errors;
  std::vector<Notice> notices;
  bool quiet = false;  // Nobody is told.
  // Fails when errors were collected.
  Result<void> check() const;

  bool changes_anything() const noexcept { return !staged_.empty(); }
  Result<void> commit();
  // Puts everything back as it was before commit().
  Result<void> undo();

 private:
  struct Staged {
    std::optional<std::string> before;
    std::optional<std::string> after;
  };
  Result<void> stage(const std::string& key, std::optional<std::string> body);

  Documents* documents_ = nullptr;
  const Secrets* secrets_ = nullptr;
  TimeMs now_ = 0;
  EntityNumber sequence_ = 0;
  std::uint64_t sequence_version_ = 0;
  std::map<std::string, Staged, std::less<>> staged_;
};

}  // namespace mlgate::apim
