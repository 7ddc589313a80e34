#include "blob/endpoint.h"

#include "base/check.h"
#include "base/crypto.h"
#include "base/text.h"
#include "blob/answers.h"
#include "blob/fault.h"
#include "blob/transfer.h"
#include "net/worker.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <optional>

namespace mlgate::blob {
namespace {

// What moves between a socket and the disk at once: large, since each piece is a trip to the pool
// and back; small enough to stay in the second-level cache.
constexpr std::size_t kPieceBytes = 256 * 1024;
// At most so many pieces are held: 128 MiB.
constexpr int kStreamsMax = 512;
constexpr std::uint64_t kCheckedRangeBytesMax = std::uint64_t{4} << 20;
constexpr std::chrono::minutes kCollectEvery{1};
constexpr std::size_t kClientRequestIdBytesMax = 1'024;

// Counts a call that streams.
class StreamSlot {
 public:
  explicit StreamSlot(std::atomic<int>& count)
      : count_(count), held_(count.fetch_add(1) < kStreamsMax) {}
  ~StreamSlot() { count_.fetch_sub(1); }
  StreamSlot(const StreamSlot&) = delete;
  StreamSlot& operator=(const StreamSlot&) = delete;
  bool held() const noexcept { return held_; }

 private:
  std::atomic<int>& count_;
  bool held_;
};

bool asked_for(const BlobRequest& request, std::string_view name) {
  return equals_ignoring_case(request.header(name), "true");
}

// What a read of a blob begins with.
struct Opened {
  BlobReader reader;
  Span span;
  http::Response head;
  std::string first;  // The content, when it is short.
};

Result<void> add_range_digest(const BlobRequest& request, Opened& opened, bool partial) {
  const bool md5 = asked_for(request, "x-ms-range-get-content-md5");
  const bool crc = asked_for(request, "x-ms-range-get-content-crc64");
  if (!md5 && !crc) return {};
  if (!partial)
    return fail(Fault::missing_required_header, "A checksum of a range needs a Range header.");
  if ((md5 && crc) || opened.span.bytes > kCheckedRangeBytesMax)
    return fail(Fault::invalid_header_value,
                "One checksum can be asked for, of at most 4 MiB at once.");
  opened.first.resize(std::size_t(opened.span.bytes));
  TRY_OK(opened.reader.read(opened.span.offset, opened.first));
  if (crc) {
    opened.head.set("x-ms-content-crc64", crc64_text(crc64(0, opened.first)));
  } else {
    Md5 digest;
    digest.update(opened.first);
    opened.head.set("Content-MD5", base64_encode(digest.finish()));
  }
  return {};
}

Result<Opened> open_for_read(Operations& operations, Storage& storage, const BlobRequest& request) {
  TRY(const Claims claims, operations.authorize(request));
  TRY(const Conditions conditions, conditions_of(request));
  Opened opened;
  TRY(opened.reader, storage.open_blob(request.place, conditions));
  const BlobInfo& info = opened.reader.info();
  opened.span = {0, info.bytes};
  opened.head.status = 200;
  const std::optional<Range> range = request.head() ? std::nullopt : range_of(request);
  if (range) {
    const auto span = resolve(*range, info.bytes);
    if (!span) return fail(Fault::invalid_range);
    opened.span = *span;
    opened.head.status = 206;
    opened.head.set("Content-Range", "bytes " + std::to_string(span->offset) + "-" +
                                         std::to_string(span->offset + span->bytes - 1) + "/" +
                                         std::to_string(info.bytes));
  }
  set_blob_fields(opened.head, info, &claims.sas);
  if (!info.headers.md5.empty())
    opened.head.set(range ? "x-ms-blob-content-md5" : "Content-MD5", info.headers.md5);
  TRY_OK(add_range_digest(request, opened, range.has_value()));
  if (opened.first.empty() && !request.head() && opened.span.bytes <= kPieceBytes) {
    opened.first.resize(std::size_t(opened.span.bytes));
    TRY_OK(opened.reader.read(opened.span.offset, opened.first));
  }
  return opened;
}

// Put Blob takes either header for the checksum of what it brings.
std::string_view stated_md5(const BlobRequest& request) {
  const std::string_view transport = request.header("content-md5");
  if (!transport.empty() || request.verb != Verb::put_blob) return transport;
  return request.header("x-ms-blob-content-md5");
}

Result<void> check_size(const BlobRequest& request, std::uint64_t bytes) {
  const std::uint64_t most = request.verb == Verb::put_blob ? kBlobBytesMax : kBlockBytesMax;
  if (bytes > most)
    return fail(Fault::request_body_too_large,
                "The body has more than " + std::to_string(most) + " bytes.");
  return {};
}

}  // namespace

struct Endpoint::Exchange {
  http::ServerCall& call;
  BlobRequest request;
  std::string id;
  HeaderList cors;
};

Endpoint::Endpoint(const EndpointParts& parts)
    : parts_(parts), operations_(parts.storage, parts.access, parts.accounts, parts.clock) {}

Endpoint::~Endpoint() { stop(); }

void Endpoint::start() {
  collector_ = std::thread([this] {
    ::pthread_setname_np(::pthread_self(), "blob-collect");
    collect_loop();
  });
}

void Endpoint::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (collector_.joinable()) collector_.join();
}

void Endpoint::collect_loop() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const auto pressure =
        std::exchange(disk_full_, false) ? Storage::Pressure::disk_full : Storage::Pressure::none;
    lock.unlock();
    // A failure (a disk that is full, an index that is busy) is met again at the next turn.
    (void)parts_.storage.collect_garbage(pressure);
    lock.lock();
    wake_.wait_for(lock, kCollectEvery, [this] { return stopping_ || disk_full_; });
  }
}

template <class F>
net::Awaitable<std::invoke_result_t<F>> Endpoint::on_pool(http::ServerCall& call, F f) {
  auto done = co_await parts_.pool.run(call.worker().executor(), std::move(f));
  if (!done) co_return std::unexpected(make_error(Fault::server_busy));
  co_return *std::move(done);
}

net::Awaitable<void> Endpoint::handle(http::ServerCall& call) {
  Exchange x{call, {}, new_guid(), {}};
  auto served = co_await serve(x);
  if (served) co_return;
  if (call.started()) {
    call.abort();
    co_return;
  }
  if (is_fault(served.error(), Fault::insufficient_storage)) {
    const std::lock_guard lock(mutex_);
    disk_full_ = true;
    wake_.notify_all();
  }
  const auto sent =
      co_await send(x, error_response(x.request, served.error(), x.id, parts_.clock.now_ms()));
  if (!sent) call.abort();
}

http::Response Endpoint::protocol_error(int status, std::string_view what) {
  const Fault fault = status == 413 ? Fault::request_body_too_large : Fault::invalid_input;
  http::Response response =
      error_response({}, make_error(fault, std::string(what)), new_guid(), parts_.clock.now_ms());
  response.status = status;
  return response;
}

void Endpoint::add_common(const Exchange& x, http::Response& response) const {
  const http::Fields& headers = x.call.head().fields;
  response.set("Server", "mlgate-blob");
  response.set("x-ms-request-id", x.id);
  const std::string_view version = headers.get("x-ms-version");
  if (!version.empty()) response.set("x-ms-version", version);
  const std::string_view client_id = headers.get("x-ms-client-request-id");
  if (!client_id.empty() && client_id.size() <= kClientRequestIdBytesMax)
    response.set("x-ms-client-request-id", client_id);
  for (const auto& [name, value] : x.cors) response.set(name, value);
}

net::Task<void> Endpoint::send(Exchange& x, http::Response response) {
  add_common(x, response);
  co_return co_await http::respond(x.call, response);
}

net::Task<void> Endpoint::serve(Exchange& x) {
  const http::RequestHead& head = x.call.head();
  CO_TRY_OK(
      read_request(head, {x.call.peer(), x.call.scheme() == "https"}, x.call.scheme(), x.request));
  if (x.request.verb != Verb::preflight && head.fields.find("origin")) {
    auto fields = co_await on_pool(
        x.call, [&]() -> Result<HeaderList> { return operations_.cors_fields(x.request); });
    if (fields) x.cors = *std::move(fields);
  }
  switch (x.request.verb) {
    case Verb::get_blob:
    case Verb::blob_properties:
      co_return co_await send_blob(x);
    case Verb::put_blob:
    case Verb::put_block:
      co_return co_await take_content(x);
    default:
      co_return co_await serve_plain(x);
  }
}

net::Task<void> Endpoint::serve_plain(Exchange& x) {
  std::string body;
  if (const auto whole = x.call.buffered_body()) {
    body = *whole;
  } else {
    // Nobody makes us hold megabytes who may not do what he asks.
    CO_TRY_OK(co_await on_pool(x.call, [&] { return operations_.check(x.request); }));
    const std::size_t most =
        x.request.verb == Verb::put_block_list ? kBlockListBytesMax : kXmlBytesMax;
    auto read = co_await http::read_whole_body(x.call, most);
    if (!read) {
      if (read.error().code() != Errc::exhausted) co_return std::unexpected(read.error());
      co_return fail(Fault::request_body_too_large, read.error().message());
    }
    body = *std::move(read);
  }
  CO_TRY(http::Response response,
         co_await on_pool(x.call, [&] { return operations_.perform(x.request, body); }));
  co_return co_await send(x, std::move(response));
}

net::Task<void> Endpoint::send_blob(Exchange& x) {
  CO_TRY(Opened opened, co_await on_pool(x.call, [&] {
           return open_for_read(operations_, parts_.storage, x.request);
         }));
  add_common(x, opened.head);
  http::Fields fields;
  fields.list().reserve(opened.head.headers.size());
  for (const auto& [name, value] : opened.head.headers) fields.add(name, value);
  CO_TRY_OK(x.call.start({.status = opened.head.status,
                          .reason = {},
                          .fields = &fields,
                          .body_bytes = opened.span.bytes}));
  if (!x.request.head()) {
    if (opened.first.size() == opened.span.bytes) {
      if (!x.call.try_append(opened.first)) {
        CO_TRY_OK(co_await x.call.write(opened.first));
      }
    } else {
      CO_TRY_OK(co_await send_content(x, opened.reader, opened.span));
    }
  }
  if (x.call.try_finish()) co_return Result<void>();
  co_return co_await x.call.finish();
}

net::Task<void> Endpoint::send_content(Exchange& x, const BlobReader& reader, Span span) {
  const StreamSlot slot(streams_);
  if (!slot.held()) co_return fail(Fault::server_busy);
  PagePipe pipe;
  while (span.bytes > 0) {
    CO_TRY(const http::Loan loan, co_await x.call.lend_output());
    if (loan.descriptor < 0) co_return co_await copy_content(x, reader, span);
    http::Moved moved;
    const auto sent =
        co_await on_pool(x.call, [&] { return pipe.send(reader, span, loan.descriptor, moved); });
    CO_TRY_OK(x.call.return_output(moved));
    CO_TRY_OK(sent);
    if (!*sent) co_return co_await copy_content(x, reader, span);
  }
  co_return Result<void>();
}

net::Task<void> Endpoint::copy_content(Exchange& x, const BlobReader& reader, Span span) {
  std::string piece;
  piece.resize_and_overwrite(kPieceBytes, [](char*, std::size_t size) { return size; });
  while (span.bytes > 0) {
    const std::size_t size = std::size_t(std::min<std::uint64_t>(span.bytes, piece.size()));
    CO_TRY(const std::size_t got, co_await on_pool(x.call, [&]() -> Result<std::size_t> {
             return reader.read(span.offset, {piece.data(), size});
           }));
    if (got != size) co_return fail(Errc::internal, "content is shorter than recorded");
    CO_TRY_OK(co_await x.call.write({piece.data(), size}));
    span.offset += size;
    span.bytes -= size;
  }
  co_return Result<void>();
}

net::Task<void> Endpoint::take_content(Exchange& x) {
  const BlobRequest& request = x.request;
  CO_TRY_OK(check_size(request, request.content_length));
  std::optional<Md5> md5;
  if (!stated_md5(request).empty()) md5.emplace();
  Content content;
  Conditions conditions;
  if (const auto whole = x.call.buffered_body()) {
    CO_TRY(http::Response response, co_await on_pool(x.call, [&]() -> Result<http::Response> {
             TRY(conditions, operations_.authorize_put(request));
             TRY(content, parts_.storage.new_content());
             TRY_OK(content.append(*whole));
             if (md5) md5->update(*whole);
             return put(request, std::move(content), md5 ? md5->finish() : "", conditions);
           }));
    co_return co_await send(x, std::move(response));
  }
  const StreamSlot slot(streams_);
  if (!slot.held()) co_return fail(Fault::server_busy);
  CO_TRY_OK(co_await on_pool(x.call, [&]() -> Result<void> {
    TRY(conditions, operations_.authorize_put(request));
    TRY(content, parts_.storage.new_content());
    return {};
  }));
  auto received = co_await receive(x, content, md5 ? &*md5 : nullptr);
  // Closing and removing a file may take a while, so content ends on the pool in any case.
  CO_TRY(http::Response response, co_await on_pool(x.call, [&]() -> Result<http::Response> {
           if (!received) {
             const Content dropped = std::move(content);
             return std::unexpected(std::move(received).error());
           }
           return put(request, std::move(content), md5 ? md5->finish() : "", conditions);
         }));
  co_return co_await send(x, std::move(response));
}

net::Task<void> Endpoint::receive(Exchange& x, Content& content, Md5* md5) {
  std::string buffer;
  buffer.resize_and_overwrite(kPieceBytes, [](char*, std::size_t size) { return size; });
  std::size_t filled = 0;
  const auto store = [&]() -> Result<void> {
    const std::string_view bytes(buffer.data(), std::exchange(filled, 0));
    if (md5) md5->update(bytes);
    return content.append(bytes);
  };
  for (bool end = false; !end;) {
    CO_TRY(const http::Loan loan, co_await x.call.lend_input());
    if (loan.descriptor >= 0) {
      http::Moved moved;
      const auto got = co_await on_pool(x.call, [&]() -> Result<void> {
        TRY_OK(store());
        return receive_content(loan, content, md5, buffer, moved);
      });
      CO_TRY_OK(x.call.return_input(moved));
      CO_TRY_OK(got);
      end = moved.bytes == loan.bytes;
      continue;
    }
    CO_TRY(std::string_view bytes, co_await x.call.read_body());
    end = bytes.empty();
    CO_TRY_OK(check_size(x.request, content.bytes() + filled + bytes.size()));
    do {
      const std::size_t part = bytes.copy(buffer.data() + filled, buffer.size() - filled);
      bytes.remove_prefix(part);
      filled += part;
      if (filled == buffer.size() || end) {
        CO_TRY_OK(co_await on_pool(x.call, store));
      }
    } while (!bytes.empty());
  }
  co_return Result<void>();
}

Result<http::Response> Endpoint::put(const BlobRequest& request, Content content,
                                     std::string raw_md5, const Conditions& conditions) {
  if (const std::string_view stated = stated_md5(request); !stated.empty()) {
    const auto raw = base64_decode(stated);
    if (!raw || raw->size() != 16) return fail(Fault::invalid_md5);
    if (*raw != raw_md5) return fail(Fault::md5_mismatch);
  }
  TRY_OK(check_digests(request, raw_md5, content.crc64()));
  http::Response response;
  response.status = 201;
  if (!raw_md5.empty()) response.set("Content-MD5", base64_encode(raw_md5));
  response.set("x-ms-content-crc64", crc64_text(content.crc64()));
  response.set("x-ms-request-server-encrypted", "false");
  if (request.verb == Verb::put_block) {
    auto id = request.parameter("blockid");
    if (!id) return fail(Fault::missing_required_query_parameter, "blockid is missing.");
    std::ranges::replace(*id, ' ', '+');  // Some clients send base64 as it is.
    TRY_OK(parts_.storage.put_block(request.place, *id, std::move(content), conditions.lease_id));
    return response;
  }
  PutOptions options;
  options.headers = content_headers_of(request);
  TRY(options.metadata, metadata_of(request));
  auto info = parts_.storage.put_blob(request.place, std::move(content), options, conditions);
  if (!info) {
    if (is_fault(info.error(), Fault::blob_already_exists) &&
        request.header("if-none-match").empty())
      return fail(Fault::unauthorized_blob_overwrite);
    return std::unexpected(std::move(info).error());
  }
  set_modified(response, info->etag, info->modified_ms);
  return response;
}

}  // namespace mlgate::blob
