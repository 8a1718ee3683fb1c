/// Folders of images: two formats written by hand here, a PNG by its bytes, and what is refused by name.

#include "slicecheck/measures/image_folder.h"

#include <gtest/gtest.h>

#include <string>

#include "slicecheck/core/error.h"
#include "slicecheck/core/files.h"
#include "support/process.h"

namespace slicecheck {
namespace {

using testing::TemporaryFolder;

std::string pgm(int width, int height, const std::string& pixels) { return fmt::format("P5\n{} {}\n255\n{}", width, height, pixels); }

/// 1×2 pixels of 24 bits: rows from the bottom, blue first, padded to four bytes.
std::string bmp() {
  std::string bytes = "BM";
  const auto append = [&](std::uint32_t value, int count) {
    for (int i = 0; i < count; ++i) bytes.push_back(static_cast<char>((value >> (8 * i)) & 0xFFU));
  };
  for (const std::uint32_t value : {54U + 8U, 0U, 54U, 40U, 1U, 2U}) append(value, 4);  // sizes, reserved, offset, header, width, height
  append(1, 2);
  append(24, 2);
  for (const std::uint32_t value : {0U, 8U, 0U, 0U, 0U, 0U}) append(value, 4);
  bytes += std::string("\x00\x00\xff\x00", 4);  // bottom: red
  bytes += std::string("\xff\x00\x00\x00", 4);  // top: blue
  return bytes;
}

std::string refusal(const std::filesystem::path& folder, const ImageFolderSettings& settings = {}) {
  try {
    (void)read_image_folder(folder, settings);
  } catch (const InputError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(ImageFolder, SortedByNameAndGrey) {
  const TemporaryFolder folder;
  write_atomically(folder.path() / "b.PGM", pgm(1, 2, std::string("\x01\xff", 2)));
  write_atomically(folder.path() / "a.ppm", "P6\n1 2\n255\n" + std::string("\x07\x07\x07\xff\x00\x00", 6));
  write_atomically(folder.path() / "c.bmp", bmp());
  // 1×2 grey pixels 5 and 250 as PNG, the zlib stream stored without compression.
  const unsigned char png[] = {0x89, 'P', 'N', 'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 'I', 'H', 'D', 'R', 0,   0,    0,    1,    0, 0, 0,    2,
                               8,    0,   0,   0,   0,    0,    0,    0,    0, 0, 0, 0,  15,  'I', 'D', 'A', 'T', 0x78, 0x01, 0x01, 4, 0, 0xfb, 0xff,
                               0,    5,   0,   250, 0,    0,    0,    0,    0, 0, 0, 0,  0,   0,   0,   0,   'I', 'E',  'N',  'D',  0, 0, 0,    0};
  write_atomically(folder.path() / "d.png", std::string(reinterpret_cast<const char*>(png), sizeof png));
  write_atomically(folder.path() / "README.txt", "not an image");
  write_atomically(folder.path() / "inner" / "e.pgm", pgm(3, 3, std::string(9, 'x')));  // folders inside are left alone
  const IdxImages images = read_image_folder(folder.path());
  EXPECT_EQ(images.count, 4);
  EXPECT_EQ(images.height, 2);
  EXPECT_EQ(images.width, 1);
  // 77·255 + 128 = 19763 = 77·256 + 51; 29·255 + 128 = 7523 = 29·256 + 99.
  EXPECT_EQ(images.pixels, (std::vector<std::uint8_t>{7, 77, 1, 255, 29, 77, 5, 250}));
}

TEST(ImageFolder, RefusesByName) {
  const TemporaryFolder folder;
  EXPECT_NE(refusal(folder.path() / "missing").find("missing"), std::string::npos);
  EXPECT_NE(refusal(folder.path()).find("has no images"), std::string::npos);
  write_atomically(folder.path() / "a.pgm", pgm(2, 2, "abcd"));
  EXPECT_EQ(refusal(folder.path()), "accepted");
  write_atomically(folder.path() / "b.pgm", pgm(2, 1, "ab"));
  const std::string size = refusal(folder.path());
  EXPECT_NE(size.find("b.pgm: 1 × 2 pixels, and a.pgm has 2 × 2"), std::string::npos) << size;
  write_atomically(folder.path() / "b.pgm", "");
  EXPECT_NE(refusal(folder.path()).find("b.pgm: cannot be decoded as an image (the file is empty)"), std::string::npos);
  write_atomically(folder.path() / "b.pgm", "P5\n2 2\n255\nab");
  EXPECT_NE(refusal(folder.path()).find("b.pgm: cannot be decoded"), std::string::npos) << refusal(folder.path());
  write_atomically(folder.path() / "b.pgm", bmp().substr(0, 60));
  EXPECT_NE(refusal(folder.path()).find("b.pgm: cannot be decoded"), std::string::npos);
  write_atomically(folder.path() / "b.pgm", "P5\n99999 99999\n255\nab");
  EXPECT_NE(refusal(folder.path()).find("b.pgm: cannot be decoded"), std::string::npos);
}

TEST(ImageFolder, ColourIsThreePlanes) {
  const TemporaryFolder folder;
  write_atomically(folder.path() / "a.ppm", "P6\n2 1\n255\n" + std::string("\x01\x02\x03\x0b\x0c\x0d", 6));
  write_atomically(folder.path() / "b.pgm", pgm(2, 1, "\x05\x06"));
  const IdxImages planes = read_image_folder(folder.path(), {true, 0, 0});
  EXPECT_EQ(planes.count, 2);
  EXPECT_EQ(planes.height, 3);
  EXPECT_EQ(planes.width, 2);
  EXPECT_EQ(planes.pixels, (std::vector<std::uint8_t>{1, 11, 2, 12, 3, 13, 5, 6, 5, 6, 5, 6}));
  const IdxImages grey = luma_of_planes(planes);
  EXPECT_EQ(grey.height, 1);
  EXPECT_EQ(grey.pixels, read_image_folder(folder.path()).pixels);
  EXPECT_EQ(ImageLaw("planes", planes).dimension(), 6);
  EXPECT_THROW((void)luma_of_planes(grey), InputError);
}

TEST(ImageFolder, TheMiddleSquareIsAveraged) {
  const TemporaryFolder folder;
  // 3 rows of 6; the square in the middle is columns 1 to 3 (two are left over: one on the left, two on the right).
  write_atomically(folder.path() / "a.pgm", pgm(6, 3, std::string("\xff\x00\x08\x10\xff\xff\xff\x18\x20\x28\xff\xff\xff\x30\x38\x40\xff\xff", 18)));
  EXPECT_EQ(read_image_folder(folder.path(), {false, 3, 0}).pixels, (std::vector<std::uint8_t>{0, 8, 16, 24, 32, 40, 48, 56, 64}));
  EXPECT_EQ(read_image_folder(folder.path(), {false, 1, 0}).pixels, (std::vector<std::uint8_t>{32}));
  // Of 3 to 2 pixels a side, weights 2, 1 (of 3) in each: (4·0 + 2·8 + 2·24 + 1·32)/9 = 10.67, and so on.
  EXPECT_EQ(read_image_folder(folder.path(), {false, 2, 0}).pixels, (std::vector<std::uint8_t>{11, 21, 43, 53}));
  // Other sizes may stand beside it, but none that is smaller than the side.
  write_atomically(folder.path() / "b.pgm", pgm(2, 4, std::string("\x01\x01\x02\x02\x04\x05\x09\x09", 8)));
  EXPECT_EQ(read_image_folder(folder.path(), {false, 2, 0}).pixels, (std::vector<std::uint8_t>{11, 21, 43, 53, 2, 2, 4, 5}));
  EXPECT_EQ(read_image_folder(folder.path(), {false, 1, 0}).pixels, (std::vector<std::uint8_t>{32, 3}));  // 13/4 = 3.25
  const std::string small = refusal(folder.path(), {false, 3, 0});
  EXPECT_NE(small.find("b.pgm: 4 × 2 pixels are too few for a side of 3"), std::string::npos) << small;
  EXPECT_EQ(read_image_folder(folder.path(), {false, 3, 1}).count, 1);
  EXPECT_NE(refusal(folder.path(), {false, -1, 0}).find("side is -1"), std::string::npos);
}

TEST(ImageFolder, CelebAsLayout) {
  const TemporaryFolder folder;
  write_atomically(folder.path() / "list_attr_celeba.txt", "not an image");
  write_atomically(folder.path() / "img_align_celeba" / "000001.pgm", pgm(1, 1, "a"));
  write_atomically(folder.path() / "img_align_celeba" / "000002.pgm", pgm(1, 1, "b"));
  EXPECT_EQ(read_image_folder(folder.path()).pixels, (std::vector<std::uint8_t>{'a', 'b'}));
  write_atomically(folder.path() / "own.pgm", pgm(1, 1, "c"));  // images of its own come before the folder inside
  EXPECT_EQ(read_image_folder(folder.path()).pixels, (std::vector<std::uint8_t>{'c'}));
}

}  // namespace
}  // namespace slicecheck
