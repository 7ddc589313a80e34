#pragma once
// Columnar tables. A Table is named columns of equal length; a column holds one data type, with
// missing values. Kernels are free functions over spans of these vectors.
#include "base/result.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace mlgate::table {

enum class DataType : unsigned char { string, int32, int64, real, boolean, date_time, time_span };

// "String", "Int32", "Int64", "Double", "Boolean", "DateTime", "TimeSpan": as in ColumnTypes of RRS
// answers.
std::string_view name_of(DataType type) noexcept;
std::optional<DataType> data_type_from(std::string_view name) noexcept;

// Texts of one column, stored end to end: text i is bytes [offsets[i], offsets[i + 1]).
class Texts {
 public:
  void add(std::string_view text) {
    bytes_.append(text);
    offsets_.push_back(bytes_.size());
  }
  std::string_view operator[](std::size_t row) const noexcept {
    return std::string_view(bytes_).substr(offsets_[row], offsets_[row + 1] - offsets_[row]);
  }
  std::size_t size() const noexcept { return offsets_.size() - 1; }
  std::size_t bytes() const noexcept { return bytes_.size(); }
  void reserve(std::size_t rows, std::size_t bytes) {
    offsets_.reserve(rows + 1);
    bytes_.reserve(bytes);
  }
  void clear() noexcept {
    bytes_.clear();
    offsets_.resize(1);
  }
  // Shows the reserved memory to `look(const void* begin, std::size_t bytes)`.
  template <class Look>
  void each_block(Look look) const {
    look(bytes_.data(), bytes_.capacity());
    look(offsets_.data(), offsets_.capacity() * sizeof(offsets_[0]));
  }
  // Appends `rows` texts at once. `write(char* to, std::size_t* lengths)` writes their bytes one
  // after the other and each one's length; it may touch `bytes_max` bytes, and uses as many as the
  // lengths add up to.
  template <class Write>
  void append(std::size_t rows, std::size_t bytes_max, Write write) {
    const std::size_t row = offsets_.size(), end = bytes_.size();
    offsets_.resize(row + rows);
    bytes_.resize_and_overwrite(end + bytes_max, [&](char* bytes, std::size_t) {
      write(bytes + end, offsets_.data() + row);
      std::size_t at = end;
      for (std::size_t i = row; i < row + rows; ++i) at = offsets_[i] += at;
      return at;
    });
  }

 private:
  std::string bytes_;
  std::vector<std::size_t> offsets_{0};
};

// int32 and boolean share a vector of int32; date_time (ms since the epoch), time_span (100 ns
// ticks) and int64 one of int64.
using Values =
    std::variant<Texts, std::vector<std::int32_t>, std::vector<std::int64_t>, std::vector<double>>;

struct ColumnRole {  // Metadata that modules and the column selector look at.
  bool feature = true;
  bool label = false;
  bool categorical = false;
};

struct Column {
  std::string name;
  DataType type = DataType::string;
  Values values;
  // One byte per row, 1 = missing; empty when nothing is missing. A missing cell's value is "" or
  // 0.
  std::vector<std::uint8_t> missing;
  ColumnRole role;

  std::size_t rows() const noexcept;
  bool is_missing(std::size_t row) const noexcept { return !missing.empty() && missing[row] != 0; }
  const Texts& texts() const { return std::get<Texts>(values); }
  const std::vector<double>& reals() const { return std::get<std::vector<double>>(values); }
};

// An empty column of that type, ready to be filled.
Column make_column(std::string name, DataType type);

struct ColumnSchema {
  std::string name;
  DataType type = DataType::string;
  ColumnRole role;
};
using Schema = std::vector<ColumnSchema>;

struct Table {
  // Shared, so that projecting or appending columns copies no data.
  std::vector<std::shared_ptr<const Column>> columns;
  std::size_t rows = 0;

  const Column* find(std::string_view name) const noexcept;
  void add(Column column);
  Schema schema() const;
  // Equal lengths, type and vector agree, masks of the right length, names unique: the first
  // violation.
  Result<void> validate() const;
};

// Appends the cell's text as the web-service and BES dialects print it (G15 doubles, True/False,
// M/d/yyyy h:mm:ss tt). A missing cell appends nothing.
void append_cell_text(std::string& out, const Column& column, std::size_t row);

// Reads one cell's text by invariant rules into the column's end; false when it does not convert.
// Empty text is missing for every type but string.
bool append_parsed_cell(Column& column, std::string_view text);
void append_missing_cell(Column& column);

}  // namespace mlgate::table
