#pragma once
// Small pieces of file work that the usage files share.
#include "base/result.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace mlgate::analytics {

Error file_error(const std::filesystem::path& path, const char* what);
// False at the end and at errors.
bool read_at(int fd, std::uint64_t offset, char* to, std::size_t bytes) noexcept;
Result<std::string> read_whole_file(const std::filesystem::path& path);
// Appends all to the file, making it; it is as before when that fails.
Result<void> append_to_file(const std::filesystem::path& path, std::string_view bytes);
Result<void> sync_file(const std::filesystem::path& path);

// A piece of a file that grows: size, checksum, content.
std::string framed(std::string_view content);
// The content of the frame at that place; a null view when there is none that is whole.
std::string_view frame_at(std::string_view bytes, std::size_t at) noexcept;
inline constexpr std::size_t kFrameBytes = 12;

// Calls `take` with the content of each whole frame; how many bytes they are.
template <class Take>
std::size_t read_frames(std::string_view bytes, Take take) {
  std::size_t at = 0;
  for (auto content = frame_at(bytes, at); content.data(); content = frame_at(bytes, at)) {
    take(content);
    at += kFrameBytes + content.size();
  }
  return at;
}

}  // namespace mlgate::analytics
