#include "base/text.h"
#include "table/cell_text.h"
#include "table/csv.h"
#include "table/csv_convert.h"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <map>

namespace mlgate::table {
namespace {

// Small enough that a batch's bytes and fields stay in the nearest caches between cutting and
// converting.
constexpr std::size_t kBatchRows = 512;

// Names from the header record, or Col1, Col2, … for a file without one.
Result<std::vector<std::string>> names_of(const CsvRecords& records, bool header) {
  std::vector<std::string> names;
  std::string scratch;
  for (std::size_t i = 0; i < records.width(); ++i) {
    names.push_back(header ? std::string(csv_text(records, records.fields()[i], scratch))
                           : "Col" + std::to_string(i + 1));
    if (!is_utf8(names.back()))
      return fail(Errc::invalid_argument,
                  "The header, column " + std::to_string(i + 1) + ": the text is not UTF-8.");
  }
  return names;
}

std::vector<std::string> made_unique(std::vector<std::string> names) {
  std::map<std::string, std::size_t> next;
  for (const std::string& name : names) next.emplace(name, 0);
  for (std::string& name : names) {
    std::size_t& tried = next.at(name);
    if (tried == 0) {
      tried = 1;
      continue;
    }
    for (std::string other;;) {
      other = name + "_" + std::to_string(tried++);
      if (next.emplace(other, 1).second) {
        name = std::move(other);
        break;
      }
    }
  }
  return names;
}

Result<std::size_t> find_name(const std::vector<std::string>& names, const std::string& wanted) {
  const auto exact = std::ranges::find(names, wanted);
  if (exact != names.end()) return std::size_t(exact - names.begin());
  const auto similar = std::ranges::find_if(
      names, [&](const std::string& name) { return equals_ignoring_case(name, wanted); });
  if (similar == names.end())
    return fail(Errc::not_found, "There is no column \"" + wanted + "\".", wanted);
  return std::size_t(similar - names.begin());
}

}  // namespace

CsvReader::CsvReader(CsvReadOptions options)
    : options_(std::move(options)), records_(options_.format, options_.limits) {
  options_.rows_per_table = std::max<std::size_t>(options_.rows_per_table, 1);
}

void CsvReader::finish() noexcept {
  records_.finish();
  finished_ = true;
}

Result<void> CsvReader::bind(const std::vector<std::string>& names) {
  schema_ = options_.schema;
  const bool all = schema_.empty();
  if (all)
    for (const std::string& name : made_unique(names))
      schema_.push_back({name, DataType::string, {}});
  for (std::size_t i = 0; i < schema_.size(); ++i) {
    std::size_t field = i;
    if (!all && options_.format.header && !options_.by_position) {
      TRY(field, find_name(names, schema_[i].name));
    }
    if (field >= names.size())
      return fail(
          Errc::not_found,
          "There is no column " + std::to_string(field + 1) + " for \"" + schema_[i].name + "\".",
          schema_[i].name);
    wanted_.push_back({field, {}});
  }
  start_columns();
  bound_ = true;
  return {};
}

void CsvReader::start_columns() {
  for (std::size_t i = 0; i < wanted_.size(); ++i) {
    wanted_[i].column = make_column(schema_[i].name, schema_[i].type);
    wanted_[i].column.role = schema_[i].role;
  }
  rows_ = 0;
}

namespace {

constexpr std::size_t kLargePage = std::size_t{2} << 20;

// Asks for large pages behind room that is about to be filled: page faults are a fifth of the cost
// otherwise. Advice only; the contents stay, and it does not matter when it is refused.
void use_large_pages([[maybe_unused]] const void* room,
                     [[maybe_unused]] std::size_t bytes) noexcept {
#if defined(MADV_HUGEPAGE)
  constexpr std::uintptr_t kPage = 4096;
  const auto begin = reinterpret_cast<std::uintptr_t>(room) & ~(kPage - 1);
  const std::uintptr_t last = (reinterpret_cast<std::uintptr_t>(room) + bytes) & ~(kPage - 1);
  if (bytes >= kLargePage) ::madvise(reinterpret_cast<void*>(begin), last - begin, MADV_HUGEPAGE);
#endif
}

// Elements to reserve for `count` of `size` bytes: room of half a large page is filled up to whole
// ones, so that its end gets one, too. What is not used of it takes no memory until touched.
std::size_t rounded_room(std::size_t count, std::size_t size) noexcept {
  const std::size_t bytes = count * size;
  if (bytes < kLargePage / 2) return count;
  return (bytes + 2 * kLargePage) / kLargePage * kLargePage / size;
}

}  // namespace

void CsvReader::expect(double factor) {
  const auto more = [factor](std::size_t count, std::size_t size) {
    return rounded_room(std::size_t(double(count) * factor), size);
  };
  for (Wanted& wanted : wanted_) {
    std::visit(
        [&]<class V>(V& values) {
          if constexpr (std::is_same_v<V, Texts>) {
            values.reserve(more(values.size(), sizeof(std::size_t)), more(values.bytes(), 1));
            values.each_block(use_large_pages);
          } else {
            values.reserve(more(values.size(), sizeof(values[0])));
            use_large_pages(values.data(), values.capacity() * sizeof(values[0]));
          }
        },
        wanted.column.values);
  }
}

std::optional<Table> CsvReader::take() {
  Table table;
  for (Wanted& wanted : wanted_) table.add(std::move(wanted.column));
  table.rows = rows_;
  any_table_ = true;
  start_columns();
  return table;
}

// The header, or the first record of a file without one, fixes the columns.
Result<void> CsvReader::begin(std::size_t& records) {
  TRY(records, records_.next(1));
  if (records == 0) {
    if (!finished_) return {};
    // No record at all: the wanted columns without rows.
    schema_ = options_.schema;
    wanted_.resize(schema_.size());
    start_columns();
    bound_ = true;
    return {};
  }
  TRY(const std::vector<std::string> names, names_of(records_, options_.format.header));
  TRY_OK(bind(names));
  records_.count_from(options_.rows_before);
  if (options_.format.header) records = 0;
  return {};
}

Result<void> CsvReader::convert(std::size_t records) {
  const bool ascii = records_.ascii();
  std::size_t bad_row = records, bad_column = 0;
  for (std::size_t i = 0; i < wanted_.size(); ++i) {
    const CsvColumnBatch batch{.records = records_,
                               .field = wanted_[i].field,
                               .rows = records,
                               .ascii = ascii,
                               .empty_text_is_missing = options_.empty_text_is_missing};
    const std::size_t row = append_csv_column(wanted_[i].column, batch);
    if (row < bad_row) {
      bad_row = row;
      bad_column = i;
    }
  }
  rows_ += records;
  if (bad_row == records) return {};
  const ColumnSchema& column = schema_[bad_column];
  const std::uint64_t number = records_.row() - records + bad_row;
  std::string scratch;
  const std::string_view text = csv_text(
      records_, records_.fields()[bad_row * records_.width() + wanted_[bad_column].field], scratch);
  constexpr std::size_t kShownMax = 60;
  const std::string what = column.type == DataType::string
                               ? "the text is not UTF-8."
                               : "\"" + std::string(text.substr(0, kShownMax)) +
                                     (text.size() > kShownMax ? "…" : "") + "\" is not a " +
                                     std::string(name_of(column.type)) + ".";
  return fail(Errc::invalid_argument,
              "Row " + std::to_string(number) + ", column \"" + column.name + "\": " + what,
              column.name);
}

Result<std::optional<Table>> CsvReader::next() {
  if (error_) return std::unexpected(*error_);
  const auto failed = [this](Error error) {
    error_ = std::move(error);
    return std::unexpected(*error_);
  };
  while (rows_ < options_.rows_per_table) {
    std::size_t records = 0;
    if (!bound_) {
      if (auto begun = begin(records); !begun) return failed(std::move(begun).error());
      if (!bound_) return std::nullopt;
    } else {
      auto found = records_.next(std::min(kBatchRows, options_.rows_per_table - rows_));
      if (!found) return failed(std::move(found).error());
      records = *found;
      if (records == 0) {
        if (!finished_ || ended_) return std::nullopt;
        ended_ = true;
        if (rows_ == 0 && any_table_) return std::nullopt;
        return take();
      }
    }
    if (records > 0) {
      if (auto converted = convert(records); !converted)
        return failed(std::move(converted).error());
    }
  }
  return take();
}

Result<Table> read_csv(const CsvSource& source, std::size_t bytes_expected,
                       CsvReadOptions options) {
  constexpr std::size_t kSampleBytes = 4 * kCsvSliceBytes;
  options.rows_per_table = kAllRows;
  CsvReader reader(std::move(options));
  std::size_t fed = 0;
  bool expected = false;
  for (;;) {
    TRY(const std::size_t size, source(reader.prepare(kCsvSliceBytes)));
    if (size == 0) break;
    reader.commit(size);
    fed += size;
    // Nothing comes before the end; this converts what was fed.
    TRY_OK(reader.next());
    // The first slices tell how much room the rest takes, which saves growing by copying.
    if (!expected && fed >= kSampleBytes) {
      expected = true;
      reader.expect(1.03 * double(bytes_expected) / double(fed));
    }
  }
  reader.finish();
  TRY(std::optional<Table> table, reader.next());
  if (!table) return fail(Errc::internal, "a reader gave no table");
  return *std::move(table);
}

Result<Table> read_csv(std::string_view text, CsvReadOptions options) {
  constexpr std::size_t kSampleBytes = std::size_t{256} << 10, kLarge = 4 * kSampleBytes;
  options.rows_per_table = kAllRows;
  CsvReader reader(std::move(options));
  // Reads whole records where they are, and gives how many bytes they take.
  const auto read_in_place = [&](std::size_t size) -> Result<std::size_t> {
    reader.borrow(text.substr(0, size));
    TRY_OK(reader.next());
    const std::size_t done = size - reader.pending();
    text.remove_prefix(done);
    return done;
  };
  if (text.size() > kLarge) {
    const auto all = double(text.size());
    TRY(const std::size_t sample, read_in_place(kSampleBytes));
    if (sample > 0) reader.expect(1.03 * all / double(sample));
    if (text.size() > kLarge) {
      TRY_OK(read_in_place(text.size() - CsvRecords::kReadBeyond));
    }
    reader.borrow({});
  }
  reader.feed(text);
  reader.finish();
  TRY(std::optional<Table> table, reader.next());
  if (!table) return fail(Errc::internal, "a reader gave no table");
  return *std::move(table);
}

namespace {

// Which types still hold every cell of one column.
class TypeGuess {
 public:
  void see(std::string_view text) noexcept {
    if (text.empty() || possible_ == 0) return;
    seen_ = true;
    if (text == "NaN") {  // A missing number.
      possible_ &= bit(DataType::real);
      return;
    }
    if ((possible_ & bit(DataType::boolean)) != 0 && !is_word(text)) drop(DataType::boolean);
    if ((possible_ & bit(DataType::int32)) != 0 && !parse_int32(text)) drop(DataType::int32);
    if ((possible_ & bit(DataType::int64)) != 0 && !parse_int64(text)) drop(DataType::int64);
    if ((possible_ & bit(DataType::real)) != 0 && !parse_real(text)) drop(DataType::real);
    if ((possible_ & bit(DataType::date_time)) != 0 && !parse_date_time(text))
      drop(DataType::date_time);
    if ((possible_ & bit(DataType::time_span)) != 0 && !parse_time_span(text))
      drop(DataType::time_span);
  }
  DataType type() const noexcept {
    if (!seen_) return DataType::string;
    for (const DataType type : kNarrowestFirst)
      if ((possible_ & bit(type)) != 0) return type;
    return DataType::string;
  }

 private:
  static constexpr std::array kNarrowestFirst = {DataType::boolean,   DataType::int32,
                                                 DataType::int64,     DataType::real,
                                                 DataType::date_time, DataType::time_span};
  static constexpr unsigned bit(DataType type) noexcept { return 1u << unsigned(type); }
  // 1 and 0 are numbers here.
  static bool is_word(std::string_view text) noexcept {
    return equals_ignoring_case(text, "true") || equals_ignoring_case(text, "false");
  }
  void drop(DataType type) noexcept { possible_ &= ~bit(type); }

  unsigned possible_ = 0x7e;  // All but String.
  bool seen_ = false;
};

}  // namespace

Result<Schema> infer_csv_schema(std::string_view text, CsvFormat format, CsvLimits limits) {
  CsvRecords records(format, limits);
  std::vector<std::string> names;
  std::vector<TypeGuess> guesses;
  std::string scratch;
  for (std::size_t at = 0; at <= text.size(); at += kCsvSliceBytes) {
    records.feed(text.substr(at, kCsvSliceBytes));
    if (at + kCsvSliceBytes > text.size()) records.finish();
    for (;;) {
      TRY(const std::size_t found, records.next(kBatchRows));
      if (found == 0) break;
      const bool first = names.empty();
      if (first) {
        TRY(names, names_of(records, format.header));
        names = made_unique(std::move(names));
        guesses.resize(names.size());
      }
      if (first && format.header) continue;
      for (std::size_t i = 0; i < found * names.size(); ++i)
        guesses[i % names.size()].see(csv_text(records, records.fields()[i], scratch));
    }
  }
  Schema schema;
  for (std::size_t i = 0; i < names.size(); ++i)
    schema.push_back({names[i], guesses[i].type(), {}});
  return schema;
}

Result<Table> import_csv(std::string_view text, CsvFormat format, CsvLimits limits) {
  TRY(Schema schema, infer_csv_schema(text, format, limits));
  if (schema.empty()) return fail(Errc::invalid_argument, "The file is empty.");
  // The names may differ from the header's, so columns count from the left and the header is passed
  // over.
  CsvReadOptions options;
  options.format = format;
  options.limits = limits;
  options.schema = std::move(schema);
  options.by_position = true;
  options.empty_text_is_missing = true;
  return read_csv(text, std::move(options));
}

}  // namespace mlgate::table
