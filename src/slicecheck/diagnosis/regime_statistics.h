#pragma once
/// What the runs of a regime have in common, from the inner products of their displacements alone.

#include <vector>

#include "slicecheck/diagnosis/regime.h"
#include "slicecheck/statistics/confidence.h"

namespace slicecheck {

/// An estimate with its standard error and t-interval by the jackknife over replicates (levels are independent groups). ASYMPTOTIC in the number of replicates.
struct Jackknifed {
  double value = 0.0;
  double standard_error = 0.0;
  Interval interval{};
};

/// At one look, or averaged over all of them. Unbiased: values may be negative where the truth is near 0. With δ = u_α(s) − u0:
struct PathMoments {
  std::vector<double> drift;       ///< [level] ‖E δ‖²: the mean of ⟨δ_i, δ_k⟩ over pairs of replicates
  std::vector<double> spread;      ///< [level] E‖u − E u‖²
  std::vector<double> difference;  ///< [level j] ‖E u_{α_j} − E u_{α_{j+1}}‖²
};

/// What the moments need of the inner products of displacements, runs in the order of RegimeMeasurements::runs.
struct GramSums {
  Index levels = 0;
  Index replicates = 0;
  Eigen::VectorXd own;   ///< ⟨δ_i, δ_i⟩
  Eigen::MatrixXd with;  ///< runs×levels: the sum of ⟨δ_i, δ_k⟩ over the runs k of a level
};

/// @throws InputError for a matrix that is not (levels·replicates)×(levels·replicates).
GramSums gram_sums(const Eigen::MatrixXd& gram, Index levels, Index replicates);

/// `left_out` (−1: none) is a run that is ignored.
/// @throws InputError for fewer than 2 replicates (3 where one is left out).
PathMoments path_moments(const GramSums& sums, Index left_out = -1);

/// d_C, or the largest gap, between two runs over the looks.
struct PathGaps {
  std::vector<std::vector<double>> replicates;  ///< [level][pair]: runs 2p and 2p + 1 of one step size: independent pairs
  std::vector<std::vector<double>> halved;      ///< [level j][replicate]: runs at α_j and α_{j+1}
};

/// What the paths say, with intervals over the replicates.
struct RegimeStatistics {
  std::vector<PathMoments> looks;             ///< at each look
  std::vector<Jackknifed> drift;              ///< [level] root of the mean over looks, in the units of u
  std::vector<Jackknifed> spread;             ///< [level] likewise
  std::vector<Jackknifed> distance_of_means;  ///< [level j] of the mean paths at α_j and α_{j+1}, likewise
  /// In units of the drift at the smallest step size, which is nearest to the flow:
  Jackknifed noise;         ///< √(mean spread² / mean drift²) at α
  Jackknifed step;          ///< 2·√(mean difference² / mean drift²) between α and α/2: if E u_α − flow is proportional to α, that is E u_α − flow
  Jackknifed error;         ///< √(noise² + step²): the distance of one run at α to the flow
  Jackknifed spread_slope;  ///< of log2 spread against log2 α; 1/2 is predicted by T1 for small α
  Jackknifed difference_slope;      ///< of log2 distance of means; 1 is predicted. NaN where a difference is not positive
  bool drift_seen = false;          ///< the drift at the smallest step size is positive: its interval excludes 0
  double horizon = 0.0;             ///< S = α·steps
  PathGaps largest_gap;             ///< max over looks of ‖u(s) − v(s)‖
  PathGaps path_distance;           ///< d_C stopped at ⌊S⌋; empty where S < 1
  double path_distance_tail = 1.0;  ///< 2^{−⌊S⌋}: what d_C can be more
  // At the end, over the replicates, t-intervals:
  std::vector<MeanEstimate> residual;   ///< [level] squared distance of 0 to ∇F + N_r, F the expected minibatch loss; not the Clarke set at a kink
  std::vector<MeanEstimate> outward;    ///< [level]
  std::vector<MeanEstimate> objective;  ///< [level] F
  std::vector<MeanEstimate> on_sphere;  ///< [level] share of the steps of the last quarter
  MeanEstimate start_residual;
  MeanEstimate start_outward;
  MeanEstimate start_objective;
  std::vector<double> phi_squares;  ///< [level] mean ‖φ‖² over all steps
};

/// @throws InputError where a run failed: there is nothing to compare then.
RegimeStatistics regime_statistics(const RegimeMeasurements& measured, double confidence);

}  // namespace slicecheck
