#include "table/arff.h"

#include "base/text.h"

#include <algorithm>

namespace mlgate::table {
namespace {

constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }

std::string_view without_line_end(std::string_view line) noexcept {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

void skip_blanks(std::string_view& text) noexcept {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
}

char unescaped(char c) noexcept {
  switch (c) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return c;
  }
}

struct Token {
  std::string text;
  bool quoted = false;
};

// Takes a quoted text, or everything up to one of `ends`; nullopt when a quote is not closed.
std::optional<Token> take_token(std::string_view& text, std::string_view ends) {
  skip_blanks(text);
  Token token;
  if (!text.empty() && (text.front() == '\'' || text.front() == '"')) {
    const char quote = text.front();
    text.remove_prefix(1);
    token.quoted = true;
    for (;;) {
      const std::size_t at = text.find_first_of(quote == '"' ? "\"\\" : "'\\");
      if (at == std::string_view::npos) return std::nullopt;
      token.text.append(text.substr(0, at));
      const char c = text[at];
      text.remove_prefix(at + 1);
      if (c == quote) return token;
      if (text.empty()) return std::nullopt;
      token.text += unescaped(text.front());
      text.remove_prefix(1);
    }
  }
  const std::size_t end = std::min(text.find_first_of(ends), text.size());
  std::string_view plain = text.substr(0, end);
  while (!plain.empty() && is_blank(plain.back())) plain.remove_suffix(1);
  token.text = plain;
  text.remove_prefix(end);
  return token;
}

bool is_numeric(DataType type) noexcept {
  return type == DataType::int32 || type == DataType::int64 || type == DataType::real;
}

void append_quoted(std::string& out, std::string_view text) {
  const bool plain = !text.empty() && text != "?" && std::ranges::none_of(text, [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == ',' || c == '\'' || c == '"' || c == '%' ||
           c == '{' || c == '}' || c == '\\';
  });
  if (plain) {
    out += text;
    return;
  }
  out += '\'';
  for (const char c : text) {
    if (c == '\'' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else {
      out += c;
    }
  }
  out += '\'';
}

}  // namespace

ArffReader::ArffReader(ArffReadOptions options) : options_(std::move(options)) {
  options_.rows_per_table = std::max<std::size_t>(options_.rows_per_table, 1);
  row_ = options_.rows_before;
}

void ArffReader::feed(std::string_view bytes) {
  if (at_ > 0) {
    buffer_.erase(0, at_);
    looked_ -= at_;
    at_ = 0;
  }
  buffer_ += bytes;
}

std::unexpected<Error> ArffReader::wrong(std::string_view what) const {
  const std::string place =
      in_data_ ? "Row " + std::to_string(row_) : "The header, line " + std::to_string(line_);
  return fail(Errc::invalid_argument, place + ": " + std::string(what));
}

Result<void> ArffReader::attribute_line(std::string_view rest) {
  if (attributes_.size() >= options_.limits.attributes_max)
    return wrong("there are more than " + std::to_string(options_.limits.attributes_max) +
                 " attributes.");
  ArffAttribute attribute;
  const auto name = take_token(rest, " \t");
  if (!name || (name->text.empty() && !name->quoted)) return wrong("an attribute has no name.");
  attribute.name = name->text;
  if (!is_utf8(attribute.name)) return wrong("the text is not UTF-8.");
  skip_blanks(rest);
  using Kind = ArffAttribute::Kind;
  if (rest.starts_with('{')) {
    attribute.kind = Kind::nominal;
    rest.remove_prefix(1);
    for (;;) {
      auto label = take_token(rest, ",}");
      skip_blanks(rest);
      if (!label || rest.empty()) return wrong("a list of labels is not closed.");
      attribute.labels.push_back(std::move(label->text));
      const char c = rest.front();
      rest.remove_prefix(1);
      if (c == '}') break;
      if (c != ',') return wrong("text follows a closing quote.");
    }
  } else {
    const auto type = take_token(rest, " \t");
    const std::string word = type ? to_lower(type->text) : std::string();
    if (word == "numeric" || word == "real" || word == "integer") {
      attribute.kind = Kind::numeric;
    } else if (word == "date") {
      attribute.kind = Kind::date;
    } else if (word != "string") {
      return wrong("the type of attribute \"" + attribute.name +
                   "\" has to be NUMERIC, REAL, INTEGER, STRING, DATE or a list of labels.");
    }
  }
  attributes_.push_back(std::move(attribute));
  return {};
}

Result<void> ArffReader::bind() {
  using Kind = ArffAttribute::Kind;
  if (attributes_.empty()) return wrong("there are no attributes.");
  schema_ = options_.schema;
  const bool all = schema_.empty();
  for (std::size_t i = 0; all && i < attributes_.size(); ++i) {
    const Kind kind = attributes_[i].kind;
    schema_.push_back({attributes_[i].name,
                       kind == Kind::numeric ? DataType::real
                       : kind == Kind::date  ? DataType::date_time
                                             : DataType::string,
                       {}});
  }
  for (std::size_t i = 0; i < schema_.size(); ++i) {
    std::size_t found = i;
    if (!all) {
      const std::string& name = schema_[i].name;
      auto at = std::ranges::find(attributes_, name, &ArffAttribute::name);
      if (at == attributes_.end())
        at = std::ranges::find_if(attributes_, [&](const ArffAttribute& one) {
          return equals_ignoring_case(one.name, name);
        });
      if (at == attributes_.end())
        return fail(Errc::not_found, "There is no column \"" + name + "\".", name);
      found = std::size_t(at - attributes_.begin());
    }
    wanted_.push_back({found, {}});
  }
  cells_.resize(attributes_.size());
  start_columns();
  in_data_ = true;
  return {};
}

Result<void> ArffReader::header_line(std::string_view line) {
  skip_blanks(line);
  if (line.starts_with("\xef\xbb\xbf")) line.remove_prefix(3);
  if (trim(line).empty() || line.front() == '%') return {};
  if (starts_with_ignoring_case(line, "@relation")) return {};
  if (starts_with_ignoring_case(line, "@attribute")) {
    line.remove_prefix(std::string_view("@attribute").size());
    return attribute_line(line);
  }
  if (equals_ignoring_case(trim(line), "@data")) return bind();
  return wrong("expected @relation, @attribute or @data.");
}

Result<void> ArffReader::dense_cells(std::string_view line) {
  for (std::size_t i = 0; i < cells_.size(); ++i) {
    auto token = take_token(line, ",");
    if (!token) return wrong("a quoted text is not closed.");
    skip_blanks(line);
    const bool last = i + 1 == cells_.size();
    if (last != line.empty() || (!last && line.front() != ',')) {
      return wrong(last || (!line.empty() && line.front() == ',')
                       ? "it has more than " + std::to_string(cells_.size()) + " values."
                       : "it has " + std::to_string(i + 1) + " values, not " +
                             std::to_string(cells_.size()) + ".");
    }
    if (!last) line.remove_prefix(1);
    cells_[i].missing = !token->quoted && token->text == "?";
    cells_[i].text = std::move(token->text);
  }
  return {};
}

Result<void> ArffReader::sparse_cells(std::string_view line) {
  using Kind = ArffAttribute::Kind;
  for (std::size_t i = 0; i < cells_.size(); ++i) {
    const ArffAttribute& attribute = attributes_[i];
    cells_[i].missing = attribute.kind == Kind::date;
    cells_[i].text = attribute.kind == Kind::numeric   ? "0"
                     : attribute.kind == Kind::nominal ? attribute.labels.front()
                                                       : "";
  }
  line.remove_prefix(1);
  skip_blanks(line);
  while (!line.starts_with('}')) {
    const auto number = take_token(line, " \t");
    const auto index = number ? parse_uint(number->text) : std::nullopt;
    if (!index || *index >= cells_.size()) return wrong("a sparse row has a wrong index.");
    auto token = take_token(line, ",}");
    skip_blanks(line);
    if (!token || line.empty()) return wrong("a sparse row is not closed.");
    cells_[*index].missing = !token->quoted && token->text == "?";
    cells_[*index].text = std::move(token->text);
    if (line.front() == ',') {
      line.remove_prefix(1);
      skip_blanks(line);
    } else if (line.front() != '}') {
      return wrong("text follows a closing quote.");
    }
  }
  return {};
}

Result<void> ArffReader::data_line(std::string_view line) {
  skip_blanks(line);
  if (trim(line).empty() || line.front() == '%') return {};
  ++row_;
  if (line.front() == '{') {
    TRY_OK(sparse_cells(line));
  } else {
    TRY_OK(dense_cells(line));
  }
  for (std::size_t i = 0; i < wanted_.size(); ++i) {
    const Cell& cell = cells_[wanted_[i].attribute];
    Column& column = wanted_[i].column;
    if (cell.missing) {
      append_missing_cell(column);
    } else if (column.type == DataType::string && !is_utf8(cell.text)) {
      return wrong("column \"" + column.name + "\": the text is not UTF-8.");
    } else if (!append_parsed_cell(column, cell.text)) {
      return fail(Errc::invalid_argument,
                  "Row " + std::to_string(row_) + ", column \"" + column.name + "\": \"" +
                      cell.text.substr(0, 60) + "\" is not a " + std::string(name_of(column.type)) +
                      ".",
                  column.name);
    }
  }
  ++rows_;
  return {};
}

Result<void> ArffReader::step(std::string_view line) {
  ++line_;
  if (in_data_) return data_line(without_line_end(line));
  header_bytes_ += line.size();
  if (header_bytes_ > options_.limits.header_bytes_max)
    return fail(Errc::exhausted, "The header is longer than the limit of " +
                                     std::to_string(options_.limits.header_bytes_max) + " bytes.");
  return header_line(without_line_end(line));
}

void ArffReader::start_columns() {
  for (std::size_t i = 0; i < wanted_.size(); ++i) {
    wanted_[i].column = make_column(schema_[i].name, schema_[i].type);
    wanted_[i].column.role = schema_[i].role;
  }
  rows_ = 0;
}

std::optional<Table> ArffReader::take() {
  Table table;
  for (Wanted& wanted : wanted_) table.add(std::move(wanted.column));
  table.rows = rows_;
  any_table_ = true;
  start_columns();
  return table;
}

Result<std::optional<Table>> ArffReader::next() {
  if (error_) return std::unexpected(*error_);
  const auto failed = [this](Error error) {
    error_ = std::move(error);
    return std::unexpected(*error_);
  };
  while (!in_data_ || rows_ < options_.rows_per_table) {
    const std::string_view left = std::string_view(buffer_).substr(at_);
    const std::size_t end = buffer_.find('\n', std::max(looked_, at_));
    std::size_t size = end == std::string::npos ? left.size() : end + 1 - at_;
    looked_ = at_ + size;
    if (size > options_.limits.line_bytes_max)
      return failed({Errc::exhausted, "A line is longer than the limit of " +
                                          std::to_string(options_.limits.line_bytes_max) +
                                          " bytes."});
    if (end == std::string::npos && !finished_) return std::nullopt;
    if (size == 0) {
      if (ended_) return std::nullopt;
      ended_ = true;
      if (!in_data_) return failed({Errc::invalid_argument, "The header has no @data line."});
      if (rows_ == 0 && any_table_) return std::nullopt;
      return take();
    }
    at_ += size;
    if (auto done = step(left.substr(0, size)); !done) return failed(std::move(done).error());
  }
  return take();
}

std::optional<std::size_t> arff_data_begin(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view line = trim(text.substr(at, end - at));
    at = end + 1;
    if (equals_ignoring_case(line, "@data")) return at;
  }
  return std::nullopt;
}

void append_arff_header(std::string& out, std::string_view relation, const Schema& schema) {
  out += "@relation ";
  append_quoted(out, relation);
  out += "\n\n";
  for (const ColumnSchema& column : schema) {
    out += "@attribute ";
    append_quoted(out, column.name);
    out += is_numeric(column.type)            ? " NUMERIC\n"
           : column.type == DataType::boolean ? " {False,True}\n"
                                              : " STRING\n";
  }
  out += "\n@data\n";
}

void append_arff_rows(std::string& out, const Table& table, std::size_t first, std::size_t count) {
  std::string text;
  for (std::size_t row = first; row < first + count; ++row) {
    for (std::size_t c = 0; c < table.columns.size(); ++c) {
      if (c > 0) out += ',';
      const Column& column = *table.columns[c];
      if (column.is_missing(row)) {
        out += '?';
      } else if (is_numeric(column.type) || column.type == DataType::boolean) {
        append_cell_text(out, column, row);
      } else {
        text.clear();
        append_cell_text(text, column, row);
        append_quoted(out, text);
      }
    }
    out += '\n';
  }
}

}  // namespace mlgate::table
