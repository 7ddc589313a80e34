#pragma once
// The two written forms of a policy document. In `xml` an expression is escaped as XML wants it; in
// `rawxml` it stands as typed, quotes and '<' included. Only expressions differ, so only they are
// converted; everything else of the document stays byte for byte.
#include "apim/model.h"

#include <string>
#include <string_view>

namespace mlgate::apim {

std::string convert_policy(std::string_view text, PolicyFormat from, PolicyFormat to);

}  // namespace mlgate::apim
