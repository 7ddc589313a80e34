#include "blob/connection_string.h"

#include "base/crypto.h"
#include "base/text.h"
#include "blob/authorization.h"
#include "http/uri.h"

#include <algorithm>

namespace mlgate::blob {
namespace {

constexpr std::size_t kTextBytesMax = 8 * 1024;
constexpr std::string_view kDefaultSuffix = "core.windows.net";
constexpr std::string_view kDevelopmentBase = "http://127.0.0.1:10000/devstoreaccount1";

bool is_account_name(std::string_view name) {
  return !name.empty() && name.size() <= 63 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-';
  });
}

bool is_host_name(std::string_view name) {
  return !name.empty() && name.size() <= 253 && std::ranges::all_of(name, [](char c) {
    return is_alpha(c) || is_digit(c) || c == '-' || c == '.';
  });
}

std::unexpected<Error> wrong(std::string_view member, std::string_view what) {
  return mlgate::fail(Errc::invalid_argument, std::string(member) + " " + std::string(what),
                      std::string(member));
}

// An http or https address without query; slashes at its end are taken off.
Result<std::string> base_address(std::string_view text, std::string_view member) {
  while (text.ends_with('/')) text.remove_suffix(1);
  const auto url = http::parse_url(text);
  if (!url || url->host.empty()) return wrong(member, "is not an http or https address");
  if (!url->query.empty()) return wrong(member, "has a query");
  return std::string(text);
}

// The account of an address: the path's first segment in path style, else the host's first label.
Result<std::string> account_of(const std::string& base, std::string_view member) {
  TRY(const http::Url url, http::parse_url(base));
  std::string_view path = url.path;
  while (path.starts_with('/')) path.remove_prefix(1);
  if (!path.empty()) {
    if (path.find('/') != std::string_view::npos)
      return wrong(member, "has more than an account behind its host");
    return std::string(path);
  }
  const std::string_view host = url.host;
  const std::string label = to_lower(host.substr(0, host.find('.')));
  return is_account_name(label) ? label : std::string();
}

Result<void> set_member(ConnectionString& out, std::string_view name, std::string_view value) {
  const auto is = [&](std::string_view wanted) { return equals_ignoring_case(name, wanted); };
  if (is("UseDevelopmentStorage")) {
    if (!equals_ignoring_case(value, "true"))
      return wrong("UseDevelopmentStorage", "has to be true");
    out.development = true;
  } else if (is("DefaultEndpointsProtocol")) {
    out.protocol = to_lower(value);
    if (out.protocol != "http" && out.protocol != "https")
      return wrong("DefaultEndpointsProtocol", "has to be http or https");
  } else if (is("AccountName")) {
    out.account = to_lower(value);
    if (!is_account_name(out.account)) return wrong("AccountName", "is not an account's name");
  } else if (is("AccountKey")) {
    out.key = value;
    if (value.empty() || !base64_decode(value)) return wrong("AccountKey", "is not base64");
  } else if (is("SharedAccessSignature")) {
    out.sas = value.starts_with('?') ? value.substr(1) : value;
    if (out.sas.find("sig=") == std::string::npos)
      return wrong("SharedAccessSignature", "has no signature");
  } else if (is("BlobEndpoint")) {
    TRY(out.blob_endpoint, base_address(value, "BlobEndpoint"));
  } else if (is("EndpointSuffix")) {
    out.endpoint_suffix = to_lower(value);
    if (!is_host_name(out.endpoint_suffix)) return wrong("EndpointSuffix", "is not a host name");
  } else if (is("DevelopmentStorageProxyUri")) {
    out.proxy = value;
  }
  return {};
}

}  // namespace

Result<ConnectionString> parse_connection_string(std::string_view text) {
  text = trim(text);
  if (text.empty()) return mlgate::fail(Errc::invalid_argument, "it is empty");
  if (text.size() > kTextBytesMax)
    return mlgate::fail(Errc::invalid_argument, "it is longer than 8192 bytes");
  if (std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20; }))
    return mlgate::fail(Errc::invalid_argument, "it has control characters");
  ConnectionString out;
  for (const std::string_view one : split(text, ';')) {
    const std::string_view member = trim(one);
    if (member.empty()) continue;
    const std::size_t at = member.find('=');
    if (at == std::string_view::npos || at == 0)
      return mlgate::fail(Errc::invalid_argument, "its members have the form Name=Value");
    TRY_OK(set_member(out, trim(member.substr(0, at)), trim(member.substr(at + 1))));
  }
  if (out.development) return out;
  if (out.account.empty() && out.blob_endpoint.empty()) return wrong("AccountName", "is missing");
  if (!out.key.empty() && !out.sas.empty())
    return wrong("AccountKey", "and SharedAccessSignature exclude each other");
  if (out.key.empty() && out.sas.empty()) return wrong("AccountKey", "is missing");
  if (!out.key.empty() && out.account.empty()) return wrong("AccountName", "is missing");
  return out;
}

std::string BlobAddress::url() const {
  const std::string& root = base.empty() ? default_base : base;
  return root + "/" + percent_encode(place.container) + "/" + percent_encode(place.blob, "/");
}

Result<Place> parse_relative_location(std::string_view text) {
  text = trim(text);
  while (text.starts_with('/')) text.remove_prefix(1);
  const auto refuse = [](const char* code, std::string_view what) {
    return mlgate::fail(Errc::invalid_argument, std::string(what), code);
  };
  const std::size_t slash = text.find('/');
  Place place;
  place.container = text.substr(0, slash);
  if (place.container.empty()) return refuse("ContainerIsEmpty", "the container is missing");
  const bool named_well =
      place.container.size() >= 3 && place.container.size() <= 63 &&
      std::ranges::all_of(
          place.container,
          [](char c) { return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '$'; }) &&
      !place.container.starts_with('-') && !place.container.ends_with('-') &&
      place.container.find("--") == std::string::npos;
  if (!named_well && place.container != "$root")
    return refuse("ContainerSegmentInvalid", "the container's name is not valid");
  if (slash != std::string_view::npos) place.blob = text.substr(slash + 1);
  const bool control =
      std::ranges::any_of(place.blob, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
  if (place.blob.empty() || place.blob.size() > kBlobNameBytesMax || control ||
      !is_utf8(place.blob))
    return refuse("InputBlobRelativeLocationInvalid", "the blob's name is missing or not valid");
  return place;
}

Result<BlobAddress> address_of(const ConnectionString& connection, std::string_view relative) {
  BlobAddress out;
  TRY(out.place, parse_relative_location(relative));
  if (connection.development) {
    out.development = true;
    out.place.account = kDevelopmentAccount;
    out.key = kDevelopmentKey;
    out.default_base = kDevelopmentBase;
    return out;
  }
  out.place.account = connection.account;
  out.key = connection.key;
  out.sas = connection.sas;
  out.base = connection.blob_endpoint;
  if (!out.base.empty()) {
    if (out.place.account.empty()) {
      TRY(out.place.account, account_of(out.base, "BlobEndpoint"));
    }
    return out;
  }
  const std::string suffix =
      connection.endpoint_suffix.empty() ? std::string(kDefaultSuffix) : connection.endpoint_suffix;
  out.default_base = connection.protocol + "://" + connection.account + ".blob." + suffix;
  return out;
}

Result<BlobAddress> address_of(std::string_view base_location, std::string_view relative,
                               std::string_view sas_token) {
  BlobAddress out;
  TRY(out.place, parse_relative_location(relative));
  TRY(out.base, base_address(base_location, "BaseLocation"));
  TRY(out.place.account, account_of(out.base, "BaseLocation"));
  out.sas = sas_token.starts_with('?') ? sas_token.substr(1) : sas_token;
  return out;
}

}  // namespace mlgate::blob
