/// Files of CIFAR-10 that are made here.

#include "slicecheck/measures/cifar10.h"

#include <gtest/gtest.h>

#include <string>

#include "slicecheck/core/error.h"
#include "slicecheck/core/files.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

std::string record(int label, int seed) {
  std::string bytes(1, static_cast<char>(label));
  for (int i = 0; i < 3072; ++i) bytes.push_back(static_cast<char>((i * 7 + seed) % 256));
  return bytes;
}

class Cifar10 : public ::testing::Test {
 protected:
  std::filesystem::path put(const std::string& name, const std::string& bytes) {
    write_atomically(folder_ / name, bytes);
    return folder_ / name;
  }
  /// What is thrown, as text.
  std::string refusal(const std::string& bytes) {
    try {
      (void)read_cifar10(put("bad.bin", bytes));
    } catch (const InputError& error) {
      return error.what();
    }
    return "";
  }

  TemporaryFolder folder_;  // tests run side by side
};

TEST_F(Cifar10, ReadsLabelsAndPlanes) {
  const Cifar10Images two = read_cifar10(put("two.bin", record(3, 0) + record(9, 5)));
  EXPECT_EQ(two.images.count, 2);
  EXPECT_EQ(two.images.height, 96);
  EXPECT_EQ(two.images.width, 32);
  EXPECT_EQ(two.labels, (std::vector<std::uint8_t>{3, 9}));
  ASSERT_EQ(two.images.pixels.size(), 2U * 3072U);
  EXPECT_EQ(two.images.pixels[1], 7);
  EXPECT_EQ(two.images.pixels[3072], 5);
  EXPECT_EQ(two.images.pixels[3072 + 3071], (3071 * 7 + 5) % 256);
}

TEST_F(Cifar10, RefusesInOneSentence) {
  EXPECT_NE(refusal("").find("0 bytes"), std::string::npos);
  const std::string cut = record(1, 0).substr(0, 3000);
  EXPECT_NE(refusal(cut).find("bad.bin: 3000 bytes; a file of CIFAR-10 has records of 3073 bytes"), std::string::npos);
  EXPECT_NE(refusal(record(1, 0) + "x").find("3074 bytes"), std::string::npos);
  EXPECT_NE(refusal(record(1, 0) + record(10, 0)).find("the label of record 1 is 10"), std::string::npos);
  EXPECT_NE(refusal(record(255, 0)).find("record 0 is 255"), std::string::npos);
  EXPECT_THROW((void)read_cifar10(folder_ / "absent.bin"), InputError);
}

TEST_F(Cifar10, AFolderHasFiveBatchesAndATest) {
  EXPECT_EQ(missing_cifar10_file(folder_.path()), folder_ / "data_batch_1.bin");
  for (int number = 1; number <= 5; ++number) put("data_batch_" + std::to_string(number) + ".bin", record(number, number));
  EXPECT_EQ(missing_cifar10_file(folder_.path()), folder_ / "test_batch.bin");
  put("test_batch.bin", record(0, 0));
  EXPECT_FALSE(missing_cifar10_file(folder_.path()));
  const Cifar10Images all = read_cifar10_training(folder_.path());
  EXPECT_EQ(all.images.count, 5);
  EXPECT_EQ(all.labels, (std::vector<std::uint8_t>{1, 2, 3, 4, 5}));
  EXPECT_EQ(all.images.pixels[std::size_t{2} * 3072], 3);
}

}  // namespace
}  // namespace slicecheck::testing
