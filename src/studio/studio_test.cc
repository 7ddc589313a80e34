// Studio as its clients see it, on a real store in a folder of its own: the tutorial from a blank
// experiment to the score, datasets by upload and signed link, and what is refused.
#include "studio/studio.h"

#include "studio/files.h"
#include "webservice/request_response.h"
#include "webservice/test_support.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <deque>
#include <filesystem>
#include <memory>

namespace mlgate::studio {
namespace {

class StudioTest : public ::testing::Test {
 protected:
  StudioTest() {
    std::string path = (std::filesystem::temp_directory_path() / "mlgate.XXXXXX").string();
    folder_ = ::mkdtemp(path.data());
    ml::register_modules(catalogue_);
    vault_ = std::make_unique<store::Vault>(*store::Vault::open((folder_ / "master.key").string()));
    sample_ = *read_file(MLGATE_SOURCE_DIR "/src/ml/samples/book_reviews.tsv");
    open();
    workspace_ = *registry_->create_workspace("Workspace", "owner@example.com");
  }
  ~StudioTest() override {
    close();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  void close() {
    studio_.reset();
    registry_.reset();
    datasets_.reset();
    store_.reset();
  }
  void open() {
    store_ = *store::open_sqlite((folder_ / "store.db").string());
    datasets_ = std::make_unique<Datasets>(
        *store_, system_clock(), (folder_ / "datasets").string(),
        std::vector<SampleDataset>{
            {"Book Reviews from Amazon", "Ratings and texts.", "GenericTSVNoHeader", sample_}});
    ASSERT_TRUE(datasets_->open());
    registry_ = std::make_unique<webservice::Registry>(webservice::Registry::Parts{
        *store_, *vault_, catalogue_, system_clock(), dataset_loader(*datasets_)});
    ASSERT_TRUE(registry_->load());
    const auto post = [this](std::function<void()> work) {
      if (refuse_work_) return false;
      work_.push_back(std::move(work));
      return true;
    };
    studio_ = std::make_unique<Studio>(
        Studio::Parts{*store_, *vault_, catalogue_, system_clock(), *registry_, post}, *datasets_,
        StudioOptions{.subscription_id = "sub"});
    ASSERT_TRUE(studio_->open());
  }
  void run_work() {
    while (!work_.empty()) {
      auto work = std::move(work_.front());
      work_.pop_front();
      work();
    }
  }

  http::Response send(std::string_view method, std::string_view path, std::string_view body = {},
                      std::string_view query = {}, std::string_view token = {}) {
    http::Fields fields;
    const std::string shown = token.empty() ? workspace_.primary_token : std::string(token);
    fields.add("x-ms-metaanalytics-authorizationtoken", shown);
    http::Request request;
    request.method = method;
    request.path = path;
    request.query = query;
    request.scheme = "http";
    request.authority = "localhost:8082";
    request.headers = &fields;
    request.body = body;
    return studio_->handle(request);
  }
  std::string at(std::string_view rest) const {
    return "/api/workspaces/" + workspace_.id + "/" + std::string(rest);
  }
  Json json(const http::Response& response, int status = 200) {
    EXPECT_EQ(response.status, status) << response.body;
    auto parsed = Json::parse(response.body);
    EXPECT_TRUE(parsed) << response.body;
    return parsed ? *parsed : Json();
  }
  std::string family(std::string_view module) {
    const Json modules = json(send("GET", at("modules")));
    for (const Json& one : modules.items())
      if (one["Name"].as_string() == module) return std::string(one["Id"].as_string());
    ADD_FAILURE() << "no module " << module;
    return {};
  }
  // The tutorial's graph: dataset, Select Columns (Col2), Feature Hashing with bitsize 3.
  std::string graph_body(std::string_view name, std::string_view dataset,
                         std::string_view column = "Col2") {
    std::string rules;
    append_json_string(
        rules, R"({"begin":"none","keepOrder":false,"rules":[{"action":"include","kind":"names",)"
               R"("names":[")" +
                   std::string(column) + R"("]}]})");
    const std::string selection_name =
        catalogue_.find_name("Select Columns in Dataset")->info.parameters.at(0).name;
    return R"({"Description":")" + std::string(name) +
           R"(","IsDraft":true,"ExperimentGraph":{"ModuleNodes":[)"
           R"({"Id":"select","ModuleId":")" +
           family("Select Columns in Dataset") + R"(","ModuleParameters":[{"Name":")" +
           selection_name + R"(","Value":)" + rules +
           R"(,"ValueType":"Literal"}],)"
           R"("InputPortsInternal":[{"DataSourceId":")" +
           std::string(dataset) +
           R"(","Name":"Dataset","NodeId":"select"}],)"
           R"("OutputPortsInternal":[{"Name":"Results dataset","NodeId":"select"}]},)"
           R"({"Id":"hash","ModuleId":")" +
           family("Feature Hashing") +
           R"(","ModuleParameters":[{"Name":"Hashing bitsize","Value":"3","ValueType":"Literal"}],)"
           R"("InputPortsInternal":[{"Name":"Dataset","NodeId":"hash"}],)"
           R"("OutputPortsInternal":[{"Name":"Transformed dataset","NodeId":"hash"}]}],)"
           R"("EdgesInternal":[{"SourceOutputPortId":"select:Results dataset",)"
           R"("DestinationInputPortId":"hash:Dataset"}]}})";
  }
  std::string sample_id() {
    for (const Json& dataset : json(send("GET", at("datasources"))).items())
      if (dataset["Name"].as_string() == "Book Reviews from Amazon")
        return std::string(dataset["Id"].as_string());
    ADD_FAILURE() << "no sample";
    return {};
  }
  std::string score(const webservice::Endpoint& endpoint, const std::string& key,
                    std::string_view body) {
    const auto inline_work = [](const std::function<void()>& work) {
      work();
      return true;
    };
    webservice::RequestResponse rrs(*registry_, inline_work, {});
    webservice::testing::Call call;
    call.path = "/workspaces/" + workspace_.id + "/services/" + endpoint.id + "/execute";
    call.query = "api-version=2.0";
    call.body = body;
    call.headers = {{"Authorization", "Bearer " + key}};
    return call.send(rrs).body;
  }

  std::filesystem::path folder_;
  std::string sample_;
  ml::Catalogue catalogue_;
  std::unique_ptr<store::Vault> vault_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Datasets> datasets_;
  std::unique_ptr<webservice::Registry> registry_;
  std::unique_ptr<Studio> studio_;
  std::deque<std::function<void()>> work_;
  bool refuse_work_ = false;
  webservice::Workspace workspace_;
};

constexpr std::string_view kBody =
    R"({"Inputs":{"input1":{"ColumnNames":["Col2"],"Values":[["This is a good day"]]}},)"
    R"("GlobalParameters":{}})";
constexpr std::string_view kAnswer =
    R"({"Results":{"output1":{"type":"table","value":{"Values":[["This is a good day","1",)"
    R"("1","2","2","0","2","0","1"]]}}}})";

TEST_F(StudioTest, TakesTheTutorialFromABlankExperimentToTheScore) {
  const std::string id(json(send("POST", at("experiments"), "{}"))["ExperimentId"].as_string());
  Json renamed = json(
      send("POST", at("experiments/" + id), R"({"Description":"SimpleFeatureHashingExperiment"})"));
  EXPECT_EQ(renamed["Description"].as_string(), "SimpleFeatureHashingExperiment");
  EXPECT_EQ(renamed["Status"]["StatusCode"].as_string(), "InDraft");
  const std::string body = graph_body("SimpleFeatureHashingExperiment", sample_id());
  json(send("POST", at("experiments/" + id), body));

  // A draft cannot be published.
  EXPECT_EQ(send("POST", at("experiments/" + id + "/webservice")).status, 400);
  Json running = json(send("POST", at("experiments/" + id + "/run")));
  EXPECT_EQ(running["Status"]["StatusCode"].as_string(), "Running");
  EXPECT_EQ(send("POST", at("experiments/" + id), body).status, 409);
  EXPECT_EQ(send("DELETE", at("experiments/" + id)).status, 409);
  run_work();
  Json finished = json(send("GET", at("experiments/" + id)));
  EXPECT_EQ(finished["Status"]["StatusCode"].as_string(), "Finished");
  ASSERT_EQ(finished["NodeStatuses"].items().size(), 3U);
  for (const Json& node : finished["NodeStatuses"].items())
    EXPECT_EQ(node["Status"]["StatusCode"].as_string(), "Finished");

  const Json preview = json(send("GET", at("experiments/" + id + "/preview/hash/0"), {}, "rows=2"));
  EXPECT_EQ(preview["RowCount"].as_int(), 1500);
  EXPECT_EQ(preview["ColumnCount"].as_int(), 9);
  EXPECT_EQ(preview["Columns"].items()[0]["Name"].as_string(), "Col2");
  EXPECT_FALSE(preview["Columns"].items()[1]["Histogram"].items().empty());
  EXPECT_EQ(preview["Rows"].items().size(), 2U);
  const auto data = send("GET", at("experiments/" + id + "/outputdata/select/Results%20dataset"));
  EXPECT_TRUE(data.body.starts_with("Col2\r\n")) << data.body.substr(0, 80);

  // The ports of the web service are added after the run and do not undo it.
  json(send("POST", at("experiments/" + id),
            R"({"WebService":{"Inputs":[{"Id":"input1","PortId":"hash:Dataset"}],)"
            R"("Outputs":[{"Id":"output1","PortId":"hash:Transformed dataset"}]}})"));
  const Json definition = json(send("GET", at("experiments/" + id + "/webservicedefinition")));
  EXPECT_EQ(definition["Inputs"].dump(),
            R"([{"Name":"input1","Columns":[{"Name":"Col2","Type":"String"}]}])");
  EXPECT_EQ(send("GET", at("experiments/" + id + "/webservice")).status, 404);
  const Json published =
      json(send("POST", at("experiments/" + id + "/webservice"), "", "generateNewPortNames=false"));
  EXPECT_EQ(published["Status"].as_string(), "Completed");
  EXPECT_EQ(json(send("GET", at("experiments/" + std::string(published["ActivityId"].as_string()) +
                                "/webservice"))),
            published);

  const auto endpoint = registry_->directory()->find_endpoint(published["EndpointId"].as_string());
  ASSERT_TRUE(endpoint);
  EXPECT_EQ(endpoint->service_id, published["WebServiceGroupId"].as_string());
  EXPECT_EQ(score(*endpoint, endpoint->primary_key, kBody), kAnswer);

  // Publishing over it keeps address and keys.
  const Json again = json(send("POST", at("experiments/" + id + "/webservice"), "",
                               "generateNewPortNames=false&updateExistingWebService=true"));
  EXPECT_EQ(again["EndpointId"].as_string(), endpoint->id);
  EXPECT_EQ(score(*endpoint, endpoint->primary_key, kBody), kAnswer);

  // All of it outlives the program.
  const std::string key = endpoint->primary_key;
  close();
  open();
  const auto reloaded = registry_->directory()->find_endpoint(endpoint->id);
  ASSERT_TRUE(reloaded);
  EXPECT_EQ(reloaded->primary_key, key);
  EXPECT_EQ(score(*reloaded, key, kBody), kAnswer);
  const Json later = json(send("GET", at("experiments/" + id + "/preview/hash/0")));
  EXPECT_EQ(later["Rows"].items().size(), 100U);
  EXPECT_EQ(json(send("GET", at("experiments/" + id)))["Graph"], finished["Graph"]);
  EXPECT_EQ(send("DELETE", at("experiments/" + id)).status, 204);
  EXPECT_EQ(send("GET", at("experiments/" + id)).status, 404);
}

TEST_F(StudioTest, ShowsWhichModuleFailedAndWhy) {
  const Json made =
      json(send("POST", at("experiments"), graph_body("bad column", sample_id(), "Col7")));
  const std::string id(made["ExperimentId"].as_string());
  json(send("POST", at("experiments/" + id), R"({"IsDraft":false})"));
  run_work();
  const Json failed = json(send("GET", at("experiments/" + id)));
  EXPECT_EQ(failed["Status"]["StatusCode"].as_string(), "Failed");
  EXPECT_TRUE(failed["Status"]["StatusDetail"].as_string().starts_with("Error 0001"));
  for (const Json& node : failed["NodeStatuses"].items()) {
    if (node["NodeId"].as_string() == "select") {
      EXPECT_EQ(node["Status"]["StatusCode"].as_string(), "Failed");
    }
    if (node["NodeId"].as_string() == "hash") {
      EXPECT_EQ(node["Status"]["StatusCode"].as_string(), "NotStarted");
    }
  }
  EXPECT_EQ(send("POST", at("experiments/" + id + "/webservice")).status, 400);
}

TEST_F(StudioTest, RefusesToRunAGraphThatIsNotWhole) {
  const Json made = json(send("POST", at("experiments"),
                              R"({"Description":"x","ExperimentGraph":{"ModuleNodes":[{"Id":"a",)"
                              R"("ModuleId":"nothing"}]}})"));
  const std::string id(made["ExperimentId"].as_string());
  const Json refused = json(send("POST", at("experiments/" + id + "/run")), 400);
  EXPECT_EQ(refused["Error"]["Code"].as_string(), "UserError");
  EXPECT_FALSE(refused["Error"]["Details"].items().empty());
  const Json blank = json(send("POST", at("experiments"), "{}"));
  EXPECT_EQ(
      send("POST", at("experiments/" + std::string(blank["ExperimentId"].as_string()) + "/run"))
          .status,
      400);
  EXPECT_EQ(send("POST", at("experiments"), "[]").status, 400);
  EXPECT_EQ(send("POST", at("experiments"), "{").status, 400);
}

TEST_F(StudioTest, ShowsARunThatTheEndOfTheProgramCutOff) {
  const Json made = json(send("POST", at("experiments"), graph_body("cut", sample_id())));
  const std::string id(made["ExperimentId"].as_string());
  refuse_work_ = true;
  EXPECT_EQ(send("POST", at("experiments/" + id + "/run")).status, 503);
  EXPECT_EQ(json(send("GET", at("experiments/" + id)))["Status"]["StatusCode"].as_string(),
            "InDraft");
  refuse_work_ = false;
  json(send("POST", at("experiments/" + id + "/run")));
  work_.clear();
  close();
  open();
  const Json failed = json(send("GET", at("experiments/" + id)));
  EXPECT_EQ(failed["Status"]["StatusCode"].as_string(), "Failed");
  json(send("POST", at("experiments/" + id + "/run")));
  run_work();
  EXPECT_EQ(json(send("GET", at("experiments/" + id)))["Status"]["StatusCode"].as_string(),
            "Finished");
}

TEST_F(StudioTest, SavesOnlyOverTheVersionTheCallerSaw) {
  const Json made = json(send("POST", at("experiments"), R"({"Description":"a"})"));
  const std::string id(made["ExperimentId"].as_string()), tag(made["Etag"].as_string());
  json(send("POST", at("experiments/" + id), R"({"Description":"b"})"));
  http::Fields fields;
  fields.add("Authorization", "Bearer nothing");
  fields.add("x-ms-metaanalytics-authorizationtoken", workspace_.secondary_token);
  fields.add("If-Match", tag);
  http::Request request;
  request.method = "POST";
  const std::string path = at("experiments/" + id);
  request.path = path;
  request.headers = &fields;
  request.body = R"({"Description":"c"})";
  EXPECT_EQ(studio_->handle(request).status, 412);
  EXPECT_EQ(json(send("GET", path))["Description"].as_string(), "b");
}

TEST_F(StudioTest, TakesUploadsInBlocksAndHandsThemOutBySignedLink) {
  const std::string base = "/api/resourceuploads/workspaces/" + workspace_.id + "/";
  const Json upload = json(send("POST", base, "", "userStorage=true&dataTypeId=GenericCSV"));
  const std::string upload_id(upload["Id"].as_string());
  const std::string blocks = "/api/blobuploads/workspaces/" + workspace_.id + "/";
  const auto block = [&](int number, std::string_view bytes) {
    return send("POST", blocks, bytes,
                "numberOfBlocks=2&blockId=" + std::to_string(number) + "&uploadId=" + upload_id +
                    "&dataTypeId=GenericCSV");
  };
  EXPECT_EQ(block(1, "ne\n2,two\n").status, 200);
  EXPECT_EQ(block(0, "n,text\n1,o").status, 200);
  const std::string create =
      R"({"DataSource":{"Name":"numbers","DataTypeId":"GenericCSV","Description":"d",)"
      R"("FamilyId":"",)"
      R"("Owner":"Python SDK","SourceOrigin":"FromResourceUpload"},"UploadId":")" +
      upload_id + R"(","UploadedFromFileName":"","ClientPoll":true})";
  const Json id = json(send("POST", at("datasources"), create));
  ASSERT_TRUE(id.is_string());
  EXPECT_TRUE(id.as_string().starts_with(workspace_.id + "."));

  const Json dataset = json(send("GET", at("datasources/" + std::string(id.as_string()))));
  EXPECT_EQ(dataset["Size"].as_int(), 19);
  const auto follow = [&](std::string_view which, std::string_view token) {
    const Json& link = dataset[which];
    EXPECT_EQ(link["BaseUri"].as_string(), "http://localhost:8082/");
    return send("GET", "/" + std::string(link["Location"].as_string()), {},
                link["AccessCredential"].as_string().substr(1), token);
  };
  EXPECT_EQ(follow("DownloadLocation", "none").body, "n,text\n1,one\n2,two\n");
  EXPECT_EQ(json(follow("SchemaEndPoint", "none"))["Columns"].dump(),
            R"([{"Name":"n","Type":"Int32"},{"Name":"text","Type":"String"}])");
  EXPECT_EQ(json(follow("VisualizeEndPoint", "none"))["RowCount"].as_int(), 2);
  EXPECT_EQ(send("GET", "/" + std::string(dataset["DownloadLocation"]["Location"].as_string()), {},
                 "se=9999999999999&sig=AAAA")
                .status,
            401);

  // A second dataset of the name is refused; the family takes a new version.
  const Json second = json(send("POST", base, "n\n3\n", "dataTypeId=GenericCSV"));
  const auto with = [&](std::string_view family) {
    return R"({"DataSource":{"Name":"numbers","DataTypeId":"GenericCSV","FamilyId":")" +
           std::string(family) + R"("},"UploadId":")" + std::string(second["Id"].as_string()) +
           R"("})";
  };
  EXPECT_EQ(send("POST", at("datasources"), with("")).status, 409);
  json(send("POST", at("datasources"), with(dataset["FamilyId"].as_string())));
  const Json list = json(send("GET", at("datasources")));
  ASSERT_EQ(list.items().size(), 2U);
  EXPECT_EQ(list.items()[1]["Size"].as_int(), 4);
  EXPECT_TRUE(list.items()[0]["Id"].as_string().starts_with(kGlobalWorkspace));
  const std::string family = "datasources/family/" + std::string(dataset["FamilyId"].as_string());
  EXPECT_EQ(send("DELETE", at(family)).status, 204);
  EXPECT_EQ(send("DELETE", at(family)).status, 404);
  EXPECT_EQ(json(send("GET", at("datasources"))).items().size(), 1U);
}

TEST_F(StudioTest, KeepsADeletedDatasetForTheServiceThatWasPublishedFromIt) {
  const Json upload = json(send("POST", "/api/resourceuploads/workspaces/" + workspace_.id,
                                "Col1,Col2\n5,fine\n", "dataTypeId=GenericCSV"));
  const Json id = json(send("POST", at("datasources"),
                            R"({"DataSource":{"Name":"mine"},"UploadId":")" +
                                std::string(upload["Id"].as_string()) + R"("})"));
  const Json made = json(send("POST", at("experiments"), graph_body("mine", id.as_string())));
  const std::string experiment(made["ExperimentId"].as_string());
  json(send("POST", at("experiments/" + experiment),
            R"({"IsDraft":"false","WebService":{"Inputs":[{"Id":"input1","PortId":"hash:0"}],)"
            R"("Outputs":[{"Id":"output1","PortId":"hash:0"}]}})"));
  run_work();
  const Json published = json(send("POST", at("experiments/" + experiment + "/webservice")));
  const Json dataset = json(send("GET", at("datasources/" + std::string(id.as_string()))));
  EXPECT_EQ(send("DELETE", at("datasources/family/" + std::string(dataset["FamilyId"].as_string())))
                .status,
            204);
  EXPECT_EQ(send("GET", at("datasources/" + std::string(id.as_string()))).status, 404);
  close();
  open();
  const auto endpoint = registry_->directory()->find_endpoint(published["EndpointId"].as_string());
  ASSERT_TRUE(endpoint);
  EXPECT_EQ(score(*endpoint, endpoint->secondary_key, kBody), kAnswer);
}

TEST_F(StudioTest, LetsInOnlyThoseWithATokenOfTheWorkspace) {
  const auto other = *registry_->create_workspace("Other", "");
  for (const std::string& token : {std::string("nonsense"), other.primary_token}) {
    const auto refused = send("GET", at("experiments"), {}, {}, token);
    EXPECT_EQ(refused.status, 401);
    EXPECT_EQ(refused.body,
              R"({"Error":{"Code":"UserError",)"
              R"("Message":"Attempted access to http://localhost:8082/api/workspaces/)" +
                  workspace_.id +
                  R"(/experiments is not authorized and has been denied.",)"
                  R"("Target":null,"Details":[],"InnerError":null,"DebugInfo":null}})");
  }
  EXPECT_EQ(send("GET", "/api/workspaces/" + std::string(32, '0') + "/experiments").status, 401);
  EXPECT_EQ(send("GET", "/", {}, {}, "none").status, 200);
  EXPECT_EQ(send("GET", "/api/", {}, {}, "none").status, 200);
  EXPECT_EQ(send("GET", "/api/nothing").status, 404);
  const auto method = send("PUT", at("experiments"));
  EXPECT_EQ(method.status, 405);

  const Json workspace = json(send("GET", "/api/workspaces/" + workspace_.id));
  EXPECT_EQ(workspace["AuthorizationToken"]["PrimaryToken"].as_string(), workspace_.primary_token);
  const Json changed = json(send("POST", at("tokens/primary/regenerate")));
  EXPECT_NE(changed["AuthorizationToken"]["PrimaryToken"].as_string(), workspace_.primary_token);
  EXPECT_EQ(send("GET", at("experiments")).status, 401);
  EXPECT_EQ(send("GET", at("experiments"), {}, {}, workspace_.secondary_token).status, 200);
}

}  // namespace
}  // namespace mlgate::studio
