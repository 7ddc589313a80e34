#pragma once
// Puts compiled parts together: pipelines of an API in every product context, and the service
// around its APIs.
#include "base/result.h"
#include "gateway/snapshot.h"

#include <array>
#include <map>
#include <memory>
#include <span>
#include <vector>

namespace mlgate::gateway {

using ProductPtr = std::shared_ptr<const ProductPart>;

// Pipelines by the documents that they were flattened from, so that operations and APIs with the
// same documents around them share one.
class PipelineCache {
 public:
  using Chain = std::array<DocumentPtr, 4>;  // Operation, API, product, global.
  Result<PipelinePtr> of(const Chain& chain);
  // Forgets those that no snapshot uses.
  void sweep();

 private:
  std::map<std::array<const policy::CompiledDocument*, 4>, PipelinePtr> made_;
  std::size_t sweep_at_ = 1024;
};

// Adds the operations' templates to the trie; `api.operations` is in the order of creation. A
// template that cannot be read is invalid_argument and names the operation.
Result<void> index_operations(ApiPart& api, PathCase path_case);

// The API in its own context and in that of each product that contains it. At most one of them is
// open.
Result<ApiBindingPtr> bind_api(std::shared_ptr<const ApiPart> api,
                               std::span<const ProductPtr> products,
                               const DocumentPtr& global_document, PipelineCache& pipelines);

// Fills the API trie and the pipeline for what matches nothing from `service.bindings`. Errors name
// APIs whose place is taken.
std::vector<Error> finish_service(ServicePart& service, PathCase path_case);

}  // namespace mlgate::gateway
