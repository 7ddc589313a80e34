#include "gateway/backend.h"

#include "base/text.h"

#include <algorithm>

namespace mlgate::gateway {

namespace {

bool is_host_char(char c) noexcept {
  return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == ':';
}

// Bytes that may stand on a request line.
bool is_target_text(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7F; });
}

Result<void> read_authority(std::string_view text, Backend& out) {
  if (text.find('@') != std::string_view::npos) {
    return fail(Errc::invalid_argument, "a service URL holds no user name");
  }
  std::string_view host = text, port;
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == std::string_view::npos) return fail(Errc::invalid_argument, "']' is missing");
    host = text.substr(1, close - 1);
    port = text.substr(close + 1);
    if (!port.empty() && !port.starts_with(':')) {
      return fail(Errc::invalid_argument, "the port is not valid");
    }
    if (!port.empty()) port.remove_prefix(1);
  } else if (const auto colon = text.find(':'); colon != std::string_view::npos) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
  }
  if (host.empty() || !std::all_of(host.begin(), host.end(), is_host_char)) {
    return fail(Errc::invalid_argument, "the host is not valid");
  }
  out.host = to_lower(host);
  out.port = out.tls ? 443 : 80;
  if (!port.empty()) {
    const auto number = parse_uint(port);
    if (!number || *number == 0 || *number > 65535) {
      return fail(Errc::invalid_argument, "the port is not valid");
    }
    out.port = std::uint16_t(*number);
  }
  const bool six = out.host.find(':') != std::string::npos;
  out.authority = six ? "[" + out.host + "]" : out.host;
  if (out.port != (out.tls ? 443 : 80)) out.authority += ":" + std::to_string(out.port);
  return {};
}

}  // namespace

Result<Backend> parse_backend(std::string_view url) {
  Backend out;
  out.kind = Backend::Kind::http;
  std::string_view rest = url;
  if (starts_with_ignoring_case(rest, "https://") || starts_with_ignoring_case(rest, "wss://")) {
    out.tls = true;
  } else if (!starts_with_ignoring_case(rest, "http://") &&
             !starts_with_ignoring_case(rest, "ws://")) {
    return fail(Errc::invalid_argument, "a service URL begins with http:// or https://");
  }
  rest.remove_prefix(rest.find("//") + 2);
  if (rest.find('#') != std::string_view::npos) {
    return fail(Errc::invalid_argument, "a service URL has no fragment");
  }
  const auto end = std::min(rest.find_first_of("/?"), rest.size());
  TRY_OK(read_authority(rest.substr(0, end), out));
  rest.remove_prefix(end);
  if (!is_target_text(rest)) {
    return fail(Errc::invalid_argument, "a service URL holds only printable ASCII characters");
  }
  const auto question = std::min(rest.find('?'), rest.size());
  auto path = rest.substr(0, question);
  while (path.ends_with('/')) path.remove_suffix(1);
  out.path_prefix = path;
  out.query = rest.substr(std::min(question + 1, rest.size()));
  out.origin = (out.tls ? "https://" : "http://") + out.authority;
  return out;
}

}  // namespace mlgate::gateway
