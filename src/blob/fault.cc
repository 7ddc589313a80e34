#include "blob/fault.h"

#include "base/check.h"

#include <cstddef>
#include <iterator>
#include <utility>

namespace mlgate::blob {
namespace {

using enum Errc;

// In the order of the enumeration; a test holds it so.
constexpr FaultInfo kFaults[] = {
    {Fault::account_not_found, "ResourceNotFound", 404, not_found,
     "The specified account does not exist."},
    {Fault::append_or_page_unsupported, "FeatureNotSupported", 501, unsupported,
     "Page and append blobs are not supported by this endpoint; use block blobs."},
    {Fault::authentication_failed, "AuthenticationFailed", 403, denied,
     "Server failed to authenticate the request. Make sure the value of Authorization header is "
     "formed correctly including the signature."},
    {Fault::authorization_failure, "AuthorizationFailure", 403, denied,
     "This request is not authorized to perform this operation."},
    {Fault::authorization_permission_mismatch, "AuthorizationPermissionMismatch", 403, denied,
     "This request is not authorized to perform this operation using this permission."},
    {Fault::authorization_protocol_mismatch, "AuthorizationProtocolMismatch", 403, denied,
     "This request is not authorized to perform this operation using this protocol."},
    {Fault::authorization_resource_type_mismatch, "AuthorizationResourceTypeMismatch", 403, denied,
     "This request is not authorized to perform this operation using this resource type."},
    {Fault::authorization_service_mismatch, "AuthorizationServiceMismatch", 403, denied,
     "This request is not authorized to perform this operation using this service."},
    {Fault::authorization_source_ip_mismatch, "AuthorizationSourceIPMismatch", 403, denied,
     "This request is not authorized to perform this operation using this source IP."},
    {Fault::blob_already_exists, "BlobAlreadyExists", 409, conflict,
     "The specified blob already exists."},
    {Fault::blob_not_found, "BlobNotFound", 404, not_found, "The specified blob does not exist."},
    {Fault::block_count_exceeds_limit, "BlockCountExceedsLimit", 409, conflict,
     "The uncommitted block count cannot exceed the maximum limit of 100,000 blocks."},
    {Fault::cannot_verify_copy_source, "CannotVerifyCopySource", 404, not_found,
     "The specified blob does not exist."},
    {Fault::condition_headers_not_supported, "ConditionHeadersNotSupported", 400, invalid_argument,
     "Condition headers are not supported."},
    {Fault::condition_not_met, "ConditionNotMet", 412, precondition_failed,
     "The condition specified using HTTP conditional header(s) is not met."},
    {Fault::container_already_exists, "ContainerAlreadyExists", 409, conflict,
     "The specified container already exists."},
    {Fault::container_being_deleted, "ContainerBeingDeleted", 409, conflict,
     "The specified container is being deleted. Try operation later."},
    {Fault::container_not_found, "ContainerNotFound", 404, not_found,
     "The specified container does not exist."},
    {Fault::cors_preflight_failure, "CorsPreflightFailure", 403, denied,
     "CORS not enabled or no matching rule found for this request."},
    {Fault::crc64_mismatch, "Crc64Mismatch", 400, invalid_argument,
     "The CRC64 value specified in the request did not match with the CRC64 value calculated by "
     "the server."},
    {Fault::empty_metadata_key, "EmptyMetadataKey", 400, invalid_argument,
     "The key for one of the metadata key-value pairs is empty."},
    {Fault::insufficient_storage, "InsufficientStorage", 507, exhausted,
     "The disk of the blob endpoint is full; nothing was stored."},
    {Fault::internal_error, "InternalError", 500, internal,
     "Server encountered an internal error. Please try again after some time."},
    {Fault::invalid_authentication_info, "InvalidAuthenticationInfo", 400, invalid_argument,
     "Authentication information is not given in the correct format. Check the value of "
     "Authorization header."},
    {Fault::invalid_blob_or_block, "InvalidBlobOrBlock", 400, invalid_argument,
     "The specified blob or block content is invalid."},
    {Fault::invalid_blob_type, "InvalidBlobType", 409, conflict,
     "The blob type is invalid for this operation."},
    {Fault::invalid_block_id, "InvalidBlockId", 400, invalid_argument,
     "The specified block ID is invalid. The block ID must be Base64-encoded."},
    {Fault::invalid_block_list, "InvalidBlockList", 400, invalid_argument,
     "The specified block list is invalid."},
    {Fault::invalid_header_value, "InvalidHeaderValue", 400, invalid_argument,
     "The value for one of the HTTP headers is not in the correct format."},
    {Fault::invalid_input, "InvalidInput", 400, invalid_argument,
     "One of the request inputs is not valid."},
    {Fault::invalid_md5, "InvalidMd5", 400, invalid_argument,
     "The MD5 value specified in the request is invalid. MD5 value must be 128 bits and base64 "
     "encoded."},
    {Fault::invalid_metadata, "InvalidMetadata", 400, invalid_argument,
     "The specified metadata is invalid. It includes characters that are not permitted."},
    {Fault::invalid_query_parameter_value, "InvalidQueryParameterValue", 400, invalid_argument,
     "Value for one of the query parameters specified in the request URI is invalid."},
    {Fault::invalid_range, "InvalidRange", 416, invalid_argument,
     "The range specified is invalid for the current size of the resource."},
    {Fault::invalid_resource_name, "InvalidResourceName", 400, invalid_argument,
     "The specified resource name contains invalid characters."},
    {Fault::invalid_uri, "InvalidUri", 400, invalid_argument,
     "The requested URI does not represent any resource on the server."},
    {Fault::invalid_xml_document, "InvalidXmlDocument", 400, invalid_argument,
     "XML specified is not syntactically valid."},
    {Fault::key_based_authentication_not_permitted, "KeyBasedAuthenticationNotPermitted", 403,
     denied, "Key based authentication is not permitted on this storage account."},
    {Fault::lease_already_broken, "LeaseAlreadyBroken", 409, conflict,
     "The lease has already been broken and cannot be broken again."},
    {Fault::lease_already_present, "LeaseAlreadyPresent", 409, conflict,
     "There is already a lease present."},
    {Fault::lease_id_mismatch_with_blob_operation, "LeaseIdMismatchWithBlobOperation", 412,
     precondition_failed, "The lease ID specified did not match the lease ID for the blob."},
    {Fault::lease_id_mismatch_with_container_operation, "LeaseIdMismatchWithContainerOperation",
     412, precondition_failed,
     "The lease ID specified did not match the lease ID for the container."},
    {Fault::lease_id_mismatch_with_lease_operation, "LeaseIdMismatchWithLeaseOperation", 409,
     conflict, "The lease ID specified did not match the lease ID for the resource."},
    {Fault::lease_id_missing, "LeaseIdMissing", 412, precondition_failed,
     "There is currently a lease on the resource and no lease ID was specified in the request."},
    {Fault::lease_is_breaking_and_cannot_be_acquired, "LeaseIsBreakingAndCannotBeAcquired", 409,
     conflict,
     "The lease ID matched, but the lease is currently in breaking state and cannot be "
     "acquired until it is broken."},
    {Fault::lease_is_breaking_and_cannot_be_changed, "LeaseIsBreakingAndCannotBeChanged", 409,
     conflict,
     "The lease ID matched, but the lease is currently in breaking state and cannot be "
     "changed."},
    {Fault::lease_is_broken_and_cannot_be_renewed, "LeaseIsBrokenAndCannotBeRenewed", 409, conflict,
     "The lease ID matched, but the lease has been broken explicitly and cannot be renewed."},
    {Fault::lease_lost, "LeaseLost", 412, precondition_failed,
     "A lease ID was specified, but the lease for the resource has expired."},
    {Fault::lease_not_present_with_blob_operation, "LeaseNotPresentWithBlobOperation", 412,
     precondition_failed, "There is currently no lease on the blob."},
    {Fault::lease_not_present_with_container_operation, "LeaseNotPresentWithContainerOperation",
     412, precondition_failed, "There is currently no lease on the container."},
    {Fault::lease_not_present_with_lease_operation, "LeaseNotPresentWithLeaseOperation", 409,
     conflict, "There is currently no lease on the resource."},
    {Fault::md5_mismatch, "Md5Mismatch", 400, invalid_argument,
     "The MD5 value specified in the request did not match with the MD5 value calculated by the "
     "server."},
    {Fault::metadata_too_large, "MetadataTooLarge", 400, invalid_argument,
     "The metadata specified exceeds the maximum permissible limit (8 KB)."},
    {Fault::missing_content_length_header, "MissingContentLengthHeader", 411, invalid_argument,
     "The content length HTTP header was not specified."},
    {Fault::missing_required_header, "MissingRequiredHeader", 400, invalid_argument,
     "An HTTP header that's mandatory for this request is not specified."},
    {Fault::missing_required_query_parameter, "MissingRequiredQueryParameter", 400,
     invalid_argument, "A query parameter that's mandatory for this request is not specified."},
    {Fault::missing_required_xml_node, "MissingRequiredXmlNode", 400, invalid_argument,
     "A required XML node was not specified in the request body."},
    {Fault::not_implemented, "NotImplemented", 501, unsupported,
     "The requested operation is not implemented on the specified resource."},
    {Fault::no_authentication_information, "NoAuthenticationInformation", 401, denied,
     "Server failed to authenticate the request. Please refer to the information in the "
     "www-authenticate header."},
    {Fault::not_modified, "NotModified", 304, precondition_failed,
     "The condition specified using HTTP conditional header(s) is not met."},
    {Fault::out_of_range_input, "OutOfRangeInput", 400, invalid_argument,
     "One of the request inputs is out of range."},
    {Fault::out_of_range_query_parameter_value, "OutOfRangeQueryParameterValue", 400,
     invalid_argument,
     "One of the query parameters specified in the request URI is outside the permissible range."},
    {Fault::public_access_not_permitted, "PublicAccessNotPermitted", 409, conflict,
     "Public access is not permitted on this storage account."},
    {Fault::request_body_too_large, "RequestBodyTooLarge", 413, exhausted,
     "The request body is too large and exceeds the maximum permissible limit."},
    {Fault::request_url_failed_to_parse, "RequestUrlFailedToParse", 400, invalid_argument,
     "The url in the request could not be parsed."},
    {Fault::resource_not_found, "ResourceNotFound", 404, not_found,
     "The specified resource does not exist."},
    {Fault::server_busy, "ServerBusy", 503, unavailable,
     "The server is busy. Please retry the operation."},
    {Fault::snapshots_unsupported, "FeatureNotSupported", 501, unsupported,
     "Snapshots and versions are not supported by this endpoint."},
    {Fault::unauthorized_blob_overwrite, "UnauthorizedBlobOverwrite", 403, denied,
     "This request is not authorized to perform blob overwrites."},
    {Fault::unsupported_header, "UnsupportedHeader", 400, invalid_argument,
     "One of the HTTP headers specified in the request is not supported."},
    {Fault::unsupported_http_verb, "UnsupportedHttpVerb", 405, unsupported,
     "The resource doesn't support the specified HTTP verb."},
    {Fault::unsupported_xml_node, "InvalidXmlNodeValue", 400, invalid_argument,
     "The value provided for one of the XML nodes in the request body was not in the correct "
     "format."},
};
static_assert(std::size(kFaults) == std::size_t(Fault::unsupported_xml_node) + 1);

Fault fault_of_lower_layer(Errc code) noexcept {
  switch (code) {
    case exhausted:
      return Fault::insufficient_storage;
    case unavailable:
    case timeout:
      return Fault::server_busy;
    case invalid_argument:
      return Fault::invalid_input;
    default:
      return Fault::internal_error;
  }
}

}  // namespace

const FaultInfo& info_of(Fault fault) noexcept { return kFaults[std::size_t(fault)]; }

Error make_error(Fault fault, std::string detail) {
  const FaultInfo& info = info_of(fault);
  return Error(info.errc, detail.empty() ? std::string(info.message) : std::move(detail),
               std::string(info.code));
}

bool is_fault(const Error& error, Fault fault) noexcept {
  const FaultInfo& info = info_of(fault);
  return error.field() == info.code && error.code() == info.errc;
}

const FaultInfo& fault_of(const Error& error) noexcept {
  for (const FaultInfo& info : kFaults)
    if (info.code == error.field() && info.errc == error.code()) return info;
  return info_of(fault_of_lower_layer(error.code()));
}

}  // namespace mlgate::blob
