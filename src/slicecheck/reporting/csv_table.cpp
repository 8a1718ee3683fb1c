#include "slicecheck/reporting/csv_table.h"

#include "slicecheck/core/error.h"
#include "slicecheck/core/files.h"

namespace slicecheck {

namespace {

/// Quotes a word that holds a separator (RFC 4180).
std::string quoted(const std::string& word) {
  if (word.find_first_of(",\"\n\r") == std::string::npos) return word;
  std::string out = "\"";
  for (const char c : word) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

std::string cell_text(const CsvTable::Cell& cell) {
  if (const auto* word = std::get_if<std::string>(&cell)) return quoted(*word);
  if (const auto* integer = std::get_if<std::int64_t>(&cell)) return fmt::format("{}", *integer);
  return fmt::format("{}", std::get<double>(cell));
}

}  // namespace

void CsvTable::add(std::vector<Cell> row) {
  if (row.size() != columns_.size()) reject("table: a row of {} cells under {} columns", row.size(), columns_.size());
  rows_.push_back(std::move(row));
}

std::string CsvTable::text() const {
  std::string out;
  for (std::size_t i = 0; i < columns_.size(); ++i) out += quoted(columns_[i]) + (i + 1 < columns_.size() ? "," : "\n");
  for (const auto& row : rows_)
    for (std::size_t i = 0; i < row.size(); ++i) out += cell_text(row[i]) + (i + 1 < row.size() ? "," : "\n");
  return out;
}

void CsvTable::write(const std::filesystem::path& path) const { write_atomically(path, text()); }

}  // namespace slicecheck
