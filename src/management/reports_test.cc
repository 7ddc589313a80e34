// The usage reports over counted calls: groups, periods, filters, orders, errors.
#include "management/fixture_internal.h"
#include "management/report_filter_internal.h"

#include <gtest/gtest.h>

namespace mlgate::management {
namespace {

constexpr TimeMs kMinute = 60'000;
// 2023-11-14T22:13:20Z, the fixture's clock.
constexpr TimeMs kNow = 1'700'000'000'000;
constexpr std::string_view kSince = "$filter=timestamp%20ge%202023-11-14T00:00:00Z";

class Reports : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(client_.create_service().status, 201);
    model_ = client_.management().repository().load_service("demoazureml").value();
  }
  template <class T>
  static const T& named(const std::vector<T>& all, std::string_view name) {
    for (const T& one : all)
      if (one.name == name) return one;
    ADD_FAILURE() << name << " is not there";
    return all.front();
  }
  // One call of the Echo API through a product.
  void count(int status, TimeMs at, std::string_view product = "starter") {
    const apim::Subscription* subscription = nullptr;
    for (const auto& one : model_.subscriptions)
      if (one.scope.target == product) subscription = &one;
    ASSERT_NE(subscription, nullptr);
    analytics::UsageRecord record;
    record.start_ms = at;
    record.service = model_.service.number;
    record.api = named(model_.apis, "echo-api").number;
    record.operation = model_.operations.front().number;
    record.product = named(model_.products, product).number;
    record.subscription = subscription->number;
    record.user = named(model_.users, "1").number;
    record.api_name = "echo-api";
    record.operation_name = model_.operations.front().name;
    record.total_ns = 2'500'000;
    record.backend_ns = 1'000'000;
    record.backend_response_code = 200;
    record.request_bytes = 100;
    record.response_bytes = 200;
    record.response_code = std::uint16_t(status);
    record.correlation_id[0] = 0x0123'4567'89ab'cdef;
    record.correlation_id[1] = ++calls_;
    record.method = "GET";
    record.scheme = "https";
    record.authority = "localhost:8443";
    record.path = "/echo/resource";
    record.query = "subscription-key=secret&n=1";
    record.key_query_name = "subscription-key";
    record.caller_address = "192.0.2.7";
    client_.usage.add(record);
    client_.requests.add(record);
  }
  Answer report(std::string_view kind, std::string_view query = kSince) {
    return client_.at("GET", "/reports/" + std::string(kind) + "?" + std::string(query));
  }
  static const std::vector<Json>& rows(const Answer& answer) {
    return answer.body["value"].items();
  }
  std::string refused(std::string_view kind, std::string_view query) {
    const Answer answer = report(kind, query);
    EXPECT_EQ(answer.status, 400) << answer.text;
    EXPECT_EQ(answer.code(), "ValidationError");
    return answer.targets().empty() ? "" : answer.targets().front();
  }

  Client client_;
  apim::ServiceModel model_;
  std::uint64_t calls_ = 0;
};

TEST_F(Reports, CallsAreCountedByWhatThePathNames) {
  for (const int status : {200, 200, 429, 500, 404}) count(status, kNow - kMinute);
  count(200, kNow - kMinute, "unlimited");
  const Answer by_api = report("byApi");
  ASSERT_EQ(by_api.status, 200) << by_api.text;
  ASSERT_EQ(rows(by_api).size(), 1U);
  const Json& row = rows(by_api)[0];
  EXPECT_EQ(row.string_or("name"), "Echo API");
  EXPECT_EQ(row.string_or("apiId"), "/apis/echo-api");
  EXPECT_EQ(row["callCountTotal"].as_int(), 6);
  EXPECT_EQ(row["callCountSuccess"].as_int(), 3);
  EXPECT_EQ(row["callCountBlocked"].as_int(), 1);
  EXPECT_EQ(row["callCountFailed"].as_int(), 1);
  EXPECT_EQ(row["callCountOther"].as_int(), 1);
  EXPECT_EQ(row["bandwidth"].as_int(), 1'800);
  EXPECT_EQ(row["apiTimeAvg"].as_double(), 2.5);
  EXPECT_EQ(row["apiTimeMin"].as_double(), 2.5);
  EXPECT_EQ(row["serviceTimeMax"].as_double(), 1);

  const Answer by_product = report("byProduct");
  ASSERT_EQ(rows(by_product).size(), 2U);
  EXPECT_EQ(rows(by_product)[0].string_or("productId"), "/products/starter");
  EXPECT_EQ(rows(by_product)[0].string_or("name"), "Starter");
  EXPECT_EQ(rows(by_product)[1]["callCountTotal"].as_int(), 1);

  const Answer by_operation = report("byOperation");
  const std::string operation = "/apis/echo-api/operations/" + model_.operations.front().name;
  EXPECT_EQ(rows(by_operation)[0].string_or("operationId"), operation);
  EXPECT_EQ(rows(by_operation)[0].string_or("apiId"), "/apis/echo-api");
  EXPECT_EQ(rows(report("byUser"))[0].string_or("userId"), "/users/1");
  const Answer by_subscription = report("bySubscription");
  ASSERT_EQ(rows(by_subscription).size(), 2U);
  EXPECT_TRUE(rows(by_subscription)[0].string_or("subscriptionId").starts_with("/subscriptions/"));
  EXPECT_EQ(rows(by_subscription)[0].string_or("productId"), "/products/starter");
  EXPECT_EQ(rows(by_subscription)[0].string_or("userId"), "/users/1");
  EXPECT_EQ(rows(report("byGeo"))[0]["callCountTotal"].as_int(), 6);
}

TEST_F(Reports, ThePeriodAndTheEntitiesAreTheFilters) {
  count(200, kNow - 90 * kMinute);
  count(200, kNow - 5 * kMinute);
  count(200, kNow - 5 * kMinute, "unlimited");
  const auto total = [&](const std::string& filter) {
    const Answer answer = report("byApi", "$filter=" + percent_encode(filter));
    EXPECT_EQ(answer.status, 200) << answer.text;
    return rows(answer).empty() ? 0 : rows(answer)[0]["callCountTotal"].as_int().value_or(-1);
  };
  const std::string recent = "timestamp ge datetime'2023-11-14T22:00:00Z'";
  EXPECT_EQ(total(recent), 2);
  EXPECT_EQ(total("timestamp ge 2023-11-14 and timestamp lt 2023-11-14T22:00:00Z"), 1);
  EXPECT_EQ(total(recent + " and productId eq '/products/STARTER'"), 1);
  EXPECT_EQ(total(recent + " and productId eq 'starter' and userId eq '/users/1'"), 1);
  EXPECT_EQ(
      total(recent + " and productId eq '" + std::string(Client::kService) + "/products/starter'"),
      1);
  EXPECT_EQ(total(recent + " and apiId eq '/apis/other'"), 0);
  EXPECT_EQ(total(recent + " and apiRegion eq 'local'"), 2);
  EXPECT_EQ(total(recent + " and apiRegion eq 'elsewhere'"), 0);
}

TEST_F(Reports, TimeIsReportedWithoutGaps) {
  count(200, kNow - 40 * kMinute);  // 21:33
  count(429, kNow - 5 * kMinute);   // 22:08
  const Answer answer =
      report("byTime", std::string(kSince) +
                           "%20and%20timestamp%20ge%202023-11-14T21:30:00Z%20and%20"
                           "timestamp%20lt%202023-11-14T22:30:00Z&interval=PT15M");
  ASSERT_EQ(rows(answer).size(), 4U) << answer.text;
  EXPECT_EQ(rows(answer)[0].string_or("timestamp"), "2023-11-14T21:30:00.000Z");
  EXPECT_EQ(rows(answer)[0].string_or("interval"), "PT15M");
  EXPECT_EQ(rows(answer)[0]["callCountSuccess"].as_int(), 1);
  EXPECT_EQ(rows(answer)[1]["callCountTotal"].as_int(), 0);
  EXPECT_EQ(rows(answer)[2]["callCountBlocked"].as_int(), 1);
  // Without an end it ends now.
  const Answer open =
      report("byTime", "$filter=timestamp%20ge%202023-11-14T21:30:00Z&interval=PT1H");
  EXPECT_EQ(rows(open).size(), 2U) << open.text;
}

TEST_F(Reports, RowsAreOrderedAndPaged) {
  count(200, kNow - kMinute);
  count(500, kNow - kMinute, "unlimited");
  const auto first = [&](const std::string& more) {
    const Answer answer = report("byProduct", std::string(kSince) + more);
    EXPECT_EQ(answer.status, 200) << answer.text;
    return std::string(rows(answer).at(0).string_or("name"));
  };
  EXPECT_EQ(first("&$orderby=displayName"), "Starter");
  EXPECT_EQ(first("&$orderby=displayName%20desc"), "Unlimited");
  EXPECT_EQ(first("&$orderby=callCountFailed+desc"), "Unlimited");
  const Answer page = report("byProduct", std::string(kSince) + "&$top=1");
  EXPECT_EQ(rows(page).size(), 1U);
  EXPECT_EQ(page.body["count"].as_int(), 2);
  EXPECT_NE(page.body.string_or("nextLink").find("skip=1"), std::string_view::npos);
}

TEST_F(Reports, WhatIsGoneKeepsItsId) {
  count(200, kNow - kMinute);
  ASSERT_EQ(client_.at("DELETE", "/apis/echo-api", {}, {{"If-Match", "*"}}).status, 200);
  const Answer by_api = report("byApi");
  ASSERT_EQ(rows(by_api).size(), 1U);
  EXPECT_EQ(rows(by_api)[0].string_or("apiId"), "/apis/echo-api");
  EXPECT_EQ(rows(by_api)[0].string_or("name"), "echo-api");
  EXPECT_TRUE(rows(report("byOperation"))[0]
                  .string_or("operationId")
                  .starts_with("/apis/echo-api/operations/"));
}

TEST_F(Reports, WrongQuestionsNameTheOption) {
  EXPECT_EQ(refused("byApi", ""), "$filter");
  EXPECT_EQ(refused("byApi", "$filter=apiId%20eq%20'a'"), "$filter");
  EXPECT_EQ(refused("byApi", "$filter=timestamp%20le%202023-11-14"), "$filter");
  EXPECT_EQ(refused("byApi", "$filter=timestamp%20eq%202023-11-14"), "$filter");
  EXPECT_EQ(refused("byApi", "$filter=timestamp%20ge%20soon"), "$filter");
  EXPECT_EQ(refused("byApi", std::string(kSince) + "%20or%20apiId%20eq%20'a'"), "$filter");
  EXPECT_EQ(refused("byApi", std::string(kSince) + "%20and%20name%20eq%20'a'"), "$filter");
  EXPECT_EQ(refused("byApi", std::string(kSince) + "%20and%20apiId%20ne%20'a'"), "$filter");
  EXPECT_EQ(refused("byProduct", std::string(kSince) + "%20and%20apiId%20eq%20'a'"), "$filter");
  EXPECT_EQ(refused("byApi", std::string(kSince) + "&$orderby=zip"), "$orderby");
  EXPECT_EQ(refused("byApi", std::string(kSince) + "&$orderby=bandwidth%20up"), "$orderby");
  EXPECT_EQ(refused("byGeo", std::string(kSince) + "&$orderby=bandwidth"), "$orderby");
  EXPECT_EQ(refused("byApi", std::string(kSince) + "&$top=0"), "$top");
  for (const char* interval : {"", "&interval=PT10M", "&interval=PT0M", "&interval=15"})
    EXPECT_EQ(refused("byTime", std::string(kSince) + interval), "interval");
  EXPECT_EQ(refused("byTime", "$filter=timestamp%20ge%201990-01-01&interval=PT15M"), "interval");
  EXPECT_EQ(refused("byRequest", ""), "$filter");
  EXPECT_EQ(refused("byRequest", std::string(kSince) + "&$orderby=apiTime"), "$orderby");
  EXPECT_EQ(refused("byRequest", std::string(kSince) + "&$skip=-1"), "$skip");
}

TEST_F(Reports, EachCallIsARowOfTheReportByRequest) {
  count(200, kNow - 3 * kMinute);
  count(429, kNow - 2 * kMinute, "unlimited");
  count(500, kNow - kMinute);
  const Answer answer = report("byRequest");
  ASSERT_EQ(answer.status, 200) << answer.text;
  ASSERT_EQ(rows(answer).size(), 3U);
  EXPECT_EQ(answer.body["count"].as_int(), 3);
  EXPECT_EQ(answer.body.members().size(), 2U);  // No link to a next page.
  const Json& latest = rows(answer)[0];
  EXPECT_EQ(latest["responseCode"].as_int(), 500);
  EXPECT_EQ(latest.string_or("apiId"), "/apis/echo-api");
  EXPECT_EQ(latest.string_or("operationId"),
            "/apis/echo-api/operations/" + model_.operations.front().name);
  EXPECT_EQ(latest.string_or("productId"), "/products/starter");
  EXPECT_EQ(latest.string_or("userId"), "/users/1");
  EXPECT_TRUE(latest.string_or("subscriptionId").starts_with("/subscriptions/"));
  EXPECT_EQ(latest.string_or("method"), "GET");
  EXPECT_EQ(latest.string_or("url"), "https://localhost:8443/echo/resource?subscription-key=&n=1");
  EXPECT_EQ(latest.string_or("ipAddress"), "192.0.2.7");
  EXPECT_EQ(latest.string_or("backendResponseCode"), "200");
  EXPECT_EQ(latest["responseSize"].as_int(), 200);
  EXPECT_EQ(latest["requestSize"].as_int(), 100);
  EXPECT_EQ(latest.string_or("timestamp"), "2023-11-14T22:12:20.000Z");
  EXPECT_EQ(latest.string_or("cache"), "none");
  EXPECT_EQ(latest["apiTime"].as_double(), 2.5);
  EXPECT_EQ(latest["serviceTime"].as_double(), 1);
  EXPECT_EQ(latest.string_or("apiRegion"), model_.service.location);
  EXPECT_EQ(latest.string_or("requestId"), "01234567-89ab-cdef-0000-000000000003");
  const Answer second = report("byRequest", std::string(kSince) + "&$skip=1&$top=1");
  ASSERT_EQ(rows(second).size(), 1U);
  EXPECT_EQ(rows(second)[0]["responseCode"].as_int(), 429);
  EXPECT_EQ(second.body["count"].as_int(), 3);
  const auto found = [&](const std::string& filter) {
    return report("byRequest", std::string(kSince) + percent_encode(filter)).body["count"].as_int();
  };
  EXPECT_EQ(found(" and productId eq '/products/unlimited'"), 1);
  EXPECT_EQ(found(" and apiId eq '/apis/other'"), 0);
  EXPECT_EQ(found(" and apiRegion eq 'elsewhere'"), 0);
  // Exact to the millisecond, where the other reports count whole minutes.
  EXPECT_EQ(found(" and timestamp lt 2023-11-14T22:11:20Z"), 1);
  EXPECT_EQ(found(" and timestamp le 2023-11-14T22:11:20Z"), 2);
}

TEST_F(Reports, PercentilesAreToldToThoseWhoAsk) {
  for (int i = 0; i < 100; ++i) count(200, kNow - kMinute);
  EXPECT_TRUE(rows(report("byApi"))[0]["apiTimeP95"].is_null());
  for (const char* kind : {"byApi", "byGeo"}) {
    const Answer answer = report(kind, std::string(kSince) + "&percentiles=true");
    EXPECT_NEAR(rows(answer).at(0)["apiTimeP95"].as_double().value_or(0), 2.5, 2.5 / 16);
    EXPECT_NEAR(rows(answer).at(0)["serviceTimeP50"].as_double().value_or(0), 1, 1.0 / 16);
  }
  // One interval around everything: the whole period as one row.
  const Answer whole = report("byTime", std::string(kSince) + "&percentiles=true&interval=P36500D");
  ASSERT_EQ(rows(whole).size(), 1U);
  EXPECT_EQ(rows(whole)[0]["callCountTotal"].as_int(), 100);
  EXPECT_NEAR(rows(whole)[0]["apiTimeP99"].as_double().value_or(0), 2.5, 2.5 / 16);
}

TEST(Durations, AreReadInTheirOrder) {
  EXPECT_EQ(parse_duration("PT15M"), 900'000);
  EXPECT_EQ(parse_duration("P1DT2H3M4S"), 93'784'000);
  for (const char* wrong : {"", "P", "PT", "15M", "PT15", "P15M", "PT1M1H", "PTM", "PT1M1M", "P1Y"})
    EXPECT_EQ(parse_duration(wrong), std::nullopt) << wrong;
}

}  // namespace
}  // namespace mlgate::management
