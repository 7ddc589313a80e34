// Storage accounts of the embedded blob endpoint, as Microsoft.Storage/storageAccounts.
#include "base/text.h"
#include "blob/accounts.h"
#include "blob/authorization.h"
#include "management/handlers_internal.h"

namespace mlgate::management {
namespace {

constexpr std::string_view kType = "Microsoft.Storage/storageAccounts";
// Where the account stands that nobody created.
constexpr std::string_view kDefaultGroup = "mlgate";

std::string_view group_of(const blob::Account& account) {
  return account.group.empty() ? kDefaultGroup : std::string_view(account.group);
}

http::Response not_found(const Call& call) {
  return error_answer(404, "ResourceNotFound",
                      "The Resource '" + std::string(kType) + "/" + call.arg(1) +
                          "' under resource group '" + call.arg(0) + "' was not found.");
}

Json account_json(const Call& call, const blob::Account& account) {
  const std::string id = "/subscriptions/" + call.env.options.subscription_id + "/resourceGroups/" +
                         std::string(group_of(account)) + "/providers/" + std::string(kType) + "/" +
                         account.name;
  const std::string url = call.env.options.blob_url + "/" + account.name + "/";
  return Json::object(
      {{"id", id},
       {"name", account.name},
       {"type", kType},
       {"location", "local"},
       {"kind", "StorageV2"},
       {"sku", Json::object({{"name", "Standard_LRS"}, {"tier", "Standard"}})},
       {"properties", Json::object({{"provisioningState", "Succeeded"},
                                    {"creationTime", to_iso8601(account.created_ms)},
                                    {"allowSharedKeyAccess", true},
                                    {"primaryLocation", "local"},
                                    {"statusOfPrimary", "available"},
                                    {"primaryEndpoints", Json::object({{"blob", url}})}})}});
}

Json keys_json(const blob::Account& account) {
  const auto key = [&](const char* name, const std::string& value) {
    return Json::object({{"creationTime", to_iso8601(account.created_ms)},
                         {"keyName", name},
                         {"value", value},
                         {"permissions", "FULL"}});
  };
  return Json::object(
      {{"keys", Json::array({key("key1", account.key1), key("key2", account.key2)})}});
}

// The account of the path; not_found when it is not in the path's group.
Result<blob::Account> account_of(const Call& call) {
  if (!call.env.options.storage_accounts) return fail(Errc::not_found, "no blob storage");
  TRY(blob::Account account, call.env.options.storage_accounts->find(to_lower(call.arg(1))));
  if (!equals_ignoring_case(group_of(account), call.arg(0)))
    return fail(Errc::not_found, "in another group");
  return account;
}

template <class F>
http::Response with_account(Call& call, F answer) {
  const auto account = account_of(call);
  if (account) return answer(*account);
  return account.error().code() == Errc::not_found ? not_found(call)
                                                   : error_answer(account.error());
}

http::Response list(Call& call, std::string_view group) {
  Json items = Json::array();
  if (call.env.options.storage_accounts) {
    const auto accounts = call.env.options.storage_accounts->list();
    if (!accounts) return error_answer(accounts.error());
    for (const blob::Account& account : *accounts)
      if (group.empty() || equals_ignoring_case(group_of(account), group))
        items.push(account_json(call, account));
  }
  return json_answer(200, Json::object({{"value", std::move(items)}}));
}

}  // namespace

http::Response list_storage_accounts(Call& call) { return list(call, {}); }

http::Response list_storage_accounts_of_group(Call& call) { return list(call, call.arg(0)); }

http::Response get_storage_account(Call& call) {
  return with_account(call, [&](const blob::Account& account) {
    return json_answer(200, account_json(call, account));
  });
}

http::Response put_storage_account(Call& call) {
  if (!call.env.options.storage_accounts) return not_found(call);
  const auto group = resource_group_name(call.env, call.arg(0));
  if (!group && group.error().code() == Errc::not_found)
    return error_answer(404, "ResourceGroupNotFound", group.error().message());
  if (!group) return error_answer(group.error());
  const auto there = account_of(call);
  if (there) return json_answer(200, account_json(call, *there));
  const auto made = call.env.options.storage_accounts->create(call.arg(1), *group);
  if (made) return json_answer(200, account_json(call, *made));
  if (made.error().code() == Errc::conflict)
    return error_answer(409, "StorageAccountAlreadyExists",
                        "The storage account named " + call.arg(1) + " already exists.");
  if (made.error().code() == Errc::invalid_argument)
    return error_answer(400, "AccountNameInvalid",
                        call.arg(1) +
                            " is not a valid storage account name. It has to have 3 to "
                            "24 lower-case letters and digits.");
  return error_answer(made.error());
}

http::Response delete_storage_account(Call& call) {
  const auto account = account_of(call);
  if (!account)
    return account.error().code() == Errc::not_found ? empty_answer(204)
                                                     : error_answer(account.error());
  if (const auto gone = call.env.options.storage_accounts->remove(account->name); !gone)
    return error_answer(409, "CannotDelete", gone.error().message());
  if (call.env.options.remove_blobs) {
    if (const auto removed = call.env.options.remove_blobs(account->name); !removed)
      return error_answer(removed.error());
  }
  return empty_answer(200);
}

http::Response list_storage_keys(Call& call) {
  return with_account(call, [](const blob::Account& account) {
    http::Response answer = json_answer(200, keys_json(account));
    answer.set("Cache-Control", "no-store");
    return answer;
  });
}

http::Response regenerate_storage_key(Call& call) {
  const auto body = body_of(call.request);
  if (!body) return error_answer(body.error());
  const std::string_view name = body->string_or("keyName");
  if (name != "key1" && name != "key2")
    return error_answer(400, "InvalidKeyName", "keyName is key1 or key2.");
  return with_account(call, [&](const blob::Account& account) {
    const auto changed =
        call.env.options.storage_accounts->regenerate(account.name, name == "key1" ? 1 : 2);
    if (!changed) return error_answer(changed.error());
    http::Response answer = json_answer(200, keys_json(*changed));
    answer.set("Cache-Control", "no-store");
    return answer;
  });
}

}  // namespace mlgate::management
