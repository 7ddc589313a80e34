#pragma once
// Moves content between files and a socket that is on loan (http::Loan). Without waiting for the
// peer, but a disk may be waited for: for the threads of a pool. A call moves so much at once that
// changing threads costs little, and so little that others have their turn.
#include "base/result.h"
#include "blob/digest.h"
#include "blob/range.h"
#include "blob/storage.h"
#include "http/server_call.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace mlgate::blob {

inline constexpr std::uint64_t kTurnBytes = std::uint64_t{4} << 20;

// Pages of files on their way to a socket: a detour that costs less than sendfile, which takes
// sixteen pages at a time.
class PagePipe {
 public:
  PagePipe() = default;
  PagePipe(const PagePipe&) = delete;
  ~PagePipe();
  // From the files of a blob, without copying. `span` moves on with what the socket took; what
  // waits in the pipe follows with the next call. False when the file system of the next bytes
  // cannot do it, or there are no descriptors left.
  Result<bool> send(const BlobReader& reader, Span& span, int socket, http::Moved& moved);

 private:
  bool open() noexcept;
  Result<bool> fill(const BlobReader& reader, Span span);
  int in_ = -1, out_ = -1;
  std::uint64_t waiting_ = 0;
};

// From the socket to the end of the content, by way of `buffer`; also into the digest, if any.
// `moved` says what was taken from the socket also when the content could not take it.
Result<void> receive_content(const http::Loan& from, Content& content, Md5* md5,
                             std::span<char> buffer, http::Moved& moved);

}  // namespace mlgate::blob
