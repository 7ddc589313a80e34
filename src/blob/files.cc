#include "blob/files.h"

#include "base/crash_point.h"
#include "base/crypto.h"
#include "base/text.h"
#include "blob/digest.h"
#include "blob/fault.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace mlgate::blob {
namespace {

constexpr const char* kLockName = "lock";
// A folder has that prefix until its lock is held, so that no other process takes it for a dead
// one's.
constexpr std::string_view kFreshPrefix = "new-";

Error file_error(std::string_view what) {
  const int error = errno;
  if (error == ENOSPC || error == EDQUOT || error == EFBIG)
    return make_error(Fault::insufficient_storage);
  if (error == EMFILE || error == ENFILE) return make_error(Fault::server_busy);
  return Error(Errc::unavailable, "blob store: " + std::string(what) + ": " + std::strerror(error));
}

Result<void> sync_folder(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return std::unexpected(file_error("cannot open " + path));
  const bool synced = ::fsync(fd) == 0;
  ::close(fd);
  if (!synced) return std::unexpected(file_error("cannot sync " + path));
  return {};
}

std::string shard_of(std::string_view id) { return std::string(id.substr(0, 2)); }

}  // namespace

Content::Content(Content&& other) noexcept { *this = std::move(other); }

Content& Content::operator=(Content&& other) noexcept {
  if (this == &other) return *this;
  drop();
  path_ = std::exchange(other.path_, {});
  kept_path_ = std::exchange(other.kept_path_, {});
  id_ = std::exchange(other.id_, {});
  descriptor_ = std::exchange(other.descriptor_, -1);
  bytes_ = other.bytes_;
  crc64_ = other.crc64_;
  return *this;
}

Content::~Content() { drop(); }

void Content::drop() noexcept {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  // In this order: as long as the first name is there, the other can be found again.
  if (!kept_path_.empty()) ::unlink(kept_path_.c_str());
  if (!path_.empty()) ::unlink(path_.c_str());
  path_.clear();
  kept_path_.clear();
}

Result<void> Content::append(std::string_view bytes) {
  crc64_ = blob::crc64(crc64_, bytes);
  bytes_ += bytes.size();
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return std::unexpected(file_error("cannot write content"));
    bytes.remove_prefix(std::size_t(written));
  }
  return {};
}

Files::Files(std::filesystem::path root, bool sync) : root_(std::move(root)), sync_(sync) {}

Files::~Files() {
  if (lock_ < 0) return;
  ::unlink((live_ + "/" + kLockName).c_str());
  ::rmdir(live_.c_str());  // Stays when content is still under way: a later sweep finds it.
  ::close(lock_);
}

Result<std::unique_ptr<Files>> Files::open(const std::filesystem::path& root, bool sync) {
  std::unique_ptr<Files> self(new Files(root, sync));
  const std::string id = new_hex_id();
  const std::filesystem::path fresh = root / "live" / (std::string(kFreshPrefix) + id);
  std::error_code error;
  const bool made = std::filesystem::create_directories(root / "content", error);
  if (!error) std::filesystem::create_directories(fresh, error);
  if (error)
    return fail(Errc::unavailable, "cannot make " + root.string() + ": " + error.message());
  self->live_ = (root / "live" / id).string();
  self->lock_ = ::open((fresh / kLockName).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (self->lock_ < 0 || ::flock(self->lock_, LOCK_EX | LOCK_NB) != 0 ||
      ::rename(fresh.c_str(), self->live_.c_str()) != 0)
    return std::unexpected(file_error("cannot lock " + self->live_));
  if (sync && made) {
    TRY_OK(sync_folder(root.string()));
  }
  return self;
}

Result<Content> Files::create() {
  Content content;
  content.id_ = new_hex_id();
  std::string path = live_ + "/" + content.id_;
  content.descriptor_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (content.descriptor_ < 0) return std::unexpected(file_error("cannot make content"));
  content.path_ = std::move(path);
  return content;
}

Result<void> Files::keep(Content& content) {
  if (sync_ && ::fsync(content.descriptor_) != 0)
    return std::unexpected(file_error("cannot sync content"));
  ::close(std::exchange(content.descriptor_, -1));
  crash_point();
  const std::string target = path_of(content.id_);
  const std::string shard = (root_ / "content" / shard_of(content.id_)).string();
  int linked = ::link(content.path_.c_str(), target.c_str());
  if (linked != 0 && errno == ENOENT) {
    // The first one of its shard.
    if (::mkdir(shard.c_str(), 0700) != 0 && errno != EEXIST)
      return std::unexpected(file_error("cannot make " + shard));
    if (sync_) {
      TRY_OK(sync_folder((root_ / "content").string()));
    }
    linked = ::link(content.path_.c_str(), target.c_str());
  }
  if (linked != 0) return std::unexpected(file_error("cannot link content"));
  content.kept_path_ = target;
  crash_point();
  if (sync_) {
    TRY_OK(sync_folder(shard));
  }
  return {};
}

void Files::settle(Content& content) noexcept {
  content.kept_path_.clear();
  content.drop();
  crash_point();
}

std::string Files::path_of(std::string_view id) const {
  return (root_ / "content" / shard_of(id) / id).string();
}

void Files::remove(std::string_view id) const noexcept { ::unlink(path_of(id).c_str()); }

Result<std::size_t> Files::sweep(
    const std::function<Result<bool>(std::string_view id)>& referenced) {
  std::size_t gone = 0;
  std::error_code error;
  for (const auto& folder : std::filesystem::directory_iterator(root_ / "live", error)) {
    const std::string path = folder.path().string();
    if (path == live_ || folder.path().filename().string().starts_with(kFreshPrefix)) continue;
    const int lock = ::open((path + "/" + kLockName).c_str(), O_RDWR | O_CLOEXEC);
    if (lock >= 0 && ::flock(lock, LOCK_EX | LOCK_NB) != 0) {
      ::close(lock);
      continue;  // Its process lives.
    }
    for (const auto& file : std::filesystem::directory_iterator(folder.path(), error)) {
      const std::string id = file.path().filename().string();
      if (id == kLockName) continue;
      const auto known = referenced(id);
      if (!known) {
        if (lock >= 0) ::close(lock);
        return std::unexpected(known.error());
      }
      if (!*known && id.size() == 32) remove(id);
      ::unlink(file.path().c_str());
      ++gone;
    }
    ::unlink((path + "/" + kLockName).c_str());
    if (lock >= 0) ::close(lock);
    ::rmdir(path.c_str());
  }
  return gone;
}

}  // namespace mlgate::blob
