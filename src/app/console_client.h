#pragma once
// Calls to the console of the server that runs on a data folder, as its administrator, for verbs of
// the command line.
#include "app/data_folder.h"
#include "app/fetcher.h"
#include "base/json.h"

#include <memory>
#include <string>

namespace mlgate::app {

class ConsoleClient {
 public:
  // unavailable when no server runs on the folder.
  static Result<ConsoleClient> open(const DataFolder& data);

  struct Request {
    std::string method = "GET";
    std::string path;  // With its query.
    std::string body;  // JSON, or empty.
  };
  // Signs in when it has to.
  Result<http::Response> call(const Request& request);

  // The cloud subscription of the folder's credentials.
  std::string subscription_id() const {
    return std::string(credentials_.string_or("subscriptionId"));
  }

 private:
  Result<http::Response> send(const Request& request);
  Result<void> sign_in();

  Json credentials_;
  std::string console_, token_;
  std::unique_ptr<Fetcher> fetcher_;
};

// The path with the version of the management interface, if it names none.
std::string with_api_version(std::string path);
// The resource id of the instance that is meant: the one of that name, or the only one.
Result<std::string> instance_id(ConsoleClient& client, const std::string& name);

}  // namespace mlgate::app
