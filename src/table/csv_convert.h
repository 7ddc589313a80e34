#pragma once
// Converts one column of a batch of CSV records at a time, so that the type is looked at once per
// batch.
#include "table/csv_records.h"
#include "table/types.h"

#include <cstddef>

namespace mlgate::table {

struct CsvColumnBatch {
  const CsvRecords& records;
  std::size_t field = 0;  // Place of the column in each record.
  std::size_t rows = 0;
  bool ascii = false;                  // Nothing to check for UTF-8.
  bool empty_text_is_missing = false;  // In String columns.
};

// Appends the batch's cells to the column. Gives the first row (of the batch, from 0) whose text
// does not convert; batch.rows when all do. The column is of no use behind that row.
std::size_t append_csv_column(Column& column, const CsvColumnBatch& batch);

// A field's text, doubled quotes made single; `scratch` holds it when it had any.
std::string_view csv_text(const CsvRecords& records, const CsvField& field, std::string& scratch);

}  // namespace mlgate::table
