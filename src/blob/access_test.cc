#include "blob/access.h"

#include "base/crypto.h"
#include "blob/fault.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace mlgate::blob {
namespace {

namespace fs = std::filesystem;

class TestClock final : public Clock {
 public:
  TimeMs now_ms() const noexcept override { return now; }
  std::int64_t steady_ns() const noexcept override { return now * 1'000'000; }
  TimeMs now = parse_iso8601("2026-01-01T12:00:00Z").value();
};

class AccessTest : public testing::Test {
 protected:
  AccessTest() : folder_(fs::temp_directory_path() / ("access-" + new_hex_id())) {
    fs::create_directory(folder_);
    store_ = store::open_sqlite(folder_ / "store.db").value();
    vault_ = store::Vault::open(folder_ / "key").value();
    storage_ = Storage::open(folder_ / "blobs", clock_).value();
    make(true);
    (void)accounts_->open();
    (void)storage_->create_container(container_, {}, PublicAccess::none);
  }
  ~AccessTest() override {
    access_.reset();
    accounts_.reset();
    storage_.reset();
    store_.reset();
    fs::remove_all(folder_);
  }
  void make(bool loopback) {
    accounts_ = std::make_unique<Accounts>(*store_, *vault_, clock_, AccountOptions{loopback});
    access_ = std::make_unique<Access>(*accounts_, *storage_, clock_);
  }
  std::string code(const Result<Claims>& claims) {
    return claims ? "fine" : claims.error().field();
  }
  std::string token(Sas sas, bool of_blob = true) {
    const SasTarget target{kDevelopmentAccount, "con", of_blob ? "b" : "", ""};
    sas.sr = of_blob ? "b" : "c";
    const std::string key = accounts_->find(kDevelopmentAccount).value().key1;
    sas.sig = sign(key, service_sas_string(sas, target).value()).value();
    return sas_query(sas);
  }
  static Sas reading() {
    Sas sas;
    sas.sv = "2020-12-06";
    sas.sp = "r";
    sas.se = "2026-01-01T13:00Z";
    return sas;
  }
  std::string use(const std::string& query, Operation operation, const char* blob = "b",
                  Caller caller = kInProcess) {
    const Place place{std::string(kDevelopmentAccount), "con", blob};
    const auto claims = access_->by_sas(query, place, caller);
    if (!claims) return claims.error().field();
    const auto allowed = access_->allow(*claims, operation, place);
    return allowed ? "fine" : allowed.error().field();
  }

  TestClock clock_;
  fs::path folder_;
  std::unique_ptr<store::Store> store_;
  std::optional<store::Vault> vault_;
  std::unique_ptr<Storage> storage_;
  std::unique_ptr<Accounts> accounts_;
  std::unique_ptr<Access> access_;
  Place container_{std::string(kDevelopmentAccount), "con", ""};
};

TEST_F(AccessTest, ThePublicKeyWorksOnlyOnLoopback) {
  EXPECT_EQ(code(access_->by_key(kDevelopmentAccount, kDevelopmentKey, kInProcess)), "fine");
  EXPECT_EQ(code(access_->by_key(kDevelopmentAccount, kDevelopmentKey, {"10.0.0.1", true})),
            "AuthenticationFailed");
  make(false);
  EXPECT_EQ(code(access_->by_key(kDevelopmentAccount, kDevelopmentKey, kInProcess)),
            "AuthenticationFailed");
  const Account account = accounts_->find(kDevelopmentAccount).value();
  EXPECT_EQ(code(access_->by_key(kDevelopmentAccount, account.key2, {"10.0.0.1", true})), "fine");
}

TEST_F(AccessTest, AKeyThatWasReplacedIsNoKey) {
  const Account before = accounts_->create("other").value();
  EXPECT_EQ(code(access_->by_key("other", before.key1, kInProcess)), "fine");
  ASSERT_TRUE(accounts_->regenerate("other", 1).has_value());
  clock_.now += 1'001;
  EXPECT_EQ(code(access_->by_key("other", before.key1, kInProcess)), "AuthenticationFailed");
  EXPECT_EQ(code(access_->by_key("other", before.key2, kInProcess)), "fine");
  ASSERT_TRUE(accounts_->remove("other").has_value());
  clock_.now += 1'001;
  EXPECT_EQ(code(access_->by_key("other", before.key2, kInProcess)), "ResourceNotFound");
  EXPECT_FALSE(accounts_->create("No").has_value());
  EXPECT_EQ(accounts_->list().value().size(), 1U);
}

TEST_F(AccessTest, SecretsOfAccountsAreSealed) {
  const Account account = accounts_->find(kDevelopmentAccount).value();
  const auto document = store_->get("blob.account", kDevelopmentAccount).value();
  EXPECT_EQ(document->body.find(account.key1), std::string::npos);
  EXPECT_EQ(document->body.find(account.key2), std::string::npos);
}

TEST_F(AccessTest, ASasHoldsForItsBlobItsPermissionsAndItsTime) {
  const std::string query = token(reading());
  EXPECT_EQ(use(query, Operation::read_blob), "fine");
  EXPECT_EQ(use(query, Operation::write_blob), "AuthorizationPermissionMismatch");
  EXPECT_EQ(use(query, Operation::delete_container, ""), "AuthenticationFailed");
  EXPECT_EQ(use(query, Operation::read_blob, "c"), "AuthenticationFailed");
  clock_.now += 3'600'000;
  EXPECT_EQ(use(query, Operation::read_blob), "AuthenticationFailed");
  clock_.now -= 3'600'000;
  Sas later = reading();
  later.st = "2026-01-01T12:30Z";
  EXPECT_EQ(use(token(later), Operation::read_blob), "AuthenticationFailed");
  Sas endless = reading();
  endless.se.clear();
  EXPECT_EQ(use(token(endless), Operation::read_blob), "AuthenticationFailed");
}

TEST_F(AccessTest, ASasOfAContainerHoldsForItsBlobs) {
  Sas sas = reading();
  sas.sp = "rl";
  const std::string query = token(sas, false);
  EXPECT_EQ(use(query, Operation::read_blob, "anything"), "fine");
  EXPECT_EQ(use(query, Operation::list_blobs, ""), "fine");
  EXPECT_EQ(use(query, Operation::delete_blob), "AuthorizationPermissionMismatch");
  EXPECT_EQ(use(query, Operation::container_access, ""), "AuthorizationFailure");
  EXPECT_EQ(use(query, Operation::delete_container, ""), "AuthorizationFailure");
}

TEST_F(AccessTest, ASasMayAskForHttpsAndAddresses) {
  Sas sas = reading();
  sas.spr = "https";
  EXPECT_EQ(use(token(sas), Operation::read_blob, "b", {"127.0.0.1", false}),
            "AuthorizationProtocolMismatch");
  sas.spr.clear();
  sas.sip = "10.0.0.1-10.0.0.9";
  EXPECT_EQ(use(token(sas), Operation::read_blob, "b", {"10.0.0.9", true}), "fine");
  EXPECT_EQ(use(token(sas), Operation::read_blob, "b", {"10.0.0.10", true}),
            "AuthorizationSourceIPMismatch");
}

TEST_F(AccessTest, AStoredPolicyFillsInAndTakesBack) {
  const AccessPolicy policy{"p", "", "2026-01-01T13:00Z", "r"};
  ASSERT_TRUE(storage_->set_container_access(container_, PublicAccess::none, {policy}, {}));
  Sas sas;
  sas.sv = "2020-12-06";
  sas.si = "p";
  EXPECT_EQ(use(token(sas), Operation::read_blob), "fine");
  EXPECT_EQ(use(token(sas), Operation::write_blob), "AuthorizationPermissionMismatch");
  sas.sp = "rw";  // Both cannot say it.
  EXPECT_EQ(use(token(sas), Operation::write_blob), "AuthenticationFailed");
  sas.sp.clear();
  ASSERT_TRUE(storage_->set_container_access(container_, PublicAccess::none, {}, {}));
  EXPECT_EQ(use(token(sas), Operation::read_blob), "AuthenticationFailed");
}

TEST_F(AccessTest, WhoMayCreateMayNotReplace) {
  Sas sas = reading();
  sas.sp = "c";
  const Place place{std::string(kDevelopmentAccount), "con", "b"};
  const Claims claims = access_->by_sas(token(sas), place, kInProcess).value();
  EXPECT_EQ(access_->allow_put(claims, place, {}).value().if_none_match, "*");
  EXPECT_FALSE(access_->allow(claims, Operation::write_blob, place).has_value());
  const Claims reader = access_->by_sas(token(reading()), place, kInProcess).value();
  EXPECT_FALSE(access_->allow_put(reader, place, {}).has_value());
}

TEST_F(AccessTest, AnonymousCallersSeeWhatTheContainerShows) {
  const http::Fields none;
  const Place place{std::string(kDevelopmentAccount), "con", "b"};
  const Claims anyone =
      access_->by_request({"GET", "/", "", &none, 0}, place, {"10.0.0.1", false}).value();
  const auto may = [&](Operation operation) {
    return access_->allow(anyone, operation, place).has_value();
  };
  EXPECT_FALSE(may(Operation::read_blob));
  ASSERT_TRUE(storage_->set_container_access(container_, PublicAccess::blob, {}, {}));
  EXPECT_TRUE(may(Operation::read_blob));
  EXPECT_FALSE(may(Operation::list_blobs));
  ASSERT_TRUE(storage_->set_container_access(container_, PublicAccess::container, {}, {}));
  EXPECT_TRUE(may(Operation::list_blobs));
  for (const Operation operation : {Operation::write_blob, Operation::delete_blob,
                                    Operation::create_blob, Operation::container_access})
    EXPECT_FALSE(may(operation));
}

TEST_F(AccessTest, ASignedRequestIsOfItsTimeAndItsAccount) {
  http::Fields headers;
  const std::string date = to_http_date(clock_.now);
  headers.add("x-ms-date", date);
  headers.add("x-ms-version", "2020-12-06");
  const SignedRequest request{"GET", "/devstoreaccount1/con/b", "", &headers, 0};
  const std::string value =
      shared_key_authorization(request, kDevelopmentAccount, kDevelopmentKey).value();
  headers.add("Authorization", value);
  const Place place{std::string(kDevelopmentAccount), "con", "b"};
  EXPECT_EQ(code(access_->by_request(request, place, kInProcess)), "fine");
  EXPECT_EQ(code(access_->by_request(request, {"other", "con", "b"}, kInProcess)),
            "AuthenticationFailed");
  clock_.now += 16 * 60'000;
  const auto late = access_->by_request(request, place, kInProcess);
  ASSERT_FALSE(late.has_value());
  EXPECT_NE(late.error().message().find("too old or too new"), std::string::npos);
}

}  // namespace
}  // namespace mlgate::blob
