#include "base/crypto.h"
#include "base/text.h"
#include "blob/client_internal.h"
#include "blob/digest.h"

#include <algorithm>
#include <future>

namespace mlgate::blob {
namespace {

// The longest range whose checksum a storage computes.
constexpr std::size_t kRangeBytesMax = std::size_t{4} << 20;
constexpr std::size_t kRangesAtOnce = 4;

std::string md5_text(std::string_view bytes) {
  Md5 md5;
  md5.update(bytes);
  return base64_encode(md5.finish());
}

class RemoteFile final : public BlobFile {
 public:
  RemoteFile(HttpCaller& http, const Clock& clock, BlobAddress address, RetryOptions retry)
      : calls_(http, clock, std::move(address), retry) {}

  Result<Stat> stat() override {
    TRY(const http::Response response,
        calls_.send({.method = "HEAD", .query = {}, .headers = {}, .body = {}}));
    const auto bytes = parse_uint(header_of(response, "content-length"));
    if (!bytes) return mlgate::fail(Errc::unavailable, "The storage does not say how long it is.");
    return Stat{.bytes = *bytes, .etag = header_of(response, "etag")};
  }

  Result<std::size_t> read(std::uint64_t offset, std::span<char> into,
                           const std::string& etag) override {
    std::size_t filled = 0;
    while (filled < into.size()) {
      const std::span<char> room =
          into.subspan(filled, std::min(kRangesAtOnce * kRangeBytesMax, into.size() - filled));
      TRY(const std::size_t size, read_ranges(offset + filled, room, etag));
      filled += size;
      if (size < room.size()) break;
    }
    return filled;
  }

  Result<void> put_block(std::string_view id, std::string_view bytes) override {
    TRY_OK(calls_.send({.method = "PUT",
                        .query = "comp=block&blockid=" + percent_encode(base64_encode(id)),
                        .headers = {{"content-md5", md5_text(bytes)}},
                        .body = std::string(bytes)}));
    return {};
  }

  Result<void> ensure_container() override {
    const auto made = calls_.send({.method = "PUT",
                                   .query = "restype=container",
                                   .headers = {},
                                   .body = {},
                                   .container = true});
    if (!made && made.error().field() != "ContainerAlreadyExists")
      return std::unexpected(made.error());
    return {};
  }

  Result<void> commit(const std::vector<std::string>& ids, std::string_view content_type) override {
    std::string body = R"(<?xml version="1.0" encoding="utf-8"?><BlockList>)";
    for (const std::string& id : ids) body += "<Latest>" + base64_encode(id) + "</Latest>";
    body += "</BlockList>";
    TRY_OK(calls_.send({.method = "PUT",
                        .query = "comp=blocklist",
                        .headers = {{"x-ms-blob-content-type", std::string(content_type)},
                                    {"content-md5", md5_text(body)},
                                    {"content-type", "application/xml"}},
                        .body = std::move(body)}));
    return {};
  }

  Result<void> remove() override {
    const auto gone = calls_.send({.method = "DELETE", .query = {}, .headers = {}, .body = {}});
    if (!gone && gone.error().code() != Errc::not_found) return std::unexpected(gone.error());
    return {};
  }

  // The protocol drops staged blocks only with a commit, which takes those of others with it and
  // shows an empty blob to readers. So they stay until the blob is written next; Azure Storage
  // drops them a week after the last one.
  Result<void> discard_blocks(std::string_view) override { return {}; }

 private:
  // Several at once: a storage far away answers late, and each of its connections is slow.
  Result<std::size_t> read_ranges(std::uint64_t offset, std::span<char> into,
                                  const std::string& etag) {
    std::vector<std::future<Result<std::size_t>>> later;
    for (std::size_t at = kRangeBytesMax; at < into.size(); at += kRangeBytesMax) {
      const std::span<char> room = into.subspan(at, std::min(kRangeBytesMax, into.size() - at));
      later.push_back(std::async(std::launch::async, [this, offset, at, room, &etag] {
        return read_range(offset + at, room, etag);
      }));
    }
    auto filled = read_range(offset, into.first(std::min(kRangeBytesMax, into.size())), etag);
    bool whole = filled && *filled == std::min(kRangeBytesMax, into.size());
    for (std::size_t i = 0; i < later.size(); ++i) {
      const auto size = later[i].get();  // All are waited for: they write into the caller's room.
      if (!filled) continue;
      if (!size) {
        filled = std::unexpected(size.error());
      } else if (whole) {
        *filled += *size;
        whole = *filled == std::min(into.size(), (i + 2) * kRangeBytesMax);
      }
    }
    return filled;
  }

  Result<std::size_t> read_range(std::uint64_t offset, std::span<char> into,
                                 const std::string& etag) {
    constexpr int kChecksumTries = 3;
    for (int tries = 0;; ++tries) {
      ClientRequest request{
          .method = "GET",
          .query = {},
          .headers = {{"x-ms-range", "bytes=" + std::to_string(offset) + "-" +
                                         std::to_string(offset + into.size() - 1)},
                      {"x-ms-range-get-content-md5", "true"}},
          .body = {},
          .answer_bytes_max = into.size()};
      if (!etag.empty()) request.headers.emplace_back("if-match", etag);
      const auto response = calls_.send(request);
      // Behind the end.
      if (!response && response.error().field() == "InvalidRange") return std::size_t{0};
      if (!response) return std::unexpected(response.error());
      if (response->status == 200 && offset > 0)
        return mlgate::fail(Errc::unsupported, "The storage does not serve ranges.");
      const std::string md5 = header_of(*response, "content-md5");
      const std::string crc = header_of(*response, "x-ms-content-crc64");
      // The checksum of a whole blob, which some send with a range, is not the range's.
      const bool intact =
          (md5.empty() || response->status == 200 || md5 == md5_text(response->body)) &&
          (crc.empty() || crc == crc64_text(crc64(0, response->body)));
      if (intact) {
        response->body.copy(into.data(), into.size());
        return response->body.size();
      }
      if (tries + 1 >= kChecksumTries)
        return mlgate::fail(Errc::unavailable,
                            "What the storage sends does not have the checksum "
                            "that it names.");
    }
  }

  BlobCalls calls_;
};

}  // namespace

Result<std::unique_ptr<BlobFile>> open_remote(HttpCaller& http, const Clock& clock,
                                              const BlobAddress& address,
                                              const RetryOptions& retry) {
  return std::make_unique<RemoteFile>(http, clock, address, retry);
}

}  // namespace mlgate::blob
