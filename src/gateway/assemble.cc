#include "gateway/assemble.h"

#include <array>
#include <map>

namespace mlgate::gateway {

Result<void> index_operations(ApiPart& api, PathCase path_case) {
  api.trie = OperationTrie(path_case);
  for (std::uint32_t i = 0; i < api.operations.size(); ++i) {
    const auto& operation = api.operations[i];
    auto parsed = parse_url_template(operation.url_template);
    if (!parsed) {
      return std::unexpected(
          std::move(parsed.error())
              .within("operation '" + operation.name + "' of API '" + api.name + "'"));
    }
    api.trie.add(*parsed, operation.method, i);
  }
  api.trie.seal();
  return {};
}

namespace {

Result<ProductContext> context_of(const ApiPart& api, ProductPtr product,
                                  const DocumentPtr& global_document) {
  ProductContext out;
  out.product = std::move(product);
  const DocumentPtr product_document = out.product ? out.product->document : nullptr;
  // Operations without a document of their own share one pipeline.
  std::map<const policy::CompiledDocument*, PipelinePtr> made;
  for (const auto& operation : api.operations) {
    auto& pipeline = made[operation.document.get()];
    if (!pipeline) {
      const std::array chain = {operation.document, api.document, product_document,
                                global_document};
      auto flat = policy::flatten(chain);
      if (!flat) {
        return std::unexpected(
            std::move(flat.error())
                .within("operation '" + operation.name + "' of API '" + api.name + "'"));
      }
      pipeline = std::move(*flat);
    }
    out.pipelines.push_back(pipeline);
  }
  return out;
}

}  // namespace

Result<ApiBindingPtr> bind_api(std::shared_ptr<const ApiPart> api,
                               std::span<const ProductPtr> products,
                               const DocumentPtr& global_document) {
  auto out = std::make_shared<ApiBinding>();
  out->global_document = global_document;
  TRY(auto alone, context_of(*api, nullptr, global_document));
  out->contexts.push_back(std::move(alone));
  for (const auto& product : products) {
    TRY(auto context, context_of(*api, product, global_document));
    if (!product->subscription_required && out->open_context == 0) {
      out->open_context = std::uint32_t(out->contexts.size());
    }
    out->contexts.push_back(std::move(context));
  }
  out->api = std::move(api);
  return out;
}

Result<void> finish_service(ServicePart& service, PathCase path_case) {
  service.apis = ApiTrie(path_case);
  for (const auto& binding : service.bindings) service.apis.add(binding);
  const std::array chain = {service.global_document};
  TRY(service.unmatched, policy::flatten(chain));
  return {};
}

}  // namespace mlgate::gateway
