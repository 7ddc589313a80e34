#include "portal/catalogue.h"

#include "apim/codec.h"
#include "base/text.h"

#include <algorithm>

namespace mlgate::portal {
namespace {

template <class T>
void sort_by_title(std::vector<T>& list) {
  std::ranges::sort(list, [](const T& a, const T& b) {
    return to_lower(a.display_name) < to_lower(b.display_name);
  });
}

}  // namespace

Result<Catalogue> Catalogue::load(apim::Repository& repository, const std::string& service,
                                  const Viewer& viewer) {
  Catalogue out(repository, service, viewer.administrator);
  auto reader = repository.reader();
  TRY(out.products_, apim::find_all<apim::Product>(reader, service));
  if (!viewer.administrator) {
    TRY(const auto links,
        apim::find_links(reader, service, apim::Relation::product_group, std::string_view()));
    std::set<std::string> open;
    for (const apim::Link& link : links)
      if (viewer.is_in(link.right)) open.insert(to_lower(link.left));
    std::erase_if(out.products_, [&](const apim::Product& product) {
      return !product.published || !open.contains(to_lower(product.name));
    });
  }
  sort_by_title(out.products_);
  std::set<std::string> visible;
  for (const apim::Product& product : out.products_) visible.insert(to_lower(product.name));
  TRY(const auto links,
      apim::find_links(reader, service, apim::Relation::product_api, std::string_view()));
  for (const apim::Link& link : links)
    if (const std::string product = to_lower(link.left); visible.contains(product))
      out.products_of_[to_lower(link.right)].insert(product);
  return out;
}

bool Catalogue::shows(const apim::Api& api) const {
  return api.is_current && (everything_ || products_of_.contains(to_lower(api.name)));
}

Result<std::vector<apim::Api>> Catalogue::apis() const {
  auto reader = repository_->reader();
  TRY(auto out, apim::find_all<apim::Api>(reader, service_));
  std::erase_if(out, [&](const apim::Api& api) { return !shows(api); });
  sort_by_title(out);
  return out;
}

Result<apim::Product> Catalogue::product(std::string_view name) const {
  const auto found = std::ranges::find_if(products_, [&](const apim::Product& product) {
    return equals_ignoring_case(product.name, name);
  });
  if (found == products_.end()) return fail(Errc::not_found, "Product not found.");
  return *found;
}

Result<apim::Api> Catalogue::api(std::string_view name) const {
  auto reader = repository_->reader();
  TRY(const auto found, apim::find<apim::Api>(reader, {service_, "", std::string(name)}));
  if (!found || !shows(*found)) return fail(Errc::not_found, "API not found.");
  return *found;
}

std::vector<apim::Product> Catalogue::products_of(const apim::Api& api) const {
  std::vector<apim::Product> out;
  const auto found = products_of_.find(to_lower(api.name));
  if (found == products_of_.end()) return out;
  for (const apim::Product& product : products_)
    if (found->second.contains(to_lower(product.name))) out.push_back(product);
  return out;
}

Result<std::vector<apim::Api>> Catalogue::apis_of(const apim::Product& product) const {
  TRY(auto out, apis());
  std::erase_if(out, [&](const apim::Api& api) {
    const auto found = products_of_.find(to_lower(api.name));
    return found == products_of_.end() || !found->second.contains(to_lower(product.name));
  });
  return out;
}

}  // namespace mlgate::portal
