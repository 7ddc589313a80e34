#pragma once
// The XML of the blob protocol: a writer, and readers of the few documents that callers send.
#include "base/result.h"
#include "blob/types.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::blob {

inline constexpr std::size_t kBlockListBytesMax = std::size_t{8} << 20;
inline constexpr std::size_t kXmlBytesMax = std::size_t{64} << 10;  // Of all other bodies.

// Appends XML without blanks between elements. Text is escaped; what XML cannot hold becomes
// U+FFFD.
class XmlWriter {
 public:
  XmlWriter();  // Begins with the declaration.
  XmlWriter& open(std::string_view name);
  XmlWriter& attribute(std::string_view name, std::string_view value);  // Right behind open.
  XmlWriter& close();
  XmlWriter& text(std::string_view text);
  // A whole element.
  XmlWriter& element(std::string_view name, std::string_view text);
  XmlWriter& element(std::string_view name, std::uint64_t number);
  std::string finish() &&;

 private:
  void end_tag();
  std::string out_;
  std::vector<std::string> open_;
  bool in_tag_ = false;
};

// Can XML hold the text as it is?
bool is_xml_text(std::string_view text) noexcept;

Result<std::vector<BlockRef>> read_block_list(std::string_view xml);
Result<std::vector<AccessPolicy>> read_signed_identifiers(std::string_view xml);

// The times for which a user delegation key is asked, as they were written.
struct KeyInfo {
  std::string start, expiry, delegated_tenant;
};
Result<KeyInfo> read_key_info(std::string_view xml);

struct CorsRule {
  std::vector<std::string> origins, methods, allowed_headers, exposed_headers;
  std::uint64_t max_age_s = 0;
};
struct ServiceProperties {
  std::vector<CorsRule> cors;
  std::string default_version;
};
// Reads what Set Blob Service Properties sends; what is absent stays as in `before`. Logging,
// metrics, soft delete and static websites can be named, but not switched on.
Result<ServiceProperties> read_service_properties(std::string_view xml,
                                                  const ServiceProperties& before);
std::string write_service_properties(const ServiceProperties& properties);

}  // namespace mlgate::blob
