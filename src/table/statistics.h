#pragma once
// What a person wants to know of a column at a glance: counts, range, spread, and a histogram.
// Shown beside the output of every module.
#include "table/types.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mlgate::table {

inline constexpr std::size_t kUniqueMax = 100'000;  // Distinct values are counted up to here.
inline constexpr std::size_t kHistogramBins = 10;   // Also the number of top values shown.

struct HistogramBin {
  std::string label;        // The value; empty for a range of numbers.
  double from = 0, to = 0;  // [from, to), the last one [from, to].
  std::uint64_t count = 0;
};

struct ColumnStatistics {
  std::string name;
  DataType type = DataType::string;
  std::uint64_t count = 0;  // Rows, missing ones included.
  std::uint64_t missing = 0;
  std::uint64_t unique = 0;       // Distinct values that are not missing.
  bool unique_is_capped = false;  // There are more than `unique`.
  // Numbers only, and only when there is a finite one; infinities and not-a-numbers are left out.
  // The standard deviation is that of a sample and needs two.
  std::optional<double> minimum, maximum, mean, median, standard_deviation;
  // The most frequent value as a text, the first seen of equals; empty when nothing is there or the
  // counting of values was capped.
  std::string mode;
  // Numbers: bins of equal width. Other types: the most frequent values, most frequent first.
  std::vector<HistogramBin> histogram;
};

ColumnStatistics describe(const Column& column);
std::vector<ColumnStatistics> describe(const Table& table);

}  // namespace mlgate::table
