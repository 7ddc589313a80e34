#pragma once
// Reads the head of an HTTP/1.1 message from a contiguous buffer. Two programs that disagree on
// where a message ends can be played off against each other (request smuggling), so whatever is
// ambiguous is refused instead of repaired: bare CR or LF, folded lines, blanks before a colon,
// Content-Length beside Transfer-Encoding, repeated Content-Length, any transfer coding but a
// single final `chunked`.
//
// The parser reads left to right and decides on a byte as soon as it sees it. A head that has not
// come whole gives need_more; the caller reads on and calls again with the longer buffer. Results
// are views into the buffer.
#include "http/message.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace mlgate::http {

inline constexpr std::size_t kMethodBytesMax = 64;  // Above: 501.

struct HeadLimits {
  std::size_t bytes_max = 32 * 1024;        // Above: 431.
  std::size_t target_bytes_max = 8 * 1024;  // Above: 414.
  std::size_t fields_max = 100;             // Above: 431.
};

enum class HeadState : unsigned char { need_more, complete, error };

struct HeadResult {
  HeadState state = HeadState::need_more;
  std::size_t head_bytes =
      0;           // When complete: the head's size, its empty line and a leading one included.
  int status = 0;  // On error: 400, 414, 431, 501 or 505 for requests; 502 for responses.
  std::string_view reason;  // On error: one sentence.
};

// Owns nothing but the list of fields, whose storage is kept from message to message.
struct RequestHead {
  std::string_view method;  // A token, as sent: custom and lower-case verbs are let through.
  std::string_view target;  // As sent.
  std::string_view
      path;  // "/" when an absolute target has none; "*" for OPTIONS *; empty for CONNECT.
  std::string_view query;      // Without '?'.
  std::string_view authority;  // Host and port, from an absolute target or else from Host; empty
                               // only in HTTP/1.0.
  std::string_view scheme;   // "http" or "https" when the target is absolute, as sent; else empty.
  std::string_view upgrade;  // Value of Upgrade, when Connection lists it.
  // Values are without blanks around them. When the target is absolute, Host has its authority (RFC
  // 9112, 3.2.2).
  Fields fields;
  std::optional<std::uint64_t> content_length;
  int version_minor = 1;  // HTTP/1.0 or HTTP/1.1.
  bool chunked = false;
  bool keep_alive = true;
  bool expect_continue = false;
};

struct ResponseHead {
  int status = 0;
  std::string_view reason;
  Fields fields;
  std::optional<std::uint64_t> content_length;
  int version_minor = 1;
  // With neither chunked nor content_length, the body ends with the connection.
  bool chunked = false;
  bool keep_alive = true;
  std::string_view upgrade;

  // No body follows, whatever the fields say (RFC 9112, 6.3).
  bool bodiless(std::string_view request_method) const noexcept {
    return request_method == "HEAD" || status < 200 || status == 204 || status == 304;
  }
};

// `head` is filled when complete, and holds nothing of use otherwise. `seen` is how many of the
// bytes an earlier call for the same head has already answered with need_more: with it, a head that
// trickles in costs time linear in its size (an error in a line may then be told only when the line
// ends).
HeadResult parse_request_head(std::string_view bytes, RequestHead& head, std::size_t seen = 0,
                              const HeadLimits& limits = {});
HeadResult parse_response_head(std::string_view bytes, ResponseHead& head, std::size_t seen = 0);

// True when a comma-separated list ("close, Upgrade") has the token, compared without case.
bool list_has_token(std::string_view list, std::string_view token) noexcept;

// A host with an optional port, as Host allows it: no userinfo, IPv6 in brackets, port 0..65535.
bool is_valid_authority(std::string_view authority) noexcept;
// Characters of methods and field names (RFC 9110, 5.6.2); at least one.
bool is_token(std::string_view text) noexcept;
// No control bytes but tab, no blanks around it: what may be written as the value of a field.
bool is_field_value(std::string_view text) noexcept;

}  // namespace mlgate::http
