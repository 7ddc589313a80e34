#include "gateway/trace_desk.h"

#include "gateway/trace_context.h"
#include "policy/call_trace.h"

#include <gtest/gtest.h>

#include <thread>

namespace mlgate::gateway {
namespace {

TEST(TraceDesk, ACredentialIsGoodForItsServiceItsApiAndItsTime) {
  TraceDesk desk;
  const std::string token =
      desk.issue({.service = 1, .api = 2, .issued_ms = 10, .expires_ms = 100});
  TimeMs expires = 0;
  EXPECT_EQ(desk.check(token, 1, 2, 50, expires), CredentialState::good);
  EXPECT_EQ(expires, 100);
  EXPECT_EQ(desk.check(token, 1, 3, 50, expires), CredentialState::wrong_api);
  EXPECT_EQ(desk.check(token, 2, 2, 50, expires), CredentialState::wrong_api);
  EXPECT_EQ(desk.check(token, 1, 2, 100, expires), CredentialState::expired);
  // Of another process, and forged.
  EXPECT_EQ(TraceDesk().check(token, 1, 2, 50, expires), CredentialState::expired);
  std::string forged = token;
  forged[6] = forged[6] == 'A' ? 'B' : 'A';
  EXPECT_EQ(desk.check(forged, 1, 2, 50, expires), CredentialState::expired);
  for (const char* bad : {"", "aid=", "aid=x.y", "aid=.", "x"}) {
    EXPECT_EQ(desk.check(bad, 1, 2, 50, expires), CredentialState::expired) << bad;
  }
}

TEST(TraceDesk, InvalidatedCredentialsOfAServiceAreGoodNoLonger) {
  TraceDesk desk;
  const std::string mine = desk.issue({.service = 1, .api = 2, .issued_ms = 10, .expires_ms = 100});
  const std::string other =
      desk.issue({.service = 7, .api = 2, .issued_ms = 10, .expires_ms = 100});
  desk.invalidate(1, 20);
  TimeMs expires = 0;
  EXPECT_EQ(desk.check(mine, 1, 2, 50, expires), CredentialState::expired);
  EXPECT_EQ(desk.check(other, 7, 2, 50, expires), CredentialState::good);
  const std::string later = desk.issue({.service = 1, .api = 2, .issued_ms = 30, .expires_ms = 99});
  EXPECT_EQ(desk.check(later, 1, 2, 50, expires), CredentialState::good);
}

TEST(TraceDesk, TracesAreKeptForADayAndTheOldestMakeRoom) {
  TraceDesk desk({.traces_max = 3, .bytes_max = 10'000, .keep_ms = 1'000});
  for (int i = 0; i < 5; ++i) desk.keep(1, std::to_string(i), "trace", "", i);
  EXPECT_EQ(desk.traces(), 3u);
  EXPECT_FALSE(desk.find(1, "1", 5));
  EXPECT_EQ(desk.find(1, "4", 5), "trace");
  EXPECT_FALSE(desk.find(2, "4", 5)) << "It is another service's.";
  EXPECT_FALSE(desk.find(1, "4", 1'004)) << "It is too old.";
  desk.keep(1, "big", std::string(9'500, 'x'), "", 6);
  EXPECT_EQ(desk.traces(), 1u);
  EXPECT_LE(desk.bytes(), 10'000u);
}

TEST(TraceDesk, ALinkOpensOnce) {
  TraceDesk desk({.link_ms = 100});
  const std::string link = TraceDesk::new_link();
  desk.keep(1, "a", "trace", link, 0);
  EXPECT_FALSE(desk.open_link("another", 1));
  EXPECT_EQ(desk.open_link(link, 1), "trace");
  EXPECT_FALSE(desk.open_link(link, 1));
  const std::string late = TraceDesk::new_link();
  desk.keep(1, "b", "trace", late, 0);
  EXPECT_FALSE(desk.open_link(late, 100));
}

TEST(TraceDesk, WhoAsksBeforeTheCallIsOverWaitsForIt) {
  TraceDesk desk;
  desk.announce("a");
  std::thread call([&] { desk.keep(1, "a", "trace", "", 0); });
  EXPECT_EQ(desk.find(1, "a", 0), "trace");
  call.join();
}

TEST(CallTrace, ASecretWithinASecretSpoilsNeither) {
  policy::CallTrace trace(1'700'000'000'000, 0);
  for (const char* secret : {"open", "open-sesame", "same", "abc", ""}) trace.hide(secret);
  EXPECT_EQ(trace.clean("open-sesame opens the same abc"), "*** ***s the *** abc");
}

TEST(CallTrace, ASecretThatBeginsWhereABodyIsCutIsNotShown) {
  policy::CallTrace trace(1'700'000'000'000, 0);
  trace.hide("0123456789");
  const std::string filler(policy::CallTrace::kBodyBytesMax - 7, 'x');
  trace.add_body(policy::CallTrace::Body::request, filler + "0123456789");
  trace.add_body(policy::CallTrace::Body::response, "it ends with 0123456");
  trace.end(0);
  const std::string json = trace.json("demo", "id");
  EXPECT_EQ(json.find("x0123"), std::string::npos);
  EXPECT_NE(json.find("x***\""), std::string::npos);
  EXPECT_NE(json.find("it ends with 0123456\""), std::string::npos) << "A whole body is not cut.";
}

TEST(CallTrace, SecretsAreTakenOutAndNothingGrowsWithoutEnd) {
  policy::CallTrace trace(1'700'000'000'000, 0);
  trace.hide("0123456789abcdef");
  trace.hide("a");  // Too short to be one.
  trace.note("key", "Bearer 0123456789abcdef!");
  trace.add(policy::Section::inbound, "set-header", Json::object({{"path", Json("set-header[1]")}}),
            1'234'500);
  trace.add_body(policy::CallTrace::Body::request, std::string(20'000, 'x'));
  trace.end(2'000'000);
  auto json = Json::parse(trace.json("demo", "some-id"));
  ASSERT_TRUE(json);
  const Json& entry = (*json)["traceEntries"]["inbound"].items().at(0);
  EXPECT_EQ(entry["source"].as_string(), "set-header");
  EXPECT_EQ(entry["elapsed"].as_string(), "00:00:00.0012345");
  EXPECT_EQ(entry["timestamp"].as_string(), "2023-11-14T22:13:20.001Z");
  EXPECT_EQ(entry["data"]["key"].as_string(), "Bearer ***!");
  const Json& body = (*json)["traceEntries"]["backend"].items().at(0);
  EXPECT_EQ(body["data"]["request"]["bytes"].as_int(), 20'000);
  EXPECT_EQ(body["data"]["request"]["body"].as_string().size(), 8'192u);
  EXPECT_TRUE((*json)["traceEntries"]["on-error"].items().empty());

  for (int i = 0; i < 1'000; ++i) {
    trace.add(policy::Section::outbound, "x", Json::object({{"t", Json(std::string(4'096, 'y'))}}),
              3);
  }
  EXPECT_LT(trace.json("demo", "id").size(), policy::CallTrace::kTraceBytesMax + 4'096);
}

struct Parent {
  const char* text;
  bool good;
};

class Traceparent : public testing::TestWithParam<Parent> {};

TEST_P(Traceparent, IsReadAsTheRecommendationSays) {
  EXPECT_EQ(parse_traceparent(GetParam().text).has_value(), GetParam().good) << GetParam().text;
}

INSTANTIATE_TEST_SUITE_P(
    All, Traceparent,
    testing::Values(Parent{"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true},
                    Parent{"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-ff", true},
                    Parent{"cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-comes",
                           true},
                    Parent{"cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.what", false},
                    Parent{"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-", false},
                    Parent{"ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false},
                    Parent{"00-00000000000000000000000000000000-b7ad6b7169203331-01", false},
                    Parent{"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", false},
                    Parent{"00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", false},
                    Parent{"00_0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331_01", false},
                    Parent{"0-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false},
                    Parent{"", false}));

TEST(Traceparent, WhatIsWrittenIsReadAgain) {
  char text[kTraceparentBytes];
  write_traceparent({.trace = {0x0af7651916cd43dd, 0x8448eb211c80319c},
                     .span = 0xb7ad6b7169203331,
                     .sampled = true},
                    text);
  EXPECT_EQ(std::string_view(text, sizeof text),
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
}

}  // namespace
}  // namespace mlgate::gateway
