#pragma once
// The embedded blob account as verbs of the command line use it: over the running server's
// endpoint, with the key that the data folder holds.
#include "app/data_folder.h"
#include "blob/client.h"
#include "net/tls_ca.h"

#include <memory>
#include <string>
#include <string_view>

namespace mlgate::app {

class LocalBlobs {
 public:
  // `base`: "http://localhost:10000". Reads the account's key from the store.
  static Result<std::unique_ptr<LocalBlobs>> open(const DataFolder& data, const std::string& base);
  // With account, key and address: what jobs are given. A secret.
  const std::string& connection_string() const noexcept { return connection_; }
  // Stores the file under container/blob, and makes the container.
  Result<void> upload(const std::string& path, const std::string& container,
                      const std::string& blob);
  Result<void> remove(const std::string& container, const std::string& blob);
  Result<void> upload_text(std::string_view text, const std::string& container,
                           const std::string& blob);

 private:
  LocalBlobs() = default;
  Result<std::unique_ptr<blob::BlobFile>> open(const std::string& container,
                                               const std::string& blob);
  using Source = std::function<Result<std::size_t>(std::span<char> room)>;
  Result<void> upload(const Source& source, const std::string& container, const std::string& blob);
  std::string base_, key_, connection_;
  net::TlsContext tls_;
  std::unique_ptr<blob::HttpCaller> http_;
};

}  // namespace mlgate::app
