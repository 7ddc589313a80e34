#include "gateway/request_stream.h"

#include "http/trailers.h"
#include "net/worker.h"

#include <string>

namespace mlgate::gateway {
namespace {
// A transfer that never has to wait lets the others have their turn after this much.
constexpr std::uint64_t kYieldBytes = 1 << 20;
}  // namespace

RequestStream::RequestStream(http::ServerCall& server, http::ClientConnection& backend,
                             BodyFraming framing, std::uint64_t body_max, net::Deadline& deadline,
                             policy::CallTrace* trace)
    : server_(server),
      backend_(backend),
      framing_(framing),
      body_max_(body_max),
      deadline_(deadline),
      trace_(trace),
      tasks_(server.worker().executor()) {}

void RequestStream::begin(std::string_view begun) {
  state_ = State::running;
  // Whoever sends without saying how much may be waiting for an answer to what he sent.
  if (framing_.kind == BodyFraming::Kind::chunked) server_.expect_pauses();
  net::spawn(tasks_, run(begun));
}

net::Awaitable<void> RequestStream::stop() {
  if (state_ == State::running) {
    stopping_ = true;
    server_.stop_reading();
    // The request is cut short, so the connection is of no more use.
    if (state_ == State::running) backend_.stream.cancel();
  }
  if (tasks_.running() == 0) co_return;
  tasks_.when_empty([this] { ended_.notify(net::Wake::ready); });
  if (tasks_.running() == 0) co_return;
  const net::Wake ended = co_await ended_.wait();
  if (ended != net::Wake::ready) co_return;
}

net::Awaitable<void> RequestStream::run(std::string_view begun) {
  const State how = co_await pass(begun);
  state_ = stopping_ && how != State::sent ? State::stopped : how;
  // Whoever waits for the answer learns that none is wanted.
  if (state_ == State::caller_failed) backend_.stream.cancel();
}

net::Awaitable<RequestStream::State> RequestStream::pass(std::string_view begun) {
  if (!begun.empty() && !co_await pass_piece(begun)) co_return State::backend_failed;
  std::uint64_t passed = 0, since_yield = 0;
  for (;;) {
    auto piece = co_await server_.read_body();
    if (!piece) {
      error_ = std::move(piece).error();
      co_return State::caller_failed;
    }
    if (piece->empty()) co_return co_await pass_end();
    if (trace_) [[unlikely]]
      trace_->add_body(policy::CallTrace::Body::request, *piece);
    passed += piece->size();
    if (body_max_ != 0 && passed > body_max_) {
      error_ = Error(Errc::exhausted, "The request body is too large.");
      co_return State::caller_failed;
    }
    if ((since_yield += piece->size()) >= kYieldBytes) {
      since_yield = 0;
      co_await net::yield(server_.worker().executor());  // nothing to check
    }
    if (!co_await pass_piece(*piece)) co_return State::backend_failed;
  }
}

net::Awaitable<bool> RequestStream::pass_piece(std::string_view piece) {
  const bool chunked = framing_.kind == BodyFraming::Kind::chunked;
  if (chunked) {
    char header[http::kChunkHeaderBytesMax];
    const std::size_t size = http::write_chunk_header(piece.size(), header);
    const auto sent = co_await backend_.stream.write_all({header, size}, deadline_);
    if (!sent) co_return false;
  }
  const auto sent = co_await backend_.stream.write_all(piece, deadline_);
  if (!sent || !chunked) co_return sent.has_value();
  const auto ended = co_await backend_.stream.write_all("\r\n", deadline_);
  co_return ended.has_value();
}

net::Awaitable<RequestStream::State> RequestStream::pass_end() {
  if (framing_.kind != BodyFraming::Kind::chunked) co_return State::sent;
  std::string last = "0\r\n";
  last += http::passable_trailers(server_.trailers());
  last += "\r\n";
  const auto sent = co_await backend_.stream.write_all(last, deadline_);
  co_return sent ? State::sent : State::backend_failed;
}

}  // namespace mlgate::gateway
