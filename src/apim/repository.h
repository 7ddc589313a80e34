#pragma once
// The front door to the stored entities. Reads see what is committed; a change runs as one
// transaction, is made durable, is published, and is taken back when publishing refuses it. Changes
// of one program run one after the other; those of other processes are noticed at commit and the
// change is run again.
//
// Owned by app; every method blocks, from any thread that may.
#include "apim/codec.h"
#include "apim/documents.h"
#include "apim/model.h"
#include "apim/transaction.h"
#include "base/time.h"

#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::apim {

// Brings a changed instance into service before the caller is answered.
using Publish = std::function<Result<void>(const std::string& service)>;
// Tells people what has happened. Called before the caller is answered, without a lock.
using Notify = std::function<void(const std::string& service, const std::vector<Notice>& notices)>;

class Repository {
 public:
  // `publish` and `notify` may be empty.
  Repository(Documents& documents, const Secrets& secrets, const Clock& clock, Publish publish,
             Notify notify = {})
      : documents_(documents),
        secrets_(secrets),
        clock_(clock),
        publish_(std::move(publish)),
        notify_(std::move(notify)) {}

  // All instances that are not deleted.
  Result<std::vector<Service>> services() const;
  // not_found for an instance that is not there or is deleted.
  Result<ServiceModel> load_service(std::string_view name) const;

  // For reading single entities with find() and find_all().
  DocumentReader reader() const { return {documents_, secrets_}; }

  // `change` may run several times, each time on a fresh transaction; what it collected last is in
  // `errors`.
  Result<void> transact(const std::string& service,
                        const std::function<Result<void>(Transaction&)>& change, Errors& errors);

 private:
  using Change = std::function<Result<void>(Transaction&)>;
  Result<std::vector<Notice>> run(const std::string& service, const Change& change, Errors& errors);

  Documents& documents_;
  const Secrets& secrets_;
  const Clock& clock_;
  Publish publish_;
  Notify notify_;
  std::mutex mutex_;  // Held by the one change that runs.
};

}  // namespace mlgate::apim
