#pragma once
// Errors of the blob dialect. They travel as ordinary Errors whose field() is the storage error
// code ("BlobNotFound"): server, client and batch jobs branch on one thing, and no second result
// type is needed. The server answers with the status of this table; the client makes the same
// Errors from what a remote endpoint answers.
#include "base/result.h"

#include <string>
#include <string_view>

namespace mlgate::blob {

enum class Fault : unsigned char {
  account_not_found,
  append_or_page_unsupported,
  authentication_failed,
  authorization_failure,
  authorization_permission_mismatch,
  authorization_protocol_mismatch,
  authorization_resource_type_mismatch,
  authorization_service_mismatch,
  authorization_source_ip_mismatch,
  blob_already_exists,
  blob_not_found,
  block_count_exceeds_limit,
  cannot_verify_copy_source,
  condition_headers_not_supported,
  condition_not_met,
  container_already_exists,
  container_being_deleted,
  container_not_found,
  cors_preflight_failure,
  crc64_mismatch,
  empty_metadata_key,
  insufficient_storage,
  internal_error,
  invalid_authentication_info,
  invalid_blob_or_block,
  invalid_blob_type,
  invalid_block_id,
  invalid_block_list,
  invalid_header_value,
  invalid_input,
  invalid_md5,
  invalid_metadata,
  invalid_query_parameter_value,
  invalid_range,
  invalid_resource_name,
  invalid_uri,
  invalid_xml_document,
  key_based_authentication_not_permitted,
  lease_already_broken,
  lease_already_present,
  lease_id_mismatch_with_blob_operation,
  lease_id_mismatch_with_container_operation,
  lease_id_mismatch_with_lease_operation,
  lease_id_missing,
  lease_is_breaking_and_cannot_be_acquired,
  lease_is_breaking_and_cannot_be_changed,
  lease_is_broken_and_cannot_be_renewed,
  lease_lost,
  lease_not_present_with_blob_operation,
  lease_not_present_with_container_operation,
  lease_not_present_with_lease_operation,
  md5_mismatch,
  metadata_too_large,
  missing_content_length_header,
  missing_required_header,
  missing_required_query_parameter,
  missing_required_xml_node,
  not_implemented,
  no_authentication_information,
  not_modified,  // On the wire it is ConditionNotMet with status 304.
  out_of_range_input,
  out_of_range_query_parameter_value,
  public_access_not_permitted,
  request_body_too_large,
  request_url_failed_to_parse,
  resource_not_found,
  server_busy,
  snapshots_unsupported,
  unauthorized_blob_overwrite,
  unsupported_header,
  unsupported_http_verb,
  unsupported_xml_node,
};

struct FaultInfo {
  Fault fault;
  std::string_view code;  // "BlobNotFound": x-ms-error-code, and Error::field().
  int status;
  Errc errc;
  std::string_view message;
};
const FaultInfo& info_of(Fault fault) noexcept;

// An Error of that code; `detail` replaces the standard text.
Error make_error(Fault fault, std::string detail = {});
[[nodiscard]] inline std::unexpected<Error> fail(Fault fault, std::string detail = {}) {
  return std::unexpected(make_error(fault, std::move(detail)));
}
using mlgate::fail;

bool is_fault(const Error& error, Fault fault) noexcept;
// What the endpoint answers for an error; those of lower layers (disk full, store busy) included.
const FaultInfo& fault_of(const Error& error) noexcept;

}  // namespace mlgate::blob
