#include "app/tutorial.h"

#include "app/local_blobs.h"
#include "base/crypto.h"
#include "base/text.h"

#include <chrono>
#include <cstdio>
#include <thread>

namespace mlgate::app {
namespace {

constexpr const char* kExperiment = "SimpleFeatureHashingExperiment";
constexpr const char* kDataset = "Book Reviews from Amazon";
constexpr const char* kInstance = "demoazureml";
constexpr const char* kApi = "azureml-demo-api";
constexpr const char* kBody =
    R"({"Inputs": {"input1": {"ColumnNames": ["Col2"], "Values": [["This is a good day"]]}}, )"
    R"("GlobalParameters": {}})";
constexpr const char* kApiVersion = "?api-version=2022-08-01";
constexpr int kPollsMax = 600;
constexpr std::chrono::milliseconds kPollEvery{50};

void step(const char* number, const std::string& what) {
  std::printf("\n%s  %s\n", number, what.c_str());
}
void say(const std::string& text) { std::printf("    %s\n", text.c_str()); }

const Json* find_by(const Json& list, std::string_view member, std::string_view value) {
  for (const Json& item : list.items())
    if (item.string_or(member) == value) return &item;
  return nullptr;
}

std::string header_of(const http::Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers)
    if (equals_ignoring_case(key, name)) return value;
  return {};
}

Json parameter(const char* name, std::string value) {
  return Json::object(
      {{"Name", Json(name)}, {"Value", Json(std::move(value))}, {"ValueType", Json("Literal")}});
}

Json module_node(const std::string& id, std::string_view module_id, Json parameters) {
  Json inputs = Json::array({Json::object({{"Name", Json("Dataset")}, {"NodeId", Json(id)}})});
  Json outputs =
      Json::array({Json::object({{"Name", Json("Results dataset")}, {"NodeId", Json(id)}})});
  return Json::object({{"Id", Json(id)},
                       {"ModuleId", Json(module_id)},
                       {"ModuleParameters", std::move(parameters)},
                       {"InputPortsInternal", std::move(inputs)},
                       {"OutputPortsInternal", std::move(outputs)}});
}

Json edge(const std::string& from, const std::string& to) {
  return Json::object(
      {{"SourceOutputPortId", Json(from + ":0")}, {"DestinationInputPortId", Json(to + ":0")}});
}

struct OperationRow {
  const char *name, *display, *method, *tail;
  std::vector<const char*> parameters;
};

const std::vector<OperationRow>& operation_rows() {
  static const std::vector<OperationRow> rows = {
      {"rrs-execute",
       "RRS Execute",
       "POST",
       "execute?api-version={apiversion}&details={details}",
       {"workspace", "service", "apiversion", "details"}},
      {"bes-submit",
       "BES Submit",
       "POST",
       "jobs?api-version={apiversion}",
       {"workspace", "service", "apiversion"}},
      {"bes-start",
       "BES Start",
       "POST",
       "jobs/{jobid}/start?api-version={apiversion}",
       {"workspace", "service", "jobid", "apiversion"}},
      {"bes-status",
       "BES Status",
       "GET",
       "jobs/{jobid}?api-version={apiversion}",
       {"workspace", "service", "jobid", "apiversion"}},
      {"bes-delete",
       "BES Delete",
       "DELETE",
       "jobs/{jobid}?api-version={apiversion}",
       {"workspace", "service", "jobid", "apiversion"}},
  };
  return rows;
}

Json operation_properties(const OperationRow& row) {
  Json parameters = Json::array();
  for (const char* name : row.parameters) {
    parameters.push(
        Json::object({{"name", Json(name)}, {"type", Json("string")}, {"required", Json(true)}}));
  }
  Json ok = Json::object({{"statusCode", Json(200)}, {"description", Json("OK")}});
  return Json::object(
      {{"displayName", Json(row.display)},
       {"method", Json(row.method)},
       {"urlTemplate", Json(std::string("/workspaces/{workspace}/services/{service}/") + row.tail)},
       {"templateParameters", std::move(parameters)},
       {"responses", Json::array({std::move(ok)})}});
}

}  // namespace

Result<http::Response> Tutorial::send(const std::string& method, const std::string& url,
                                      std::vector<std::pair<std::string, std::string>> headers,
                                      const std::string& body) {
  auto answer =
      fetcher_.fetch({.method = method, .url = url, .headers = std::move(headers), .body = body});
  if (!answer) return std::unexpected(std::move(answer).error().within(method + " " + url));
  return answer;
}

Result<Json> Tutorial::ask(const std::string& method, const std::string& url,
                           const std::string& token, const Json* body) {
  std::vector<std::pair<std::string, std::string>> headers = {{"Authorization", "Bearer " + token}};
  if (body) headers.emplace_back("Content-Type", "application/json");
  TRY(const http::Response answer, send(method, url, std::move(headers), body ? body->dump() : ""));
  if (answer.status >= 300) {
    return fail(
        answer.status == 404 ? Errc::not_found : Errc::internal,
        method + " " + url + " answered " + std::to_string(answer.status) + ": " + answer.body);
  }
  // Reading is waiting, or looking for what is there already.
  if (method != "GET") {
    const std::string shown = url.substr(0, url.find('?'));
    std::printf("      %s %s -> %d\n", method.c_str(), shown.c_str(), answer.status);
  }
  if (answer.body.empty()) return Json();
  return Json::parse(answer.body);
}

Result<Json> Tutorial::studio(const std::string& method, const std::string& path,
                              const Json* body) {
  return ask(method, at_.services + "/api/workspaces/" + workspace_ + path, workspace_token_, body);
}

Result<Json> Tutorial::arm(const std::string& method, const std::string& path, const Json* body) {
  return ask(method,
             at_.console + "/subscriptions/" +
                 std::string(credentials_.string_or("subscriptionId")) + path + kApiVersion,
             arm_token_, body);
}

Result<Json> Tutorial::put(const std::string& path, Json properties) {
  const Json body = Json::object({{"properties", std::move(properties)}});
  return arm("PUT",
             std::string("/resourceGroups/mlgate/providers/Microsoft.ApiManagement/service/") +
                 kInstance + path,
             &body);
}

Result<void> Tutorial::run() {
  TRY_OK(sign_in());
  TRY_OK(make_experiment());
  TRY_OK(run_experiment());
  TRY_OK(publish());
  TRY_OK(call_directly());
  TRY_OK(run_batch_directly());
  TRY_OK(make_instance());
  TRY_OK(add_api());
  TRY_OK(call_managed());
  TRY_OK(run_batch_managed());
  TRY_OK(reach_the_limit());
  TRY_OK(leave_a_key());
  print_addresses();
  return {};
}

Result<void> Tutorial::sign_in() {
  TRY(credentials_, read_json_file(data_.credentials()));
  workspace_ = credentials_.string_or("workspaceId");
  workspace_token_ = credentials_.string_or("workspaceToken");
  const std::string form = "grant_type=client_credentials&client_id=" +
                           percent_encode(credentials_.string_or("clientId")) + "&client_secret=" +
                           percent_encode(credentials_.string_or("clientSecret"));
  TRY(const http::Response answer,
      send("POST",
           at_.console + "/" + std::string(credentials_.string_or("tenantId")) +
               "/oauth2/v2.0/token",
           {{"Content-Type", "application/x-www-form-urlencoded"}}, form));
  if (answer.status != 200) return fail(Errc::denied, "the token service answered " + answer.body);
  TRY(const Json token, Json::parse(answer.body));
  arm_token_ = token.string_or("access_token");
  return {};
}

Result<Json> Tutorial::graph() {
  TRY(const Json modules, studio("GET", "/modules"));
  TRY(const Json datasets, studio("GET", "/datasources"));
  const Json* select = find_by(modules, "Name", "Select Columns in Dataset");
  const Json* hashing = find_by(modules, "Name", "Feature Hashing");
  const Json* reviews = find_by(datasets, "Name", kDataset);
  if (!select || !hashing || !reviews)
    return fail(Errc::not_found, "the modules or the sample dataset of the tutorial are missing");
  const std::string data_node = "11111111-1111-4111-8111-111111111111-1";
  const std::string select_node = "11111111-1111-4111-8111-111111111111-2";
  hashing_node_ = "11111111-1111-4111-8111-111111111111-3";
  Json nodes = Json::array();
  nodes.push(module_node(
      select_node, select->string_or("Id"),
      Json::array(
          {parameter("Select columns",
                     R"({"begin":"none","keepOrder":false,)"
                     R"("rules":[{"action":"include","kind":"names","names":["Col2"]}]})")})));
  nodes.push(module_node(hashing_node_, hashing->string_or("Id"),
                         Json::array({parameter("Hashing bitsize", "3")})));
  return Json::object(
      {{"DataSourceNodes",
        Json::array({Json::object(
            {{"Id", Json(data_node)}, {"DataSourceId", Json(reviews->string_or("Id"))}})})},
       {"ModuleNodes", std::move(nodes)},
       {"EdgesInternal",
        Json::array({edge(data_node, select_node), edge(select_node, hashing_node_)})}});
}

Result<void> Tutorial::make_experiment() {
  step("1-4", std::string("Experiment ") + kExperiment);
  TRY(Json made_graph, graph());
  TRY(const Json experiments, studio("GET", "/experiments"));
  if (const Json* known = find_by(experiments, "Description", kExperiment)) {
    experiment_ = known->string_or("ExperimentId");
    service_ = known->string_or("WebServiceGroupId");
    say("it is there already: " + experiment_);
    return {};
  }
  const Json blank =
      Json::object({{"Description", Json("Experiment created today")}, {"IsDraft", Json(true)}});
  TRY(const Json made, studio("POST", "/experiments", &blank));
  experiment_ = made.string_or("ExperimentId");
  say("blank experiment " + experiment_);
  const Json edit = Json::object({{"Description", Json(kExperiment)},
                                  {"IsDraft", Json(true)},
                                  {"ExperimentGraph", std::move(made_graph)}});
  TRY_OK(studio("POST", "/experiments/" + experiment_, &edit));
  say(std::string(kDataset) +
      "  ->  Select Columns in Dataset (Col2)  ->  Feature Hashing (bitsize 3)");
  return {};
}

Result<void> Tutorial::run_experiment() {
  if (!service_.empty()) return {};
  step("5", "Run");
  TRY_OK(studio("POST", "/experiments/" + experiment_ + "/run"));
  for (int poll = 0; poll < kPollsMax; ++poll) {
    TRY(const Json experiment, studio("GET", "/experiments/" + experiment_));
    const std::string state(experiment["Status"].string_or("StatusCode"));
    if (state == "Failed")
      return fail(Errc::internal,
                  "the run failed: " + std::string(experiment["Status"].string_or("StatusDetail")));
    if (state == "Finished") {
      for (const Json& node : experiment["NodeStatuses"].items())
        say(std::string(node.string_or("NodeId")) + "  " +
            std::string(node["Status"].string_or("StatusCode")));
      TRY(const Json preview,
          studio("GET", "/experiments/" + experiment_ + "/preview/" + hashing_node_ + "/0"));
      say("output of Feature Hashing: " + preview["RowCount"].dump() + " rows, " +
          preview["ColumnCount"].dump() + " columns");
      return {};
    }
    std::this_thread::sleep_for(kPollEvery);
  }
  return fail(Errc::timeout, "the run did not end");
}

Result<void> Tutorial::publish() {
  step("6-7", "Web service");
  if (service_.empty()) {
    const auto port = [&](const char* name) {
      return Json::array(
          {Json::object({{"Id", Json(name)}, {"PortId", Json(hashing_node_ + ":0")}})});
    };
    const Json ports = Json::object(
        {{"WebService", Json::object({{"Inputs", port("input1")}, {"Outputs", port("output1")}})}});
    TRY_OK(studio("POST", "/experiments/" + experiment_, &ports));
    TRY(const Json begun,
        studio("POST", "/experiments/" + experiment_ + "/webservice?generateNewPortNames=false"));
    std::string status(begun.string_or("Status"));
    service_ = begun.string_or("WebServiceGroupId");
    for (int poll = 0; poll < kPollsMax && status != "Completed"; ++poll) {
      if (status == "Failed") return fail(Errc::internal, "publishing failed: " + begun.dump());
      std::this_thread::sleep_for(kPollEvery);
      TRY(const Json now, studio("GET", "/experiments/" + experiment_ + "/webservice"));
      status = now.string_or("Status");
      service_ = now.string_or("WebServiceGroupId");
    }
  }
  TRY(const Json endpoint, ask("GET",
                               at_.services + "/workspaces/" + workspace_ + "/webservices/" +
                                   service_ + "/endpoints/default",
                               workspace_token_));
  api_key_ = endpoint.string_or("PrimaryKey");
  const std::string location(endpoint.string_or("ApiLocation"));
  endpoint_ = location.substr(location.rfind('/') + 1);
  say("workspace  " + workspace_);
  say("service    " + endpoint_);
  say("API key    in " + data_.tutorial().string());
  return {};
}

std::string Tutorial::execute_path() const {
  return "/workspaces/" + workspace_ + "/services/" + endpoint_ +
         "/execute?api-version=2.0&details=true";
}

Result<void> Tutorial::check_features(const http::Response& response) const {
  if (response.status != 200)
    return fail(Errc::internal,
                "answered " + std::to_string(response.status) + ": " + response.body);
  TRY(const Json answer, Json::parse(response.body));
  const Json& rows = answer["Results"]["output1"]["value"]["Values"];
  std::string features;
  if (rows.items().size() == 1) {
    for (std::size_t i = 1; i < rows.items()[0].items().size(); ++i)
      features += (i > 1 ? " " : "") + std::string(rows.items()[0].items()[i].as_string());
  }
  say("features of \"This is a good day\":  " + features);
  if (features != "1 1 2 2 0 2 0 1")
    return fail(Errc::internal, "the features differ from 1 1 2 2 0 2 0 1: " + response.body);
  return {};
}

Result<void> Tutorial::call_directly() {
  step("9", "Call it directly");
  const std::string url = at_.services + execute_path();
  say("POST " + url);
  TRY(const http::Response answer,
      send("POST", url,
           {{"Content-Type", "application/json"}, {"Authorization", "Bearer " + api_key_}}, kBody));
  say(std::to_string(answer.status) + " " + answer.reason);
  say(answer.body);
  return check_features(answer);
}

// A client that knows nothing of this program: a connection string, the five calls, a plain GET.
Result<void> Tutorial::run_batch(const std::string& base, const std::string& subscription_key) {
  TRY(const auto blobs, LocalBlobs::open(data_, at_.blob));
  const std::string container = "tutorial", name = new_hex_id();
  TRY_OK(blobs->upload_text("Col2\r\nThis is a good day\r\n", container, name + ".csv"));
  say("uploaded /" + container + "/" + name + ".csv");
  const auto reference = [&](const std::string& path) {
    return Json::object({{"ConnectionString", Json(blobs->connection_string())},
                         {"RelativeLocation", Json("/" + container + "/" + path)}});
  };
  const Json body =
      Json::object({{"Input", reference(name + ".csv")},
                    {"Outputs", Json::object({{"output1", reference(name + "-out.csv")}})},
                    {"GlobalParameters", Json::object()}});
  const std::string jobs = base + "/workspaces/" + workspace_ + "/services/" + endpoint_ + "/jobs";
  const auto call = [&](const std::string& method, const std::string& url,
                        const std::string& sent) -> Result<http::Response> {
    std::vector<std::pair<std::string, std::string>> headers = {
        {"Content-Type", "application/json"}, {"Authorization", "Bearer " + api_key_}};
    if (!subscription_key.empty())
      headers.emplace_back("Ocp-Apim-Subscription-Key", subscription_key);
    TRY(http::Response answer, send(method, url, std::move(headers), sent));
    if (answer.status != 200)
      return fail(Errc::internal, method + " " + url + " answered " +
                                      std::to_string(answer.status) + ": " + answer.body);
    return answer;
  };
  TRY(const http::Response submitted, call("POST", jobs + "?api-version=2.0", body.dump()));
  TRY(const Json id, Json::parse(submitted.body));
  const std::string job = jobs + "/" + std::string(id.as_string());
  say("submitted " + submitted.body);
  TRY_OK(call("POST", job + "/start?api-version=2.0", ""));
  for (int poll = 0; poll < kPollsMax; ++poll) {
    TRY(const http::Response answer, call("GET", job + "?api-version=2.0", ""));
    TRY(const Json status, Json::parse(answer.body));
    const std::string_view code = status.string_or("StatusCode");
    if (code == "NotStarted" || code == "Running") {
      std::this_thread::sleep_for(kPollEvery);
      continue;
    }
    say(std::string(code));
    if (code != "Finished") return fail(Errc::internal, "the job ended as " + answer.body);
    const Json& result = status["Results"]["output1"];
    TRY(const http::Response file, send("GET",
                                        std::string(result.string_or("BaseLocation")) +
                                            std::string(result.string_or("RelativeLocation")) +
                                            std::string(result.string_or("SasBlobToken")),
                                        {}, {}));
    const std::size_t row = file.body.find("\r\n");
    if (row == std::string::npos ||
        file.body.substr(row + 2) != "This is a good day,1,1,2,2,0,2,0,1\r\n")
      return fail(Errc::internal, "the result is not as expected: " + file.body);
    say("result: " + std::string(trim(file.body.substr(row + 2))));
    TRY_OK(call("DELETE", job + "?api-version=2.0", ""));
    return {};
  }
  return fail(Errc::timeout, "the job did not end");
}

Result<void> Tutorial::run_batch_directly() {
  step("10", "Batch execution");
  return run_batch(at_.services, "");
}

Result<void> Tutorial::run_batch_managed() {
  step("17", "AzureML Demo API > BES Submit, Start, Status, Delete");
  TRY_OK(put(std::string("/products/unlimited/apis/") + kApi, Json()));
  TRY(const std::string key, fresh_subscription("tutorial-batch", "unlimited"));
  return run_batch(at_.gateway + "/azureml-demo", key);
}

Result<void> Tutorial::make_instance() {
  step("11", std::string("Service instance ") + kInstance);
  const Json group = Json::object({{"location", Json("local")}});
  TRY_OK(arm("PUT", "/resourceGroups/mlgate", &group));
  const std::string path =
      std::string("/resourceGroups/mlgate/providers/Microsoft.ApiManagement/service/") + kInstance;
  if (const auto known = arm("GET", path); known) {
    say("it is there already");
    return {};
  } else if (known.error().code() != Errc::not_found) {
    return std::unexpected(known.error());
  }
  const Json service =
      Json::object({{"location", Json("local")},
                    {"sku", Json::object({{"name", Json("Developer")}, {"capacity", Json(1)}})},
                    {"properties", Json::object({{"publisherName", Json("Demo organization")},
                                                 {"publisherEmail", Json("admin@example.com")}})}});
  const auto start = std::chrono::steady_clock::now();
  TRY(const Json made, arm("PUT", path, &service));
  const auto spent = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - start);
  say(std::string(made["properties"].string_or("provisioningState")) + " after " +
      std::to_string(spent.count()) + " ms; gateway " +
      std::string(made["properties"].string_or("gatewayUrl")));
  return {};
}

Result<void> Tutorial::add_api() {
  step("12-13", "AzureML Demo API");
  TRY_OK(
      put(std::string("/apis/") + kApi, Json::object({{"displayName", Json("AzureML Demo API")},
                                                      {"serviceUrl", Json(at_.services)},
                                                      {"path", Json("azureml-demo")},
                                                      {"protocols", Json::array({Json("https")})},
                                                      {"subscriptionRequired", Json(true)}})));
  TRY_OK(put(std::string("/products/starter/apis/") + kApi, Json()));
  for (const OperationRow& row : operation_rows()) {
    TRY_OK(
        put(std::string("/apis/") + kApi + "/operations/" + row.name, operation_properties(row)));
    say(std::string(row.display) + "  " + row.method +
        " /workspaces/{workspace}/services/{service}/" + row.tail);
  }
  return {};
}

Result<std::string> Tutorial::fresh_subscription(const std::string& name,
                                                 const std::string& product) {
  // A new subscription with the keys of the old one: the keys stay good, the counters begin anew.
  const std::string path = "/resourceGroups/mlgate/providers/Microsoft.ApiManagement/service/" +
                           std::string(kInstance) + "/subscriptions/" + name;
  Json properties = Json::object({{"scope", Json("/products/" + product)},
                                  {"displayName", Json(name)},
                                  {"state", Json("active")}});
  if (const auto keys = arm("POST", path + "/listSecrets"); keys) {
    properties.set("primaryKey", keys->string_or("primaryKey"));
    properties.set("secondaryKey", keys->string_or("secondaryKey"));
    TRY_OK(arm("DELETE", path));
  }
  TRY_OK(put("/subscriptions/" + name, std::move(properties)));
  TRY(const Json keys, arm("POST", path + "/listSecrets"));
  return std::string(keys.string_or("primaryKey"));
}

Result<void> Tutorial::call_managed() {
  step("17", "AzureML Demo API > RRS Execute > Try It");
  TRY(const std::string key, fresh_subscription("tutorial-try-it"));
  const std::string url = at_.gateway + "/azureml-demo" + execute_path();
  TRY(const http::Response answer, send("POST", url,
                                        {{"Content-Type", "application/json"},
                                         {"Authorization", "Bearer " + api_key_},
                                         {"Ocp-Apim-Subscription-Key", key}},
                                        kBody));
  say("Requested URL     " + url);
  say("Response status   " + std::to_string(answer.status) + " " + answer.reason);
  for (const auto& [name, value] : answer.headers) say("Response headers  " + name + ": " + value);
  say("Response content  " + answer.body);
  return check_features(answer);
}

Result<void> Tutorial::reach_the_limit() {
  step("15", "Starter: five calls a minute");
  TRY(const std::string key, fresh_subscription("tutorial-limits"));
  const std::string url = at_.gateway + "/azureml-demo" + execute_path();
  for (int call = 1; call <= 6; ++call) {
    TRY(const http::Response answer, send("POST", url,
                                          {{"Content-Type", "application/json"},
                                           {"Authorization", "Bearer " + api_key_},
                                           {"Ocp-Apim-Subscription-Key", key}},
                                          kBody));
    const int expected = call <= 5 ? 200 : 429;
    if (answer.status != expected) {
      return fail(Errc::internal, "call " + std::to_string(call) + " answered " +
                                      std::to_string(answer.status) + " instead of " +
                                      std::to_string(expected) + ": " + answer.body);
    }
    say("call " + std::to_string(call) + ": " + std::to_string(answer.status) + " " +
        answer.reason +
        (call == 6 ? "  Retry-After: " + header_of(answer, "Retry-After") + "  " + answer.body
                   : ""));
  }
  return {};
}

Result<void> Tutorial::leave_a_key() {
  TRY(subscription_key_, fresh_subscription("first-key"));
  const Json made = Json::object({{"workspace", Json(workspace_)},
                                  {"service", Json(endpoint_)},
                                  {"serviceGroup", Json(service_)},
                                  {"apiKey", Json(api_key_)},
                                  {"subscriptionKey", Json(subscription_key_)}});
  return write_file(data_.tutorial(), made.dump() + "\n", FileKind::secret);
}

void Tutorial::print_addresses() const {
  std::printf("\nReady.\n");
  std::printf("  gateway   %s  %s\n", at_.gateway.c_str(), at_.gateway_clear.c_str());
  std::printf("  console   %s  %s  (management REST, tokens)\n", at_.console_tls.c_str(),
              at_.console.c_str());
  std::printf("  services  %s  %s  (web services, Studio API)\n", at_.services_tls.c_str(),
              at_.services.c_str());
  std::printf("  blobs     %s\n", at_.blob.c_str());
  std::printf("  the administrator's client id and secret: %s\n", data_.credentials().c_str());
  std::printf("\nA call of your own, with a key that has all its calls left:\n\n");
  std::printf(
      "curl --cacert %s '%s/azureml-demo%s' \\\n  -H 'Content-Type: application/json' \\\n"
      "  -H 'Ocp-Apim-Subscription-Key: %s' \\\n  -H 'Authorization: Bearer %s' \\\n  -d '%s'\n\n",
      (data_.tls() / "ca.pem").c_str(), at_.gateway.c_str(), execute_path().c_str(),
      subscription_key_.c_str(), api_key_.c_str(), kBody);
}

}  // namespace mlgate::app
