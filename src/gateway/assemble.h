#pragma once
// Puts compiled parts together: pipelines of an API in every product context, and the service
// around its APIs.
#include "base/result.h"
#include "gateway/snapshot.h"

#include <memory>
#include <span>
#include <vector>

namespace mlgate::gateway {

using ProductPtr = std::shared_ptr<const ProductPart>;

// Adds the operations' templates to the trie; `api.operations` is in the order of creation. A
// template that cannot be read is invalid_argument and names the operation.
Result<void> index_operations(ApiPart& api, PathCase path_case);

// The API in its own context and in that of each product that contains it. At most one of them is
// open.
Result<ApiBindingPtr> bind_api(std::shared_ptr<const ApiPart> api,
                               std::span<const ProductPtr> products,
                               const DocumentPtr& global_document);

// Fills the API trie and the pipeline for what matches nothing from `service.bindings`.
Result<void> finish_service(ServicePart& service, PathCase path_case);

}  // namespace mlgate::gateway
