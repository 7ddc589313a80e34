#pragma once
// The body of a submit call, checked: which blobs a job reads and writes, and its parameters. What
// can be said without opening a blob is said here; whether blobs are there shows when the job runs.
#include "batch/job.h"
#include "webservice/errors.h"
#include "webservice/shape.h"

#include <expected>
#include <string_view>

namespace mlgate::batch {

struct Submission {
  std::vector<PortBlob> inputs, outputs;  // Outputs that were not named are not in it.
  Json globals = Json::object();          // Values that differ from their defaults.
};

std::expected<Submission, webservice::ServiceError> read_submission(
    std::string_view json, const webservice::ServiceShape& shape);

}  // namespace mlgate::batch
