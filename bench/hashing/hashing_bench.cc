// Our side of bench/hashing: reads texts, one per line, from the file named by the argument, then
// obeys lines on its input and answers each with one line.
//   sparse | dense   hashes all texts once, in chunks of 2,000 rows; answers the CPU time in
//   nanoseconds totals           the number of features of each text words            the hash of
//   each distinct word, as "hash word", one per line, then an empty line
#include "ml/hashing.h"

#include <time.h>

#include <fstream>
#include <iostream>
#include <set>
#include <sstream>
#include <string>

namespace {

using namespace mlgate;

constexpr std::size_t kChunk = 2000;
constexpr ml::HashingOptions kOptions{.bits = 10, .ngrams = 2};

std::int64_t cpu_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return std::int64_t(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

// Calls `work` with each chunk of rows and gives the CPU time of all.
template <class Work>
std::int64_t timed(const table::Texts& texts, Work work) {
  const std::int64_t start = cpu_ns();
  for (std::size_t first = 0; first < texts.size(); first += kChunk)
    work(ml::RowRange{first, std::min(kChunk, texts.size() - first)});
  return cpu_ns() - start;
}

std::string totals(const table::Texts& texts) {
  ml::SparseCounts counts;
  ml::hash_sparse(texts, {0, texts.size()}, kOptions, counts);
  std::string line;
  for (std::size_t row = 0; row < texts.size(); ++row) {
    double total = 0;
    for (auto i = counts.row_ends[row]; i < counts.row_ends[row + 1]; ++i)
      total += counts.counts[std::size_t(i)];
    line += std::to_string(std::int64_t(total)) + " ";
  }
  return line;
}

std::string words(const table::Texts& texts) {
  std::set<std::string> distinct;
  for (std::size_t row = 0; row < texts.size(); ++row) {
    std::istringstream in{std::string(texts[row])};
    for (std::string word; in >> word;) distinct.insert(word);
  }
  std::string lines;
  for (const std::string& word : distinct)
    lines += std::to_string(ml::murmur3(word)) + " " + word + "\n";
  return lines;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  table::Texts texts;
  std::ifstream file(argv[1]);
  for (std::string line; std::getline(file, line);) texts.add(line);
  ml::SparseCounts sparse;
  std::vector<double> dense(kChunk << kOptions.bits);
  for (std::string command; std::getline(std::cin, command);) {
    if (command == "sparse") {
      std::cout << timed(texts, [&](ml::RowRange rows) {
        sparse.clear();
        ml::hash_sparse(texts, rows, kOptions, sparse);
      });
    } else if (command == "dense") {
      std::cout << timed(texts,
                         [&](ml::RowRange rows) { ml::hash_dense(texts, rows, kOptions, dense); });
    } else if (command == "totals") {
      std::cout << totals(texts);
    } else if (command == "words") {
      std::cout << words(texts);
    }
    std::cout << std::endl;
  }
  return 0;
}
