#include "analytics/prometheus.h"

#include <charconv>
#include <cmath>

namespace mlgate::analytics {

namespace {

constexpr std::string_view kTypes[] = {"counter", "gauge", "histogram"};

template <class T>
void append(std::string& out, T number) {
  char text[32];
  out.append(text, std::to_chars(text, text + sizeof text, number).ptr);
}

void append_double(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
  } else {
    append(out, value);
  }
}

// Backslash, quote and line end are escaped; the rest goes as it is (UTF-8).
void append_label(std::string& out, std::string_view value) {
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
}

}  // namespace

void PrometheusText::family(std::string_view name, MetricType type, std::string_view help) {
  name_ = name;
  out_ += "# HELP ";
  out_ += name;
  out_ += ' ';
  out_ += help;
  out_ += "\n# TYPE ";
  out_ += name;
  out_ += ' ';
  out_ += kTypes[std::size_t(type)];
  out_ += '\n';
}

void PrometheusText::single(std::string_view name, MetricType type, std::string_view help,
                            double value) {
  family(name, type, help);
  sample({}, value);
}

void PrometheusText::begin(std::string_view suffix, Labels labels, std::string_view bound) {
  out_ += name_;
  out_ += suffix;
  if (labels.size() > 0 || !bound.empty()) {
    char separator = '{';
    for (const auto& [name, value] : labels) {
      out_ += separator;
      out_ += name;
      out_ += "=\"";
      append_label(out_, value);
      out_ += '"';
      separator = ',';
    }
    if (!bound.empty()) {
      out_ += separator;
      out_ += "le=\"";
      out_ += bound;
      out_ += '"';
    }
    out_ += '}';
  }
  out_ += ' ';
}

void PrometheusText::end(double value) {
  append_double(out_, value);
  out_ += '\n';
}

void PrometheusText::end(std::uint64_t value) {
  append(out_, value);
  out_ += '\n';
}

void PrometheusText::sample(Labels labels, double value) {
  begin("", labels);
  end(value);
}

void PrometheusText::sample(Labels labels, std::uint64_t value) {
  begin("", labels);
  end(value);
}

void PrometheusText::histogram(Labels labels, const Histogram& values) {
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < kDurationBoundsNs.size(); ++i) {
    below += values.buckets[i];
    std::string bound;
    append(bound, double(kDurationBoundsNs[i]) / 1e9);
    begin("_bucket", labels, bound);
    end(below);
  }
  begin("_bucket", labels, "+Inf");
  end(values.count);
  begin("_sum", labels);
  end(double(values.sum_ns) / 1e9);
  begin("_count", labels);
  end(values.count);
}

}  // namespace mlgate::analytics
