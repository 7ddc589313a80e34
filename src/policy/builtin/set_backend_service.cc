// set-backend-service: sends the call to a backend entity, or to another base URL, instead of the
// API's service URL. Once a backend was named, a base URL of a narrower scope does not override it.
#include "policy/builtin/builtin.h"
#include "policy/catalog.h"
#include "policy/exchange.h"

namespace mlgate::policy {

namespace {

constexpr ParamSpec kParams[] = {
    {.name = "backend-id", .expression = true, .help = "Name of a backend of this service."},
    {.name = "base-url",
     .expression = true,
     .help = "URL that takes the place of the API's service URL."},
    {.name = "sf-resolve-condition", .expression = true, .help = "Of Service Fabric backends."},
    {.name = "sf-service-instance-name", .expression = true, .help = "Of Service Fabric backends."},
    {.name = "sf-partition-key", .expression = true, .help = "Of Service Fabric backends."},
    {.name = "sf-replica-type", .expression = true, .help = "Of Service Fabric backends."},
    {.name = "sf-listener-name", .expression = true, .help = "Of Service Fabric backends."},
};
constexpr ElementSpec kGrammar{
    .name = "set-backend-service", .attributes = kParams, .children = {}};

class SetBackendService final : public Policy {
 public:
  static std::shared_ptr<const Policy> make(const PolicyNode& node, const PolicyPlace& place,
                                            DocumentErrors& errors) {
    auto self = std::make_shared<SetBackendService>();
    const Params& params = node.params;
    self->id_ = params.text("backend-id");
    self->base_url_ = params.text("base-url");
    if (!params.has("backend-id") && !params.has("base-url"))
      errors.add_missing(*node.element, "base-url");
    if (params.has("backend-id") && params.has("base-url"))
      errors.add_invalid_value(*node.element, "base-url", self->base_url_,
                               "Only one of 'backend-id' and 'base-url' may be given.");
    for (const auto& spec : kParams)
      if (spec.name.starts_with("sf-") && params.has(spec.name))
        errors.add(*node.element, "Service Fabric is not supported by this build.");
    const Placement& placement = place.placement;
    if (!self->id_.empty() && placement.has_backend && !placement.has_backend(self->id_))
      errors.add(*node.element, "Backend with id '" + self->id_ + "' could not be found.");
    if (!self->base_url_.empty() && placement.take_base_url) {
      const auto taken = placement.take_base_url(self->base_url_);
      if (!taken)
        errors.add_invalid_value(*node.element, "base-url", self->base_url_,
                                 taken.error().message() + ".");
    }
    return self;
  }

  Flow apply(Exchange& x) const noexcept override {
    if (!id_.empty())
      x.backend = {id_, {}};
    else if (x.backend.id.empty())
      x.backend.base_url = base_url_;
    return Flow::next;
  }

 private:
  std::string id_, base_url_;
};

}  // namespace

void register_set_backend_service(PolicyCatalog& catalog) {
  catalog.add({.name = "set-backend-service",
               .sections = bit(Section::inbound) | bit(Section::backend),
               .grammar = &kGrammar,
               .make = &SetBackendService::make,
               .help = "Chooses the backend that the call is sent to."});
}

}  // namespace mlgate::policy
