#pragma once
// The trace of one call, for a person who debugs an API: every step that ran, in which section,
// when, with what it was given and what it decided. Made only when a caller asks for it with a
// credential, so a call without one pays for a null pointer. Secrets are taken out when text is put
// in. Thread: the worker's.
#include "base/json.h"
#include "base/time.h"
#include "policy/policy.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::policy {

class CallTrace {
 public:
  static constexpr std::size_t kTraceBytesMax = 512 * 1024;  // What comes later is left out.
  static constexpr std::size_t kBodyBytesMax = 8 * 1024;     // Of each body; the rest is left out.
  static constexpr std::string_view kHidden = "***";
  // Shorter texts are not secrets: hiding them would only garble the trace.
  static constexpr std::size_t kSecretBytesMin = 4;

  CallTrace(TimeMs start_ms, std::int64_t start_ns) : start_ms_(start_ms), start_ns_(start_ns) {}
  CallTrace(const CallTrace&) = delete;

  // From here on the text is shown as kHidden wherever it stands.
  void hide(std::string_view secret);
  std::string clean(std::string_view text) const;

  // What the step under way decided, beyond its flow: "remaining-calls", "4". Goes into its entry.
  void note(std::string_view name, std::string_view value);
  // An entry, with the notes since the last one. `source` is the policy's name, or what stands for
  // one.
  void add(Section section, std::string_view source, Json data, std::int64_t now_ns);

  enum class Body : unsigned char { request, response };
  void add_body(Body body, std::string_view bytes);
  // The entry of both bodies, where there were any.
  void end(std::int64_t now_ns);

  // {"serviceName":…,"traceId":…,"traceEntries":{"inbound":[…],"backend":[…],"outbound":[…],
  // "on-error":[…]}}
  std::string json(std::string_view service, std::string_view id) const;

 private:
  // Of a text that is cut: a secret may have begun at its end.
  void hide_begun(std::string& cut) const;

  TimeMs start_ms_;
  std::int64_t start_ns_;
  std::vector<std::string> secrets_;
  Json notes_;
  std::array<std::string, kSections> entries_;  // Members of the arrays, with commas between.
  std::size_t bytes_ = 0;
  bool cut_ = false;
  std::array<std::string, 2> bodies_;
  std::array<std::uint64_t, 2> body_bytes_{};
};

}  // namespace mlgate::policy
