#include "session.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace slicecheck::benchmarks {

namespace {

/// Columns on a screen: code points, which is what these tables are made of.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

}  // namespace

void Table::print() const {
  std::vector<std::size_t> widths;
  for (const std::string& header : headers) widths.push_back(width_of(header));
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  const auto line = [&](const std::vector<std::string>& cells) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::string room(widths[i] - width_of(cells[i]), ' ');
      fmt::print("{}{}", i == 0 ? "  " : "  ", i == 0 ? cells[i] + room : room + cells[i]);
    }
    fmt::print("\n");
  };
  fmt::print("\n{}\n", title);
  line(headers);
  for (const auto& row : rows) line(row);
  for (const std::string& note : notes) fmt::print("  {}\n", note);
}

std::string digits(double value) {
  if (!std::isfinite(value)) return "–";
  if (value == 0.0) return "0";
  const int before = static_cast<int>(std::floor(std::log10(std::abs(value))));
  if (before >= 3) return fmt::format("{:.0f}", value);
  if (before < -3) return fmt::format("{:.2e}", value);
  return fmt::format("{:.{}f}", value, 2 - before);
}

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

}  // namespace slicecheck::benchmarks
