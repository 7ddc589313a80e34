// Datasets over HTTP: lists, uploads in blocks, and downloads through signed links, which take no
// token because the clients send none.
#include "base/crypto.h"
#include "studio/studio_internal.h"

namespace mlgate::studio {
namespace {

constexpr TimeMs kLinkLifeMs = 24 * 3600 * 1000;

}  // namespace

std::string Studio::signature(std::string_view dataset, std::string_view what,
                              std::string_view expiry) const {
  std::string text(dataset);
  text += '\n';
  text += what;
  text += '\n';
  text += expiry;
  return base64url_encode(hmac_sha256(link_key_, text));
}

Json Studio::describe(const http::Request& request, const Dataset& dataset) const {
  const std::string base =
      std::string(request.scheme) + "://" + std::string(request.authority) + "/";
  const std::string expiry = std::to_string(parts_.clock.now_ms() + kLinkLifeMs);
  const auto link = [&](std::string_view what) {
    return Link{base, "api/datasets/" + dataset.id + "/" + std::string(what),
                "?se=" + expiry + "&sig=" + signature(dataset.id, what, expiry)};
  };
  return dataset_json(dataset, link);
}

http::Response Studio::list_datasets(const Call& call) {
  const auto datasets = datasets_.list(call.workspace->id);
  if (!datasets) return error_response(datasets.error());
  Json out = Json::array();
  for (const Dataset& dataset : *datasets) out.push(describe(call.request, dataset));
  return json_response(out);
}

http::Response Studio::get_dataset(const Call& call) {
  const auto dataset = datasets_.get(call.workspace->id, call.arguments[0]);
  if (!dataset) return error_response(dataset.error());
  return json_response(describe(call.request, *dataset));
}

http::Response Studio::begin_upload(const Call& call) {
  const auto id =
      datasets_.begin_upload(call.workspace->id, call.parameter("dataTypeId"), call.request.body);
  if (!id) return error_response(id.error());
  return json_response(Json::object({{"Id", Json(*id)}}));
}

http::Response Studio::add_block(const Call& call) {
  const auto block = parse_uint(call.parameter("blockId"));
  if (!block)
    return error_response(400, "UserError", "The parameter blockId has to be a whole number.");
  const std::string upload = call.parameter("uploadId");
  const auto added = datasets_.add_block(call.workspace->id, upload, *block, call.request.body);
  if (!added) return error_response(added.error());
  return json_response(
      Json::object({{"Id", Json(upload)}, {"BlockId", Json(std::int64_t(*block))}}));
}

http::Response Studio::create_dataset(const Call& call) {
  const auto body = call.body();
  if (!body) return error_response(body.error());
  const Json& source = (*body)["DataSource"];
  NewDataset made;
  made.workspace_id = call.workspace->id;
  made.name = source.string_or("Name");
  made.description = source.string_or("Description");
  made.data_type_id = source.string_or("DataTypeId");
  made.family_id = source.string_or("FamilyId");
  made.owner = source.string_or("Owner");
  made.upload_id = body->string_or("UploadId");
  made.uploaded_from = body->string_or("UploadedFromFileName");
  const auto dataset = datasets_.create(made);
  if (!dataset) return error_response(dataset.error());
  return json_response(Json(dataset->id));
}

http::Response Studio::remove_family(const Call& call) {
  const auto keep = [&](std::string_view id) { return parts_.registry.uses_dataset(id); };
  const auto removed = datasets_.remove_family(call.workspace->id, call.arguments[0], keep);
  return removed ? no_content() : error_response(removed.error());
}

http::Response Studio::signed_dataset(const Call& call) {
  const std::string& id = call.arguments[0];
  const std::string& what = call.arguments[1];
  const std::string expiry = call.parameter("se");
  const auto until = parse_int(expiry);
  const bool known = equal_secrets(call.parameter("sig"), signature(id, what, expiry));
  if (!known || !until || *until < parts_.clock.now_ms()) return unauthorized(call.request);
  // The link names the workspace with the id.
  const auto dataset = datasets_.get(std::string_view(id).substr(0, 32), id);
  if (!dataset) return error_response(dataset.error());
  if (what == "content") {
    auto content = datasets_.content(*dataset);
    if (!content) return error_response(content.error());
    http::Response response = no_content();
    response.status = 200;
    response.set("Content-Type", "application/octet-stream");
    response.body = *std::move(content);
    return response;
  }
  const auto table = datasets_.load(id);
  if (!table) return error_response(table.error());
  if (what == "preview") return json_response(200, preview_json(*table, options_.preview_rows));
  if (what != "schema") return error_response(404, "NotFound", "There is no such document.");
  Json columns = Json::array();
  for (const auto& column : table->schema()) {
    columns.push(
        Json::object({{"Name", Json(column.name)}, {"Type", Json(table::name_of(column.type))}}));
  }
  return json_response(Json::object({{"Columns", std::move(columns)}}));
}

}  // namespace mlgate::studio
