#include "slicecheck/measures/idx_images.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>

#include "slicecheck/core/error.h"
#include "slicecheck/core/files.h"
#include "slicecheck/measures/idx_bytes.h"

namespace slicecheck {

namespace {

constexpr std::uint32_t kMagic = 0x0000'0803;  // unsigned bytes, three dimensions
constexpr std::size_t kHeader = 16;

}  // namespace

IdxImages read_idx_images(const std::filesystem::path& path) {
  const std::string file = path.string();
  // A regular file says how long it is, and its pixels are read to where they stay; anything else is read whole.
  std::error_code unknown;
  const std::uintmax_t length = size_that_fits(path);
  std::ifstream in;
  if (std::filesystem::is_regular_file(path, unknown)) in.open(path, std::ios::binary);
  const bool in_place = in.is_open();
  std::string bytes = in_place ? std::string(std::min<std::uintmax_t>(length, kHeader), '\0') : read_file(path);
  if (in_place && !in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()))) reject("cannot read {}: {}", file, std::strerror(errno));
  if (bytes.size() < kHeader) reject("{}: {} bytes; an IDX image file has a header of {} bytes", file, bytes.size(), kHeader);
  const std::uint32_t magic = big_endian(bytes, 0);
  if (magic != kMagic) reject("{}: the magic number is {:#010x}; an IDX file of images has {:#010x}", file, magic, kMagic);
  IdxImages images;
  images.count = big_endian(bytes, 4);
  images.height = big_endian(bytes, 8);
  images.width = big_endian(bytes, 12);
  if (images.count == 0 || images.height == 0 || images.width == 0)
    reject("{}: the header says {} images of {} × {}; every size must be at least 1", file, images.count, images.height, images.width);
  // Each size is below 2^32: compare by division, the product may not fit.
  const auto present = static_cast<std::uint64_t>((in_place ? length : bytes.size()) - kHeader);
  const auto pixels = static_cast<std::uint64_t>(images.height) * static_cast<std::uint64_t>(images.width);
  if (present % pixels != 0 || present / pixels != static_cast<std::uint64_t>(images.count))
    reject("{}: the header says {} images of {} × {}, but {} bytes follow it instead of {}", file, images.count, images.height, images.width, present,
           static_cast<double>(images.count) * static_cast<double>(pixels));
  if (!in_place) {
    images.pixels.assign(bytes.begin() + kHeader, bytes.end());
    return images;
  }
  images.pixels.resize(present);
  std::array<char, 1 << 16> buffer{};
  for (std::uint64_t done = 0; done < present;) {
    const auto part = std::min<std::uint64_t>(buffer.size(), present - done);
    if (!in.read(buffer.data(), static_cast<std::streamsize>(part))) reject("cannot read {}: {} of {} bytes of pixels are there", file, done, present);
    std::memcpy(images.pixels.data() + done, buffer.data(), part);
    done += part;
  }
  return images;
}

void write_idx_images(const std::filesystem::path& path, const IdxImages& images) {
  std::string bytes;
  append_big_endian(bytes, kMagic);
  for (const Index size : {images.count, images.height, images.width}) append_big_endian(bytes, static_cast<std::uint32_t>(size));
  bytes.append(images.pixels.begin(), images.pixels.end());
  write_atomically(path, bytes);
}

template <class S>
IdxImages images_from_points(PointsView<S> points, Index height, Index width) {
  if (points.cols() != height * width) reject("points of dimension {} are no images of {} × {}", points.cols(), height, width);
  if (!points.allFinite()) reject("points that are not finite are no images");
  IdxImages images{points.rows(), height, width, {}};
  images.pixels.reserve(static_cast<std::size_t>(points.size()));
  for (Index k = 0; k < points.rows(); ++k)
    for (Index j = 0; j < points.cols(); ++j) {
      const double value = std::clamp((static_cast<double>(points(k, j)) + 1.0) * 127.5, 0.0, 255.0);
      images.pixels.push_back(static_cast<std::uint8_t>(std::lround(value)));
    }
  return images;
}

template IdxImages images_from_points<float>(PointsView<float>, Index, Index);
template IdxImages images_from_points<double>(PointsView<double>, Index, Index);

}  // namespace slicecheck
