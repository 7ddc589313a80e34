#include "gateway/tunnel.h"

#include "net/condition.h"
#include "net/worker.h"

namespace mlgate::gateway {
namespace {

constexpr std::uint64_t kYieldBytes = 1 << 20;

struct Tunnel {
  net::Worker& worker;
  net::Deadline& idle;
  net::Deadline& closing;
  std::int64_t moved_ns = 0;  // Either way.
  bool half_closed = false;

  net::Deadline& deadline() const noexcept { return half_closed ? closing : idle; }
};

struct Direction {
  net::Stream& from;
  net::Stream& to;
  std::uint64_t bytes = 0;
};

void cut(Direction& way) {
  way.from.cancel();
  way.to.cancel();
}

// One read and what it takes to pass it on; what is not done says why not.
net::Awaitable<net::Io> pass_some(Tunnel& tunnel, Direction& way) {
  const net::Block block = tunnel.worker.blocks().take();
  const net::Io io = way.from.try_read({block.data(), net::Block::size()});
  if (io.state != net::Io::State::done) co_return io;
  way.bytes += io.bytes;
  tunnel.moved_ns = tunnel.worker.now_ns();
  const auto sent = co_await way.to.write_all({block.data(), io.bytes}, tunnel.idle);
  co_return sent ? io : net::Io{net::Io::State::error, 0};
}

// False when the direction is over, one way or the other.
net::Awaitable<bool> await_more(Tunnel& tunnel, Direction& way, net::Io::State want) {
  const bool was_half_closed = tunnel.half_closed;
  net::Deadline& deadline = tunnel.deadline();
  const net::Wake wake = co_await way.from.until(want, deadline);
  if (wake == net::Wake::ready) co_return true;
  if (wake == net::Wake::cancelled)
    // Woken to take the shorter time limit, or cut.
    co_return !was_half_closed && tunnel.half_closed && !way.from.watch().cancelled();
  // The other way may be busy.
  co_return tunnel.worker.now_ns() - tunnel.moved_ns < deadline.duration_ns();
}

net::Awaitable<void> pass(Tunnel& tunnel, Direction& way, std::string_view early) {
  if (!early.empty()) {
    way.bytes += early.size();
    const auto sent = co_await way.to.write_all(early, tunnel.idle);
    if (!sent) {
      cut(way);
      co_return;
    }
  }
  std::uint64_t yielded_at = 0;
  for (;;) {
    const net::Io io = co_await pass_some(tunnel, way);
    if (io.state == net::Io::State::done) {
      if (way.bytes - yielded_at < kYieldBytes) continue;
      yielded_at = way.bytes;
      co_await net::yield(tunnel.worker.executor());  // nothing to check
      continue;
    }
    if (io.state == net::Io::State::end && !tunnel.half_closed) {
      tunnel.half_closed = true;
      way.to.shutdown_send();
      way.to.watch().interrupt_reader();
      co_return;
    }
    if (io.state == net::Io::State::end || io.state == net::Io::State::error ||
        !co_await await_more(tunnel, way, io.state)) {
      cut(way);
      co_return;
    }
  }
}

}  // namespace

net::Awaitable<TunnelBytes> run_tunnel(net::Worker& worker, TunnelEnd caller, TunnelEnd backend,
                                       net::Deadline& idle, net::Deadline& closing) {
  Tunnel tunnel{.worker = worker, .idle = idle, .closing = closing, .moved_ns = worker.now_ns()};
  Direction up{.from = *caller.stream, .to = *backend.stream};
  Direction down{.from = *backend.stream, .to = *caller.stream};
  net::TaskGroup tasks(worker.executor());
  net::Condition ended;
  net::spawn(tasks, pass(tunnel, down, backend.early));
  co_await pass(tunnel, up, caller.early);  // nothing to check
  tasks.when_empty([&ended] { ended.notify(net::Wake::ready); });
  while (tasks.running() > 0) {
    const net::Wake wake = co_await ended.wait();
    if (wake != net::Wake::ready) break;
  }
  co_return TunnelBytes{.from_caller = up.bytes, .from_backend = down.bytes};
}

}  // namespace mlgate::gateway
