#pragma once
// What the batch service answers. Its routes lie among those of the web services and share their
// keys, ids and errors, while jobs are a module of their own above this one: hence an interface.
#include "http/message.h"
#include "webservice/directory.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace mlgate::webservice {

class BatchCalls {
 public:
  enum class Operation : unsigned char { submit, start, status, remove };
  struct Call {  // A call that was let in.
    Operation operation = Operation::status;
    std::shared_ptr<const Endpoint> endpoint;
    std::string job;  // As it stands in the path; empty for submit.
  };
  virtual ~BatchCalls() = default;
  // On a worker.
  virtual http::Awaitable<http::Response> serve(Call call, const http::Request& request) = 0;
  // The endpoint's jobs, or the one: for those who hold the workspace's token. Blocks.
  virtual http::Response monitor(const Endpoint& endpoint, std::string_view job,
                                 const http::Request& request) = 0;
  // The endpoint is gone: nobody can ask for its jobs any more, so they are cancelled. Blocks.
  virtual void endpoint_removed(std::string_view endpoint) = 0;
};

}  // namespace mlgate::webservice
