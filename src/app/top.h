#pragma once
// What `mlgate top` shows: two looks at a running server, made into rates, as a table. Pure text
// work.
#include "base/json.h"

#include <cstddef>
#include <string>

namespace mlgate::app {

struct TopSize {
  std::size_t columns = 100, rows = 40;
};

// `now` and `before` are answers of /console/api/live; `before` may be null: rates are then those
// since the start.
std::string top_table(const Json& now, const Json& before, TopSize size);
// The same figures for a program: one line of JSON.
std::string top_json(const Json& now, const Json& before);

}  // namespace mlgate::app
