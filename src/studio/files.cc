#include "studio/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace mlgate::studio {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{1} << 20;

std::unexpected<Error> failed(std::string_view what, const std::string& path) {
  const int code = errno;
  return fail(code == ENOENT ? Errc::not_found : Errc::unavailable,
              std::string(what) + " " + std::filesystem::path(path).filename().string() + ": " +
                  std::strerror(code));
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int get() const noexcept { return number_; }

 private:
  int number_;
};

Result<void> write_all(int file, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(file, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed("writing", path);
    bytes.remove_prefix(std::size_t(count));
  }
  return {};
}

Result<std::size_t> read_some(int file, std::string& room, const std::string& path) {
  for (;;) {
    const ssize_t count = ::read(file, room.data(), room.size());
    if (count >= 0) return std::size_t(count);
    if (errno != EINTR) return failed("reading", path);
  }
}

// A rename is on disk once its folder is.
Result<void> publish(const std::string& temporary, const std::string& path) {
  if (::rename(temporary.c_str(), path.c_str()) != 0) return failed("renaming", path);
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0 || ::fsync(directory.get()) != 0) return failed("syncing", folder);
  return {};
}

template <class Fill>
Result<void> write_durably(const std::string& path, Fill fill) {
  const std::string temporary = path + ".part";
  {
    const Descriptor file(
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (file.get() < 0) return failed("creating", temporary);
    Result<void> filled = fill(file.get());
    if (filled && ::fsync(file.get()) != 0) filled = failed("syncing", temporary);
    if (!filled) {
      ::unlink(temporary.c_str());
      return filled;
    }
  }
  return publish(temporary, path);
}

}  // namespace

Result<void> write_file(const std::string& path, const std::vector<std::string_view>& parts) {
  return write_durably(path, [&](int file) -> Result<void> {
    for (const std::string_view part : parts) {
      TRY_OK(write_all(file, part, path));
    }
    return {};
  });
}

Result<std::uint64_t> join_files(const std::string& path, const std::vector<std::string>& sources) {
  std::uint64_t total = 0;
  const auto fill = [&](int file) -> Result<void> {
    std::string room(kPieceBytes, '\0');
    for (const std::string& source : sources) {
      const Descriptor from(::open(source.c_str(), O_RDONLY | O_CLOEXEC));
      if (from.get() < 0) return failed("opening", source);
      for (;;) {
        TRY(const std::size_t count, read_some(from.get(), room, source));
        if (count == 0) break;
        TRY_OK(write_all(file, std::string_view(room).substr(0, count), path));
        total += count;
      }
    }
    return {};
  };
  TRY_OK(write_durably(path, fill));
  return total;
}

Result<std::string> read_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return failed("opening", path);
  struct stat info{};
  if (::fstat(file.get(), &info) != 0) return failed("reading", path);
  std::string text(std::size_t(info.st_size), '\0');
  std::size_t have = 0;
  while (have < text.size()) {
    const ssize_t count = ::read(file.get(), text.data() + have, text.size() - have);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed("reading", path);
    if (count == 0) break;
    have += std::size_t(count);
  }
  text.resize(have);
  return text;
}

}  // namespace mlgate::studio
