/// IDX files of labels: round trip, every way to be damaged, and the real data set where it is installed.

#include "slicecheck/measures/idx_labels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "slicecheck/core/error.h"
#include "slicecheck/core/files.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

/// The sentence with which a file of these bytes is refused; empty if it is accepted.
std::string label_refusal(const std::string& bytes) {
  const TemporaryFolder folder;
  write_atomically(folder / "labels.idx", bytes);
  try {
    (void)read_idx_labels(folder / "labels.idx");
  } catch (const InputError& error) {
    const std::string sentence = error.what();
    EXPECT_NE(sentence.find("labels.idx"), std::string::npos) << sentence;
    return sentence;
  }
  return {};
}

TEST(IdxLabels, round_trip_and_format) {
  const TemporaryFolder folder;
  const std::vector<std::uint8_t> labels{0, 9, 255, 3, 3};
  write_idx_labels(folder / "labels.idx", labels);
  EXPECT_EQ(read_file(folder / "labels.idx"), std::string("\0\0\x08\x01\0\0\0\5\0\x09\xFF\3\3", 13));
  EXPECT_EQ(read_idx_labels(folder / "labels.idx"), labels);
}

TEST(IdxLabels, damaged_files_are_refused) {
  const std::string header("\0\0\x08\x01\0\0\0\3", 8);
  ASSERT_EQ(label_refusal(header + "abc"), "");
  EXPECT_NE(label_refusal(""), "");
  EXPECT_NE(label_refusal(header.substr(0, 7)), "") << "a header that is cut";
  EXPECT_NE(label_refusal(header + "ab"), "") << "one byte too few";
  EXPECT_NE(label_refusal(header + "abcd"), "") << "one byte too many";
  EXPECT_NE(label_refusal(std::string("\0\0\x08\x01\0\0\0\0", 8)), "") << "no label";
  EXPECT_NE(label_refusal(std::string("\0\0\x08\x03\0\0\0\3", 8) + "abc").find("magic"), std::string::npos);
  EXPECT_NE(label_refusal(std::string("\0\0\x08\x01\xFF\xFF\xFF\xFF", 8) + "abc"), "");
  EXPECT_THROW((void)read_idx_labels("/nowhere/labels.idx"), InputError);
}

TEST(IdxLabels, of_the_real_data_set) {
  const char* data = std::getenv("SLICECHECK_DATA");
  const std::filesystem::path path = std::filesystem::path(data == nullptr ? SLICECHECK_SOURCE_DIR "/data" : data) / "mnist" / "t10k-labels-idx1-ubyte";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not there";
  const auto labels = read_idx_labels(path);
  ASSERT_EQ(labels.size(), 10'000U);
  EXPECT_EQ(labels[0], 7);  // the first test image is a 7, the second a 2
  EXPECT_EQ(labels[1], 2);
  EXPECT_EQ(std::count(labels.begin(), labels.end(), 1), 1135);
}

}  // namespace
}  // namespace slicecheck::testing
