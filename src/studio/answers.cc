#include "studio/answers.h"

#include "base/text.h"
#include "table/statistics.h"
#include "webservice/errors.h"

#include <algorithm>

namespace mlgate::studio {
namespace {

Json text(std::string_view value) { return Json(value); }
Json text_or_null(std::string_view value) { return value.empty() ? Json() : Json(value); }
Json time_or_null(TimeMs time) { return time == 0 ? Json() : Json(to_iso8601(time)); }

// The dialect's old form of a time.
std::string date_text(TimeMs time) { return "/Date(" + std::to_string(time) + ")/"; }

Json endpoint_json(const Link& link, const Dataset& dataset) {
  return Json::object({{"BaseUri", text(link.base_uri)},
                       {"Size", Json(std::int64_t(dataset.bytes))},
                       {"Name", text("")},
                       {"EndpointType", text("AzureBlob")},
                       {"CredentialContainer", text("")},
                       {"AccessCredential", text(link.credential)},
                       {"Location", text(link.location)},
                       {"FileType", text(dataset.data_type_id)},
                       {"IsAuxiliary", Json(false)}});
}

Json status_json(std::string_view code, std::string_view detail, TimeMs created, TimeMs started,
                 TimeMs ended) {
  return Json::object({{"StatusCode", text(code)},
                       {"StatusDetail", text_or_null(detail)},
                       {"CreationTime", time_or_null(created)},
                       {"StartTime", time_or_null(started)},
                       {"EndTime", time_or_null(ended)},
                       {"Metadata", Json()}});
}

std::string_view name_of(ml::NodeRun::State state) {
  switch (state) {
    case ml::NodeRun::State::running:
      return "Running";
    case ml::NodeRun::State::finished:
      return "Finished";
    case ml::NodeRun::State::failed:
      return "Failed";
    case ml::NodeRun::State::not_started:
      break;
  }
  return "NotStarted";
}

std::string_view name_of(ml::ParameterType type) {
  switch (type) {
    case ml::ParameterType::integer:
      return "Int";
    case ml::ParameterType::real:
      return "Double";
    case ml::ParameterType::boolean:
      return "Boolean";
    case ml::ParameterType::text:
      return "String";
    case ml::ParameterType::choice:
      return "Enumerated";
    case ml::ParameterType::column_selection:
      return "ColumnPicker";
  }
  return "String";
}

Json parameter_json(const ml::ParameterInfo& info) {
  Json choices = Json::array();
  for (const auto& choice : info.choices) choices.push(text(choice));
  return Json::object({{"Name", text(info.name)},
                       {"Type", text(name_of(info.type))},
                       {"Description", text(info.help)},
                       {"DefaultValue", info.default_value},
                       {"MinValue", info.minimum ? Json(*info.minimum) : Json()},
                       {"MaxValue", info.maximum ? Json(*info.maximum) : Json()},
                       {"Choices", std::move(choices)}});
}

Json ports_json(const std::vector<ml::PortInfo>& ports) {
  Json out = Json::array();
  for (std::size_t i = 0; i < ports.size(); ++i) {
    out.push(Json::object({{"Name", text(ports[i].name)},
                           {"Number", Json(std::int64_t(i))},
                           {"DataTypes", Json::array({text(ports[i].type)})}}));
  }
  return out;
}

Json number_or_null(const std::optional<double>& number) { return number ? Json(*number) : Json(); }

Json statistics_json(const table::ColumnStatistics& column) {
  Json bins = Json::array();
  const bool numeric = column.minimum.has_value();
  for (const auto& bin : column.histogram) {
    Json one = Json::object();
    if (numeric) {
      one.set("From", Json(bin.from)).set("To", Json(bin.to));
    } else {
      one.set("Value", text(bin.label));
    }
    bins.push(std::move(one.set("Count", Json(std::int64_t(bin.count)))));
  }
  return Json::object({{"Name", text(column.name)},
                       {"Type", text(table::name_of(column.type))},
                       {"Count", Json(std::int64_t(column.count))},
                       {"Missing", Json(std::int64_t(column.missing))},
                       {"Unique", Json(std::int64_t(column.unique))},
                       {"UniqueIsCapped", Json(column.unique_is_capped)},
                       {"Min", number_or_null(column.minimum)},
                       {"Max", number_or_null(column.maximum)},
                       {"Mean", number_or_null(column.mean)},
                       {"Median", number_or_null(column.median)},
                       {"StandardDeviation", number_or_null(column.standard_deviation)},
                       {"Mode", text_or_null(column.mode)},
                       {"Histogram", std::move(bins)}});
}

}  // namespace

http::Response json_response(int status, std::string body) {
  return webservice::json_response(status, std::move(body));
}
http::Response json_response(const Json& body) { return json_response(200, body.dump()); }
http::Response no_content() { return webservice::empty_response(204); }

http::Response error_response(int status, std::string_view code, std::string_view message,
                              const std::vector<Error>& details) {
  Json list = Json::array();
  for (const Error& detail : details) {
    list.push(Json::object({{"Code", text("ValidationError")},
                            {"Message", text(detail.message())},
                            {"Target", text_or_null(detail.field())}}));
  }
  const Json error = Json::object({{"Code", text(code)},
                                   {"Message", text(message)},
                                   {"Target", Json()},
                                   {"Details", std::move(list)},
                                   {"InnerError", Json()},
                                   {"DebugInfo", Json()}});
  return json_response(status, Json::object({{"Error", error}}).dump());
}

http::Response error_response(const Error& error) {
  const auto answer = [&](int status, std::string_view code) {
    return error_response(status, code, error.message());
  };
  switch (error.code()) {
    case Errc::invalid_argument:
      return answer(400, "UserError");
    case Errc::denied:
      return answer(401, "UserError");
    case Errc::not_found:
      return answer(404, "NotFound");
    case Errc::conflict:
      return answer(409, "Conflict");
    case Errc::precondition_failed:
      return answer(412, "PreconditionFailed");
    case Errc::exhausted:
      return answer(413, "LimitExceeded");
    case Errc::unsupported:
      return answer(501, "NotImplemented");
    case Errc::unavailable:
      return answer(503, "ServiceUnavailable");
    default:
      return error_response(500, "InternalError", "The request failed by an internal error.");
  }
}

http::Response unauthorized(const http::Request& request) {
  const std::string address = std::string(request.scheme) + "://" + std::string(request.authority) +
                              std::string(request.path);
  return error_response(
      401, "UserError",
      "Attempted access to " + address + " is not authorized and has been denied.");
}

Json workspace_json(const webservice::Workspace& workspace, std::string_view subscription_id) {
  return Json::object(
      {{"WorkspaceId", text(workspace.id)},
       {"FriendlyName", text(workspace.name)},
       {"Description", text(workspace.description)},
       {"AuthorizationToken", Json::object({{"PrimaryToken", text(workspace.primary_token)},
                                            {"SecondaryToken", text(workspace.secondary_token)}})},
       {"OwnerEmail", text(workspace.owner_email)},
       {"SubscriptionId", text(subscription_id)},
       {"SubscriptionName", text("mlgate")},
       {"SubscriptionState", text("Active")},
       {"Region", text(workspace.region)},
       {"WorkspaceStatus", text("Enabled")},
       {"Type", text("Production")},
       {"CreatedTime", text(to_iso8601(workspace.created_ms))},
       {"Tags", Json::array()}});
}

Json dataset_json(const Dataset& dataset, const std::function<Link(std::string_view)>& link) {
  return Json::object({{"Id", text(dataset.id)},
                       {"Name", text(dataset.name)},
                       {"DataTypeId", text(dataset.data_type_id)},
                       {"Description", text(dataset.description)},
                       {"FamilyId", text(dataset.family_id)},
                       {"ResourceUploadId", text(dataset.upload_id)},
                       {"SourceOrigin", text(dataset.origin)},
                       {"Size", Json(std::int64_t(dataset.bytes))},
                       {"CreatedDate", text(date_text(dataset.created_ms))},
                       {"Owner", text(dataset.owner)},
                       {"ExperimentId", Json()},
                       {"ClientVersion", Json()},
                       {"PromotedFrom", Json()},
                       {"UploadedFromFilename", text(dataset.uploaded_from)},
                       {"ServiceVersion", Json(0)},
                       {"IsLatest", Json(true)},
                       {"Category", text("")},
                       {"IsDeprecated", Json(false)},
                       {"Culture", text("default")},
                       {"Batch", Json(std::int64_t(dataset.batch))},
                       {"CreatedDateTicks",
                        Json(std::int64_t(dataset.created_ms) * 10'000 + 621'355'968'000'000'000)},
                       {"SchemaStatus", text("Complete")},
                       {"DownloadLocation", endpoint_json(link("content"), dataset)},
                       {"VisualizeEndPoint", endpoint_json(link("preview"), dataset)},
                       {"SchemaEndPoint", endpoint_json(link("schema"), dataset)}});
}

Json experiment_json(const Experiment& experiment, Detail detail) {
  Json out = Json::object({{"ExperimentId", text(experiment.id)},
                           {"Description", text(experiment.name)},
                           {"Summary", text(experiment.summary)}});
  out.set("Status", status_json(name_of(experiment.state), experiment.state_detail,
                                experiment.created_ms, experiment.started_ms, experiment.ended_ms));
  out.set("Creator", text(experiment.creator)).set("JobId", text_or_null(experiment.run_id));
  out.set("VersionId", text(std::to_string(experiment.version)));
  out.set("Etag", text(std::to_string(experiment.version)));
  out.set("RunId", text_or_null(experiment.run_id)).set("IsArchived", Json(false));
  out.set("ParentExperimentId", text_or_null(experiment.parent_id));
  out.set("Category", text(experiment.category)).set("Tags", Json::array());
  out.set("WebServiceGroupId", text_or_null(experiment.service_id));
  Json nodes = Json::array();
  for (const NodeStatus& node : experiment.nodes) {
    nodes.push(Json::object({{"NodeId", text(node.node)},
                             {"Status", status_json(name_of(node.state), node.error, 0,
                                                    node.started_ms, node.ended_ms)}}));
  }
  out.set("NodeStatuses", std::move(nodes));
  if (detail == Detail::summary) return out;
  out.set("Graph", experiment.graph);
  out.set("WebService", experiment.web_service);
  return out;
}

Json module_json(const ml::ModuleInfo& info) {
  Json parameters = Json::array();
  for (const auto& parameter : info.parameters) parameters.push(parameter_json(parameter));
  return Json::object({{"Id", text(std::string(kGlobalWorkspace) + "." + to_lower(info.family_id) +
                                   ".v1-default-1")},
                       {"FamilyId", text(info.family_id)},
                       {"Name", text(info.name)},
                       {"Category", text(info.category)},
                       {"Description", text(info.help)},
                       {"InputPorts", ports_json(info.inputs)},
                       {"OutputPorts", ports_json(info.outputs)},
                       {"Parameters", std::move(parameters)},
                       {"IsLatest", Json(true)},
                       {"IsDeprecated", Json(false)}});
}

std::string preview_json(const table::Table& table, std::size_t rows) {
  JsonWriter out;
  out.object().field("RowCount", std::uint64_t(table.rows));
  out.field("ColumnCount", std::uint64_t(table.columns.size()));
  out.key("Columns").array();
  for (const auto& column : table::describe(table)) out.raw(statistics_json(column).dump());
  out.end().key("Rows").array();
  std::string cell;
  for (std::size_t row = 0; row < std::min(rows, table.rows); ++row) {
    out.array();
    for (const auto& column : table.columns) {
      if (column->is_missing(row)) {
        out.null();
        continue;
      }
      cell.clear();
      table::append_cell_text(cell, *column, row);
      out.value(cell);
    }
    out.end();
  }
  out.end().end();
  return std::move(out).text();
}

}  // namespace mlgate::studio
