#pragma once
// Where things lie in the data folder, which is all the state there is.
#include "base/json.h"
#include "base/result.h"

#include <cstddef>
#include <filesystem>
#include <string>

namespace mlgate::app {

struct DataFolder {
  std::filesystem::path root;

  std::string store() const { return (root / "store.db").string(); }
  std::string master_key() const { return (root / "master.key").string(); }
  // What the gateway serves, for starts without the store; of several, each has its own.
  std::filesystem::path last_good(std::size_t gateway) const {
    return root / ("last-good" + (gateway > 1 ? "-" + std::to_string(gateway) : std::string()) +
                   ".snapshot");
  }
  std::filesystem::path tls() const { return root / "tls"; }
  std::filesystem::path datasets() const { return root / "datasets"; }
  std::filesystem::path blobs() const { return root / "blobs"; }
  std::filesystem::path usage() const { return root / "usage"; }
  std::filesystem::path run() const { return root / "run"; }
  // What `init` made for the administrator: ids, client secret, workspace tokens (0600).
  std::filesystem::path credentials() const { return root / "credentials.json"; }
  // What the tutorial made, so that it is found again (0600).
  std::filesystem::path tutorial() const { return root / "tutorial.json"; }
  // Process id and ports of the running server.
  std::filesystem::path endpoints() const { return run() / "endpoints.json"; }
  // The console's interfaces with an administrator's rights, for its owner (0600).
  std::filesystem::path admin_socket() const { return run() / "admin.sock"; }

  bool initialised() const { return std::filesystem::exists(credentials()); }
};

Result<std::string> read_file(const std::filesystem::path& path);
// Written beside, synced, then renamed into place; mode 0600 when `secret`.
enum class FileKind : unsigned char { plain, secret };
Result<void> write_file(const std::filesystem::path& path, std::string_view content, FileKind kind);
Result<Json> read_json_file(const std::filesystem::path& path);

}  // namespace mlgate::app
