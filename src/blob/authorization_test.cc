#include "blob/authorization.h"

#include "base/text.h"
#include "blob/fault.h"

#include <gtest/gtest.h>

namespace mlgate::blob {
namespace {

http::Fields fields_of(std::initializer_list<http::Field> list) {
  http::Fields fields;
  for (const http::Field& field : list) fields.add(field.name, field.value);
  return fields;
}

TEST(SharedKey, SignsThirteenLinesAndThenHeadersAndResource) {
  const http::Fields headers = fields_of({{"x-ms-version", "2015-02-21"},
                                          {"X-MS-Date", "Fri, 26 Jun 2015 23:39:12 GMT"},
                                          {"Host", "myaccount.blob.core.windows.net"}});
  const SignedRequest request{"GET", "/mycontainer", "restype=container&comp=metadata&timeout=20",
                              &headers, 0};
  EXPECT_EQ(shared_key_string(request, "myaccount"),
            "GET\n\n\n\n\n\n\n\n\n\n\n\n"
            "x-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\nx-ms-version:2015-02-21\n"
            "/myaccount/mycontainer\ncomp:metadata\nrestype:container\ntimeout:20");
}

TEST(SharedKey, HasEveryLineAtItsPlace) {
  const http::Fields headers = fields_of({{"Content-Encoding", "enc"},
                                          {"Content-Language", "lang"},
                                          {"Content-MD5", "md5"},
                                          {"Content-Type", "type"},
                                          {"Date", "date"},
                                          {"If-Modified-Since", "ims"},
                                          {"If-Match", "im"},
                                          {"If-None-Match", "inm"},
                                          {"If-Unmodified-Since", "ius"},
                                          {"Range", "range"},
                                          {"x-ms-version", "2020-01-01"}});
  const SignedRequest request{"PUT", "/a%20b", "include=snapshots&include=metadata&Comp=x%2Cy",
                              &headers, 12};
  EXPECT_EQ(shared_key_string(request, "acc"),
            "PUT\nenc\nlang\n12\nmd5\ntype\ndate\nims\nim\ninm\nius\nrange\n"
            "x-ms-version:2020-01-01\n/acc/a%20b\ncomp:x,y\ninclude:metadata,snapshots");
}

TEST(SharedKey, WritesAZeroLengthAsClientsOfBefore2015Do) {
  http::Fields headers =
      fields_of({{"Content-Length", "0"}, {"x-ms-date", "d"}, {"x-ms-version", "2012-02-12"}});
  const SignedRequest request{"PUT", "/c", "restype=container", &headers, 0};
  EXPECT_TRUE(shared_key_string(request, "a").starts_with("PUT\n\n\n0\n"));
  headers.list()[2].value = "2015-02-21";
  EXPECT_TRUE(shared_key_string(request, "a").starts_with("PUT\n\n\n\n"));
}

TEST(SharedKey, LiteSignsOnlyTheComponent) {
  const http::Fields headers = fields_of({{"Content-Type", "text/plain; charset=UTF-8"},
                                          {"x-ms-date", "Sun, 20 Sep 2009 20:36:40 GMT"},
                                          {"x-ms-meta-m1", "v1"},
                                          {"x-ms-meta-m2", "v2"}});
  const SignedRequest request{"PUT", "/testcontainer", "restype=container&comp=acl", &headers, 7};
  EXPECT_EQ(shared_key_lite_string(request, "acc"),
            "PUT\n\ntext/plain; charset=UTF-8\n\n"
            "x-ms-date:Sun, 20 Sep 2009 20:36:40 GMT\nx-ms-meta-m1:v1\nx-ms-meta-m2:v2\n"
            "/acc/testcontainer?comp=acl");
}

TEST(SharedKey, OrdersHeadersAsBytesOrAsWords) {
  const http::Fields headers =
      fields_of({{"x-ms-meta-a_b", "1"}, {"x-ms-meta-ab", "2"}, {"x-ms-meta-a-c", "3"}});
  const SignedRequest request{"GET", "/c", "", &headers, 0};
  const std::string bytes = shared_key_string(request, "a", HeaderOrder::bytes);
  const std::string words = shared_key_string(request, "a", HeaderOrder::words);
  EXPECT_LT(bytes.find("a-c"), bytes.find("a_b"));
  EXPECT_LT(bytes.find("a_b"), bytes.find("ab:"));
  // As words, '_' is a sign before the letters, and '-' hardly counts.
  EXPECT_LT(words.find("a_b"), words.find("ab:"));
  EXPECT_LT(words.find("ab:"), words.find("a-c"));
  for (const HeaderOrder order : {HeaderOrder::bytes, HeaderOrder::words}) {
    const std::string signature =
        sign(kDevelopmentKey, shared_key_string(request, "a", order)).value();
    const std::string value = "SharedKey a:" + signature;
    EXPECT_TRUE(verify_shared_key(request, parse_authorization(value).value(), kDevelopmentKey));
  }
}

TEST(SharedKey, VerifiesWhatItSignsAndNothingElse) {
  const http::Fields headers = fields_of({{"x-ms-date", "d"}, {"x-ms-version", "2020-01-01"}});
  SignedRequest request{"GET", "/c", "comp=list", &headers, 0};
  const std::string value = shared_key_authorization(request, "acc", kDevelopmentKey).value();
  const AuthorizationField field = parse_authorization(value).value();
  EXPECT_EQ(field.account, "acc");
  EXPECT_TRUE(verify_shared_key(request, field, kDevelopmentKey));
  EXPECT_FALSE(verify_shared_key(request, field, std::string(86, 'A') + "=="));
  EXPECT_FALSE(verify_shared_key(request, field, "not base64"));
  request.path = "/d";
  EXPECT_FALSE(verify_shared_key(request, field, kDevelopmentKey));
}

TEST(Authorization, RefusesWhatIsNoField) {
  for (const char* value :
       {"", "SharedKey", "SharedKey a", "SharedKey :x", "SharedKey a:", "Basic abc", "Bearer "})
    EXPECT_TRUE(is_fault(parse_authorization(value).error(), Fault::invalid_authentication_info))
        << value;
  EXPECT_EQ(parse_authorization("Bearer x.y.z").value().signature, "x.y.z");
}

// Service SAS: one string for each span of versions. -------------------------------------------

Sas service_sas(const char* version) {
  Sas sas;
  sas.sv = version;
  sas.sp = "r";
  sas.st = "S";
  sas.se = "E";
  sas.si = "I";
  sas.sip = "P";
  sas.spr = "https";
  sas.sr = "b";
  sas.ses = "Q";
  sas.rscc = "1";
  sas.rscd = "2";
  sas.rsce = "3";
  sas.rscl = "4";
  sas.rsct = "5";
  return sas;
}

std::string service_string(const char* version) {
  return service_sas_string(service_sas(version), {"a", "c", "b/x", "T"}).value();
}

TEST(ServiceSas, SignsWhatItsVersionSays) {
  EXPECT_EQ(service_string(""), "r\nS\nE\n/a/c/b/x\nI");
  EXPECT_EQ(service_string("2012-02-12"), "r\nS\nE\n/a/c/b/x\nI\n2012-02-12");
  EXPECT_EQ(service_string("2013-08-15"), "r\nS\nE\n/a/c/b/x\nI\n2013-08-15\n1\n2\n3\n4\n5");
  EXPECT_EQ(service_string("2015-02-21"), "r\nS\nE\n/blob/a/c/b/x\nI\n2015-02-21\n1\n2\n3\n4\n5");
  EXPECT_EQ(service_string("2015-04-05"),
            "r\nS\nE\n/blob/a/c/b/x\nI\nP\nhttps\n2015-04-05\n1\n2\n3\n4\n5");
  EXPECT_EQ(service_string("2018-11-09"),
            "r\nS\nE\n/blob/a/c/b/x\nI\nP\nhttps\n2018-11-09\nb\nT\n1\n2\n3\n4\n5");
  EXPECT_EQ(service_string("2020-12-06"),
            "r\nS\nE\n/blob/a/c/b/x\nI\nP\nhttps\n2020-12-06\nb\nT\nQ\n1\n2\n3\n4\n5");
  EXPECT_FALSE(service_sas_string(service_sas("2011-08-18"), {"a", "c", "", ""}).has_value());
}

TEST(AccountSas, EndsWithALine) {
  Sas sas = service_sas("2015-04-05");
  sas.ss = "b";
  sas.srt = "co";
  EXPECT_EQ(account_sas_string(sas, "a").value(), "a\nr\nb\nco\nS\nE\nP\nhttps\n2015-04-05\n");
  sas.sv = "2020-12-06";
  EXPECT_EQ(account_sas_string(sas, "a").value(), "a\nr\nb\nco\nS\nE\nP\nhttps\n2020-12-06\nQ\n");
  sas.sv = "2014-02-14";
  EXPECT_FALSE(account_sas_string(sas, "a").has_value());
}

TEST(UserDelegationSas, SignsTheKeysFields) {
  Sas sas = service_sas("2018-11-09");
  sas.skoid = "o", sas.sktid = "t", sas.skt = "ks", sas.ske = "ke", sas.sks = "b", sas.skv = "kv";
  sas.saoid = "A", sas.suoid = "U", sas.scid = "C", sas.skdutid = "D", sas.sduoid = "F";
  const SasTarget target{"a", "c", "b", ""};
  const auto string_of = [&](const char* version) {
    sas.sv = version;
    return user_delegation_sas_string(sas, target).value();
  };
  const std::string begin = "r\nS\nE\n/blob/a/c/b\no\nt\nks\nke\nb\nkv\n";
  EXPECT_EQ(string_of("2018-11-09"), begin + "P\nhttps\n2018-11-09\nb\n\n1\n2\n3\n4\n5");
  EXPECT_EQ(string_of("2020-02-10"), begin + "A\nU\nC\nP\nhttps\n2020-02-10\nb\n\n1\n2\n3\n4\n5");
  EXPECT_EQ(string_of("2020-12-06"),
            begin + "A\nU\nC\nP\nhttps\n2020-12-06\nb\n\nQ\n1\n2\n3\n4\n5");
  EXPECT_EQ(string_of("2025-07-05"),
            begin + "A\nU\nC\nD\nF\nP\nhttps\n2025-07-05\nb\n\nQ\n1\n2\n3\n4\n5");
  EXPECT_EQ(string_of("2026-04-06"),
            begin + "A\nU\nC\nD\nF\nP\nhttps\n2026-04-06\nb\n\nQ\n\n\n1\n2\n3\n4\n5");
  sas.sv = "2017-11-09";
  EXPECT_FALSE(user_delegation_sas_string(sas, target).has_value());
}

TEST(Sas, ReadsWhatItWrites) {
  Sas sas = service_sas("2020-12-06");
  sas.sig = "a+b/c=";
  sas.rsct = "text/csv; charset=utf-8";
  const std::string query = sas_query(sas);
  EXPECT_EQ(query.find('+'), std::string::npos);
  const auto again = parse_sas("?" + query).value();
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->sig, sas.sig);
  EXPECT_EQ(again->rsct, sas.rsct);
  EXPECT_EQ(sas_query(*again), query);
}

TEST(Sas, IsNoneWithoutASignatureAndAnErrorWhenItIsAmbiguous) {
  EXPECT_FALSE(parse_sas("sv=2015-04-05&sp=r").value().has_value());
  EXPECT_FALSE(parse_sas("").value().has_value());
  for (const char* query : {"sig=a&sp=r&sp=rw", "sig=%zz", "sig=a&sv=latest", "sig=a&sp=r%0Aw"})
    EXPECT_TRUE(is_fault(parse_sas(query).error(), Fault::invalid_query_parameter_value)) << query;
}

TEST(Sas, MadeHereVerifies) {
  const SasTarget target{"acc", "c", "folder/out 1.csv", ""};
  const std::string token =
      make_service_sas(target, {.start_ms = 1'000'000, .expiry_ms = 90'000'000}, kDevelopmentKey)
          .value();
  const Sas sas = **parse_sas(token);
  EXPECT_EQ(sas.sv, "2013-08-15");
  EXPECT_EQ(sas.st, "1970-01-01T00:16:40Z");
  EXPECT_TRUE(verify(kDevelopmentKey, service_sas_string(sas, target).value(), sas.sig));
  EXPECT_FALSE(make_service_sas(target, {.expiry_ms = 1}, "?").has_value());
}

}  // namespace
}  // namespace mlgate::blob
