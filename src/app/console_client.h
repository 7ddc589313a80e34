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

}  // namespace mlgate::app
