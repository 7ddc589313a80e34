// Any text as a key or as a condition: it is refused, or gives a value for every call.
#include "policy/exchange.h"
#include "policy/key_expression.h"

#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mlgate::policy;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Exchange x;
  x.request.authority = "host";
  x.request.query = "a=1&b";
  x.request.headers.add("X-Key", "v");
  if (const auto key = KeyExpression::parse(text)) (void)key->value(x);
  if (const auto condition = CountCondition::parse(text)) {
    for (const int status : {0, 200, 404, 999}) (void)condition->holds(status);
  }
  return 0;
}
