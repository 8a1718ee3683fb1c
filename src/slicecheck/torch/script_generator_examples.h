#pragma once
/// TorchScript generators to begin with: one that is as the theory has it, and three that are not, all with the same parameters under the same names.

#include <filesystem>
#include <vector>

namespace slicecheck {

/// Writes, and returns in this order, maps of R² to R² with 16 hidden units and 82 parameters `hidden.weight`, `hidden.bias`, `out.weight`, `out.bias`:
///
/// - `generator-mlp.pt`: W₂ relu(W₁x + b₁) + b₂.
/// - `generator-batch-norm.pt`: the hidden units are normalised over the batch, in training mode: T(u, x_i) depends on the other points.
/// - `generator-detached.pt`: the hidden units are detached, so that back-propagation leaves out the first layer's part of the derivative.
/// - `generator-tanh.pt`: tanh of the first one: bounded in u.
///
/// Makes the folder when it is missing; replaces files of these names. The parameters are pure functions of the seed 1.
/// @throws InputError if a file cannot be written.
std::vector<std::filesystem::path> write_script_generator_examples(const std::filesystem::path& folder);

}  // namespace slicecheck
