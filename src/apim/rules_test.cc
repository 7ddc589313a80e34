// Rules of single entities, and texts that the entities are made of.
#include "apim/entities.h"
#include "apim/policy_text.h"
#include "apim/url_template.h"

#include <gtest/gtest.h>

namespace mlgate::apim {
namespace {

std::vector<std::string> fields_of(const Errors& errors) {
  std::vector<std::string> out;
  for (const Error& one : errors) out.push_back(one.field());
  return out;
}

Json json(std::string_view text) { return Json::parse(text).value(); }

TEST(UrlTemplate, ReadsPathAndQueryParameters) {
  const auto parsed = parse_url_template(
      "/workspaces/{workspace}/services/{service}/"
      "execute?api-version={apiversion}&details={details}");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->path, "/workspaces/{workspace}/services/{service}/execute");
  ASSERT_EQ(parsed->parameters.size(), 4U);
  EXPECT_EQ(parsed->parameters[1].name, "service");
  EXPECT_FALSE(parsed->parameters[1].in_query);
  EXPECT_EQ(parsed->parameters[3].name, "details");
  EXPECT_TRUE(parsed->parameters[3].in_query);
}

TEST(UrlTemplate, AWildcardNamesTheRestOfThePath) {
  const auto parsed = parse_url_template("/files/{*path}");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->parameters[0].name, "path");
  EXPECT_TRUE(parsed->parameters[0].wildcard);
  EXPECT_TRUE(parse_url_template("/*"));
  EXPECT_TRUE(parse_url_template("/report-{id}.csv"));
}

TEST(UrlTemplate, RefusesWhatCannotBeMatched) {
  for (const char* text :
       {"", "no-slash", "/{", "/}", "/{a", "/{a{b}}", "/{}", "/{a}/{A}", "/{a}?x={a}", "/{*a}/b",
        "/x?y={*a}", "/a b", "/a#b", "/*/b", "/a?{b}=1", "/a?=1", "/a?b=1?c=2"})
    EXPECT_FALSE(parse_url_template(text)) << text;
  EXPECT_FALSE(parse_url_template("/" + std::string(1'000, 'a')));
}

TEST(ApiRules, EveryViolationIsReportedAtOnce) {
  Errors errors;
  (void)parse_api(
      json(R"({"displayName":"","path":"a b","serviceUrl":"ftp://x","protocols":["gopher"],
    "subscriptionRequired":"yes","type":"rest","subscriptionKeyParameterNames":{"header":"a b"}})"),
      nullptr, "demo", errors);
  EXPECT_EQ(
      fields_of(errors),
      (std::vector<std::string>{"displayName", "path", "serviceUrl", "type", "protocols",
                                "subscriptionRequired", "subscriptionKeyParameterNames.header"}));
}

TEST(ApiRules, DefaultsAndTrimmedPath) {
  Errors errors;
  const Api api = parse_api(json(R"({"displayName":"X","path":"/api/x/","serviceUrl":null})"),
                            nullptr, "demo", errors);
  EXPECT_TRUE(errors.empty());
  EXPECT_EQ(api.path, "api/x");
  EXPECT_EQ(api.protocols, std::vector<std::string>{"https"});
  EXPECT_EQ(api.key_header, "Ocp-Apim-Subscription-Key");
  EXPECT_EQ(api.key_query, "subscription-key");
  EXPECT_TRUE(api.subscription_required);
  const Json shown = properties_of(api);
  EXPECT_TRUE(shown.find("description")->is_null());
  EXPECT_TRUE(shown.find("serviceUrl")->is_null());
  EXPECT_TRUE(shown["authenticationSettings"].is_object());
  EXPECT_TRUE(shown["authenticationSettings"].find("oAuth2")->is_null());
}

TEST(OperationRules, TemplateAndDeclaredParametersHaveToAgreeBothWays) {
  const auto check = [](std::string_view declared) {
    Errors errors;
    Json body = json(R"({"displayName":"X","method":"GET","urlTemplate":"/a/{x}?b={y}"})");
    body.set("templateParameters", json(declared));
    (void)parse_operation(body, nullptr, errors);
    return fields_of(errors);
  };
  EXPECT_TRUE(check(R"([{"name":"x","type":"string"},{"name":"Y","type":"string"}])").empty());
  const std::vector<std::string> refused{"templateParameters"};
  EXPECT_EQ(check("[]"), refused);
  EXPECT_EQ(check(R"([{"name":"x","type":"string"}])"), refused);
  EXPECT_EQ(check(R"([{"name":"x","type":"s"},{"name":"y","type":"s"},{"name":"z","type":"s"}])"),
            refused);
  EXPECT_EQ(check(R"([{"name":"x","type":"s"},{"name":"y"}])"),
            std::vector<std::string>{"templateParameters[1].type"});
}

TEST(SubscriptionRules, ScopesHaveShortAndFullForms) {
  const std::string full =
      "/subscriptions/S/resourceGroups/R/providers/Microsoft.ApiManagement/service/demo";
  EXPECT_EQ(parse_scope("/apis", "demo")->kind, ScopeKind::all_apis);
  EXPECT_EQ(parse_scope(full + "/apis", "demo")->kind, ScopeKind::all_apis);
  EXPECT_EQ(parse_scope(full + "/products/Starter", "DEMO")->target, "Starter");
  EXPECT_EQ(parse_scope("/apis/echo", "demo")->kind, ScopeKind::api);
  EXPECT_EQ(parse_scope(full + "/", "demo")->kind, ScopeKind::service);
  EXPECT_FALSE(parse_scope(full + "/products/x", "other"));
  EXPECT_FALSE(parse_scope("/users/1", "demo"));
  EXPECT_FALSE(parse_scope("nonsense", "demo"));
}

TEST(Names, AllowWhatAPathSegmentCanHold) {
  EXPECT_FALSE(check_resource_name("rrs-execute_1.0", kLongName));
  for (const char* name : {"", "a/b", "a*b", "a#b", "a?b", "a:b", "a;rev=2", "."})
    EXPECT_TRUE(check_resource_name(name, kLongName)) << name;
  EXPECT_TRUE(check_resource_name(std::string(81, 'a'), kShortName));
  EXPECT_FALSE(check_service_name("demoazureml"));
  for (const char* name : {"", "1a", "a-", "a_b", "-a"}) EXPECT_TRUE(check_service_name(name));
}

TEST(PolicyText, OnlyExpressionsAreConverted) {
  const std::string raw =
      "<policies>\r\n\t<inbound><!-- \"<\" -->"
      "<set-header name=\"x\"><value>@(context.Request.Headers[\"a\"] == \"}\" && 1 < 2)</value>"
      "<a b=\"@{ return \"x)\" + ')'; }\" c='plain &amp; kept' "
      "/></set-header></inbound></policies>";
  const std::string xml =
      "<policies>\r\n\t<inbound><!-- \"<\" -->"
      "<set-header name=\"x\"><value>@(context.Request.Headers[\"a\"] == \"}\" &amp;&amp; 1 &lt; "
      "2)</value>"
      "<a b=\"@{ return &quot;x)&quot; + ')'; }\" c='plain &amp; kept' /></set-header></inbound>"
      "</policies>";
  EXPECT_EQ(convert_policy(raw, PolicyFormat::rawxml, PolicyFormat::xml), xml);
  EXPECT_EQ(convert_policy(xml, PolicyFormat::xml, PolicyFormat::rawxml), raw);
  EXPECT_EQ(convert_policy(raw, PolicyFormat::rawxml, PolicyFormat::rawxml), raw);
}

TEST(PolicyText, InterpolatedAndVerbatimStringsDoNotEndAnExpression) {
  const std::string raw =
      "<a b=\"@($\"{x[\"k\"]}\" + @\"c:\\\" + \"\\\"\")\" /><b>@{ /* } */ return '\"'; }</b>";
  const std::string xml = convert_policy(raw, PolicyFormat::rawxml, PolicyFormat::xml);
  EXPECT_EQ(xml,
            "<a b=\"@($&quot;{x[&quot;k&quot;]}&quot; + @&quot;c:\\&quot; + "
            "&quot;\\&quot;&quot;)\" /><b>@{ /* } */ return '\"'; }</b>");
  EXPECT_EQ(convert_policy(xml, PolicyFormat::xml, PolicyFormat::rawxml), raw);
}

TEST(PolicyText, AnythingGoesInWithoutACrash) {
  for (const char* text : {"", "<", "<a b=\"", "<a b=\"@(", "@(", "<a>@{", "<!--", "<![CDATA[",
                           "<a b='@(\"'/>", "&#x110000;", "<a b=\"@(&#0;&#xD800;&#65;)\"/>"})
    for (const PolicyFormat from : {PolicyFormat::xml, PolicyFormat::rawxml})
      EXPECT_NO_FATAL_FAILURE((void)convert_policy(
          text, from, from == PolicyFormat::xml ? PolicyFormat::rawxml : PolicyFormat::xml));
  EXPECT_EQ(convert_policy("<a b=\"@(&#65;)\"/>", PolicyFormat::xml, PolicyFormat::rawxml),
            "<a b=\"@(A)\"/>");
}

}  // namespace
}  // namespace mlgate::apim
