#include "identity/identity.h"

#include "base/crypto.h"
#include "base/text.h"
#include "identity/test_support_internal.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace mlgate::identity {
namespace {

class IdentityTest : public testing::Test {
 protected:
  IdentityTest()
      : folder_(std::filesystem::temp_directory_path() / ("identity-" + new_hex_id())),
        vault_(open_vault(folder_)),
        store_(store::open_sqlite(folder_ / "store.db").value()) {}
  ~IdentityTest() override { std::filesystem::remove_all(folder_); }

  static store::Vault open_vault(const std::filesystem::path& folder) {
    std::filesystem::create_directory(folder);
    return store::Vault::open(folder / "master.key").value();
  }
  Identity open(const std::string& issuer = "https://us/t/v2.0") {
    return Identity::open(*store_, vault_, clock_, {"tenant", issuer}).value();
  }

  std::filesystem::path folder_;
  store::Vault vault_;
  std::unique_ptr<store::Store> store_;
  TestClock clock_;
  const std::vector<std::string> audiences_{"https://us", "https://us/"};
};

TEST_F(IdentityTest, ASecretGetsATokenThatNamesItsPrincipal) {
  Identity identity = open();
  const NewPrincipal admin = identity.create_principal("admin", Role::administrator).value();
  const Principal known = identity.check_secret(admin.principal.client_id, admin.secret).value();
  const std::string token = identity.issue_token(known, "https://us/").value();
  const Principal seen = identity.check_token(token, audiences_).value();
  EXPECT_EQ(seen.client_id, admin.principal.client_id);
  EXPECT_EQ(seen.role, Role::administrator);

  const auto parts = split(token, '.');
  ASSERT_EQ(parts.size(), 3U);
  const Json header = Json::parse(base64url_decode(parts[0]).value()).value();
  EXPECT_EQ(header.string_or("alg"), "RS256");
  EXPECT_EQ(header.string_or("kid"), identity.jwks()["keys"].items()[0].string_or("kid"));
  const Json claims = Json::parse(base64url_decode(parts[1]).value()).value();
  EXPECT_EQ(claims.string_or("aud"), "https://us/");
  EXPECT_EQ(claims.string_or("iss"), "https://us/t/v2.0");
  EXPECT_EQ(claims.string_or("tid"), "tenant");
  EXPECT_EQ(claims.string_or("appid"), admin.principal.client_id);
  EXPECT_EQ(claims.string_or("oid"), admin.principal.object_id);
  EXPECT_EQ(claims.string_or("sub"), admin.principal.object_id);
  EXPECT_EQ(claims.int_or("exp", 0) - claims.int_or("iat", 0), 3'600);
  EXPECT_EQ(claims.int_or("nbf", 0), clock_.now / 1'000);
}

TEST_F(IdentityTest, WrongSecretsAndUnknownClientsAreDenied) {
  Identity identity = open();
  const NewPrincipal admin = identity.create_principal("admin", Role::administrator).value();
  EXPECT_EQ(identity.check_secret(admin.principal.client_id, "wrong").error().code(), Errc::denied);
  EXPECT_EQ(identity.check_secret(admin.principal.client_id, "").error().code(), Errc::denied);
  EXPECT_EQ(identity.check_secret("nobody", admin.secret).error().code(), Errc::denied);
  EXPECT_EQ(identity.check_secret("", "").error().code(), Errc::denied);
  const NewPrincipal renewed = identity.reset_secret(admin.principal.client_id).value();
  EXPECT_FALSE(identity.check_secret(admin.principal.client_id, admin.secret));
  EXPECT_TRUE(identity.check_secret(admin.principal.client_id, renewed.secret));
}

TEST_F(IdentityTest, ATokenEndsWithItsTimeItsPrincipalAndItsAudience) {
  Identity identity = open();
  const NewPrincipal admin = identity.create_principal("admin", Role::administrator).value();
  const std::string token = identity.issue_token(admin.principal, "https://us").value();
  EXPECT_TRUE(identity.check_token(token, audiences_));
  EXPECT_FALSE(identity.check_token(token, {"https://other"}));
  EXPECT_FALSE(open("https://another/issuer").check_token(token, audiences_));
  clock_.now += 3'599'000;
  EXPECT_TRUE(identity.check_token(token, audiences_));
  clock_.now += 1'000;
  EXPECT_FALSE(identity.check_token(token, audiences_));
  clock_.now -= 3'600'000;
  ASSERT_TRUE(identity.remove_principal(admin.principal.client_id));
  EXPECT_FALSE(identity.check_token(token, audiences_));
}

TEST_F(IdentityTest, EveryChangedByteOfATokenIsNoticed) {
  Identity identity = open();
  const NewPrincipal admin = identity.create_principal("admin", Role::administrator).value();
  const std::string token = identity.issue_token(admin.principal, "https://us").value();
  for (std::size_t i = 0; i + 1 < token.size(); i += 7) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(identity.check_token(changed, audiences_)) << i;
  }
  const std::string none =
      base64url_encode("{\"alg\":\"none\"}") + "." + std::string(split(token, '.')[1]) + ".";
  EXPECT_FALSE(identity.check_token(none, audiences_));
  EXPECT_FALSE(identity.check_token("", audiences_));
  EXPECT_FALSE(identity.check_token(std::string(20'000, 'a'), audiences_));
}

TEST_F(IdentityTest, TheSigningKeyOutlivesARestartAndIsSealed) {
  const NewPrincipal admin = open().create_principal("admin", Role::administrator).value();
  const std::string token = open().issue_token(admin.principal, "https://us").value();
  EXPECT_TRUE(open().check_token(token, audiences_));
  const auto kept = store_->list("identity.key", "").value();
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_EQ(kept[0].body.find("PRIVATE"), std::string::npos);
  for (const auto& document : store_->list("identity.principal", "").value())
    EXPECT_EQ(document.body.find(admin.secret), std::string::npos);
}

TEST_F(IdentityTest, AForeignKeyDoesNotSignForUs) {
  Identity identity = open();
  const NewPrincipal admin = identity.create_principal("admin", Role::administrator).value();
  const SigningKey foreign = SigningKey::generate().value();
  const Json claims = Json::object({{"aud", "https://us"},
                                    {"iss", "https://us/t/v2.0"},
                                    {"exp", clock_.now},
                                    {"appid", admin.principal.client_id}});
  EXPECT_FALSE(identity.check_token(make_jwt(foreign, claims).value(), audiences_));
  EXPECT_FALSE(SigningKey::from_pem("no key"));
}

}  // namespace
}  // namespace mlgate::identity
