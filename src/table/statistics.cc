#include "table/statistics.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

namespace mlgate::table {
namespace {

bool is_numeric(DataType type) noexcept {
  return type == DataType::int32 || type == DataType::int64 || type == DataType::real;
}

// The finite numbers of a numeric column.
std::vector<double> finite_numbers(const Column& column) {
  std::vector<double> numbers;
  const auto add = [&](std::size_t row, double value) {
    if (!column.is_missing(row) && std::isfinite(value)) numbers.push_back(value);
  };
  if (const auto* reals = std::get_if<std::vector<double>>(&column.values)) {
    for (std::size_t row = 0; row < reals->size(); ++row) add(row, (*reals)[row]);
  } else if (const auto* small = std::get_if<std::vector<std::int32_t>>(&column.values)) {
    for (std::size_t row = 0; row < small->size(); ++row) add(row, double((*small)[row]));
  } else if (const auto* big = std::get_if<std::vector<std::int64_t>>(&column.values)) {
    for (std::size_t row = 0; row < big->size(); ++row) add(row, double((*big)[row]));
  }
  return numbers;
}

std::vector<HistogramBin> equal_bins(const std::vector<double>& numbers, double low, double high) {
  // One value has one bin. Halves, because the width of the whole range may not fit into a double.
  const double width = (high / 2 - low / 2) / double(kHistogramBins) * 2;
  if (!(width > 0)) return {{.label = {}, .from = low, .to = high, .count = numbers.size()}};
  std::vector<HistogramBin> bins(kHistogramBins);
  for (std::size_t i = 0; i < kHistogramBins; ++i) {
    bins[i].from = low + width * double(i);
    bins[i].to = i + 1 == kHistogramBins ? high : low + width * double(i + 1);
  }
  for (const double number : numbers) {
    const double place = (number / 2 - low / 2) / width * 2;
    ++bins[std::min(std::size_t(std::max(place, 0.0)), kHistogramBins - 1)].count;
  }
  return bins;
}

void describe_numbers(std::vector<double> numbers, ColumnStatistics& out) {
  if (numbers.empty()) return;
  // Welford's update: no difference of large sums.
  double mean = 0, squares = 0;
  std::uint64_t seen = 0;
  for (const double number : numbers) {
    ++seen;
    const double off = number - mean;
    mean += off / double(seen);
    squares += off * (number - mean);
  }
  const auto [low, high] = std::ranges::minmax(numbers);
  out.minimum = low;
  out.maximum = high;
  // Numbers near the end of what a double holds may have neither.
  if (std::isfinite(mean)) out.mean = mean;
  if (seen > 1 && std::isfinite(squares))
    out.standard_deviation = std::sqrt(squares / double(seen - 1));
  out.histogram = equal_bins(numbers, low, high);
  const auto middle = numbers.begin() + std::ptrdiff_t(numbers.size() / 2);
  std::ranges::nth_element(numbers, middle);
  double median = *middle;
  if (numbers.size() % 2 == 0) median = median / 2 + *std::max_element(numbers.begin(), middle) / 2;
  out.median = median;
}

struct Tally {
  std::uint64_t count = 0;
  std::size_t first_row = 0;
};

// Distinct cell texts with their counts. Stops taking new ones at kUniqueMax.
std::unordered_map<std::string, Tally> tally(const Column& column, ColumnStatistics& out) {
  std::unordered_map<std::string, Tally> all;
  std::string text;
  for (std::size_t row = 0; row < column.rows(); ++row) {
    if (column.is_missing(row)) {
      ++out.missing;
      continue;
    }
    text.clear();
    append_cell_text(text, column, row);
    auto found = all.find(text);
    if (found == all.end()) {
      if (all.size() == kUniqueMax) {
        out.unique_is_capped = true;
        continue;
      }
      found = all.emplace(text, Tally{0, row}).first;
    }
    ++found->second.count;
  }
  out.unique = all.size();
  return all;
}

}  // namespace

ColumnStatistics describe(const Column& column) {
  ColumnStatistics out;
  out.name = column.name;
  out.type = column.type;
  out.count = column.rows();
  const auto all = tally(column, out);
  std::vector<std::pair<std::string_view, Tally>> top(std::min(all.size(), kHistogramBins));
  std::ranges::partial_sort_copy(all, top, [](const auto& a, const auto& b) {
    return a.second.count != b.second.count ? a.second.count > b.second.count
                                            : a.second.first_row < b.second.first_row;
  });
  if (!top.empty() && !out.unique_is_capped) out.mode = top.front().first;
  if (is_numeric(column.type)) {
    describe_numbers(finite_numbers(column), out);
  } else {
    for (const auto& [value, found] : top)
      out.histogram.push_back(
          {.label = std::string(value), .from = 0, .to = 0, .count = found.count});
  }
  return out;
}

std::vector<ColumnStatistics> describe(const Table& table) {
  std::vector<ColumnStatistics> all;
  all.reserve(table.columns.size());
  for (const auto& column : table.columns) all.push_back(describe(*column));
  return all;
}

}  // namespace mlgate::table
