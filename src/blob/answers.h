#pragma once
// What the endpoint answers: the header fields of the protocol, its XML lists, and its errors.
#include "base/result.h"
#include "blob/request.h"
#include "blob/types.h"
#include "http/message.h"

#include <string>
#include <string_view>

namespace mlgate::blob {

void set_modified(http::Response& response, std::string_view etag, TimeMs modified_ms);
void set_metadata(http::Response& response, const Metadata& metadata);
// Everything that Get Blob and Get Blob Properties say of a blob but its length. `sas` overrides
// the content fields; null when the caller has none.
void set_blob_fields(http::Response& response, const BlobInfo& info, const Sas* sas);
void set_container_fields(http::Response& response, const ContainerInfo& info);
http::Response xml_response(int status, std::string xml);

std::string container_list(const BlobRequest& request, const ListQuery& query,
                           const ContainerPage& page);
std::string blob_list(const BlobRequest& request, const ListQuery& query, const BlobPage& page);
std::string block_list(const BlockLists& lists, std::string_view which);
std::string signed_identifiers(const std::vector<AccessPolicy>& policies);

// The dialect's error. Without a body for HEAD and 304.
http::Response error_response(const BlobRequest& request, const Error& error,
                              std::string_view request_id, TimeMs now);

}  // namespace mlgate::blob
