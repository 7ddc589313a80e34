#include "control/last_good.h"

#include "base/crypto.h"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>

namespace mlgate::control {
namespace {

constexpr std::string_view kMagic = "mlgate-last-good 1\n";
constexpr std::size_t kDigestBytes = 32;
constexpr std::uint32_t kGone = 0xffff'ffff;
constexpr std::uint64_t kBatchBytesMax = std::uint64_t{8} << 30;
constexpr std::uint64_t kSlackBytes = std::uint64_t{1} << 20;
constexpr std::uint64_t kGrowthMax = 3;  // Times what it held when it was written anew.
constexpr std::size_t kWaitingMax = 100'000;
constexpr std::chrono::seconds kRetry{1};

void append_number(std::string& out, std::uint64_t number) {
  for (int i = 0; i < 8; ++i) out.push_back(char(number >> (8 * i)));
}
void append_number(std::string& out, std::uint32_t number) {
  for (int i = 0; i < 4; ++i) out.push_back(char(number >> (8 * i)));
}

// Reads numbers and texts off the front of a text.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}
  std::uint64_t number(std::size_t bytes) {
    if (text_.size() < bytes) {
      good_ = false;
      return 0;
    }
    std::uint64_t out = 0;
    for (std::size_t i = 0; i < bytes; ++i) out |= std::uint64_t(std::uint8_t(text_[i])) << (8 * i);
    text_.remove_prefix(bytes);
    return out;
  }
  std::string_view text(std::size_t bytes) {
    if (text_.size() < bytes) {
      good_ = false;
      return {};
    }
    const auto out = text_.substr(0, bytes);
    text_.remove_prefix(bytes);
    return out;
  }
  bool good() const noexcept { return good_; }
  bool at_end() const noexcept { return text_.empty(); }

 private:
  std::string_view text_;
  bool good_ = true;
};

std::string encode(const ChangeBatch& batch) {
  std::string body;
  append_number(body, batch.number);
  append_number(body, std::uint32_t(batch.documents.size()));
  for (const auto& [key, document] : batch.documents) {
    append_number(body, std::uint32_t(key.size()));
    append_number(body, document ? std::uint32_t(document->body.size()) : kGone);
    append_number(body, document ? document->version : std::uint64_t{0});
    body += key;
    if (document) body += document->body;
  }
  std::string out;
  append_number(out, std::uint64_t(body.size()));
  out += body;
  out += sha256(body);
  return out;
}

using Contents = std::map<std::string, apim::StoredDocument>;

// False when the batch is not whole; the contents are as they were then.
bool apply(std::string_view body, Contents& contents, std::uint64_t& number) {
  Cursor in(body);
  const std::uint64_t as_of = in.number(8);
  const std::uint64_t count = in.number(4);
  std::vector<apim::ChangedDocument> documents;
  for (std::uint64_t i = 0; i < count && in.good(); ++i) {
    const auto key_bytes = in.number(4), body_bytes = in.number(4), version = in.number(8);
    std::string key(in.text(key_bytes));
    if (body_bytes == kGone) {
      documents.emplace_back(std::move(key), std::nullopt);
      continue;
    }
    std::string text(in.text(body_bytes));
    apim::StoredDocument document{key, std::move(text), version};
    documents.emplace_back(std::move(key), std::move(document));
  }
  if (!in.good() || !in.at_end()) return false;
  for (auto& [key, document] : documents) {
    if (document)
      contents.insert_or_assign(std::move(key), *std::move(document));
    else
      contents.erase(key);
  }
  number = as_of;
  return true;
}

Result<void> write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0)
      return fail(Errc::unavailable, std::string("writing failed: ") + std::strerror(errno));
    bytes.remove_prefix(std::size_t(written));
  }
  return {};
}

// A descriptor that closes itself.
class File {
 public:
  File(const std::filesystem::path& path, int flags)
      : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0600)) {}
  File(const File&) = delete;
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  int fd() const noexcept { return fd_; }

 private:
  int fd_;
};

}  // namespace

LastGood::LastGood(std::filesystem::path file, ReadAll read_all)
    : file_(std::move(file)), read_all_(std::move(read_all)) {}

Result<ChangeBatch> LastGood::read(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return fail(Errc::not_found, "there is no " + file.string());
  std::string line(kMagic.size(), '\0');
  in.read(line.data(), std::streamsize(line.size()));
  if (!in || line != kMagic)
    return fail(Errc::invalid_argument, file.string() + " is no snapshot of this program");
  Contents contents;
  ChangeBatch out;
  bool any = false;
  for (;;) {
    std::string size(8, '\0');
    if (!in.read(size.data(), 8)) break;
    const std::uint64_t bytes = Cursor(size).number(8);
    std::error_code ignored;
    if (bytes > kBatchBytesMax || bytes > std::filesystem::file_size(file, ignored)) break;
    std::string body(bytes, '\0'), digest(kDigestBytes, '\0');
    if (!in.read(body.data(), std::streamsize(bytes))) break;
    if (!in.read(digest.data(), std::streamsize(kDigestBytes))) break;
    if (sha256(body) != digest || !apply(body, contents, out.number)) break;
    any = true;
  }
  if (!any) return fail(Errc::invalid_argument, file.string() + " holds no whole snapshot");
  out.documents.reserve(contents.size());
  for (auto& [key, document] : contents) out.documents.emplace_back(key, std::move(document));
  return out;
}

void LastGood::start(std::uint64_t number) {
  const auto there = read(file_);
  {
    const std::scoped_lock lock(mutex_);
    rewrite_ = !there || there->number != number;
    std::error_code ignored;
    base_bytes_ = bytes_ = rewrite_ ? 0 : std::filesystem::file_size(file_, ignored);
  }
  thread_ = std::thread([this] { run(); });
}

void LastGood::note(ChangeBatch batch) {
  {
    const std::scoped_lock lock(mutex_);
    waiting_documents_ += batch.documents.size();
    waiting_.push_back(std::move(batch));
    // A disk that does not keep up gets the whole later, instead of a queue without end.
    if (waiting_documents_ > kWaitingMax) {
      waiting_.clear();
      waiting_documents_ = 0;
      rewrite_ = true;
    }
  }
  wake_.notify_one();
}

bool LastGood::up_to_date() const {
  const std::scoped_lock lock(mutex_);
  return !rewrite_ && waiting_.empty() && !busy_;
}

Result<void> LastGood::write_anew() {
  TRY(const auto batch, read_all_());
  const std::string text = encode(batch);
  const std::filesystem::path fresh = file_.string() + ".new";
  {
    const File out(fresh, O_WRONLY | O_CREAT | O_TRUNC);
    if (out.fd() < 0) return fail(Errc::unavailable, fresh.string() + " cannot be written");
    TRY_OK(write_all(out.fd(), kMagic));
    TRY_OK(write_all(out.fd(), text));
    if (::fsync(out.fd()) != 0) return fail(Errc::unavailable, fresh.string() + " is not durable");
  }
  std::error_code error;
  std::filesystem::rename(fresh, file_, error);
  if (error) return fail(Errc::unavailable, file_.string() + " cannot be replaced");
  base_bytes_ = bytes_ = kMagic.size() + text.size();
  return {};
}

Result<void> LastGood::write_batches(std::vector<ChangeBatch> batches) {
  std::string text;
  for (const auto& batch : batches) text += encode(batch);
  const File out(file_, O_WRONLY | O_APPEND);
  if (out.fd() < 0) return fail(Errc::unavailable, file_.string() + " cannot be written");
  TRY_OK(write_all(out.fd(), text));
  if (::fdatasync(out.fd()) != 0)
    return fail(Errc::unavailable, file_.string() + " is not durable");
  bytes_ += text.size();
  return {};
}

void LastGood::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || rewrite_ || !waiting_.empty(); });
    if (!rewrite_ && waiting_.empty()) return;
    const bool anew = rewrite_ || bytes_ > kGrowthMax * base_bytes_ + kSlackBytes;
    std::vector<ChangeBatch> batches = std::exchange(waiting_, {});
    waiting_documents_ = 0;
    rewrite_ = false;
    busy_ = true;
    lock.unlock();
    const auto written = anew ? write_anew() : write_batches(std::move(batches));
    log_.note(written);
    lock.lock();
    busy_ = false;
    if (written) continue;
    // A part of a batch may be at the end of the file: only the whole is good again.
    rewrite_ = true;
    if (stopping_) return;
    wake_.wait_for(lock, kRetry, [this] { return stopping_; });
  }
}

void LastGood::stop() {
  {
    const std::scoped_lock lock(mutex_);
    if (stopping_) return;
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

}  // namespace mlgate::control
