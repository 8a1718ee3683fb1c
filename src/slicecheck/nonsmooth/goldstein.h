#pragma once
/// Goldstein δ-criticality for networks, from gradients at points around u (claim N9).

#include <cstdint>
#include <optional>
#include <string_view>

#include "slicecheck/generators/generator.h"
#include "slicecheck/loss/sample_loss.h"
#include "slicecheck/measures/law.h"

namespace slicecheck {

/// How much is sampled.
struct GoldsteinSettings {
  double delta = 0.01;             ///< radius of the ball around u, > 0
  std::optional<double> radius;    ///< r of B_r; nothing: no constraint
  std::uint64_t points = 32;       ///< random points of B(u, δ) ∩ B_r, ≥ 1
  std::uint64_t refinements = 32;  ///< further points, each opposite to the present nearest point of the hull
  Index n = 64;                    ///< size of a batch
  Index batches = 8;               ///< batches (X, Y), frozen: the SAME at all points
  Index directions = 16;           ///< directions of each batch, frozen
};

/// A small norm says something; a large one does not.
enum class GoldsteinVerdict { delta_critical, inconclusive };
/// delta-critical or inconclusive.
std::string_view goldstein_name(GoldsteinVerdict verdict);

/// What was found.
struct Goldstein {
  double norm = 0.0;               ///< distance of 0 to the hull of the sampled gradients, plus the ray, from above
  bool ray = false;                ///< ‖u‖ ≥ r − δ: the ray R₊u was added
  std::uint64_t gradients = 0;     ///< evaluated
  double smallest_gradient = 0.0;  ///< the smallest ‖g‖ among them
  double largest_gradient = 0.0;   ///< the largest

  /// `delta_critical` where norm ≤ tolerance. A sampled hull is an INNER set: a large norm says nothing.
  [[nodiscard]] GoldsteinVerdict verdict(double tolerance) const;
};

/// The mean over the frozen batches of φ(v, X_b, Y_b, θ_b) at points v of B(u, δ) ∩ B_r, and the point nearest to 0 of their hull plus the ray R₊u if
/// ‖u‖ ≥ r − δ. It is small only where the empirical objective of these batches is nearly δ-critical. Fresh batches at every point would put 0 into the hull by
/// noise alone.
///
/// The points are uniform in B(u, δ), then projected onto B_r (which leaves them in B(u, δ), because projections do not expand and u ∈ B_r). u itself is not
/// among them: it may be a kink, where automatic differentiation need not return a subgradient; random points are kinks with probability 0. Streams: batches
/// from the evaluation purposes with step = number of the batch, points from Purpose::cases.
/// @throws InputError unless delta > 0 is finite, counts are ≥ 1, radius > 0 and ‖u‖ ≤ radius; where dimensions do not fit; where a gradient is not finite.
Goldstein goldstein_criticality(const Generator<double>& generator, const SampleLoss<double>& loss, const Law& source, const Law& target, VectorView<double> u,
                                const GoldsteinSettings& settings, std::uint64_t seed, std::uint32_t replicate = 0);

}  // namespace slicecheck
