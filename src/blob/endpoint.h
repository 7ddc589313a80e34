#pragma once
// The embedded Azure-Blob-compatible endpoint: takes the calls of its listeners on the workers,
// does what touches disk on a pool, and streams content through pieces of bounded size, so that a
// blob of any size needs the same memory.
#include "blob/digest.h"
#include "blob/operations.h"
#include "blob/range.h"
#include "http/server_call.h"
#include "net/compute_pool.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <type_traits>

namespace mlgate::blob {

struct EndpointParts {
  Storage& storage;
  Access& access;
  Accounts& accounts;
  net::ComputePool& pool;
  const Clock& clock;
};

class Endpoint final : public http::Handler {
 public:
  explicit Endpoint(const EndpointParts& parts);
  ~Endpoint() override;

  // Collects garbage now and every now and then, on a thread of its own.
  void start();
  void stop();

  net::Awaitable<void> handle(http::ServerCall& call) override;
  http::Response protocol_error(int status, std::string_view what) override;

 private:
  struct Exchange;
  net::Task<void> serve(Exchange& x);
  net::Task<void> serve_plain(Exchange& x);
  net::Task<void> send_blob(Exchange& x);
  net::Task<void> send_content(Exchange& x, const BlobReader& reader, Span span);
  net::Task<void> copy_content(Exchange& x, const BlobReader& reader, Span span);
  net::Task<void> take_content(Exchange& x);
  net::Task<void> receive(Exchange& x, Content& content, Md5* md5);
  net::Task<void> send(Exchange& x, http::Response response);
  void add_common(const Exchange& x, http::Response& response) const;
  Result<http::Response> put(const BlobRequest& request, Content content, std::string raw_md5,
                             const Conditions& conditions);
  void collect_loop();
  // Runs `f`, which gives a Result, on the pool; ServerBusy when too much waits there.
  template <class F>
  net::Awaitable<std::invoke_result_t<F>> on_pool(http::ServerCall& call, F f);

  EndpointParts parts_;
  Operations operations_;
  std::atomic<int> streams_ = 0;  // Calls that hold a piece of content.

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false, disk_full_ = false;
  std::thread collector_;
};

}  // namespace mlgate::blob
