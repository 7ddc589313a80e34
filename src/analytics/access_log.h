#pragma once
// Access log lines: one JSON object per call, with the field names of gateway.md 12.
#include "analytics/usage.h"

#include <string>

namespace mlgate::analytics {

// Writes lines; keeps the text of the current second. Thread: one.
class AccessLogFormat {
 public:
  // Appends one line, its line end included.
  void append(std::string& out, const UsageRecord& record);

 private:
  void note_second(TimeMs second);
  // Into room for a line of that record; gives its end.
  char* write(char* at, const UsageRecord& record);
  TimeMs second_ = -1;
  std::string second_text_;  // "2016-01-29T13:27:14"
  std::string room_;         // For one line; as large as the largest so far.
};

}  // namespace mlgate::analytics
