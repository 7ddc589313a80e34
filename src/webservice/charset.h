#pragma once
// Request bodies in the encodings that callers send, as UTF-8.
#include <optional>
#include <string>
#include <string_view>

namespace mlgate::webservice {

// The body as UTF-8 without byte order mark. Read are utf-8 (also when no charset is named; checked
// by the JSON reader), us-ascii, iso-8859-1 and utf-16 (byte order mark, else big endian; utf-16le
// and utf-16be as named). nullopt for any other charset and for bytes invalid in theirs. `storage`
// keeps converted text; a body that is UTF-8 already is not copied.
std::optional<std::string_view> body_as_utf8(std::string_view content_type, std::string_view body,
                                             std::string& storage);

}  // namespace mlgate::webservice
