// Any template and any request: nothing crashes, and what matches fits the template again.
#include "gateway/operation_trie.h"
#include "gateway/path.h"
#include "gateway/url_template.h"

#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mlgate;
  std::string_view input(reinterpret_cast<const char*>(data), size);
  // A '!' in front asks for paths that heed case. Lines: templates, and last the request target.
  const bool sensitive = input.starts_with('!');
  if (sensitive) input.remove_prefix(1);
  const auto last = input.rfind('\n');
  if (last == std::string_view::npos) return 0;
  gateway::OperationTrie trie({.sensitive = sensitive});
  std::uint32_t count = 0;
  std::size_t at = 0;
  while (at < last && count < 64) {
    const auto end = std::min(input.find('\n', at), last);
    if (const auto parsed = gateway::parse_url_template(input.substr(at, end - at))) {
      trie.add(*parsed, "GET", count++);
    }
    at = end + 1;
  }
  trie.seal();
  policy::Arena arena;
  std::vector<policy::Parameter> values;
  const auto target = input.substr(last + 1);
  const auto question = std::min(target.find('?'), target.size());
  const auto path = gateway::split_path(target.substr(0, question), arena);
  if (!path.valid) return 0;
  for (const auto& segment : path.segments) {
    if (segment.text == "." || segment.text == "..") std::abort();
  }
  const auto query = target.substr(std::min(question + 1, target.size()));
  const auto found =
      trie.match({.method = "GET", .query = query, .path = &path, .first = 0}, arena, values);
  if (found != gateway::OperationTrie::kNone && found >= count) std::abort();
  if (found == gateway::OperationTrie::kNone && !values.empty()) std::abort();
  for (const auto& value : values) {
    if (value.name.empty()) std::abort();
  }
  (void)path.tail(0, arena);
  return 0;
}
