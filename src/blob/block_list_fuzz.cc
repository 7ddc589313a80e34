// Feeds arbitrary bytes to the readers of XML bodies. What has to hold: what is taken has ids that
// are base64, stays within its limits, and reads the same once it is written again.
#include "base/crypto.h"
#include "blob/xml.h"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void block_lists(std::string_view input) {
  using namespace mlgate::blob;
  const auto blocks = read_block_list(input);
  if (!blocks) return;
  require(blocks->size() <= kBlocksMax);
  XmlWriter w;
  w.open("BlockList");
  constexpr std::string_view kNames[] = {"Committed", "Uncommitted", "Latest"};
  for (const BlockRef& block : *blocks) {
    require(mlgate::base64_decode(block.id).has_value());
    w.element(kNames[int(block.from)], block.id);
  }
  const auto again = read_block_list(std::move(w).finish());
  require(again.has_value() && again->size() == blocks->size());
  for (std::size_t i = 0; i < blocks->size(); ++i)
    require((*again)[i].id == (*blocks)[i].id && (*again)[i].from == (*blocks)[i].from);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  block_lists(input);
  (void)mlgate::blob::read_signed_identifiers(input);
  (void)mlgate::blob::read_key_info(input);
  if (const auto properties = mlgate::blob::read_service_properties(input, {})) {
    const std::string text = mlgate::blob::write_service_properties(*properties);
    const auto again = mlgate::blob::read_service_properties(text, {});
    require(again.has_value() && mlgate::blob::write_service_properties(*again) == text);
  }
  return 0;
}
