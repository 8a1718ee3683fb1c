#pragma once
/// The generators of images of report 000: transposed convolutions from 32 normals to 28×28 pixels, without and with residual connections.
///
/// The report says no more than that. What stands here is the plain standard network of that kind, and its choices are ours. There is no batch normalisation:
/// it would make T(u, x_i) depend on the other points of the batch, and the theory has a map of one point.

#include "slicecheck/generators/generator.h"

namespace slicecheck {

/// What the two generators share. With w the base width, and channels×rows×columns as shapes:
///
///     h_1 = relu(A_1 x + b_1)                          4w×7×7     a 7×7 transposed convolution of a 1×1 image of 32 channels, which is a linear map
///     h_2 = relu(A_2 h_1 + b_2 + [up(S_2 h_1)])        2w×14×14   4×4 transposed convolution, stride 2, padding 1
///     T(u, x) = tanh(A_3 h_2 + b_3 + [up(S_3 h_2)])    1×28×28    the same
///
/// The terms in brackets are in the residual variant only: S_m is a 1×1 convolution without bias, up repeats every pixel in a 2×2 square (nearest neighbour).
/// b_m adds one number to a whole channel. Images are row-major pixels in [−1, 1], as IDX images are.
///
/// u = (A_1, b_1, A_2, b_2, [S_2], A_3, b_3, [S_3]); A_m by (input channel, output channel, row, column) as LibTorch's `conv_transpose2d` has it, S_m by
/// (output channel, input channel). d_u = 32·49·4w + 4w + 16·8w² + 2w + 16·2w + 1 = 128w² + 6310w + 1, and 8w² + 2w more for the residual variant.
///
/// u0: weights N(0, gain² · 2 / fan-in) (He for gain 1), biases N(0, gain² · 10⁻⁴), as DenseMlp has them: absolutely continuous. Fan-in is the number of terms
/// that are summed into one entry: 32 for A_1; for A_2 and A_3 the input channels times kernel²/stride² = 4 (fewer at the border); where a skip is added to the
/// sum, one more for each input channel, for A_m and S_m alike.
///
/// AT THE KINK t = 0 of relu the slope is 0 (LibTorch's), one element of the Clarke derivative [0, 1].
///
/// Thread-safe: linearisations may be made and pulled back on several threads at the same time; the same call gives the same bits on any thread. A
/// linearisation copies u and x.
class TransposedConvolutions : public Generator<float> {
 public:
  static constexpr Index kInput = 32;
  static constexpr Index kSide = 28;  ///< rows and columns of an image

  [[nodiscard]] std::string name() const override;
  [[nodiscard]] Index parameters() const override;
  [[nodiscard]] Index input_dimension() const override { return kInput; }
  [[nodiscard]] Index output_dimension() const override { return kSide * kSide; }
  [[nodiscard]] std::vector<Index> tensors() const override;
  [[nodiscard]] Vector<float> initial(const RandomStream& stream) const override;

  /// Records the whole batch for automatic differentiation: about 5,000·w bytes a point.
  /// @throws Error with the first line of LibTorch's message where LibTorch fails (out of memory).
  [[nodiscard]] std::unique_ptr<Linearisation<float>> linearise(VectorView<float> u, PointsView<float> x) const override;

  /// Images alone, 256 points at a time, so that memory beyond the images does not grow with n. Equal to those of linearise() up to rounding (LibTorch chooses
  /// its algorithm by the size of the batch).
  [[nodiscard]] Points<float> forward(VectorView<float> u, PointsView<float> x) const override;

  [[nodiscard]] Index base_width() const { return base_width_; }

 protected:
  /// Keeps LibTorch on one thread (`use_one_torch_thread`).
  /// @throws InputError for a base width below 1 and for a gain that is not finite and positive.
  TransposedConvolutions(Index base_width, bool residual, double initial_gain);

 private:
  Index base_width_;
  bool residual_;
  double initial_gain_;
};

/// Without the terms in brackets. Width 16: 133,729 parameters.
class ConvGenerator final : public TransposedConvolutions {
 public:
  /// w = base_width; initial_gain: of u0. @throws InputError as the base class says.
  explicit ConvGenerator(Index base_width, double initial_gain = 1.0) : TransposedConvolutions(base_width, false, initial_gain) {}
};

/// With the terms in brackets. Width 16: 135,809 parameters.
class ResidualConvGenerator final : public TransposedConvolutions {
 public:
  /// As `ConvGenerator`.
  explicit ResidualConvGenerator(Index base_width, double initial_gain = 1.0) : TransposedConvolutions(base_width, true, initial_gain) {}
};

}  // namespace slicecheck
