#include "gateway/operation_trie.h"

#include "base/text.h"

#include <algorithm>
#include <tuple>

namespace mlgate::gateway {

namespace {

std::size_t literal_bytes(const TemplateSegment& segment) noexcept {
  std::size_t out = 0;
  for (const auto& piece : segment.pieces) out += piece.parameter ? 0 : piece.text.size();
  return out;
}

}  // namespace

struct OperationTrie::Walk {
  const Query& query;
  policy::Arena& arena;
  std::vector<policy::Parameter>& values;
  std::size_t values_before;
  std::uint32_t result = kNone;
};

OperationTrie::OperationTrie(PathCase path_case)
    : path_case_(path_case), children_(path_case), nodes_(1) {}

// What templates share when they differ in the names of parameters only.
std::string OperationTrie::shape(const TemplateSegment& segment) {
  if (segment.kind == TemplateSegment::Kind::parameter) return "{}";
  std::string out;
  for (const auto& piece : segment.pieces) {
    out += piece.parameter ? "{}" : "=" + to_lower(piece.text);
  }
  return out;
}

void OperationTrie::add(const UrlTemplate& url_template, std::string_view method,
                        std::uint32_t index) {
  std::uint32_t node = 0;
  for (const auto& segment : url_template.segments) {
    if (segment.kind == TemplateSegment::Kind::rest) break;
    const auto next = std::uint32_t(nodes_.size());
    std::uint32_t child = kNone;
    if (segment.kind == TemplateSegment::Kind::literal) {
      child = children_.find_or_add(node, segment.text, next);
    } else {
      auto& patterns = nodes_[node].patterns;
      for (const auto& pattern : patterns) {
        if (shape(pattern.segment) == shape(segment)) child = pattern.node;
      }
      if (child == kNone) {
        child = next;
        // Longer literal text is the narrower pattern; a plain parameter has none and comes last.
        const auto at =
            std::find_if(patterns.begin(), patterns.end(), [&](const PatternChild& one) {
              return literal_bytes(one.segment) < literal_bytes(segment);
            });
        patterns.insert(at, {segment, child});
      }
    }
    if (child == next) nodes_.emplace_back();
    node = child;
  }
  const bool rest = !url_template.segments.empty() &&
                    url_template.segments.back().kind == TemplateSegment::Kind::rest;
  auto& candidates = rest ? nodes_[node].rest : nodes_[node].here;
  candidates.push_back({std::string(method), url_template, index});
}

void OperationTrie::seal() {
  const auto rank = [](const Candidate& one) {
    return std::tuple(-std::int64_t(one.url_template.query.size()),
                      -std::int64_t(one.url_template.literal_queries()), one.index);
  };
  for (auto& node : nodes_) {
    for (auto* candidates : {&node.here, &node.rest}) {
      std::sort(candidates->begin(), candidates->end(),
                [&](const Candidate& a, const Candidate& b) { return rank(a) < rank(b); });
    }
  }
}

bool OperationTrie::match_candidates(Walk& walk, const std::vector<Candidate>& candidates,
                                     std::size_t rest_from) const {
  for (const auto& one : candidates) {
    if (!equals_ignoring_case(one.method, walk.query.method)) continue;
    if (!match_query(one.url_template, walk.query.query, walk.arena, walk.values)) continue;
    // Values were kept in order; their names are those of the template that won.
    std::size_t value = walk.values_before;
    for (const auto& segment : one.url_template.segments) {
      if (segment.kind == TemplateSegment::Kind::parameter) {
        walk.values[value++].name = segment.text;
      }
      for (const auto& piece : segment.pieces) {
        if (piece.parameter) walk.values[value++].name = piece.text;
      }
      if (segment.kind == TemplateSegment::Kind::rest && !segment.text.empty()) {
        walk.values.push_back({segment.text, walk.query.path->tail_text(rest_from, walk.arena)});
      }
    }
    walk.result = one.index;
    return true;
  }
  return false;
}

bool OperationTrie::match_at(Walk& walk, std::uint32_t node, std::size_t at) const {
  const auto& here = nodes_[node];
  const auto& segments = walk.query.path->segments;
  if (at == segments.size()) {
    return match_candidates(walk, here.here, at) || match_candidates(walk, here.rest, at);
  }
  const auto text = segments[at].text;
  if (const auto child = children_.find(node, text);
      child != SegmentTable::kNone && match_at(walk, child, at + 1)) {
    return true;
  }
  const std::size_t before = walk.values.size();
  for (const auto& pattern : here.patterns) {
    if (match_segment(pattern.segment, text, path_case_, walk.values) &&
        match_at(walk, pattern.node, at + 1)) {
      return true;
    }
    walk.values.resize(before);
  }
  return match_candidates(walk, here.rest, at);
}

std::uint32_t OperationTrie::match(const Query& query, policy::Arena& arena,
                                   std::vector<policy::Parameter>& out) const {
  Walk walk{query, arena, out, out.size()};
  if (match_at(walk, 0, query.first)) return walk.result;
  out.resize(walk.values_before);
  return kNone;
}

}  // namespace mlgate::gateway
