#pragma once
/// Tables for CSV files.

#include <cstdint>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

namespace slicecheck {

/// Rows of numbers and words under named columns. Numbers are written in the shortest form that reads back to the same bits.
class CsvTable {
 public:
  /// A number or a word.
  using Cell = std::variant<double, std::int64_t, std::string>;

  /// No rows yet.
  explicit CsvTable(std::vector<std::string> columns) : columns_(std::move(columns)) {}

  /// @throws InputError unless there is one cell per column.
  void add(std::vector<Cell> row);
  [[nodiscard]] std::string text() const;
  /// `text` to a file, atomically. @throws InputError where it cannot be written.
  void write(const std::filesystem::path& path) const;
  [[nodiscard]] std::size_t rows() const { return rows_.size(); }

 private:
  std::vector<std::string> columns_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace slicecheck
