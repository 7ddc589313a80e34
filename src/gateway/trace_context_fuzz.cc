// Any bytes as a traceparent: what is accepted is written again as the same parent.
#include "gateway/trace_context.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mlgate::gateway;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto parent = parse_traceparent(text);
  if (!parent) return 0;
  char again[kTraceparentBytes];
  write_traceparent(*parent, again);
  const std::string_view written(again, sizeof again);
  if (written.substr(3, 49) != text.substr(3, 49)) std::abort();
  const auto reread = parse_traceparent(written);
  if (!reread || reread->span != parent->span || reread->sampled != parent->sampled) std::abort();
  return 0;
}
