// Any bytes in any coding: the same text or the same refusal however the pieces are cut, and never
// more than the limit.
#include "policy/content_coding.h"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mlgate;
  using namespace mlgate::policy;
  if (size < 2) return 0;
  const auto coding = ContentCoding(data[0] % 5);
  const std::size_t cut = data[1] % 64 + 1;
  const DecodeLimits limits{.bytes_max = 1 << 20, .growth_max = 1'000};
  const std::string_view body(reinterpret_cast<const char*>(data) + 2, size - 2);
  const auto run = [&](std::size_t piece, std::string& out) -> Result<void> {
    ContentDecoder decoder(coding, limits);
    for (std::size_t at = 0; at < body.size(); at += piece) {
      TRY_OK(decoder.decode(body.substr(at, piece), out));
    }
    return decoder.finish();
  };
  std::string whole, cut_up;
  const auto first = run(body.size() + 1, whole);
  const auto second = run(cut, cut_up);
  if (whole.size() > limits.bytes_max + 1 || cut_up.size() > limits.bytes_max + 1) std::abort();
  if (first.has_value() != second.has_value()) std::abort();
  if (first && whole != cut_up) std::abort();
  return 0;
}
