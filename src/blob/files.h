#pragma once
// Content files of the blob store. A file is written under the folder of its process (live/),
// linked into content/ when it is complete, committed in the index, and then loses its first name.
// So whatever a crash leaves behind still has that first name, in the folder of a process that
// holds no lock any more, and another process can tell exactly what to remove.
#include "base/result.h"
#include "blob/storage.h"

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace mlgate::blob {

class Files {
 public:
  static Result<std::unique_ptr<Files>> open(const std::filesystem::path& root, bool sync);
  ~Files();
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;

  Result<Content> create();
  // Makes the content durable under its id. The caller commits the id, then calls settle.
  Result<void> keep(Content& content);
  // The id is committed: the first name goes. When it is not, dropping the content removes both.
  void settle(Content& content) noexcept;

  std::string path_of(std::string_view id) const;
  void remove(std::string_view id) const noexcept;
  // Removes what dead processes left, but for content that `referenced` knows. How many files went.
  Result<std::size_t> sweep(const std::function<Result<bool>(std::string_view id)>& referenced);

 private:
  Files(std::filesystem::path root, bool sync);
  std::filesystem::path root_;
  bool sync_;
  std::string live_;
  int lock_ = -1;
};

}  // namespace mlgate::blob
