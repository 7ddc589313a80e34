#include "management/fixture_internal.h"

#include <gtest/gtest.h>

namespace mlgate::management {
namespace {

constexpr std::string_view kAccounts =
    "/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts";

std::string at(std::string_view rest) { return std::string(kAccounts) + std::string(rest); }

TEST(StorageAccounts, AreMadeListedAndRemoved) {
  Client client;
  EXPECT_EQ(client.arm("PUT", at("/data1"), "{}").code(), "ResourceGroupNotFound");
  (void)client.arm("PUT", "/resourceGroups/rg", R"({"location":"local"})");
  const Answer made = client.arm("PUT", at("/data1"), R"({"kind":"StorageV2"})");
  EXPECT_EQ(made.status, 200) << made.text;
  EXPECT_EQ(made.property("primaryEndpoints").string_or("blob"), "https://localhost:10443/data1/");
  EXPECT_EQ(client.arm("PUT", at("/data1"), "{}").status, 200);
  EXPECT_EQ(client.arm("PUT", at("/No-Name"), "{}").code(), "AccountNameInvalid");
  EXPECT_EQ(client.arm("GET", std::string(kAccounts)).names(), std::vector<std::string>{"data1"});
  EXPECT_EQ(client.arm("GET", at("/other")).status, 404);
  EXPECT_EQ(client.arm("DELETE", at("/data1")).status, 200);
  EXPECT_EQ(client.arm("DELETE", at("/data1")).status, 204);
  EXPECT_TRUE(client.arm("GET", "/providers/Microsoft.Storage/storageAccounts").names().empty());
}

TEST(StorageAccounts, GiveTheirKeysToAdministratorsAlone) {
  Client client;
  (void)client.arm("PUT", "/resourceGroups/rg", R"({"location":"local"})");
  const Answer made = client.arm("PUT", at("/data1"), "{}");
  const Answer keys = client.arm("POST", at("/data1/listKeys"));
  ASSERT_EQ(keys.body["keys"].items().size(), 2U) << keys.text;
  const std::string first(keys.body["keys"].items()[0].string_or("value"));
  EXPECT_EQ(first.size(), 88U);
  EXPECT_EQ(made.text.find(first), std::string::npos);
  EXPECT_EQ(keys.header("Cache-Control"), "no-store");
  const Answer renewed = client.arm("POST", at("/data1/regenerateKey"), R"({"keyName":"key1"})");
  EXPECT_NE(renewed.body["keys"].items().at(0).string_or("value"), first);
  EXPECT_EQ(renewed.body["keys"].items().at(1).string_or("value"),
            keys.body["keys"].items().at(1).string_or("value"));
  EXPECT_EQ(client.arm("POST", at("/data1/regenerateKey"), R"({"keyName":"key3"})").status, 400);
  const auto reader = client.identity().create_principal("r", identity::Role::reader).value();
  client.bearer = client.identity().issue_token(reader.principal, "https://localhost:8444").value();
  EXPECT_EQ(client.arm("GET", at("/data1")).status, 200);
  EXPECT_EQ(client.arm("POST", at("/data1/listKeys")).status, 403);
}

}  // namespace
}  // namespace mlgate::management
