#pragma once
// From backend entities to what the data path uses. All backends of an instance are compiled
// together, because pools point to their members; there are few, and unchanged single ones are
// shared.
#include "apim/model.h"
#include "base/result.h"
#include "control/snapshot_builder.h"
#include "gateway/backend_part.h"
#include "gateway/snapshot.h"

#include <map>
#include <string>
#include <vector>

namespace mlgate::control {

using BackendEntities = std::map<std::string, apim::Backend>;          // By name, lower case.
using CertificateEntities = std::map<std::string, apim::Certificate>;  // By name, lower case.

// Errors are added, each with its field.
gateway::NameMap<gateway::BackendPartPtr> compile_backends(
    const BuilderOptions& options, const BackendEntities& backends,
    const CertificateEntities& certificates,
    const gateway::NameMap<gateway::BackendPartPtr>& before, std::vector<Error>& errors);

// A service or base URL: parsed, called in process where it is this program's own.
Result<gateway::Backend> compile_url(const BuilderOptions& options, std::string_view url);

}  // namespace mlgate::control
