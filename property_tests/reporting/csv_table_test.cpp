/// Tables: quoting, and numbers that read back to the same bits.

#include "slicecheck/reporting/csv_table.h"

#include <gtest/gtest.h>

#include <charconv>
#include <cstring>
#include <limits>

#include "slicecheck/core/error.h"
#include "slicecheck/core/files.h"
#include "slicecheck/core/random.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

/// A reader of RFC 4180, written apart from the writer.
std::vector<std::vector<std::string>> parse(const std::string& text) {
  std::vector<std::vector<std::string>> rows(1, std::vector<std::string>(1));
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '"' && i + 1 < text.size() && text[i + 1] == '"') {
      rows.back().back() += c;
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && c == ',') {
      rows.back().emplace_back();
    } else if (!quoted && c == '\n') {
      rows.emplace_back(1);
    } else {
      rows.back().back() += c;
    }
  }
  EXPECT_FALSE(quoted);
  EXPECT_EQ(rows.back(), std::vector<std::string>(1)) << "the last line ends with a newline";
  rows.pop_back();
  return rows;
}

double number(const std::string& text) {
  double value = 0.0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  EXPECT_TRUE(status == std::errc{} && end == text.data() + text.size()) << text;
  return value;
}

TEST(CsvTable, by_hand) {
  CsvTable table({"step", "loss", "what"});
  table.add({std::int64_t{3}, 0.25, "plain"});
  table.add({std::int64_t{-4}, 1e-7, "a, b"});
  EXPECT_EQ(table.text(), "step,loss,what\n3,0.25,plain\n-4,1e-07,\"a, b\"\n");
  EXPECT_EQ(table.rows(), 2U);
  EXPECT_EQ(CsvTable({"alone"}).text(), "alone\n");
}

TEST(CsvTable, words_come_back_as_they_were) {
  const std::vector<std::string> words{"plain", "a,b", "say \"yes\"", "two\nlines", "carriage\r", "\"", ",", "", " spaces ", "θ·z_k", "\"quoted\",\n"};
  CsvTable table({"name, with comma", "\"quoted\""});
  for (const std::string& word : words) table.add({word, word});
  const auto rows = parse(table.text());
  ASSERT_EQ(rows.size(), words.size() + 1);
  EXPECT_EQ(rows[0], (std::vector<std::string>{"name, with comma", "\"quoted\""}));
  for (std::size_t i = 0; i < words.size(); ++i) EXPECT_EQ(rows[i + 1], (std::vector<std::string>{words[i], words[i]}));
}

TEST(CsvTable, numbers_come_back_with_every_bit) {
  using Limits = std::numeric_limits<double>;
  std::vector<double> values{0.1, -0.0, 1.0 / 3.0, Limits::max(), Limits::min(), Limits::denorm_min(), 1e22, 0x1.fffffffffffffp-1, 5e15};
  const RandomStream stream(1, Purpose::cases, 10, 0);
  for (std::uint64_t i = 0; i < 300; ++i) {
    PointDraws draws(stream, i);
    values.push_back(draws.normal() * std::exp2(draws.uniform(-200.0, 200.0)));
  }
  CsvTable table({"value"});
  for (const double value : values) table.add({value});
  const auto rows = parse(table.text());
  ASSERT_EQ(rows.size(), values.size() + 1);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double read = number(rows[i + 1][0]);
    EXPECT_EQ(std::memcmp(&read, &values[i], sizeof(double)), 0) << rows[i + 1][0];
  }
  CsvTable integers({"value"});
  integers.add({std::numeric_limits<std::int64_t>::min()});
  EXPECT_EQ(integers.text(), "value\n-9223372036854775808\n");
}

TEST(CsvTable, what_is_no_number_is_named) {
  CsvTable table({"value"});
  table.add({std::nan("")});
  table.add({std::numeric_limits<double>::infinity()});
  table.add({-std::numeric_limits<double>::infinity()});
  EXPECT_EQ(table.text(), "value\nnan\ninf\n-inf\n");
}

TEST(CsvTable, rejects_rows_of_another_width) {
  CsvTable table({"a", "b"});
  EXPECT_THROW(table.add({1.0}), InputError);
  EXPECT_THROW(table.add({1.0, 2.0, 3.0}), InputError);
  EXPECT_EQ(table.rows(), 0U);
}

TEST(CsvTable, is_written_whole) {
  const TemporaryFolder folder;
  CsvTable table({"a"});
  table.add({1.5});
  table.write(folder / "table.csv");
  EXPECT_EQ(read_file(folder / "table.csv"), table.text());
  EXPECT_EQ(folder.entries(), 1U);
}

}  // namespace
}  // namespace slicecheck::testing
