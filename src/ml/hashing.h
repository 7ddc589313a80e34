#pragma once
// The kernel of Feature Hashing: texts become counts of hashed words and n-grams. Pure functions,
// the same numbers on every machine for ever, because trained models depend on them.
//
// A word is a run of bytes without ASCII white space; its hash is MurmurHash3 x86 32 bit, seed 0,
// of the bytes. An n-gram folds the hashes of its words, left to right, by `fold`. The bucket of a
// feature is the low `bits` bits of its hash; a cell counts the occurrences.
#include "table/types.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace mlgate::ml {

inline constexpr unsigned kHashingBitsMax = 31;
inline constexpr unsigned kNgramsMax = 10;

struct HashingOptions {
  unsigned bits = 10;   // 1 to kHashingBitsMax.
  unsigned ngrams = 2;  // 0 to kNgramsMax; 0 is as 1: words alone.
};

std::uint32_t murmur3(std::string_view bytes, std::uint32_t seed = 0) noexcept;

constexpr std::uint32_t fold(std::uint32_t left, std::uint32_t right) noexcept {
  return left * 27942141u + right;
}

struct RowRange {
  std::size_t first = 0, count = 0;
};

// `out` has rows.count x 2^bits cells, row by row; every cell is written. Does not allocate.
void hash_dense(const table::Texts& texts, RowRange rows, HashingOptions options,
                std::span<double> out) noexcept;

// Column i of the rows is columns[i], whose cells are zero before; 2^bits columns. Does not
// allocate.
void hash_columns(const table::Texts& texts, HashingOptions options,
                  std::span<double* const> columns) noexcept;

// Compressed sparse rows: row r has cells [row_ends[r], row_ends[r + 1]), buckets ascending, each
// once.
struct SparseCounts {
  std::vector<std::int32_t> buckets;
  std::vector<double> counts;
  std::vector<std::int64_t> row_ends{0};

  void clear() noexcept {
    buckets.clear();
    counts.clear();
    row_ends.resize(1);
  }
};
// Appends the rows to `out`.
void hash_sparse(const table::Texts& texts, RowRange rows, HashingOptions options,
                 SparseCounts& out);

}  // namespace mlgate::ml
