#include "ml/hashing.h"

#include "table/byte_mask.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace mlgate::ml {
namespace {

using table::Block64;

// Four words are hashed side by side.
using Lanes = std::uint32_t __attribute__((vector_size(16)));

constexpr std::uint32_t kC1 = 0xcc9e2d51, kC2 = 0x1b873593, kC3 = 0xe6546b64;
constexpr std::size_t kShortWord = 16;  // Bytes that one vector load holds.
constexpr std::size_t kBatch = 256;     // Words that are hashed before their features are counted.
constexpr std::size_t kCarry =
    16;  // Room for the words of the batch before that n-grams reach back to.

template <class T>
constexpr T rotate_left(T x, int by) noexcept {
  return (x << by) | (x >> (32 - by));
}

template <class T>
constexpr T scramble(T k) noexcept {
  return rotate_left(T(k * kC1), 15) * kC2;
}

template <class T>
constexpr T absorb(T h) noexcept {
  return rotate_left(h, 13) * 5 + kC3;
}

template <class T>
constexpr T finish(T h) noexcept {
  h ^= h >> 16;
  h *= 0x85ebca6bu;
  h ^= h >> 13;
  h *= 0xc2b2ae35u;
  return h ^ (h >> 16);
}

std::uint32_t load32(const char* bytes) noexcept {
  std::uint32_t value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

// The first `size` bytes of 16, the others zero.
Lanes load_word(const char* bytes, std::size_t size) noexcept {
  alignas(16) static constexpr auto kKeep = [] {
    std::array<unsigned char, 32> keep{};
    for (std::size_t i = 0; i < 16; ++i) keep[i] = 0xff;
    return keep;
  }();
  Lanes word, mask;
  std::memcpy(&word, bytes, sizeof word);
  std::memcpy(&mask, kKeep.data() + (kShortWord - size), sizeof mask);
  return word & mask;
}

// Hashes of four words of at most 16 bytes; block b of word w is lane w of blocks[b].
Lanes hash_four(const Lanes (&words)[4], Lanes sizes) noexcept {
  const Lanes low01 = __builtin_shufflevector(words[0], words[1], 0, 4, 1, 5);
  const Lanes low23 = __builtin_shufflevector(words[2], words[3], 0, 4, 1, 5);
  const Lanes high01 = __builtin_shufflevector(words[0], words[1], 2, 6, 3, 7);
  const Lanes high23 = __builtin_shufflevector(words[2], words[3], 2, 6, 3, 7);
  const Lanes blocks[4] = {__builtin_shufflevector(low01, low23, 0, 1, 4, 5),
                           __builtin_shufflevector(low01, low23, 2, 3, 6, 7),
                           __builtin_shufflevector(high01, high23, 0, 1, 4, 5),
                           __builtin_shufflevector(high01, high23, 2, 3, 6, 7)};
  Lanes h{};
  for (std::uint32_t b = 0; b < 4; ++b) {
    // A whole block is absorbed; the rest of a word is only mixed in, and zeros mix to zero.
    h ^= scramble(blocks[b]);
    const Lanes whole = Lanes(sizes >= 4 * (b + 1));
    h = (whole & absorb(h)) | (~whole & h);
  }
  return finish(Lanes(h ^ sizes));
}

// Cuts one text into words and hands the hashes of all its features to `count(const uint32_t*,
// size_t)`, in batches. Reads nothing outside the text and does not allocate.
template <class Count>
class RowHasher {
 public:
  RowHasher(std::size_t ngrams, Count& count) noexcept : ngrams_(ngrams), count_(count) {}

  void row(std::string_view text) noexcept {
    carried_ = 0;
    if (text.size() > kEdgeMax) return long_row(text);
    text_ = text.data();
    edges_ = 0;
    inside_ = 0;
    // Words that begin behind `direct_` are read from a padded copy of the text's end.
    const std::size_t copied = std::min(text.size(), 2 * kShortWord);
    copy_from_ = text.size() - copied;
    if (copied > 0) std::memcpy(copy_.data(), text.data() + copy_from_, copied);
    direct_ = text.size() < kShortWord ? 0 : text.size() - kShortWord + 1;

    std::size_t at = 0;
    for (; at + 64 <= text.size(); at += 64) {
      add_edges(~Block64(text.data() + at).white_space(), std::uint32_t(at));
      if (edges_ >= 2 * kBatch) hash_words();
    }
    // Blanks behind the text end its last word.
    std::array<char, 64> rest;
    rest.fill(' ');
    if (at < text.size()) std::memcpy(rest.data(), text.data() + at, text.size() - at);
    add_edges(~Block64(rest.data()).white_space(), std::uint32_t(at));
    while (edges_ > 0) hash_words();
  }

 private:
  static constexpr std::size_t kEdgeMax = 0xffff'ff00;  // Edges are 32-bit offsets.

  // Word by word, for texts too long for the edges.
  void long_row(std::string_view text) noexcept {
    constexpr std::string_view kWhiteSpace = " \t\n\v\f\r";
    for (;;) {
      const std::size_t start = text.find_first_not_of(kWhiteSpace);
      if (start == std::string_view::npos) return;
      text.remove_prefix(start);
      const std::size_t size = std::min(text.find_first_of(kWhiteSpace), text.size());
      hash_[kCarry] = murmur3(text.substr(0, size));
      features(1);
      text.remove_prefix(size);
    }
  }

  // Appends the offsets at which words begin or end in 64 bytes; bit i of `word` is set inside
  // words.
  void add_edges(std::uint64_t word, std::uint32_t at) noexcept {
    std::uint64_t changes = word ^ (word << 1 | inside_);
    inside_ = word >> 63;
    std::uint32_t* out = edge_.data() + edges_;
    const auto total = unsigned(std::popcount(changes));
    // Eight at a time without a branch each: surplus ones are overwritten later.
    for (unsigned done = 0; done < total; done += 8) {
      for (unsigned i = 0; i < 8; ++i) {
        out[done + i] = at + std::uint32_t(std::countr_zero(changes));
        changes &= changes - 1;
      }
    }
    edges_ += total;
  }

  const char* bytes_at(std::uint32_t start) const noexcept {
    return start < direct_ ? text_ + start : copy_.data() + (start - copy_from_);
  }

  // Hashes up to kBatch whole words among the edges, counts their features and keeps the edges left
  // over.
  void hash_words() noexcept {
    const std::size_t words = std::min(edges_ / 2, kBatch);
    const std::size_t used = 2 * words;
    const std::size_t kept = edges_ - used;
    for (std::size_t w = 0; w < words; w += 4) {
      Lanes four[4], sizes{};
      std::uint32_t longest = 0;
      for (std::size_t lane = 0; lane < 4; ++lane) {
        const std::size_t i = w + lane < words ? w + lane : w;  // Idle lanes repeat the first.
        const std::uint32_t start = edge_[2 * i], size = edge_[2 * i + 1] - start;
        four[lane] = load_word(bytes_at(start), std::min<std::size_t>(size, kShortWord));
        sizes[lane] = size;
        longest = std::max(longest, size);
      }
      const Lanes hashes = hash_four(four, sizes);
      std::memcpy(&hash_[kCarry + w], &hashes, sizeof hashes);
      if (longest > kShortWord) hash_long_words(w, std::min(w + 4, words));
    }
    features(words);
    std::memmove(edge_.data(), edge_.data() + used, kept * sizeof(std::uint32_t));
    edges_ = kept;
  }

  void hash_long_words(std::size_t first, std::size_t end) noexcept {
    for (std::size_t i = first; i < end; ++i) {
      const std::uint32_t start = edge_[2 * i], size = edge_[2 * i + 1] - start;
      if (size > kShortWord) hash_[kCarry + i] = murmur3({text_ + start, size});
    }
  }

  // Counts the words at hash_[kCarry..] and every n-gram that ends in one of them.
  void features(std::size_t words) noexcept {
    const std::uint32_t* const word = hash_.data() + kCarry;
    count_(word, words);
    if (ngrams_ > 1) {
      std::uint32_t* const gram = gram_.data() + kCarry;
      // The n-grams of one length come from those one shorter: drop the last word, fold it in
      // again.
      for (std::size_t n = 2; n <= ngrams_; ++n) {
        if (words + carried_ < n) break;
        const std::ptrdiff_t first = std::ptrdiff_t(n - 1) - std::ptrdiff_t(carried_);
        if (n == 2) {
          for (std::ptrdiff_t i = first; i < std::ptrdiff_t(words); ++i)
            gram[i] = fold(word[i - 1], word[i]);
        } else {
          for (std::ptrdiff_t i = std::ptrdiff_t(words); i-- > first;)
            gram[i] = fold(gram[i - 1], word[i]);
        }
        const std::ptrdiff_t shown = std::max<std::ptrdiff_t>(first, 0);
        count_(gram + shown, words - std::size_t(shown));
      }
      carry(words);
    }
  }

  // Keeps the last words for the n-grams of the next batch, right before where it begins.
  void carry(std::size_t words) noexcept {
    const std::size_t all = words + carried_, keep = std::min(all, ngrams_ - 1);
    std::memmove(hash_.data() + kCarry - keep, hash_.data() + kCarry + words - keep,
                 keep * sizeof(std::uint32_t));
    carried_ = keep;
  }

  std::size_t ngrams_;
  Count& count_;
  const char* text_ = nullptr;
  std::size_t direct_ = 0, copy_from_ = 0;
  std::size_t edges_ = 0, carried_ = 0;
  std::uint64_t inside_ = 0;
  std::array<std::uint32_t, 2 * kBatch + 2 * 64 + 8> edge_;
  std::array<std::uint32_t, kCarry + kBatch + 4> hash_;
  std::array<std::uint32_t, kCarry + kBatch + 4> gram_;
  std::array<char, 3 * kShortWord> copy_{};
};

// Up to this many buckets a row is counted in an array; beyond, its buckets are sorted.
constexpr unsigned kCountedBits = 12;

// Counters of one row, and what they come to.
class RowCounters {
 public:
  explicit RowCounters(unsigned bits) noexcept
      : size_(std::max(std::size_t{1} << bits, std::size_t{64})) {
    std::fill_n(counts_.data(), size_, 0u);
  }
  void add(std::uint32_t bucket) noexcept { ++counts_[bucket]; }

  // Appends what is counted, ascending, and sets the counters to zero.
  void flush(SparseCounts& out) {
    std::size_t found = 0;
    for (std::size_t at = 0; at < size_; at += 64) {
      for (std::uint64_t some = table::non_zero(counts_.data() + at); some != 0; some &= some - 1) {
        const std::size_t bucket = at + std::size_t(std::countr_zero(some));
        buckets_[found] = std::int32_t(bucket);
        values_[found++] = double(std::int32_t(counts_[bucket]));
      }
      std::memset(counts_.data() + at, 0, 64 * sizeof(std::uint32_t));
    }
    out.buckets.insert(out.buckets.end(), buckets_.data(), buckets_.data() + found);
    out.counts.insert(out.counts.end(), values_.data(), values_.data() + found);
  }

 private:
  static constexpr std::size_t kMax = std::size_t{1} << kCountedBits;
  std::size_t size_;
  std::array<std::uint32_t, kMax> counts_;
  std::array<std::int32_t, kMax> buckets_;
  std::array<double, kMax> values_;
};

}  // namespace

std::uint32_t murmur3(std::string_view bytes, std::uint32_t seed) noexcept {
  std::uint32_t h = seed;
  std::size_t at = 0;
  for (; at + 4 <= bytes.size(); at += 4) h = absorb(h ^ scramble(load32(bytes.data() + at)));
  std::uint32_t tail = 0;
  for (std::size_t i = bytes.size(); i-- > at;)
    tail = tail << 8 | static_cast<unsigned char>(bytes[i]);
  return finish(h ^ scramble(tail) ^ std::uint32_t(bytes.size()));
}

void hash_dense(const table::Texts& texts, RowRange rows, HashingOptions options,
                std::span<double> out) noexcept {
  const std::size_t buckets = std::size_t{1} << options.bits;
  const auto mask = std::uint32_t(buckets - 1);
  double* cells = out.data();
  auto count = [&](const std::uint32_t* hashes, std::size_t size) noexcept {
    for (std::size_t i = 0; i < size; ++i) cells[hashes[i] & mask] += 1;
  };
  RowHasher hasher(options.ngrams, count);
  for (std::size_t r = 0; r < rows.count; ++r) {
    cells = out.data() + r * buckets;
    std::fill_n(cells, buckets, 0.0);
    hasher.row(texts[rows.first + r]);
  }
}

void hash_columns(const table::Texts& texts, HashingOptions options,
                  std::span<double* const> columns) noexcept {
  const auto mask = std::uint32_t((std::size_t{1} << options.bits) - 1);
  std::size_t row = 0;
  auto count = [&](const std::uint32_t* hashes, std::size_t size) noexcept {
    for (std::size_t i = 0; i < size; ++i) columns[hashes[i] & mask][row] += 1;
  };
  RowHasher hasher(options.ngrams, count);
  for (; row < texts.size(); ++row) hasher.row(texts[row]);
}

namespace {

void hash_sparse_counted(const table::Texts& texts, RowRange rows, HashingOptions options,
                         SparseCounts& out) {
  const auto mask = std::uint32_t((std::size_t{1} << options.bits) - 1);
  RowCounters counters(options.bits);
  auto count = [&](const std::uint32_t* hashes, std::size_t size) noexcept {
    for (std::size_t i = 0; i < size; ++i) counters.add(hashes[i] & mask);
  };
  RowHasher hasher(options.ngrams, count);
  for (std::size_t r = 0; r < rows.count; ++r) {
    hasher.row(texts[rows.first + r]);
    counters.flush(out);
    out.row_ends.push_back(std::int64_t(out.buckets.size()));
  }
}

void hash_sparse_sorted(const table::Texts& texts, RowRange rows, HashingOptions options,
                        SparseCounts& out) {
  const auto mask = std::uint32_t((std::size_t{1} << options.bits) - 1);
  std::vector<std::int32_t> found;
  auto count = [&](const std::uint32_t* hashes, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) found.push_back(std::int32_t(hashes[i] & mask));
  };
  RowHasher hasher(options.ngrams, count);
  for (std::size_t r = 0; r < rows.count; ++r) {
    found.clear();
    hasher.row(texts[rows.first + r]);
    std::ranges::sort(found);
    for (std::size_t i = 0; i < found.size();) {
      std::size_t same = i + 1;
      while (same < found.size() && found[same] == found[i]) ++same;
      out.buckets.push_back(found[i]);
      out.counts.push_back(double(same - i));
      i = same;
    }
    out.row_ends.push_back(std::int64_t(out.buckets.size()));
  }
}

}  // namespace

void hash_sparse(const table::Texts& texts, RowRange rows, HashingOptions options,
                 SparseCounts& out) {
  if (options.bits <= kCountedBits) {
    hash_sparse_counted(texts, rows, options, out);
  } else {
    hash_sparse_sorted(texts, rows, options, out);
  }
}

}  // namespace mlgate::ml
