#pragma once
// Records on their way from one worker to the writer thread: a ring of bytes with one producer and
// one consumer, no lock and no system call. A record lies in one piece; what does not fit is
// refused, because a call never waits for its log.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace mlgate::analytics {

class ByteRing {
 public:
  // `bytes` is a power of two, at least 4096.
  explicit ByteRing(std::size_t bytes);
  ByteRing(const ByteRing&) = delete;
  ByteRing& operator=(const ByteRing&) = delete;

  // Producer: room for one record, or an empty span. commit() hands it over.
  std::span<char> reserve(std::size_t bytes) noexcept;
  void commit() noexcept;
  // More than half of the ring waits to be read.
  bool half_full() const noexcept;

  // Consumer: the oldest record that it has not had yet, or an empty span. release() gives back the
  // room of all that it had.
  std::span<char> next() noexcept;
  void release() noexcept;

 private:
  static constexpr std::uint32_t kSkip =
      0xffff'ffff;                           // The rest of the ring is unused: go on at its begin.
  static constexpr std::size_t kHeader = 8;  // Size of the record, then its bytes, both on 8.

  std::unique_ptr<std::uint64_t[]> memory_;
  char* data_;
  std::size_t mask_;
  alignas(64) std::atomic<std::uint64_t> written_{0};
  std::uint64_t read_seen_ =
      0;  // Producer's copy of read_: most calls do not touch the other's line.
  std::uint64_t reserved_end_ = 0;
  alignas(64) std::atomic<std::uint64_t> read_{0};
  std::uint64_t seen_ = 0;  // The consumer had everything before.
};

}  // namespace mlgate::analytics
