/// IDX files: round trips, every way to be damaged, the scaling to [−1, 1], and the real data set where it is installed.

#include "slicecheck/measures/idx_images.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <thread>

#include "slicecheck/core/error.h"
#include "slicecheck/core/files.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

namespace fs = std::filesystem;

/// count images of height × width with the bytes 0, 1, …, 255, 0, …
IdxImages counting_images(Index count, Index height, Index width) {
  IdxImages images{count, height, width, {}};
  for (Index i = 0; i < count * height * width; ++i) images.pixels.push_back(static_cast<std::uint8_t>(i % 256));
  return images;
}

std::string big_endian(std::uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8), static_cast<char>(value)};
}

std::string header(std::uint32_t count, std::uint32_t height, std::uint32_t width) {
  return big_endian(0x803) + big_endian(count) + big_endian(height) + big_endian(width);
}

/// The sentence with which a file of these bytes is refused; empty if it is accepted.
std::string refusal(const std::string& bytes) {
  const TemporaryFolder folder;
  write_atomically(folder / "images.idx", bytes);
  try {
    (void)read_idx_images(folder / "images.idx");
  } catch (const InputError& error) {
    const std::string sentence = error.what();
    EXPECT_NE(sentence.find("images.idx"), std::string::npos) << sentence;
    return sentence;
  }
  return {};
}

TEST(IdxImages, round_trip) {
  const TemporaryFolder folder;
  const IdxImages images = counting_images(3, 20, 7);
  write_idx_images(folder / "images.idx", images);
  const IdxImages read = read_idx_images(folder / "images.idx");
  EXPECT_EQ(read.count, 3);
  EXPECT_EQ(read.height, 20);
  EXPECT_EQ(read.width, 7);
  EXPECT_EQ(read.pixels, images.pixels);
}

TEST(IdxImages, a_pipe_is_read_to_its_end) {
  const TemporaryFolder folder;
  const IdxImages images = counting_images(300, 20, 30);  // more than a pipe holds
  write_idx_images(folder / "images.idx", images);
  const fs::path pipe = folder / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  std::thread writer([&] { write_atomically(pipe, read_file(folder / "images.idx")); });
  const IdxImages read = read_idx_images(pipe);
  writer.join();
  EXPECT_EQ(read.count, 300);
  EXPECT_EQ(read.pixels, images.pixels);
}

TEST(IdxImages, are_written_as_the_format_says) {
  const TemporaryFolder folder;
  write_idx_images(folder / "images.idx", {2, 1, 3, {0, 1, 127, 128, 254, 255}});
  EXPECT_EQ(read_file(folder / "images.idx"), header(2, 1, 3) + std::string("\0\1\x7F\x80\xFE\xFF", 6));
}

TEST(IdxImages, damaged_files_are_refused) {
  const std::string pixels(2 * 3 * 4, 'p');
  ASSERT_EQ(refusal(header(2, 3, 4) + pixels), "");
  EXPECT_NE(refusal(""), "");
  EXPECT_NE(refusal(header(2, 3, 4).substr(0, 15)), "") << "a header that is cut";
  EXPECT_NE(refusal(header(2, 3, 4)), "") << "no pixels";
  EXPECT_NE(refusal(header(2, 3, 4) + pixels.substr(1)), "") << "one byte too few";
  EXPECT_NE(refusal(header(2, 3, 4) + pixels + "x"), "") << "one byte too many";
  EXPECT_NE(refusal(header(2, 3, 4) + pixels + pixels), "") << "twice as many";
  EXPECT_NE(refusal(header(4, 3, 2) + pixels.substr(4)), "");
  for (const std::uint32_t magic : {0x801U, 0x802U, 0x804U, 0xD03U, 0x03080000U, 0U})
    EXPECT_NE(refusal(big_endian(magic) + header(2, 3, 4).substr(4) + pixels).find("magic"), std::string::npos) << magic;
  EXPECT_NE(refusal(header(0, 3, 4)), "") << "no images";
  EXPECT_NE(refusal(header(2, 0, 4)), "");
  EXPECT_NE(refusal(header(2, 3, 0)), "");
}

TEST(IdxImages, sizes_whose_product_overflows_are_refused) {
  const std::string pixels(24, 'p');
  const std::uint32_t largest = 0xFFFFFFFF;
  EXPECT_NE(refusal(header(largest, largest, largest) + pixels), "");
  EXPECT_NE(refusal(header(largest, largest, 1) + pixels), "");
  // 2^32 · 2^16 · 2^16 = 2^64, which is 0 in 64 bits; with no pixels a product that wraps would fit.
  EXPECT_NE(refusal(header(0x80000000U, 0x20000U, 0x10000U)), "");
  EXPECT_NE(refusal(header(0x80000000U, 0x80000000U, 4) + pixels), "");
}

TEST(IdxImages, a_missing_file_is_named) {
  const TemporaryFolder folder;
  EXPECT_THROW((void)read_idx_images(folder / "missing.idx"), InputError);
  EXPECT_THROW((void)read_idx_images(folder.path()), InputError);
}

TEST(ImageLaw, scales_0_to_minus_1_and_255_to_1) {
  const ImageLaw law("two pixels", {2, 1, 2, {0, 255, 51, 204}});
  EXPECT_EQ(law.dimension(), 2);
  EXPECT_EQ(law.atom_count(), 2);
  EXPECT_EQ(law.atom(0), Eigen::RowVector2d(-1.0, 1.0));
  EXPECT_EQ(law.atom(1), Eigen::RowVector2d(51.0 / 127.5 - 1.0, 204.0 / 127.5 - 1.0));
  EXPECT_EQ(law.probability(1), 0.5);
  EXPECT_EQ(law.support_radius(), std::sqrt(2.0));
  EXPECT_THROW((void)law.atom(2), InputError);
  EXPECT_THROW((void)law.atom(-1), InputError);
}

TEST(ImageLaw, draws_images) {
  const ImageLaw law("counting", counting_images(5, 4, 4));
  const Points<double> points = law.sample<double>(RandomStream(1, Purpose::target, 0, 0), 60);
  std::vector<int> counts(5, 0);
  for (Index k = 0; k < points.rows(); ++k)
    for (Index i = 0; i < 5; ++i) counts[static_cast<std::size_t>(i)] += points.row(k) == law.atom(i) ? 1 : 0;
  int drawn = 0;
  for (const int count : counts) {
    EXPECT_GT(count, 0);
    drawn += count;
  }
  EXPECT_EQ(drawn, 60);
}

TEST(ImageLaw, rejects_images_without_their_pixels) {
  EXPECT_THROW(ImageLaw("none", {0, 2, 2, {}}), InputError);
  EXPECT_THROW(ImageLaw("short", {2, 1, 2, {0, 1, 2}}), InputError);
}

TEST(ImagesFromPoints, undoes_the_scaling_of_all_256_levels) {
  const IdxImages all = counting_images(1, 16, 16);
  const ImageLaw law("all levels", all);
  EXPECT_EQ(images_from_points<double>(law.atom(0), 16, 16).pixels, all.pixels);
  EXPECT_EQ(images_from_points<float>(Points<float>(law.atom(0).cast<float>()), 16, 16).pixels, all.pixels);
}

TEST(ImagesFromPoints, clips_what_is_outside) {
  const Points<double> points{{-3.0, 7.0, 0.0, 1.001}};
  EXPECT_EQ(images_from_points<double>(points, 2, 2).pixels, (std::vector<std::uint8_t>{0, 255, 128, 255}));
}

TEST(ImagesFromPoints, rejects_points_of_another_size) { EXPECT_THROW((void)images_from_points<double>(Points<double>::Zero(2, 5), 2, 2), InputError); }

/// Where scripts/fetch_data.sh puts the data set.
fs::path fashion_mnist() {
  const char* data = std::getenv("SLICECHECK_DATA");
  return (data != nullptr ? fs::path(data) : fs::path(SLICECHECK_SOURCE_DIR) / "data") / "fashion-mnist" / "train-images-idx3-ubyte";
}

TEST(FashionMnist, has_60000_images_of_28_by_28) {
  if (!fs::exists(fashion_mnist())) GTEST_SKIP() << "no FashionMNIST at " << fashion_mnist() << ": scripts/fetch_data.sh installs it";
  const ImageLaw law("FashionMNIST", read_idx_images(fashion_mnist()));
  EXPECT_EQ(law.atom_count(), 60'000);
  EXPECT_EQ(law.dimension(), 28 * 28);
  const Points<float> batch = law.sample<float>(RandomStream(1, Purpose::target, 0, 0), 64);
  EXPECT_GE(batch.minCoeff(), -1.0F);
  EXPECT_LE(batch.maxCoeff(), 1.0F);
  EXPECT_GT(batch.maxCoeff(), 0.5F);
}

}  // namespace
}  // namespace slicecheck::testing
