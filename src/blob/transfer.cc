#include "blob/transfer.h"

#include <sys/sendfile.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace mlgate::blob {

using Stop = http::Moved::Stop;

Result<std::optional<http::Moved>> send_content(const BlobReader& reader, Span span, int socket) {
  http::Moved moved;
  const std::uint64_t most = std::min(span.bytes, kTurnBytes);
  while (moved.bytes < most) {
    TRY(const BlobReader::Extent extent, reader.extent(span.offset + moved.bytes));
    auto at = off_t(extent.offset);
    const auto size = std::size_t(std::min(extent.bytes, most - moved.bytes));
    const ssize_t sent = ::sendfile(socket, *extent.descriptor, &at, size);
    if (sent > 0) {
      moved.bytes += std::uint64_t(sent);
    } else if (sent == 0) {
      return fail(Errc::internal, "content is shorter than recorded");
    } else if (errno == EAGAIN) {
      moved.stop = Stop::would_block;
      break;
    } else if (errno == EINVAL || errno == ENOSYS) {
      return std::nullopt;
    } else if (errno == EIO) {
      return fail(Errc::unavailable, "cannot read content");
    } else if (errno != EINTR) {
      moved.stop = Stop::closed;
      break;
    }
  }
  return moved;
}

Result<void> receive_content(const http::Loan& from, Content& content, Md5* md5,
                             std::span<char> buffer, http::Moved& moved) {
  const std::uint64_t most = std::min(from.bytes, kTurnBytes);
  while (moved.bytes < most) {
    const auto size = std::size_t(std::min<std::uint64_t>(most - moved.bytes, buffer.size()));
    const ssize_t got = ::recv(from.descriptor, buffer.data(), size, 0);
    if (got > 0) {
      const std::string_view bytes(buffer.data(), std::size_t(got));
      moved.bytes += bytes.size();
      if (md5) md5->update(bytes);
      TRY_OK(content.append(bytes));
    } else if (got < 0 && errno == EAGAIN) {
      moved.stop = Stop::would_block;
      break;
    } else if (got == 0 || errno != EINTR) {
      moved.stop = Stop::closed;
      break;
    }
  }
  return {};
}

}  // namespace mlgate::blob
