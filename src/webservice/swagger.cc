#include "webservice/swagger.h"

#include "base/json.h"

namespace mlgate::webservice {
namespace {

using table::DataType;

Json text(std::string_view value) { return Json(value); }

Json reference(std::string_view name) {
  return Json::object({{"$ref", text("#/definitions/" + std::string(name))}});
}

Json typed(std::string_view type, std::string_view format = {}) {
  Json out = Json::object({{"type", text(type)}});
  if (!format.empty()) out.set("format", text(format));
  return out;
}

Json type_of(DataType type) {
  switch (type) {
    case DataType::int32:
      return typed("integer", "int32");
    case DataType::int64:
      return typed("integer", "int64");
    case DataType::real:
      return typed("number", "double");
    case DataType::boolean:
      return typed("boolean");
    case DataType::date_time:
      return typed("string", "date-time");
    case DataType::time_span:
      return typed("string", "time-span");
    case DataType::string:
      break;
  }
  return typed("string", "string");  // R clients tell texts by this format.
}

Json example_of(DataType type) {
  switch (type) {
    case DataType::int32:
    case DataType::int64:
    case DataType::real:
      return Json(1);
    case DataType::boolean:
      return Json(true);
    default:
      return text("");
  }
}

Json example_of(const table::Schema& schema) {
  Json row = Json::object();
  for (const auto& column : schema) row.set(column.name, example_of(column.type));
  return row;
}

Json item_of(const table::Schema& schema) {
  Json properties = Json::object(), required = Json::array();
  for (const auto& column : schema) {
    properties.set(column.name, type_of(column.type));
    required.push(text(column.name));
  }
  Json item = typed("object");
  item.set("properties", std::move(properties));
  if (!schema.empty()) item.set("required", std::move(required));
  return item;
}

Json type_of_global(const GlobalShape& global) {
  Json type = typed("string");
  if (!global.targets.empty()) {
    switch (global.targets.front().type) {
      case ml::ParameterType::integer:
        type = typed("integer", "int32");
        break;
      case ml::ParameterType::real:
        type = typed("number", "double");
        break;
      case ml::ParameterType::boolean:
        type = typed("boolean");
        break;
      default:
        break;
    }
  }
  if (global.default_value) type.set("default", *global.default_value);
  return type;
}

Json parameter(std::string_view name, std::string_view in, std::string_view description) {
  return Json::object({{"name", text(name)},
                       {"in", text(in)},
                       {"description", text(description)},
                       {"required", Json(true)}});
}

Json body_parameter(std::string_view name, std::string_view model, std::string_view description) {
  Json out = parameter(name, "body", description);
  return std::move(out.set("schema", reference(model)));
}

Json job_parameter() {
  Json out = parameter("jobId", "path", "Job Identifier");
  return std::move(out.set("type", text("string")));
}

Json operation(std::string_view id, std::string_view summary, Json parameters, Json answer_schema) {
  Json good = Json::object({{"description", text("OK")}});
  if (!answer_schema.is_null()) good.set("schema", std::move(answer_schema));
  Json bad = Json::object({{"description", text("Error")}});
  bad.set("schema", reference("ErrorResponse"));
  Json out = Json::object({{"operationId", text(id)}, {"summary", text(summary)}});
  out.set("parameters", std::move(parameters));
  out.set("responses", Json::object({{"200", std::move(good)}, {"default", std::move(bad)}}));
  return out;
}

Json with_key(Json made) {
  return std::move(made.set("security", Json::array({Json::object({{"api_key", Json::array()}})})));
}

Json paths() {
  Json version = parameter("api-version", "query", "API version");
  version.set("type", text("string")).set("default", text("2.0")).set("required", Json(false));
  Json out = Json::object();
  out.set("/swagger.json",
          Json::object({{"get", operation("getSwaggerDocument",
                                          "Get swagger API document for the web service",
                                          Json::array({std::move(version)}), Json())}}));
  out.set("/execute?api-version=2.0&format=swagger",
          Json::object(
              {{"post", with_key(operation(
                            "execute", "Execute the web service and get a response synchronously",
                            Json::array({body_parameter("executionPayload", "ExecutionRequest",
                                                        "The execution input payload")}),
                            reference("ExecutionResults")))}}));
  out.set("/jobs?api-version=2.0",
          Json::object(
              {{"post", with_key(operation(
                            "submitjob", "Submit an asynchronous job to execute the web service",
                            Json::array({body_parameter("jobPayload", "BatchExecutionRequest",
                                                        "The job input payload")}),
                            typed("string")))}}));
  out.set("/jobs/{jobId}?api-version=2.0",
          Json::object({{"get", with_key(operation("getjobstatus", "Get the status for a give job",
                                                   Json::array({job_parameter()}),
                                                   reference("BatchExecutionStatus")))},
                        {"delete", with_key(operation("canceljob", "Cancel a job",
                                                      Json::array({job_parameter()}), Json()))}}));
  out.set("/jobs/{jobId}/start?api-version=2.0",
          Json::object({{"post", with_key(operation("startjob", "Start running a job",
                                                    Json::array({job_parameter()}), Json()))}}));
  return out;
}

Json object_of(std::vector<Json::Member> properties) {
  Json out = typed("object");
  out.set("properties", Json::object(std::move(properties)));
  return out;
}

Json map_of(const std::vector<std::string>& names, const Json& value) {
  Json out = typed("object"), properties = Json::object();
  for (const auto& name : names) properties.set(name, value);
  out.set("properties", std::move(properties));
  return out;
}

Json array_of(Json items) {
  Json out = typed("array");
  out.set("items", std::move(items));
  return out;
}

void add_execution(const ServiceShape& shape, Json& out) {
  Json inputs = typed("object"), outputs = typed("object"), globals = typed("object");
  Json input_list = Json::object(), output_list = Json::object(), global_list = Json::object();
  Json example_inputs = Json::object(), example_globals = Json::object();
  for (const auto& input : shape.inputs) {
    input_list.set(input.name(), array_of(reference(input.name() + "Item")));
    example_inputs.set(input.name(), Json::array({example_of(input.schema())}));
  }
  for (const auto& output : shape.outputs)
    output_list.set(output.name, array_of(reference(output.name + "Item")));
  for (const auto& global : shape.globals) {
    global_list.set(global.name, type_of_global(global));
    example_globals.set(global.name, global.default_value ? *global.default_value : text(""));
  }
  inputs.set("properties", std::move(input_list));
  outputs.set("properties", std::move(output_list));
  globals.set("properties", std::move(global_list));

  Json request = object_of({{"Inputs", reference("ExecutionInputs")},
                            {"GlobalParameters", reference("GlobalParameters")}});
  request.set("example", Json::object({{"Inputs", std::move(example_inputs)},
                                       {"GlobalParameters", std::move(example_globals)}}));
  out.set("ExecutionRequest", std::move(request));
  out.set("ExecutionInputs", std::move(inputs));
  for (const auto& input : shape.inputs) out.set(input.name() + "Item", item_of(input.schema()));
  out.set("ExecutionResults", object_of({{"Results", reference("ExecutionOutputs")}}));
  out.set("ExecutionOutputs", std::move(outputs));
  for (const auto& output : shape.outputs) out.set(output.name + "Item", item_of(output.schema));
  out.set("GlobalParameters", std::move(globals));
}

void add_batch(const ServiceShape& shape, Json& out) {
  std::vector<std::string> inputs, outputs;
  for (const auto& input : shape.inputs) inputs.push_back(input.name());
  for (const auto& output : shape.outputs) outputs.push_back(output.name);
  out.set("BatchExecutionRequest",
          object_of({{"Inputs", reference("BatchInputs")},
                     {"Outputs", reference("BatchOutputs")},
                     {"GlobalParameters", reference("GlobalParameters")}}));
  out.set("BatchInputs", map_of(inputs, reference("AzureBlobDataReference")));
  out.set("BatchOutputs", map_of(outputs, reference("AzureBlobDataReference")));
  out.set("AzureBlobDataReference", object_of({{"BaseLocation", typed("string")},
                                               {"ConnectionString", typed("string")},
                                               {"RelativeLocation", typed("string")},
                                               {"SasBlobToken", typed("string")}}));
  Json state = typed("string");
  state.set("description", text("job status code"));
  state.set("enum", Json::array({text("NotStarted"), text("Running"), text("Failed"),
                                 text("Cancelled"), text("Finished")}));
  state.set("default", text("NotStarted"));
  out.set("BatchExecutionStatus", object_of({{"StatusCode", std::move(state)},
                                             {"Results", typed("object")},
                                             {"Details", typed("string")}}));
}

Json definitions(const ServiceShape& shape) {
  Json out = Json::object();
  add_execution(shape, out);
  add_batch(shape, out);
  Json detail = object_of({{"code", typed("string")}, {"message", typed("string")}});
  Json error = object_of({{"code", typed("string")},
                          {"message", typed("string")},
                          {"details", array_of(std::move(detail))}});
  out.set("ErrorResponse", object_of({{"error", std::move(error)}}));
  return out;
}

}  // namespace

std::string swagger_document(const Endpoint& endpoint, const http::Request& request) {
  Json out = Json::object({{"swagger", text("2.0")}});
  out.set("info", Json::object({{"version", text("2.0")},
                                {"title", text(endpoint.service_name)},
                                {"description", text(endpoint.service_description)},
                                {"x-endpoint-name", text(endpoint.name)}}));
  out.set("host", text(request.authority));
  out.set("basePath", text(std::string(request.prefix) + "/workspaces/" + endpoint.workspace_id +
                           "/services/" + endpoint.id));
  out.set("schemes", Json::array({text(request.scheme)}));
  out.set("consumes", Json::array({text("application/json")}));
  out.set("produces", Json::array({text("application/json")}));
  out.set("paths", paths());
  out.set("definitions", definitions(endpoint.model->shape));
  out.set("securityDefinitions",
          Json::object({{"api_key", Json::object({{"type", text("apiKey")},
                                                  {"in", text("header")},
                                                  {"name", text("Authorization")}})}}));
  return out.dump();
}

std::string without_markup(std::string_view json) {
  std::string out;
  out.reserve(json.size() + json.size() / 8);
  for (const char c : json) {
    switch (c) {
      case '<':
        out += "\\u003c";
        break;
      case '>':
        out += "\\u003e";
        break;
      case '&':
        out += "\\u0026";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace mlgate::webservice
