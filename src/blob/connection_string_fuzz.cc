// Connection strings and locations are a caller's: whatever they hold, they are taken apart or
// refused, and what was taken makes a URL that can be parsed.
#include "blob/connection_string.h"
#include "http/uri.h"

#include <cstdlib>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace mlgate;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t line = text.find('\n');
  const std::string_view first = text.substr(0, line);
  const std::string_view second =
      line == std::string_view::npos ? std::string_view() : text.substr(line + 1);
  const auto check = [](const Result<blob::BlobAddress>& address) {
    if (!address) return;
    const std::string url = address->url();
    if (url.size() <= http::kUrlBytesMax && !http::parse_url(url)) std::abort();
  };
  if (const auto connection = blob::parse_connection_string(first))
    check(blob::address_of(*connection, second));
  check(blob::address_of(first, second, "?sig=1"));
  return 0;
}
