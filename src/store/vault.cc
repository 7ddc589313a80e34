#include "base/crypto.h"
#include "store/store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace mlgate::store {
namespace {

constexpr std::size_t kKeyBytes = 32;

class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int get() const noexcept { return descriptor_; }

 private:
  int descriptor_;
};

std::string reason() { return std::strerror(errno); }

Result<std::string> read_key(const std::string& path) {
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) {
    if (errno == ENOENT) return fail(Errc::not_found, "no master key");
    return fail(Errc::unavailable, "cannot read the master key '" + path + "': " + reason());
  }
  struct stat info{};
  if (::fstat(file.get(), &info) != 0)
    return fail(Errc::unavailable, "cannot read the master key '" + path + "': " + reason());
  if ((info.st_mode & 077) != 0)
    return fail(Errc::denied,
                "the master key '" + path + "' can be read by others; its mode has to be 0600");
  std::string key(kKeyBytes + 1, '\0');
  const ssize_t size = ::read(file.get(), key.data(), key.size());
  if (size != ssize_t{kKeyBytes})
    return fail(Errc::invalid_argument, "the master key '" + path + "' does not have 32 bytes");
  key.resize(kKeyBytes);
  return key;
}

Result<void> write_synced(const std::string& path, std::string_view bytes) {
  const File file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (file.get() < 0 || ::write(file.get(), bytes.data(), bytes.size()) != ssize_t(bytes.size()) ||
      ::fsync(file.get()) != 0)
    return fail(Errc::unavailable, "cannot write the master key '" + path + "': " + reason());
  return {};
}

// Makes the key under a name of its own and links it into place: the link is made whole or not at
// all, and of several processes that start together one wins.
Result<void> make_key(const std::string& path) {
  const std::string fresh = path + "." + new_hex_id();
  TRY_OK(write_synced(fresh, random_bytes(kKeyBytes)));
  const int linked = ::link(fresh.c_str(), path.c_str());
  const int error = errno;
  ::unlink(fresh.c_str());
  if (linked != 0 && error != EEXIST)
    return fail(Errc::unavailable,
                "cannot make the master key '" + path + "': " + std::strerror(error));
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const File directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0 || ::fsync(directory.get()) != 0)
    return fail(Errc::unavailable, "cannot keep the master key '" + path + "': " + reason());
  return {};
}

}  // namespace

Result<Vault> Vault::open(const std::string& path) {
  auto key = read_key(path);
  if (!key && key.error().code() == Errc::not_found) {
    TRY_OK(make_key(path));
    key = read_key(path);
  }
  if (!key) return std::unexpected(std::move(key).error());
  Vault vault;
  vault.key_ = *std::move(key);
  return vault;
}

std::string Vault::seal(std::string_view plain, std::string_view place) const {
  return base64_encode(mlgate::seal(key_, plain, place));
}

Result<std::string> Vault::unseal(std::string_view sealed, std::string_view place) const {
  TRY(const std::string bytes, base64_decode(sealed));
  return mlgate::unseal(key_, bytes, place);
}

std::string Vault::derive(std::string_view label) const { return hmac_sha256(key_, label); }

}  // namespace mlgate::store
