#pragma once
// The wire format of Protocol Buffers, as far as it is written: varints, fixed numbers, and lengths
// in front of texts and messages. Fields are written in the order of the calls.
#include <bit>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace mlgate::analytics {

class ProtoWriter {
 public:
  ProtoWriter& varint(int field, std::uint64_t value) {
    tag(field, 0);
    raw_varint(value);
    return *this;
  }
  ProtoWriter& fixed64(int field, std::uint64_t value) {
    tag(field, 1);
    raw_fixed64(value);
    return *this;
  }
  ProtoWriter& fixed32(int field, std::uint32_t value) {
    tag(field, 5);
    for (int shift = 0; shift < 32; shift += 8) out_ += char(value >> shift & 0xFF);
    return *this;
  }
  ProtoWriter& real(int field, double value) {
    return fixed64(field, std::bit_cast<std::uint64_t>(value));
  }
  // Begins a message whose `bytes` the next calls write.
  ProtoWriter& begin(int field, std::size_t bytes) {
    tag(field, 2);
    raw_varint(bytes);
    return *this;
  }
  // What bytes() takes for a text of that size, with a field number below 16.
  static constexpr std::size_t size_of(std::size_t text) {
    std::size_t out = 2 + text;
    for (std::size_t rest = text; rest >= 0x80; rest >>= 7) ++out;
    return out;
  }
  void reserve(std::size_t bytes) { out_.reserve(bytes); }
  // A text, bytes, or a message that was written before.
  ProtoWriter& bytes(int field, std::string_view value) {
    tag(field, 2);
    raw_varint(value.size());
    out_ += value;
    return *this;
  }
  ProtoWriter& message(int field, const ProtoWriter& inner) { return bytes(field, inner.out_); }
  // Repeated, packed.
  ProtoWriter& packed(int field, std::span<const std::uint64_t> values) {
    tag(field, 2);
    raw_varint(values.size() * 8);
    for (const auto value : values) raw_fixed64(value);
    return *this;
  }

  const std::string& text() const& noexcept { return out_; }
  std::string text() && noexcept { return std::move(out_); }

 private:
  void tag(int field, unsigned type) { raw_varint(std::uint64_t(field) << 3 | type); }
  void raw_varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) out_ += char(value | 0x80);
    out_ += char(value);
  }
  void raw_fixed64(std::uint64_t value) {
    for (int shift = 0; shift < 64; shift += 8) out_ += char(value >> shift & 0xFF);
  }
  std::string out_;
};

}  // namespace mlgate::analytics
