// What stands around the instances: tokens, discovery, resource groups, and the life of an
// instance.
#include "management/fixture_internal.h"

#include <gtest/gtest.h>

namespace mlgate::management {
namespace {

constexpr std::string_view kServicePath =
    "/resourceGroups/rg/providers/Microsoft.ApiManagement/service/demoazureml";
constexpr std::string_view kServiceBody =
    R"({"location":"local","properties":{"publisherName":"Demo","publisherEmail":"a@b.c"}})";

TEST(Arm, ATokenIsNeededAndItsRoleDecides) {
  Client client;
  ASSERT_EQ(client.create_service().status, 201);
  const std::string admin = client.bearer;
  const auto as = [&](identity::Role role) {
    const auto made = client.identity().create_principal("p", role).value();
    client.bearer =
        client.identity().issue_token(made.principal, "https://127.0.0.1:8444/").value();
  };
  client.bearer.clear();
  const Answer anonymous = client.at("GET", "/apis");
  EXPECT_EQ(anonymous.status, 401);
  EXPECT_EQ(anonymous.code(), "AuthenticationFailed");
  EXPECT_FALSE(anonymous.header("WWW-Authenticate").empty());
  client.bearer = admin + "x";
  EXPECT_EQ(client.at("GET", "/apis").status, 401);

  as(identity::Role::reader);
  EXPECT_EQ(client.at("GET", "/apis").status, 200);
  EXPECT_EQ(client.at("PUT", "/groups/g", R"({"properties":{"displayName":"G"}})").code(),
            "AuthorizationFailed");
  EXPECT_EQ(client.at("POST", "/subscriptions/master/listSecrets").status, 403);
  as(identity::Role::publisher);
  EXPECT_EQ(client.at("PUT", "/groups/g", R"({"properties":{"displayName":"G"}})").status, 201);
  EXPECT_EQ(client.at("DELETE", "").status, 403);
  client.bearer = admin;
  EXPECT_EQ(client.at("DELETE", "").status, 200);
}

TEST(Arm, ApiVersionsAreRequiredAndOfTheirShape) {
  Client client;
  const std::string path = "/subscriptions";
  EXPECT_EQ(client.call("GET", path).code(), "MissingApiVersionParameter");
  EXPECT_EQ(client.call("GET", path + "?api-version=latest").code(), "InvalidApiVersionParameter");
  EXPECT_EQ(client.call("GET", path + "?api-version=2022-08-01").status, 200);
  EXPECT_EQ(client.call("GET", path + "?api-version=2022-04-01-preview").status, 200);
}

TEST(Arm, EveryAnswerCarriesItsIds) {
  Client client;
  const Answer answer = client.arm("GET", "");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("x-ms-request-id").size(), 36U);
  EXPECT_EQ(answer.header("x-ms-correlation-request-id"), answer.header("x-ms-request-id"));
  EXPECT_EQ(answer.header("Cache-Control"), "no-cache");
  EXPECT_EQ(answer.header("X-Content-Type-Options"), "nosniff");
  EXPECT_FALSE(answer.header("Strict-Transport-Security").empty());
  const Answer correlated = client.call("GET", "/tenants?api-version=2022-12-01", "",
                                        {{"x-ms-correlation-request-id", "mine"}});
  EXPECT_EQ(correlated.header("x-ms-correlation-request-id"), "mine");
}

TEST(Arm, ATokenIsGivenForAClientSecret) {
  Client client;
  client.bearer.clear();
  const std::string path = "/" + client.options.tenant_id + "/oauth2/v2.0/token";
  const auto form = [&](std::string_view secret) {
    return "grant_type=client_credentials&client_id=" + client.admin.principal.client_id +
           "&client_secret=" + std::string(secret) +
           "&scope=https%3A%2F%2Flocalhost%3A8444%2F.default";
  };
  const Answer given = client.call("POST", path, form(client.admin.secret));
  ASSERT_EQ(given.status, 200) << given.text;
  EXPECT_EQ(given.body.string_or("token_type"), "Bearer");
  EXPECT_EQ(given.body.int_or("expires_in", 0), 3'600);
  EXPECT_EQ(given.header("Cache-Control"), "no-store");
  EXPECT_EQ(client.call("POST", path, form("wrong")).status, 401);
  EXPECT_EQ(client.call("POST", path, "grant_type=password").status, 400);
  EXPECT_EQ(
      client.call("POST", "/organizations/oauth2/v2.0/token", form(client.admin.secret)).status,
      200);
  EXPECT_EQ(client.call("POST", "/unknown/oauth2/v2.0/token", form(client.admin.secret)).status,
            400);
  client.bearer = given.body.string_or("access_token");
  EXPECT_EQ(client.call("GET", "/subscriptions?api-version=2022-12-01").status, 200);
}

TEST(Arm, DiscoveryNeedsNoToken) {
  Client client;
  client.bearer.clear();
  const Answer metadata = client.call("GET", "/metadata/endpoints?api-version=2022-09-01");
  EXPECT_EQ(metadata.status, 200);
  EXPECT_EQ(metadata.body["authentication"].string_or("loginEndpoint"), "https://localhost:8444/");
  EXPECT_EQ(metadata.body.string_or("resourceManager"), "https://localhost:8444/");
  const Answer openid = client.call("GET", "/common/v2.0/.well-known/openid-configuration");
  EXPECT_EQ(openid.body.string_or("issuer"), issuer_of(client.options));
  const std::string keys(openid.body.string_or("jwks_uri"));
  const Answer jwks = client.call("GET", keys.substr(22));
  ASSERT_EQ(jwks.body["keys"].items().size(), 1U);
  EXPECT_EQ(jwks.body["keys"].items()[0].string_or("kty"), "RSA");
  EXPECT_EQ(client.call("GET", "/common/discovery/instance?api-version=1.1").status, 200);
}

TEST(Arm, SubscriptionsTenantsProvidersAndGroups) {
  Client client;
  EXPECT_EQ(
      client.call("GET", "/subscriptions?api-version=2022-12-01").body["value"].items().size(), 1U);
  EXPECT_EQ(client.call("GET", "/tenants?api-version=2022-12-01")
                .body["value"]
                .items()[0]
                .string_or("tenantId"),
            client.options.tenant_id);
  EXPECT_EQ(client.call("GET", "/subscriptions/other/resourceGroups?api-version=2022-12-01").code(),
            "SubscriptionNotFound");
  EXPECT_EQ(client.arm("POST", "/providers/Microsoft.ApiManagement/register")
                .body.string_or("registrationState"),
            "Registered");
  EXPECT_EQ(client.arm("HEAD", "/resourcegroups/rg").status, 404);
  EXPECT_EQ(client.arm("PUT", "/resourcegroups/rg", "{}").code(), "LocationRequired");
  EXPECT_EQ(client.arm("PUT", "/resourcegroups/rg", R"({"location":"local"})").status, 201);
  EXPECT_EQ(
      client.arm("PUT", "/resourcegroups/RG", R"({"location":"local","tags":{"a":"b"}})").status,
      200);
  EXPECT_EQ(client.arm("HEAD", "/resourcegroups/rg").status, 204);
  const Answer group = client.arm("GET", "/resourceGroups/rg");
  EXPECT_EQ(group.body.string_or("id"),
            "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg");
  EXPECT_EQ(group.body["tags"].string_or("a"), "b");
  EXPECT_EQ(client.arm("GET", "/resourceGroups").names(), std::vector<std::string>{"rg"});
  ASSERT_EQ(client.create_service().status, 201);
  EXPECT_EQ(client.arm("DELETE", "/resourceGroups/rg").status, 200);
  EXPECT_EQ(client.arm("GET", "/resourceGroups/rg").code(), "ResourceGroupNotFound");
  EXPECT_EQ(client.arm("GET", "/providers/Microsoft.ApiManagement/service").names().size(), 0U);
}

TEST(Arm, MissingParentsHaveTheirOwnCodes) {
  Client client;
  EXPECT_EQ(client.at("GET", "/apis").code(), "ResourceGroupNotFound");
  EXPECT_EQ(client.arm("PUT", kServicePath, kServiceBody).code(), "ResourceGroupNotFound");
  ASSERT_EQ(client.arm("PUT", "/resourceGroups/rg", R"({"location":"local"})").status, 201);
  EXPECT_EQ(client.at("GET", "").message(),
            "The Resource 'Microsoft.ApiManagement/service/demoazureml' under resource group 'rg' "
            "was not found.");
  EXPECT_EQ(client.at("PUT", "/apis/a", "{}").code(), "ParentResourceNotFound");
  EXPECT_EQ(client.at("DELETE", "").status, 204);
}

TEST(Arm, AnInstanceIsMadeAtOnceWithItsAddresses) {
  Client client;
  const Answer made = client.create_service();
  ASSERT_EQ(made.status, 201) << made.text;
  EXPECT_EQ(made.property("provisioningState").as_string(), "Succeeded");
  EXPECT_EQ(made.property("gatewayUrl").as_string(), "https://localhost:8443");
  EXPECT_TRUE(made.property("customProperties").is_object());
  EXPECT_EQ(made.body["sku"].string_or("name"), "Developer");
  EXPECT_EQ(made.property("hostnameConfigurations").items()[0].string_or("hostName"),
            "demoazureml.localhost");
  const Answer second = client.create_service("second");
  EXPECT_EQ(second.property("gatewayUrl").as_string(), "https://second.localhost:8443");
  EXPECT_EQ(client.arm("GET", "/providers/Microsoft.ApiManagement/service").names(),
            (std::vector<std::string>{"demoazureml", "second"}));

  // What was read can be written back, and changes nothing.
  const Answer read = client.at("GET", "");
  const Answer same = client.arm("PUT", kServicePath, read.text);
  EXPECT_EQ(same.status, 200) << same.text;
  EXPECT_EQ(same.etag(), read.etag());
  const Answer patched =
      client.at("PATCH", "", R"({"properties":{"publisherName":"New"},"tags":{"x":"y"}})");
  EXPECT_EQ(patched.property("publisherName").as_string(), "New");
  EXPECT_EQ(patched.body["tags"].string_or("x"), "y");
  EXPECT_EQ(patched.property("publisherEmail").as_string(), "a@b.c");
}

TEST(Arm, HostNamesBelongToOneInstance) {
  Client client;
  ASSERT_EQ(client.create_service().status, 201);
  ASSERT_EQ(client.create_service("second").status, 201);
  const std::string_view host = R"({"properties":{"hostnameConfigurations":[{"type":"Proxy",)"
                                R"("hostName":"api.example.com"}]}})";
  ASSERT_EQ(client.at("PATCH", "", host).status, 200);
  const Answer refused = client.arm(
      "PATCH", "/resourceGroups/rg/providers/Microsoft.ApiManagement/service/second", host);
  EXPECT_EQ(refused.targets(), std::vector<std::string>{"hostnameConfigurations"});
  const auto model = client.management().repository().load_service("demoazureml").value();
  ASSERT_EQ(model.service.hostnames.size(), 1U);
  EXPECT_EQ(model.service.hostnames[0].host, "api.example.com");
}

TEST(Arm, ABadInstanceIsRefusedWithEveryField) {
  Client client;
  ASSERT_EQ(client.arm("PUT", "/resourceGroups/rg", R"({"location":"local"})").status, 201);
  const Answer refused = client.arm(
      "PUT", kServicePath, R"({"sku":{"name":"Huge"},"properties":{"publisherEmail":"none"}})");
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.targets(),
            (std::vector<std::string>{"location", "sku.name", "publisherName", "publisherEmail"}));
  EXPECT_EQ(client
                .arm("PUT", "/resourceGroups/rg/providers/Microsoft.ApiManagement/service/1x",
                     kServiceBody)
                .targets(),
            std::vector<std::string>{"name"});
}

TEST(Arm, DeletionIsSoftUntilPurged) {
  Client client;
  ASSERT_EQ(client.create_service().status, 201);
  ASSERT_EQ(client.at("PUT", "/groups/kept", R"({"properties":{"displayName":"K"}})").status, 201);
  const auto available = [&] {
    return client
        .arm("POST", "/providers/Microsoft.ApiManagement/checkNameAvailability",
             R"({"name":"DemoAzureML"})")
        .body;
  };
  EXPECT_EQ(client.at("DELETE", "").status, 200);
  EXPECT_EQ(client.at("DELETE", "").status, 204);
  EXPECT_EQ(client.at("GET", "").status, 404);
  EXPECT_EQ(client.management().repository().load_service("demoazureml").error().code(),
            Errc::not_found);
  EXPECT_EQ(available().bool_or("nameAvailable", true), false);
  EXPECT_EQ(available().string_or("reason"), "AlreadyExists");
  EXPECT_EQ(client.arm("PUT", kServicePath, kServiceBody).code(),
            "ServiceAlreadyExistsInSoftDeletedState");
  EXPECT_EQ(client.arm("GET", "/providers/Microsoft.ApiManagement/deletedservices").names(),
            std::vector<std::string>{"demoazureml"});

  EXPECT_EQ(client
                .arm("PUT", kServicePath,
                     R"({"location":"local","properties":{"publisherName":"D",)"
                     R"("publisherEmail":"a@b.c","restore":true}})")
                .status,
            200);
  EXPECT_EQ(client.at("GET", "/groups/kept").status, 200);

  EXPECT_EQ(client.at("DELETE", "").status, 200);
  const std::string purge =
      "/providers/Microsoft.ApiManagement/locations/local/deletedservices/demoazureml";
  EXPECT_EQ(client.arm("GET", purge).status, 200);
  EXPECT_EQ(client.arm("DELETE", purge).status, 200);
  EXPECT_EQ(client.arm("DELETE", purge).status, 204);
  EXPECT_EQ(available().bool_or("nameAvailable", false), true);
  EXPECT_EQ(client.arm("PUT", kServicePath, kServiceBody).status, 201);
  EXPECT_EQ(client.at("GET", "/groups/kept").status, 404);
}

TEST(Arm, ADeletedInstanceIsForgottenAfterTwoDays) {
  Client client;
  ASSERT_EQ(client.create_service().status, 201);
  ASSERT_EQ(client.at("DELETE", "").status, 200);
  client.clock.now += TimeMs{48} * 3'600'000;
  client.bearer =
      client.identity().issue_token(client.admin.principal, "https://localhost:8444").value();
  EXPECT_EQ(client.arm("GET", "/providers/Microsoft.ApiManagement/deletedservices").names().size(),
            0U);
  EXPECT_EQ(client.arm("PUT", kServicePath, kServiceBody).status, 201);
}

TEST(Arm, AnEscapedSlashDoesNotReachIntoAnotherInstance) {
  Client client;
  ASSERT_EQ(client.create_service().status, 201);
  ASSERT_EQ(
      client.at("PUT", "/apis/service", R"({"properties":{"displayName":"S","path":"s"}})").status,
      201);
  const std::string base = "/resourceGroups/rg/providers/Microsoft.ApiManagement/service/";
  EXPECT_EQ(client.arm("GET", base + "demoazureml%2Fapi").status, 404);
  EXPECT_EQ(client.arm("PUT", base + "demoazureml%2Fapi", kServiceBody).status, 400);
  EXPECT_EQ(client.at("GET", "/apis/echo-api%2Foperations").status, 404);
}

TEST(Arm, OwnsItsPathsOnly) {
  Client client;
  for (const char* path :
       {"/subscriptions", "/Subscriptions/x", "/metadata/endpoints", "/tenants",
        "/common/discovery/instance", "/00000000-0000-0000-0000-000000000002/oauth2/v2.0/token"})
    EXPECT_TRUE(client.management().owns(path)) << path;
  for (const char* path :
       {"/", "", "/developer", "/studio/x", "/data-api/subscriptions", "/metadata"})
    EXPECT_FALSE(client.management().owns(path)) << path;
  EXPECT_EQ(client.call("GET", "/%zz?api-version=2022-08-01").status, 404);
}

}  // namespace
}  // namespace mlgate::management
