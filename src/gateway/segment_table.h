#pragma once
// Children of all nodes of a trie in one flat table: (node, segment) -> child, by hash, so that a
// step costs the same with one child and with a hundred thousand. Built once, then read by all
// workers.
#include "gateway/url_template.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::gateway {

class SegmentTable {
 public:
  static constexpr std::uint32_t kNone = 0xffff'ffff;

  explicit SegmentTable(PathCase path_case = {}) : path_case_(path_case) {}
  // The child of `node` for `segment`; it is made with number `next` when there is none.
  std::uint32_t find_or_add(std::uint32_t node, std::string_view segment, std::uint32_t next);
  std::uint32_t find(std::uint32_t node, std::string_view segment) const noexcept;

 private:
  struct Slot {
    std::uint32_t node = kNone;
    std::uint32_t child = kNone;
    std::uint32_t hash = 0;
    std::string segment;
  };
  std::uint32_t hash(std::uint32_t node, std::string_view segment) const noexcept;
  bool same(std::string_view a, std::string_view b) const noexcept;
  void grow();
  PathCase path_case_;
  std::vector<Slot> slots_;  // A power of two, at most half full.
  std::size_t used_ = 0;
};

}  // namespace mlgate::gateway
