#include "policy/content_coding.h"

#include "base/text.h"

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <limits>
#include <vector>

namespace mlgate::policy {

namespace {

constexpr std::size_t kStepBytes = 64 * 1024;
constexpr int kZstdWindowLogMax = 23;  // 8 MiB: what RFC 8878 asks decoders to take.
constexpr int kGzipWindow = 15 + 16, kZlibWindow = 15, kRawWindow = -15;

std::unexpected<Error> malformed() {
  return fail(Errc::invalid_argument, "The encoded body is malformed.");
}

}  // namespace

// One step: takes from `in`, writes to the room given. `ended` says that the stream is whole.
struct ContentDecoder::Engine {
  struct Step {
    std::size_t taken = 0, made = 0;
  };
  explicit Engine(DecodeLimits the_limits) : limits(the_limits) {}
  Engine(const Engine&) = delete;
  virtual ~Engine() = default;
  virtual Result<Step> step(std::string_view in, char* room, std::size_t bytes) = 0;

  DecodeLimits limits;
  std::size_t taken_total = 0, made_total = 0;
  bool ended = false;
  bool began = false;
};

namespace {

using Engine = ContentDecoder::Engine;

class Identity final : public Engine {
 public:
  explicit Identity(DecodeLimits the_limits) : Engine(the_limits) { ended = true; }
  Result<Step> step(std::string_view in, char* room, std::size_t bytes) override {
    const std::size_t count = std::min(in.size(), bytes);
    std::copy_n(in.data(), count, room);
    return Step{count, count};
  }
};

class Zlib final : public Engine {
 public:
  Zlib(ContentCoding coding, DecodeLimits the_limits)
      : Engine(the_limits), gzip_(coding == ContentCoding::gzip) {}
  ~Zlib() override {
    if (open_) inflateEnd(&stream_);
  }
  Result<Step> step(std::string_view in, char* room, std::size_t bytes) override {
    if (!open_ || (ended && gzip_)) {
      // Servers send "deflate" with and without the header of zlib; gzip members may follow each
      // other.
      if (!open(in)) return malformed();
    } else if (ended) {
      return malformed();
    }
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
    stream_.avail_in = uInt(std::min<std::size_t>(in.size(), std::numeric_limits<uInt>::max()));
    const uInt given = stream_.avail_in;
    stream_.next_out = reinterpret_cast<Bytef*>(room);
    stream_.avail_out = uInt(bytes);
    const int result = inflate(&stream_, Z_NO_FLUSH);
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) return malformed();
    ended = result == Z_STREAM_END;
    return Step{given - stream_.avail_in, bytes - stream_.avail_out};
  }

 private:
  bool open(std::string_view in) {
    if (open_) {
      ended = false;
      return inflateReset(&stream_) == Z_OK;
    }
    const bool zlib = in.size() < 1 || (std::uint8_t(in[0]) & 0x0F) == 8;
    open_ = inflateInit2(&stream_, gzip_ ? kGzipWindow : zlib ? kZlibWindow : kRawWindow) == Z_OK;
    return open_;
  }
  z_stream stream_{};
  bool gzip_;
  bool open_ = false;
};

class Brotli final : public Engine {
 public:
  explicit Brotli(DecodeLimits the_limits)
      : Engine(the_limits), state_(BrotliDecoderCreateInstance(nullptr, nullptr, nullptr)) {}
  ~Brotli() override { BrotliDecoderDestroyInstance(state_); }
  Result<Step> step(std::string_view in, char* room, std::size_t bytes) override {
    if (!state_ || ended) return malformed();
    std::size_t in_left = in.size(), out_left = bytes;
    const auto* from = reinterpret_cast<const std::uint8_t*>(in.data());
    auto* to = reinterpret_cast<std::uint8_t*>(room);
    const auto result =
        BrotliDecoderDecompressStream(state_, &in_left, &from, &out_left, &to, nullptr);
    if (result == BROTLI_DECODER_RESULT_ERROR) return malformed();
    ended = result == BROTLI_DECODER_RESULT_SUCCESS;
    return Step{in.size() - in_left, bytes - out_left};
  }

 private:
  BrotliDecoderState* state_;
};

class Zstd final : public Engine {
 public:
  explicit Zstd(DecodeLimits the_limits) : Engine(the_limits), state_(ZSTD_createDCtx()) {
    if (state_) ZSTD_DCtx_setParameter(state_, ZSTD_d_windowLogMax, kZstdWindowLogMax);
  }
  ~Zstd() override { ZSTD_freeDCtx(state_); }
  Result<Step> step(std::string_view in, char* room, std::size_t bytes) override {
    if (!state_) return malformed();
    ZSTD_inBuffer from{in.data(), in.size(), 0};
    ZSTD_outBuffer to{room, bytes, 0};
    const std::size_t result = ZSTD_decompressStream(state_, &to, &from);
    if (ZSTD_isError(result)) return malformed();
    ended = result == 0;  // Frames may follow each other.
    return Step{from.pos, to.pos};
  }

 private:
  ZSTD_DCtx* state_;
};

std::unique_ptr<Engine> make_engine(ContentCoding coding, DecodeLimits limits) {
  switch (coding) {
    case ContentCoding::identity:
      break;
    case ContentCoding::gzip:
    case ContentCoding::deflate:
      return std::make_unique<Zlib>(coding, limits);
    case ContentCoding::brotli:
      return std::make_unique<Brotli>(limits);
    case ContentCoding::zstd:
      return std::make_unique<Zstd>(limits);
  }
  return std::make_unique<Identity>(limits);
}

}  // namespace

std::optional<ContentCoding> parse_content_coding(std::string_view token) noexcept {
  const auto is = [&](std::string_view name) { return equals_ignoring_case(token, name); };
  if (is("gzip") || is("x-gzip")) return ContentCoding::gzip;
  if (is("deflate")) return ContentCoding::deflate;
  if (is("br")) return ContentCoding::brotli;
  if (is("zstd")) return ContentCoding::zstd;
  if (is("identity")) return ContentCoding::identity;
  return std::nullopt;
}

ContentDecoder::ContentDecoder(ContentCoding coding, DecodeLimits limits)
    : engine_(make_engine(coding, limits)) {}
ContentDecoder::~ContentDecoder() = default;
ContentDecoder::ContentDecoder(ContentDecoder&&) noexcept = default;
ContentDecoder& ContentDecoder::operator=(ContentDecoder&&) noexcept = default;

Result<void> ContentDecoder::decode(std::string_view piece, std::string& out) {
  Engine& engine = *engine_;
  bool more = !piece.empty();
  while (more) {
    // One byte more than allowed is room enough to see that there is too much.
    const std::size_t left = engine.limits.bytes_max - engine.made_total + 1;
    const std::size_t room = std::min(kStepBytes, left);
    const std::size_t before = out.size();
    out.resize(before + room);
    const auto step = engine.step(piece, out.data() + before, room);
    out.resize(before + (step ? step->made : 0));
    if (!step) return std::unexpected(step.error());
    engine.began = true;
    engine.taken_total += step->taken;
    engine.made_total += step->made;
    piece.remove_prefix(step->taken);
    if (engine.made_total > engine.limits.bytes_max)
      return fail(Errc::exhausted, "The decoded body is larger than " +
                                       std::to_string(engine.limits.bytes_max) + " bytes.");
    if (engine.made_total > kGrowthFrom &&
        engine.made_total / engine.limits.growth_max > engine.taken_total)
      return fail(Errc::exhausted, "The encoded body grows too much when it is decoded.");
    if (step->taken == 0 && step->made == 0 && !piece.empty()) return malformed();
    // A full room may have left some behind, even with all of the piece taken.
    more = !piece.empty() || (step->made == room && !engine.ended);
  }
  return {};
}

Result<void> ContentDecoder::finish() {
  // An empty body is no body, whatever its coding.
  if (engine_->ended || !engine_->began) return {};
  return fail(Errc::invalid_argument, "The encoded body is cut short.");
}

Result<std::string> decode_body(std::string_view body, std::string_view content_encoding,
                                DecodeLimits limits) {
  std::vector<ContentCoding> codings;
  for (const auto token : split(content_encoding, ',')) {
    if (trim(token).empty()) continue;
    const auto coding = parse_content_coding(trim(token));
    if (!coding || codings.size() == kCodingsMax)
      return fail(Errc::unsupported, "The content encoding is not supported.");
    codings.push_back(*coding);
  }
  std::string text(body);
  // The last coding was applied last.
  for (auto coding = codings.rbegin(); coding != codings.rend(); ++coding) {
    ContentDecoder decoder(*coding, limits);
    std::string plain;
    TRY_OK(decoder.decode(text, plain));
    TRY_OK(decoder.finish());
    text = std::move(plain);
  }
  return text;
}

}  // namespace mlgate::policy
