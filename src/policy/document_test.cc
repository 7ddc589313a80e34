#include "policy/catalog.h"
#include "policy/pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mlgate::policy {
namespace {

using testing::ElementsAre;

std::vector<std::string> check(std::string_view text, Scope scope = Scope::product,
                               Format format = Format::xml, const NamedValues& values = {}) {
  std::vector<std::string> out;
  for (const auto& error : check_document(builtin_policies(), text, format, scope, values)) {
    out.push_back(error.message());
  }
  return out;
}

std::string with_inbound(std::string_view inner) {
  return "<policies>\n\t<inbound>\n" + std::string(inner) + "\n\t</inbound>\n</policies>";
}

TEST(Document, OrdinaryDocumentsAreAccepted) {
  EXPECT_THAT(check(R"(<!-- a comment: <b> & "c" -->
<policies>
    <inbound>
        <base />
        <rate-limit calls="5" renewal-period="60" remaining-calls-header-name="X-Left" id="r1">
            <api name="Echo API" calls="3" renewal-period="60">
                <operation id="retrieve" calls="2" renewal-period="10" />
            </api>
        </rate-limit>
        <quota calls="100" bandwidth="40000" renewal-period="604800" />
        <set-header name="X-A" exists-action="append">
            <value>a &amp; b</value><value><![CDATA[<c>]]></value>
        </set-header>
    </inbound>
    <backend><forward-request timeout="20" /></backend>
    <outbound />
    <on-error><base /></on-error>
</policies>)"),
              ElementsAre());
}

TEST(Document, EveryErrorIsReportedInDocumentOrderWithItsPlace) {
  EXPECT_THAT(
      check("<policies>\n"
            "  <inbound>\n"
            "    <rate-limit calls=\"0\" renewal-period=\"301\" />\n"
            "    <nonsense />\n"
            "    <forward-request />\n"
            "    <rate-limit renewal-period=\"1\" color=\"red\" calls=\"1\" />\n"
            "    <set-header>text</set-header>\n"
            "    <choose />\n"
            "  </inbound>\n"
            "</policies>"),
      ElementsAre(
          "Error in element 'rate-limit' on line 3, column 5: The 'calls' attribute is invalid - "
          "The "
          "value '0' is invalid. The value must be a whole number from 1 to 2147483647.",
          "Error in element 'rate-limit' on line 3, column 5: The 'renewal-period' attribute is "
          "invalid - The value '301' is invalid. The value must be a whole number from 1 to 300.",
          "Error in element 'nonsense' on line 4, column 5: The element 'inbound' has invalid "
          "child "
          "element 'nonsense'. List of possible elements expected: 'base', 'rate-limit', "
          "'rate-limit-by-key', 'quota', 'quota-by-key', 'limit-concurrency', 'set-header', "
          "'set-backend-service', 'set-variable', 'return-response'.",
          "Error in element 'forward-request' on line 5, column 5: Policy is not allowed in the "
          "'inbound' section.",
          "Error in element 'rate-limit' on line 6, column 5: Only one 'rate-limit' policy is "
          "allowed in a policy document.",
          "Error in element 'set-header' on line 7, column 5: The required attribute 'name' is "
          "missing.",
          "Error in element 'set-header' on line 7, column 5: The element 'set-header' cannot "
          "contain text. List of possible elements expected: 'value'.",
          "Error in element 'choose' on line 8, column 5: Policy 'choose' is not supported by this "
          "build."));
}

TEST(Document, PlacesAreChecked) {
  EXPECT_THAT(check(with_inbound("<quota calls='1' renewal-period='0'/>"), Scope::api),
              ElementsAre("Error in element 'quota' on line 3, column 1: Policy is not allowed in "
                          "the 'api' scope."));
  EXPECT_THAT(
      check("<policies><backend><base/><forward-request/></backend></policies>"),
      ElementsAre("Error in element 'forward-request' on line 1, column 27: Only one element "
                  "of the 'backend' section may forward the request: 'forward-request' or "
                  "'base'."));
  EXPECT_THAT(
      check("<policies><inbound/><inbound/></policies>"),
      ElementsAre("Error in element 'inbound' on line 1, column 21: The element 'policies' "
                  "has invalid child element 'inbound'. List of possible elements expected: "
                  "'backend', 'outbound', 'on-error'."));
  EXPECT_THAT(check("<fragment/>"),
              ElementsAre("Error in element 'fragment' on line 1, column 1: The 'fragment' element "
                          "is not declared. List of possible elements expected: 'policies'."));
  EXPECT_THAT(
      check(with_inbound("<set-header name='A'><val>x</val></set-header>")),
      ElementsAre("Error in element 'val' on line 3, column 22: The element 'set-header' has "
                  "invalid child element 'val'. List of possible elements expected: "
                  "'value'."));
  EXPECT_THAT(
      check(with_inbound("<set-header name='content-length'><value>1</value></set-header>")),
      ElementsAre("Error in element 'set-header' on line 3, column 1: The 'name' attribute "
                  "is invalid - The value 'content-length' is invalid. The header cannot be "
                  "changed."));
  EXPECT_THAT(check(with_inbound("<quota renewal-period='60'/>")),
              ElementsAre("Error in element 'quota' on line 3, column 1: The required attribute "
                          "'calls' is missing."));
}

TEST(Document, WhatIsNoXmlHasOneErrorWithoutAField) {
  const auto one = [](std::string_view text) {
    const auto errors = check_document(builtin_policies(), text, Format::xml, Scope::global);
    EXPECT_EQ(errors.size(), 1u);
    EXPECT_EQ(errors.empty() ? "?" : errors[0].field(), "");
    return errors.empty() ? std::string() : errors[0].message();
  };
  EXPECT_EQ(one("hello"), "Data at the root level is invalid. Line 1, position 1.");
  EXPECT_EQ(one("  "), "Root element is missing. Line 1, position 3.");
  EXPECT_EQ(
      one("<policies>\n<inbound></policies>"),
      "The 'inbound' start tag on line 2 position 2 does not match the end tag of 'policies'. "
      "Line 2, position 12.");
  EXPECT_EQ(one("<policies a='1' a='2'/>"),
            "'a' is a duplicate attribute name. Line 1, position 17.");
  EXPECT_EQ(one("<policies a='&nope;'/>"),
            "Reference to undeclared entity 'nope'. Line 1, position 15.");
  EXPECT_EQ(one("<policies a=\"1\"b=\"2\"/>"),
            "'b' is an unexpected token. Expecting white space. Line 1, position 16.");
  EXPECT_EQ(one("<!DOCTYPE x><policies/>"),
            "For security reasons DTD is prohibited in this XML document. Line 1, position 1.");
  EXPECT_EQ(one("<policies/><policies/>"),
            "There are multiple root elements. Line 1, position 13.");
}

TEST(Document, ExpressionsAreFoundInBothFormatsAndRefused) {
  const std::vector<std::string> refused = {
      "Error in element 'set-header' on line 3, column 1: Policy expression in attribute 'name' is "
      "not supported by this build.",
      "Error in element 'value' on line 3, column 67: Policy expressions are not supported by this "
      "build."};
  // As typed in an editor: quotes, angle brackets and ampersands in the clear.
  auto raw =
      check(with_inbound("<set-header name=\"@(a[\"b)\"] + '\\\"' + $\"{c[\"}\"]}\" + @\"\"\"\")\">"
                         "<value>@{ if (a < b && c) { return \"</value>\"; } /* ) */ }</value>"
                         "</set-header>"),
            Scope::product, Format::rawxml);
  ASSERT_EQ(raw.size(), 2u);
  EXPECT_EQ(raw[0], refused[0]);
  EXPECT_THAT(raw[1], testing::HasSubstr("Policy expressions are not supported by this build."));
  auto xml =
      check(with_inbound("<set-header name=\"@(a[&quot;b)&quot;])\">"
                         "<value>@(a &lt; b &amp;&amp; c)</value></set-header>"));
  ASSERT_EQ(xml.size(), 2u);
  EXPECT_EQ(xml[0], refused[0]);
  EXPECT_THAT(check(with_inbound("<rate-limit calls=\"@(5)\" renewal-period=\"60\"/>")),
              ElementsAre("Error in element 'rate-limit' on line 3, column 1: Policy expression is "
                          "not allowed in attribute 'calls'."));
  // What only looks like one is text.
  EXPECT_THAT(check(with_inbound("<set-header name='A'><value>@(a) b</value><value>a@b</value>"
                                 "<value>@(open</value></set-header>"),
                    Scope::product, Format::rawxml),
              ElementsAre());
}

TEST(Document, NamedValuesArePutInAndPlacesStayThoseOfTheTextAsSent) {
  const NamedValues values = [](std::string_view name) -> std::optional<NamedValue> {
    if (name == "calls") return NamedValue{.text = "5"};
    if (name == "long") return NamedValue{.text = "a very long\nvalue\nof several lines"};
    return std::nullopt;
  };
  EXPECT_THAT(check(with_inbound("<rate-limit calls='{{calls}}' renewal-period='60'/>"),
                    Scope::product, Format::xml, values),
              ElementsAre());
  EXPECT_THAT(
      check(with_inbound("<set-header name='A'><value>{{long}}</value></set-header><nope/>"),
            Scope::product, Format::xml, values),
      ElementsAre("Error in element 'value' on line 3, column 22: The value of a header cannot "
                  "contain control characters.",
                  testing::StartsWith("Error in element 'nope' on line 3, column 58: ")));
  const auto errors =
      check_document(builtin_policies(), with_inbound("<set-header name='{{x.y}}'/>"), Format::xml,
                     Scope::product, values);
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].message(), "Cannot find a property 'x.y'");
  EXPECT_EQ(errors[0].field(), "set-header");
}

TEST(Document, KnowsTheSecretsInItAsWrittenAndAsRead) {
  const NamedValues values = [](std::string_view name) -> std::optional<NamedValue> {
    if (name == "open") return NamedValue{.text = "open"};
    if (name == "plain") return NamedValue{.text = "sesame", .secret = true};
    return NamedValue{.text = " a&amp;b&nope;c ", .secret = true};
  };
  const auto compiled = compile_document(
      builtin_policies(),
      with_inbound("<set-variable name='{{open}}' value='{{plain}} {{escaped}}'/>"), Format::rawxml,
      {.scope = Scope::api}, values);
  // The text that is no XML is refused, and its secrets with it.
  EXPECT_FALSE(compiled.errors.empty());
  EXPECT_FALSE(compiled.document);
  const NamedValues good = [&](std::string_view name) -> std::optional<NamedValue> {
    if (name != "escaped") return values(name);
    return NamedValue{.text = " a&amp;b&#x63; ", .secret = true};
  };
  const auto document =
      compile_document(
          builtin_policies(),
          with_inbound("<set-variable name='{{open}}' value='{{plain}} {{escaped}} {{plain}}'/>"),
          Format::rawxml, {.scope = Scope::api}, good)
          .document;
  ASSERT_TRUE(document);
  EXPECT_THAT(document->secrets, ElementsAre("sesame", "a&amp;b&#x63;", "a&bc"));
}

TEST(Document, SizeAndDepthAreLimited) {
  EXPECT_THAT(check(std::string(kDocumentBytesMax + 1, ' ')),
              ElementsAre("The policy document is larger than 262144 bytes."));
  std::string deep;
  for (int i = 0; i < 1000; ++i) deep += "<a>";
  EXPECT_THAT(check(deep),
              ElementsAre("Elements are nested deeper than 64. Line 1, position 193."));
}

// ---- Flattening

std::shared_ptr<const CompiledDocument> document(std::string_view text, Scope scope) {
  auto compiled = compile_document(builtin_policies(), text, Format::xml, {.scope = scope});
  EXPECT_TRUE(compiled.document) << (compiled.errors.empty() ? "" : compiled.errors[0].message());
  return compiled.document;
}

std::string order(const Pipeline& pipeline, Section section) {
  std::string out;
  for (const auto& step : pipeline[section]) {
    out += (out.empty() ? "" : " ") + std::string(step.id.empty() ? step.source : step.id);
  }
  return out;
}

std::string marked(std::string_view inner) {
  return "<policies><inbound>" + std::string(inner) + "</inbound></policies>";
}
std::string mark(std::string_view id) {
  return "<set-header id='" + std::string(id) + "' name='X' exists-action='delete'/>";
}

TEST(Pipeline, BaseStandsForTheNextWiderScope) {
  const auto global = document(marked(mark("g")), Scope::global);
  const auto product = document(marked("<base/>" + mark("p")), Scope::product);
  const auto api = document(marked(mark("a1") + "<base/>" + mark("a2") + "<base/>"), Scope::api);
  const auto flat = flatten(std::vector{api, product, global});
  ASSERT_TRUE(flat);
  EXPECT_EQ(order(**flat, Section::inbound), "a1 g p a2 g p");
  EXPECT_EQ((**flat)[Section::inbound][1].scope, Scope::global);
  EXPECT_EQ(order(*flatten(std::vector{api, decltype(api)(), global}).value(), Section::inbound),
            "a1 g a2 g");
}

TEST(Pipeline, AnAbsentSectionInheritsAndAnEmptyOneDoesNot) {
  const auto global = document(marked(mark("g")), Scope::global);
  const auto absent = document("<policies><outbound/></policies>", Scope::api);
  const auto empty = document("<policies><inbound/><backend/></policies>", Scope::api);
  EXPECT_EQ(order(*flatten(std::vector{absent, global}).value(), Section::inbound), "g");
  EXPECT_EQ(order(*flatten(std::vector{empty, global}).value(), Section::inbound), "");
  EXPECT_EQ(order(*flatten(std::vector{empty, global}).value(), Section::backend), "");
  EXPECT_EQ(order(*flatten(std::vector{absent, global}).value(), Section::backend),
            "forward-request");
  EXPECT_EQ(order(*flatten({}).value(), Section::backend), "forward-request");
}

TEST(Pipeline, MultipliedBasesAreLimited) {
  std::string many;
  for (int i = 0; i < 200; ++i) many += "<base/>";
  const auto wide = document(marked(mark("g")), Scope::global);
  const auto narrow = document(marked(many), Scope::api);
  EXPECT_FALSE(flatten(std::vector{narrow, narrow, narrow, wide}));
}

}  // namespace
}  // namespace mlgate::policy
