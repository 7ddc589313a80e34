#include "blob/answers.h"

#include "base/text.h"
#include "blob/fault.h"
#include "blob/xml.h"

namespace mlgate::blob {
namespace {

// Since then lists name the endpoint once instead of a URL for each entry.
constexpr std::string_view kServiceEndpointVersion = "2013-08-15";

std::string_view text_of(LeaseState state) noexcept {
  switch (state) {
    case LeaseState::available:
      return "available";
    case LeaseState::leased:
      return "leased";
    case LeaseState::expired:
      return "expired";
    case LeaseState::breaking:
      return "breaking";
    case LeaseState::broken:
      return "broken";
  }
  return "available";
}

std::string_view text_of(PublicAccess access) noexcept {
  return access == PublicAccess::container ? "container" : "blob";
}

std::string_view lock_text(const LeaseStatus& lease) noexcept {
  return lease.locked() ? "locked" : "unlocked";
}

std::string_view duration_text(const LeaseStatus& lease) noexcept {
  return lease.infinite ? "infinite" : "fixed";
}

void set_lease(http::Response& response, const LeaseStatus& lease) {
  response.set("x-ms-lease-status", lock_text(lease));
  response.set("x-ms-lease-state", text_of(lease.state));
  if (lease.state == LeaseState::leased) response.set("x-ms-lease-duration", duration_text(lease));
}

void set_if(http::Response& response, std::string_view name, std::string_view value) {
  if (!value.empty()) response.set(name, value);
}

void write_lease(XmlWriter& w, const LeaseStatus& lease) {
  w.element("LeaseStatus", lock_text(lease)).element("LeaseState", text_of(lease.state));
  if (lease.state == LeaseState::leased) w.element("LeaseDuration", duration_text(lease));
}

void write_metadata(XmlWriter& w, const Metadata& metadata) {
  w.open("Metadata");
  for (const auto& [name, value] : metadata) w.element(name, value);
  w.close();
}

std::string_view unquoted(std::string_view etag) noexcept {
  return etag.size() < 2 ? etag : etag.substr(1, etag.size() - 2);
}

void write_name(XmlWriter& w, std::string_view name) {
  w.open("Name");
  if (is_xml_text(name)) {
    w.text(name);
  } else {
    w.attribute("Encoded", "true").text(percent_encode(name));
  }
  w.close();
}

bool includes(const BlobRequest& request, std::string_view what) {
  const std::string include = request.parameter("include").value_or("");
  for (const std::string_view part : split(include, ','))
    if (part == what) return true;
  return false;
}

void write_query(XmlWriter& w, const BlobRequest& request, const ListQuery& query) {
  if (!query.prefix.empty()) w.element("Prefix", query.prefix);
  if (!query.marker.empty()) w.element("Marker", query.marker);
  if (request.parameter("maxresults")) w.element("MaxResults", std::uint64_t(query.max_results));
  if (!query.delimiter.empty()) w.element("Delimiter", query.delimiter);
}

void write_blob_properties(XmlWriter& w, const BlobRequest& request, const BlobInfo& blob) {
  w.open("Properties");
  w.element("Creation-Time", to_http_date(blob.created_ms));
  w.element("Last-Modified", to_http_date(blob.modified_ms));
  w.element("Etag", unquoted(blob.etag)).element("Content-Length", blob.bytes);
  w.element("Content-Type",
            blob.headers.type.empty() ? "application/octet-stream" : blob.headers.type);
  w.element("Content-Encoding", blob.headers.encoding);
  w.element("Content-Language", blob.headers.language);
  w.element("Content-MD5", blob.headers.md5);
  w.element("Cache-Control", blob.headers.cache_control);
  w.element("Content-Disposition", blob.headers.disposition);
  w.element("BlobType", "BlockBlob");
  write_lease(w, blob.lease);
  if (!blob.copy_id.empty() && includes(request, "copy")) {
    w.element("CopyId", blob.copy_id).element("CopySource", blob.copy_source);
    w.element("CopyStatus", "success");
    w.element("CopyProgress", std::to_string(blob.bytes) + "/" + std::to_string(blob.bytes));
    w.element("CopyCompletionTime", to_http_date(blob.copied_ms));
  }
  w.element("ServerEncrypted", "false").close();
}

void write_blob(XmlWriter& w, const BlobRequest& request, const BlobInfo& blob) {
  w.open("Blob");
  write_name(w, blob.name);
  if (request.version() < kServiceEndpointVersion)
    w.element("Url", request.base_url + "/" + request.place.container + "/" +
                         percent_encode(blob.name, "/"));
  write_blob_properties(w, request, blob);
  if (includes(request, "metadata")) write_metadata(w, blob.metadata);
  w.close();
}

void write_container(XmlWriter& w, const BlobRequest& request, const ContainerInfo& container) {
  w.open("Container").element("Name", container.name);
  if (request.version() < kServiceEndpointVersion)
    w.element("Url", request.base_url + "/" + container.name);
  w.open("Properties").element("Last-Modified", to_http_date(container.modified_ms));
  w.element("Etag", container.etag);
  write_lease(w, container.lease);
  if (container.access != PublicAccess::none) w.element("PublicAccess", text_of(container.access));
  w.element("HasImmutabilityPolicy", "false").element("HasLegalHold", "false").close();
  if (includes(request, "metadata")) write_metadata(w, container.metadata);
  w.close();
}

void write_blocks(XmlWriter& w, std::string_view name, const std::vector<BlockInfo>& blocks) {
  w.open(name);
  for (const BlockInfo& block : blocks)
    w.open("Block").element("Name", block.id).element("Size", block.bytes).close();
  w.close();
}

}  // namespace

void set_modified(http::Response& response, std::string_view etag, TimeMs modified_ms) {
  response.set("ETag", etag);
  response.set("Last-Modified", to_http_date(modified_ms));
}

void set_metadata(http::Response& response, const Metadata& metadata) {
  for (const auto& [name, value] : metadata) response.set("x-ms-meta-" + name, value);
}

void set_blob_fields(http::Response& response, const BlobInfo& info, const Sas* sas) {
  const Sas none;
  const Sas& over = sas ? *sas : none;
  const auto either = [](const std::string& first, const std::string& second) {
    return first.empty() ? second : first;
  };
  set_modified(response, info.etag, info.modified_ms);
  response.set("Content-Type",
               either(over.rsct, either(info.headers.type, "application/octet-stream")));
  set_if(response, "Content-Encoding", either(over.rsce, info.headers.encoding));
  set_if(response, "Content-Language", either(over.rscl, info.headers.language));
  set_if(response, "Cache-Control", either(over.rscc, info.headers.cache_control));
  set_if(response, "Content-Disposition", either(over.rscd, info.headers.disposition));
  response.set("Accept-Ranges", "bytes");
  response.set("x-ms-blob-type", "BlockBlob");
  response.set("x-ms-creation-time", to_http_date(info.created_ms));
  response.set("x-ms-server-encrypted", "false");
  set_lease(response, info.lease);
  if (!info.copy_id.empty()) {
    const std::string all = std::to_string(info.bytes);
    response.set("x-ms-copy-id", info.copy_id);
    response.set("x-ms-copy-source", info.copy_source);
    response.set("x-ms-copy-status", "success");
    response.set("x-ms-copy-progress", all + "/" + all);
    response.set("x-ms-copy-completion-time", to_http_date(info.copied_ms));
  }
  set_metadata(response, info.metadata);
}

void set_container_fields(http::Response& response, const ContainerInfo& info) {
  set_modified(response, info.etag, info.modified_ms);
  set_lease(response, info.lease);
  if (info.access != PublicAccess::none)
    response.set("x-ms-blob-public-access", text_of(info.access));
  response.set("x-ms-has-immutability-policy", "false");
  response.set("x-ms-has-legal-hold", "false");
}

http::Response xml_response(int status, std::string xml) {
  http::Response response;
  response.status = status;
  response.set("Content-Type", "application/xml");
  response.body = std::move(xml);
  return response;
}

std::string container_list(const BlobRequest& request, const ListQuery& query,
                           const ContainerPage& page) {
  XmlWriter w;
  w.open("EnumerationResults");
  w.attribute(request.version() < kServiceEndpointVersion ? "AccountName" : "ServiceEndpoint",
              request.base_url + "/");
  write_query(w, request, query);
  w.open("Containers");
  for (const ContainerInfo& container : page.items) write_container(w, request, container);
  w.close().element("NextMarker", page.next_marker);
  return std::move(w).finish();
}

std::string blob_list(const BlobRequest& request, const ListQuery& query, const BlobPage& page) {
  XmlWriter w;
  w.open("EnumerationResults");
  if (request.version() < kServiceEndpointVersion) {
    w.attribute("ContainerName", request.base_url + "/" + request.place.container);
  } else {
    w.attribute("ServiceEndpoint", request.base_url + "/");
    w.attribute("ContainerName", request.place.container);
  }
  write_query(w, request, query);
  w.open("Blobs");
  for (const BlobPage::Item& item : page.items) {
    if (item.prefix.empty()) {
      write_blob(w, request, item.blob);
    } else {
      w.open("BlobPrefix");
      write_name(w, item.prefix);
      w.close();
    }
  }
  w.close().element("NextMarker", page.next_marker);
  return std::move(w).finish();
}

std::string block_list(const BlockLists& lists, std::string_view which) {
  XmlWriter w;
  w.open("BlockList");
  if (which != "uncommitted") write_blocks(w, "CommittedBlocks", lists.committed);
  if (which != "committed") write_blocks(w, "UncommittedBlocks", lists.uncommitted);
  return std::move(w).finish();
}

std::string signed_identifiers(const std::vector<AccessPolicy>& policies) {
  XmlWriter w;
  w.open("SignedIdentifiers");
  for (const AccessPolicy& policy : policies) {
    w.open("SignedIdentifier").element("Id", policy.id).open("AccessPolicy");
    if (!policy.start.empty()) w.element("Start", policy.start);
    if (!policy.expiry.empty()) w.element("Expiry", policy.expiry);
    if (!policy.permissions.empty()) w.element("Permission", policy.permissions);
    w.close().close();
  }
  return std::move(w).finish();
}

http::Response error_response(const BlobRequest& request, const Error& error,
                              std::string_view request_id, TimeMs now) {
  const FaultInfo& info = fault_of(error);
  const bool own = error.field() == info.code;
  const std::string_view code =
      info.fault == Fault::not_modified ? info_of(Fault::condition_not_met).code : info.code;
  // The text of a lower layer may name files of this machine: it is for the log.
  const std::string message = own ? error.message() : std::string(info.message);
  http::Response response;
  response.status = info.status;
  response.set("x-ms-error-code", code);
  if (info.fault == Fault::no_authentication_information)
    response.set("WWW-Authenticate", "SharedKey");
  if (info.fault == Fault::server_busy) response.set("Retry-After", "1");
  if (info.status == 304 || request.head()) return response;
  XmlWriter w;
  w.open("Error").element("Code", code);
  const std::string standard(info.message);
  const bool details = info.fault == Fault::authentication_failed && message != standard;
  w.element("Message", (details ? standard : message) + "\nRequestId:" + std::string(request_id) +
                           "\nTime:" + to_iso8601(now));
  if (details) w.element("AuthenticationErrorDetail", message);
  response.set("Content-Type", "application/xml");
  response.body = std::move(w).finish();
  return response;
}

}  // namespace mlgate::blob
