#pragma once
// Serves the files of the pages: precompressed, with ETag, for ever cached when their name holds
// their content, and under a content security policy that lets no script in but ours.
#include "http/message.h"
#include "portal/assets.h"

#include <span>
#include <string_view>

namespace mlgate::portal {

// Immutable; safe from any thread.
class Site {
 public:
  explicit Site(std::span<const Asset> assets) : assets_(assets) {}

  // A file, or a path that the pages themselves know.
  static bool owns(std::string_view path);
  http::Response handle(const http::Request& request) const;

 private:
  const Asset* find(std::string_view path) const;
  std::span<const Asset> assets_;
};

}  // namespace mlgate::portal
