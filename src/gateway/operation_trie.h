#pragma once
// Chooses the operation of a request. From the left, segment by segment: literal before `{param}`
// before `{*rest}`; a candidate must match method, path and query together, else the next one is
// tried. Every node is visited at most once, so the cost is bounded by the templates that share the
// path's prefix.
#include "gateway/path.h"
#include "gateway/segment_table.h"
#include "gateway/url_template.h"

#include <cstdint>
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
  // `index` is what match() returns. Operations are added in the order of their creation.
  void add(const UrlTemplate& url_template, std::string_view method, std::uint32_t index);
  // Sorts candidates; call once after the last add().
  void seal();
  // The operation, or kNone. Values of its parameters are in `out`.
  std::uint32_t match(const Query& query, policy::Arena& arena,
                      std::vector<policy::Parameter>& out) const;

 private:
  struct Candidate {
    std::string method;
    UrlTemplate url_template;
    std::uint32_t index = 0;
  };
  struct PatternChild {
    TemplateSegment segment;
    std::uint32_t node = 0;
  };
  struct Node {
    std::vector<PatternChild>
        patterns;                 // Mixed segments, longest literal text first, then `{param}`.
    std::vector<Candidate> here;  // Templates that end here.
    std::vector<Candidate> rest;  // Templates with `{*rest}` from here on.
  };
  struct Walk;

  static std::string shape(const TemplateSegment& segment);
  bool match_at(Walk& walk, std::uint32_t node, std::size_t at) const;
  bool match_candidates(Walk& walk, const std::vector<Candidate>& candidates,
                        std::size_t rest_from) const;

  PathCase path_case_;
  SegmentTable children_;
  std::vector<Node> nodes_;
};

}  // namespace mlgate::gateway
