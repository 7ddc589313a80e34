#pragma once
// A policy: an object that never changes, made once from its element of a document and shared by
// every pipeline that the document goes into. What moves (counters, caches) is kept outside, under
// stable numbers. A policy that does no I/O is a plain function of the exchange; the gateway's loop
// does the waiting.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::policy {

struct Exchange;

enum class Section : unsigned char { inbound, backend, outbound, on_error };
inline constexpr std::size_t kSections = 4;
enum class Scope : unsigned char { global, product, api, operation };
inline constexpr std::size_t kScopes = 4;

std::string_view to_text(Section section) noexcept;  // "inbound", "backend", "outbound", "on-error"
std::string_view to_text(Scope scope) noexcept;      // "global", "product", "api", "operation"

enum class Flow : unsigned char {
  next,     // Go on with the next policy.
  respond,  // `x.response` is the answer; no later policy of any section runs.
  error,    // `x.error` is set and `x.response` holds the built-in answer: on-error runs.
  forward   // Send the request to the backend, then go on behind this policy.
};

class Policy {
 public:
  virtual ~Policy() = default;
  virtual Flow apply(Exchange& x) const noexcept = 0;
};

// One policy in its place of a pipeline. Texts are owned by the compiled document.
struct Step {
  const Policy* policy = nullptr;
  std::string_view source;  // Name of the element, as written.
  std::string_view id;      // Its `id` attribute.
  std::string_view path;    // "set-header[2]"
  Scope scope = Scope::global;
  Section section = Section::inbound;
};

}  // namespace mlgate::policy
