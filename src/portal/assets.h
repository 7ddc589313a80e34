#pragma once
// The files of the pages as they were built from web/, inside the program. The list is generated
// (cmake/web.cmake).
#include <span>
#include <string_view>

namespace mlgate::portal {

struct Asset {
  std::string_view path;  // "index.html", "ui/index-4f3a.js".
  std::string_view type;  // For Content-Type.
  std::string_view etag;  // With its quotes; of the plain bytes.
  std::string_view plain, gzip, brotli;
};

std::span<const Asset> embedded_assets() noexcept;

}  // namespace mlgate::portal
