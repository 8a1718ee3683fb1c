#pragma once
/// The regime of a training: the same training again at α, α/2, α/4, … over the same time, and what the runs have in common (claims T1, T4, T5).
///
/// No flow needs to be known. If u_α is near a solution of u' ∈ −∂_C F(u) (claim T1), then runs at α and at α/2 are near each other, replicates are, and both
/// distances fall with α. So agreement is NECESSARY for the flow regime; it is not sufficient: paths can agree with each other and with no solution.

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "slicecheck/core/progress.h"
#include "slicecheck/generators/dense_mlp.h"
#include "slicecheck/loss/sample_loss.h"
#include "slicecheck/measures/law.h"

namespace slicecheck {

/// The training, and how often it is run.
struct RegimeSettings {
  double step_size = 0.01;  ///< α, that of the user's training
  std::uint64_t steps = 1000;
  Index batch = 256;
  Index directions = 1;
  Index cycling_pairs = 0;  ///< > 0: that many pairs, drawn once a run, cycle in one order; otherwise fresh batches
  double radius = 0.0;      ///< of NPSGD's ball; 0: no ball, plain SGD
  double noise = 0.0;       ///< NPSGD's a
  Index levels = 3;         ///< step sizes α·2^{−j}, j < levels
  Index replicates = 8;     ///< at each of them, all from the same u0
  Index looks = 64;         ///< times at which paths are compared, besides 0; at most `steps`
  Index residual_batches = 64;
  Index objective_batches = 20;
  Index objective_directions = 100;  ///< directions a batch for F and its gradient
  std::uint64_t seed = 1;
};

/// Times of the looks are shared by all levels: look i comes after ⌊i·steps/looks⌋ steps of size α, twice as many of size α/2, and so on.
template <class S>
struct RegimeProblem {
  std::shared_ptr<const Generator<S>> generator;
  std::shared_ptr<const SampleLoss<S>> loss;  ///< thread-safe
  std::shared_ptr<const Law> source;
  std::shared_ptr<const Law> target;
  Eigen::VectorXd u0;
  std::shared_ptr<const DenseMlp<double>> network;  ///< where the generator is one: kinks and pieces can be seen
};

/// F's gradient at a point by independent fresh batches.
struct GradientEstimate {
  double squared_norm = 0.0;  ///< unbiased for ‖∇F(u)‖²: the mean of ⟨g_b, g_c⟩ over b ≠ c; may be negative
  double residual = 0.0;      ///< unbiased for dist(0, −∇F(u) − N_r(u))², N_r = R₊u on the sphere: the outward pull that the ball holds is taken out
  double outward = 0.0;       ///< −⟨∇F(u), u/‖u‖⟩: > 0 where descent pulls out of the ball; 0 where u = 0
};

/// One run at one step size.
struct RegimeRun {
  Index level = 0;
  Index replicate = 0;
  std::optional<std::uint64_t> failed_at;  ///< the step at which f was not finite
  GradientEstimate gradient;               ///< at the end
  double objective = 0.0;                  ///< F at the end, by fresh batches
  double phi_squares = 0.0;                ///< mean of ‖φ‖² over the steps
  std::uint64_t steps = 0;
};

/// What was met at the sampled steps: one a look and run.
struct NonsmoothCounts {
  std::uint64_t steps = 0;
  std::uint64_t with_ties = 0;      ///< two images with the same projection, exactly, as computed
  std::uint64_t harmful_ties = 0;   ///< blocks of equal projections with different targets and different derivatives in u of two inputs (claim N6)
  std::uint64_t unjudged_ties = 0;  ///< blocks that were given up: more than eight pairs of derivatives in a step
  std::uint64_t kinks = 0;          ///< pre-activations that are exactly 0; only where `network` is there
  double sides_changed = 0.0;       ///< share of (hidden unit, probe input) whose side changed between two looks of a run at α: how many pieces are crossed
};

/// Everything that the runs left.
/// Whether kinks of the generator can be looked at: counted in our own ReLU networks; our smooth networks have none; those of others cannot be seen from
/// outside.
enum class KinksSeen { invisible, none_there, counted };

/// What was measured: everything that `regime_statistics` and `judge_regime` need.
struct RegimeMeasurements {
  RegimeSettings settings;
  std::vector<double> times;            ///< of the looks, times[0] = 0
  std::vector<RegimeRun> runs;          ///< run number level·replicates + replicate
  std::vector<Eigen::MatrixXd> grams;   ///< [look]: ⟨u_i − u0, u_k − u0⟩ for all runs; NaN for runs that failed
  Eigen::MatrixXd loss;                 ///< looks×runs: mean of f since the look before; row 0 is NaN
  Eigen::MatrixXd norm;                 ///< looks×runs: ‖u‖
  Eigen::MatrixXd on_sphere;            ///< looks×runs: share of the steps since the look before that ended within 10⁻⁶·r of the sphere
  std::vector<GradientEstimate> start;  ///< at u0, `replicates` independent estimates
  std::vector<double> start_objective;  ///< F(u0) likewise
  double start_noise = 0.0;             ///< E‖φ(u0) − ∇F(u0)‖² of a step as trained
  double start_direction_noise = 0.0;   ///< the part of it that more directions would remove
  double start_norm = 0.0;              ///< ‖u0‖, after the projection
  double given_objective = 0.0;         ///< F at u0 as given, before a projection
  double given_norm = 0.0;              ///< ‖u0‖ as given
  Index parameters = 0;
  NonsmoothCounts met;
  KinksSeen kinks = KinksSeen::invisible;
};

/// Where unfinished work is kept.
struct RegimeFiles {
  std::filesystem::path checkpoint;  ///< empty: none
  std::string fingerprint;           ///< of everything the measurements depend on
  double seconds = 10.0;             ///< between checkpoints
  bool resume = false;
};

/// Runs the levels·replicates trainings side by side, in parallel; equal bits for any number of threads and after any interruption. Memory: two vectors of d_u
/// entries a run.
/// @throws InputError for settings that make no sense, dimensions that do not fit, a checkpoint of other settings.
template <class S>
RegimeMeasurements measure_regime(const RegimeProblem<S>& problem, const RegimeSettings& settings, const RegimeFiles& files, Progress& progress);

}  // namespace slicecheck
