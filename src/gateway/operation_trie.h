#pragma once
// Chooses the operation of a request. From the left, segment by segment: literal before `{param}`
// before `{*rest}`; a candidate must match method, path and query together, else the next one is
// tried. Every node is visited at most once, so the cost is bounded by the templates that share the
// path's prefix.
//
// With ten thousand APIs, hardly anything of the one that is asked for is in the cache, so what
// costs is every jump in memory. seal() writes all that matching needs, texts included, into one
// block of some two kilobytes, which can be fetched ahead (prefetch()) and has no pointers in it.
#include "gateway/path.h"
#include "gateway/url_template.h"
#include "policy/exchange.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::gateway {

class OperationTrie {
 public:
  static constexpr std::uint32_t kNone = 0xffff'ffff;

  struct Query {
    std::string_view method;
    std::string_view query;
    const RequestPath* path = nullptr;
    std::size_t first = 0;  // Segments that the API's path has taken.
  };

  explicit OperationTrie(PathCase path_case = {});
  OperationTrie(OperationTrie&&) noexcept;
  OperationTrie& operator=(OperationTrie&&) noexcept;
  ~OperationTrie();

  // `index` is what match() returns. Operations are added in the order of their creation.
  void add(const UrlTemplate& url_template, std::string_view method, std::uint32_t index);
  // Call once after the last add(), before the first match().
  void seal();
  // The operation, or kNone. Values of its parameters are in `out`; their names are the trie's.
  std::uint32_t match(const Query& query, policy::Arena& arena,
                      std::vector<policy::Parameter>& out) const;
  // Asks for what a match is going to look at, before the trie itself is at hand.
  static void prefetch(const std::byte* block) noexcept {
    constexpr std::size_t kLine = 64, kAhead = 1536;  // Of about two kilobytes.
    for (std::size_t at = 0; at < kAhead; at += kLine) __builtin_prefetch(block + at);
  }
  const std::byte* block() const noexcept { return block_.get(); }

 private:
  struct Builder;  // Nodes while operations are added.
  struct Writer;
  struct Walk;
  // What the block consists of: places and numbers within it, each list in one piece.
  struct Range {
    std::uint32_t first = 0, count = 0;
  };
  struct Text {
    std::uint32_t at = 0, size = 0;
  };
  struct Node {
    Range literals, patterns, here, rest;
  };
  struct Literal {  // Of a node, sorted by hash.
    std::uint32_t hash = 0, node = 0;
    Text text;
  };
  struct Pattern {  // Longest literal text first; `{param}`, which has no pieces, last.
    std::uint32_t node = 0;
    Range pieces;
  };
  struct Piece {
    Text text;
    std::uint32_t parameter = 0;
  };
  struct Candidate {
    std::uint32_t index = 0;
    Text method;
    Range names;  // Of its parameters in the path, in order.
    Range queries;
    Text rest;  // Name of `{*rest}`; empty: it has none.
  };
  struct QueryPart {
    Text name, value;
    std::uint32_t literal = 0;
  };
  // Where each list begins, in bytes from the start of the block.
  struct Places {
    std::uint32_t literals = 0, patterns = 0, candidates = 0, queries = 0, names = 0, pieces = 0,
                  texts = 0;
  };

  template <class T>
  const T* list(std::uint32_t place) const noexcept {
    return reinterpret_cast<const T*>(block_.get() + place);
  }
  std::string_view text(Text text) const noexcept {
    return {reinterpret_cast<const char*>(block_.get()) + places_.texts + text.at, text.size};
  }
  std::uint32_t hash(std::string_view segment) const noexcept;
  bool same(std::string_view a, std::string_view b) const noexcept;
  std::uint32_t find_literal(const Node& node, std::string_view segment) const noexcept;
  bool match_at(Walk& walk, std::uint32_t node, std::size_t at) const;
  bool match_pattern(const Pattern& pattern, std::string_view text,
                     std::vector<policy::Parameter>& out) const;
  std::size_t piece_end(const Piece* pieces, std::size_t index, std::size_t count,
                        std::string_view text, std::size_t at) const noexcept;
  bool match_queries(Walk& walk, const Candidate& candidate) const;
  bool match_candidates(Walk& walk, Range candidates, std::size_t rest_from) const;

  PathCase path_case_;
  Places places_;
  std::unique_ptr<std::byte[]> block_;  // Nodes first.
  std::unique_ptr<Builder> builder_;    // Until seal().
};

}  // namespace mlgate::gateway
