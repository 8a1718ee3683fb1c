/// Point files (CSV). A second reader, written from docs/formats.md without looking at the first, must accept the same files and read the same numbers.

#include <cmath>
#include <cstring>
#include <optional>

#include "fuzz.h"
#include "slicecheck/measures/point_file.h"

namespace slicecheck::fuzz {
namespace {

constexpr std::string_view kBlank = " \t\r";

std::string_view stripped(std::string_view text) {
  while (!text.empty() && kBlank.find(text.front()) != std::string_view::npos) text.remove_prefix(1);
  while (!text.empty() && kBlank.find(text.back()) != std::string_view::npos) text.remove_suffix(1);
  return text;
}

/// [+-] digits [. digits] [e [+-] digits], with a digit before or after the point; finite, and not rounded to zero.
std::optional<double> number(std::string_view field) {
  const std::string text(field);
  std::size_t at = 0;
  bool nonzero = false;
  const auto digits = [&] {
    std::size_t count = 0;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, ++count) nonzero = nonzero || text[at] != '0';
    return count;
  };
  if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
  std::size_t mantissa = digits();
  if (at < text.size() && text[at] == '.') {
    ++at;
    mantissa += digits();
  }
  if (mantissa == 0) return std::nullopt;
  const bool mantissa_nonzero = nonzero;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (digits() == 0) return std::nullopt;
  }
  if (at != text.size()) return std::nullopt;
  const double value = std::strtod(text.c_str(), nullptr);
  if (!std::isfinite(value) || (value == 0.0 && mantissa_nonzero)) return std::nullopt;
  return value;
}

/// The rows of the file, or nothing where it must be refused.
std::optional<std::vector<std::vector<double>>> second_reader(std::string_view text) {
  std::vector<std::vector<double>> rows;
  if (text.substr(0, 3) == "\xEF\xBB\xBF") text.remove_prefix(3);
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    std::string_view line = stripped(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.front() == '#') continue;
    std::vector<double> row;
    for (;;) {
      const auto comma = std::min(line.find(','), line.size());
      const auto value = number(stripped(line.substr(0, comma)));
      if (!value) return std::nullopt;
      row.push_back(*value);
      if (comma == line.size()) break;
      line.remove_prefix(comma + 1);
    }
    if (!rows.empty() && row.size() != rows.front().size()) return std::nullopt;
    rows.push_back(std::move(row));
  }
  if (rows.empty()) return std::nullopt;
  return rows;
}

bool same_bits(const Points<double>& a, const Points<double>& b) {
  return a.rows() == b.rows() && a.cols() == b.cols() && std::memcmp(a.data(), b.data(), sizeof(double) * static_cast<std::size_t>(a.size())) == 0;
}

void one_file(std::string_view bytes) {
  const auto path = scratch().file("points.csv", bytes);
  Points<double> points;
  const bool accepted = accepts("points.csv", [&] { points = read_points(path); });
  const auto expected = second_reader(bytes);
  require(accepted == expected.has_value(), expected ? "what the format allows is accepted" : "what the format forbids is refused");
  if (!accepted) return;
  require(static_cast<std::size_t>(points.rows()) == expected->size() && static_cast<std::size_t>(points.cols()) == expected->front().size(), "shape");
  for (Index k = 0; k < points.rows(); ++k)
    require(std::memcmp(points.row(k).data(), (*expected)[static_cast<std::size_t>(k)].data(), sizeof(double) * static_cast<std::size_t>(points.cols())) == 0,
            "both readers read the same bits");
  const auto copy = scratch().folder() / "copy.csv";
  write_points(copy, points);
  require(same_bits(read_points(copy), points), "what is written is read with the same bits");
}

}  // namespace
}  // namespace slicecheck::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  slicecheck::fuzz::one_file(slicecheck::fuzz::view(data, size));
  return 0;
}
