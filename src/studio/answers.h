#pragma once
// Answers of the Studio interface: its error shape, and its objects as JSON.
#include "base/json.h"
#include "base/result.h"
#include "http/message.h"
#include "ml/module.h"
#include "studio/datasets.h"
#include "studio/experiments.h"
#include "webservice/directory.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::studio {

http::Response json_response(int status, std::string body);
http::Response json_response(const Json& body);
http::Response no_content();
// {"Error":{"Code","Message","Target","Details","InnerError","DebugInfo"}}.
http::Response error_response(int status, std::string_view code, std::string_view message,
                              const std::vector<Error>& details = {});
http::Response error_response(const Error& error);
http::Response unauthorized(const http::Request& request);

Json workspace_json(const webservice::Workspace& workspace, std::string_view subscription_id);
// `link` makes the signed address of one of a dataset's documents: "content", "preview" or
// "schema".
struct Link {
  std::string base_uri, location, credential;
};
Json dataset_json(const Dataset& dataset, const std::function<Link(std::string_view what)>& link);
enum class Detail : unsigned char { summary, full };  // Full: with the graph.
Json experiment_json(const Experiment& experiment, Detail detail);
Json module_json(const ml::ModuleInfo& info);
// Rows and column statistics of a table, at most `rows` rows.
std::string preview_json(const table::Table& table, std::size_t rows);

}  // namespace mlgate::studio
