// Does content still have the checksum that it came with? Disks forget; whoever asks is told which
// blobs are to be restored.
#include "blob/digest.h"
#include "blob/files.h"
#include "blob/index.h"
#include "blob/storage.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace mlgate::blob {
namespace {

constexpr std::uint64_t kPartsAtOnce = 200;
constexpr std::size_t kReadBytes = std::size_t{1} << 20;

struct PartRow {
  Place place;
  std::uint64_t blob = 0, ordinal = 0, bytes = 0, crc64 = 0;
  std::string content;
};

// The parts behind the one that is named, in an order that does not change.
Result<std::vector<PartRow>> parts_after(Session& session, std::uint64_t blob,
                                         std::uint64_t ordinal) {
  std::vector<PartRow> found;
  TRY(store::Statement * rows,
      session.statement("SELECT containers.account, containers.name, blobs.name, parts.blob,"
                        " parts.ordinal, parts.bytes, parts.crc64, parts.content FROM parts"
                        " JOIN blobs ON blobs.id=parts.blob"
                        " JOIN containers ON containers.id=blobs.container"
                        " WHERE (parts.blob, parts.ordinal) > (?1, ?2)"
                        " ORDER BY parts.blob, parts.ordinal LIMIT ?3"));
  rows->bind(1, blob).bind(2, ordinal).bind(3, kPartsAtOnce);
  for (;;) {
    TRY(const bool more, rows->step());
    if (!more) return found;
    found.push_back({.place = {rows->text(0), rows->text(1), rows->text(2)},
                     .blob = rows->number(3),
                     .ordinal = rows->number(4),
                     .bytes = rows->number(5),
                     .crc64 = rows->number(6),
                     .content = rows->text(7)});
  }
}

// What is wrong with the file; empty when nothing is.
std::string fault_of_file(const std::string& path, const PartRow& part, std::string& buffer) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return std::string("its content cannot be opened: ") + std::strerror(errno);
  std::uint64_t bytes = 0, crc = 0;
  std::string fault;
  for (;;) {
    const ssize_t got = ::read(file, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fault = std::string("its content cannot be read: ") + std::strerror(errno);
    if (got <= 0) break;
    crc = crc64(crc, std::string_view(buffer).substr(0, std::size_t(got)));
    bytes += std::uint64_t(got);
  }
  ::close(file);
  if (!fault.empty()) return fault;
  if (bytes != part.bytes)
    return std::to_string(part.bytes) + " bytes were stored and " + std::to_string(bytes) +
           " are there";
  return crc == part.crc64 ? "" : "its content is not what was stored";
}

}  // namespace

Result<std::uint64_t> Storage::verify(const std::function<void(const Damage&)>& damaged) {
  std::string buffer(kReadBytes, '\0');
  std::uint64_t bytes = 0;
  PartRow last;  // Ids begin at 1, so that all are behind this one.
  for (;;) {
    std::vector<PartRow> parts;
    TRY_OK(index_->read([&](Session& session) -> Result<void> {
      TRY(parts, parts_after(session, last.blob, last.ordinal));
      return {};
    }));
    if (parts.empty()) return bytes;
    for (const PartRow& part : parts) {
      bytes += part.bytes;
      std::string fault = fault_of_file(files_->path_of(part.content), part, buffer);
      if (fault.empty()) continue;
      // It may have been replaced meanwhile.
      TRY(const bool still, index_->read([&](Session& session) -> Result<bool> {
        TRY(store::Statement * find,
            session.statement("SELECT 1 FROM parts WHERE content=?1 LIMIT 1"));
        return find->bind(1, part.content).step();
      }));
      if (still) damaged({part.place, std::move(fault)});
    }
    last = std::move(parts.back());
  }
}

}  // namespace mlgate::blob
