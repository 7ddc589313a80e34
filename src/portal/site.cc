#include "portal/site.h"

#include "base/text.h"

#include <algorithm>
#include <array>

namespace mlgate::portal {
namespace {

constexpr std::string_view kFiles = "/ui/";
// First segments of the pages' own paths. All are answered with the one page, which finds its way.
constexpr std::array<std::string_view, 7> kPages{"first-run", "sign-in",   "instances", "studio",
                                                 "publisher", "developer", "account"};

constexpr std::string_view kContentPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

// Whether the caller takes the coding; "q=0" is a refusal.
bool takes(std::string_view accepted, std::string_view coding) {
  for (const std::string_view part : split(accepted, ',')) {
    const auto semicolon = part.find(';');
    if (!equals_ignoring_case(trim(part.substr(0, semicolon)), coding)) continue;
    if (semicolon == std::string_view::npos) return true;
    const std::string_view weight = trim(part.substr(semicolon + 1));
    return !weight.starts_with("q=") || parse_double(weight.substr(2)).value_or(0) > 0;
  }
  return false;
}

bool names_etag(std::string_view condition, std::string_view etag) {
  if (trim(condition) == "*") return true;
  return std::ranges::any_of(split(condition, ','), [&](std::string_view one) {
    one = trim(one);
    if (one.starts_with("W/")) one.remove_prefix(2);
    return one == etag;
  });
}

void add_common(http::Response& response) {
  response.set("Content-Security-Policy", kContentPolicy);
  response.set("X-Content-Type-Options", "nosniff");
  response.set("X-Frame-Options", "DENY");
  response.set("Referrer-Policy", "no-referrer");
  response.set("Cross-Origin-Opener-Policy", "same-origin");
  response.set("Cross-Origin-Resource-Policy", "same-origin");
}

}  // namespace

bool Site::owns(std::string_view path) {
  if (path == "/" || path == "/favicon.svg" || path.starts_with(kFiles)) return true;
  if (path.empty()) return false;
  const std::string_view first = path.substr(1, path.substr(1).find('/'));
  return std::ranges::find(kPages, first) != kPages.end();
}

const Asset* Site::find(std::string_view path) const {
  const auto found = std::ranges::find(assets_, path, &Asset::path);
  return found == assets_.end() ? nullptr : &*found;
}

http::Response Site::handle(const http::Request& request) const {
  http::Response response;
  add_common(response);
  if (request.method != "GET" && request.method != "HEAD") {
    response.status = 405;
    response.set("Allow", "GET, HEAD");
    return response;
  }
  const bool is_file = request.path.starts_with(kFiles) || request.path == "/favicon.svg";
  const Asset* asset = find(is_file ? request.path.substr(1) : "index.html");
  if (!asset) {
    response.status = 404;
    response.set("Cache-Control", "no-store");
    return response;
  }
  // The names of files under /ui/ change with their content.
  response.set("Cache-Control", request.path.starts_with(kFiles)
                                    ? "public, max-age=31536000, immutable"
                                    : "no-cache");
  response.set("ETag", asset->etag);
  response.set("Vary", "Accept-Encoding");
  if (names_etag(request.header("if-none-match"), asset->etag)) {
    response.status = 304;
    return response;
  }
  response.set("Content-Type", asset->type);
  const std::string_view accepted = request.header("accept-encoding");
  std::string_view body = asset->plain;
  if (!asset->brotli.empty() && takes(accepted, "br")) {
    body = asset->brotli;
    response.set("Content-Encoding", "br");
  } else if (!asset->gzip.empty() && takes(accepted, "gzip")) {
    body = asset->gzip;
    response.set("Content-Encoding", "gzip");
  }
  response.body = body;
  return response;
}

}  // namespace mlgate::portal
