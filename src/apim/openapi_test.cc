#include "apim/openapi.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mlgate::apim {
namespace {

Api demo_api() {
  Api api;
  api.name = "demo";
  api.display_name = "AzureML Demo API";
  api.description = "Hashes text.";
  return api;
}

Operation execute() {
  Operation out;
  out.name = "rrs-execute";
  out.display_name = "RRS Execute";
  out.method = "POST";
  out.url_template = "/workspaces/{workspace}/execute?api-version={apiversion}&kind=x%20y";
  out.template_parameters = Json::parse(R"([
      {"name":"workspace","type":"string","description":"Its id","required":true,"values":[]},
      {"name":"apiversion","type":"weird","defaultValue":"2.0","required":true,
       "values":["2.0"]}])")
                                .value();
  out.properties = Json::parse(R"({"description":"Scores.","request":{
      "queryParameters":[{"name":"top","type":"integer"}],
      "headers":[{"name":"Authorization","type":"string"},{"name":"X-A","type":"string"}],
      "representations":[{"contentType":"application/json",
                          "examples":{"default":{"value":{"a":1}}}}]},
      "responses":[{"statusCode":200,"description":"OK","headers":[],"representations":[]}]})")
                       .value();
  return out;
}

TEST(OpenApi, HoldsWhatACallNeeds) {
  const Json document =
      to_openapi(demo_api(), {execute()}, {.url = "https://localhost:8443/azureml-demo"});
  EXPECT_EQ(document.string_or("openapi"), "3.0.1");
  EXPECT_EQ(document["info"].dump(),
            R"({"title":"AzureML Demo API","version":"1.0","description":"Hashes text."})");
  EXPECT_EQ(document["servers"].dump(), R"([{"url":"https://localhost:8443/azureml-demo"}])");
  const Json& post = document["paths"]["/workspaces/{workspace}/execute"]["post"];
  EXPECT_EQ(post.string_or("operationId"), "rrs-execute");
  std::vector<std::string> parameters;
  for (const Json& one : post["parameters"].items()) parameters.push_back(one.dump());
  EXPECT_THAT(parameters,
              testing::ElementsAre(
                  R"({"name":"workspace","in":"path","description":"Its id","required":true,)"
                  R"("schema":{"type":"string"}})",
                  R"({"name":"api-version","in":"query","required":true,)"
                  R"("schema":{"type":"string","enum":["2.0"],"default":"2.0"}})",
                  R"({"name":"kind","in":"query","required":true,)"
                  R"("schema":{"type":"string","enum":["x y"]}})",
                  R"({"name":"top","in":"query","schema":{"type":"integer"}})",
                  R"({"name":"X-A","in":"header","schema":{"type":"string"}})"));
  EXPECT_EQ(post["requestBody"]["content"].dump(),
            R"({"application/json":{"examples":{"default":{"value":{"a":1}}}}})");
  EXPECT_EQ(post["responses"].dump(), R"({"200":{"description":"OK"}})");
  EXPECT_EQ(document["components"]["securitySchemes"]["apiKeyHeader"].string_or("name"),
            "Ocp-Apim-Subscription-Key");
}

TEST(OpenApi, LeavesOutWhatTheFormatCannotSay) {
  Operation purge = execute(), rest = execute();
  purge.method = "PURGE";
  rest.method = "GET";
  rest.url_template = "/files/{*rest}";
  rest.properties = Json::object();
  Api api = demo_api();
  api.subscription_required = false;
  const Json document = to_openapi(api, {purge, rest},
                                   {.url = "https://x",
                                    .version_header = "Api-Version",
                                    .version_value = "v2",
                                    .version_query = ""});
  ASSERT_EQ(document["paths"].members().size(), 1u);
  EXPECT_TRUE(document["paths"]["/workspaces/{workspace}/execute"].is_null());
  const Json& get = document["paths"]["/files/{rest}"]["get"];
  EXPECT_EQ(get["parameters"].items().size(), 2u);
  EXPECT_EQ(get["parameters"].items()[1].string_or("name"), "Api-Version");
  EXPECT_EQ(get["responses"].members().size(), 1u);
  EXPECT_EQ(document.find("security"), nullptr);
}

}  // namespace
}  // namespace mlgate::apim
