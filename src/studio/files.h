#pragma once
// Files that survive a power cut: written beside their place, synced, then renamed into it.
#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::studio {

// Replaces or creates `path` with `parts` end to end. On return it is on disk.
Result<void> write_file(const std::string& path, const std::vector<std::string_view>& parts);
// Joins files into one, durably; the sources stay. Reads in pieces, so that size does not matter.
Result<std::uint64_t> join_files(const std::string& path, const std::vector<std::string>& sources);
Result<std::string> read_file(const std::string& path);

}  // namespace mlgate::studio
