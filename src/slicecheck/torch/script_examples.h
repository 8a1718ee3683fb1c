#pragma once
/// TorchScript losses to begin with: one that is right, and two with a defect that the claims find.

#include <filesystem>
#include <string>
#include <vector>

namespace slicecheck {

/// Writes, and returns in this order:
///
/// - `sliced-wasserstein.pt`: sorts both projections; mean of squares, summed in double. Takes float and double.
/// - `sliced-wasserstein-unsorted-target.pt`: the projections of Y keep the order of the rows.
/// - `sliced-wasserstein-root.pt`: the square of a square root; where the loss is 0 its gradient is 0·∞, NaN.
///
/// Makes the folder when it is missing; replaces files of these names.
/// @throws InputError if a file cannot be written.
std::vector<std::filesystem::path> write_script_examples(const std::filesystem::path& folder);

/// Compiles the methods of a module (`def forward(self, X, Y, directions): …`) and writes it as a TorchScript archive.
/// @throws Error with the compiler's message where the source is wrong; InputError if the file cannot be written.
void write_script_module(const std::filesystem::path& file, const std::string& methods);

}  // namespace slicecheck
