#include "base/crash_point.h"
#include "base/text.h"
#include "batch/runner_internal.h"
#include "table/csv.h"

#include <algorithm>
#include <cstdio>

namespace mlgate::batch {
namespace {

constexpr std::uint64_t kBlocksOfPartMax = 0xFFFFFF;

table::Table report_line(std::string_view row, std::string_view field, std::string_view message) {
  table::Table line;
  const auto add = [&](const char* name, std::string_view text) {
    table::Column column = table::make_column(name, table::DataType::string);
    std::get<table::Texts>(column.values).add(text);
    line.add(std::move(column));
  };
  add("Row", row);
  add("Column", field);
  add("Message", message);
  line.rows = 1;
  return line;
}

}  // namespace

std::string report_header() {
  std::string text;
  table::append_csv_header(text, report_line({}, {}, {}).schema(), {});
  return text;
}

std::string block_id(std::string_view job, std::uint64_t part, std::uint64_t epoch,
                     std::uint64_t number) {
  char text[64];
  std::snprintf(text, sizeof text, "-%010llx-%010llx-%06llx", static_cast<unsigned long long>(part),
                static_cast<unsigned long long>(epoch), static_cast<unsigned long long>(number));
  return std::string(job.substr(0, 32)) + text;
}

BlockWriter::BlockWriter(const OpenPort& port, std::string_view job, std::uint64_t part,
                         std::uint64_t epoch, std::size_t block_bytes)
    : port_(port), job_(job), part_(part), epoch_(epoch), block_bytes_(block_bytes) {}

Result<void> BlockWriter::flush() {
  if (blocks_ >= kBlocksOfPartMax)
    return fail(Errc::exhausted, "A part of the result has too many blocks.");
  crash_point();
  auto done = port_.file->put_block(block_id(job_, part_, epoch_, blocks_), buffer_);
  if (!done) return std::unexpected(std::move(done).error().within(place_text("Output", port_)));
  crash_point();
  ++blocks_;
  buffer_.clear();
  return {};
}

Result<void> BlockWriter::stage() {
  return buffer_.size() < block_bytes_ ? Result<void>() : flush();
}

Result<void> BlockWriter::finish() { return buffer_.empty() ? Result<void>() : flush(); }

PartScorer::PartScorer(const OpenJob& job, const RunnerOptions& options,
                       std::vector<BlockWriter>& outputs, BlockWriter& report)
    : job_(job), options_(options), outputs_(outputs), report_(report) {}

std::size_t PartScorer::batch_rows() const noexcept {
  std::size_t columns = 1;
  for (const ml::ScorerPort& output : job_.scorer->outputs()) columns += output.schema.size();
  for (const table::Schema& schema : schemas_) columns = std::max(columns, schema.size());
  return std::clamp<std::size_t>(options_.batch_cells_max / columns, 1, options_.batch_rows_max);
}

Result<void> PartScorer::run(const Input& input, const std::function<bool()>& still_held) {
  if (input.ends.empty() && input.writes_header) {
    TRY_OK(score(input, 0, 0));
  }
  for (std::size_t first = 0; first < input.ends.size();) {
    if (!still_held()) return fail(Errc::closed, "the work was given to another worker or ended");
    const std::size_t last = std::min(first + batch_rows(), input.ends.size());
    TRY_OK(score(input, first, last));
    first = last;
  }
  for (BlockWriter& output : outputs_) {
    TRY_OK(output.finish());
  }
  return report_.finish();
}

Result<std::vector<table::Table>> PartScorer::try_score(const Input& input, std::size_t first,
                                                        std::size_t last) const {
  const std::size_t begin = first == 0 ? 0 : input.ends[first - 1];
  const std::size_t end = last == 0 ? 0 : input.ends[last - 1];
  const auto reader = make_row_reader(job_.inputs[0].format,
                                      {.schema = job_.scorer->inputs()[0].schema,
                                       .rows_per_table = std::max<std::size_t>(last - first, 1),
                                       .rows_before = input.rows_before + first});
  reader->feed(input.header);
  reader->feed(input.bytes.substr(begin, end - begin));
  reader->finish();
  auto table = reader->next();
  if (!table) {
    Error error = std::move(table).error();
    return std::unexpected(std::move(error).within(place_text("Input", job_.inputs[0])));
  }
  if (!*table || (*table)->rows != last - first)
    return fail(Errc::internal, "a batch has another number of rows than it was cut for");
  return job_.scorer->score(std::span(&**table, 1), job_.globals);
}

// What cannot be scored is halved until the one row that is to blame stands alone.
Result<void> PartScorer::score(const Input& input, std::size_t first, std::size_t last) {
  auto results = try_score(input, first, last);
  if (results) return write(input, *results);
  Error error = std::move(results).error();
  const bool of_a_row = error.code() == Errc::invalid_argument && last > first;
  // The reader names the row by itself.
  const bool named = error.message().find("Row ") != std::string::npos;
  const bool skips = job_.spec.row_errors == RowErrors::skip;
  if (!of_a_row || (named && !skips)) return std::unexpected(std::move(error));
  if (last - first == 1) {
    if (skips) return skip(input, first, error);
    return std::unexpected(
        std::move(error).within("Row " + std::to_string(input.rows_before + first + 1)));
  }
  const std::size_t middle = first + (last - first) / 2;
  TRY_OK(score(input, first, middle));
  return score(input, middle, last);
}

Result<void> PartScorer::write(const Input& input, const std::vector<table::Table>& results) {
  if (results.size() != outputs_.size())
    return fail(Errc::internal, "the scorer has another number of outputs than the job");
  const bool header = input.writes_header && !header_written_;
  if (schemas_.empty())
    for (const table::Table& table : results) schemas_.push_back(table.schema());
  for (std::size_t i = 0; i < results.size(); ++i) {
    const Format format = job_.outputs[i].format;
    std::string& buffer = outputs_[i].buffer();
    if (header) append_header(buffer, format, schemas_[i]);
    append_rows(buffer, format, results[i]);
    TRY_OK(outputs_[i].stage());
  }
  header_written_ |= header;
  if (!results.empty()) rows_ += results.front().rows;
  return {};
}

Result<void> PartScorer::skip(const Input& input, std::size_t record, const Error& error) {
  const table::Table line =
      report_line(std::to_string(input.rows_before + record + 1), error.field(), error.message());
  table::append_csv_rows(report_.buffer(), line, 0, 1, {});
  ++skipped_;
  // The header of the result is due even if every row is skipped.
  if (input.writes_header && !header_written_) {
    auto none = try_score(input, 0, 0);
    if (!none) return std::unexpected(std::move(none).error());
    TRY_OK(write(input, *none));
  }
  return report_.stage();
}

}  // namespace mlgate::batch
