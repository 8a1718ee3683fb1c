/// IDX files of images, from a regular file and from a pipe; and of labels. CIFAR-10's binary files.

#include <array>

#include "fuzz.h"
#include "slicecheck/measures/cifar10.h"
#include "slicecheck/measures/idx_images.h"
#include "slicecheck/measures/idx_labels.h"

namespace slicecheck::fuzz {
namespace {

/// docs/formats.md: 00 00 08 03, three sizes of at least 1 in 32 bits, big-endian, and as many bytes as their product.
bool allowed(std::string_view bytes) {
  if (bytes.size() < 16 || bytes.substr(0, 4) != std::string_view("\0\0\x08\x03", 4)) return false;
  std::array<std::uint64_t, 3> sizes{};
  for (std::size_t k = 0; k < 12; ++k) sizes[k / 4] = sizes[k / 4] * 256 + static_cast<std::uint8_t>(bytes[4 + k]);
  std::uint64_t product = 1;
  for (const std::uint64_t size : sizes) {
    product *= size;
    if (size == 0 || product > bytes.size()) return false;
  }
  return product == bytes.size() - 16;
}

void one_file(std::string_view bytes) {
  const auto path = scratch().file("images.idx", bytes);
  IdxImages images;
  const bool accepted = accepts("images.idx", [&] { images = read_idx_images(path); });
  require(accepted == allowed(bytes), accepted ? "what the format forbids is refused" : "what the format allows is accepted");
  if (accepted) {
    require(static_cast<Index>(images.pixels.size()) == images.count * images.height * images.width, "as many bytes as the sizes say");
    const auto copy = scratch().folder() / "copy.idx";
    write_idx_images(copy, images);
    require(bytes_of_file(copy) == bytes, "what is written is what was read");
  }
  std::array<int, 2> ends{};
  if (bytes.size() > 4096 || ::pipe(ends.data()) != 0) return;  // a pipe holds as many without a reader
  require(::write(ends[1], bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()), "the pipe takes the file");
  ::close(ends[1]);
  const std::string pipe = fmt::format("/proc/self/fd/{}", ends[0]);
  IdxImages piped;
  const bool pipe_accepted = accepts(pipe, [&] { piped = read_idx_images(pipe); });
  ::close(ends[0]);
  require(
      pipe_accepted == accepted && piped.pixels == images.pixels && piped.count == images.count && piped.height == images.height && piped.width == images.width,
      "a pipe is read like a file");
}

/// Labels: 00 00 08 01, one size of at least 1, and as many bytes.
void one_file_of_labels(std::string_view bytes) {
  std::uint64_t count = 0;
  for (std::size_t k = 4; k < 8 && k < bytes.size(); ++k) count = count * 256 + static_cast<std::uint8_t>(bytes[k]);
  const bool may = bytes.size() > 8 && bytes.substr(0, 4) == std::string_view("\0\0\x08\x01", 4) && count == bytes.size() - 8;
  const auto path = scratch().file("labels.idx", bytes);
  std::vector<std::uint8_t> labels;
  const bool accepted = accepts("labels.idx", [&] { labels = read_idx_labels(path); });
  require(accepted == may, accepted ? "labels that the format forbids are refused" : "labels that the format allows are accepted");
  if (!accepted) return;
  const auto copy = scratch().folder() / "copy.idx";
  write_idx_labels(copy, labels);
  require(bytes_of_file(copy) == bytes, "the labels that are written are those that were read");
}

/// Records of a label of at most 9 and 3,072 bytes, at least one.
void one_file_of_cifar10(std::string_view bytes) {
  constexpr std::size_t kRecord = 3073;
  bool may = !bytes.empty() && bytes.size() % kRecord == 0;
  for (std::size_t k = 0; may && k < bytes.size(); k += kRecord) may = static_cast<std::uint8_t>(bytes[k]) <= 9;
  const auto path = scratch().file("data_batch_1.bin", bytes);
  Cifar10Images read;
  const bool accepted = accepts("data_batch_1.bin", [&] { read = read_cifar10(path); });
  require(accepted == may, accepted ? "records that the format forbids are refused" : "records that the format allows are accepted");
  if (!accepted) return;
  std::string again;
  for (std::size_t k = 0; k < read.labels.size(); ++k) {
    again.push_back(static_cast<char>(read.labels[k]));
    again.append(read.images.pixels.begin() + static_cast<std::ptrdiff_t>(k * (kRecord - 1)),
                 read.images.pixels.begin() + static_cast<std::ptrdiff_t>((k + 1) * (kRecord - 1)));
  }
  require(again == bytes, "labels and planes are the file's bytes");
}

}  // namespace
}  // namespace slicecheck::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  slicecheck::fuzz::one_file(slicecheck::fuzz::view(data, size));
  slicecheck::fuzz::one_file_of_labels(slicecheck::fuzz::view(data, size));
  slicecheck::fuzz::one_file_of_cifar10(slicecheck::fuzz::view(data, size));
  return 0;
}
