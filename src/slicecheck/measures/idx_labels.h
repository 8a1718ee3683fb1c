#pragma once
/// Labels in the IDX format of MNIST.

#include <cstdint>
#include <filesystem>
#include <vector>

namespace slicecheck {

/// Reads an IDX file of one dimension of unsigned bytes.
/// @throws InputError with the file, what its header says and what was expected: a wrong magic number, a size of 0, a truncated file, bytes left over.
std::vector<std::uint8_t> read_idx_labels(const std::filesystem::path& path);

/// Writes the format that `read_idx_labels` reads, atomically.
void write_idx_labels(const std::filesystem::path& path, const std::vector<std::uint8_t>& labels);

}  // namespace slicecheck
