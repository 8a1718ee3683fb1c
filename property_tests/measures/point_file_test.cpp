/// Point files: round trips to the bit, what is allowed, and every error with its line.

#include "slicecheck/measures/point_file.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "slicecheck/core/error.h"
#include "slicecheck/core/files.h"
#include "slicecheck/core/random.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

Points<double> read_text(const std::string& text) {
  const TemporaryFolder folder;
  write_atomically(folder / "points.csv", text);
  return read_points(folder / "points.csv");
}

/// The text is refused with a sentence that names the file and holds `expected`.
void expect_refusal(const std::string& text, const std::string& expected) {
  try {
    (void)read_text(text);
    ADD_FAILURE() << "accepted: " << text;
  } catch (const InputError& error) {
    const std::string sentence = error.what();
    EXPECT_NE(sentence.find("points.csv"), std::string::npos) << sentence;
    EXPECT_NE(sentence.find(expected), std::string::npos) << sentence;
  }
}

TEST(PointFile, round_trip_keeps_every_bit) {
  const TemporaryFolder folder;
  using Limits = std::numeric_limits<double>;
  Points<double> points(200, 3);
  const RandomStream stream(1, Purpose::cases, 9, 0);
  for (Index k = 0; k < points.rows(); ++k) {
    PointDraws draws(stream, static_cast<std::uint64_t>(k));
    for (Index j = 0; j < 3; ++j) points(k, j) = draws.normal() * std::exp2(draws.uniform(-300.0, 300.0));
  }
  points.row(0) << 0.1, -0.0, 1.0 / 3.0;
  points.row(1) << Limits::max(), Limits::min(), -Limits::denorm_min();
  points.row(2) << 1e22, 123456789012345680.0, 0x1.fffffffffffffp-1;
  write_points(folder / "points.csv", points);
  const Points<double> read = read_points(folder / "points.csv");
  ASSERT_EQ(read.rows(), points.rows());
  ASSERT_EQ(read.cols(), points.cols());
  EXPECT_EQ(std::memcmp(read.data(), points.data(), sizeof(double) * static_cast<std::size_t>(points.size())), 0);
}

TEST(PointFile, numbers_are_written_with_17_significant_digits) {
  const TemporaryFolder folder;
  Points<double> points(2000, 2);
  const RandomStream stream(1, Purpose::cases, 9, 1);
  std::string expected;
  for (Index k = 0; k < points.rows(); ++k) {
    PointDraws draws(stream, static_cast<std::uint64_t>(k));
    for (Index j = 0; j < 2; ++j) {
      // Any finite bits, and numbers with few digits.
      const std::uint64_t bits = draws.below(0x7FF0000000000000U) | draws.below(2) << 63;
      std::memcpy(&points(k, j), &bits, sizeof bits);
      if (k % 4 == 0) points(k, j) = std::ldexp(static_cast<double>(draws.below(1000)), static_cast<int>(draws.below(80)) - 40);
      expected += fmt::format("{:.17g}{}", points(k, j), j == 0 ? ',' : '\n');
    }
  }
  write_points(folder / "points.csv", points);
  EXPECT_EQ(read_file(folder / "points.csv"), expected);
}

TEST(PointFile, plain_rows_and_others_may_alternate) {
  // Rows of plain numbers are read in one pass, others field by field; of wrong ones the place is named all the same.
  std::string text;
  Points<double> expected(300, 3);
  for (Index k = 0; k < expected.rows(); ++k) {
    expected.row(k) << 0.1 * static_cast<double>(k), -1.0, static_cast<double>(k) * 1e10;
    text += k % 3 == 0   ? fmt::format("{}, {},{}\n", expected(k, 0), expected(k, 1), expected(k, 2))
            : k % 3 == 1 ? fmt::format("+{} ,\t{} , {}\r\n", expected(k, 0), expected(k, 1), expected(k, 2))
                         : fmt::format("{},{},{}\n", expected(k, 0), expected(k, 1), expected(k, 2));
  }
  EXPECT_EQ(read_text(text), expected);
  expect_refusal(text + "1,2,3x\n", "line 301, column 3");
  expect_refusal(text + "1,2 3,4\n", "line 301, column 2");
  expect_refusal(text + "1,2\n", "line 301: 2 coordinates");
  expect_refusal(text + "1,2,3,\n", "line 301, column 4");
  expect_refusal(text + "1,inf,3\n", "line 301, column 2");
}

TEST(PointFile, comments_blank_lines_spaces_and_windows_lines_are_allowed) {
  const Points<double> expected{{1.0, -2.5}, {300.0, 0.25}};
  EXPECT_EQ(read_text("1,-2.5\n3e2,0.25\n"), expected);
  EXPECT_EQ(read_text("1,-2.5\n3e2,0.25"), expected) << "no newline at the end";
  EXPECT_EQ(read_text("\xEF\xBB\xBF"
                      "1,-2.5\n3e2,0.25\n"),
            expected)
      << "a byte order mark";
  EXPECT_EQ(read_text("# a comment, with commas\n\n1,-2.5\n  # another\n3e2,0.25\n\n"), expected);
  EXPECT_EQ(read_text("1,-2.5\r\n3e2,0.25\r\n"), expected);
  EXPECT_EQ(read_text("  1 ,\t-2.5 \n +3E+2 , .25\n"), expected);
  EXPECT_EQ(read_text("7\n"), (Points<double>{{7.0}}));
}

TEST(PointFile, ragged_rows_are_refused) {
  expect_refusal("1,2\n3\n", "line 2");
  expect_refusal("1,2\n3,4,5\n", "line 2");
  expect_refusal("# comment\n1,2\n\n3\n", "line 4");
}

TEST(PointFile, what_is_no_number_is_refused_with_its_place) {
  expect_refusal("1,2\n3,four\n", "line 2, column 2");
  expect_refusal("x,y\n1,2\n", "line 1, column 1");
  expect_refusal("1,2,\n", "column 3");
  expect_refusal(",1\n", "column 1");
  expect_refusal("1,,2\n", "column 2");
  expect_refusal("1;2\n", "'1;2'");
  expect_refusal("1 2\n", "'1 2'");
  expect_refusal("0x10\n", "'0x10'");
  expect_refusal("--1\n", "'--1'");
  expect_refusal("+-1\n", "'+-1'");
  expect_refusal("1e\n", "expected a number");
  expect_refusal("1,2 # here\n", "column 2");
}

TEST(PointFile, the_shown_field_is_short_and_printable) {
  expect_refusal(std::string("1,\x01\x1B[31m\n"), "'??[31m'");
  expect_refusal(std::string(1000, 'a') + "\n", "…");
  expect_refusal("1,\xEF\xBB\n",
                 "'?"
                 "?'");  // was printed as it came: found by fuzzing
  expect_refusal(std::string("1,\0,2\n", 6), "column 2");
}

TEST(PointFile, numbers_that_are_not_finite_are_refused) {
  for (const char* word : {"nan", "NaN", "-nan", "inf", "-inf", "INF", "infinity"}) expect_refusal("1," + std::string(word) + "\n", "column 2");
  expect_refusal("nan\n", "finite");
  expect_refusal("-inf\n", "finite");
}

TEST(PointFile, numbers_out_of_range_are_refused) {
  expect_refusal("1e400\n", "range");
  expect_refusal("-1e309\n", "range");
  expect_refusal("1,1e-400\n", "range");
}

TEST(PointFile, files_without_points_are_refused) {
  expect_refusal("", "no points");
  expect_refusal("\n\n", "no points");
  expect_refusal("# nothing but a comment\n", "no points");
}

TEST(PointFile, a_missing_file_is_named) {
  const TemporaryFolder folder;
  EXPECT_THROW((void)read_points(folder / "missing.csv"), InputError);
}

}  // namespace
}  // namespace slicecheck::testing
