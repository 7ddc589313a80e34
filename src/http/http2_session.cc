#include "http/http2_session.h"

#include "base/check.h"
#include "base/text.h"
#include "http/chunked.h"
#include "http/scan_internal.h"
#include "http/trailers.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace mlgate::http {
namespace {

constexpr std::size_t kTextKeptMax = 4 * 1024;
constexpr std::size_t kAnswerFieldsMax = 160;
constexpr std::size_t kFrameHeadBytes = 9;
constexpr std::size_t kPseudoFieldsMax = 4;
constexpr std::uint32_t kFieldOverhead = 32;  // RFC 9113, 6.5.2.

std::string_view view(const std::uint8_t* bytes, std::size_t size) noexcept {
  return {reinterpret_cast<const char*>(bytes), size};
}

std::uint8_t* octets(std::string_view text) noexcept {
  // nghttp2 does not write through it.
  return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));  // NOLINT
}

nghttp2_nv field(std::string_view name, std::string_view value) noexcept {
  return {octets(name), octets(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

// Concerns one HTTP/1.1 connection and is malformed in HTTP/2.
bool is_connection_field(std::string_view name) noexcept {
  switch (name.size()) {
    case 7:
      return equals_ignoring_case(name, "upgrade");
    case 10:
      return equals_ignoring_case(name, "connection") || equals_ignoring_case(name, "keep-alive");
    case 16:
      return equals_ignoring_case(name, "proxy-connection");
    case 17:
      return equals_ignoring_case(name, "transfer-encoding");
    default:
      return false;
  }
}

bool is_target(std::string_view text) noexcept {
  const char* end = text.data() + text.size();
  return internal::skip_target(text.data(), end) == end;
}

// A list of header fields for nghttp2, which copies it.
class AnswerFields {
 public:
  bool add(std::string_view name, std::string_view value) noexcept {
    if (count_ == fields_.size()) return false;
    fields_[count_++] = field(name, value);
    return true;
  }
  // What an answer's head carries over from HTTP/1.1; Date is noted.
  bool add_all(const Fields& fields, bool& dated) noexcept {
    for (const Field& one : fields) {
      if (is_connection_field(one.name) || equals_ignoring_case(one.name, "content-length"))
        continue;
      dated = dated || equals_ignoring_case(one.name, "date");
      if (!add(one.name, one.value)) return false;
    }
    return true;
  }
  const nghttp2_nv* data() const noexcept { return fields_.data(); }
  std::size_t size() const noexcept { return count_; }
  std::size_t bytes() const noexcept {
    std::size_t sum = 0;
    for (std::size_t i = 0; i < count_; ++i)
      sum += fields_[i].namelen + fields_[i].valuelen + kFieldOverhead;
    return sum;
  }

 private:
  std::array<nghttp2_nv, kAnswerFieldsMax> fields_;
  std::size_t count_ = 0;
};

std::string_view write_number(std::uint64_t value, std::span<char> into) noexcept {
  return {into.data(), std::to_chars(into.data(), into.data() + into.size(), value).ptr};
}

}  // namespace

void Http2Stream::recycle() noexcept {
  id = 0;
  head.fields.clear();
  head = RequestHead{.fields = std::move(head.fields)};
  in.clear();
  out.clear();
  refusal = 0;
  in_ended = out_ended = reset = closed = false;
  in_trailers.clear();
  out_trailers.clear();
  head_bytes = in_bytes = out_bytes = 0;
  if (text.capacity() > kTextKeptMax) std::string().swap(text);
  text.clear();
  cookies.clear();
  parts.clear();
  list_bytes = 0;
  head_done = deferred = false;
}

// nghttp2 calls these. A stream that was refused has no object.
struct Http2Callbacks {
  static Http2Session& session_of(void* user) { return *static_cast<Http2Session*>(user); }
  static Http2Stream* stream_of(nghttp2_session* session, std::int32_t id) {
    return static_cast<Http2Stream*>(nghttp2_session_get_stream_user_data(session, id));
  }

  static int begin_headers(nghttp2_session* raw, const nghttp2_frame* frame, void* user) {
    Http2Session& session = session_of(user);
    session.open_head_ = true;
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    Http2Stream* stream = session.leaving_ ? nullptr : session.owner_.open_stream();
    if (!stream) {
      nghttp2_submit_rst_stream(raw, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
                                NGHTTP2_REFUSED_STREAM);
      return 0;
    }
    stream->id = frame->hd.stream_id;
    nghttp2_session_set_stream_user_data(raw, stream->id, stream);
    return 0;
  }

  static int header(nghttp2_session* raw, const nghttp2_frame* frame, const std::uint8_t* name,
                    std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                    std::uint8_t /*flags*/, void* user) {
    Http2Stream* stream = stream_of(raw, frame->hd.stream_id);
    if (!stream) return 0;
    const bool good =
        session_of(user).add_header(*stream, view(name, name_size), view(value, value_size));
    return good ? 0 : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }

  // Left to itself nghttp2 drops such a field and lets the rest pass.
  static int invalid_header(nghttp2_session* /*raw*/, const nghttp2_frame* /*frame*/,
                            const std::uint8_t* /*name*/, std::size_t /*name_size*/,
                            const std::uint8_t* /*value*/, std::size_t /*value_size*/,
                            std::uint8_t /*flags*/, void* /*user*/) {
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }

  static void refuse(nghttp2_session* raw, std::int32_t id) {
    nghttp2_submit_rst_stream(raw, NGHTTP2_FLAG_NONE, id, NGHTTP2_PROTOCOL_ERROR);
  }

  static int frame(nghttp2_session* raw, const nghttp2_frame* frame, void* user) {
    Http2Session& session = session_of(user);
    const bool ack = (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0;
    switch (frame->hd.type) {
      case NGHTTP2_HEADERS:
        on_headers(raw, *frame, session);
        break;
      case NGHTTP2_DATA:
        if (frame->hd.length == 0 && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0 &&
            !session.charge())
          return NGHTTP2_ERR_CALLBACK_FAILURE;
        on_data_end(raw, *frame, session);
        break;
      case NGHTTP2_PING:
      case NGHTTP2_SETTINGS:
        if (!ack && !session.charge()) return NGHTTP2_ERR_CALLBACK_FAILURE;
        break;
      case NGHTTP2_PRIORITY:
      case NGHTTP2_RST_STREAM:
        if (!session.charge()) return NGHTTP2_ERR_CALLBACK_FAILURE;
        break;
      default:
        break;
    }
    return 0;
  }

  static void on_headers(nghttp2_session* raw, const nghttp2_frame& frame, Http2Session& session) {
    session.open_head_ = false;
    Http2Stream* stream = stream_of(raw, frame.hd.stream_id);
    if (!stream) return;
    const bool ends = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    stream->in_ended = stream->in_ended || ends;
    if (!stream->head_done) {
      stream->head_done = true;
      if (session.complete_head(*stream)) {
        session.owner_.on_head(*stream);
      } else {
        refuse(raw, stream->id);
      }
      return;
    }
    session.owner_.on_news(*stream);
  }

  static void on_data_end(nghttp2_session* raw, const nghttp2_frame& frame, Http2Session& session) {
    if ((frame.hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return;
    if (Http2Stream* stream = stream_of(raw, frame.hd.stream_id)) {
      stream->in_ended = true;
      session.owner_.on_news(*stream);
    }
  }

  static int data(nghttp2_session* raw, std::uint8_t /*flags*/, std::int32_t id,
                  const std::uint8_t* bytes, std::size_t size, void* user) {
    Http2Session& session = session_of(user);
    Http2Stream* stream = stream_of(raw, id);
    if (!stream || stream->out_ended) {  // Nobody will read it.
      nghttp2_session_consume(raw, id, size);
      if (stream) stream->in_bytes += size;
      return 0;
    }
    stream->in.append(view(bytes, size));
    stream->in_bytes += size;
    session.owner_.on_news(*stream);
    return 0;
  }

  static int stream_closed(nghttp2_session* raw, std::int32_t id, std::uint32_t code, void* user) {
    Http2Session& session = session_of(user);
    Http2Stream* stream = stream_of(raw, id);
    if (!stream) return 0;
    if (stream->in.size() > 0) nghttp2_session_consume_connection(raw, stream->in.size());
    stream->closed = true;
    stream->reset =
        stream->reset || code != NGHTTP2_NO_ERROR || !stream->out_ended || !stream->out.empty();
    session.owner_.on_closed(*stream);
    return 0;
  }

  static ssize_t read_body(nghttp2_session* raw, std::int32_t id, std::uint8_t* /*into*/,
                           std::size_t size, std::uint32_t* flags, nghttp2_data_source* source,
                           void* /*user*/) {
    auto& stream = *static_cast<Http2Stream*>(source->ptr);
    if (stream.out.empty() && !stream.out_ended) {
      stream.deferred = true;
      return NGHTTP2_ERR_DEFERRED;
    }
    const std::size_t part = std::min(size, stream.out.front().size());
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (stream.out_ended && part == stream.out.size()) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
      if (!stream.out_trailers.empty()) {
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        submit_trailers(raw, id, stream);
      }
    }
    return ssize_t(part);
  }

  static void submit_trailers(nghttp2_session* raw, std::int32_t id, const Http2Stream& stream) {
    Fields fields;
    read_trailers(stream.out_trailers, fields);
    AnswerFields list;
    bool dated = false;
    if (!list.add_all(fields, dated)) return;
    nghttp2_submit_trailer(raw, id, list.data(), list.size());
  }

  static int send_data(nghttp2_session* /*raw*/, nghttp2_frame* /*frame*/,
                       const std::uint8_t* frame_head, std::size_t size,
                       nghttp2_data_source* source, void* user) {
    Http2Session& session = session_of(user);
    auto& stream = *static_cast<Http2Stream*>(source->ptr);
    if (session.room_.size() < kFrameHeadBytes + size) return NGHTTP2_ERR_WOULDBLOCK;
    std::memcpy(session.room_.data(), frame_head, kFrameHeadBytes);
    std::memcpy(session.room_.data() + kFrameHeadBytes, stream.out.front().data(), size);
    session.room_ = session.room_.subspan(kFrameHeadBytes + size);
    stream.out.pop(size);
    session.owner_.on_news(stream);
    return 0;
  }

  static int frame_sent(nghttp2_session* raw, const nghttp2_frame* frame, void* /*user*/) {
    const bool may_end = frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS;
    if (!may_end || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
    // The answer is whole; a request that still comes is of no use (RFC 9113, 8.1).
    const Http2Stream* stream = stream_of(raw, frame->hd.stream_id);
    if (stream && !stream->in_ended)
      nghttp2_submit_rst_stream(raw, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_NO_ERROR);
    return 0;
  }

  static const nghttp2_session_callbacks* table() {
    static const nghttp2_session_callbacks* const made = [] {
      nghttp2_session_callbacks* callbacks = nullptr;
      CHECK(nghttp2_session_callbacks_new(&callbacks) == 0);
      nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, begin_headers);
      nghttp2_session_callbacks_set_on_header_callback(callbacks, header);
      nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, invalid_header);
      nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, frame);
      nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, data);
      nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, stream_closed);
      nghttp2_session_callbacks_set_send_data_callback(callbacks, send_data);
      nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, frame_sent);
      return callbacks;
    }();
    return made;
  }

  static const nghttp2_option* options() {
    static const nghttp2_option* const made = [] {
      nghttp2_option* option = nullptr;
      CHECK(nghttp2_option_new(&option) == 0);
      nghttp2_option_set_no_auto_window_update(option, 1);
      nghttp2_option_set_no_closed_streams(option, 1);
      return option;
    }();
    return made;
  }
};

Http2Session::Http2Session(Http2Owner& owner, const Http2Limits& limits)
    : owner_(owner), limits_(limits), tokens_(limits.control_frames_max) {
  CHECK(nghttp2_session_server_new2(&session_, Http2Callbacks::table(), this,
                                    Http2Callbacks::options()) == 0);
  const std::array<nghttp2_settings_entry, 3> settings = {{
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits.streams_max},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, std::uint32_t(limits.stream_window)},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, std::uint32_t(limits.head.bytes_max)},
  }};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, limits.connection_window);
}

Http2Session::~Http2Session() { nghttp2_session_del(session_); }

bool Http2Session::receive(std::string_view bytes, std::int64_t now_ns) {
  if (failed_) return false;
  now_ns_ = now_ns;
  const ssize_t taken = nghttp2_session_mem_recv(session_, octets(bytes), bytes.size());
  if (taken >= 0) return true;
  failed_ = true;
  const bool flood = flooded_ || taken == NGHTTP2_ERR_FLOODED;
  nghttp2_session_terminate_session(session_,
                                    flood ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_PROTOCOL_ERROR);
  return false;
}

bool Http2Session::charge() noexcept {
  const double passed = double(now_ns_ - tokens_ns_) * 1e-9;
  tokens_ns_ = now_ns_;
  tokens_ =
      std::min(limits_.control_frames_max, tokens_ + passed * limits_.control_frames_per_second);
  flooded_ = tokens_ < 1;
  tokens_ -= 1;
  return !flooded_;
}

std::size_t Http2Session::produce(std::span<char> into) {
  room_ = into;
  for (;;) {
    const std::size_t part = std::min(pending_.size(), room_.size());
    if (part > 0) std::memcpy(room_.data(), pending_.data(), part);
    room_ = room_.subspan(part);
    pending_.remove_prefix(part);
    if (!pending_.empty()) break;
    const std::uint8_t* bytes = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &bytes);
    if (size < 0) failed_ = true;
    if (size <= 0) break;
    pending_ = view(bytes, std::size_t(size));
  }
  return into.size() - room_.size();
}

bool Http2Session::has_output() const noexcept {
  return !pending_.empty() || nghttp2_session_want_write(session_) != 0;
}

bool Http2Session::ended() const noexcept {
  return !has_output() && (failed_ || nghttp2_session_want_read(session_) == 0);
}

std::size_t Http2Session::queued_frames() const noexcept {
  return nghttp2_session_get_outbound_queue_size(session_);
}

void Http2Session::consume(Http2Stream& stream, std::size_t count) {
  stream.in.pop(count);
  // After its end nghttp2 has given the stream's share back already.
  if (!stream.closed) nghttp2_session_consume(session_, stream.id, count);
}

bool Http2Session::add_trailer(Http2Stream& stream, std::string_view name, std::string_view value) {
  if (!is_token(name) || !is_field_value(value)) return false;
  if (stream.in_trailers.size() + name.size() + value.size() > kTrailerBytesMax) return false;
  stream.in_trailers.append(name).append(": ").append(value).append("\r\n");
  return true;
}

bool Http2Session::add_header(Http2Stream& stream, std::string_view name, std::string_view value) {
  if (stream.head_done) return add_trailer(stream, name, value);
  if (stream.refusal != 0) return true;
  stream.list_bytes += name.size() + value.size() + kFieldOverhead;
  if (stream.list_bytes > limits_.head.bytes_max ||
      stream.parts.size() >= limits_.head.fields_max + kPseudoFieldsMax) {
    stream.refusal = 431;
    return true;
  }
  stream.head_bytes += name.size() + value.size();
  if (name == "cookie") {
    if (!stream.cookies.empty()) stream.cookies += "; ";
    stream.cookies += value;
    return true;
  }
  const auto at = std::uint32_t(stream.text.size());
  stream.text += name;
  stream.text += value;
  stream.parts.push_back({at, std::uint32_t(name.size()), at + std::uint32_t(name.size()),
                          std::uint32_t(value.size())});
  return true;
}

bool Http2Session::take_pseudo(Http2Stream& stream, std::string_view name, std::string_view value) {
  RequestHead& head = stream.head;
  if (name == ":method") {
    head.method = value;
    if (value.size() > kMethodBytesMax) stream.refusal = 501;
    return is_token(value);
  }
  if (name == ":authority") {
    head.authority = value;
    return is_valid_authority(value);
  }
  if (name == ":path") {
    head.target = value;
    if (value.size() > limits_.head.target_bytes_max) stream.refusal = 414;
    return !value.empty() && is_target(value);
  }
  return name == ":scheme" && is_token(value);
}

bool Http2Session::take_fields(Http2Stream& stream, bool has_host) {
  RequestHead& head = stream.head;
  const std::string_view text = stream.text;
  if (has_host) head.fields.add("host", head.authority);
  for (const auto& part : stream.parts) {
    const std::string_view name = text.substr(part.name, part.name_size);
    const std::string_view value = text.substr(part.value, part.value_size);
    if (name.starts_with(':')) continue;
    if (!is_token(name) || !is_field_value(value) || is_connection_field(name)) return false;
    if (name == "host") {
      if (!has_host) {
        head.authority = value;
        if (!is_valid_authority(value)) return false;
      } else {
        // Two names for one resource are two readings of one request.
        if (!equals_ignoring_case(value, head.authority)) return false;
        continue;
      }
    } else if (name == "content-length") {
      const auto length = parse_uint(value);
      if (!length || head.content_length) return false;
      head.content_length = *length;
    } else if (name == "expect") {
      head.expect_continue = equals_ignoring_case(value, "100-continue");
    }
    head.fields.add(name, value);
  }
  return !head.authority.empty();
}

bool Http2Session::complete_head(Http2Stream& stream) {
  RequestHead& head = stream.head;
  if (stream.refusal != 0) return true;
  const std::size_t cookies_at = stream.text.size();
  stream.text += stream.cookies;
  const std::string_view text = stream.text;
  for (const auto& part : stream.parts) {
    const std::string_view name = text.substr(part.name, part.name_size);
    if (name.starts_with(':') &&
        !take_pseudo(stream, name, text.substr(part.value, part.value_size)))
      return false;
  }
  if (!take_fields(stream, !head.authority.empty())) return false;
  if (!stream.cookies.empty()) {
    const std::string_view cookies = text.substr(cookies_at);
    if (!is_field_value(cookies)) return false;
    head.fields.add("cookie", cookies);
  }
  if (head.fields.size() > limits_.head.fields_max) stream.refusal = 431;
  head.version_minor = 1;
  head.chunked = !stream.in_ended && !head.content_length;
  if (stream.in_ended && head.content_length.value_or(0) != 0) return false;
  if (stream.in_ended) head.expect_continue = false;
  if (head.method == "CONNECT") {
    head.target = head.authority;
    return head.path.empty();
  }
  const std::size_t question = std::min(head.target.find('?'), head.target.size());
  head.path = head.target.substr(0, question);
  head.query = head.target.substr(std::min(question + 1, head.target.size()));
  return head.target.starts_with('/') || (head.target == "*" && head.method == "OPTIONS");
}

Result<void> Http2Session::respond(Http2Stream& stream, const ResponseStart& head,
                                   std::string_view date, Body body) {
  if (stream.reset || stream.closed) return fail(Errc::closed, "The caller reset the stream.");
  AnswerFields list;
  char status[8], length[24];
  bool dated = false;
  list.add(":status", write_number(std::uint64_t(head.status), status));
  if (head.fields && !list.add_all(*head.fields, dated))
    return fail(Errc::exhausted, "the response head has too many fields");
  const std::string_view date_value = trim(date.substr(std::min<std::size_t>(date.size(), 6)));
  if (!dated) list.add("date", date_value);
  if (head.body_bytes && head.status >= 200 && head.status != 204)
    list.add("content-length", write_number(*head.body_bytes, length));
  stream.out_bytes += list.bytes();
  nghttp2_data_provider provider{{.ptr = &stream}, &Http2Callbacks::read_body};
  const int submitted = nghttp2_submit_response(session_, stream.id, list.data(), list.size(),
                                                body == Body::follows ? &provider : nullptr);
  if (submitted != 0) return fail(Errc::internal, "the response head cannot be sent");
  return {};
}

Result<void> Http2Session::interim(Http2Stream& stream, int status, const Fields* fields) {
  if (stream.reset || stream.closed) return fail(Errc::closed, "The caller reset the stream.");
  AnswerFields list;
  char text[8];
  bool dated = false;
  list.add(":status", write_number(std::uint64_t(status), text));
  if (fields && !list.add_all(*fields, dated)) return {};
  nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, stream.id, nullptr, list.data(), list.size(),
                         nullptr);
  return {};
}

void Http2Session::resume(Http2Stream& stream) {
  if (!stream.deferred || stream.closed) return;
  stream.deferred = false;
  nghttp2_session_resume_data(session_, stream.id);
}

void Http2Session::reset(Http2Stream& stream) {
  stream.reset = true;
  if (!stream.closed)
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id, NGHTTP2_INTERNAL_ERROR);
}

void Http2Session::go_away() {
  if (leaving_) return;
  leaving_ = true;
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE,
                        nghttp2_session_get_last_proc_stream_id(session_), NGHTTP2_NO_ERROR,
                        nullptr, 0);
}

bool Http2Session::window_shut(const Http2Stream& stream) const noexcept {
  return nghttp2_session_get_stream_remote_window_size(session_, stream.id) <= 0 ||
         nghttp2_session_get_remote_window_size(session_) <= 0;
}

}  // namespace mlgate::http
