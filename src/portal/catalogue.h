#pragma once
// What one viewer may see of an instance: the products that are published for one of his groups,
// the APIs of these products, and nothing else. Administrators see everything. Something that is
// not visible is treated as if it did not exist, so that nobody learns of it by asking.
#include "apim/model.h"
#include "apim/repository.h"
#include "portal/developers.h"

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::portal {

// One reading; owned by the request that it is made for.
class Catalogue {
 public:
  static Result<Catalogue> load(apim::Repository& repository, const std::string& service,
                                const Viewer& viewer);

  // Ordered by display name.
  const std::vector<apim::Product>& products() const noexcept { return products_; }
  Result<std::vector<apim::Api>> apis() const;
  // not_found for what is not there and for what is not visible.
  Result<apim::Product> product(std::string_view name) const;
  Result<apim::Api> api(std::string_view name) const;
  std::vector<apim::Product> products_of(const apim::Api& api) const;
  Result<std::vector<apim::Api>> apis_of(const apim::Product& product) const;

 private:
  Catalogue(apim::Repository& repository, std::string service, bool everything)
      : repository_(&repository), service_(std::move(service)), everything_(everything) {}
  bool shows(const apim::Api& api) const;

  apim::Repository* repository_;
  std::string service_;
  bool everything_;
  std::vector<apim::Product> products_;
  // By API, in lower case: the products it is in, of those that are visible.
  std::map<std::string, std::set<std::string>> products_of_;
};

}  // namespace mlgate::portal
