#include "policy/exchange.h"

#include "base/text.h"

#include <algorithm>
#include <charconv>

namespace mlgate::policy {

namespace {

// Room for the escapes of any text: each byte at most six characters.
char* append_escaped(char* out, std::string_view text) noexcept {
  constexpr char kHex[] = "0123456789abcdef";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      *out++ = '\\';
      *out++ = c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      for (const char e : {'\\', 'u', '0', '0'}) *out++ = e;
      *out++ = kHex[(c >> 4) & 0xF];
      *out++ = kHex[c & 0xF];
    } else {
      *out++ = c;
    }
  }
  return out;
}

void begin_answer(Exchange& x, int status, std::string_view reason) {
  x.response.status = status;
  x.response.reason = reason;
  x.response.headers.clear();
  x.response.headers.add("Content-Type", "application/json");
  for (const auto& field : x.response_additions) x.response.headers.add(field.name, field.value);
  x.response_additions.clear();
}

}  // namespace

void Exchange::release_slots(std::size_t left) noexcept {
  while (slots.size() > left) {
    slots.back().limits->leave(slots.back().key);
    slots.pop_back();
  }
}

void Exchange::count_deferred() noexcept {
  // By index: counting may promise headers, but defers nothing more.
  for (std::size_t i = 0; i < deferred.size(); ++i)
    deferred[i].counter->count(*this, deferred[i].key);
  deferred.clear();
}

void Exchange::reset() noexcept {
  release_slots();
  deferred.clear();
  auto request_headers = std::move(request.headers);
  request_headers.clear();
  request = {};
  request.headers = std::move(request_headers);
  auto response_headers = std::move(response.headers);
  response_headers.clear();
  response = {};
  response.headers = std::move(response_headers);
  matched = {};
  parameters.clear();
  variables.clear();
  response_additions.clear();
  charges.clear();
  error = {};
  forward = {};
  backend = {};
  now_ms = 0;
  now_ns = 0;
  request_id[0] = request_id[1] = 0;
  arena.reset();
}

const std::string_view* Exchange::variable(std::string_view name) const noexcept {
  for (const auto& one : variables) {
    if (one.name == name) return &one.value;
  }
  return nullptr;
}

void Exchange::set_variable(std::string_view name, std::string_view value) {
  for (auto& one : variables) {
    if (one.name != name) continue;
    one.value = value;
    return;
  }
  variables.push_back({name, value});
}

std::string_view Exchange::request_id_text() {
  constexpr char kHex[] = "0123456789abcdef";
  char* const begin = arena.take(36);
  char* out = begin;
  for (int digit = 0; digit < 32; ++digit) {
    if (digit == 8 || digit == 12 || digit == 16 || digit == 20) *out++ = '-';
    const auto half = request_id[digit / 16];
    *out++ = kHex[(half >> (60 - 4 * (digit % 16))) & 0xF];
  }
  return {begin, 36};
}

std::string_view Exchange::number_text(std::int64_t number) {
  char* const begin = arena.take(20);
  const auto end = std::to_chars(begin, begin + 20, number).ptr;
  return {begin, std::size_t(end - begin)};
}

const http::Field* find_header(const http::Fields& fields, std::string_view name) noexcept {
  for (const auto& field : fields) {
    if (field.name.size() == name.size() && equals_ignoring_case(field.name, name)) return &field;
  }
  return nullptr;
}

void remove_header(http::Fields& fields, std::string_view name) noexcept {
  std::erase_if(fields.list(), [&](const http::Field& field) {
    return field.name.size() == name.size() && equals_ignoring_case(field.name, name);
  });
}

void answer_error(Exchange& x, int status, std::string_view reason, std::string_view message) {
  begin_answer(x, status, reason);
  constexpr std::string_view kFront = R"({ "statusCode": )", kMiddle = R"(, "message": ")",
                             kBack = R"(" })";
  char* const begin =
      x.arena.take(kFront.size() + kMiddle.size() + kBack.size() + 12 + 6 * message.size());
  char* out = std::copy(kFront.begin(), kFront.end(), begin);
  out = std::to_chars(out, out + 12, status).ptr;
  out = std::copy(kMiddle.begin(), kMiddle.end(), out);
  out = append_escaped(out, message);
  out = std::copy(kBack.begin(), kBack.end(), out);
  x.response.body = {begin, std::size_t(out - begin)};
}

void answer_failure(Exchange& x, int status, std::string_view reason, std::string_view message) {
  begin_answer(x, status, reason);
  x.response.body = x.arena.join({R"({ "statusCode": )", x.number_text(status), R"(, "message": ")",
                                  message, R"(", "activityId": ")", x.request_id_text(), R"(" })"});
}

}  // namespace mlgate::policy
