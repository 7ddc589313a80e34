#include "batch/submission.h"

#include "base/text.h"
#include "batch/format.h"
#include "blob/connection_string.h"
#include "webservice/rrs_body.h"

#include <algorithm>
#include <set>

namespace mlgate::batch {
namespace {

using webservice::Fault;
using webservice::ServiceError;
using webservice::ServiceShape;

constexpr std::size_t kShownMax = 256;

ServiceError refuse(Fault fault, std::string_view first = {}, std::string_view second = {}) {
  return {fault, std::string(first.substr(0, kShownMax)), std::string(second)};
}

// For texts that name a blob without giving away a credential.
ServiceError refuse_location(const Error& error, const BlobReference& reference) {
  if (error.field() == "ContainerIsEmpty") return refuse(Fault::container_is_empty);
  if (error.field() == "ContainerSegmentInvalid") return refuse(Fault::container_segment_invalid);
  if (error.field() == "InputBlobRelativeLocationInvalid")
    return refuse(Fault::input_blob_location_invalid);
  return refuse(Fault::invalid_blob, reference.relative_location + " (" + error.message() + ")");
}

std::string text_member(const Json& json, std::string_view name) {
  return std::string(trim(json.string_or(name)));
}

std::expected<BlobReference, ServiceError> read_reference(const Json& json,
                                                          const std::string& port) {
  BlobReference reference;
  reference.connection_string = text_member(json, "ConnectionString");
  reference.relative_location = text_member(json, "RelativeLocation");
  reference.base_location = text_member(json, "BaseLocation");
  reference.sas_token = text_member(json, "SasBlobToken");
  const bool by_string = !reference.connection_string.empty();
  const bool by_base = !reference.base_location.empty();
  if (!by_string && !by_base) return std::unexpected(refuse(Fault::missing_blob_information));
  if (by_string && (by_base || !reference.sas_token.empty()))
    return std::unexpected(refuse(Fault::invalid_blob, reference.relative_location));
  Result<blob::BlobAddress> address;
  if (by_string) {
    const auto connection = blob::parse_connection_string(reference.connection_string);
    if (!connection) {
      return std::unexpected(refuse(Fault::invalid_blob_connection_string,
                                    port + ": " + connection.error().message()));
    }
    address = blob::address_of(*connection, reference.relative_location);
  } else {
    address =
        blob::address_of(reference.base_location, reference.relative_location, reference.sas_token);
  }
  if (!address) return std::unexpected(refuse_location(address.error(), reference));
  if (!format_of(address->place.blob)) {
    return std::unexpected(
        refuse(Fault::invalid_blob_extension, reference.relative_location, kExtensions));
  }
  return reference;
}

template <class Ports>
std::string names_of(const Ports& ports) {
  std::vector<std::string> names;
  for (const auto& port : ports) names.push_back(port);
  return join(names, ", ");
}

// What of `Input` and `Inputs` is there, as one object by name.
std::expected<Json, ServiceError> inputs_of(const Json& body,
                                            const std::vector<std::string>& ports) {
  const Json& one = body["Input"];
  const Json& many = body["Inputs"];
  if (!one.is_null() && !many.is_null()) return std::unexpected(refuse(Fault::duplicate_input));
  if (!one.is_null()) {
    if (!one.is_object()) return std::unexpected(refuse(Fault::request_body_invalid));
    if (ports.empty()) return std::unexpected(refuse(Fault::batch_inputs_too_many));
    if (ports.size() > 1)
      return std::unexpected(refuse(Fault::batch_inputs_missing, names_of(ports)));
    return Json::object({{ports.front(), one}});
  }
  if (many.is_null()) return Json::object();
  if (!many.is_object()) return std::unexpected(refuse(Fault::request_body_invalid));
  return many;
}

std::expected<std::vector<PortBlob>, ServiceError> read_inputs(
    const Json& body, const std::vector<std::string>& ports) {
  auto given = inputs_of(body, ports);
  if (!given) return std::unexpected(given.error());
  std::vector<std::string> unknown, missing;
  for (const auto& [name, blob] : given->members())
    if (std::ranges::find(ports, name) == ports.end()) unknown.push_back(name);
  if (given->members().size() > ports.size())
    return std::unexpected(refuse(Fault::batch_inputs_too_many, names_of(ports)));
  if (!unknown.empty())
    return std::unexpected(refuse(Fault::invalid_input_names, names_of(unknown)));
  for (const std::string& port : ports)
    if (!given->find(port)) missing.push_back(port);
  if (given->members().empty() && !ports.empty())
    return std::unexpected(refuse(Fault::missing_request_input));
  if (!missing.empty())
    return std::unexpected(refuse(Fault::batch_inputs_missing, names_of(missing)));
  std::vector<PortBlob> inputs;
  for (const auto& [name, blob] : given->members()) {
    if (!blob.is_object()) return std::unexpected(refuse(Fault::missing_blob_information));
    auto reference = read_reference(blob, name);
    if (!reference) return std::unexpected(reference.error());
    inputs.push_back({.port = name, .blob = *std::move(reference)});
  }
  return inputs;
}

std::expected<std::vector<PortBlob>, ServiceError> read_outputs(
    const Json& body, const std::vector<std::string>& ports) {
  std::vector<PortBlob> outputs;
  const Json& given = body["Outputs"];
  if (given.is_null()) return outputs;
  if (!given.is_object()) return std::unexpected(refuse(Fault::request_body_invalid));
  std::set<std::string> taken;
  for (const auto& [name, blob] : given.members()) {
    if (std::ranges::find(ports, name) == ports.end())
      return std::unexpected(refuse(Fault::invalid_output_name, name));
    if (!blob.is_object() || blob.members().empty())
      return std::unexpected(refuse(Fault::missing_output_specification, name));
    auto reference = read_reference(blob, name);
    if (!reference) return std::unexpected(reference.error());
    const std::string_view path = reference->relative_location;
    const std::size_t begin = std::min(path.find_first_not_of('/'), path.size());
    const bool distinct = taken
                              .insert(reference->connection_string + reference->base_location +
                                      "/" + std::string(path.substr(begin)))
                              .second;
    if (!distinct)
      return std::unexpected(
          refuse(Fault::invalid_blob, reference->relative_location + " (it is named twice)"));
    outputs.push_back({.port = name, .blob = *std::move(reference)});
  }
  return outputs;
}

// The parameters obey the rules of scoring calls, so their reader does the work.
std::expected<Json, ServiceError> read_globals(const Json& body, const ServiceShape& shape) {
  ServiceShape parameters;
  parameters.globals = shape.globals;
  JsonWriter alone;
  alone.object().key("Inputs").object().end().key("GlobalParameters");
  body["GlobalParameters"].write(alone);
  alone.end();
  auto read = webservice::read_score_body(alone.text(), parameters);
  if (!read) return std::unexpected(read.error());
  Json globals = Json::object();
  for (auto& [name, value] : read->globals) globals.set(name, value);
  return globals;
}

}  // namespace

std::expected<Submission, ServiceError> read_submission(std::string_view json,
                                                        const ServiceShape& shape) {
  const auto body = Json::parse(json);
  if (!body || !body->is_object()) return std::unexpected(refuse(Fault::request_body_invalid));
  std::vector<std::string> input_ports, output_ports;
  for (const auto& input : shape.inputs) input_ports.push_back(input.name());
  for (const auto& output : shape.outputs) output_ports.push_back(output.name);
  Submission submission;
  auto inputs = read_inputs(*body, input_ports);
  if (!inputs) return std::unexpected(inputs.error());
  submission.inputs = *std::move(inputs);
  auto outputs = read_outputs(*body, output_ports);
  if (!outputs) return std::unexpected(outputs.error());
  submission.outputs = *std::move(outputs);
  auto globals = read_globals(*body, shape);
  if (!globals) return std::unexpected(globals.error());
  submission.globals = *std::move(globals);
  return submission;
}

}  // namespace mlgate::batch
