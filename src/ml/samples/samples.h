#pragma once
// Datasets that the program carries, so that the first experiment needs no upload.
#include <string_view>

namespace mlgate::ml {

// "Book Reviews from Amazon": tab-separated UTF-8 without a header, columns Col1 (rating 1 to 5)
// and Col2 (text), at least 1,000 rows. Our own text; see NOTES.md beside it.
std::string_view book_reviews_tsv() noexcept;

}  // namespace mlgate::ml
