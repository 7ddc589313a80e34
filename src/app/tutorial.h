#pragma once
// The tutorial, through the REST interfaces that every program has: makes the experiment, publishes
// it, manages it behind an API, calls it, and shows the limit. What is there already is used again.
#include "app/data_folder.h"
#include "app/fetcher.h"
#include "base/json.h"

#include <cstdint>
#include <string>
#include <vector>

namespace mlgate::app {

struct TutorialAddresses {  // "http://localhost:8081", without a slash at the end.
  std::string console, services, gateway, gateway_clear, console_tls, services_tls, blob;
};

class Tutorial {
 public:
  Tutorial(Fetcher& fetcher, DataFolder data, TutorialAddresses addresses)
      : fetcher_(fetcher), data_(std::move(data)), at_(std::move(addresses)) {}

  // All steps, printing each; the first that fails ends it with what was wrong.
  Result<void> run();

 private:
  Result<http::Response> send(const std::string& method, const std::string& url,
                              std::vector<std::pair<std::string, std::string>> headers,
                              const std::string& body);
  // The JSON of an answer below 300; its text is the error otherwise.
  Result<Json> ask(const std::string& method, const std::string& url, const std::string& token,
                   const Json* body = nullptr);
  Result<Json> studio(const std::string& method, const std::string& path,
                      const Json* body = nullptr);
  Result<Json> arm(const std::string& method, const std::string& path, const Json* body = nullptr);
  Result<Json> put(const std::string& path, Json properties);

  Result<void> sign_in();
  Result<void> make_experiment();
  Result<Json> graph();
  Result<void> run_experiment();
  Result<void> publish();
  Result<void> call_directly();
  Result<void> run_batch_directly();
  Result<void> run_batch_managed();
  // Uploads, submits, starts, polls and downloads; `base` is what the service's paths follow.
  Result<void> run_batch(const std::string& base, const std::string& subscription_key);
  Result<void> make_instance();
  Result<void> add_api();
  Result<void> call_managed();
  Result<void> reach_the_limit();
  Result<void> leave_a_key();
  Result<std::string> fresh_subscription(const std::string& name,
                                         const std::string& product = "starter");
  Result<void> check_features(const http::Response& response) const;
  std::string execute_path() const;
  void print_addresses() const;

  Fetcher& fetcher_;
  DataFolder data_;
  TutorialAddresses at_;
  Json credentials_;
  std::string arm_token_, workspace_, workspace_token_;
  std::string experiment_, hashing_node_, service_, endpoint_, api_key_, subscription_key_;
};

}  // namespace mlgate::app
