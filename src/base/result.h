#pragma once
// Result<T>: a value, or an Error that says what went wrong, in which field, and whose fault it
// was. Callers branch on the code, never on the text. One function per dialect maps codes to its
// answers.
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace mlgate {

enum class Errc : unsigned char {
  invalid_argument,
  not_found,
  conflict,
  precondition_failed,
  denied,
  exhausted,
  timeout,
  unavailable,
  unsupported,
  closed,
  internal
};

class Error {
 public:
  Error() = default;
  Error(Errc code, std::string message) : code_(code), message_(std::move(message)) {}
  Error(Errc code, std::string message, std::string field)
      : code_(code), message_(std::move(message)), field_(std::move(field)) {}
  Errc code() const noexcept { return code_; }
  const std::string& message() const noexcept { return message_; }
  // Path of the offending field ("properties.path"), empty when the error names none.
  const std::string& field() const noexcept { return field_; }
  // Adds "<context>: " in front, so that the final text reads outside-in.
  Error&& within(std::string_view context) && {
    message_.insert(0, std::string(context) + ": ");
    return std::move(*this);
  }

 private:
  Errc code_ = Errc::internal;
  std::string message_;
  std::string field_;
};

template <class T>
using Result = std::expected<T, Error>;

[[nodiscard]] inline std::unexpected<Error> fail(Errc code, std::string message,
                                                 std::string field = {}) {
  return std::unexpected(Error(code, std::move(message), std::move(field)));
}

}  // namespace mlgate

// Statements, so always inside braces. CO_TRY for coroutines; _OK where there is no value to keep.
#define MLGATE_CAT2(a, b) a##b
#define MLGATE_CAT(a, b) MLGATE_CAT2(a, b)
#define MLGATE_OK(ret, tmp, ...) \
  auto tmp = (__VA_ARGS__);      \
  if (!tmp) ret std::unexpected(std::move(tmp).error())
#define MLGATE_TRY(ret, tmp, lhs, ...) \
  MLGATE_OK(ret, tmp, __VA_ARGS__);    \
  lhs = *std::move(tmp)
#define TRY(lhs, ...) MLGATE_TRY(return, MLGATE_CAT(try_, __COUNTER__), lhs, __VA_ARGS__)
#define CO_TRY(lhs, ...) MLGATE_TRY(co_return, MLGATE_CAT(try_, __COUNTER__), lhs, __VA_ARGS__)
#define TRY_OK(...) MLGATE_OK(return, MLGATE_CAT(try_, __COUNTER__), __VA_ARGS__)
#define CO_TRY_OK(...) MLGATE_OK(co_return, MLGATE_CAT(try_, __COUNTER__), __VA_ARGS__)
