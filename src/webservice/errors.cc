#include "webservice/errors.h"

#include "base/crypto.h"
#include "base/json.h"
#include "base/text.h"

#include <array>
#include <cstdint>
#include <cstring>

namespace mlgate::webservice {
namespace {

struct FaultClass {
  int status;
  std::string_view code;
  std::string_view message;
};

constexpr FaultClass kBadArgument{400, "BadArgument", "Invalid argument provided."};
constexpr FaultClass kBadUserArgument{400, "BadUserArgument", "Invalid user argument provided."};
constexpr FaultClass kInvalidOperation{400, "InvalidOperation",
                                       "The request is invalid in the current context."};
constexpr FaultClass kModule{400, "ModuleExecutionError", "Module execution encountered an error."};
constexpr FaultClass kUnauthorized{401, "Unauthorized",
                                   "Request is unauthorized to access resource."};
constexpr FaultClass kNotFound{404, "NotFound", "Resource not found."};
constexpr FaultClass kMethod{405, "MethodNotAllowed",
                             "The method is not allowed for this resource."};
constexpr FaultClass kTimeout{408, "RequestTimeout",
                              "The operation could not be completed within the permitted time."};
constexpr FaultClass kConflict{409, "Conflict", "Resource already exists."};
constexpr FaultClass kMemory{413, "MemoryQuotaViolation",
                             "The model had exceeded the memory quota assigned to it."};
constexpr FaultClass kTooLarge{413, "RequestBodyTooLarge", "The request body is too large."};
constexpr FaultClass kInternal{500, "InternalError", "Execution encountered an internal error."};
constexpr FaultClass kNotImplemented{501, "NotImplemented",
                                     "The operation is not offered by this server."};
constexpr FaultClass kUnavailable{503, "ServiceUnavailable", "Service is temporarily unavailable."};

constexpr FaultInfo make(const FaultClass& of, std::string_view code, std::string_view message) {
  return {of.status, of.code, of.message, code, message};
}

// In the order of Fault.
constexpr std::array kFaults{
    make(kBadArgument, "BadParameterValue",
         "The parameter value supplied does not satisfy the parameter rule on the parameter {0}"),
    make(kBadArgument, "BadVersionCall",
         "Invalid version parameter was passed during the API call: {0}. Check the API help page "
         "for passing the correct version and try again."),
    make(kBadArgument, "BatchJobInputsNotSpecified",
         "The following required input(s) were not specified with the request: {0}. Please ensure "
         "all input data is specified and try again."),
    make(kBadArgument, "BatchJobInputsTooManySpecified",
         "The request specified more inputs than defined in the service. List of accepted "
         "input(s): {0}. Please ensure all input data is specified correctly and try again."),
    make(kBadArgument, "ContainerIsEmpty",
         "No Azure storage container name was provided. Provide a valid container name and try "
         "again."),
    make(kBadArgument, "ContainerSegmentInvalid",
         "Invalid container name. Provide a valid container name and try again."),
    make(kBadArgument, "DuplicateInputInBatchCall",
         "The batch request is invalid. Cannot specify both single and multiple input at the same "
         "time. Remove one of these items from the request and try again."),
    make(kBadArgument, "InputBlobRelativeLocationInvalid",
         "No Azure storage blob name provided. Provide a valid blob name and try again."),
    make(kBadArgument, "InvalidBlob",
         "Invalid blob specification for blob: {0}. Verify that connection string / relative path "
         "or SAS token specification is correct and try again."),
    make(kBadArgument, "InvalidBlobConnectionString",
         "The connection string specified for one of the input/output blobs in invalid: {0}. "
         "Please correct this and try again."),
    make(kBadArgument, "InvalidBlobExtension",
         "The blob reference: {0} has an invalid or missing file extension. Supported file "
         "extensions for this output type are: \"{1}\"."),
    make(kBadArgument, "InvalidInputNames",
         "Invalid service input name(s) specified in the request: {0}. Please map the input data "
         "to the correct service inputs and try again."),
    make(kBadArgument, "InvalidOutputOverrideName",
         "Invalid output override name: {0}. The service does not have an output node with this "
         "name. Please pass in a correct output node name to override (case sensitivity "
         "applies)."),
    make(kBadArgument, "InvalidQueryParameter", "Invalid query parameter '{0}'. {1}"),
    make(kBadArgument, "MissingInputBlobInformation",
         "Missing Azure storage blob information. Provide a valid connection string and relative "
         "path or URI and try again."),
    make(kBadArgument, "MissingJobId",
         "No job Id provided. A job Id is returned when a job was submitted for the first time. "
         "Verify the job Id is correct and try again."),
    make(kBadArgument, "MissingOutputOverrideSpecification",
         "The request is missing the blob specification for output override {0}. Please specify a "
         "valid blob location with the request, or remove the output specification if no location "
         "override is desired."),
    make(kBadArgument, "MissingRequestInput",
         "The web service expects an input, but no input was provided. Ensure valid inputs are "
         "provided based on the published input ports in the model and try again."),
    make(kBadArgument, "MissingRequiredGlobalParameters",
         "Not all required web service parameter(s) provided. Verify the parameter(s) expected for "
         "the module(s) are correct and try again."),
    make(kBadArgument, "RequestBodyInvalid",
         "No request body provided or error in deserializing the request body."),
    make(kBadArgument, "UnexpectedParameter",
         "Unexpected parameters provided. Verify all parameter names are spelled correctly, only "
         "expected parameters are passed, and try again."),
    make(kBadArgument, "UserParameterInvalid", "{0}"),
    make(kBadArgument, "WebServiceIdInvalid",
         "Invalid web service id provided. Web service id should be a valid guid."),
    make(kBadUserArgument, "InputParseError",
         "Parsing of input vector failed.  Verify the input vector has the correct number of "
         "columns and data types.  Additional details: {0}."),
    make(kModule, "ModuleExecutionError", "{0}"),
    make(kInvalidOperation, "CannotStartJob",
         "The job cannot be started because it is in {0} state."),
    make(kInvalidOperation, "DefaultEndpointFixed",
         "The default endpoint of a web service cannot be changed or deleted."),
    make(kInvalidOperation, "UpdatePrevented",
         "The endpoint '{0}' is set to prevent updates. Change PreventUpdate first."),
    make(kUnauthorized, "ScoreRequestUnauthorized", "Invalid credentials provided."),
    make(kUnauthorized, "ManagementRequestUnauthorized", "Unauthorized"),
    make(kNotFound, "WebServiceIdNotFoundInWorkspace",
         "Web service under this workspace not found. There is a mismatch between the webServiceId "
         "and the workspaceId. Verify both ids are correct and try again."),
    make(kNotFound, "WebServiceNotFound",
         "Web service not found. Verify the web service Id is correct and try again."),
    make(kNotFound, "WebServiceNotFound",
         "Invalid web service ID provided. Verify the web service ID is correct and try again."),
    make(kNotFound, "EndpointNotFound",
         "Endpoint '{0}' not found. Verify the endpoint name is correct and try again."),
    make(kNotFound, "WorkspaceNotFound",
         "Workspace not found. Verify the workspace Id is correct and try again."),
    make(kNotFound, "JobNotFound", "Job not found. Verify the job Id is correct and try again."),
    make(kNotFound, "PathNotFound", "There is nothing at {0}."),
    make(kMethod, "MethodNotAllowed", "Use one of these methods: {0}."),
    make(kTimeout, "ScoreRequestTimeout", "Execution request timed out."),
    make(kConflict, "ChangedMeanwhile",
         "The web service was changed by another request. Read it again and repeat the call."),
    make(kMemory, "OutOfMemoryLimit",
         "The result exceeds the limit for one call: {0}. Reduce the number of rows or columns and "
         "try again."),
    make(kTooLarge, "RequestBodyTooLarge", "The request body exceeds the limit of {0} bytes."),
    make(kInternal, "ModuleLoadFailed",
         "The model of this web service could not be loaded: {0}. Publish it again."),
    make(kInternal, "StorageFull",
         "There is no room left on the disk of this server. Nothing was changed."),
    make(kInternal, "UnknownError", "Unknown error."),
    make(kNotImplemented, "NotImplemented", "{0} is not offered by this server."),
    make(kUnavailable, "NoMoreResources",
         "The store of this server cannot be reached. Nothing was changed; try again."),
    make(kUnavailable, "NoMoreResources",
         "This server has {0} batch jobs {1}, which is the limit. Nothing was changed; try again "
         "when some have gone."),
    make(kUnavailable, "RequestThrottled",
         "Request was throttled for {0} endpoint. The maximum concurrency for the endpoint is "
         "{1}."),
    make(kUnavailable, "TooManyConcurrentRequests", "Too many concurrent requests sent."),
};
static_assert(kFaults.size() == std::size_t(Fault::too_many_requests) + 1);

// Inserts both texts in one pass, so that an inserted "{1}" stays what it is.
std::string fill(std::string_view pattern, std::string_view first, std::string_view second) {
  std::string out;
  for (std::size_t at = 0; at < pattern.size();) {
    const std::string_view rest = pattern.substr(at);
    if (rest.starts_with("{0}")) {
      out += first;
      at += 3;
    } else if (rest.starts_with("{1}")) {
      out += second;
      at += 3;
    } else {
      out += pattern[at++];
    }
  }
  return out;
}

// SplitMix64: 64 well-mixed bits per step.
std::uint64_t next_random(std::uint64_t& state) noexcept {
  std::uint64_t z = (state += 0x9E3779B97F4A7C15U);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31);
}

std::uint64_t random_seed() {
  std::uint64_t seed = 0;
  std::memcpy(&seed, random_bytes(sizeof seed).data(), sizeof seed);
  return seed;
}

}  // namespace

const FaultInfo& info_of(Fault fault) noexcept { return kFaults[std::size_t(fault)]; }

std::string new_request_id() {
  // One generator per thread: the system's random numbers cost a call into the kernel per id.
  thread_local std::uint64_t high = random_seed();
  thread_local std::uint64_t low = random_seed();
  const std::uint64_t a = next_random(high), b = next_random(low);
  std::array<char, 36> text{};
  constexpr std::string_view digits = "0123456789abcdef";
  std::size_t at = 0;
  for (unsigned i = 0; i < 32; ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) text[at++] = '-';
    const std::uint64_t word = i < 16 ? a : b;
    unsigned digit = unsigned(word >> (60 - 4 * (i % 16))) & 15U;
    if (i == 12) digit = 4;                  // Version 4.
    if (i == 16) digit = (digit & 3U) | 8U;  // RFC 4122 variant.
    text[at++] = digits[digit];
  }
  return std::string(text.data(), text.size());
}

http::Response empty_response(int status) {
  http::Response response;
  response.status = status;
  response.headers.reserve(3);
  response.headers.emplace_back("x-ms-request-id", new_request_id());
  return response;
}

http::Response json_response(int status, std::string body) {
  http::Response response = empty_response(status);
  response.headers.emplace_back("Content-Type", "application/json; charset=utf-8");
  response.body = std::move(body);
  return response;
}

http::Response error_response(const ServiceError& error) {
  const FaultInfo& info = info_of(error.fault);
  JsonWriter body;
  body.object().key("error").object();
  body.field("code", info.code).field("message", info.message);
  body.key("details").array().object();
  body.field("code", info.detail_code);
  body.field("message", fill(info.detail_message, error.first, error.second));
  body.end().end().end().end();
  http::Response response = json_response(info.status, std::move(body).text());
  if (error.fault == Fault::request_throttled || error.fault == Fault::too_many_requests ||
      error.fault == Fault::too_many_jobs)
    response.set("Retry-After", "1");
  if (error.fault == Fault::method_not_allowed) response.set("Allow", error.first);
  return response;
}

}  // namespace mlgate::webservice
