#include "slicecheck/measures/point_file.h"

#include <array>
#include <charconv>
#include <cmath>
#include <string_view>
#include <vector>

#include "slicecheck/core/error.h"
#include "slicecheck/core/files.h"
#include "slicecheck/core/shown_text.h"

namespace slicecheck {

namespace {

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

/// What the reader is shown of a field that is no number: printable, short.
std::string quoted(std::string_view field) { return fmt::format("'{}'", shown_text(field)); }

double parse_number(std::string_view field, const std::string& file, std::size_t line, std::size_t column) {
  std::string_view digits = field;
  if (digits.starts_with('+') && !digits.starts_with("+-")) digits.remove_prefix(1);
  double value = 0.0;
  const auto [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (status == std::errc::result_out_of_range) reject("{}, line {}, column {}: {} is out of the range of double precision", file, line, column, quoted(field));
  if (status != std::errc{} || end != digits.data() + digits.size())
    reject("{}, line {}, column {}: expected a number, found {}", file, line, column, quoted(field));
  if (!std::isfinite(value)) reject("{}, line {}, column {}: expected a finite number, found {}", file, line, column, quoted(field));
  return value;
}

/// Appends the numbers of a row; how many.
std::size_t parse_row(std::string_view row, const std::string& file, std::size_t line, std::vector<double>& values) {
  std::size_t column = 0;
  for (bool more = true; more;) {
    const auto comma = row.find(',');
    more = comma != std::string_view::npos;
    values.push_back(parse_number(trimmed(row.substr(0, comma)), file, line, ++column));
    if (more) row.remove_prefix(comma + 1);
  }
  return column;
}

/// The same for a row of plain numbers, in one pass over it: 0 and nothing appended where it finds anything else, be it wrong or only rare.
std::size_t parse_plain_row(std::string_view row, std::vector<double>& values) {
  const std::size_t before = values.size();
  const char* at = row.data();
  const char* const end = at + row.size();
  for (;;) {
    while (at != end && *at == ' ') ++at;
    double value = 0.0;
    const auto [next, status] = std::from_chars(at, end, value);
    if (status != std::errc{} || !std::isfinite(value)) break;
    values.push_back(value);
    if (next == end) return values.size() - before;
    if (*next != ',') break;
    at = next + 1;
  }
  values.resize(before);
  return 0;
}

}  // namespace

Points<double> read_points(const std::filesystem::path& path) {
  const std::string contents = read_file(path);
  const std::string file = path.string();
  std::vector<double> values;
  std::size_t columns = 0;
  std::size_t rows = 0;
  std::string_view rest = contents;
  if (rest.starts_with("\xEF\xBB\xBF")) rest.remove_prefix(3);  // the mark that some spreadsheets put before UTF-8
  for (std::size_t line = 1; !rest.empty(); ++line) {
    const auto end = rest.find('\n');
    std::string_view row = trimmed(rest.substr(0, end));
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    if (row.empty() || row.starts_with('#')) continue;
    std::size_t column = parse_plain_row(row, values);
    if (column == 0) column = parse_row(row, file, line, values);
    if (rows == 0) {
      columns = column;
      // As many rows again as fit into what is left, if they are all as long as this one.
      values.reserve(columns * (rest.size() / row.size() + 2));
    }
    if (column != columns) reject("{}, line {}: {} coordinates; the first point has {}", file, line, column, columns);
    ++rows;
  }
  if (rows == 0) reject("{}: no points; expected rows of comma-separated numbers", file);
  return Eigen::Map<const Points<double>>(values.data(), static_cast<Index>(rows), static_cast<Index>(columns));
}

void write_points(const std::filesystem::path& path, PointsView<double> points) {
  std::string out;
  std::array<char, 32> digits{};  // a sign, 17 digits, a point and an exponent take 24
  for (Index k = 0; k < points.rows(); ++k) {
    for (Index j = 0; j < points.cols(); ++j) {
      const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), points(k, j), std::chars_format::general, 17);
      out.append(digits.data(), written.ptr);
      out.push_back(j + 1 < points.cols() ? ',' : '\n');
    }
  }
  write_atomically(path, out);
}

}  // namespace slicecheck
