// SharedKey and SharedKeyLite: strings-to-sign, signatures, verification.
#include "base/crypto.h"
#include "base/text.h"
#include "blob/authorization.h"
#include "blob/fault.h"

#include <algorithm>

namespace mlgate::blob {
namespace {

// Since this version an absent body is an empty Content-Length line; before, it is "0".
constexpr std::string_view kEmptyLengthVersion = "2015-02-21";

// The order of words: letters before nothing else, signs before digits before letters, and '-' and
// '\'' counted only between words that are otherwise equal.
int weight_of(char c) noexcept {
  constexpr std::string_view kOrder = "!#$%&*.^_`|~+0123456789abcdefghijklmnopqrstuvwxyz";
  const std::size_t at = kOrder.find(c);
  return at == std::string_view::npos ? 0 : int(at) + 1;
}

std::string word_key(std::string_view name) {
  std::string key;
  for (const char c : name)
    if (const int weight = weight_of(c)) key += char(weight);
  return key;
}

bool before_as_words(std::string_view a, std::string_view b) {
  const std::string key_a = word_key(a), key_b = word_key(b);
  if (key_a != key_b) return key_a < key_b;
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i) {
    if (a[i] == b[i]) continue;
    const bool a_light = weight_of(a[i]) == 0, b_light = weight_of(b[i]) == 0;
    if (a_light && b_light) return a[i] < b[i];
    return b_light;  // Where the light sign comes earlier, the word comes later.
  }
  return a.size() < b.size();
}

std::string canonical_headers(const http::Fields& fields, HeaderOrder order) {
  std::vector<std::pair<std::string, std::string>> list;
  for (const http::Field& field : fields) {
    if (!starts_with_ignoring_case(field.name, "x-ms-")) continue;
    std::string name = to_lower(field.name);
    const auto same = std::ranges::find(list, name, [](const auto& one) { return one.first; });
    if (same != list.end()) {
      same->second.append(",").append(trim(field.value));
    } else {
      list.emplace_back(std::move(name), std::string(trim(field.value)));
    }
  }
  std::ranges::sort(list, [order](const auto& a, const auto& b) {
    return order == HeaderOrder::bytes ? a.first < b.first : before_as_words(a.first, b.first);
  });
  std::string out;
  for (const auto& [name, value] : list) out.append(name).append(":").append(value).append("\n");
  return out;
}

std::string decoded(std::string_view text) {
  auto plain = percent_decode(text);
  return plain ? *std::move(plain) : std::string(text);
}

// Names in lower case and sorted, the values of a name sorted and joined.
std::string canonical_query(std::string_view query) {
  std::map<std::string, std::vector<std::string>> parameters;
  if (query.empty()) return {};
  for (const std::string_view pair : split(query, '&')) {
    const std::size_t equals = pair.find('=');
    const std::string name = to_lower(decoded(pair.substr(0, equals)));
    if (name.empty() && equals == std::string_view::npos) continue;
    parameters[name].push_back(equals == std::string_view::npos ? ""
                                                                : decoded(pair.substr(equals + 1)));
  }
  std::string out;
  for (auto& [name, values] : parameters) {
    std::ranges::sort(values);
    out.append("\n").append(name).append(":").append(join(values, ","));
  }
  return out;
}

std::string resource_path(const SignedRequest& request, std::string_view account) {
  std::string out = "/";
  out.append(account);
  if (!request.path.starts_with('/')) out += '/';
  return out.append(request.path);
}

std::string date_line(const http::Fields& fields) {
  return std::string(fields.find("x-ms-date") ? std::string_view() : fields.get("date"));
}

enum class ZeroLength : unsigned char { empty, digit };

std::string full_string(const SignedRequest& request, std::string_view account, HeaderOrder order,
                        ZeroLength zero) {
  const http::Fields& fields = *request.headers;
  std::string out(request.method);
  const auto line = [&out](std::string_view text) { out.append("\n").append(text); };
  line(fields.get("content-encoding"));
  line(fields.get("content-language"));
  if (request.content_length != 0) {
    line(std::to_string(request.content_length));
  } else {
    line(zero == ZeroLength::digit ? "0" : "");
  }
  line(fields.get("content-md5"));
  line(fields.get("content-type"));
  line(date_line(fields));
  line(fields.get("if-modified-since"));
  line(fields.get("if-match"));
  line(fields.get("if-none-match"));
  line(fields.get("if-unmodified-since"));
  line(fields.get("range"));
  out += '\n';
  return out + canonical_headers(fields, order) + resource_path(request, account) +
         canonical_query(request.query);
}

ZeroLength zero_length_of(const SignedRequest& request) {
  const std::string_view version = request.headers->get("x-ms-version");
  const bool old = !version.empty() && version < kEmptyLengthVersion;
  return old && request.headers->find("content-length") ? ZeroLength::digit : ZeroLength::empty;
}

}  // namespace

std::string shared_key_string(const SignedRequest& request, std::string_view account,
                              HeaderOrder order) {
  return full_string(request, account, order, zero_length_of(request));
}

std::string shared_key_lite_string(const SignedRequest& request, std::string_view account,
                                   HeaderOrder order) {
  const http::Fields& fields = *request.headers;
  std::string out(request.method);
  for (const std::string_view text : {fields.get("content-md5"), fields.get("content-type")})
    out.append("\n").append(text);
  out.append("\n").append(date_line(fields)).append("\n");
  out += canonical_headers(fields, order) + resource_path(request, account);
  if (const auto comp = http::query_parameter(request.query, "comp")) out += "?comp=" + *comp;
  return out;
}

Result<std::string> sign(std::string_view key, std::string_view string_to_sign) {
  const auto raw = base64_decode(key);
  if (!raw || raw->empty()) return fail(Errc::invalid_argument, "the account key is not base64");
  return base64_encode(hmac_sha256(*raw, string_to_sign));
}

bool verify(std::string_view key, std::string_view string_to_sign, std::string_view signature) {
  const auto expected = sign(key, string_to_sign);
  return expected && equal_secrets(*expected, signature);
}

Result<std::string> shared_key_authorization(const SignedRequest& request, std::string_view account,
                                             std::string_view key) {
  TRY(const std::string signature, sign(key, shared_key_string(request, account)));
  return "SharedKey " + std::string(account) + ":" + signature;
}

Result<AuthorizationField> parse_authorization(std::string_view value) {
  const std::size_t blank = value.find(' ');
  if (blank == std::string_view::npos) return fail(Fault::invalid_authentication_info);
  const std::string_view scheme = value.substr(0, blank);
  const std::string_view rest = trim(value.substr(blank));
  AuthorizationField field;
  if (equals_ignoring_case(scheme, "bearer")) {
    if (rest.empty()) return fail(Fault::invalid_authentication_info);
    field.scheme = AuthorizationField::Scheme::bearer;
    field.signature = rest;
    return field;
  }
  if (scheme == "SharedKeyLite") {
    field.scheme = AuthorizationField::Scheme::shared_key_lite;
  } else if (scheme != "SharedKey") {
    return fail(Fault::invalid_authentication_info);
  }
  const std::size_t colon = rest.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == rest.size())
    return fail(Fault::invalid_authentication_info);
  field.account = rest.substr(0, colon);
  field.signature = rest.substr(colon + 1);
  return field;
}

bool verify_shared_key(const SignedRequest& request, const AuthorizationField& field,
                       std::string_view key) {
  bool matches = false;
  for (const HeaderOrder order : {HeaderOrder::bytes, HeaderOrder::words}) {
    if (field.scheme == AuthorizationField::Scheme::shared_key_lite) {
      matches |=
          verify(key, shared_key_lite_string(request, field.account, order), field.signature);
      continue;
    }
    matches |=
        verify(key, full_string(request, field.account, order, ZeroLength::empty), field.signature);
    // Clients of before 2015 write a zero; some of them without sending the field.
    if (!matches && request.content_length == 0)
      matches |= verify(key, full_string(request, field.account, order, ZeroLength::digit),
                        field.signature);
    if (matches) break;
  }
  return matches;
}

}  // namespace mlgate::blob
