#include "slicecheck/measures/cifar10.h"

#include <fmt/format.h>

#include <string>

#include "slicecheck/core/error.h"
#include "slicecheck/core/files.h"

namespace slicecheck {

namespace {

constexpr std::size_t kPlanes = std::size_t{3} * 32 * 32;
constexpr std::size_t kRecord = 1 + kPlanes;
constexpr std::uint8_t kLargestLabel = 9;
constexpr int kBatches = 5;

std::filesystem::path batch_file(const std::filesystem::path& folder, int number) { return folder / fmt::format("data_batch_{}.bin", number); }

}  // namespace

Cifar10Images read_cifar10(const std::filesystem::path& path) {
  const std::string bytes = read_file(path);
  if (bytes.empty() || bytes.size() % kRecord != 0)
    reject("{}: {} bytes; a file of CIFAR-10 has records of {} bytes (a label and three planes of 32 × 32)", path.string(), bytes.size(), kRecord);
  const std::size_t count = bytes.size() / kRecord;
  Cifar10Images out{{static_cast<Index>(count), 96, 32, {}}, {}};
  out.images.pixels.reserve(count * kPlanes);
  for (std::size_t k = 0; k < count; ++k) {
    const auto record = bytes.begin() + static_cast<std::ptrdiff_t>(k * kRecord);
    const auto label = static_cast<std::uint8_t>(*record);
    if (label > kLargestLabel) reject("{}: the label of record {} is {}; expected 0 to {}", path.string(), k, label, kLargestLabel);
    out.labels.push_back(label);
    out.images.pixels.insert(out.images.pixels.end(), record + 1, record + static_cast<std::ptrdiff_t>(kRecord));
  }
  return out;
}

std::optional<std::filesystem::path> missing_cifar10_file(const std::filesystem::path& folder) {
  for (int number = 1; number <= kBatches; ++number)
    if (!std::filesystem::exists(batch_file(folder, number))) return batch_file(folder, number);
  if (!std::filesystem::exists(folder / "test_batch.bin")) return folder / "test_batch.bin";
  return std::nullopt;
}

Cifar10Images read_cifar10_training(const std::filesystem::path& folder) {
  Cifar10Images all{{0, 96, 32, {}}, {}};
  for (int number = 1; number <= kBatches; ++number) {
    const Cifar10Images part = read_cifar10(batch_file(folder, number));
    all.images.count += part.images.count;
    all.images.pixels.insert(all.images.pixels.end(), part.images.pixels.begin(), part.images.pixels.end());
    all.labels.insert(all.labels.end(), part.labels.begin(), part.labels.end());
  }
  return all;
}

}  // namespace slicecheck
