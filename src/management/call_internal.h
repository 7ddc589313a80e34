#pragma once
// What a handler is given: the request, the names captured from its path, and the world it works
// in.
#include "apim/codec.h"
#include "apim/editor.h"
#include "apim/model.h"
#include "apim/repository.h"
#include "base/json.h"
#include "http/message.h"
#include "identity/identity.h"
#include "management/answer.h"
#include "management/documents.h"
#include "management/management.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::management {

struct Environment {
  Environment(store::Store& the_store, const store::Vault& vault, identity::Identity& the_identity,
              const Clock& the_clock, Options the_options)
      : store(the_store),
        identity(the_identity),
        clock(the_clock),
        options(std::move(the_options)),
        documents(the_store),
        secrets(vault),
        repository(documents, secrets, the_clock, options.publish, options.notify) {}

  store::Store& store;
  identity::Identity& identity;
  const Clock& clock;
  Options options;
  StoreDocuments documents;
  VaultSecrets secrets;
  apim::Repository repository;
  std::vector<std::string> audiences;
};

struct Call {
  Call(Environment& the_env, const http::Request& the_request)
      : env(the_env), request(the_request) {}

  Environment& env;
  const http::Request& request;
  std::string_view pattern;       // Of the route, relative to what it stands below.
  std::vector<std::string> args;  // Captured by `{}`, percent-decoded.
  identity::Principal principal;
  bool known_caller = false;  // `principal` is set already; no token is asked for.
  apim::Service service;      // Of paths below an instance.
  std::string service_id;     // ".../providers/Microsoft.ApiManagement/service/{name}"

  const std::string& arg(std::size_t index) const { return args.at(index); }
  std::optional<std::string> query(std::string_view name) const {
    return http::query_parameter(request.query, name);
  }
  // True when the query option is there and "true".
  bool option(std::string_view name) const;
  // "https://localhost:8444", as the caller reached us.
  std::string base_url() const;
  apim::DocumentReader reader() const { return env.repository.reader(); }
  Result<void> transact(const std::function<Result<void>(apim::Transaction&)>& change,
                        apim::Errors& errors) const {
    return env.repository.transact(service.name, change, errors);
  }
};

// The request's body as a JSON object. A missing body is an empty object.
Result<Json> body_of(const http::Request& request);

using Handler = http::Response (*)(Call&);

inline constexpr std::string_view kServiceType = "Microsoft.ApiManagement/service";

// {"id":…,"type":…,"name":…,"properties":…}; `path` begins with '/'.
Json envelope(const Call& call, std::string_view path, std::string_view type, std::string_view name,
              Json properties);

}  // namespace mlgate::management
