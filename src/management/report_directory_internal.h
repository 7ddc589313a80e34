#pragma once
// What reports say of the entities that calls were counted for: their ids and names, and whether a
// filter means them.
#include "analytics/counts.h"
#include "analytics/rollups.h"
#include "management/call_internal.h"
#include "management/report_filter_internal.h"

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mlgate::management {

inline constexpr std::array kAllDimensions{Dimension::region,  Dimension::user,
                                           Dimension::product, Dimension::subscription,
                                           Dimension::api,     Dimension::operation};

// The part of a key that a dimension means: of a region the instance, which is in one.
std::uint64_t analytics::UsageKey::* part_of(Dimension dimension) noexcept;

// The request's $filter, which is required.
Result<ReportFilter> report_filter(const Call& call, std::span<const Dimension> dimensions);
// The filter wants calls of another region than the instance's.
bool is_elsewhere(const ReportFilter& filter, const apim::Service& service);

// The entities of an instance by number: those that are there, and of those that are gone what the
// counters remember.
class Directory {
 public:
  using Names = std::unordered_map<std::uint64_t, analytics::UsageName>;
  Directory(const apim::ServiceModel& model, Names names);

  // "/apis/echo-api"; empty for 0.
  std::string id(Dimension dimension, std::uint64_t number) const;
  std::string name(std::uint64_t number) const;
  // Whether the entity is the one that a filter names by its id or its bare name.
  bool is(Dimension dimension, std::uint64_t number, std::string_view wanted) const;

 private:
  struct Entry {
    std::string id, name;
  };
  template <class T>
  void add(const T& entity, std::string name);
  std::unordered_map<std::uint64_t, Entry> entries_;
  Names names_;
};

// Asked about every cell, so each entity is compared once.
class Matcher {
 public:
  Matcher(const ReportFilter& filter, const Directory& directory);
  bool operator()(const analytics::UsageKey& key);
  // Whether it looks at keys at all.
  bool compares() const noexcept { return !tests_.empty(); }

 private:
  struct Test {
    ReportFilter::Match match;
    std::unordered_map<std::uint64_t, bool> known;
  };
  const Directory& directory_;
  std::vector<Test> tests_;
};

}  // namespace mlgate::management
