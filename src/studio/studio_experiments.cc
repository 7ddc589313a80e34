// Experiments over HTTP: save, run, look at outputs, publish.
#include "studio/studio_internal.h"
#include "table/csv.h"

#include <algorithm>

namespace mlgate::studio {
namespace {

std::optional<std::string> text_member(const Json& json, std::string_view name) {
  const Json* member = json.find(name);
  if (!member || !member->is_string()) return std::nullopt;
  return std::string(member->as_string());
}

std::optional<Json> object_member(const Json& json, std::string_view name) {
  const Json* member = json.find(name);
  if (!member || !member->is_object()) return std::nullopt;
  return *member;
}

ExperimentEdit edit_of(const Json& json) {
  ExperimentEdit edit;
  edit.name = text_member(json, "Description");
  edit.summary = text_member(json, "Summary");
  edit.category = text_member(json, "Category");
  edit.parent_id = text_member(json, "ParentExperimentId");
  edit.graph = object_member(json, "ExperimentGraph");
  if (!edit.graph) edit.graph = object_member(json, "Graph");
  edit.web_service = object_member(json, "WebService");
  return edit;
}

// Clients say by IsDraft whether to save only or to run as well; absent is a draft.
bool asks_for_run(const Json& json) {
  const Json& draft = json["IsDraft"];
  return (draft.is_bool() && !draft.as_bool().value_or(true)) ||
         equals_ignoring_case(draft.as_string(), "false");
}

Json columns_json(const table::Schema& schema) {
  Json columns = Json::array();
  for (const auto& column : schema) {
    columns.push(
        Json::object({{"Name", Json(column.name)}, {"Type", Json(table::name_of(column.type))}}));
  }
  return columns;
}

Json ports_json(const std::vector<ml::ScorerPort>& ports) {
  Json out = Json::array();
  for (const auto& port : ports)
    out.push(Json::object({{"Name", Json(port.name)}, {"Columns", columns_json(port.schema)}}));
  return out;
}

Json publication_json(const Experiment& experiment, std::string_view status) {
  return Json::object({{"ActivityId", Json(experiment.id)},
                       {"WebServiceGroupId", Json(experiment.service_id)},
                       {"EndpointId", Json(experiment.endpoint_id)},
                       {"Status", Json(status)}});
}

}  // namespace

http::Response Studio::list_experiments(const Call& call) {
  const auto experiments = experiments_.list(call.workspace->id);
  if (!experiments) return error_response(experiments.error());
  Json out = Json::array();
  for (const auto& experiment : *experiments)
    out.push(experiment_json(experiment, Detail::summary));
  return json_response(out);
}

http::Response Studio::get_experiment(const Call& call) {
  const auto experiment = experiments_.get(call.workspace->id, call.arguments[0]);
  if (!experiment) return error_response(experiment.error());
  return json_response(experiment_json(*experiment, Detail::full));
}

http::Response Studio::create_experiment(const Call& call) {
  const auto body = call.body();
  if (!body) return error_response(body.error());
  const auto made =
      experiments_.create(call.workspace->id, edit_of(*body), call.workspace->owner_email);
  if (!made) return error_response(made.error());
  if (asks_for_run(*body)) return start_run(call.workspace->id, made->id);
  return json_response(experiment_json(*made, Detail::full));
}

http::Response Studio::save_experiment(const Call& call) {
  const auto body = call.body();
  if (!body) return error_response(body.error());
  std::optional<std::uint64_t> version;
  std::string_view tag = trim(call.request.header("if-match"));
  if (tag.size() >= 2 && tag.front() == '"' && tag.back() == '"')
    tag = tag.substr(1, tag.size() - 2);
  if (!tag.empty() && tag != "*") version = parse_uint(tag).value_or(0);
  const auto saved =
      experiments_.save(call.workspace->id, call.arguments[0], edit_of(*body), version);
  if (!saved) return error_response(saved.error());
  if (asks_for_run(*body)) return start_run(call.workspace->id, saved->id);
  return json_response(experiment_json(*saved, Detail::full));
}

http::Response Studio::remove_experiment(const Call& call) {
  const auto removed = experiments_.remove(call.workspace->id, call.arguments[0]);
  return removed ? no_content() : error_response(removed.error());
}

http::Response Studio::run_experiment(const Call& call) {
  return start_run(call.workspace->id, call.arguments[0]);
}

http::Response Studio::start_run(const std::string& workspace_id, const std::string& id) {
  const auto experiment = experiments_.get(workspace_id, id);
  if (!experiment) return error_response(experiment.error());
  auto problems = experiments_.problems(*experiment);
  if (!problems) return error_response(problems.error());
  // Ports of a web service matter when it is published.
  std::erase_if(*problems, [](const Error& error) {
    return error.field().starts_with("serviceInputs") ||
           error.field().starts_with("serviceOutputs");
  });
  if (!problems->empty())
    return error_response(400, "UserError", problems->front().message(), *problems);
  const auto started = experiments_.start(workspace_id, id);
  if (!started) return error_response(started.error());
  return json_response(experiment_json(*started, Detail::full));
}

http::Response Studio::output_data(const Call& call) {
  const auto table = experiments_.output(call.workspace->id, call.arguments[0], call.arguments[1],
                                         call.arguments[2]);
  if (!table) return error_response(table.error());
  http::Response response = no_content();
  response.status = 200;
  response.set("Content-Type", "text/csv; charset=utf-8");
  response.body = table::to_csv(*table);
  return response;
}

http::Response Studio::output_preview(const Call& call) {
  const auto table = experiments_.output(call.workspace->id, call.arguments[0], call.arguments[1],
                                         call.arguments[2]);
  if (!table) return error_response(table.error());
  const auto asked = parse_uint(call.parameter("rows"));
  const std::size_t rows = asked ? std::min<std::size_t>(*asked, 10'000) : options_.preview_rows;
  return json_response(200, preview_json(*table, rows));
}

http::Response Studio::service_definition(const Call& call) {
  const auto experiment = experiments_.get(call.workspace->id, call.arguments[0]);
  if (!experiment) return error_response(experiment.error());
  const auto graph = Experiments::graph_of(*experiment);
  if (!graph) return error_response(graph.error());
  const auto scorer = ml::compile_scorer(*graph, parts_.catalogue, dataset_loader(datasets_));
  if (!scorer) return error_response(400, "UserError", scorer.error().message());
  Json parameters = Json::array();
  for (const auto& global : (*scorer)->global_parameters()) {
    parameters.push(Json::object(
        {{"Name", Json(global.name)}, {"DefaultValue", global.default_value.value_or(Json())}}));
  }
  return json_response(Json::object({{"Name", Json(experiment->name)},
                                     {"Inputs", ports_json((*scorer)->inputs())},
                                     {"Outputs", ports_json((*scorer)->outputs())},
                                     {"Parameters", std::move(parameters)},
                                     {"Graph", experiment->graph},
                                     {"WebService", experiment->web_service}}));
}

http::Response Studio::publish(const Call& call) {
  const auto experiment = experiments_.get(call.workspace->id, call.arguments[0]);
  if (!experiment) return error_response(experiment.error());
  if (experiment->state != ExperimentState::finished) {
    return error_response(400, "UserError",
                          "Only a finished experiment can be published. Run it first.");
  }
  auto graph = Experiments::graph_of(*experiment);
  if (!graph) return error_response(graph.error());
  webservice::Publication publication;
  publication.workspace_id = call.workspace->id;
  publication.name = experiment->name;
  publication.description = experiment->summary;
  publication.experiment_id = experiment->id;
  publication.graph = *std::move(graph);
  const bool update = equals_ignoring_case(call.parameter("updateExistingWebService"), "true");
  // A service that was deleted meanwhile is published anew.
  if (update && call.directory->find_service(call.workspace->id, experiment->service_id))
    publication.service_id = experiment->service_id;
  const auto service = parts_.registry.publish(std::move(publication));
  if (!service) return error_response(service.error());
  const auto done =
      experiments_.set_published(*experiment, (*service)->id, (*service)->endpoints.front()->id);
  if (!done) return error_response(done.error());
  return json_response(publication_json(*done, "Completed"));
}

http::Response Studio::publication(const Call& call) {
  const auto experiment = experiments_.get(call.workspace->id, call.arguments[0]);
  if (!experiment) return error_response(experiment.error());
  if (experiment->service_id.empty())
    return error_response(404, "NotFound", "The experiment has not been published.");
  return json_response(publication_json(*experiment, "Completed"));
}

}  // namespace mlgate::studio
