#pragma once
// The errors of the web-service dialect: one class with a status, one detail code, two texts.
// Clients branch on code and detail code and read details[0] unguarded, so every answer has exactly
// one detail entry.
#include "http/message.h"

#include <string>
#include <string_view>

namespace mlgate::webservice {

// Detail codes; each belongs to one class, and with it to one HTTP status.
enum class Fault : unsigned char {
  bad_parameter_value,
  bad_version_call,
  batch_inputs_missing,
  batch_inputs_too_many,
  container_is_empty,
  container_segment_invalid,
  duplicate_input,
  input_blob_location_invalid,
  invalid_blob,
  invalid_blob_connection_string,
  invalid_blob_extension,
  invalid_input_names,
  invalid_output_name,
  invalid_query_parameter,
  missing_blob_information,
  missing_job_id,
  missing_output_specification,
  missing_request_input,
  missing_global_parameters,
  request_body_invalid,
  unexpected_parameter,
  user_parameter_invalid,
  web_service_id_invalid,
  input_parse_error,
  module_execution_error,
  cannot_start_job,
  default_endpoint,
  endpoint_pinned,
  score_unauthorized,
  management_unauthorized,
  service_not_in_workspace,
  service_not_found,
  management_service_not_found,
  endpoint_not_found,
  workspace_not_found,
  job_not_found,
  path_not_found,
  method_not_allowed,
  score_timeout,
  changed_meanwhile,
  out_of_memory,
  body_too_large,
  module_load_failed,
  store_full,
  unknown_error,
  not_implemented,
  store_unavailable,
  too_many_jobs,
  request_throttled,
  too_many_requests,
};

struct FaultInfo {
  int status;
  std::string_view code;
  std::string_view message;
  std::string_view detail_code;
  std::string_view detail_message;  // {0} and {1} stand for what is inserted.
};
const FaultInfo& info_of(Fault fault) noexcept;

// A fault with what its text names.
struct ServiceError {
  Fault fault = Fault::unknown_error;
  std::string first, second;  // For {0} and {1}.
};

http::Response error_response(const ServiceError& error);
inline http::Response error_response(Fault fault, std::string_view first = {},
                                     std::string_view second = {}) {
  return error_response(ServiceError{fault, std::string(first), std::string(second)});
}

// An answer of this dialect: x-ms-request-id and the content type are set.
http::Response json_response(int status, std::string body);
// The same without a body.
http::Response empty_response(int status);

// A random GUID in lower case; cheap, not for secrets. Any thread.
std::string new_request_id();

}  // namespace mlgate::webservice
