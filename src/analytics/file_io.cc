#include "analytics/file_io_internal.h"
#include "analytics/rollup_format_internal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

namespace mlgate::analytics {

Error file_error(const std::filesystem::path& path, const char* what) {
  return {Errc::unavailable, std::string(what) + " " + path.string() + ": " + std::strerror(errno)};
}

bool read_at(int fd, std::uint64_t offset, char* to, std::size_t bytes) noexcept {
  while (bytes > 0) {
    const auto got = ::pread(fd, to, bytes, off_t(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    to += got;
    bytes -= std::size_t(got);
    offset += std::uint64_t(got);
  }
  return true;
}

Result<std::string> read_whole_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::unexpected(file_error(path, "cannot read"));
  return std::string(std::istreambuf_iterator<char>(in), {});
}

Result<void> append_to_file(const std::filesystem::path& path, std::string_view bytes) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  struct stat status{};
  Result<void> out;
  if (fd < 0 || ::fstat(fd, &status) != 0) out = std::unexpected(file_error(path, "cannot open"));
  while (out && !bytes.empty()) {
    const auto written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      out = std::unexpected(file_error(path, "cannot write"));
      (void)::ftruncate(fd, status.st_size);
    } else {
      bytes.remove_prefix(std::size_t(written));
    }
  }
  if (fd >= 0) ::close(fd);
  return out;
}

Result<void> sync_file(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  Result<void> out;
  if (fd < 0 || ::fsync(fd) != 0) out = std::unexpected(file_error(path, "cannot sync"));
  if (fd >= 0) ::close(fd);
  return out;
}

std::string framed(std::string_view content) {
  std::string out;
  out.reserve(kFrameBytes + content.size());
  append_fixed(out, content.size(), 4);
  append_fixed(out, checksum_of(content), 8);
  out += content;
  return out;
}

std::string_view frame_at(std::string_view bytes, std::size_t at) noexcept {
  if (bytes.size() - at < kFrameBytes) return {};
  const std::size_t size = fixed_at(bytes, at, 4);
  if (bytes.size() - at - kFrameBytes < size) return {};
  const std::string_view content = bytes.substr(at + kFrameBytes, size);
  return fixed_at(bytes, at + 4, 8) == checksum_of(content) ? content : std::string_view();
}

}  // namespace mlgate::analytics
