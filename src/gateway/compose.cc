#include "gateway/compose.h"

#include "base/text.h"
#include "http/console_cookie.h"

#include <array>
#include <charconv>
#include <cstring>

namespace mlgate::gateway {

namespace {

// Appends to a buffer of fixed size and remembers when it did not fit.
class Writer {
 public:
  explicit Writer(std::span<char> buffer) : at_(buffer.data()), end_(at_ + buffer.size()) {}
  Writer& operator<<(std::string_view text) noexcept {
    if (text.size() > std::size_t(end_ - at_)) {
      full_ = true;
    } else if (!text.empty()) {
      std::memcpy(at_, text.data(), text.size());
      at_ += text.size();
    }
    return *this;
  }
  Writer& field(std::string_view name, std::string_view value) noexcept {
    return *this << name << ": " << value << "\r\n";
  }
  Writer& number(std::uint64_t value) noexcept {
    char text[20];
    return *this << std::string_view(text, std::to_chars(text, text + 20, value).ptr);
  }
  bool full() const noexcept { return full_; }
  const char* position() const noexcept { return at_; }

 private:
  char* at_;
  char* end_;
  bool full_ = false;
};

// The caller's trace headers, where the gateway is a span of its own: the parent is replaced, and a
// state that belongs to no valid parent is left out.
bool is_replaced_trace_field(const TraceContext& context, std::string_view name) noexcept {
  if (name.size() == 11) return equals_ignoring_case(name, "traceparent");
  return name.size() == 10 && !context.keep_state && equals_ignoring_case(name, "tracestate");
}

// True when one of the comma-separated tokens of `list` is `token`.
bool lists(std::string_view list, std::string_view token) noexcept {
  while (!list.empty()) {
    const auto comma = std::min(list.find(','), list.size());
    if (equals_ignoring_case(trim(list.substr(0, comma)), token)) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

// Named by a Connection field of `fields`.
bool named_by_connection(const http::Fields& fields, std::string_view name) noexcept {
  for (const auto& field : fields) {
    if (field.name.size() == 10 && equals_ignoring_case(field.name, "Connection") &&
        lists(field.value, name)) {
      return true;
    }
  }
  return false;
}

// Connection fields that name more than what is taken out anyway are rare; only then is every field
// looked up.
bool connection_names_fields(const http::Fields& fields) noexcept {
  for (const auto& field : fields) {
    if (field.name.size() != 10 || !equals_ignoring_case(field.name, "Connection")) continue;
    if (!equals_ignoring_case(field.value, "keep-alive") &&
        !equals_ignoring_case(field.value, "close"))
      return true;
  }
  return false;
}

// What a Connection field may not take away: these go from end to end.
bool is_end_to_end(std::string_view name) noexcept {
  return equals_ignoring_case(name, "Host") || equals_ignoring_case(name, "Content-Length") ||
         equals_ignoring_case(name, "X-Forwarded-For") ||
         equals_ignoring_case(name, "Authorization");
}

const http::Field* last_field(const http::Fields& fields, std::string_view name) noexcept {
  const http::Field* found = nullptr;
  for (const auto& field : fields) {
    if (field.name.size() == name.size() && equals_ignoring_case(field.name, name)) found = &field;
  }
  return found;
}

void write_trace_parent(Writer& out, const TraceContext& context) {
  TraceParent parent{.span = context.backend_span, .sampled = context.sampled};
  parent.trace[0] = context.trace[0];
  parent.trace[1] = context.trace[1];
  char text[kTraceparentBytes];
  write_traceparent(parent, text);
  out.field("traceparent", {text, sizeof text});
}

// The caller wants trailers, and so do we on his behalf.
bool takes_trailers(const http::Fields& fields) noexcept {
  for (const auto& field : fields) {
    if (field.name.size() == 2 && equals_ignoring_case(field.name, "TE") &&
        lists(field.value, "trailers"))
      return true;
  }
  return false;
}

// The caller's cookies but those of the console; the field is left out when none remains.
void write_cookies(Writer& out, const http::Field& field) {
  if (field.value.find(http::kClearSessionCookie) == std::string_view::npos) {
    out.field(field.name, field.value);
    return;
  }
  bool any = false;
  for (std::string_view left = field.value; !left.empty();) {
    const auto end = std::min(left.find(';'), left.size());
    const std::string_view pair = trim(left.substr(0, end));
    left.remove_prefix(std::min(end + 1, left.size()));
    if (pair.empty() || http::is_console_cookie(pair)) continue;
    if (any) {
      out << "; " << pair;
    } else {
      out << field.name << ": " << pair;
    }
    any = true;
  }
  if (any) out << "\r\n";
}

bool sets_console_cookie(const http::Field& field) noexcept {
  return field.name.size() == 10 && equals_ignoring_case(field.name, "Set-Cookie") &&
         http::is_console_cookie(field.value);
}

void write_framing(Writer& out, BodyFraming framing) {
  if (framing.kind == BodyFraming::Kind::chunked) {
    out << "Transfer-Encoding: chunked\r\n";
  } else if (framing.kind == BodyFraming::Kind::length) {
    out << "Content-Length: ";
    out.number(framing.length) << "\r\n";
  }
  if (framing.expect_continue) out << "Expect: 100-continue\r\n";
}

}  // namespace

bool is_hop_by_hop(std::string_view name) noexcept {
  // By length first: nearly every field is told apart by that alone.
  switch (name.size()) {
    case 2:
      return equals_ignoring_case(name, "TE");
    case 7:
      return equals_ignoring_case(name, "Upgrade");
    case 10:
      return equals_ignoring_case(name, "Connection") || equals_ignoring_case(name, "Keep-Alive");
    case 16:
      return equals_ignoring_case(name, "Proxy-Connection");
    case 17:
      return equals_ignoring_case(name, "Transfer-Encoding");
    case 18:
      return equals_ignoring_case(name, "Proxy-Authenticate");
    case 19:
      return equals_ignoring_case(name, "Proxy-Authorization");
    default:
      return false;
  }
}

void remove_hop_by_hop(http::Fields& fields) noexcept {
  // Names are marked before anything moves, because Connection itself is among what goes.
  if (connection_names_fields(fields)) {
    for (auto& field : fields.list()) {
      if (!is_hop_by_hop(field.name) && !is_end_to_end(field.name) &&
          named_by_connection(fields, field.name)) {
        field.name = {};
      }
    }
  }
  std::erase_if(fields.list(), [](const http::Field& field) {
    return field.name.empty() || is_hop_by_hop(field.name) || sets_console_cookie(field);
  });
}

std::optional<std::size_t> compose_forward_head(const Call& call, BodyFraming framing,
                                                std::span<char> buffer) noexcept {
  const auto& request = call.x.request;
  const auto& backend = *call.plan.backend;
  Writer out(buffer);
  out << request.method << " " << call.plan.target << " HTTP/1.1\r\n";
  // The caller's own Host is replaced; one that a policy set stays.
  const auto* host = request.host_overridden ? last_field(request.headers, "Host") : nullptr;
  out.field("Host", host ? host->value : std::string_view(backend.authority));
  const bool named = connection_names_fields(request.headers);
  const bool traced = call.watch.context.joined();
  const auto* last_forwarded = last_field(request.headers, "X-Forwarded-For");
  for (const auto& field : request.headers) {
    const auto& [name, value] = field;
    if (is_hop_by_hop(name)) continue;
    // Goes on only while the body is still to come.
    if (name.size() == 6 && equals_ignoring_case(name, "Expect")) continue;
    if (name.size() == 4 && equals_ignoring_case(name, "Host")) continue;
    if (name.size() == 14 && equals_ignoring_case(name, "Content-Length")) continue;
    if (traced && is_replaced_trace_field(call.watch.context, name)) continue;
    if (named && !is_end_to_end(name) && named_by_connection(request.headers, name)) continue;
    if (name.size() == 6 && equals_ignoring_case(name, "Cookie")) {
      write_cookies(out, field);
    } else if (&field == last_forwarded) {
      out << name << ": " << value << ", " << request.sender << "\r\n";
    } else {
      out.field(name, value);
    }
  }
  if (!last_forwarded) out.field("X-Forwarded-For", request.sender);
  if (traced) write_trace_parent(out, call.watch.context);
  if (call.upgrade) {
    if (const auto* upgrade = last_field(request.headers, "Upgrade")) {
      out << "Connection: Upgrade\r\nUpgrade: " << upgrade->value << "\r\n";
    }
  }
  if (takes_trailers(request.headers)) out << "Connection: TE\r\nTE: trailers\r\n";
  write_framing(out, framing);
  out << "\r\n";
  if (out.full()) return std::nullopt;
  return std::size_t(out.position() - buffer.data());
}

}  // namespace mlgate::gateway
