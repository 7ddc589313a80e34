#pragma once
// Blobs as batch jobs use them: read in ranges, written in blocks. Two kinds stand behind one
// interface: blobs of Azure Storage and compatible endpoints, over HTTP, and blobs of the embedded
// endpoint, which are files of this machine and are opened as such after the same checks.
//
// Errors carry storage codes (fault.h) where the storage gave one. What is worth repeating is
// repeated here, with growing pauses, before an error comes out.
#include "base/time.h"
#include "blob/connection_string.h"
#include "http/client.h"
#include "net/dial_guard.h"
#include "net/worker.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::blob {

class Access;
class Accounts;
class Storage;

// Threads: any but a worker, many at once; calls block.
class BlobFile {
 public:
  struct Stat {
    std::uint64_t bytes = 0;
    std::string etag;
  };
  virtual ~BlobFile() = default;
  // BlobNotFound, ContainerNotFound, …
  virtual Result<Stat> stat() = 0;
  // Fills `into`; fewer bytes only at the end. ConditionNotMet when the blob is not the one with
  // that tag any more.
  virtual Result<std::size_t> read(std::uint64_t offset, std::span<char> into,
                                   const std::string& etag) = 0;
  // Stages a block; `id` is plain text, as long as every other id of the blob.
  virtual Result<void> put_block(std::string_view id, std::string_view bytes) = 0;
  // Makes the container when it is not there.
  virtual Result<void> ensure_container() = 0;
  // The blob becomes exactly these blocks, in this order.
  virtual Result<void> commit(const std::vector<std::string>& ids,
                              std::string_view content_type) = 0;
  // Removes the blob, if it is there.
  virtual Result<void> remove() = 0;
  // Drops blocks whose ids begin so and that were staged but not committed, where that is possible
  // without touching blocks of others or what readers see: in the embedded endpoint. Others drop
  // them with the next commit to the blob, and Azure Storage after a week.
  virtual Result<void> discard_blocks(std::string_view id_prefix) = 0;
};

struct RetryOptions {
  int tries = 5;
  std::chrono::milliseconds first_pause{200};  // Then 2, 4, … times as long, with some chance.
};

// HTTP calls that wait, on a worker of its own. Threads: any but that worker.
class HttpCaller {
 public:
  // `tls`: the context to verify servers with; outlives the caller.
  HttpCaller(net::AddressCheck check, ssl_ctx_st* tls, http::ClientLimits limits = {});
  HttpCaller(const HttpCaller&) = delete;
  ~HttpCaller();
  Result<http::Response> fetch(http::FetchRequest request, std::size_t body_bytes_max);

 private:
  net::Worker worker_{0};
  std::unique_ptr<net::TaskGroup> tasks_;
  std::unique_ptr<http::Client> client_;
};

// Where the embedded endpoint is found under: its own listeners and the name people reach it by.
struct EmbeddedEndpoint {
  Accounts* accounts = nullptr;
  Storage* storage = nullptr;
  Access* access = nullptr;
  // Authorities of the listeners, "localhost:10000"; compared without case.
  std::vector<std::string> authorities;
  // What links begin with: "http://localhost:10000"; the account follows in path style.
  std::string public_base;
};

// The two kinds.
Result<std::unique_ptr<BlobFile>> open_remote(HttpCaller& http, const Clock& clock,
                                              const BlobAddress& address,
                                              const RetryOptions& retry);
Result<std::unique_ptr<BlobFile>> open_embedded(const EmbeddedEndpoint& endpoint,
                                                const BlobAddress& address);

// Opens blobs by address. Threads: any but a worker.
class BlobOpener {
 public:
  struct Parts {  // All outlive the opener.
    HttpCaller& http;
    const Clock& clock;
    EmbeddedEndpoint embedded;
    RetryOptions retry;
  };
  explicit BlobOpener(Parts parts);

  // Credentials of an embedded blob are checked here and again at each use, those of others by the
  // storage.
  Result<std::unique_ptr<BlobFile>> open(const BlobAddress& address);
  // The place of a blob of the embedded account, opened with the account's own key.
  Result<BlobAddress> own_address(std::string_view account, std::string_view container,
                                  std::string_view blob);
  bool is_embedded(const BlobAddress& address);

  // How to read the blob with a plain GET: base, path and token, joined as they are.
  struct Link {
    std::string base_location, relative_location, sas_token;
  };
  // A read-only token when there is a key to sign with; what the caller gave otherwise.
  Result<Link> link(const BlobAddress& address, TimeMs start, TimeMs expiry);

 private:
  Parts parts_;
};

// Tells what went wrong in words for the person who gave the credentials; `date` is the answer's
// Date field.
Error explain_refusal(int status, std::string_view code, std::string_view message,
                      std::string_view date, TimeMs now);

}  // namespace mlgate::blob
