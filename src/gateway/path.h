#pragma once
// The path of a request, cut at `/` first and percent-decoded segment by segment, so that an
// encoded slash never becomes a separator. Dot segments are resolved before anything is matched,
// encoded ones as well, because a backend may decode what it gets.
#include "policy/arena.h"

#include <optional>
#include <span>
#include <string_view>

namespace mlgate::gateway {

struct PathSegment {
  std::string_view raw;   // The caller's bytes.
  std::string_view text;  // Decoded; %2F and %5C stay as they are.
};

struct RequestPath {
  std::span<PathSegment> segments;  // Without the empty one behind a trailing slash.
  std::string_view path;            // As sent.
  bool trailing_slash = false;
  bool rewritten = false;  // Dot segments were taken out.
  bool valid = false;      // False: no leading slash, or above the root.

  // The bytes to forward behind `first` segments, without a leading slash.
  std::string_view tail(std::size_t first, policy::Arena& arena) const;
  // Decoded text of the segments from `first`, joined by `/`: the value of a `{*rest}`.
  std::string_view tail_text(std::size_t first, policy::Arena& arena) const;
};

RequestPath split_path(std::string_view path, policy::Arena& arena);

// Percent-decoded where that is possible, in the arena when it differs. '+' becomes a blank on
// request. Escapes that are broken, and those of `kept` (e.g. "/\\"), stay as they are.
std::string_view decode(std::string_view text, std::string_view kept, bool plus_is_blank,
                        policy::Arena& arena);

// Value of the first query parameter of that name (compared without case), decoded; nullopt when it
// is absent.
std::optional<std::string_view> query_value(std::string_view query, std::string_view name,
                                            policy::Arena& arena);

}  // namespace mlgate::gateway
