#include "gateway/operation_trie.h"

#include "base/text.h"

#include <algorithm>
#include <cstring>
#include <tuple>
#include <type_traits>

namespace mlgate::gateway {

// ---- Adding

struct OperationTrie::Builder {
  struct Operation {
    std::string method;
    UrlTemplate url_template;
    std::uint32_t index = 0;
  };
  struct PatternChild {
    TemplateSegment segment;
    std::uint32_t node = 0;
  };
  struct Place {
    std::vector<std::pair<std::string, std::uint32_t>> literals;
    std::vector<PatternChild>
        patterns;                 // Mixed segments, longest literal text first, then `{param}`.
    std::vector<Operation> here;  // Templates that end here.
    std::vector<Operation> rest;  // Templates with `{*rest}` from here on.
  };
  std::vector<Place> places = std::vector<Place>(1);
};

namespace {

std::size_t literal_bytes(const TemplateSegment& segment) noexcept {
  std::size_t out = 0;
  for (const auto& piece : segment.pieces) out += piece.parameter ? 0 : piece.text.size();
  return out;
}

// What templates share when they differ in the names of parameters only.
std::string shape(const TemplateSegment& segment) {
  if (segment.kind == TemplateSegment::Kind::parameter) return "{}";
  std::string out;
  for (const auto& piece : segment.pieces) {
    out += piece.parameter ? "{}" : "=" + to_lower(piece.text);
  }
  return out;
}

}  // namespace

OperationTrie::OperationTrie(PathCase path_case)
    : path_case_(path_case), builder_(std::make_unique<Builder>()) {}
OperationTrie::OperationTrie(OperationTrie&&) noexcept = default;
OperationTrie& OperationTrie::operator=(OperationTrie&&) noexcept = default;
OperationTrie::~OperationTrie() = default;

void OperationTrie::add(const UrlTemplate& url_template, std::string_view method,
                        std::uint32_t index) {
  auto& places = builder_->places;
  std::uint32_t node = 0;
  for (const auto& segment : url_template.segments) {
    if (segment.kind == TemplateSegment::Kind::rest) break;
    const auto next = std::uint32_t(places.size());
    std::uint32_t child = next;
    if (segment.kind == TemplateSegment::Kind::literal) {
      auto& literals = places[node].literals;
      const auto found = std::ranges::find_if(
          literals, [&](const auto& one) { return same(one.first, segment.text); });
      if (found == literals.end())
        literals.emplace_back(segment.text, next);
      else
        child = found->second;
    } else {
      auto& patterns = places[node].patterns;
      const auto found = std::ranges::find_if(
          patterns, [&](const auto& one) { return shape(one.segment) == shape(segment); });
      if (found != patterns.end()) {
        child = found->node;
      } else {
        // Longer literal text is the narrower pattern; a plain parameter has none and comes last.
        const auto at = std::ranges::find_if(patterns, [&](const auto& one) {
          return literal_bytes(one.segment) < literal_bytes(segment);
        });
        patterns.insert(at, {segment, child});
      }
    }
    if (child == next) places.emplace_back();
    node = child;
  }
  const bool rest = !url_template.segments.empty() &&
                    url_template.segments.back().kind == TemplateSegment::Kind::rest;
  auto& operations = rest ? places[node].rest : places[node].here;
  operations.push_back({std::string(method), url_template, index});
}

// ---- Sealing

// Collects the lists, then puts them behind each other.
struct OperationTrie::Writer {
  const OperationTrie& trie;
  std::vector<Node> nodes = {};
  std::vector<Literal> literals = {};
  std::vector<Pattern> patterns = {};
  std::vector<Candidate> candidates = {};
  std::vector<QueryPart> queries = {};
  std::vector<Text> names = {};
  std::vector<Piece> pieces = {};
  std::string texts = {};

  // Few texts differ: names of parameters and methods come again and again. The search is bounded,
  // for an API may have thousands of operations.
  Text text(std::string_view text) {
    constexpr std::size_t kSearched = 4096;
    auto at = std::string_view(texts).substr(0, kSearched).find(text);
    if (at == std::string_view::npos) {
      at = texts.size();
      texts += text;
    }
    return {std::uint32_t(at), std::uint32_t(text.size())};
  }
  static std::uint32_t count(std::size_t size) noexcept { return std::uint32_t(size); }

  void add(const Builder::Place& place) {
    Node node;
    node.literals = {count(literals.size()), count(place.literals.size())};
    for (const auto& [segment, child] : place.literals)
      literals.push_back({trie.hash(segment), child, text(segment)});
    std::ranges::sort(literals.begin() + node.literals.first, literals.end(), {}, &Literal::hash);
    node.patterns = {count(patterns.size()), count(place.patterns.size())};
    for (const auto& one : place.patterns) patterns.push_back({one.node, take(one.segment.pieces)});
    node.here = take(place.here);
    node.rest = take(place.rest);
    nodes.push_back(node);
  }
  Range take(const std::vector<TemplatePiece>& from) {
    const Range range{count(pieces.size()), count(from.size())};
    for (const auto& one : from) pieces.push_back({text(one.text), one.parameter});
    return range;
  }
  Range take(const std::vector<Builder::Operation>& from) {
    const auto rank = [](const Builder::Operation* one) {
      const UrlTemplate& url = one->url_template;
      return std::tuple(-std::int64_t(url.query.size()), -std::int64_t(url.literal_queries()),
                        one->index);
    };
    std::vector<const Builder::Operation*> sorted;
    for (const auto& one : from) sorted.push_back(&one);
    std::ranges::sort(sorted, {}, rank);
    const Range range{count(candidates.size()), count(sorted.size())};
    for (const auto* one : sorted) candidates.push_back(candidate(*one));
    return range;
  }
  Candidate candidate(const Builder::Operation& from) {
    Candidate out{.index = from.index,
                  .method = text(from.method),
                  .names = {count(names.size()), 0},
                  .queries = {count(queries.size()), count(from.url_template.query.size())},
                  .rest = {}};
    for (const auto& segment : from.url_template.segments) {
      if (segment.kind == TemplateSegment::Kind::parameter) names.push_back(text(segment.text));
      if (segment.kind == TemplateSegment::Kind::rest) out.rest = text(segment.text);
      for (const auto& piece : segment.pieces)
        if (piece.parameter) names.push_back(text(piece.text));
    }
    out.names.count = count(names.size()) - out.names.first;
    for (const auto& one : from.url_template.query)
      queries.push_back({text(one.name), text(one.value), one.literal});
    return out;
  }

  template <class T>
  static std::uint32_t put(std::vector<std::byte>& block, const T& list) {
    static_assert(std::is_trivially_copyable_v<typename T::value_type>);
    const auto place = count(block.size());
    const std::size_t bytes = list.size() * sizeof(typename T::value_type);
    block.resize(place + bytes);
    if (bytes > 0) std::memcpy(block.data() + place, list.data(), bytes);
    return place;
  }
};

void OperationTrie::seal() {
  Writer writer{*this};
  for (const auto& place : builder_->places) writer.add(place);
  std::vector<std::byte> block;
  Writer::put(block, writer.nodes);
  places_ = {.literals = Writer::put(block, writer.literals),
             .patterns = Writer::put(block, writer.patterns),
             .candidates = Writer::put(block, writer.candidates),
             .queries = Writer::put(block, writer.queries),
             .names = Writer::put(block, writer.names),
             .pieces = Writer::put(block, writer.pieces),
             .texts = Writer::put(block, writer.texts)};
  block_ = std::make_unique_for_overwrite<std::byte[]>(block.size());
  std::memcpy(block_.get(), block.data(), block.size());
  builder_.reset();
}

// ---- Matching

struct OperationTrie::Walk {
  const Query& query;
  policy::Arena& arena;
  std::vector<policy::Parameter>& values;
  std::size_t values_before;
  std::uint32_t result = kNone;
};

std::uint32_t OperationTrie::hash(std::string_view segment) const noexcept {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : segment)
    hash = (hash ^ std::uint8_t(path_case_.sensitive ? c : ascii_lower(c))) * 0x100000001b3;
  return std::uint32_t(hash ^ (hash >> 32));
}

bool OperationTrie::same(std::string_view a, std::string_view b) const noexcept {
  return a.size() == b.size() && (path_case_.sensitive ? a == b : equals_ignoring_case(a, b));
}

std::uint32_t OperationTrie::find_literal(const Node& node,
                                          std::string_view segment) const noexcept {
  if (node.literals.count == 0) return kNone;
  const std::uint32_t wanted = hash(segment);
  const Literal* const first = list<Literal>(places_.literals) + node.literals.first;
  const Literal* const last = first + node.literals.count;
  const Literal* at = std::ranges::lower_bound(first, last, wanted, {}, &Literal::hash);
  for (; at != last && at->hash == wanted; ++at)
    if (same(text(at->text), segment)) return at->node;
  return kNone;
}

// Where the parameter `pieces[index]` ends that begins at `at`; npos: nowhere.
std::size_t OperationTrie::piece_end(const Piece* pieces, std::size_t index, std::size_t count,
                                     std::string_view text, std::size_t at) const noexcept {
  if (index + 1 == count) return text.size();
  const std::string_view next = this->text(pieces[index + 1].text);
  // The last literal belongs to the end; an inner one to its first place behind at least one
  // character.
  if (index + 2 == count) return text.size() >= next.size() ? text.size() - next.size() : 0;
  for (std::size_t from = at + 1; from + next.size() <= text.size(); ++from)
    if (same(text.substr(from, next.size()), next)) return from;
  return std::string_view::npos;
}

bool OperationTrie::match_pattern(const Pattern& pattern, std::string_view text,
                                  std::vector<policy::Parameter>& out) const {
  if (pattern.pieces.count == 0) {
    if (text.empty()) return false;
    out.push_back({{}, text});
    return true;
  }
  const Piece* const pieces = list<Piece>(places_.pieces) + pattern.pieces.first;
  std::size_t at = 0;
  for (std::size_t i = 0; i < pattern.pieces.count; ++i) {
    if (pieces[i].parameter == 0) {
      const auto literal = this->text(pieces[i].text);
      if (!same(text.substr(at, literal.size()), literal)) return false;
      at += literal.size();
      continue;
    }
    const std::size_t end = piece_end(pieces, i, pattern.pieces.count, text, at);
    if (end == std::string_view::npos || end <= at) return false;
    out.push_back({{}, text.substr(at, end - at)});
    at = end;
  }
  return at == text.size();
}

// True when every query parameter of the template is there.
bool OperationTrie::match_queries(Walk& walk, const Candidate& candidate) const {
  const std::size_t before = walk.values.size();
  const QueryPart* const queries = list<QueryPart>(places_.queries) + candidate.queries.first;
  for (std::uint32_t i = 0; i < candidate.queries.count; ++i) {
    const QueryPart& wanted = queries[i];
    const auto value = query_value(walk.query.query, text(wanted.name), walk.arena);
    if (!value || (wanted.literal != 0 && *value != text(wanted.value))) {
      walk.values.resize(before);
      return false;
    }
    if (wanted.literal == 0) walk.values.push_back({text(wanted.value), *value});
  }
  return true;
}

bool OperationTrie::match_candidates(Walk& walk, Range candidates, std::size_t rest_from) const {
  const Candidate* const all = list<Candidate>(places_.candidates) + candidates.first;
  for (std::uint32_t i = 0; i < candidates.count; ++i) {
    const Candidate& one = all[i];
    if (!equals_ignoring_case(text(one.method), walk.query.method)) continue;
    if (!match_queries(walk, one)) continue;
    // Values were kept in order; their names are those of the template that won.
    const Text* const names = list<Text>(places_.names) + one.names.first;
    for (std::uint32_t name = 0; name < one.names.count; ++name)
      walk.values[walk.values_before + name].name = text(names[name]);
    if (one.rest.size > 0)
      walk.values.push_back({text(one.rest), walk.query.path->tail_text(rest_from, walk.arena)});
    walk.result = one.index;
    return true;
  }
  return false;
}

bool OperationTrie::match_at(Walk& walk, std::uint32_t number, std::size_t at) const {
  const Node& node = list<Node>(0)[number];
  const auto& segments = walk.query.path->segments;
  if (at == segments.size())
    return match_candidates(walk, node.here, at) || match_candidates(walk, node.rest, at);
  const auto segment = segments[at].text;
  const std::uint32_t child = find_literal(node, segment);
  if (child != kNone && match_at(walk, child, at + 1)) return true;
  const std::size_t before = walk.values.size();
  const Pattern* const patterns = list<Pattern>(places_.patterns) + node.patterns.first;
  for (std::uint32_t i = 0; i < node.patterns.count; ++i) {
    if (match_pattern(patterns[i], segment, walk.values) &&
        match_at(walk, patterns[i].node, at + 1)) {
      return true;
    }
    walk.values.resize(before);
  }
  return match_candidates(walk, node.rest, at);
}

std::uint32_t OperationTrie::match(const Query& query, policy::Arena& arena,
                                   std::vector<policy::Parameter>& out) const {
  if (!block_) return kNone;
  Walk walk{query, arena, out, out.size()};
  if (match_at(walk, 0, query.first)) return walk.result;
  out.resize(walk.values_before);
  return kNone;
}

}  // namespace mlgate::gateway
