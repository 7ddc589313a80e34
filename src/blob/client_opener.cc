#include "base/text.h"
#include "blob/access.h"
#include "blob/authorization.h"
#include "blob/client.h"
#include "blob/storage.h"
#include "http/uri.h"

#include <algorithm>

namespace mlgate::blob {
namespace {

// "host:port" of an address, with the scheme's port when it names none.
std::string authority_of(const http::Url& url) {
  const bool v6 = url.host.find(':') != std::string_view::npos;
  const std::string host = (v6 ? "[" : "") + to_lower(url.host) + (v6 ? "]" : "");
  return host + ":" + std::to_string(url.port);
}

}  // namespace

BlobOpener::BlobOpener(Parts parts) : parts_(std::move(parts)) {}

bool BlobOpener::is_embedded(const BlobAddress& address) {
  const EmbeddedEndpoint& own = parts_.embedded;
  if (!own.storage) return false;
  if (address.development) return true;
  if (address.base.empty()) return own.accounts->find(address.place.account).has_value();
  const auto url = http::parse_url(address.base);
  if (!url) return false;
  std::string authority = authority_of(*url);
  // Host style: the account stands in front of the listener's name.
  const bool host_style = url->path.empty() || url->path == "/";
  if (host_style) {
    const std::string prefix = address.place.account + ".";
    if (address.place.account.empty() || !authority.starts_with(prefix)) return false;
    authority.erase(0, authority.starts_with(prefix + "blob.") ? prefix.size() + 5 : prefix.size());
  }
  return std::ranges::find(own.authorities, authority) != own.authorities.end();
}

Result<std::unique_ptr<BlobFile>> BlobOpener::open(const BlobAddress& address) {
  if (is_embedded(address)) return open_embedded(parts_.embedded, address);
  return open_remote(parts_.http, parts_.clock, address, parts_.retry);
}

Result<BlobAddress> BlobOpener::own_address(std::string_view account, std::string_view container,
                                            std::string_view blob) {
  if (!parts_.embedded.storage)
    return mlgate::fail(Errc::unavailable, "there is no embedded blob endpoint");
  TRY(const Account found, parts_.embedded.accounts->find(account));
  BlobAddress address;
  address.place = {
      .account = found.name, .container = std::string(container), .blob = std::string(blob)};
  address.key = found.key1;
  return address;
}

Result<BlobOpener::Link> BlobOpener::link(const BlobAddress& address, TimeMs start, TimeMs expiry) {
  Link link;
  link.relative_location =
      percent_encode(address.place.container) + "/" + percent_encode(address.place.blob, "/");
  link.base_location = address.base.empty() ? address.default_base : address.base;
  std::string key = address.key;
  SasGrant grant{.permissions = "r", .start_ms = start, .expiry_ms = expiry};
  const bool embedded = is_embedded(address);
  // Emulators know tokens of later versions alone.
  if (!embedded) grant.version = "2018-11-09";
  if (embedded) {
    link.base_location = parts_.embedded.public_base + "/" + address.place.account;
    // The public development key is good for this machine alone; the account's own is for all.
    TRY(const Account account, parts_.embedded.accounts->find(address.place.account));
    if (!key.empty()) key = account.key1;
  }
  link.base_location += "/";
  if (key.empty()) {
    if (!address.sas.empty()) link.sas_token = "?" + address.sas;
    return link;
  }
  TRY(const std::string token, make_service_sas({.account = address.place.account,
                                                 .container = address.place.container,
                                                 .blob = address.place.blob,
                                                 .snapshot = {}},
                                                grant, key));
  link.sas_token = "?" + token;
  return link;
}

}  // namespace mlgate::blob
