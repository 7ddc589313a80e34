#pragma once
// How set-header, alone or within return-response, is written in a document, and which names and
// values it refuses.
#include "base/text.h"
#include "policy/catalog.h"

#include <algorithm>
#include <iterator>
#include <string_view>

namespace mlgate::policy {

inline constexpr std::string_view kExistsActions[] = {"override", "skip", "append", "delete"};
inline constexpr ParamSpec kSetHeaderParams[] = {
    {.name = "name",
     .type = ParamType::header_name,
     .required = true,
     .expression = true,
     .help = "Name of the header."},
    {.name = "exists-action",
     .type = ParamType::choice,
     .expression = true,
     .otherwise = "override",
     .choices = kExistsActions,
     .help = "What happens when the header is there already."},
};
inline constexpr ElementSpec kHeaderValues[] = {
    {.name = "value", .attributes = {}, .children = {}, .text = true}};
inline constexpr ElementSpec kSetHeaderGrammar{
    .name = "set-header", .attributes = kSetHeaderParams, .children = kHeaderValues};

// Header names are compared without regard to case (RFC 9110, 5.1).
template <std::size_t N>
bool is_listed(const std::string_view (&names)[N], std::string_view name) noexcept {
  return std::ranges::any_of(names,
                             [&](std::string_view one) { return equals_ignoring_case(one, name); });
}

// Fits into a status or header line.
inline bool is_line(std::string_view text) noexcept {
  return std::ranges::none_of(text, [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F;
  });
}

// Framing belongs to the writer of the message alone.
inline void check_header(const PolicyNode& set_header, DocumentErrors& errors) {
  constexpr std::string_view kFraming[] = {"Connection", "Content-Length", "Keep-Alive",
                                           "Transfer-Encoding"};
  const std::string_view name = set_header.params.text("name");
  if (is_listed(kFraming, name))
    errors.add_invalid_value(*set_header.element, "name", name, "The header cannot be changed.");
  for (const PolicyNode& value : set_header.children) {
    if (!is_line(value.element->text.value))
      errors.add(*value.element, "The value of a header cannot contain control characters.");
  }
}

}  // namespace mlgate::policy
