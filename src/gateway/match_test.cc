#include "gateway/backend.h"
#include "gateway/key_table.h"
#include "gateway/operation_trie.h"
#include "gateway/path.h"
#include "gateway/publisher.h"

#include <gtest/gtest.h>

namespace mlgate::gateway {
namespace {

std::string segments_of(std::string_view path) {
  policy::Arena arena;
  const auto split = split_path(path, arena);
  if (!split.valid) return "invalid";
  std::string out;
  for (const auto& segment : split.segments) out += "[" + std::string(segment.text) + "]";
  return out + (split.trailing_slash ? "/" : "");
}

std::string tail_of(std::string_view path, std::size_t first) {
  policy::Arena arena;
  return std::string(split_path(path, arena).tail(first, arena));
}

TEST(Path, IsSplitBeforeItIsDecoded) {
  EXPECT_EQ(segments_of("/"), "/");
  EXPECT_EQ(segments_of("/a"), "[a]");
  EXPECT_EQ(segments_of("/a/"), "[a]/");
  EXPECT_EQ(segments_of("/a//b"), "[a][][b]");
  EXPECT_EQ(segments_of("/a//"), "[a][]/");
  EXPECT_EQ(segments_of("/a%20b/c%2Fd/e%5cf"), "[a b][c%2Fd][e%5cf]");
  EXPECT_EQ(segments_of("/a%2/%zz/%"), "[a%2][%zz][%]");
  EXPECT_EQ(segments_of("/a+b"), "[a+b]");
  EXPECT_EQ(segments_of("*"), "invalid");
  EXPECT_EQ(segments_of(""), "invalid");
}

TEST(Path, DotSegmentsAreResolvedAndNeverReachABackend) {
  EXPECT_EQ(segments_of("/a/./b"), "[a][b]");
  EXPECT_EQ(segments_of("/a/b/../c"), "[a][c]");
  EXPECT_EQ(segments_of("/a/b/.."), "[a]/");
  EXPECT_EQ(segments_of("/a/%2e%2E/b"), "[b]");
  EXPECT_EQ(segments_of("/.."), "invalid");
  EXPECT_EQ(segments_of("/a/../../b"), "invalid");
  EXPECT_EQ(segments_of("/a/...b/.c"), "[a][...b][.c]");
  EXPECT_EQ(tail_of("/api/x/../y%2Fz/", 1), "y%2Fz/");
}

TEST(Path, TheTailKeepsTheCallersBytes) {
  EXPECT_EQ(tail_of("/api/a%20b//c/", 1), "a%20b//c/");
  EXPECT_EQ(tail_of("/api/a", 0), "api/a");
  EXPECT_EQ(tail_of("/api", 1), "");
}

TEST(Query, ValuesAreFoundByNameWithoutCase) {
  policy::Arena arena;
  EXPECT_EQ(query_value("a=1&API-Version=2%2E0+x", "api-version", arena), "2.0 x");
  EXPECT_EQ(query_value("a=1&a=2", "A", arena), "1");
  EXPECT_EQ(query_value("a", "a", arena), "");
  EXPECT_EQ(query_value("%61=7", "a", arena), "7");
  EXPECT_EQ(query_value("ab=1", "a", arena), std::nullopt);
  EXPECT_EQ(query_value("", "a", arena), std::nullopt);
}

TEST(UrlTemplate, WhatCannotWorkIsRefused) {
  for (const auto* text :
       {"/{a", "/a}", "/{}", "/{*a}/b", "/*/b", "/{a}{b}", "/x{*y}", "/a?{b}", "/a?=b"}) {
    EXPECT_FALSE(parse_url_template(text)) << text;
  }
  EXPECT_FALSE(parse_url_template("/" + std::string(1001, 'a')));
  for (const auto* text : {"", "/", "/a", "a/b", "/*", "/{*a}", "/{a}-{b}.csv", "/a?b={c}&d=e&f"}) {
    EXPECT_TRUE(parse_url_template(text)) << text;
  }
}

// Templates with methods; match() gives "template name=value …".
class Templates {
 public:
  explicit Templates(std::initializer_list<std::string> list, PathCase path_case = {})
      : list_(list), trie_(path_case) {
    for (std::uint32_t i = 0; i < list_.size(); ++i) {
      const auto blank = list_[i].find(' ');
      const auto parsed = parse_url_template(list_[i].substr(blank + 1));
      EXPECT_TRUE(parsed) << list_[i];
      trie_.add(*parsed, list_[i].substr(0, blank), i);
    }
    trie_.seal();
  }
  std::string match(std::string_view method, std::string_view target) {
    policy::Arena arena;
    std::vector<policy::Parameter> values;
    const auto question = std::min(target.find('?'), target.size());
    const auto path = split_path(target.substr(0, question), arena);
    const auto query = target.substr(std::min(question + 1, target.size()));
    const auto found =
        trie_.match({.method = method, .query = query, .path = &path, .first = 0}, arena, values);
    if (found == OperationTrie::kNone) return "none";
    std::string out = list_[found];
    for (const auto& value : values) {
      out += " " + std::string(value.name) + "=" + std::string(value.value);
    }
    return out;
  }

 private:
  std::vector<std::string> list_;
  OperationTrie trie_;
};

TEST(Operations, OfTheTutorialAreToldApart) {
  Templates t{
      "POST "
      "/workspaces/{workspace}/services/{service}/"
      "execute?api-version={apiversion}&details={details}",
      "POST /workspaces/{workspace}/services/{service}/jobs?api-version={apiversion}",
      "POST /workspaces/{workspace}/services/{service}/jobs/{jobid}/start?api-version={apiversion}",
      "GET /workspaces/{workspace}/services/{service}/jobs/{jobid}?api-version={apiversion}",
      "DELETE /workspaces/{workspace}/services/{service}/jobs/{jobid}?api-version={apiversion}"};
  EXPECT_EQ(t.match("POST", "/workspaces/w/services/s/execute?api-version=2.0&details=true"),
            "POST "
            "/workspaces/{workspace}/services/{service}/"
            "execute?api-version={apiversion}&details={details} "
            "workspace=w service=s apiversion=2.0 details=true");
  EXPECT_EQ(t.match("POST", "/workspaces/w/services/s/execute?api-version=2.0"), "none");
  EXPECT_EQ(t.match("GET", "/Workspaces/w/SERVICES/s/jobs/J/?API-VERSION="),
            "GET /workspaces/{workspace}/services/{service}/jobs/{jobid}?api-version={apiversion} "
            "workspace=w service=s jobid=J apiversion=");
  EXPECT_EQ(t.match("PUT", "/workspaces/w/services/s/jobs/j?api-version=2.0"), "none");
  EXPECT_EQ(t.match("POST", "/workspaces/w/services/s/jobs/j?api-version=2.0"), "none");
}

TEST(Operations, LiteralBeatsParameterBeatsRest) {
  Templates t{"GET /*",  "GET /{a}",   "GET /x",       "GET /{*all}",
              "POST /x", "GET /x-{b}", "GET /x/{b}/y", "GET /{a}/z/y"};
  EXPECT_EQ(t.match("GET", "/x"), "GET /x");
  EXPECT_EQ(t.match("GET", "/X/"), "GET /x");
  EXPECT_EQ(t.match("GET", "/x-1"), "GET /x-{b} b=1");
  EXPECT_EQ(t.match("GET", "/q"), "GET /{a} a=q");
  EXPECT_EQ(t.match("GET", "/q/r"), "GET /*");
  EXPECT_EQ(t.match("GET", "/"), "GET /*");
  EXPECT_EQ(t.match("GET", "/x/z/y"), "GET /x/{b}/y b=z");
  EXPECT_EQ(t.match("GET", "/w/z/y"), "GET /{a}/z/y a=w");
  EXPECT_EQ(t.match("HEAD", "/x"), "none");
}

TEST(Operations, TheNextCandidateIsTriedWhenTheBestFails) {
  Templates t{"POST /a/b", "GET /a/{x}", "GET /{*rest}"};
  EXPECT_EQ(t.match("GET", "/a/b"), "GET /a/{x} x=b");
  EXPECT_EQ(t.match("GET", "/a/b/c%2Fd/e%20f/"), "GET /{*rest} rest=a/b/c%2Fd/e f/");
}

TEST(Operations, QueryTellsTemplatesOfOnePathApart) {
  Templates t{"GET /a",         "GET /a?x={x}", "GET /a?x=1", "GET /a?x={x}&y={y}",
              "GET /b/{p}?k=1", "GET /b/{q}"};
  EXPECT_EQ(t.match("GET", "/a"), "GET /a");
  EXPECT_EQ(t.match("GET", "/a?x=2"), "GET /a?x={x} x=2");
  EXPECT_EQ(t.match("GET", "/a?x=1"), "GET /a?x=1");
  EXPECT_EQ(t.match("GET", "/a?y=3&x=1"), "GET /a?x={x}&y={y} x=1 y=3");
  EXPECT_EQ(t.match("GET", "/b/v?k=2"), "GET /b/{q} q=v");
  EXPECT_EQ(t.match("GET", "/b/v?k=1"), "GET /b/{p}?k=1 p=v");
}

TEST(Operations, EncodedSlashesStayInsideTheirSegment) {
  Templates t{"GET /f/{name}", "GET /f/{a}/{b}"};
  EXPECT_EQ(t.match("GET", "/f/x%2Fy"), "GET /f/{name} name=x%2Fy");
  EXPECT_EQ(t.match("GET", "/f/x/y"), "GET /f/{a}/{b} a=x b=y");
  EXPECT_EQ(t.match("GET", "/f/"), "none");
}

TEST(Operations, AmongEqualsTheFirstCreatedWinsAndCaseCanMatter) {
  Templates t{"GET /{a}", "GET /{b}"};
  EXPECT_EQ(t.match("GET", "/v"), "GET /{a} a=v");
  Templates sensitive({"GET /A"}, {.sensitive = true});
  EXPECT_EQ(sensitive.match("GET", "/a"), "none");
  EXPECT_EQ(sensitive.match("GET", "/A"), "GET /A");
}

TEST(Operations, MixedSegmentsTakeTheirTextApart) {
  Templates t{"GET /{a}-{b}.csv", "GET /Products({id})"};
  EXPECT_EQ(t.match("GET", "/x-y-z.csv"), "GET /{a}-{b}.csv a=x b=y-z");
  EXPECT_EQ(t.match("GET", "/-y.csv"), "none");
  EXPECT_EQ(t.match("GET", "/products(7)"), "GET /Products({id}) id=7");
}

TEST(Operations, ThousandsAreAllFound) {
  std::vector<std::string> list;
  for (int i = 0; i < 3000; ++i) list.push_back("GET /things/kind" + std::to_string(i) + "/{id}");
  list.push_back("GET /things/{kind}/all");
  OperationTrie trie;
  for (std::uint32_t i = 0; i < list.size(); ++i)
    trie.add(*parse_url_template(std::string_view(list[i]).substr(4)), "GET", i);
  trie.seal();
  policy::Arena arena;
  for (std::uint32_t i = 0; i < 3000; ++i) {
    const std::string target = "/things/Kind" + std::to_string(i) + "/7";
    const auto path = split_path(target, arena);
    std::vector<policy::Parameter> values;
    ASSERT_EQ(trie.match({.method = "get", .query = {}, .path = &path, .first = 0}, arena, values),
              i);
    ASSERT_EQ(values.size(), 1u);
    ASSERT_EQ(values[0].name, "id");
    arena.reset();
  }
  const auto path = split_path("/things/kind/all", arena);
  std::vector<policy::Parameter> values;
  EXPECT_EQ(trie.match({.method = "GET", .query = {}, .path = &path, .first = 0}, arena, values),
            3000u);
}

TEST(KeyTable, FindsBothKeysAndNothingElse) {
  std::vector<SubscriptionEntry> entries(1000);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    entries[i].number = i + 1;
    entries[i].primary_key = "primary-" + std::to_string(i);
    entries[i].secondary_key = i % 2 ? "" : "secondary-" + std::to_string(i);
  }
  const KeyTable table(std::move(entries));
  for (std::size_t i = 0; i < 1000; ++i) {
    const auto* found = table.find("primary-" + std::to_string(i));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->number, i + 1);
    EXPECT_EQ(table.find("secondary-" + std::to_string(i)) != nullptr, i % 2 == 0);
  }
  const auto ahead = table.fetch_ahead("primary-7");
  ASSERT_TRUE(table.find(ahead));
  EXPECT_EQ(table.find(ahead)->number, 8u);
  EXPECT_FALSE(table.find(table.fetch_ahead("")));
  EXPECT_FALSE(table.find(""));
  EXPECT_FALSE(table.find("primary-"));
  EXPECT_FALSE(table.find(std::string(10'000, 'k')));
  EXPECT_FALSE(KeyTable().find("x"));
}

TEST(Backend, ServiceUrlsAreTakenApart) {
  const auto backend = parse_backend("HTTPS://Host.Example:8443/a/b/?x=1&y=2");
  ASSERT_TRUE(backend) << backend.error().message();
  EXPECT_TRUE(backend->tls);
  EXPECT_EQ(backend->host, "host.example");
  EXPECT_EQ(backend->port, 8443);
  EXPECT_EQ(backend->authority, "host.example:8443");
  EXPECT_EQ(backend->path_prefix, "/a/b");
  EXPECT_EQ(backend->query, "x=1&y=2");
  EXPECT_EQ(parse_backend("http://h")->authority, "h");
  EXPECT_EQ(parse_backend("http://h:80/")->authority, "h");
  EXPECT_EQ(parse_backend("http://[::1]:81")->authority, "[::1]:81");
  EXPECT_EQ(parse_backend("http://[::1]:81")->host, "::1");
  for (const auto* bad : {"h", "ftp://h", "http://", "http://u:p@h", "http://h:0", "http://h:99999",
                          "http://h/a b", "http://h#f", "http://h\r\nX: y", "http://[::1"}) {
    EXPECT_FALSE(parse_backend(bad)) << bad;
  }
}

TEST(Publisher, ACallKeepsTheSnapshotItBeganWith) {
  Publisher publisher;
  SnapshotHandle handle(publisher);
  auto first = std::make_shared<Snapshot>();
  first->version = 1;
  std::weak_ptr<const Snapshot> watch = first;
  publisher.publish(std::move(first));
  auto pin = handle.pin();
  EXPECT_EQ(pin->version, 1u);
  auto second = std::make_shared<Snapshot>();
  second->version = 2;
  publisher.publish(second);
  EXPECT_EQ(handle.pin()->version, 2u);
  EXPECT_EQ(pin->version, 1u);
  EXPECT_FALSE(watch.expired());
  pin.reset();
  EXPECT_FALSE(watch.expired()) << "A worker takes no snapshot apart.";
  publisher.sweep();
  EXPECT_TRUE(watch.expired()) << "The last call that ran on it is over.";
}

}  // namespace
}  // namespace mlgate::gateway
