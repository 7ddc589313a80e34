#include "analytics/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace mlgate::analytics {

LogFile::~LogFile() {
  if (fd_ >= 0) ::close(fd_);
}

Result<void> LogFile::open() {
  // Not blocking: a pipe without a reader must not hold up the program.
  const int fresh =
      ::open(options_.path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0640);
  if (fresh < 0) {
    return fail(Errc::unavailable,
                "cannot open the access log " + options_.path + ": " + std::strerror(errno));
  }
  struct stat status{};
  regular_ = ::fstat(fresh, &status) == 0 && S_ISREG(status.st_mode);
  if (fd_ >= 0) ::close(fd_);
  fd_ = fresh;
  return {};
}

std::uint64_t LogFile::size() const noexcept {
  struct stat status{};
  if (!regular_ || ::fstat(fd_, &status) != 0) return 0;
  return std::uint64_t(status.st_size);
}

void LogFile::rotate() noexcept {
  for (int number = options_.files_kept; number > 0; --number) {
    const std::string to = options_.path + "." + std::to_string(number);
    const std::string from =
        number == 1 ? options_.path : options_.path + "." + std::to_string(number - 1);
    (void)std::rename(from.c_str(), to.c_str());  // A gap in the row is no error.
  }
  if (options_.files_kept <= 0) (void)::unlink(options_.path.c_str());
  // Without a new file the old one, under its new name, goes on.
  if (open()) ++rotations_;
}

void LogFile::cut_torn_line(std::string_view written) noexcept {
  const auto torn = written.size() - (written.rfind('\n') + 1);
  if (torn == 0 || !regular_) return;
  const std::uint64_t end = size();
  if (end >= torn) (void)::ftruncate(fd_, off_t(end - torn));
}

std::uint64_t LogFile::write(std::string_view lines) noexcept {
  if (fd_ < 0) return std::uint64_t(std::ranges::count(lines, '\n'));
  if (options_.bytes_max > 0) {
    const std::uint64_t now = size();
    if (now > 0 && now + lines.size() > options_.bytes_max) rotate();
  }
  std::string_view rest = lines;
  while (!rest.empty()) {
    const auto written = ::write(fd_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      const auto done = lines.substr(0, lines.size() - rest.size());
      cut_torn_line(done);
      const auto whole = done.substr(0, done.rfind('\n') + 1);
      return std::uint64_t(std::ranges::count(lines.substr(whole.size()), '\n'));
    }
    rest.remove_prefix(std::size_t(written));
  }
  return 0;
}

}  // namespace mlgate::analytics
