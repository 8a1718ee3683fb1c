#pragma once
/// The parts of experiment `faces-max-sw`: SW_2² against max-SW_2² on a folder of images, with and without a projection of the gradient onto a ball (report
/// 002, section 2.3).
///
/// A replicate is one start: u₀, v₀ and a stream of batches. All trainings of a replicate share them to the bit. A loss's gradient has a scale of its own, so
/// steps and radii are in its own units: a step of share s takes s of the loss off it, to first order, at the start of the first replicate; a radius is a
/// multiple of ‖φ‖ there.

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "convergence.h"
#include "slicecheck/dynamics/two_player.h"
#include "slicecheck/measures/idx_images.h"

namespace slicecheck::faces {

constexpr double kConfidence = 0.95;  // of the intervals in tables and figures
constexpr double kNoNumber = std::numeric_limits<double>::quiet_NaN();

/// What one training leaves, by position in its row; from kCurves on kCurveValues for each look; then the shown images, where the row has room for them.
enum Value : Index {
  kDivergedAt,  ///< the step at which a loss or an image was not finite; NaN where none was
  kW2,          ///< exact W_2² at the end
  kMaxSw,       ///< max-SW_2² at the end, from below
  kSw,          ///< SW_2² at the end
  kVariance,    ///< total variance of the generated images at the end
  kBestW2,      ///< the smallest W_2² of the run's looks
  kGradient,    ///< mean ‖φ‖
  kLargest,     ///< largest ‖φ‖
  kActive,      ///< share of steps on which the ball shortened φ; 0 without a ball
  kMoved,       ///< ‖u_T − u₀‖
  kCurves,
};
constexpr Index kCurveValues = 3;  ///< W_2², SW_2², total variance

/// A loss of the comparison.
struct Loss {
  std::string id;
  GeneratorObjective objective;
  CriticObjective critic;
  double unit = 0.0;      ///< α of share 1: value/‖φ‖² at the start of the first replicate
  double gradient = 0.0;  ///< ‖φ‖ there
};

/// One way of training.
struct Arm {
  std::size_t loss = 0;
  bool adam = false;
  double share = 0.0;   ///< of an SGD step; 0 for Adam
  double radius = 0.0;  ///< of the gradient's ball in units of Loss::gradient; 0: none
  double alpha = 0.0;

  [[nodiscard]] std::string optimiser() const;  ///< "SGD", "SGD, ball of 0.25", "Adam"
  [[nodiscard]] std::string step() const;       ///< the step size in words
};

struct Design {
  std::shared_ptr<const Law> images;
  std::string folder;
  Index count = 0;
  Index height = 0;  ///< rows of an image in the law: three planes in colour
  Index width = 0;
  bool colour = false;
  std::shared_ptr<const Law> source;
  std::shared_ptr<const Generator<float>> generator;
  std::shared_ptr<const Critic<float>> critic;
  std::vector<Loss> losses;
  std::vector<Arm> arms;
  Index batch = 0;
  Index restarts = 0;
  double critic_step_size = 0.0;
  std::uint64_t steps = 0;
  std::vector<std::uint64_t> looks;
  Index replicates = 0;
  Index shown = 0;
  Index w2_points = 0;
  Index evaluation_directions = 0;
  double margin = 0.0;  ///< "lower" asks for less than 1 − margin times the other

  [[nodiscard]] Index points() const { return std::min(w2_points, count / 2); }  ///< on each side of a yardstick
};

/// How far two clouds of as many points are apart.
struct Yardsticks {
  double w2 = kNoNumber;
  double sw = kNoNumber;
  double max_sw = kNoNumber;    ///< from below; NaN where it was not asked for
  double variance = kNoNumber;  ///< Σ_k‖z_k − z̄‖²/(n − 1) of the first cloud
};

/// An arm with its replicates.
struct Measured {
  Arm arm;
  Points<double> rows;
  Points<float> shown;              ///< of the first replicate; empty where it diverged
  std::vector<std::string> hashes;  ///< of u₀ and v₀, one a replicate

  [[nodiscard]] std::vector<double> values(Index column) const;
  [[nodiscard]] Index diverged() const;
};

/// What stands beside the yardsticks: means over random splits of the images into disjoint halves. A generator that draws the law of the images afresh scores
/// what two halves have between them; with n points in a dimension d > n the mean image may well score LESS by W_2², which then rewards shrinking to it.
struct Floor {
  Yardsticks halves;
  Yardsticks mean_image;  ///< n copies of the mean of the other half
};

/// Trains; a pure function of its arguments. The row has room for shown images where it is longer than the curves.
void train(const Design& design, const Arm& arm, std::uint64_t seed, Index replicate, Eigen::Ref<Eigen::RowVectorXd> row);
Index row_width(const Design& design, bool with_images);
TwoPlayerParts<float> parts_of(const Design& design, const Arm& arm, std::uint64_t seed, Index replicate);
/// Fills unit and gradient.
void measure_unit(const Design& design, Loss& loss, std::uint64_t seed);
Floor floor_of(const Design& design, std::uint64_t seed);

/// Geometric mean with a t-interval of the logarithm; NaN throughout where a value is not positive and finite.
MeanEstimate geometric_mean(const std::vector<double>& values);

void write_summary(const Design& design, const std::vector<Measured>& results, const Floor& floor, const ExperimentContext& context);
/// What the experiment says of report 002's sentences.
Json advice_of(const Design& design, const std::vector<Measured>& results, const Floor& floor);

}  // namespace slicecheck::faces
