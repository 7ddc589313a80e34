// Feeds arbitrary bytes to both head parsers. What has to hold: a prefix never says anything else
// than the whole, the order in which bytes come does not matter, and an accepted head, written out
// again, is read as the same.
#include "http/head_parser.h"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using mlgate::http::Field;
using mlgate::http::HeadResult;
using mlgate::http::HeadState;
using mlgate::http::RequestHead;
using mlgate::http::ResponseHead;

constexpr std::size_t kPrefixesMax = 512;

void require(bool condition) {
  if (!condition) std::abort();
}

HeadResult parse(std::string_view bytes, RequestHead& head, std::size_t seen = 0) {
  return parse_request_head(bytes, head, seen);
}
HeadResult parse(std::string_view bytes, ResponseHead& head, std::size_t seen = 0) {
  return parse_response_head(bytes, head, seen);
}

bool same(const HeadResult& a, const HeadResult& b) {
  return a.state == b.state && a.head_bytes == b.head_bytes && a.status == b.status &&
         a.reason == b.reason;
}

std::string start_line(const RequestHead& head) {
  return std::string(head.method) + " " + std::string(head.target) + " HTTP/1." +
         std::to_string(head.version_minor);
}
std::string start_line(const ResponseHead& head) {
  return "HTTP/1." + std::to_string(head.version_minor) + " " + std::to_string(head.status) + " " +
         std::string(head.reason);
}

void require_same_parts(const RequestHead& a, const RequestHead& b) {
  require(a.path == b.path && a.query == b.query && a.authority == b.authority);
  require(a.scheme == b.scheme && a.expect_continue == b.expect_continue);
}
void require_same_parts(const ResponseHead& a, const ResponseHead& b) {
  require(a.status == b.status);
}

template <class Head>
void check_written_again(const Head& head) {
  require(!(head.chunked && head.content_length));
  std::string text = start_line(head) + "\r\n";
  for (const Field& field : head.fields) {
    require(mlgate::http::is_token(field.name) && mlgate::http::is_field_value(field.value));
    text.append(field.name).append(": ").append(field.value).append("\r\n");
    if (field.name == "Connection" && mlgate::http::list_has_token(field.value, "close"))
      require(!head.keep_alive);
  }
  text += "\r\n";
  // Blanks that were left out before may be written now, and bring the head over its limit.
  if (text.size() > mlgate::http::HeadLimits{}.bytes_max) return;
  Head again;
  const HeadResult result = parse(text, again);
  require(result.state == HeadState::complete && result.head_bytes == text.size());
  require(again.fields.size() == head.fields.size());
  require(again.content_length == head.content_length && again.chunked == head.chunked);
  require(again.keep_alive == head.keep_alive && again.upgrade == head.upgrade);
  require_same_parts(head, again);
}

template <class Head>
void check(std::string_view bytes) {
  Head head, other;
  const HeadResult whole = parse(bytes, head);
  if (whole.state == HeadState::complete) check_written_again(head);

  const std::size_t step = bytes.size() / kPrefixesMax + 1;
  std::size_t seen = 0;
  HeadResult grown;
  for (std::size_t size = 0; size <= bytes.size(); size += step) {
    const std::string_view prefix = bytes.substr(0, size);
    const HeadResult part = parse(prefix, other);
    require(part.state == HeadState::need_more || same(part, whole));
    if (grown.state != HeadState::need_more) continue;
    grown = parse(prefix, other, seen);
    // With memory an error may be told later, but nothing else may.
    require(same(grown, part) || grown.state == HeadState::need_more);
    require(part.state != HeadState::complete || grown.state == HeadState::complete);
    seen = size;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check<RequestHead>(bytes);
  check<ResponseHead>(bytes);
  return 0;
}
