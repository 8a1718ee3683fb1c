#pragma once
/// CIFAR-10 in its binary version.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "slicecheck/measures/idx_images.h"

namespace slicecheck {

/// Colour images of 32 × 32 with their labels.
struct Cifar10Images {
  IdxImages images;                  ///< planes of red, green and blue one above the other: 96 rows of 32, as `read_image_folder` has colour
  std::vector<std::uint8_t> labels;  ///< 0, …, 9, one for each image
};

/// Reads one file: records of a byte of label and 3 · 32 · 32 bytes of planes, as many as there are (10,000 in the official files).
/// @throws InputError, with the file, for one that cannot be read, has no or a part of a record, or a label above 9 (with its place).
Cifar10Images read_cifar10(const std::filesystem::path& path);

/// The first of data_batch_1.bin, …, data_batch_5.bin and test_batch.bin that the folder lacks, or nothing.
std::optional<std::filesystem::path> missing_cifar10_file(const std::filesystem::path& folder);

/// The five training batches of a folder, one after another. @throws InputError as `read_cifar10`.
Cifar10Images read_cifar10_training(const std::filesystem::path& folder);

}  // namespace slicecheck
