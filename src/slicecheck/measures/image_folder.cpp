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

std::vector<fs::path> image_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
    if (is_image_name(entry->path()) && !entry->is_directory()) files.push_back(entry->path());
  if (error) reject("cannot list the folder {}: {}", folder.string(), error.message());
  if (files.empty()) reject("the folder {} has no images; expected files whose names end in {}", folder.string(), fmt::join(kEndings, ", "));
  std::sort(files.begin(), files.end(), [](const fs::path& a, const fs::path& b) { return a.filename().string() < b.filename().string(); });
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

/// Appends the grey image and returns height and width.
std::pair<Index, Index> append_grey(const fs::path& file, std::vector<std::uint8_t>& pixels) {
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
  for (std::size_t k = 0; k < count; ++k) {
    const stbi_uc* const pixel = image.get() + k * stride;
    const unsigned grey = channels < 3 ? pixel[0] : (77U * pixel[0] + 150U * pixel[1] + 29U * pixel[2] + 128U) / 256U;
    pixels.push_back(static_cast<std::uint8_t>(grey));
  }
  return {height, width};
}

}  // namespace

IdxImages read_image_folder(const fs::path& folder) {
  const std::vector<fs::path> files = image_files(folder);
  IdxImages images;
  for (const fs::path& file : files) {
    const auto [height, width] = append_grey(file, images.pixels);
    if (images.count == 0) {
      images.height = height;
      images.width = width;
    }
    if (height != images.height || width != images.width)
      reject("{}: {} × {} pixels, and {} has {} × {}; all images of a folder have one size", file.string(), height, width, files.front().filename().string(),
             images.height, images.width);
    ++images.count;
  }
  return images;
}

}  // namespace slicecheck
