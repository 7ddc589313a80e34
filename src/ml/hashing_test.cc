#include "ml/hashing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace mlgate::ml {
namespace {

std::string dense_row(std::string_view text, HashingOptions options) {
  table::Texts texts;
  texts.add(text);
  std::vector<double> cells(std::size_t{1} << options.bits, -1.0);
  hash_dense(texts, {0, 1}, options, cells);
  std::string shown;
  for (const double cell : cells) {
    if (!shown.empty()) shown += ' ';
    shown += std::to_string(std::int64_t(cell));
  }
  return shown;
}

// The definition itself, word by word.
std::vector<std::uint32_t> features_of(std::string_view text, std::size_t ngrams) {
  std::vector<std::uint32_t> words, all;
  for (std::size_t at = 0;;) {
    const auto start = text.find_first_not_of(" \t\n\v\f\r", at);
    if (start == std::string_view::npos) break;
    const auto end = std::min(text.find_first_of(" \t\n\v\f\r", start), text.size());
    words.push_back(murmur3(text.substr(start, end - start)));
    at = end;
  }
  for (std::size_t n = 1; n <= std::max<std::size_t>(ngrams, 1); ++n) {
    for (std::size_t i = 0; i + n <= words.size(); ++i) {
      std::uint32_t hash = words[i];
      for (std::size_t k = 1; k < n; ++k) hash = fold(hash, words[i + k]);
      all.push_back(hash);
    }
  }
  return all;
}

TEST(Murmur, PublishedHashes) {
  EXPECT_EQ(murmur3(""), 0u);
  EXPECT_EQ(murmur3("test"), 0xba6bd213u);
  EXPECT_EQ(murmur3("This"), 2997037087u);
  EXPECT_EQ(murmur3("is"), 2021799277u);
  EXPECT_EQ(murmur3("a"), 1009084850u);
  EXPECT_EQ(murmur3("good"), 115441729u);
  EXPECT_EQ(murmur3("day"), 3774761357u);
  EXPECT_EQ(murmur3("ab"), 2613040991u);
  EXPECT_EQ(murmur3("abc"), 3017643002u);
  EXPECT_EQ(murmur3("abcd"), 1139631978u);
  EXPECT_EQ(murmur3("abcde"), 3902511862u);
  EXPECT_EQ(murmur3("a:b|c"), 1014806065u);
  EXPECT_EQ(murmur3("price:3"), 37517313u);
  EXPECT_EQ(murmur3("|"), 711529291u);
  EXPECT_EQ(murmur3("42"), 3159925814u);
  EXPECT_EQ(murmur3("042"), 1866310973u);
  EXPECT_EQ(murmur3("na\u00efve"), 992511445u);
  EXPECT_EQ(murmur3("caf\u00e9"), 605818632u);
  EXPECT_EQ(murmur3("good\u00a0day"), 1878644659u);
  EXPECT_EQ(murmur3("\u65e5\u672c"), 3302619458u);
  EXPECT_EQ(murmur3("\u8a9e"), 2170133842u);
}

TEST(Murmur, PublishedGrams) {
  const auto all = features_of("This is a good day", 3);
  const std::vector<std::uint32_t> grams(all.begin() + 5, all.end());
  EXPECT_EQ(grams, (std::vector<std::uint32_t>{1774321680u, 124346987u, 3423268139u, 605775306u,
                                               2474981762u, 4285806592u, 513024268u}));
}

TEST(FeatureHashing, TutorialRow) {
  EXPECT_EQ(dense_row("This is a good day", {.bits = 3, .ngrams = 2}), "1 1 2 2 0 2 0 1");
}

struct Vector {
  const char* text;
  const char* words;
  const char* grams;
};
constexpr Vector kVectors[] = {
    {"This is a good day", "0 1 1 0 0 2 0 1", "1 1 2 2 0 2 0 1"},
    {"This is a bad day", "0 0 1 1 0 2 0 1", "1 0 1 2 1 3 0 1"},
    {"This is a good day.", "0 1 1 1 0 1 0 1", "2 1 1 3 0 1 0 1"},
    {"I loved this book", "0 1 1 0 0 0 2 0", "0 1 1 2 1 0 2 0"},
    {"I hated this book", "0 0 1 1 0 0 2 0", "0 0 1 1 1 2 2 0"},
    {"This book was great", "0 1 0 0 1 0 1 1", "0 3 0 0 1 0 1 2"},
    {"I love books", "0 0 2 0 0 0 0 1", "0 1 2 0 0 1 0 1"},
    {"good", "0 1 0 0 0 0 0 0", "0 1 0 0 0 0 0 0"},
    {"Good", "0 0 0 1 0 0 0 0", "0 0 0 1 0 0 0 0"},
    {"good good good", "0 3 0 0 0 0 0 0", "0 3 0 0 0 0 2 0"},
    {"\u042d\u0442\u043e \u0445\u043e\u0440\u043e\u0448\u0438\u0439 \u0434\u0435\u043d\u044c",
     "0 0 0 0 2 1 0 0", "0 1 0 0 2 2 0 0"},
    {"", "0 0 0 0 0 0 0 0", "0 0 0 0 0 0 0 0"},
    {" \t\r\n\v\f ", "0 0 0 0 0 0 0 0", "0 0 0 0 0 0 0 0"},
    {"  This is\ta\r\ngood  day ", "0 1 1 0 0 2 0 1", "1 1 2 2 0 2 0 1"},
    {"a:b|c", "0 1 0 0 0 0 0 0", "0 1 0 0 0 0 0 0"},
    {"price:3 | 42 042", "0 1 0 1 0 1 1 0", "1 1 0 2 0 2 1 0"},
    {"na\u00efve caf\u00e9", "1 0 0 0 0 1 0 0", "1 1 0 0 0 1 0 0"},
    {"good\u00a0day", "0 0 0 1 0 0 0 0", "0 0 0 1 0 0 0 0"},
    {"\u65e5\u672c \u8a9e", "0 0 2 0 0 0 0 0", "0 0 2 0 1 0 0 0"},
};

TEST(FeatureHashing, EveryVector) {
  for (const Vector& vector : kVectors) {
    EXPECT_EQ(dense_row(vector.text, {.bits = 3, .ngrams = 1}), vector.words) << vector.text;
    EXPECT_EQ(dense_row(vector.text, {.bits = 3, .ngrams = 2}), vector.grams) << vector.text;
  }
}

TEST(FeatureHashing, OtherParameters) {
  constexpr std::string_view kText = "This is a good day";
  EXPECT_EQ(dense_row(kText, {.bits = 2, .ngrams = 2}), "1 3 2 3");
  EXPECT_EQ(dense_row(kText, {.bits = 3, .ngrams = 0}), "0 1 1 0 0 2 0 1");
  EXPECT_EQ(dense_row(kText, {.bits = 3, .ngrams = 3}), "2 1 3 2 1 2 0 1");
  EXPECT_EQ(dense_row(kText, {.bits = 3, .ngrams = 10}), "2 1 3 3 2 3 0 1");
  EXPECT_EQ(dense_row(kText, {.bits = 4, .ngrams = 2}), "1 1 1 0 0 0 0 0 0 0 1 2 0 2 0 1");
}

// Random texts of every shape around the widths that the kernel works in: blocks of 64 bytes, words
// of 16, batches of 256 words. Texts are allocated exactly, so that a sanitizer sees a read beyond.
table::Texts random_texts(std::uint32_t seed, std::size_t rows) {
  std::mt19937 random(seed);
  table::Texts texts;
  constexpr std::string_view kBytes = " \t\n\v\f\rabcXYZ0189.,:|\x0e\x08\x1f\x21\xff\x85\xa0\xc3";
  for (std::size_t r = 0; r < rows; ++r) {
    const std::size_t size = r < 200 ? r : random() % 3000;
    const unsigned blanks = random() % 3;  // 0: words are long; 2: mostly white space.
    std::string text;
    while (text.size() < size) {
      const bool blank = blanks == 0 ? random() % 40 == 0 : random() % (8 / blanks) == 0;
      text += blank ? kBytes[random() % 6] : kBytes[6 + random() % (kBytes.size() - 6)];
    }
    texts.add(text);
  }
  return texts;
}

TEST(FeatureHashing, EveryFormAgreesWithTheDefinition) {
  const table::Texts texts = random_texts(7, 400);
  for (const HashingOptions options : {HashingOptions{1, 0}, HashingOptions{3, 2},
                                       HashingOptions{10, 3}, HashingOptions{14, 10}}) {
    const std::size_t buckets = std::size_t{1} << options.bits;
    std::vector<double> dense(texts.size() * buckets, -1.0);
    hash_dense(texts, {0, texts.size()}, options, dense);
    SparseCounts sparse;
    hash_sparse(texts, {0, texts.size()}, options, sparse);
    std::vector<double> by_column(texts.size() * buckets);
    std::vector<double*> columns(buckets);
    for (std::size_t b = 0; b < buckets; ++b) columns[b] = by_column.data() + b * texts.size();
    hash_columns(texts, options, columns);
    for (std::size_t r = 0; r < texts.size(); ++r) {
      std::vector<double> wanted(buckets), from_sparse(buckets), from_columns(buckets);
      for (const std::uint32_t hash : features_of(texts[r], options.ngrams))
        wanted[hash & (buckets - 1)] += 1;
      std::int32_t last = -1;
      for (auto i = sparse.row_ends[r]; i < sparse.row_ends[r + 1]; ++i) {
        ASSERT_GT(sparse.buckets[std::size_t(i)], last);
        last = sparse.buckets[std::size_t(i)];
        from_sparse[std::size_t(last)] = sparse.counts[std::size_t(i)];
      }
      for (std::size_t b = 0; b < buckets; ++b) from_columns[b] = columns[b][r];
      const auto row = dense.begin() + std::ptrdiff_t(r * buckets);
      ASSERT_TRUE(std::equal(wanted.begin(), wanted.end(), row)) << "row " << r;
      ASSERT_EQ(wanted, from_sparse) << "row " << r;
      ASSERT_EQ(wanted, from_columns) << "row " << r;
    }
  }
}

TEST(FeatureHashing, ChunksOfAnySizeGiveTheSameCounts) {
  const table::Texts texts = random_texts(11, 300);
  const HashingOptions options{.bits = 10, .ngrams = 2};
  SparseCounts whole;
  hash_sparse(texts, {0, texts.size()}, options, whole);
  for (const std::size_t chunk : {1u, 7u, 2048u}) {
    SparseCounts parts;
    for (std::size_t first = 0; first < texts.size(); first += chunk)
      hash_sparse(texts, {first, std::min(chunk, texts.size() - first)}, options, parts);
    EXPECT_EQ(parts.buckets, whole.buckets);
    EXPECT_EQ(parts.counts, whole.counts);
    EXPECT_EQ(parts.row_ends, whole.row_ends);
  }
}

}  // namespace
}  // namespace mlgate::ml
