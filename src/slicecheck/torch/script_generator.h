#pragma once
/// Generators that a user brings as TorchScript files.

#include <filesystem>
#include <memory>

#include "slicecheck/generators/generator.h"

namespace slicecheck {

/// A TorchScript archive as T(u, x): a module whose `forward(x)` takes an n×d_x tensor and returns n rows, flattened to n×d. Further arguments of forward must
/// have default values.
///
/// u: its parameters in the order of `named_parameters()`, one after the other, row by row, as one vector; `tensors()` are their sizes. A tensor that stands in
/// several places (tied weights) is one part of u. A parameter that was saved with requires_grad = False is not trained: it stays as it is and is not part of
/// u. All floating-point tensors of the module are converted to S when it is loaded. `initial()` is what the file holds, whatever the stream. `name()` is
/// "torchscript:FILE", without the folder.
///
/// The module runs as it was saved: it is neither put into evaluation mode nor taken out of it. In training mode batch normalisation makes T(u, x_i) depend on
/// the other rows of x; then this is no map of one point, and the audit says so. Running statistics that forward updates are those of a copy and are forgotten.
///
/// The derivative is LibTorch's reverse mode. AT A KINK OR A JUMP it is what the derivative of the script returns there; of a result that does not depend on u
/// by differentiable steps it is 0.
///
/// Thread-safe and deterministic: every linearisation copies u into a copy of the module, and LibTorch stays on one thread, without the just-in-time optimiser.
/// A TorchScript file is code: it can read and write files, and it can run for ever. Load only what you trust.
///
/// @throws InputError, with the file and the reason, if it cannot be read, is no archive, has no method forward, or forward does not take exactly one tensor;
/// if no parameter is trained; and if forward, tried on 2, 3 and 5 fixed points of R^{d_x}, throws, returns anything but a floating-point tensor with as many
/// rows as x, always of the same width, returns a number that is not finite, does not depend on u by differentiable steps, or differs between two calls with
/// the same x (dropout in training mode: the theory has no random numbers inside T).
template <class S>
std::shared_ptr<const Generator<S>> load_script_generator(const std::filesystem::path& file, Index input_dimension);

}  // namespace slicecheck
