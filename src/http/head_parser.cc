#include "http/head_parser.h"

#include "base/text.h"
#include "http/scan_internal.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

namespace mlgate::http {
namespace {

using internal::is_in;
using internal::kHostChar;
using internal::kTokenChar;
using internal::kValueChar;

constexpr std::size_t kFieldsUsual = 32;

bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }

std::string_view view(const char* from, const char* to) noexcept {
  return {from, std::size_t(to - from)};
}

// Takes the next element off a comma-separated list, without blanks around it.
std::string_view next_element(std::string_view& list) noexcept {
  const std::size_t comma = list.find(',');
  std::string_view element = list.substr(0, comma);
  list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
  while (!element.empty() && is_blank(element.front())) element.remove_prefix(1);
  while (!element.empty() && is_blank(element.back())) element.remove_suffix(1);
  return element;
}

// What the fields say about the message around them.
struct Framing {
  std::optional<std::uint64_t> content_length;
  std::string_view host, upgrade, expect;
  std::size_t host_index = 0;
  bool host_seen = false, coding_seen = false, chunked = false;
  bool close = false, keep_alive = false, upgrade_listed = false;
};

// Digits only: no sign, no blank, no list.
std::optional<std::uint64_t> parse_length(std::string_view text) noexcept {
  constexpr std::uint64_t kLengthMax = INT64_MAX;
  if (text.empty()) return std::nullopt;
  std::uint64_t length = 0;
  for (const char c : text) {
    if (!is_digit(c)) return std::nullopt;
    const auto digit = std::uint64_t(c - '0');
    if (length > (kLengthMax - digit) / 10) return std::nullopt;
    length = length * 10 + digit;
  }
  return length;
}

// Reads one head, left to right. The member functions return false when they cannot go on; `result`
// then says whether bytes or patience ran out.
class Reader {
 public:
  Reader(std::string_view bytes, const HeadLimits& limits) noexcept
      : limits_(limits),
        begin_(bytes.data()),
        at_(begin_),
        end_(begin_ + std::min(bytes.size(), limits.bytes_max)) {}

  HeadResult result;

  bool skip_empty_line() noexcept {
    if (at_ == end_) return starve();
    return *at_ != '\r' || take_line_end();
  }
  bool read_method(std::string_view& method) noexcept;
  bool read_target(std::string_view& target) noexcept;
  bool read_version(int& minor) noexcept;
  bool read_status(int& status, std::string_view& reason) noexcept;
  bool read_fields(Fields& fields, Framing& framing);
  bool take_line_end() noexcept;

  bool complete() noexcept {
    result = {HeadState::complete, std::size_t(at_ - begin_), 0, {}};
    return true;
  }
  bool refuse(int status, std::string_view reason) noexcept {
    result = {HeadState::error, 0, status, reason};
    return false;
  }

 private:
  bool starve() noexcept {
    if (std::size_t(end_ - begin_) == limits_.bytes_max)
      return refuse(431, "The message head is too large.");
    result = {};
    return false;
  }
  bool take(char wanted, std::string_view otherwise) noexcept {
    if (at_ == end_) return starve();
    if (*at_ != wanted) return refuse(400, otherwise);
    ++at_;
    return true;
  }
  bool read_field(Field& field) noexcept;
  bool note(const Field& field, std::size_t index, Framing& framing) noexcept;
  bool note_length(std::string_view value, Framing& framing) noexcept;
  bool note_coding(std::string_view value, Framing& framing) noexcept;
  static void note_connection(std::string_view value, Framing& framing) noexcept;

  const HeadLimits limits_;
  const char* begin_;
  const char* at_;
  const char* end_;
};

bool Reader::take_line_end() noexcept {
  if (at_ == end_) return starve();
  if (*at_ != '\r') {
    return refuse(400, *at_ == '\n' ? "A line of the head ends with LF instead of CRLF."
                                    : "The head has a control character.");
  }
  if (end_ - at_ < 2) return starve();
  if (at_[1] != '\n') return refuse(400, "The head has a CR that ends no line.");
  at_ += 2;
  return true;
}

bool Reader::read_method(std::string_view& method) noexcept {
  const char* limit = at_ + std::min<std::size_t>(std::size_t(end_ - at_), kMethodBytesMax + 1);
  const char* stop = internal::skip_token(at_, limit);
  method = view(at_, stop);
  if (method.size() > kMethodBytesMax) return refuse(501, "The method is longer than 64 bytes.");
  if (stop == end_) return starve();
  if (*stop != ' ' || method.empty())
    return refuse(400, "The request line does not begin with a method.");
  at_ = stop + 1;
  return true;
}

bool Reader::read_target(std::string_view& target) noexcept {
  const char* limit = at_ + std::min(std::size_t(end_ - at_), limits_.target_bytes_max + 1);
  const char* stop = internal::skip_target(at_, limit);
  target = view(at_, stop);
  if (target.size() > limits_.target_bytes_max)
    return refuse(414, "The request target is too long.");
  if (stop == end_) return starve();
  if (*stop == '#') return refuse(400, "The request target has a fragment.");
  if (*stop != ' ') return refuse(400, "The request line is malformed.");
  if (target.empty()) return refuse(400, "The request line has no target.");
  at_ = stop + 1;
  return true;
}

bool Reader::read_version(int& minor) noexcept {
  constexpr std::string_view kName = "HTTP/";
  constexpr std::string_view kMalformed = "The HTTP version is malformed.";
  for (const char c : kName)
    if (!take(c, kMalformed)) return false;
  if (at_ == end_) return starve();
  const char major = *at_;
  if (!is_digit(major)) return refuse(400, kMalformed);
  ++at_;
  if (!take('.', kMalformed)) return false;
  if (at_ == end_) return starve();
  if (!is_digit(*at_)) return refuse(400, kMalformed);
  if (major != '1' || *at_ > '1') return refuse(505, "The HTTP version is not 1.0 or 1.1.");
  minor = *at_ - '0';
  ++at_;
  return true;
}

bool Reader::read_status(int& status, std::string_view& reason) noexcept {
  constexpr std::string_view kMalformed = "The status line is malformed.";
  if (!take(' ', kMalformed)) return false;
  status = 0;
  for (int digit = 0; digit < 3; ++digit) {
    if (at_ == end_) return starve();
    if (!is_digit(*at_)) return refuse(400, kMalformed);
    status = status * 10 + (*at_++ - '0');
  }
  if (status < 100) return refuse(400, kMalformed);
  if (at_ == end_) return starve();
  reason = {};
  // The blank before an empty reason is required, and commonly left out.
  if (*at_ == '\r') return take_line_end();
  if (!take(' ', kMalformed)) return false;
  const char* stop = internal::skip_value(at_, end_);
  reason = view(at_, stop);
  at_ = stop;
  return take_line_end();
}

bool Reader::read_field(Field& field) noexcept {
  const char* stop = internal::skip_token(at_, end_);
  if (stop == end_) return starve();
  if (*stop != ':' || stop == at_) {
    if (stop == at_ && is_blank(*stop)) return refuse(400, "A line of the head is folded.");
    return refuse(400, is_blank(*stop) ? "A field name is followed by a blank."
                                       : "A field name is malformed.");
  }
  field.name = view(at_, stop);
  at_ = stop + 1;
  while (at_ != end_ && is_blank(*at_)) ++at_;
  const char* value = at_;
  at_ = internal::skip_value(at_, end_);
  const char* last = at_;
  while (last != value && is_blank(last[-1])) --last;
  field.value = view(value, last);
  return take_line_end();
}

bool Reader::read_fields(Fields& fields, Framing& framing) {
  for (;;) {
    if (at_ == end_) return starve();
    if (*at_ == '\r') return take_line_end();
    Field field;
    if (!read_field(field)) return false;
    if (fields.size() == limits_.fields_max) return refuse(431, "The head has too many fields.");
    fields.add(field.name, field.value);
    if (!note(field, fields.size() - 1, framing)) return false;
  }
}

bool Reader::note(const Field& field, std::size_t index, Framing& framing) noexcept {
  const auto is = [&](std::string_view name) { return equals_ignoring_case(field.name, name); };
  switch (field.name.size()) {
    case 4:
      if (!is("Host")) break;
      if (framing.host_seen) return refuse(400, "Host is given more than once.");
      framing.host_seen = true;
      framing.host = field.value;
      framing.host_index = index;
      break;
    case 6:
      if (is("Expect")) framing.expect = field.value;
      break;
    case 7:
      if (is("Upgrade")) framing.upgrade = field.value;
      break;
    case 10:
      if (is("Connection")) note_connection(field.value, framing);
      break;
    case 14:
      if (is("Content-Length")) return note_length(field.value, framing);
      break;
    case 17:
      if (is("Transfer-Encoding")) return note_coding(field.value, framing);
      break;
    default:
      break;
  }
  return true;
}

bool Reader::note_length(std::string_view value, Framing& framing) noexcept {
  if (framing.content_length) return refuse(400, "Content-Length is given more than once.");
  if (framing.coding_seen)
    return refuse(400, "Content-Length and Transfer-Encoding are both given.");
  framing.content_length = parse_length(value);
  return framing.content_length ? true : refuse(400, "Content-Length is not a number.");
}

bool Reader::note_coding(std::string_view value, Framing& framing) noexcept {
  if (framing.content_length)
    return refuse(400, "Content-Length and Transfer-Encoding are both given.");
  framing.coding_seen = true;
  // A list that ends with a comma has an empty last element.
  for (bool more = true; more;) {
    more = value.find(',') != std::string_view::npos;
    const std::string_view coding = next_element(value);
    if (!is_token(coding)) return refuse(400, "Transfer-Encoding is malformed.");
    if (framing.chunked) return refuse(400, "chunked is not the last transfer coding.");
    if (!equals_ignoring_case(coding, "chunked"))
      return refuse(501, "Transfer codings other than chunked are not supported.");
    framing.chunked = true;
  }
  return true;
}

void Reader::note_connection(std::string_view value, Framing& framing) noexcept {
  while (!value.empty()) {
    const std::string_view option = next_element(value);
    if (equals_ignoring_case(option, "close")) framing.close = true;
    if (equals_ignoring_case(option, "keep-alive")) framing.keep_alive = true;
    if (equals_ignoring_case(option, "upgrade")) framing.upgrade_listed = true;
  }
}

bool take_origin_target(RequestHead& head, std::string_view from_path) noexcept {
  const std::size_t mark = from_path.find('?');
  head.path = from_path.substr(0, mark);
  head.query = mark == std::string_view::npos ? std::string_view() : from_path.substr(mark + 1);
  if (head.path.empty()) head.path = "/";
  return true;
}

// "http://host/path": scheme and authority come from the target.
bool take_absolute_target(RequestHead& head) noexcept {
  const std::size_t colon = head.target.find("://");
  if (colon == std::string_view::npos) return false;
  head.scheme = head.target.substr(0, colon);
  if (!equals_ignoring_case(head.scheme, "http") && !equals_ignoring_case(head.scheme, "https"))
    return false;
  const std::string_view rest = head.target.substr(colon + 3);
  const std::size_t slash = std::min(rest.find_first_of("/?"), rest.size());
  head.authority = rest.substr(0, slash);
  return is_valid_authority(head.authority) && take_origin_target(head, rest.substr(slash));
}

// CONNECT names a host and a port, nothing else.
bool take_authority_target(RequestHead& head) noexcept {
  head.authority = head.target;
  const std::size_t colon = head.target.rfind(':');
  return colon != std::string_view::npos && colon + 1 < head.target.size() &&
         head.target.back() != ']' && is_valid_authority(head.target);
}

bool take_target(RequestHead& head) noexcept {
  if (head.method == "CONNECT") return take_authority_target(head);
  if (head.target.front() == '/') return take_origin_target(head, head.target);
  if (head.target == "*") {
    head.path = head.target;
    return head.method == "OPTIONS";
  }
  return take_absolute_target(head);
}

template <class Head>
void apply_common(Head& head, const Framing& framing) noexcept {
  head.content_length = framing.content_length;
  head.chunked = framing.chunked;
  head.keep_alive = !framing.close && (head.version_minor > 0 || framing.keep_alive);
  head.upgrade = framing.upgrade_listed ? framing.upgrade : std::string_view();
}

bool finish_request(Reader& reader, RequestHead& head, const Framing& framing) noexcept {
  if (framing.chunked && head.version_minor == 0)
    return reader.refuse(400, "Transfer-Encoding is not part of HTTP/1.0.");
  if (framing.host_seen && !is_valid_authority(framing.host))
    return reader.refuse(400, "Host is malformed.");
  if (!framing.host_seen && head.version_minor > 0) return reader.refuse(400, "Host is missing.");
  apply_common(head, framing);
  head.expect_continue =
      head.version_minor > 0 && equals_ignoring_case(framing.expect, "100-continue");
  if (head.authority.empty()) {
    head.authority = framing.host;
  } else if (framing.host_seen) {
    // The target wins, for all who look.
    head.fields.list()[framing.host_index].value = head.authority;
  }
  return reader.complete();
}

void reset(Fields& fields) {
  fields.clear();
  if (fields.list().capacity() == 0) fields.list().reserve(kFieldsUsual);
}

bool read_request(Reader& reader, RequestHead& head) {
  if (!reader.skip_empty_line()) return false;
  if (!reader.read_method(head.method)) return false;
  if (!reader.read_target(head.target)) return false;
  if (!reader.read_version(head.version_minor)) return false;
  if (!reader.take_line_end()) return false;
  head.path = head.query = head.authority = head.scheme = {};
  if (!take_target(head)) return reader.refuse(400, "The request target is malformed.");
  reset(head.fields);
  Framing framing;
  return reader.read_fields(head.fields, framing) && finish_request(reader, head, framing);
}

bool read_response(Reader& reader, ResponseHead& head) {
  if (!reader.read_version(head.version_minor)) return false;
  if (!reader.read_status(head.status, head.reason)) return false;
  reset(head.fields);
  Framing framing;
  if (!reader.read_fields(head.fields, framing)) return false;
  if (framing.chunked && head.version_minor == 0)
    return reader.refuse(400, "Transfer-Encoding is not part of HTTP/1.0.");
  apply_common(head, framing);
  return reader.complete();
}

// True when the bytes after `seen` can neither complete the head nor put it over a limit.
bool nothing_new(std::string_view bytes, std::size_t seen, const HeadLimits& limits) noexcept {
  if (seen == 0 || seen > bytes.size() || bytes.size() >= limits.bytes_max) return false;
  // Between the two, a target turns out to be too long.
  const std::size_t request_line_max = limits.target_bytes_max + 2 * kMethodBytesMax;
  if (bytes.size() > limits.target_bytes_max && seen <= request_line_max) return false;
  return std::memchr(bytes.data() + seen, '\n', bytes.size() - seen) == nullptr;
}

bool is_ipv6(std::string_view text) noexcept {
  char copy[INET6_ADDRSTRLEN];
  in6_addr address{};
  if (text.size() >= sizeof copy) return false;
  *std::copy(text.begin(), text.end(), copy) = '\0';
  return text.find('\0') == std::string_view::npos && ::inet_pton(AF_INET6, copy, &address) == 1;
}

}  // namespace

HeadResult parse_request_head(std::string_view bytes, RequestHead& head, std::size_t seen,
                              const HeadLimits& limits) {
  if (nothing_new(bytes, seen, limits)) return {};
  Reader reader(bytes, limits);
  read_request(reader, head);
  return reader.result;
}

HeadResult parse_response_head(std::string_view bytes, ResponseHead& head, std::size_t seen) {
  const HeadLimits limits;
  if (nothing_new(bytes, seen, limits)) return {};
  Reader reader(bytes, limits);
  if (!read_response(reader, head) && reader.result.state == HeadState::error)
    reader.result.status = 502;
  return reader.result;
}

bool list_has_token(std::string_view list, std::string_view token) noexcept {
  while (!list.empty())
    if (equals_ignoring_case(next_element(list), token)) return true;
  return false;
}

bool is_valid_authority(std::string_view authority) noexcept {
  const char* end = authority.data() + authority.size();
  std::string_view port;
  if (authority.starts_with('[')) {
    const std::size_t close = authority.find(']');
    if (close == std::string_view::npos || !is_ipv6(authority.substr(1, close - 1))) return false;
    port = authority.substr(close + 1);
  } else {
    const char* stop = internal::skip_plain(authority.data(), end, kHostChar);
    if (stop == authority.data()) return false;
    port = view(stop, end);
  }
  if (port.empty()) return true;
  if (port.front() != ':' || port.size() < 2 || port.size() > 6) return false;
  unsigned number = 0;
  for (const char c : port.substr(1)) {
    if (!is_digit(c)) return false;
    number = number * 10 + unsigned(c - '0');
  }
  return number <= 65535;
}

bool is_token(std::string_view text) noexcept {
  const char* end = text.data() + text.size();
  return !text.empty() && internal::skip_token(text.data(), end) == end;
}

bool is_field_value(std::string_view text) noexcept {
  if (text.empty()) return true;
  const char* end = text.data() + text.size();
  return internal::skip_value(text.data(), end) == end && !is_blank(text.front()) &&
         !is_blank(text.back());
}

}  // namespace mlgate::http
