// Feeds arbitrary bytes to an HTTP/2 session, in pieces, with a handler that answers at once, late,
// in parts, or not at all, as the request says. What has to hold: what comes out is made of whole
// frames, a head that is handed out could be written as HTTP/1.1 and read as the same, and the
// session lets go of every stream.
#include "http/http2_session.h"
#include "http/trailers.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace mlgate::http;

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr std::size_t kRoom = 32 * 1024;

void require(bool condition) {
  if (!condition) std::abort();
}

// The same request as HTTP/1.1 is one message with the same parts.
void check_as_http1(const RequestHead& head) {
  if (head.method == "CONNECT") return;
  std::string text = std::string(head.method) + " " + std::string(head.target) + " HTTP/1.1\r\n";
  for (const Field& field : head.fields)
    text.append(field.name).append(": ").append(field.value).append("\r\n");
  if (head.chunked) text += "Transfer-Encoding: chunked\r\n";
  text += "\r\n";
  if (text.size() > HeadLimits{}.bytes_max) return;
  RequestHead again;
  const HeadResult result = parse_request_head(text, again);
  require(result.state == HeadState::complete && result.head_bytes == text.size());
  require(again.method == head.method && again.path == head.path && again.query == head.query);
  require(again.authority == head.authority && again.content_length == head.content_length);
  require(again.fields.size() == head.fields.size() + (head.chunked ? 1 : 0));
}

class Owner final : public Http2Owner {
 public:
  explicit Owner(mlgate::net::BlockPool& blocks) : blocks_(blocks), session(*this, limits()) {}

  // One round: what came is acted upon, what is to be sent is looked at.
  void round() {
    for (const auto& stream : streams_)
      if (!stream->closed && heads_.contains(stream->id)) serve(*stream);
    std::vector<char> out(kRoom);
    for (;;) {
      const std::size_t size = session.produce(out);
      if (size == 0) break;
      sent_.append(out.data(), size);
    }
    drop_frames();
  }
  void check_end() const { require(sent_.empty() || sent_.size() < 9 + 16384); }

  static Http2Limits limits() {
    Http2Limits out;
    out.control_frames_max = 20;
    return out;
  }

 private:
  struct Seen {
    std::vector<std::int32_t> ids;
    bool contains(std::int32_t id) const { return std::ranges::find(ids, id) != ids.end(); }
  };

  Http2Stream* open_stream() override {
    const auto free = std::ranges::find_if(streams_, [](const auto& s) { return s->closed; });
    if (free != streams_.end()) {
      (*free)->recycle();
      return free->get();
    }
    if (streams_.size() >= 64) return nullptr;
    streams_.push_back(std::make_unique<Http2Stream>(blocks_));
    return streams_.back().get();
  }
  void on_head(Http2Stream& stream) override {
    if (stream.refusal == 0) check_as_http1(stream.head);
    heads_.ids.push_back(stream.id);
  }
  void on_news(Http2Stream& /*stream*/) override {}
  void on_closed(Http2Stream& stream) override { require(stream.closed); }

  void serve(Http2Stream& stream) {
    const std::string_view path = stream.head.path;
    if (path.ends_with('r')) {
      session.reset(stream);
      return;
    }
    if (path.ends_with('s')) return;  // Stays silent.
    if (path.ends_with('i')) (void)session.interim(stream, 103, &stream.head.fields);
    if (!stream.in.empty()) session.consume(stream, stream.in.front().size());
    if (path.ends_with('w') && !stream.in_ended) return;  // Waits for the body.
    if (!started_.contains(stream.id)) start(stream);
    if (!stream.out_ended) {
      stream.out.append("some body");
      if (path.ends_with('b')) stream.out.append(std::string(100'000, 'b'));
      if (path.ends_with('t')) stream.out_trailers = "x-sum: 1\r\n";
      stream.out_ended = !path.ends_with('p');  // In parts.
    }
    session.resume(stream);
    (void)session.window_shut(stream);
  }
  void start(Http2Stream& stream) {
    started_.ids.push_back(stream.id);
    ResponseStart head;
    if (stream.head.path.ends_with('l')) head.body_bytes = 9;
    head.fields = &stream.head.fields;
    const bool none = stream.head.method == "HEAD";
    (void)session.respond(stream, head, "Date: now\r\n",
                          none ? Http2Session::Body::none : Http2Session::Body::follows);
    if (none) stream.out_ended = true;
  }
  // Whole frames only, none larger than allowed.
  void drop_frames() {
    std::string_view rest = sent_;
    while (rest.size() >= 9) {
      const auto at = [&](std::size_t i) { return std::size_t(std::uint8_t(rest[i])); };
      const std::size_t size = at(0) << 16 | at(1) << 8 | at(2);
      require(size <= 16384);
      if (rest.size() < 9 + size) break;
      rest.remove_prefix(9 + size);
    }
    sent_.erase(0, sent_.size() - rest.size());
  }

  mlgate::net::BlockPool& blocks_;
  std::vector<std::unique_ptr<Http2Stream>> streams_;
  Seen heads_, started_;
  std::string sent_;

 public:
  Http2Session session;  // Ends before the streams it knows.
};

}  // namespace

// The first byte says in how large pieces the rest comes, and whether behind a preface of ours.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if ((data[0] & 1) == 0) bytes.insert(0, kPreface);
  const std::size_t piece = std::size_t(data[0] >> 1) * 16 + 1;
  mlgate::net::BlockPool blocks;
  Owner owner(blocks);
  std::int64_t now_ns = 0;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    const bool good = owner.session.receive(std::string_view(bytes).substr(at, piece), now_ns);
    owner.round();
    if (!good || owner.session.ended()) break;
    now_ns += 1'000'000;
  }
  if ((data[0] & 2) != 0) owner.session.go_away();
  owner.round();
  owner.check_end();
  (void)owner.session.queued_frames();
  (void)owner.session.inside_head();
  return 0;
}
