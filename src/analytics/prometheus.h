#pragma once
// The Prometheus text exposition format (version 0.0.4): families with help and type, samples with
// escaped labels.
#include "analytics/counters.h"

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace mlgate::analytics {

inline constexpr std::string_view kPrometheusContentType =
    "text/plain; version=0.0.4; charset=utf-8";

enum class MetricType : unsigned char { counter, gauge, histogram };

class PrometheusText {
 public:
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  // Begins a family; its samples follow. `name` outlives them.
  void family(std::string_view name, MetricType type, std::string_view help);
  // A family of one sample without labels.
  void single(std::string_view name, MetricType type, std::string_view help, double value);
  void sample(Labels labels, double value);
  void sample(Labels labels, std::uint64_t value);
  // Cumulative buckets in seconds, sum and count.
  void histogram(Labels labels, const Histogram& values);

  const std::string& text() const& noexcept { return out_; }
  std::string text() && noexcept { return std::move(out_); }

 private:
  void begin(std::string_view suffix, Labels labels, std::string_view bound = {});
  void end(double value);
  void end(std::uint64_t value);
  std::string_view name_;
  std::string out_;
};

}  // namespace mlgate::analytics
