#include "blob/transfer.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace mlgate::blob {

namespace {
using Stop = http::Moved::Stop;
constexpr int kPipeBytes = 256 * 1024;
}  // namespace

PagePipe::~PagePipe() {
  if (in_ >= 0) ::close(in_);
  if (out_ >= 0) ::close(out_);
}

bool PagePipe::open() noexcept {
  if (in_ >= 0) return true;
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return false;
  out_ = ends[0];
  in_ = ends[1];
  (void)::fcntl(in_, F_SETPIPE_SZ, kPipeBytes);  // Otherwise it takes smaller bites.
  return true;
}

Result<bool> PagePipe::fill(const BlobReader& reader, Span span) {
  TRY(const BlobReader::Extent extent, reader.extent(span.offset));
  auto at = loff_t(extent.offset);
  const auto size = std::size_t(std::min<std::uint64_t>({extent.bytes, span.bytes, kPipeBytes}));
  for (;;) {
    const ssize_t filled = ::splice(*extent.descriptor, &at, in_, nullptr, size, SPLICE_F_MOVE);
    if (filled > 0) {
      waiting_ = std::uint64_t(filled);
      return true;
    }
    if (filled == 0) return fail(Errc::internal, "content is shorter than recorded");
    if (errno == EINVAL || errno == ENOSYS) return false;
    if (errno != EINTR)
      return fail(Errc::unavailable, std::string("cannot read content: ") + std::strerror(errno));
  }
}

Result<bool> PagePipe::send(const BlobReader& reader, Span& span, int socket, http::Moved& moved) {
  if (!open()) return false;
  const std::uint64_t most = std::min(span.bytes, kTurnBytes);
  while (moved.bytes < most) {
    if (waiting_ == 0) {
      TRY(const bool filled, fill(reader, span));
      if (!filled) return false;
    }
    const unsigned more = waiting_ < span.bytes ? SPLICE_F_MORE : 0;
    const ssize_t sent = ::splice(out_, nullptr, socket, nullptr, std::size_t(waiting_),
                                  SPLICE_F_MOVE | SPLICE_F_NONBLOCK | more);
    if (sent > 0) {
      moved.bytes += std::uint64_t(sent);
      waiting_ -= std::uint64_t(sent);
      span.offset += std::uint64_t(sent);
      span.bytes -= std::uint64_t(sent);
    } else if (sent < 0 && errno == EAGAIN) {
      moved.stop = Stop::would_block;
      break;
    } else if (sent == 0 || errno != EINTR) {
      moved.stop = Stop::closed;
      break;
    }
  }
  return true;
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
