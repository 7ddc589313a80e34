#include "policy/pipeline.h"

#include "policy/builtin/forward_request.h"

namespace mlgate::policy {

namespace {

// False when the section grows too long.
bool expand(std::vector<Step>& steps, Section section,
            std::span<const std::shared_ptr<const CompiledDocument>> chain) {
  while (!chain.empty() && (!chain[0] || !chain[0]->sections[std::size_t(section)])) {
    chain = chain.subspan(1);
  }
  if (steps.size() >= kStepsMax) return false;
  if (chain.empty()) {
    if (section != Section::backend) return true;
    steps.push_back({.policy = default_forward_request(),
                     .source = "forward-request",
                     .id = {},
                     .path = "forward-request[1]",
                     .scope = Scope::global,
                     .section = section});
    return true;
  }
  for (const auto& item : *chain[0]->sections[std::size_t(section)]) {
    if (steps.size() >= kStepsMax) return false;
    if (item.policy) {
      steps.push_back(
          {item.policy.get(), item.source, item.id, item.path, chain[0]->scope, section});
    } else if (!expand(steps, section, chain.subspan(1))) {
      return false;
    }
  }
  return true;
}

}  // namespace

Result<std::shared_ptr<const Pipeline>> flatten(
    std::span<const std::shared_ptr<const CompiledDocument>> chain) {
  auto out = std::make_shared<Pipeline>();
  for (std::size_t i = 0; i < kSections; ++i) {
    if (expand(out->sections[i], Section(i), chain)) continue;
    return fail(Errc::exhausted, "The '" + std::string(to_text(Section(i))) +
                                     "' section of the effective policy has more than " +
                                     std::to_string(kStepsMax) + " policies.");
  }
  for (const auto& document : chain) {
    if (document) out->documents.push_back(document);
  }
  return out;
}

}  // namespace mlgate::policy
