#include "apim/transaction.h"

#include "apim/keys_internal.h"
#include "base/text.h"

#include <algorithm>

namespace mlgate::apim {
namespace {

constexpr int kUndoTriesMax = 20;

}  // namespace

Result<Transaction> Transaction::begin(Documents& documents, const Secrets& secrets, TimeMs now) {
  Transaction tx;
  tx.documents_ = &documents;
  tx.secrets_ = &secrets;
  tx.now_ = now;
  TRY(const auto sequence, documents.get(kSequenceKey));
  if (sequence) {
    const auto number = parse_uint(sequence->body);
    if (!number) return fail(Errc::internal, "the sequence of entity numbers cannot be read");
    tx.sequence_ = *number;
    tx.sequence_version_ = sequence->version;
  }
  return tx;
}

Result<std::optional<StoredDocument>> Transaction::read(std::string_view key) {
  const auto staged = staged_.find(key);
  if (staged == staged_.end()) return documents_->get(key);
  if (!staged->second.after) return std::nullopt;
  return StoredDocument{std::string(key), *staged->second.after, 0};
}

Result<std::vector<StoredDocument>> Transaction::read_all(std::string_view prefix) {
  TRY(auto stored, documents_->list(prefix));
  std::map<std::string, StoredDocument> merged;
  for (StoredDocument& one : stored) merged.emplace(one.key, std::move(one));
  for (auto it = staged_.lower_bound(prefix); it != staged_.end() && it->first.starts_with(prefix);
       ++it) {
    if (it->second.after)
      merged[it->first] = {it->first, *it->second.after, 0};
    else
      merged.erase(it->first);
  }
  std::vector<StoredDocument> out;
  out.reserve(merged.size());
  for (auto& [key, document] : merged) out.push_back(std::move(document));
  return out;
}

Result<void> Transaction::stage(const std::string& key, std::optional<std::string> body) {
  auto staged = staged_.find(key);
  if (staged == staged_.end()) {
    TRY(auto present, documents_->get(key));
    std::optional<std::string> before;
    if (present) before = std::move(present->body);
    if (before == body) return {};
    staged = staged_.emplace(key, Staged{std::move(before), std::nullopt}).first;
  }
  if (staged->second.before == body)
    staged_.erase(staged);
  else
    staged->second.after = std::move(body);
  return {};
}

Result<void> Transaction::write(const std::string& key, std::string body) {
  return stage(key, std::move(body));
}

Result<void> Transaction::erase(const std::string& key) { return stage(key, std::nullopt); }

Result<void> Transaction::erase_all(std::string_view prefix) {
  TRY(const auto found, read_all(prefix));
  for (const StoredDocument& one : found) {
    TRY_OK(erase(one.key));
  }
  return {};
}

Result<void> Transaction::check() const {
  if (errors.empty()) return {};
  return fail(Errc::invalid_argument, "One or more fields contain incorrect values:");
}

Result<void> Transaction::commit() {
  std::vector<DocumentWrite> writes;
  writes.push_back({std::string(kSequenceKey), std::to_string(sequence_), sequence_version_});
  for (const auto& [key, staged] : staged_) writes.push_back({key, staged.after, std::nullopt});
  TRY(sequence_version_, documents_->commit(std::move(writes)));
  return {};
}

Result<void> Transaction::undo() {
  for (int tries = 1;; ++tries) {
    std::vector<DocumentWrite> writes;
    // The numbers handed out stay used.
    writes.push_back({std::string(kSequenceKey), std::to_string(sequence_), sequence_version_});
    for (const auto& [key, staged] : staged_) writes.push_back({key, staged.before, std::nullopt});
    const auto done = documents_->commit(std::move(writes));
    if (done) return {};
    if (done.error().code() != Errc::precondition_failed || tries == kUndoTriesMax)
      return std::unexpected(done.error());
    // Another process wrote meanwhile; its numbers are used as well.
    TRY(const Transaction now, begin(*documents_, *secrets_, now_));
    sequence_ = std::max(sequence_, now.sequence_);
    sequence_version_ = now.sequence_version_;
  }
}

}  // namespace mlgate::apim
