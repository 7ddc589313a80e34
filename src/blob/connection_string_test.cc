#include "blob/connection_string.h"

#include <gtest/gtest.h>

namespace mlgate::blob {
namespace {

std::string refusal(std::string_view text) {
  const auto parsed = parse_connection_string(text);
  return parsed ? std::string() : parsed.error().message();
}

TEST(ConnectionString, WithAnAccountKey) {
  const auto parsed = parse_connection_string(
      " DefaultEndpointsProtocol=http;accountname=Books;AccountKey=c2VjcmV0;Unknown=1; ");
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(parsed->account, "books");
  const auto address = address_of(*parsed, "/box/a folder/in.csv");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->place.container, "box");
  EXPECT_EQ(address->place.blob, "a folder/in.csv");
  EXPECT_EQ(address->base, "") << "it may be the embedded one";
  EXPECT_EQ(address->url(), "http://books.blob.core.windows.net/box/a%20folder/in.csv");
}

TEST(ConnectionString, WithASuffixAnEndpointOrATokenAndForDevelopment) {
  const auto suffixed = parse_connection_string(
      "AccountName=a;AccountKey=c2VjcmV0;EndpointSuffix=core.chinacloudapi.cn");
  EXPECT_EQ(address_of(*suffixed, "box/b.csv")->url(),
            "https://a.blob.core.chinacloudapi.cn/box/b.csv");
  const auto token = parse_connection_string(
      "BlobEndpoint=http://127.0.0.1:10000/a/;SharedAccessSignature=?sv=2020-02-10&sig=x%3D");
  ASSERT_TRUE(token) << token.error().message();
  const auto address = address_of(*token, "box/b.csv");
  EXPECT_EQ(address->place.account, "a");
  EXPECT_EQ(address->sas, "sv=2020-02-10&sig=x%3D");
  EXPECT_EQ(address->url(), "http://127.0.0.1:10000/a/box/b.csv");
  const auto local = parse_connection_string("UseDevelopmentStorage=true");
  EXPECT_TRUE(address_of(*local, "box/b.csv")->development);
}

TEST(ConnectionString, RefusalsNameTheMemberAndNoSecret) {
  EXPECT_EQ(refusal(""), "it is empty");
  EXPECT_EQ(refusal("AccountName"), "its members have the form Name=Value");
  EXPECT_EQ(refusal("AccountName=a"), "AccountKey is missing");
  EXPECT_EQ(refusal("AccountKey=c2VjcmV0"), "AccountName is missing");
  EXPECT_EQ(refusal("AccountName=a;AccountKey=!secret!"), "AccountKey is not base64");
  EXPECT_EQ(refusal("AccountName=a/b;AccountKey=c2VjcmV0"), "AccountName is not an account's name");
  EXPECT_EQ(refusal("AccountName=a;AccountKey=c2VjcmV0;BlobEndpoint=ftp://x"),
            "BlobEndpoint is not an http or https address");
  EXPECT_EQ(refusal("AccountName=a;AccountKey=c2VjcmV0;EndpointSuffix=a/b"),
            "EndpointSuffix is not a host name");
  EXPECT_EQ(refusal("AccountName=a;SharedAccessSignature=sv=1"),
            "SharedAccessSignature has no signature");
  EXPECT_EQ(refusal("UseDevelopmentStorage=maybe"), "UseDevelopmentStorage has to be true");
}

TEST(RelativeLocation, NamesContainerAndBlob) {
  const auto code = [](std::string_view text) {
    const auto place = parse_relative_location(text);
    return place ? std::string() : place.error().field();
  };
  EXPECT_EQ(code("/box/b.csv"), "");
  EXPECT_EQ(code(""), "ContainerIsEmpty");
  EXPECT_EQ(code("//"), "ContainerIsEmpty");
  EXPECT_EQ(code("b.csv"), "ContainerSegmentInvalid");
  EXPECT_EQ(code("UPPER/b.csv"), "ContainerSegmentInvalid");
  EXPECT_EQ(code("a--b/b.csv"), "ContainerSegmentInvalid");
  EXPECT_EQ(code("box/"), "InputBlobRelativeLocationInvalid");
  EXPECT_EQ(code("box"), "InputBlobRelativeLocationInvalid");
  EXPECT_EQ(code("box/a\x01"), "InputBlobRelativeLocationInvalid");
}

TEST(BaseLocation, InHostStyleAndPathStyle) {
  EXPECT_EQ(address_of("https://acct.blob.core.windows.net/", "box/b.csv", "?sig=1")->place.account,
            "acct");
  const auto path = address_of("http://localhost:10000/dev/", "box/b.csv", "sig=1");
  EXPECT_EQ(path->place.account, "dev");
  EXPECT_EQ(path->sas, "sig=1");
  EXPECT_FALSE(address_of("https://a/b/c", "box/b.csv", ""));
  EXPECT_FALSE(address_of("https://a?x=1", "box/b.csv", ""));
}

}  // namespace
}  // namespace mlgate::blob
