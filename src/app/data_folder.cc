#include "app/data_folder.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

namespace mlgate::app {

Result<std::string> read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail(Errc::not_found, "cannot read " + path.string());
  return std::string(std::istreambuf_iterator<char>(in), {});
}

Result<void> write_file(const std::filesystem::path& path, std::string_view content,
                        FileKind kind) {
  const std::string beside = path.string() + ".new";
  const auto wrong = [&](const char* what) {
    return fail(Errc::internal, std::string(what) + " " + beside + ": " + std::strerror(errno));
  };
  const int fd = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
                        kind == FileKind::secret ? 0600 : 0644);
  if (fd < 0) return wrong("cannot create");
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      ::close(fd);
      return wrong("cannot write");
    }
    content.remove_prefix(std::size_t(written));
  }
  const bool synced = ::fsync(fd) == 0;
  ::close(fd);
  if (!synced) return wrong("cannot sync");
  if (::rename(beside.c_str(), path.c_str()) != 0) return wrong("cannot rename");
  return {};
}

Result<Json> read_json_file(const std::filesystem::path& path) {
  TRY(const std::string text, read_file(path));
  return Json::parse(text);
}

}  // namespace mlgate::app
