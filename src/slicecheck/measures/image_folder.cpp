#include "slicecheck/measures/image_folder.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <limits>
#include <memory>
#include <string>

#include "slicecheck/core/error.h"
#include "slicecheck/core/files.h"

// From memory only; no formats beyond those of the docstring. The header is a system header: its warnings are not ours.
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_ONLY_BMP
#define STBI_ONLY_PNM
#define STBI_MAX_DIMENSIONS 16384
#include <stb/stb_image.h>

namespace slicecheck {

namespace {

namespace fs = std::filesystem;

constexpr std::array<const char*, 6> kEndings = {".png", ".jpg", ".jpeg", ".ppm", ".pgm", ".bmp"};

bool is_image_name(const fs::path& path) {
  std::string ending = path.extension().string();
  for (char& c : ending) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return std::find(kEndings.begin(), kEndings.end(), ending) != kEndings.end();
}

/// Sorted by name; empty where the folder has none.
std::vector<fs::path> image_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
    if (is_image_name(entry->path()) && !entry->is_directory()) files.push_back(entry->path());
  if (error) reject("cannot list the folder {}: {}", folder.string(), error.message());
  std::sort(files.begin(), files.end(), [](const fs::path& a, const fs::path& b) { return a.filename().string() < b.filename().string(); });
  return files;
}

/// Those of the folder, or of CelebA's folder in it.
std::vector<fs::path> files_to_read(const fs::path& folder) {
  std::vector<fs::path> files = image_files(folder);
  const fs::path aligned = folder / "img_align_celeba";
  if (files.empty() && fs::is_directory(aligned)) files = image_files(aligned);
  if (files.empty()) reject("the folder {} has no images; expected files whose names end in {}", folder.string(), fmt::join(kEndings, ", "));
  return files;
}

/// The number at `at`, least significant byte first; 0 beyond the end.
std::size_t little_endian(const std::string& bytes, std::size_t at, std::size_t count) {
  std::size_t value = 0;
  for (std::size_t i = count; i-- > 0;) value = (value << 8) | (at + i < bytes.size() ? static_cast<std::uint8_t>(bytes[at + i]) : 0U);
  return value;
}

/// Where the pixels of a PGM or PPM begin: after four words (comments run from # to the end of a line) and one blank.
std::size_t end_of_pnm_header(const std::string& bytes) {
  std::size_t at = 0;
  for (int word = 0; word < 4; ++word) {
    while (at < bytes.size() && (std::isspace(static_cast<unsigned char>(bytes[at])) != 0 || bytes[at] == '#'))
      at = bytes[at] == '#' ? std::min(bytes.find('\n', at), bytes.size()) : at + 1;
    while (at < bytes.size() && std::isspace(static_cast<unsigned char>(bytes[at])) == 0) ++at;
  }
  return at + 1;
}

/// Whether the file is cut off where the decoder does not notice: it reads zeros beyond the end of these formats.
bool cut_off(const std::string& bytes, std::size_t width, std::size_t height, std::size_t channels) {
  if (bytes.starts_with("P5") || bytes.starts_with("P6")) {
    const auto* const data = reinterpret_cast<const stbi_uc*>(bytes.data());
    const std::size_t size = stbi_is_16_bit_from_memory(data, static_cast<int>(bytes.size())) != 0 ? 2 : 1;
    return bytes.size() < end_of_pnm_header(bytes) + width * height * channels * size;
  }
  if (bytes.starts_with("BM")) {
    const std::size_t bits = little_endian(bytes, little_endian(bytes, 14, 4) == 12 ? 24 : 28, 2);
    return bytes.size() < little_endian(bytes, 10, 4) + height * ((width * bits + 31) / 32 * 4);
  }
  return bytes.starts_with("\xff\xd8") && bytes.rfind("\xff\xd9") == std::string::npos;
}

/// `planes` planes of height×width, one after the other.
struct Image {
  Index planes = 1;
  Index height = 0;
  Index width = 0;
  std::vector<std::uint8_t> pixels;
};

std::uint8_t luma(unsigned red, unsigned green, unsigned blue) { return static_cast<std::uint8_t>((77U * red + 150U * green + 29U * blue + 128U) / 256U); }

Image decode(const fs::path& file, bool colour) {
  const std::string bytes = read_file(file);
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) reject("{}: {} bytes are too many for an image", file.string(), bytes.size());
  int width = 0, height = 0, channels = 0;
  const auto* const data = reinterpret_cast<const stbi_uc*>(bytes.data());
  const std::unique_ptr<stbi_uc, void (*)(void*)> image(stbi_load_from_memory(data, static_cast<int>(bytes.size()), &width, &height, &channels, 0),
                                                        stbi_image_free);
  if (image == nullptr) reject("{}: cannot be decoded as an image ({})", file.string(), bytes.empty() ? "the file is empty" : stbi_failure_reason());
  if (cut_off(bytes, static_cast<std::size_t>(width), static_cast<std::size_t>(height), static_cast<std::size_t>(channels)))
    reject("{}: cannot be decoded as an image (the file ends before its pixels do)", file.string());
  const std::size_t count = static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
  const auto stride = static_cast<std::size_t>(channels);
  Image out{colour ? 3 : 1, height, width, {}};
  out.pixels.reserve(count * static_cast<std::size_t>(out.planes));
  for (std::size_t plane = 0; plane < static_cast<std::size_t>(out.planes); ++plane)
    for (std::size_t k = 0; k < count; ++k) {
      const stbi_uc* const pixel = image.get() + k * stride;
      out.pixels.push_back(channels < 3 ? pixel[0] : colour ? pixel[plane] : luma(pixel[0], pixel[1], pixel[2]));
    }
  return out;
}

/// The part of old pixel j in new pixel i, in units of 1/side of an old pixel, where `square` old pixels become `side` new ones.
Index overlap(Index i, Index j, Index square, Index side) { return std::min((i + 1) * square, (j + 1) * side) - std::max(i * square, j * side); }

/// The square in the middle, averaged down to side×side.
Image squared(const Image& image, Index side) {
  const Index square = std::min(image.height, image.width);
  const Index top = (image.height - square) / 2;
  const Index left = (image.width - square) / 2;
  Image out{image.planes, side, side, {}};
  out.pixels.reserve(static_cast<std::size_t>(image.planes * side * side));
  for (Index plane = 0; plane < image.planes; ++plane)
    for (Index row = 0; row < side; ++row)
      for (Index column = 0; column < side; ++column) {
        Index sum = 0;  // at most 255·square², square ≤ 16384
        for (Index y = row * square / side; y * side < (row + 1) * square; ++y)
          for (Index x = column * square / side; x * side < (column + 1) * square; ++x)
            sum += overlap(row, y, square, side) * overlap(column, x, square, side) *
                   image.pixels[static_cast<std::size_t>(((plane * image.height) + top + y) * image.width + left + x)];
        out.pixels.push_back(static_cast<std::uint8_t>((2 * sum + square * square) / (2 * square * square)));
      }
  return out;
}

}  // namespace

IdxImages read_image_folder(const fs::path& folder, const ImageFolderSettings& settings) {
  if (settings.side < 0 || settings.most < 0) reject("a folder of images: side is {} and most is {}; both must be at least 0", settings.side, settings.most);
  std::vector<fs::path> files = files_to_read(folder);
  if (settings.most > 0 && files.size() > static_cast<std::size_t>(settings.most)) files.resize(static_cast<std::size_t>(settings.most));
  IdxImages images;
  Index first_height = 0, first_width = 0;
  for (const fs::path& file : files) {
    Image image = decode(file, settings.colour);
    if (settings.side > 0) {
      if (std::min(image.height, image.width) < settings.side)
        reject("{}: {} × {} pixels are too few for a side of {}", file.string(), image.height, image.width, settings.side);
      image = squared(image, settings.side);
    }
    if (images.count == 0) {
      first_height = image.height;
      first_width = image.width;
    }
    if (image.height != first_height || image.width != first_width)
      reject("{}: {} × {} pixels, and {} has {} × {}; all images of a folder have one size", file.string(), image.height, image.width,
             files.front().filename().string(), first_height, first_width);
    images.pixels.insert(images.pixels.end(), image.pixels.begin(), image.pixels.end());
    ++images.count;
  }
  images.height = first_height * (settings.colour ? 3 : 1);
  images.width = first_width;
  return images;
}

IdxImages luma_of_planes(const IdxImages& planes) {
  if (planes.height % 3 != 0) reject("images of {} rows are no three planes", planes.height);
  IdxImages out{planes.count, planes.height / 3, planes.width, {}};
  const auto size = static_cast<std::size_t>(out.height * out.width);
  out.pixels.reserve(planes.pixels.size() / 3);
  for (std::size_t image = 0; image < static_cast<std::size_t>(planes.count); ++image)
    for (std::size_t k = 0; k < size; ++k) {
      const std::uint8_t* const red = planes.pixels.data() + 3 * size * image + k;
      out.pixels.push_back(luma(red[0], red[size], red[2 * size]));
    }
  return out;
}

}  // namespace slicecheck
