#pragma once
// What may be done to the entities of one instance: the rules between them. Violations are
// collected in the transaction; a failed Result is for what stops at once. The caller checks
// `tx.check()` and commits.
#include "apim/codec.h"
#include "apim/model.h"
#include "apim/transaction.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::apim {

inline constexpr std::string_view kAdministratorUser = "1";
inline constexpr std::string_view kMasterSubscription = "master";
inline constexpr TimeMs kPurgeAfterMs = TimeMs{48} * 3'600'000;

enum class Dependents : unsigned char { keep, remove };

class Editor {
 public:
  Editor(Transaction& tx, std::string service) : tx_(tx), service_(std::move(service)) {}

  // `next.name` is the name as it is to be kept; `before` is nullptr when the entity is new, which
  // then gets its number and its date of creation.
  Result<void> put(Api next, const Api* before);
  Result<void> put(Operation next, const Operation* before);
  Result<void> put(Product next, const Product* before);
  Result<void> put(Group next, const Group* before);
  Result<void> put(User next, const User* before);
  Result<void> put(Subscription next, const Subscription* before);
  Result<void> put(Policy next, const Policy* before);
  Result<void> put(Service next, const Service* before);
  Result<void> put(VersionSet next, const VersionSet* before);
  // A new one makes its revision the current one.
  Result<void> put(Release next, const Release* before);
  Result<void> put(Backend next, const Backend* before);
  Result<void> put(NamedValue next, const NamedValue* before);
  Result<void> put(Certificate next, const Certificate* before);

  // With everything that cannot be without it.
  Result<void> erase(const Api& api);
  Result<void> erase(const Operation& operation);
  Result<void> erase(const Product& product, Dependents subscriptions);
  Result<void> erase(const Group& group);
  Result<void> erase(const User& user, Dependents subscriptions);
  Result<void> erase(const Subscription& subscription);
  Result<void> erase(const Policy& policy);
  Result<void> erase(const Release& release);
  // Refused while something refers to them.
  Result<void> erase(const VersionSet& set);
  Result<void> erase(const Backend& backend);
  Result<void> erase(const NamedValue& value);
  Result<void> erase(const Certificate& certificate);

  // All of one API, the current one first.
  Result<std::vector<Api>> revisions_of(std::string_view family);
  // A revision with the operations and policies of `source`; `next` has the name and revision.
  Result<void> create_revision(Api next, const Api& source);
  // A new API of its own with the operations and policies of `source`.
  Result<void> create_copy(Api next, const Api& source);
  Result<void> erase_revision(const Api& api);
  Result<void> make_current(const std::string& family, std::string_view revision);

  // Links of entities that exist; `id` is the name of the link resource, empty for the usual one.
  Result<void> link(const Product& product, const Api& api, std::string_view id = {});
  Result<void> link(const Product& product, const Group& group, std::string_view id = {});
  Result<void> link(const Group& group, const User& user);
  Result<void> unlink(Relation relation, std::string_view left, std::string_view right);

  // A new random key in place of the primary (secondary) one.
  enum class WhichKey : unsigned char { primary, secondary };
  Result<void> regenerate_key(Subscription subscription, WhichKey which);

  // Soft deletion hides the instance; purging removes everything of it.
  Result<void> soft_delete(Service service);
  Result<void> restore(Service service);
  Result<void> purge();

 private:
  template <class T>
  Result<void> write(T& next, const T* before, const std::string& parent = {}) {
    if (before == nullptr) {
      next.number = tx_.next_number();
      next.created_ms = tx_.now();
    }
    const std::string key = key_of<T>({service_, parent, next.name});
    return tx_.write(key, encode(next, key, tx_.secrets()));
  }
  void reject(std::string field, std::string message);
  // A WebSocket API has its operation, and no other.
  Result<void> put_handshake(const Api& api);
  Result<bool> is_websocket(const std::string& api) const;
  Result<void> check_path(const Api& next, const Api* before);
  Result<void> check_neighbours(const Api& next);
  Result<void> release_path(const Api& api);
  std::string path_prefix(std::string_view path) const;
  std::string path_key(const Api& api) const;
  Result<void> check_version_set(const Api& next);
  Result<void> spread_to_revisions(const Api& current);
  void check_shared_properties(const Api& next, const Api& before);
  Result<void> erase_content(const std::string& api);
  Result<void> copy_content(const std::string& from, const std::string& to);
  Result<void> move_revision(Api api, const std::string& name);
  Result<void> check_open_product(const Product& product);
  Result<void> start_product(const Product& product);
  Result<void> resolve_scope(Subscription& next);
  Result<void> resolve_owner(Subscription& next);
  void check_master(const Subscription& next, const Subscription* before);
  void set_dates(Subscription& next, const Subscription* before);
  void note(const Subscription& next, const Subscription* before);
  Result<void> index_keys(const Subscription& next, const Subscription* before);
  Result<void> check_key(std::string_view key, std::string_view field,
                         const Subscription& subscription);
  std::string fingerprint_key(std::string_view secret) const;
  Result<void> check_host_names(const Service& next);

  Transaction& tx_;
  std::string service_;
};

// Everything a new instance is born with.
struct DefaultContent {
  std::string echo_url = "http://localhost:8082/echo";
  std::string administrator_identity = "Azure";  // Provider of user `1`.
};
Result<void> create_default_content(Transaction& tx, const Service& service,
                                    const DefaultContent& content);

}  // namespace mlgate::apim
