#pragma once
/// The parts of experiment `p-not-2`: SW_p^p as the training loss for several p, compared by the same yardsticks (report 002 leaves p ≠ 2 open).
///
/// A replicate is one start: a u₀, a stream of batches and directions, and the batches of the evaluations. All exponents and schemes of a replicate share them
/// to the bit. SW_p^p has another scale and another curvature for each p, so step sizes are compared at equal decrease: a step of share s at p is the α at
/// which the first step, to first order, takes s·SW_2² off SW_2². The shares that are tried are the same for all p.

#include <array>
#include <limits>
#include <string>
#include <vector>

#include "convergence.h"
#include "slicecheck/dynamics/training.h"

namespace slicecheck::exponents {

constexpr double kConfidence = 0.95;  // of the intervals in tables and figures
constexpr double kNoNumber = std::numeric_limits<double>::quiet_NaN();

/// Where the exponents are compared.
struct Testbed {
  std::string id;           ///< names files and tables
  std::string title;        ///< "two moons"
  std::uint32_t table = 0;  ///< of its streams
  std::shared_ptr<const Law> source;
  std::shared_ptr<const Law> target;
  std::shared_ptr<const Generator<float>> generator;
  Index batch = 0;
  Index directions = 0;
  std::uint64_t steps = 0;
  Index trials = 0;         ///< replicates of each step size that is tried
  Index replicates = 0;     ///< of the step size that is kept; other starts than those of the trials
  Index figure_points = 0;  ///< points or images of each training that are shown
  Index side = 0;           ///< of images; 0 in the plane
  Index w2_points = 0;
  ObjectiveSettings along;           ///< evaluations along the way
  ObjectiveSettings final;           ///< at the start, at the end and of the floor
  std::vector<std::uint64_t> looks;  ///< steps at which the yardsticks are taken
};

/// What is looked at, in the order of a curve's columns.
enum class Yardstick : std::size_t {
  f,    ///< F = SW_2² on fresh batches
  w2,   ///< exact W_2² between fresh samples
  own,  ///< SW_p^p on the batches of F, p that of the training
};
constexpr std::size_t kYardsticks = 3;
constexpr std::array<Yardstick, kYardsticks> kAllYardsticks{Yardstick::f, Yardstick::w2, Yardstick::own};

/// What one training leaves, by position in its row; from kCurves on, three yardsticks for each look; then the shown points, where the row has room for them.
/// All NaN but kDiverged where the training ended in numbers that are not finite.
enum Value : Index {
  kDiverged,                                        ///< 1 or 0
  kNorm,                                            ///< ‖u_T‖
  kOnSphere,                                        ///< share of steps with ‖u‖ ≥ r(1 − 10⁻⁶); 0 without a ball
  kStart,                                           ///< three yardsticks at u₀, before a scheme projects it
  kEnd = kStart + static_cast<Index>(kYardsticks),  ///< and at u_T
  kCurves = kEnd + static_cast<Index>(kYardsticks),
};

/// What one training is made of.
struct Training {
  double p = 2.0;
  double alpha = 0.0;
  double radius = 0.0;  ///< 0: SGD, no ball
  double noise = 0.0;   ///< a of NPSGD
  std::uint32_t stream = 0;
};

/// Trainings of one exponent and scheme that differ in their start.
struct Measured {
  double p = 2.0;
  bool noised = false;
  double share = 0.0;
  double alpha = 0.0;
  Points<double> rows;

  [[nodiscard]] std::vector<double> values(Index column) const;
  [[nodiscard]] Index diverged() const;
};

/// The step that lowers SW_2² by all of itself, to first order: α of share s is s·unit.
struct Scale {
  double unit = 0.0;           ///< F(u₀)/⟨∇F(u₀), φ_p(u₀)⟩
  double gradient_norm = 0.0;  ///< ‖φ_p(u₀)‖, φ_p the mean of fresh gradients
  double noise = 0.0;          ///< a of NPSGD: α·a·√d_u is the same share of the first step for every p
};

/// What sampling alone leaves of the yardsticks: two independent samples of the target. `own` has one entry an exponent.
struct Floors {
  double f = 0.0;
  double w2 = 0.0;
  std::vector<double> own;
};

/// Everything measured on one testbed.
struct TestbedResults {
  std::vector<Scale> scales;  ///< one an exponent
  Floors floors;
  std::vector<Measured> trials;           ///< by exponent, then by share, ascending
  std::vector<Measured> finals;           ///< SGD for every exponent, then NPSGD
  std::vector<bool> at_edge;              ///< one an exponent: the share that was kept is the smallest or the largest tried
  std::vector<std::string> u0_hashes;     ///< one a training of the first replicate, in the order of `finals`
  std::vector<std::string> batch_hashes;  ///< of its first batch
  double radius = 0.0;
};

struct Design {
  std::vector<double> exponents;
  std::vector<double> shares;  ///< ascending
  std::vector<Index> levels;   ///< per cent of (start − floor)
  double noise_share = 0.0;
  std::vector<Testbed> testbeds;
  std::vector<std::string> not_run;  ///< sentences
};

/// @throws InputError for settings that make no sense.
Design design_of(const ExperimentContext& context);

/// Trains; a pure function of its arguments. The row has room for shown points where it is longer than the curves.
void train(const Testbed& bed, const Training& training, std::uint64_t seed, Eigen::Ref<Eigen::RowVectorXd> row);
Index row_width(const Testbed& bed, bool with_points);

TrainingParts<float> parts_of(const Testbed& bed, const Training& training, std::uint64_t seed);
Scale scale_of(const Testbed& bed, double p, double noise_share, std::uint64_t seed, std::uint32_t stream);
Floors floors_of(const Testbed& bed, const std::vector<double>& exponents, std::uint64_t seed);
/// FNV-1a of the bits, going on from `start`.
std::uint64_t hash_of(const Points<float>& values, std::uint64_t start = 14695981039346656037ULL);

/// The first step, interpolated between looks, at which `what` has fallen by `percent` of (start − floor), for each row; NaN where it never has.
std::vector<double> steps_to(const Measured& m, const Testbed& bed, Yardstick what, double floor, double percent);

/// The trial that brought F down by `percent` of (start − floor) in the fewest steps, by geometric mean over its starts; none where no step size did from all.
struct Fewest {
  const Measured* arm = nullptr;
  double steps = kNoNumber;
};
Fewest fewest_steps(const Design& design, const TestbedResults& results, const Testbed& bed, std::size_t exponent, Index percent);

/// Constant steps near a point where all gaps are 0: how far away they end.
struct Hover {
  std::string testbed;
  double p = 2.0;
  std::vector<double> alphas;  ///< falling
  Points<double> levels;       ///< replicates × α: root mean square distance over the last half of the steps
  Points<double> settled;      ///< likewise: that of the last quarter over that of the one before; 1 where it has settled
};
std::vector<Hover> measure_hover(const Design& design, const ExperimentContext& context);

/// "1.5".
std::string number_text(double value);
std::string yardstick_name(Yardstick what, double p);
double floor_of(const Floors& floors, Yardstick what, std::size_t exponent);

std::string scheme_name(const Measured& m);
std::string p_name(double p);
/// All CSV files but the shown points.
void write_tables(const Design& design, const std::vector<TestbedResults>& results, const std::vector<Hover>& hover, const std::filesystem::path& folder);
/// Their declaration.
Json tables_json(const Design& design);
/// Writes all files and the summary.
void write_summary(const Design& design, const std::vector<TestbedResults>& results, const std::vector<Hover>& hover, const ExperimentContext& context);
/// Sentences with the numbers that they rest on.
Json advice_of(const Design& design, const std::vector<TestbedResults>& results, const std::vector<Hover>& hover);
/// Column a has settled: the distance in the last quarter is, in the geometric mean, at least kSettled times that in the quarter before.
constexpr double kSettled = 0.9;
bool has_settled(const Hover& hover, std::size_t a);
/// The slope of log level against log α, over the replicates: for p < 2 through the step sizes that have settled, else through all. NaN where fewer than two
/// have, and where a level is 0 or not finite.
MeanEstimate hover_slope(const Hover& hover);
/// Geometric mean with a t-interval of the logarithm; NaN throughout where a value is not positive and finite.
MeanEstimate geometric_mean(const std::vector<double>& values);

}  // namespace slicecheck::exponents
