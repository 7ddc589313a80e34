#pragma once
// From the text of a policy document to the flat list of policies that a call runs through. A
// document is checked and compiled once per entity; a pipeline joins the documents of one operation
// in one product context, `<base/>` by `<base/>`, and only points into them.
#include "base/result.h"
#include "policy/policy.h"
#include "policy/quota_place.h"

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::policy {

struct Limits;
class PolicyCatalog;

enum class Format : unsigned char { xml, rawxml };

// Largest policy document, in bytes, as sent.
inline constexpr std::size_t kDocumentBytesMax = 256 * 1024;
// Elements within elements.
inline constexpr std::size_t kDocumentDepthMax = 64;
// More errors than these are not reported.
inline constexpr std::size_t kDocumentErrorsMax = 100;

struct NamedValue {
  std::string text;
  bool secret = false;
};
// A named value by its display name; nullopt when there is none of that name.
using NamedValues = std::function<std::optional<NamedValue>(std::string_view)>;

// One policy element in its place, or `<base/>` (no policy).
struct Item {
  std::shared_ptr<const Policy> policy;
  std::string source;
  std::string id;
  std::string path;
};

struct CompiledDocument {
  Scope scope = Scope::global;
  std::array<std::optional<std::vector<Item>>, kSections>
      sections;  // Absent: as if it held `<base/>`.
  // Secret named values that stand in it, as written and as read: nobody is shown these.
  std::vector<std::string> secrets;
};

// Where a document stands, for what its policies need to know.
struct Placement {
  Scope scope = Scope::global;
  std::uint64_t entity =
      0;  // Stable number of the service, product, API or operation: counters hang on it.
  Limits* limits =
      nullptr;  // Outlives every document. May be null when a document is only checked.
  // Whether a backend of that name is there; empty: not known, and taken for granted.
  std::function<bool(std::string_view)> has_backend = {};
  // Takes a base URL that calls may be sent to; an error when it cannot be used. May be empty.
  std::function<Result<void>(std::string_view)> take_base_url = {};
  // Takes each quota that the document sets. May be empty.
  TakeQuota take_quota = {};
};

struct Compiled {
  std::shared_ptr<const CompiledDocument> document;  // Null when there are errors.
  // All errors in document order: "Error in element 'x' on line L, column C: …" with the element as
  // field. A text that is no XML gives one error without a field, which is meant to be the top
  // message of an answer.
  std::vector<Error> errors;
};

Compiled compile_document(const PolicyCatalog& catalog, std::string_view text, Format format,
                          const Placement& placement, const NamedValues& named_values = {});
// The same checks, for a document that is about to be saved.
std::vector<Error> check_document(const PolicyCatalog& catalog, std::string_view text,
                                  Format format, Scope scope, const NamedValues& named_values = {});
std::optional<Format> parse_format(std::string_view text) noexcept;  // "xml", "rawxml".

struct Pipeline {
  std::array<std::vector<Step>, kSections> sections;
  std::vector<std::shared_ptr<const CompiledDocument>> documents;  // Keeps what the steps point to.

  const std::vector<Step>& operator[](Section section) const noexcept {
    return sections[std::size_t(section)];
  }
};

// `chain`: the documents from the narrowest scope to the widest; null entries are skipped. Below
// them lies the built-in document, whose backend section holds forward-request. exhausted when
// repeated `<base/>` makes a section longer than kStepsMax.
inline constexpr std::size_t kStepsMax = 10'000;
Result<std::shared_ptr<const Pipeline>> flatten(
    std::span<const std::shared_ptr<const CompiledDocument>> chain);

}  // namespace mlgate::policy
