#include "blob/xml.h"

#include "base/crypto.h"
#include "base/text.h"
#include "blob/authorization.h"
#include "blob/fault.h"

#include <pugixml.hpp>

#include <algorithm>

namespace mlgate::blob {
namespace {

constexpr std::size_t kPoliciesMax = 5;
constexpr std::size_t kPolicyIdBytesMax = 64;
constexpr std::size_t kCorsRulesMax = 5;
constexpr std::size_t kCorsListMax = 64;
constexpr std::size_t kCorsTextBytesMax = 256;

bool is_xml_byte(unsigned char c) noexcept {
  return c >= 0x20 || c == '\t' || c == '\n' || c == '\r';
}

void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\r':
        out += "&#xD;";
        break;
      default:
        if (is_xml_byte(static_cast<unsigned char>(c))) {
          out += c;
        } else {
          out += "\xEF\xBF\xBD";
        }
    }
  }
}

Result<void> load(pugi::xml_document& document, std::string_view xml, const char* root,
                  pugi::xml_node& node) {
  constexpr unsigned kFlags = pugi::parse_default & ~unsigned(pugi::parse_eol);
  const pugi::xml_parse_result parsed =
      document.load_buffer(xml.data(), xml.size(), kFlags, pugi::encoding_utf8);
  if (!parsed) return fail(Fault::invalid_xml_document);
  node = document.child(root);
  if (!node)
    return fail(Fault::invalid_xml_document,
                "The document is not a <" + std::string(root) + "> element.");
  return {};
}

std::string text_of(const pugi::xml_node& node) { return std::string(trim(node.text().get())); }

std::vector<std::string> list_of(const pugi::xml_node& node) {
  std::vector<std::string> out;
  const std::string text = text_of(node);
  if (text.empty()) return out;
  for (const std::string_view part : split(text, ',')) out.emplace_back(trim(part));
  return out;
}

Result<CorsRule> cors_rule(const pugi::xml_node& node) {
  CorsRule rule;
  rule.origins = list_of(node.child("AllowedOrigins"));
  rule.methods = list_of(node.child("AllowedMethods"));
  rule.allowed_headers = list_of(node.child("AllowedHeaders"));
  rule.exposed_headers = list_of(node.child("ExposedHeaders"));
  const auto age = parse_uint(text_of(node.child("MaxAgeInSeconds")));
  if (rule.origins.empty() || rule.methods.empty() || !age || *age > 2'000'000'000)
    return fail(Fault::unsupported_xml_node,
                "A CorsRule needs AllowedOrigins, AllowedMethods and MaxAgeInSeconds.");
  rule.max_age_s = *age;
  for (const auto* list :
       {&rule.origins, &rule.methods, &rule.allowed_headers, &rule.exposed_headers}) {
    if (list->size() > kCorsListMax) return fail(Fault::unsupported_xml_node);
    for (const std::string& text : *list)
      if (text.size() > kCorsTextBytesMax || text.empty() ||
          !std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7F; }))
        return fail(Fault::unsupported_xml_node, "A CorsRule has a value that cannot be used.");
  }
  return rule;
}

void write_rule(XmlWriter& w, const CorsRule& rule) {
  w.open("CorsRule");
  w.element("AllowedOrigins", join(rule.origins, ","));
  w.element("AllowedMethods", join(rule.methods, ","));
  w.element("MaxAgeInSeconds", rule.max_age_s);
  w.element("ExposedHeaders", join(rule.exposed_headers, ","));
  w.element("AllowedHeaders", join(rule.allowed_headers, ","));
  w.close();
}

void write_metrics(XmlWriter& w, std::string_view name) {
  w.open(name).element("Version", "1.0").element("Enabled", "false");
  w.open("RetentionPolicy").element("Enabled", "false").close().close();
}

// Whatever would have to be switched on for the node to mean anything.
bool asks_for_more(const pugi::xml_node& root) {
  const auto on = [](const pugi::xml_node& node, const char* name) {
    return text_of(node.child(name)) == "true";
  };
  const pugi::xml_node logging = root.child("Logging");
  return on(logging, "Read") || on(logging, "Write") || on(logging, "Delete") ||
         on(root.child("HourMetrics"), "Enabled") || on(root.child("MinuteMetrics"), "Enabled") ||
         on(root.child("DeleteRetentionPolicy"), "Enabled") ||
         on(root.child("StaticWebsite"), "Enabled");
}

}  // namespace

XmlWriter::XmlWriter() : out_("<?xml version=\"1.0\" encoding=\"utf-8\"?>") {}

void XmlWriter::end_tag() {
  if (in_tag_) out_ += '>';
  in_tag_ = false;
}

XmlWriter& XmlWriter::open(std::string_view name) {
  end_tag();
  out_.append("<").append(name);
  open_.emplace_back(name);
  in_tag_ = true;
  return *this;
}

XmlWriter& XmlWriter::attribute(std::string_view name, std::string_view value) {
  out_.append(" ").append(name).append("=\"");
  append_escaped(out_, value);
  out_ += '"';
  return *this;
}

XmlWriter& XmlWriter::close() {
  if (in_tag_) {
    out_ += " />";
    in_tag_ = false;
  } else {
    out_.append("</").append(open_.back()).append(">");
  }
  open_.pop_back();
  return *this;
}

XmlWriter& XmlWriter::text(std::string_view text) {
  if (text.empty()) return *this;
  end_tag();
  append_escaped(out_, text);
  return *this;
}

XmlWriter& XmlWriter::element(std::string_view name, std::string_view content) {
  return open(name).text(content).close();
}

XmlWriter& XmlWriter::element(std::string_view name, std::uint64_t number) {
  return element(name, std::to_string(number));
}

std::string XmlWriter::finish() && {
  while (!open_.empty()) close();
  return std::move(out_);
}

bool is_xml_text(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x20; });
}

Result<std::vector<BlockRef>> read_block_list(std::string_view xml) {
  pugi::xml_document document;
  pugi::xml_node root;
  TRY_OK(load(document, xml, "BlockList", root));
  std::vector<BlockRef> blocks;
  for (const pugi::xml_node& node : root.children()) {
    if (node.type() != pugi::node_element) continue;
    const std::string_view name = node.name();
    BlockRef ref;
    if (name == "Committed") {
      ref.from = BlockRef::From::committed;
    } else if (name == "Uncommitted") {
      ref.from = BlockRef::From::uncommitted;
    } else if (name != "Latest") {
      return fail(Fault::invalid_xml_document,
                  "A BlockList has Latest, Committed and Uncommitted elements only.");
    }
    ref.id = text_of(node);
    const auto raw = base64_decode(ref.id);
    if (!raw || raw->empty()) return fail(Fault::invalid_block_id);
    if (blocks.size() == kBlocksMax)
      return fail(Fault::invalid_block_list, "A blob has at most 50,000 blocks.");
    blocks.push_back(std::move(ref));
  }
  return blocks;
}

Result<std::vector<AccessPolicy>> read_signed_identifiers(std::string_view xml) {
  std::vector<AccessPolicy> policies;
  if (trim(xml).empty()) return policies;
  pugi::xml_document document;
  pugi::xml_node root;
  TRY_OK(load(document, xml, "SignedIdentifiers", root));
  for (const pugi::xml_node& node : root.children("SignedIdentifier")) {
    const pugi::xml_node rules = node.child("AccessPolicy");
    AccessPolicy policy{text_of(node.child("Id")), text_of(rules.child("Start")),
                        text_of(rules.child("Expiry")), text_of(rules.child("Permission"))};
    if (policy.id.empty() || policy.id.size() > kPolicyIdBytesMax)
      return fail(Fault::invalid_xml_document, "An Id has 1 to 64 characters.");
    for (const std::string* time : {&policy.start, &policy.expiry})
      if (!time->empty() && !parse_sas_time(*time))
        return fail(Fault::invalid_xml_document, "Start and Expiry are times in ISO 8601.");
    if (policy.permissions.find_first_not_of("racwdxltmeopyi") != std::string::npos)
      return fail(Fault::invalid_xml_document, "Permission has a letter that is none.");
    if (std::ranges::find(policies, policy.id, &AccessPolicy::id) != policies.end())
      return fail(Fault::invalid_xml_document, "An Id stands there twice.");
    if (policies.size() == kPoliciesMax)
      return fail(Fault::invalid_xml_document, "A container has at most 5 stored policies.");
    policies.push_back(std::move(policy));
  }
  return policies;
}

Result<KeyInfo> read_key_info(std::string_view xml) {
  pugi::xml_document document;
  pugi::xml_node root;
  TRY_OK(load(document, xml, "KeyInfo", root));
  KeyInfo info{text_of(root.child("Start")), text_of(root.child("Expiry")),
               text_of(root.child("DelegatedUserTid"))};
  if (!parse_sas_time(info.expiry) || (!info.start.empty() && !parse_sas_time(info.start)))
    return fail(Fault::missing_required_xml_node, "KeyInfo needs an Expiry in ISO 8601.");
  return info;
}

Result<ServiceProperties> read_service_properties(std::string_view xml,
                                                  const ServiceProperties& before) {
  pugi::xml_document document;
  pugi::xml_node root;
  TRY_OK(load(document, xml, "StorageServiceProperties", root));
  if (asks_for_more(root))
    return fail(Fault::unsupported_xml_node,
                "Logging, metrics, soft delete and static websites are not supported by this "
                "endpoint.");
  ServiceProperties properties = before;
  if (const pugi::xml_node cors = root.child("Cors")) {
    properties.cors.clear();
    for (const pugi::xml_node& node : cors.children("CorsRule")) {
      if (properties.cors.size() == kCorsRulesMax)
        return fail(Fault::unsupported_xml_node, "There are at most 5 CORS rules.");
      TRY(CorsRule rule, cors_rule(node));
      properties.cors.push_back(std::move(rule));
    }
  }
  if (const pugi::xml_node version = root.child("DefaultServiceVersion")) {
    properties.default_version = text_of(version);
    const bool valid = properties.default_version.empty() ||
                       (properties.default_version.size() == 10 &&
                        parse_sas_time(properties.default_version).has_value());
    if (!valid) return fail(Fault::unsupported_xml_node, "DefaultServiceVersion is a date.");
  }
  return properties;
}

std::string write_service_properties(const ServiceProperties& properties) {
  XmlWriter w;
  w.open("StorageServiceProperties").open("Logging").element("Version", "1.0");
  for (const char* name : {"Delete", "Read", "Write"}) w.element(name, "false");
  w.open("RetentionPolicy").element("Enabled", "false").close().close();
  write_metrics(w, "HourMetrics");
  write_metrics(w, "MinuteMetrics");
  w.open("Cors");
  for (const CorsRule& rule : properties.cors) write_rule(w, rule);
  w.close();
  if (!properties.default_version.empty())
    w.element("DefaultServiceVersion", properties.default_version);
  w.open("DeleteRetentionPolicy").element("Enabled", "false").close();
  w.open("StaticWebsite").element("Enabled", "false").close();
  return std::move(w).finish();
}

}  // namespace mlgate::blob
