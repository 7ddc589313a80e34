#include "gateway/assemble.h"

namespace mlgate::gateway {

Result<PipelinePtr> PipelineCache::of(const Chain& chain) {
  const std::array key = {chain[0].get(), chain[1].get(), chain[2].get(), chain[3].get()};
  if (const auto found = made_.find(key); found != made_.end()) return found->second;
  TRY(auto pipeline, policy::flatten(chain));
  if (made_.size() >= sweep_at_) sweep();
  // A pipeline keeps its documents, so their addresses cannot be given to others meanwhile.
  made_.emplace(key, pipeline);
  return pipeline;
}

void PipelineCache::sweep() {
  std::erase_if(made_, [](const auto& one) { return one.second.use_count() == 1; });
  sweep_at_ = std::max<std::size_t>(1024, 2 * made_.size());
}

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
                                  const DocumentPtr& global_document, PipelineCache& pipelines) {
  ProductContext out;
  out.product = std::move(product);
  const DocumentPtr product_document = out.product ? out.product->document : nullptr;
  const policy::CompiledDocument* last = nullptr;
  for (const auto& operation : api.operations) {
    const std::size_t before = out.pipelines.size();
    if (before > 0 && operation.document.get() == last) {
      out.pipelines.add(out.pipelines[before - 1]);
      continue;
    }
    last = operation.document.get();
    auto flat = pipelines.of({operation.document, api.document, product_document, global_document});
    if (!flat) {
      return std::unexpected(
          std::move(flat.error())
              .within("operation '" + operation.name + "' of API '" + api.name + "'"));
    }
    out.pipelines.add(*std::move(flat));
  }
  return out;
}

}  // namespace

Result<ApiBindingPtr> bind_api(std::shared_ptr<const ApiPart> api,
                               std::span<const ProductPtr> products,
                               const DocumentPtr& global_document, PipelineCache& pipelines) {
  auto out = std::make_shared<ApiBinding>();
  out->contexts.reserve(products.size() + 1);
  out->global_document = global_document;
  TRY(auto alone, context_of(*api, nullptr, global_document, pipelines));
  out->contexts.push_back(std::move(alone));
  for (const auto& product : products) {
    TRY(auto context, context_of(*api, product, global_document, pipelines));
    if (!product->subscription_required && out->open_context == 0) {
      out->open_context = std::uint32_t(out->contexts.size());
    }
    out->contexts.push_back(std::move(context));
  }
  out->api = std::move(api);
  return out;
}

std::vector<Error> finish_service(ServicePart& service, PathCase path_case) {
  std::vector<Error> errors;
  auto apis = std::make_shared<ApiTrie>(path_case);
  for (const auto& binding : service.bindings) {
    const ApiBinding* taken = apis->add(binding);
    if (!taken) continue;
    const std::string where = "apis/" + binding->api->name;
    errors.emplace_back(Errc::conflict,
                        where + ": the path '" + binding->api->path + "' is taken by the API '" +
                            taken->api->name + "'",
                        where + "/path");
  }
  service.apis = std::move(apis);
  const std::array chain = {service.global_document};
  auto flat = policy::flatten(chain);
  if (flat)
    service.unmatched = *std::move(flat);
  else
    errors.emplace_back(flat.error().code(), "policies/policy: " + flat.error().message(),
                        "policies/policy");
  return errors;
}

}  // namespace mlgate::gateway
