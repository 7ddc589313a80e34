#include "blob/request.h"

#include "base/text.h"
#include "blob/fault.h"
#include "http/uri.h"

#include <algorithm>
#include <cctype>

namespace mlgate::blob {
namespace {

constexpr std::string_view kOldestVersion = "2009-09-19";
constexpr std::size_t kBlobNameCharactersMax = 1'024;

struct Rule {
  std::string_view method, comp;
  Verb verb;
};
constexpr Rule kServiceRules[] = {
    {"GET", "list", Verb::list_containers},
    {"GET", "properties", Verb::get_service_properties},
    {"PUT", "properties", Verb::set_service_properties},
    {"POST", "userdelegationkey", Verb::delegation_key},
};
constexpr Rule kContainerRules[] = {
    {"PUT", "", Verb::create_container},
    {"GET", "", Verb::container_properties},
    {"HEAD", "", Verb::container_properties},
    {"DELETE", "", Verb::delete_container},
    {"GET", "metadata", Verb::container_metadata},
    {"HEAD", "metadata", Verb::container_metadata},
    {"PUT", "metadata", Verb::set_container_metadata},
    {"GET", "acl", Verb::get_acl},
    {"HEAD", "acl", Verb::get_acl},
    {"PUT", "acl", Verb::set_acl},
    {"PUT", "lease", Verb::lease_container},
    {"GET", "list", Verb::list_blobs},
};
constexpr Rule kBlobRules[] = {
    {"GET", "", Verb::get_blob},
    {"HEAD", "", Verb::blob_properties},
    {"DELETE", "", Verb::delete_blob},
    {"PUT", "", Verb::put_blob},
    {"PUT", "block", Verb::put_block},
    {"PUT", "blocklist", Verb::put_block_list},
    {"GET", "blocklist", Verb::get_block_list},
    {"GET", "metadata", Verb::blob_metadata},
    {"HEAD", "metadata", Verb::blob_metadata},
    {"PUT", "metadata", Verb::set_blob_metadata},
    {"PUT", "properties", Verb::set_blob_properties},
    {"PUT", "lease", Verb::lease_blob},
};

template <std::size_t N>
Result<Verb> pick(const Rule (&rules)[N], std::string_view method, std::string_view comp) {
  bool known = false;
  for (const Rule& rule : rules) {
    if (rule.comp != comp) continue;
    if (rule.method == method) return rule.verb;
    known = true;
  }
  if (known) return fail(Fault::unsupported_http_verb);
  return fail(Fault::not_implemented,
              "comp=" + std::string(comp) + " is not supported by this endpoint.");
}

Result<Verb> blob_verb(const BlobRequest& request) {
  const std::string_view comp = request.comp;
  if (comp == "page" || comp == "pagelist" || comp == "appendblock" || comp == "incrementalcopy")
    return fail(Fault::append_or_page_unsupported);
  if (comp == "snapshot" || comp == "undelete" || request.parameter("snapshot") ||
      request.parameter("versionid"))
    return fail(Fault::snapshots_unsupported);
  TRY(const Verb verb, pick(kBlobRules, request.method, comp));
  const bool copies = !request.header("x-ms-copy-source").empty();
  if (verb == Verb::put_block && copies)
    return fail(Fault::not_implemented, "Put Block From URL is not supported by this endpoint.");
  if (verb != Verb::put_blob) return verb;
  const std::string_view type = request.header("x-ms-blob-type");
  if (copies) {
    if (!type.empty())
      return fail(Fault::not_implemented, "Put Blob From URL is not supported by this endpoint.");
    return Verb::copy_blob;
  }
  if (type.empty())
    return fail(Fault::missing_required_header, "The x-ms-blob-type header is missing.");
  if (type == "PageBlob" || type == "AppendBlob") return fail(Fault::append_or_page_unsupported);
  if (type != "BlockBlob") return fail(Fault::invalid_header_value);
  return verb;
}

Result<Verb> verb_of(const BlobRequest& request) {
  if (request.method == "OPTIONS") return Verb::preflight;
  if (request.restype == "account" && request.comp == "properties")
    return Verb::account_information;
  if (request.place.container.empty()) {
    if (request.comp.empty())
      return fail(Fault::invalid_query_parameter_value, "The request names no operation (comp).");
    return pick(kServiceRules, request.method, request.comp);
  }
  if (request.place.blob.empty()) return pick(kContainerRules, request.method, request.comp);
  return blob_verb(request);
}

bool is_container_name(std::string_view name) noexcept {
  if (name == "$root" || name == "$web") return true;
  if (name.front() == '-' || name.back() == '-' || name.find("--") != std::string_view::npos)
    return false;
  return std::ranges::all_of(
      name, [](char c) { return is_digit(c) || c == '-' || (c >= 'a' && c <= 'z'); });
}

std::size_t characters_of(std::string_view text) noexcept {
  return std::size_t(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

Result<void> check_place(const Place& place) {
  if (!place.container.empty()) {
    if (place.container.size() < 3 || place.container.size() > 63)
      return fail(Fault::invalid_resource_name, "The name of a container has 3 to 63 characters.");
    if (!is_container_name(place.container))
      return fail(Fault::invalid_resource_name,
                  "The name of a container has lower-case letters, digits and single dashes.");
  }
  if (place.blob.empty()) return {};
  const bool controls =
      std::ranges::any_of(place.blob, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
  if (!is_utf8(place.blob) || controls) return fail(Fault::invalid_uri);
  if (characters_of(place.blob) > kBlobNameCharactersMax)
    return fail(Fault::out_of_range_input, "The name of a blob has at most 1,024 characters.");
  return {};
}

// "acct.blob.example.net": the account in front of the host.
std::string_view account_in_host(std::string_view authority) noexcept {
  const auto parsed = http::parse_authority(authority);
  if (!parsed) return {};
  const std::size_t dot = parsed->host.find('.');
  if (dot == std::string_view::npos || dot == 0) return {};
  if (!starts_with_ignoring_case(parsed->host.substr(dot), ".blob.")) return {};
  return parsed->host.substr(0, dot);
}

// Of a path without its account. One segment is a container when the request says so, and
// otherwise a blob of the root container.
Result<void> split_path(std::string_view path, bool container_only, Place& place) {
  if (path.starts_with('/')) path.remove_prefix(1);
  const std::size_t slash = path.find('/');
  const auto first = percent_decode(path.substr(0, slash));
  const auto rest =
      slash == std::string_view::npos ? std::string() : percent_decode(path.substr(slash + 1));
  if (!first || !rest) return fail(Fault::request_url_failed_to_parse);
  if (!rest->empty() || container_only || first->empty()) {
    place.container = *first;
    place.blob = *rest;
  } else {
    place.container = "$root";
    place.blob = *first;
  }
  return check_place(place);
}

Result<void> read_place(std::string_view authority, std::string_view path, bool container_only,
                        Place& place) {
  if (const std::string_view account = account_in_host(authority); !account.empty()) {
    place.account = to_lower(account);
    return split_path(path, container_only, place);
  }
  if (path.starts_with('/')) path.remove_prefix(1);
  const std::size_t slash = path.find('/');
  place.account = path.substr(0, slash);
  if (place.account.empty()) return fail(Fault::invalid_uri);
  return split_path(slash == std::string_view::npos ? std::string_view() : path.substr(slash),
                    container_only, place);
}

// What would change what is stored, or who can read it, if it were ignored.
Result<void> check_headers(const http::Fields& headers) {
  constexpr std::string_view kRefused[] = {"x-ms-encryption-key",
                                           "x-ms-encryption-scope",
                                           "x-ms-tags",
                                           "x-ms-immutability-policy-until-date",
                                           "x-ms-legal-hold",
                                           "x-ms-structured-body",
                                           "x-ms-source-encryption-key"};
  for (const std::string_view name : kRefused)
    if (headers.find(name))
      return fail(Fault::unsupported_header,
                  "The header " + std::string(name) + " is not supported by this endpoint.");
  return {};
}

Result<std::optional<TimeMs>> date_of(const BlobRequest& request, const std::string& name) {
  const std::string_view value = request.header(name);
  if (value.empty()) return std::nullopt;
  if (const auto time = parse_http_date(value)) return *time;
  if (const auto time = parse_iso8601(value)) return *time;
  return fail(Fault::invalid_header_value, "The header " + name + " is not a date.");
}

bool is_identifier(std::string_view name) noexcept {
  if (name.empty() || is_digit(name.front())) return false;
  return std::ranges::all_of(name, [](char c) { return is_alpha(c) || is_digit(c) || c == '_'; });
}

Result<std::optional<std::int64_t>> seconds_of(const BlobRequest& request, std::string_view name) {
  const std::string_view value = request.header(name);
  if (value.empty()) return std::nullopt;
  const auto number = parse_int(value);
  if (!number || *number < -1 || *number > 60)
    return fail(Fault::invalid_header_value,
                "The header " + std::string(name) + " is not a number in its range.");
  return *number;
}

}  // namespace

std::string_view BlobRequest::version() const noexcept {
  const std::string_view stated = header("x-ms-version");
  if (!stated.empty()) return stated;
  // A SAS brings its version along.
  const std::size_t at = ("&" + std::string(query)).find("&sv=");
  if (at != std::string::npos && query.size() >= at + 13) return query.substr(at + 3, 10);
  return kOldestVersion;
}

Result<void> read_request(const http::RequestHead& head, Caller caller, std::string_view scheme,
                          BlobRequest& bare) {
  bare.method = head.method;
  bare.path = head.path;
  bare.query = head.query;
  bare.headers = &head.fields;
  bare.content_length = head.content_length.value_or(0);
  bare.caller = caller;
  bare.comp = bare.parameter("comp").value_or("");
  bare.restype = bare.parameter("restype").value_or("");
  const std::string_view version = bare.header("x-ms-version");
  if (!version.empty() && (version.size() != 10 || !parse_iso8601(version)))
    return fail(Fault::invalid_header_value,
                "The value of x-ms-version is not a version of the protocol.");
  TRY_OK(read_place(head.authority, head.path, bare.restype == "container", bare.place));
  bare.base_url = std::string(scheme) + "://" + std::string(head.authority);
  if (account_in_host(head.authority).empty()) bare.base_url += "/" + bare.place.account;
  TRY_OK(check_headers(head.fields));
  TRY(bare.verb, verb_of(bare));
  return {};
}

Result<Place> place_of_url(const BlobRequest& request, std::string_view url,
                           std::string& query_of_url) {
  const auto parsed = http::parse_url(url);
  if (!parsed) return fail(Fault::invalid_header_value, "x-ms-copy-source is not a URL.");
  const auto own = http::parse_url(request.base_url);
  if (!own || !equals_ignoring_case(parsed->authority, own->authority))
    return fail(Fault::cannot_verify_copy_source,
                "A copy is possible within an account of this endpoint only.");
  Place place;
  TRY_OK(read_place(parsed->authority, parsed->path, false, place));
  if (place.account != request.place.account || place.blob.empty())
    return fail(Fault::cannot_verify_copy_source,
                "A copy is possible within an account of this endpoint only.");
  query_of_url = parsed->query;
  return place;
}

Result<Conditions> conditions_of(const BlobRequest& request, std::string_view prefix) {
  const std::string before(prefix);
  Conditions conditions;
  conditions.if_match = request.header(before + "if-match");
  conditions.if_none_match = request.header(before + "if-none-match");
  TRY(conditions.if_modified_since, date_of(request, before + "if-modified-since"));
  TRY(conditions.if_unmodified_since, date_of(request, before + "if-unmodified-since"));
  conditions.lease_id = request.header(prefix.empty() ? "x-ms-lease-id" : before + "lease-id");
  return conditions;
}

Result<Metadata> metadata_of(const BlobRequest& request) {
  constexpr std::string_view kPrefix = "x-ms-meta-";
  Metadata metadata;
  std::size_t bytes = 0;
  for (const http::Field& field : *request.headers) {
    if (!starts_with_ignoring_case(field.name, kPrefix)) continue;
    const std::string_view name = field.name.substr(kPrefix.size());
    if (name.empty()) return fail(Fault::empty_metadata_key);
    const bool ascii = std::ranges::all_of(
        field.value, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
    if (!is_identifier(name) || !ascii) return fail(Fault::invalid_metadata);
    bytes += name.size() + field.value.size();
    metadata.emplace_back(name, field.value);
  }
  if (bytes > kMetadataBytesMax) return fail(Fault::metadata_too_large);
  return metadata;
}

ContentHeaders content_headers_of(const BlobRequest& request) {
  // Put Blob also takes the standard fields; the x-ms- ones win.
  const bool put = request.verb == Verb::put_blob;
  const auto value = [&](const char* own, const char* standard) {
    const std::string_view given = request.header(own);
    return std::string(given.empty() && put ? request.header(standard) : given);
  };
  ContentHeaders headers;
  headers.type = value("x-ms-blob-content-type", "content-type");
  headers.encoding = value("x-ms-blob-content-encoding", "content-encoding");
  headers.language = value("x-ms-blob-content-language", "content-language");
  headers.cache_control = value("x-ms-blob-cache-control", "cache-control");
  headers.disposition = value("x-ms-blob-content-disposition", "content-disposition");
  headers.md5 = value("x-ms-blob-content-md5", "content-md5");
  return headers;
}

std::optional<Range> range_of(const BlobRequest& request) {
  const std::string_view own = request.header("x-ms-range");
  return parse_range(own.empty() ? request.header("range") : own);
}

Result<LeaseRequest> lease_of(const BlobRequest& request) {
  using Action = LeaseRequest::Action;
  constexpr std::pair<std::string_view, Action> kActions[] = {{"acquire", Action::acquire},
                                                              {"renew", Action::renew},
                                                              {"change", Action::change},
                                                              {"release", Action::release},
                                                              {"break", Action::break_lease}};
  LeaseRequest lease;
  const std::string_view name = request.header("x-ms-lease-action");
  const auto* action = std::ranges::find_if(
      kActions, [&](const auto& one) { return equals_ignoring_case(one.first, name); });
  if (action == std::end(kActions))
    return fail(name.empty() ? Fault::missing_required_header : Fault::invalid_header_value,
                "x-ms-lease-action is acquire, renew, change, release or break.");
  lease.action = action->second;
  lease.id = request.header("x-ms-lease-id");
  lease.proposed_id = request.header("x-ms-proposed-lease-id");
  TRY(const auto duration, seconds_of(request, "x-ms-lease-duration"));
  // Before 2012-02-12 all leases were for a minute.
  lease.duration_s = duration.value_or(request.version() < "2012-02-12" ? 60 : 0);
  TRY(lease.break_s, seconds_of(request, "x-ms-lease-break-period"));
  if (lease.action != Action::acquire && lease.action != Action::break_lease && lease.id.empty())
    return fail(Fault::missing_required_header, "The x-ms-lease-id header is missing.");
  return lease;
}

Result<PublicAccess> public_access_of(const BlobRequest& request) {
  const std::string_view value = request.header("x-ms-blob-public-access");
  if (value.empty()) return PublicAccess::none;
  if (equals_ignoring_case(value, "container")) return PublicAccess::container;
  if (equals_ignoring_case(value, "blob")) return PublicAccess::blob;
  return fail(Fault::invalid_header_value, "x-ms-blob-public-access is 'container' or 'blob'.");
}

Result<ListQuery> list_query_of(const BlobRequest& request) {
  ListQuery query;
  query.prefix = request.parameter("prefix").value_or("");
  query.delimiter = request.parameter("delimiter").value_or("");
  query.marker = request.parameter("marker").value_or("");
  if (const auto text = request.parameter("maxresults")) {
    const auto number = parse_uint(*text);
    if (!number || *number == 0)
      return fail(Fault::out_of_range_query_parameter_value,
                  "maxresults is a number from 1 to 5000.");
    query.max_results = std::size_t(std::min<std::uint64_t>(*number, 5'000));
  }
  const std::string include = request.parameter("include").value_or("");
  for (const std::string_view part : split(include, ','))
    if (part == "uncommittedblobs") query.uncommitted = true;
  return query;
}

}  // namespace mlgate::blob
