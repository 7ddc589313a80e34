#pragma once
// An API as an OpenAPI 3.0 document, for those who make clients of it from one.
#include "apim/model.h"
#include "base/json.h"

#include <string>
#include <vector>

namespace mlgate::apim {

// Where the document says that the API is, and what has to go along with every call.
struct OpenApiServer {
  std::string url;                            // Stands before the templates of the operations.
  std::string version_header, version_value;  // Of an API whose version stands in a header.
  std::string version_query;                  // Of one whose version stands in the query.
};

// Operations whose method the format does not know are left out. A `{*rest}` becomes `{rest}`, and
// what a template has behind '?' parameters of the query.
Json to_openapi(const Api& api, const std::vector<Operation>& operations,
                const OpenApiServer& server);

}  // namespace mlgate::apim
