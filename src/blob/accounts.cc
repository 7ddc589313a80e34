#include "blob/accounts.h"

#include "base/crypto.h"
#include "base/json.h"
#include "base/text.h"
#include "blob/authorization.h"
#include "blob/fault.h"

#include <algorithm>
#include <map>

namespace mlgate::blob {
namespace {

constexpr std::string_view kCollection = "blob.account";
// Another process may have changed an account; a key that was taken back works no longer than that.
constexpr std::int64_t kFreshNs = 1'000'000'000;

bool is_account_name(std::string_view name) noexcept {
  return name.size() >= 3 && name.size() <= 24 &&
         std::ranges::all_of(name, [](char c) { return is_digit(c) || (c >= 'a' && c <= 'z'); });
}

std::string place_of(std::string_view name, std::string_view field) {
  return "blob.account/" + std::string(name) + "/" + std::string(field);
}

std::string body_of(const Account& account, const store::Vault& vault) {
  return Json::object({{"created", Json(to_iso8601(account.created_ms))},
                       {"group", Json(account.group)},
                       {"key1", Json(vault.seal(account.key1, place_of(account.name, "key1")))},
                       {"key2", Json(vault.seal(account.key2, place_of(account.name, "key2")))}})
      .dump();
}

Result<Account> account_of(const store::Document& document, const store::Vault& vault) {
  TRY(const Json json, Json::parse(document.body));
  Account account;
  account.name = document.key;
  account.created_ms = parse_iso8601(json.string_or("created")).value_or(0);
  account.group = json.string_or("group");
  TRY(account.key1, vault.unseal(json.string_or("key1"), place_of(account.name, "key1")));
  TRY(account.key2, vault.unseal(json.string_or("key2"), place_of(account.name, "key2")));
  return account;
}

bool is_loopback(std::string_view address) noexcept {
  return address.starts_with("127.") || address == "::1" || address.starts_with("::ffff:127.");
}

Error no_account(std::string_view name) {
  return Error(Errc::not_found, "there is no storage account '" + std::string(name) + "'",
               std::string(info_of(Fault::account_not_found).code));
}

}  // namespace

struct Accounts::Cache {
  struct Entry {
    Account account;
    std::int64_t read_ns = 0;
  };
  std::mutex mutex;
  std::map<std::string, Entry, std::less<>> entries;
};

Accounts::Accounts(store::Store& store, const store::Vault& vault, const Clock& clock,
                   AccountOptions options)
    : store_(store),
      vault_(vault),
      clock_(clock),
      options_(options),
      delegation_secret_(vault.derive("blob user delegation keys")),
      cache_(std::make_shared<Cache>()) {
  store_.on_commit([cache = std::weak_ptr(cache_)](std::uint64_t) {
    if (const auto held = cache.lock()) {
      const std::lock_guard lock(held->mutex);
      held->entries.clear();
    }
  });
}

Result<void> Accounts::open() {
  const auto made = create(kDevelopmentAccount);
  if (!made && made.error().code() != Errc::conflict) return std::unexpected(made.error());
  return {};
}

Result<Account> Accounts::create(std::string_view name, std::string_view group) {
  if (!is_account_name(name))
    return fail(Errc::invalid_argument,
                "the name of a storage account has 3 to 24 lower-case letters and digits", "name");
  Account account{std::string(name), new_service_key(), new_service_key(), clock_.now_ms(),
                  std::string(group)};
  const auto written = store_.commit({{.collection = std::string(kCollection),
                                       .key = account.name,
                                       .body = body_of(account, vault_),
                                       .expect = store::Expect::absent,
                                       .version = 0}});
  if (!written) {
    if (written.error().code() == Errc::precondition_failed)
      return fail(Errc::conflict, "the storage account '" + account.name + "' exists already",
                  "name");
    return std::unexpected(written.error());
  }
  return account;
}

Result<Account> Accounts::find(std::string_view name) {
  const std::int64_t now = clock_.steady_ns();
  {
    const std::lock_guard lock(cache_->mutex);
    const auto found = cache_->entries.find(name);
    if (found != cache_->entries.end() && now - found->second.read_ns < kFreshNs)
      return found->second.account;
  }
  if (!is_account_name(name)) return std::unexpected(no_account(name));
  TRY(const std::optional<store::Document> document, store_.get(kCollection, name));
  if (!document) return std::unexpected(no_account(name));
  TRY(Account account, account_of(*document, vault_));
  const std::lock_guard lock(cache_->mutex);
  cache_->entries[account.name] = {account, now};
  return account;
}

Result<std::vector<Account>> Accounts::list() {
  TRY(const std::vector<store::Document> documents, store_.list(kCollection, ""));
  std::vector<Account> accounts;
  for (const store::Document& document : documents) {
    TRY(Account account, account_of(document, vault_));
    accounts.push_back(std::move(account));
  }
  return accounts;
}

Result<Account> Accounts::regenerate(std::string_view name, int which) {
  if (which != 1 && which != 2)
    return fail(Errc::invalid_argument, "an account has the keys 1 and 2", "key");
  TRY(const std::optional<store::Document> document, store_.get(kCollection, name));
  if (!document) return std::unexpected(no_account(name));
  TRY(Account account, account_of(*document, vault_));
  (which == 1 ? account.key1 : account.key2) = new_service_key();
  TRY_OK(store_.commit({{.collection = std::string(kCollection),
                         .key = account.name,
                         .body = body_of(account, vault_),
                         .expect = store::Expect::version,
                         .version = document->version}}));
  return account;
}

Result<void> Accounts::remove(std::string_view name) {
  if (name == kDevelopmentAccount)
    return fail(Errc::invalid_argument, "the development account stays", "name");
  TRY_OK(find(name));
  TRY_OK(store_.commit({{.collection = std::string(kCollection),
                         .key = std::string(name),
                         .body = std::nullopt,
                         .expect = store::Expect::anything,
                         .version = 0}}));
  return {};
}

Result<std::vector<std::string>> Accounts::keys_for(std::string_view name, std::string_view peer) {
  TRY(Account account, find(name));
  std::vector<std::string> keys{std::move(account.key1), std::move(account.key2)};
  if (name == kDevelopmentAccount && options_.bound_to_loopback && is_loopback(peer))
    keys.emplace_back(kDevelopmentKey);
  return keys;
}

}  // namespace mlgate::blob
