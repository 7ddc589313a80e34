// mlgate blob account …, mlgate blob sas …, mlgate blob verify: storage accounts of the data
// folder, links to what they hold, and whether that is still what was stored. They work on the
// folder itself, whether or not a server runs on it; a running one knows of a change within a
// second.
#include "app/app.h"
#include "blob/accounts.h"
#include "blob/authorization.h"
#include "blob/storage.h"
#include "store/store.h"

#include <CLI/CLI.hpp>

#include <cstdio>

namespace mlgate::app {
namespace {

struct Opened {
  std::unique_ptr<store::Vault> vault;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<blob::Accounts> accounts;
};

Result<Opened> open_accounts(const DataFolder& data) {
  if (!data.initialised())
    return fail(Errc::not_found,
                data.root.string() + " is not initialised; run 'mlgate init' first");
  Opened out;
  TRY(store::Vault vault, store::Vault::open(data.master_key()));
  out.vault = std::make_unique<store::Vault>(std::move(vault));
  TRY(out.store, store::open_sqlite(data.store()));
  out.accounts = std::make_unique<blob::Accounts>(*out.store, *out.vault, system_clock(),
                                                  blob::AccountOptions{});
  TRY_OK(out.accounts->open());
  return out;
}

// Runs `work`, which gives the text to print.
using Work = std::function<Result<std::string>(blob::Accounts&, const DataFolder&)>;
int with_accounts(const Context& context, const Work& work) {
  const DataFolder data = context.data();
  auto opened = open_accounts(data);
  if (!opened) return complain(opened.error().message());
  const auto text = work(*opened->accounts, data);
  if (!text) return complain(text.error().message());
  std::printf("%s", text->c_str());
  return 0;
}

std::string keys_text(const blob::Account& account) {
  return "key1 " + account.key1 + "\nkey2 " + account.key2 + "\n";
}

Result<std::string> list_accounts(blob::Accounts& accounts, const DataFolder& /*data*/) {
  TRY(const std::vector<blob::Account> all, accounts.list());
  std::string out;
  for (const blob::Account& one : all) out += one.name + "\n";
  return out;
}

void add_account(CLI::App& blob, Chosen& chosen) {
  CLI::App* account = blob.add_subcommand("account", "Storage accounts");
  account->require_subcommand(1);
  auto name = std::make_shared<std::string>();
  auto key = std::make_shared<int>(1);
  const auto add = [&chosen, account](const char* verb, const char* help, Work work) {
    CLI::App* added = account->add_subcommand(verb, help);
    added->callback([&chosen, work = std::move(work)] {
      chosen = [work](Context& context) { return with_accounts(context, work); };
    });
    return added;
  };
  add("list", "Lists the accounts", list_accounts);
  CLI::App* named[] = {
      add("create", "Makes an account and prints its keys",
          [name](blob::Accounts& accounts, const DataFolder&) -> Result<std::string> {
            TRY(const blob::Account made, accounts.create(*name));
            return keys_text(made);
          }),
      add("keys", "Prints the keys of an account",
          [name](blob::Accounts& accounts, const DataFolder&) -> Result<std::string> {
            TRY(const blob::Account found, accounts.find(*name));
            return keys_text(found);
          }),
      add("regenerate", "Replaces a key of an account",
          [name, key](blob::Accounts& accounts, const DataFolder&) -> Result<std::string> {
            TRY(const blob::Account changed, accounts.regenerate(*name, *key));
            return keys_text(changed);
          }),
      add("delete", "Removes an account and all of its blobs",
          [name](blob::Accounts& accounts, const DataFolder& data) -> Result<std::string> {
            TRY_OK(accounts.remove(*name));
            TRY(const auto storage, blob::Storage::open(data.blobs(), system_clock()));
            TRY_OK(storage->remove_account(*name));
            return std::string();
          })};
  for (CLI::App* verb : named) verb->add_option("name", *name, "The account")->required();
  named[2]->add_option("--key", *key, "Which of the two")->check(CLI::Range(1, 2));
}

struct SasWish {
  std::string place, permissions = "r";
  int hours = 24;
};

// The letters in the order that storages demand.
Result<std::string> ordered_permissions(const std::string& wished) {
  constexpr std::string_view kLetters = "racwdl";
  if (wished.empty() || wished.find_first_not_of(kLetters) != std::string::npos)
    return fail(Errc::invalid_argument,
                "permissions are letters of racwdl: read, add, create, write, delete, list");
  std::string ordered;
  for (const char letter : kLetters)
    if (wished.contains(letter)) ordered += letter;
  return ordered;
}

Result<std::string> sas_text(blob::Accounts& accounts, const SasWish& wish) {
  const std::size_t first = wish.place.find('/');
  if (first == std::string::npos)
    return fail(Errc::invalid_argument, "the place is ACCOUNT/CONTAINER or ACCOUNT/CONTAINER/BLOB");
  const std::string account = wish.place.substr(0, first);
  const std::size_t second = wish.place.find('/', first + 1);
  const std::string container = wish.place.substr(first + 1, second - first - 1);
  const std::string name = second == std::string::npos ? "" : wish.place.substr(second + 1);
  if (container.empty()) return fail(Errc::invalid_argument, "the place names no container");
  TRY(const std::string permissions, ordered_permissions(wish.permissions));
  TRY(const blob::Account found, accounts.find(account));
  const TimeMs now = system_clock().now_ms();
  TRY(const std::string token,
      blob::make_service_sas({account, container, name, {}},
                             {.permissions = permissions,
                              .start_ms = now - 5 * 60'000,
                              .expiry_ms = now + TimeMs{wish.hours} * 3'600'000,
                              .version = "2020-12-06"},
                             found.key1));
  return "?" + token + "\n";
}

int verify_blobs(const Context& context) {
  const DataFolder data = context.data();
  if (!data.initialised())
    return complain(data.root.string() + " is not initialised; run 'mlgate init' first");
  const auto storage = blob::Storage::open(data.blobs(), system_clock());
  if (!storage) return complain(storage.error().message());
  std::size_t damaged = 0;
  const auto bytes = (*storage)->verify([&](const blob::Storage::Damage& damage) {
    ++damaged;
    std::printf("%s/%s/%s: %s\n", damage.place.account.c_str(), damage.place.container.c_str(),
                damage.place.blob.c_str(), damage.what.c_str());
  });
  if (!bytes) return complain(bytes.error().message());
  std::printf("%llu bytes read, %zu damaged parts\n", static_cast<unsigned long long>(*bytes),
              damaged);
  return damaged == 0 ? 0 : 1;
}

void add_sas(CLI::App& blob, Chosen& chosen) {
  CLI::App* verb = blob.add_subcommand("sas", "Prints a shared access signature for a blob");
  auto wish = std::make_shared<SasWish>();
  verb->add_option("place", wish->place, "ACCOUNT/CONTAINER[/BLOB]")->required();
  verb->add_option("--permissions", wish->permissions, "Letters of racwdl");
  verb->add_option("--hours", wish->hours, "How long it holds")->check(CLI::Range(1, 87'600));
  verb->callback([&chosen, wish] {
    chosen = [wish](Context& context) {
      return with_accounts(context, [wish](blob::Accounts& accounts, const DataFolder&) {
        return sas_text(accounts, *wish);
      });
    };
  });
}

}  // namespace

void add_blob(CLI::App& program, Chosen& chosen) {
  CLI::App* blob = program.add_subcommand("blob", "The embedded blob storage");
  blob->require_subcommand(1);
  add_account(*blob, chosen);
  add_sas(*blob, chosen);
  blob->add_subcommand("verify", "Reads all blobs and compares them with their checksums")
      ->callback([&chosen] { chosen = [](Context& context) { return verify_blobs(context); }; });
}

}  // namespace mlgate::app
