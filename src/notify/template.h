#pragma once
// The texts of mails with their placeholders. What a template may hold is exactly what the default
// texts of the cloud's templates hold, so that exported ones work unchanged:
//   $Name ${Name} $item.Member
//   #if ($X == "text") #if ($X != "") #if ($X == true) … #else … #end
//   #foreach ($item in $List) … #end
// A template cannot loop without end nor reach anything but the values that it is given.
#include "base/json.h"
#include "base/result.h"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mlgate::notify {

enum class Escaping : unsigned char {
  html,  // For a body: values become text of HTML.
  line   // For a subject: values lose what would end the line.
};

class MailTemplate {
 public:
  static constexpr std::size_t kBytesMax = 256 * 1'024;
  static constexpr std::size_t kDepthMax = 32;       // Of nested #if and #foreach.
  static constexpr std::size_t kStepsMax = 100'000;  // Of one rendering; the rest is left out.
  static constexpr std::size_t kOutputMax = 1'024 * 1'024;  // What would be more is cut off.

  // invalid_argument, with the line, for one that does not parse.
  static Result<MailTemplate> parse(std::string_view text);
  // A name that `values` (an object) does not have stays as it was written.
  std::string render(const Json& values, Escaping escaping) const;

 private:
  friend class TemplateParser;
  struct Reference {
    std::string name, member;  // "item" and "Member", or a name alone.
    std::string written;       // "$item.Member", as it stood.
  };
  struct Node;
  using Nodes = std::vector<Node>;
  struct Scope;
  struct Output;
  static void run(const Nodes& nodes, const Scope& scope, Escaping escaping, Output& out);

  // Deeply const once parsed, so that copies share it.
  std::shared_ptr<const Nodes> nodes_;
};

}  // namespace mlgate::notify
