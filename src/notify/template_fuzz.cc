// Templates are a publisher's, and the values in them anybody's: whatever they hold, they parse or
// are refused with a line, rendering ends, and what a value says is text, never markup.
#include "notify/template.h"

#include <cstdlib>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace mlgate;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto parsed = notify::MailTemplate::parse(text);
  if (!parsed) {
    if (parsed.error().message().empty()) std::abort();
    return 0;
  }
  const Json item = Json::object({{"Name", "<\x01>"}, {"Calls", 3}});
  const Json values = Json::object(
      {{"X", "<\x01>\r\n"}, {"Yes", true}, {"List", Json::array({item, item, Json("text")})}});
  const std::string body = parsed->render(values, notify::Escaping::html);
  // The values hold a mark that templates rarely do, within what would be a tag.
  if (text.find('\x01') == std::string::npos && body.find("<\x01") != std::string::npos)
    std::abort();
  if (body.size() > notify::MailTemplate::kOutputMax) std::abort();
  (void)parsed->render(values, notify::Escaping::line);
  return 0;
}
