#pragma once
/// The parts of experiment `transport-plane`: trainings on regularised transport, h_λ and the Sinkhorn loss L_λ, beside SW_2² in the plane; the line, where the
/// ends are known in closed form; and the bounds R7 and R8 drawn over what trainings do.
///
/// A replicate is one start: atoms of both laws and a θ0. All losses of a replicate share them to the bit.

#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "convergence.h"
#include "slicecheck/core/error.h"
#include "slicecheck/dynamics/oracle_sgd.h"
#include "slicecheck/measures/law.h"
#include "slicecheck/statistics/confidence.h"

namespace slicecheck::oracle_plane {

constexpr double kConfidence = 0.95;  // of the intervals in tables and figures
constexpr double kFar = 100.0;        // images so many times farther from the origin than any target atom: diverged
constexpr double kNoNumber = std::numeric_limits<double>::quiet_NaN();

/// Mistakes that a training may be run with: the experiment's own verdicts must refuse each of them.
enum class Defect {
  none,
  sharp_gradient,  ///< weights of ∇d̄ in place of the plan
  sharp_value,     ///< d̄ is what is called for and reported, and the plan's gradient is descended (R4, R12)
  no_self_term,    ///< L_λ without d(G, G)
  half_self_term,  ///< its gradient in one slot alone
  lost_square,     ///< minibatch estimates divided by S, not S² (R11)
};
/// @throws InputError for an unknown name; the sentence lists the known ones.
Defect defect_by_name(const std::string& name);
/// Right, or with a mistake.
std::unique_ptr<OracleSgd> make_oracle(OracleParts parts, Defect defect);

/// What a training descends.
enum class Loss { transport, sinkhorn, sliced };

/// One loss on one target by one kind of generator.
struct Arm {
  std::size_t bed = 0;  ///< position in Design::beds
  Loss loss = Loss::sliced;
  double share = 0.0;  ///< λ over the median cost; 0 for SW_2²
};

/// A target and a generator.
struct Bed {
  std::string law;
  std::string title;  ///< "two moons, affine"
  std::string generator_name;
  std::uint32_t table = 0;  ///< of its streams
  std::shared_ptr<const Law> target;
  std::shared_ptr<const Generator<double>> generator;
};

struct Design {
  std::vector<Bed> beds;
  std::vector<double> shares;      ///< of λ, ascending
  std::vector<Arm> arms;           ///< of all beds; in a bed h_λ, L_λ, SW_2²
  std::vector<Index> multiples;    ///< powers of two of the matched step that are tried, ascending
  std::vector<double> lambdas;     ///< of the line
  std::vector<Index> divisors;     ///< stationarity: α = 1/(divisor·L1)
  std::vector<double> tolerances;  ///< ε/λ of the loose oracles, ascending
  Index atoms = 0;
  std::uint64_t steps = 0;
  Index replicates = 0;
  Index directions = 0;
  double tolerance_share = 0.0;  ///< ε/λ of the arms
  Defect defect = Defect::none;
  std::vector<std::uint64_t> looks;
};
/// @throws InputError for settings that make no sense.
Design design_of(const ExperimentContext& context);

/// Atoms of one replicate of a bed, with equal weights.
struct Atoms {
  Points<double> x;
  Points<double> y;
  double median_cost = 0.0;  ///< of ‖y − y'‖² over pairs of different target atoms
};
Atoms atoms_of(const Bed& bed, Index count, std::uint64_t seed, std::uint32_t stream);
std::shared_ptr<const Schedule> constant_step(double alpha);
/// Oracle SGD on h_λ between them: squared cost, KL, full gradients.
OracleParts parts_of(const Bed& bed, const Atoms& atoms, double lambda, double alpha, double tolerance_share, std::uint64_t seed, std::uint32_t stream);

/// What one training of an arm leaves, by position; from kCurve on exact W_2² at each look; then the images of all atoms.
enum Value : Index {
  kDiverged,  ///< 1 or 0
  kAlpha,
  kW2Start,    ///< exact W_2² between the images of the atoms of x and those of y
  kW2,         ///< likewise at the end
  kSlicedEnd,  ///< SW_2² of the same clouds, by 64 directions at equal angles
  kSpread,     ///< root mean square distance to the mean, over that of y
  kFresh,      ///< exact W_2² between images of fresh inputs and fresh targets
  kGap,        ///< largest certified gap over λ of all oracles
  kSweeps,     ///< half-sweeps a step
  kCurve
};
Index row_width(const Design& design);
/// Trains arm `arm` with the matched step times 2^multiple. A pure function of its arguments; NaN but for kDiverged where it diverged.
void train(const Design& design, const Arm& arm, Index multiple, std::uint64_t seed, Index replicate, Eigen::Ref<Eigen::RowVectorXd> row);

struct ArmResult {
  Index multiple = 0;     ///< that was kept
  bool at_edge = false;   ///< no smaller or no larger one was tried
  Points<double> trials;  ///< one a multiple
  Points<double> rows;    ///< replicates
  [[nodiscard]] std::vector<double> values(Index column) const;
  [[nodiscard]] Index diverged() const;
};

/// The line x, y = ±1, T = θx.
struct LineResult {
  double lambda = 0.0;
  double transport = 0.0;  ///< θ after training on h_λ
  double sinkhorn = 0.0;   ///< and on L_λ
  double closed = 0.0;     ///< the positive minimiser of h_λ, or 0
  double allowed_transport = 0.0;
  double predicted_transport = 0.0;  ///< the end by the closed form: its limit, or the T-th step where it is not reached (λ = 2)
  double allowed_sinkhorn = 0.0;
};
std::vector<LineResult> measure_line(const Design& design, const ExperimentContext& context);

/// Stationarity against T: observed and bound for each replicate, at T = 1, 2, 4, ….
struct StationarityResult {
  Index divisor = 1;
  std::vector<std::uint64_t> horizons;
  Points<double> observed;  ///< replicates × horizons: mean over t < T of an upper bound on ‖∇h(θ_t)‖²
  Points<double> bound;     ///< 2 h(θ0)/(αT) + mean δ_t² + L1 α mean σ_t²
  Points<double> noise;     ///< its last term
  Index diverged = 0;
};
std::vector<StationarityResult> measure_stationarity(const Design& design, const ExperimentContext& context);

/// Loose oracles: full gradients at α = 1/L1, over the last quarter of the steps.
struct LooseResult {
  double tolerance = 0.0;  ///< ε/λ asked for
  bool warm = false;
  Points<double> rows;  ///< replicates × LooseValue
};
enum LooseValue : Index {
  kLooseStationarity,  ///< mean ‖∇h‖²
  kLooseBound,         ///< mean δ² of R7 at the gaps that were reached
  kLooseReached,       ///< largest gap over λ of all steps
  kLooseRatio,         ///< largest ‖G − ∇h‖ over what R7 allows, over all steps
  kLooseValue,         ///< h at the end over h at the start
  kLooseSweeps,        ///< half-sweeps a step
  kLooseValues
};
std::vector<LooseResult> measure_loose(const Design& design, const ExperimentContext& context);

/// Slopes of certified values against the gradient that a training descends.
struct SlopeResult {
  std::string objective;
  double share = 0.0;
  double ratio = 0.0;    ///< largest |slope − ⟨G, v⟩| over what is allowed
  double allowed = 0.0;  ///< the largest allowance over ‖G‖
};
std::vector<SlopeResult> measure_slopes(const Design& design, const ExperimentContext& context);

/// ⟨g, G⟩/‖G‖² of independent minibatches at one θ: its mean is 1 (R11).
struct BatchResult {
  MeanEstimate projection{};
  MeanEstimate variance{};     ///< ‖g − G‖² over R11's formula
  MeanEstimate own_loss{};     ///< ‖g − G‖² of L_λ over R12's bound, batches of its own for each term
  MeanEstimate shared_loss{};  ///< likewise, one batch of x for both terms
  Index batches = 0;
};
BatchResult measure_batches(const Design& design, const ExperimentContext& context);

struct Results {
  std::vector<ArmResult> arms;
  std::vector<LineResult> line;
  std::vector<StationarityResult> stationarity;
  std::vector<LooseResult> loose;
  std::vector<SlopeResult> slopes;
  BatchResult batches;
};

std::string loss_name(Loss loss);
/// "h_λ, λ = 0.1 med C", or "SW_2²".
std::string arm_name(const Arm& arm);
/// "affine on two moons": for lists, as titles have a comma.
std::string bed_in_list(const Bed& bed);
/// NaN where an entry is not finite.
double largest_of(const Eigen::Ref<const Points<double>>& values);
/// Kept step sizes at an end of the grid.
Index steps_at_edge(const Results& results);
/// Does `work`; an oracle that misses its gap, or what else cannot go on, says where.
template <class Work>
auto with_place(const std::string& place, const Work& work) {
  try {
    return work();
  } catch (const InputError& error) {
    throw InputError(place + ": " + error.what());
  }
}
/// The larger one; NaN if either is.
double worse_of(double one, double other);
/// Geometric mean with a t-interval of the logarithm; NaN throughout where a value is not positive and finite.
MeanEstimate geometric_mean(const std::vector<double>& values);
std::vector<ExperimentVerdict> verdicts_of(const Design& design, const Results& results);
Json advice_of(const Design& design, const Results& results);
/// Writes all files and the summary.
void write_summary(const Design& design, const Results& results, const ExperimentContext& context);

}  // namespace slicecheck::oracle_plane
