#include "blob/request.h"

#include "base/crypto.h"
#include "blob/cors.h"
#include "blob/fault.h"
#include "blob/xml.h"

#include <gtest/gtest.h>

namespace mlgate::blob {
namespace {

// A request head whose text lives as long as it does.
struct Head {
  http::RequestHead head;
  BlobRequest request;
  Result<void> read(std::string_view method, std::string_view target,
                    std::string_view host = "127.0.0.1:10000") {
    head.method = method;
    const std::size_t mark = target.find('?');
    head.path = target.substr(0, mark);
    head.query = mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
    head.authority = host;
    return read_request(head, {"127.0.0.1", false}, "http", request);
  }
  std::string code(std::string_view method, std::string_view target) {
    const auto done = read(method, target);
    return done ? "fine" : done.error().field();
  }
};

TEST(BlobRequestTest, FindsTheAccountInPathOrHost) {
  Head h;
  ASSERT_TRUE(h.read("GET", "/acc/con/folder/a%20b%2Fc").has_value());
  EXPECT_EQ(h.request.place.account, "acc");
  EXPECT_EQ(h.request.place.container, "con");
  EXPECT_EQ(h.request.place.blob, "folder/a b/c");
  EXPECT_EQ(h.request.base_url, "http://127.0.0.1:10000/acc");
  Head host;
  ASSERT_TRUE(host.read("GET", "/con/b", "Acc.blob.localhost:10000").has_value());
  EXPECT_EQ(host.request.place.account, "acc");
  EXPECT_EQ(host.request.place.container, "con");
  EXPECT_EQ(host.request.place.blob, "b");
  EXPECT_EQ(host.request.base_url, "http://Acc.blob.localhost:10000");
  Head root;
  ASSERT_TRUE(root.read("GET", "/acc/file.txt").has_value());
  EXPECT_EQ(root.request.place.container, "$root");
  EXPECT_EQ(root.request.place.blob, "file.txt");
}

TEST(BlobRequestTest, FindsTheOperation) {
  const std::pair<const char*, Verb> rows[] = {
      {"GET /a?comp=list", Verb::list_containers},
      {"PUT /a?restype=service&comp=properties", Verb::set_service_properties},
      {"HEAD /a?restype=account&comp=properties", Verb::account_information},
      {"PUT /a/con?restype=container", Verb::create_container},
      {"HEAD /a/con?restype=container", Verb::container_properties},
      {"GET /a/con?restype=container&comp=list", Verb::list_blobs},
      {"PUT /a/con?restype=container&comp=lease", Verb::lease_container},
      {"GET /a/con/b", Verb::get_blob},
      {"HEAD /a/con/b", Verb::blob_properties},
      {"PUT /a/con/b?comp=block&blockid=YQ%3D%3D", Verb::put_block},
      {"GET /a/con/b?comp=blocklist", Verb::get_block_list},
      {"OPTIONS /a/con/b", Verb::preflight},
  };
  for (const auto& [line, verb] : rows) {
    const std::string_view text = line;
    Head h;
    const auto done = h.read(text.substr(0, text.find(' ')), text.substr(text.find(' ') + 1));
    ASSERT_TRUE(done.has_value()) << line << ": " << done.error().message();
    EXPECT_EQ(h.request.verb, verb) << line;
  }
}

TEST(BlobRequestTest, RefusesWhatItCannotMean) {
  const std::pair<const char*, const char*> rows[] = {
      {"/", "InvalidUri"},
      {"/a/C_d?restype=container", "InvalidResourceName"},
      {"/a/co?restype=container", "InvalidResourceName"},
      {"/a/con--d/b", "InvalidResourceName"},
      {"/a/con/%zz", "RequestUrlFailedToParse"},
      {"/a/con/%00", "InvalidUri"},
      {"/a/con/%FF", "InvalidUri"},
      {"/a/con/b?comp=tags", "NotImplemented"},
      {"/a/con/b?comp=pagelist", "FeatureNotSupported"},
      {"/a/con/b?snapshot=2011-03-09T01:42:34.9360000Z", "FeatureNotSupported"},
      {"/a/con?restype=container&comp=lease", "UnsupportedHttpVerb"},
  };
  for (const auto& [target, code] : rows) {
    Head h;
    EXPECT_EQ(h.code("GET", target), code) << target;
  }
  Head longest;
  EXPECT_EQ(longest.code("GET", "/a/con/" + std::string(1'024, 'x')), "fine");
  EXPECT_EQ(longest.code("GET", "/a/con/" + std::string(1'025, 'x')), "OutOfRangeInput");
}

TEST(BlobRequestTest, RefusesHeadersThatWouldChangeWhatIsStored) {
  for (const char* name : {"x-ms-tags", "x-ms-encryption-key", "x-ms-legal-hold"}) {
    Head h;
    h.head.fields.add(name, "x");
    EXPECT_EQ(h.code("GET", "/a/con/b"), "UnsupportedHeader") << name;
  }
  Head version;
  version.head.fields.add("x-ms-version", "latest");
  EXPECT_EQ(version.code("GET", "/a/con/b"), "InvalidHeaderValue");
  Head newer;
  newer.head.fields.add("x-ms-version", "2031-01-01");
  EXPECT_EQ(newer.code("GET", "/a/con/b"), "fine");
}

TEST(BlobRequestTest, ReadsMetadata) {
  Head h;
  h.head.fields.add("x-ms-meta-One", "1");
  h.head.fields.add("X-Ms-Meta-two_2", "");
  ASSERT_TRUE(h.read("GET", "/a/con/b").has_value());
  EXPECT_EQ(metadata_of(h.request).value(), (Metadata{{"One", "1"}, {"two_2", ""}}));
  const std::pair<const char*, const char*> bad[] = {{"x-ms-meta-", "EmptyMetadataKey"},
                                                     {"x-ms-meta-a-b", "InvalidMetadata"},
                                                     {"x-ms-meta-1a", "InvalidMetadata"}};
  for (const auto& [name, code] : bad) {
    Head one;
    one.head.fields.add(name, "v");
    ASSERT_TRUE(one.read("GET", "/a/con/b").has_value());
    EXPECT_EQ(metadata_of(one.request).error().field(), code) << name;
  }
  Head large;
  const std::string value(8'200, 'x');
  large.head.fields.add("x-ms-meta-a", value);
  ASSERT_TRUE(large.read("GET", "/a/con/b").has_value());
  EXPECT_EQ(metadata_of(large.request).error().field(), "MetadataTooLarge");
}

TEST(RangeTest, ReadsWhatHttpAllowsAndIgnoresTheRest) {
  const auto span = [](std::string_view text, std::uint64_t size) -> std::string {
    const auto range = parse_range(text);
    if (!range) return "ignored";
    const auto got = resolve(*range, size);
    return got ? std::to_string(got->offset) + "+" + std::to_string(got->bytes) : "behind";
  };
  EXPECT_EQ(span("bytes=0-0", 10), "0+1");
  EXPECT_EQ(span("bytes=2-", 10), "2+8");
  EXPECT_EQ(span("Bytes=2-100", 10), "2+8");
  EXPECT_EQ(span("bytes=-3", 10), "7+3");
  EXPECT_EQ(span("bytes=-30", 10), "0+10");
  EXPECT_EQ(span("bytes=10-", 10), "behind");
  EXPECT_EQ(span("bytes=0-", 0), "behind");
  EXPECT_EQ(span("bytes=0-18446744073709551615", 10), "0+10");
  for (const char* text : {"", "bytes=", "bytes=-", "bytes=3-2", "bytes=0-1,3-4", "items=0-1",
                           "bytes=a-b", "bytes=-0", "bytes=0-18446744073709551616"})
    EXPECT_EQ(span(text, 10), "ignored") << text;
}

TEST(XmlTest, ReadsBlockListsInOrder) {
  const auto blocks = read_block_list(
      "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<BlockList>\n <Latest>YWE=</Latest>"
      "<Committed> YmI= </Committed><!-- x --><Uncommitted>Y2M=</Uncommitted></BlockList>");
  ASSERT_TRUE(blocks.has_value()) << blocks.error().message();
  ASSERT_EQ(blocks->size(), 3U);
  EXPECT_EQ((*blocks)[1].id, "YmI=");
  EXPECT_EQ((*blocks)[1].from, BlockRef::From::committed);
  EXPECT_EQ((*blocks)[2].from, BlockRef::From::uncommitted);
  EXPECT_TRUE(read_block_list("<BlockList/>").value().empty());
  for (const char* bad : {"", "<BlockList>", "<Other/>",
                          "<BlockList><Newest>YQ==</Newest>"
                          "</BlockList>"})
    EXPECT_EQ(read_block_list(bad).error().field(), "InvalidXmlDocument") << bad;
  EXPECT_EQ(read_block_list("<BlockList><Latest>?</Latest></BlockList>").error().field(),
            "InvalidBlockId");
}

TEST(XmlTest, ReadsStoredPolicies) {
  const auto policies = read_signed_identifiers(
      "<SignedIdentifiers><SignedIdentifier><Id>a</Id><AccessPolicy><Start>2020-01-01</Start>"
      "<Expiry>2020-02-01T00:00:00.0000000Z</Expiry><Permission>rw</Permission></AccessPolicy>"
      "</SignedIdentifier></SignedIdentifiers>");
  ASSERT_TRUE(policies.has_value());
  EXPECT_EQ(policies->at(0).permissions, "rw");
  EXPECT_TRUE(read_signed_identifiers("").value().empty());
  std::string many = "<SignedIdentifiers>";
  for (int i = 0; i < 6; ++i)
    many += "<SignedIdentifier><Id>" + std::to_string(i) + "</Id></SignedIdentifier>";
  EXPECT_FALSE(read_signed_identifiers(many + "</SignedIdentifiers>").has_value());
}

TEST(XmlTest, WritesServicePropertiesThatItReads) {
  const auto properties = read_service_properties(
      "<StorageServiceProperties><Cors><CorsRule><AllowedOrigins>https://*.example.com,http://b"
      "</AllowedOrigins><AllowedMethods>GET,PUT</AllowedMethods><MaxAgeInSeconds>60"
      "</MaxAgeInSeconds><ExposedHeaders/><AllowedHeaders>x-ms-*,content-type</AllowedHeaders>"
      "</CorsRule></Cors></StorageServiceProperties>",
      {});
  ASSERT_TRUE(properties.has_value()) << properties.error().message();
  const auto again = read_service_properties(write_service_properties(*properties), {}).value();
  ASSERT_EQ(again.cors.size(), 1U);
  const auto allows = [&](CorsAsk ask) { return matching_rule(again.cors, ask) != nullptr; };
  EXPECT_TRUE(allows({"https://www.example.com", "GET", "X-MS-Date, Content-Type"}));
  EXPECT_FALSE(allows({"https://example.com.evil", "GET", ""}));
  EXPECT_FALSE(allows({"https://.example.com.evil", "GET", ""}));
  EXPECT_FALSE(allows({"http://b", "DELETE", ""}));
  EXPECT_FALSE(allows({"http://b", "GET", "authorization"}));
  EXPECT_FALSE(read_service_properties("<StorageServiceProperties><HourMetrics><Enabled>true"
                                       "</Enabled></HourMetrics></StorageServiceProperties>",
                                       {})
                   .has_value());
}

TEST(XmlTest, EscapesText) {
  XmlWriter w;
  w.open("a").attribute("b", "\"<").text("x & <y>\r\x01").element("c", "").close();
  EXPECT_EQ(std::move(w).finish(),
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><a b=\"&quot;&lt;\">x &amp; &lt;y&gt;&#xD;"
            "\xEF\xBF\xBD<c /></a>");
}

TEST(FaultTest, TableStandsInTheOrderOfTheEnumeration) {
  for (int i = 0; i <= int(Fault::unsupported_xml_node); ++i)
    EXPECT_EQ(int(info_of(Fault(i)).fault), i) << info_of(Fault(i)).code;
  EXPECT_EQ(fault_of(make_error(Fault::not_modified)).status, 304);
  EXPECT_EQ(fault_of(make_error(Fault::condition_not_met)).status, 412);
  EXPECT_EQ(fault_of(Error(Errc::exhausted, "store: disk full")).status, 507);
  EXPECT_EQ(fault_of(Error(Errc::unavailable, "store: busy")).status, 503);
}

}  // namespace
}  // namespace mlgate::blob
