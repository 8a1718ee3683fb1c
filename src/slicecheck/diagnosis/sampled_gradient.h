#pragma once
/// ∇F at a point by independent fresh batches, and how noisy one of them is.

#include <cstdint>

#include "slicecheck/diagnosis/regime.h"

namespace slicecheck {

/// How a gradient of F is estimated.
struct GradientSampling {
  Index n = 256;
  Index batches = 64;  ///< B ≥ 2
  Index directions = 100;
  std::uint64_t seed = 1;
  std::uint32_t replicate = 0;
  std::uint64_t slot = 0;  ///< distinguishes estimates of one replicate: slots draw independently; below 2^19
};

/// What is kept of the batch gradients g_b = φ(u, X_b, Y_b, θ_b).
struct SampledGradient {
  Index batches = 0;
  double norm_of_sum = 0.0;     ///< ‖Σ g_b‖²
  double sum_of_norms = 0.0;    ///< Σ ‖g_b‖²
  double radial_sum = 0.0;      ///< Σ ⟨g_b, u/‖u‖⟩, 0 where u = 0
  double radial_squares = 0.0;  ///< Σ ⟨g_b, u/‖u‖⟩²
  double u_norm = 0.0;

  /// ‖∇F‖² and the residual in the ball of this radius (0: no ball). A u within 10⁻⁶·r of the sphere is on it.
  [[nodiscard]] GradientEstimate estimate(double radius) const;
  /// Unbiased for E‖g_b − ∇F‖².
  [[nodiscard]] double variance() const;
};

/// @throws InputError for fewer than 2 batches.
template <class S>
SampledGradient sample_gradient(const Generator<S>& generator, const SampleLoss<S>& loss, const Law& source, const Law& target, VectorView<S> u,
                                const GradientSampling& sampling);

}  // namespace slicecheck
