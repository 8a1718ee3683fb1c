#pragma once
/// A training as its user describes it: what `slicecheck regime`, `audit` and `analyse` look at.

#include <memory>
#include <optional>
#include <string>

#include "slicecheck/generators/generator.h"
#include "slicecheck/measures/law.h"

namespace slicecheck {

/// How the user trains. The theory has: fresh i.i.d. batches, one fresh direction a step, a constant step size, no momentum, the whole vector projected.
struct TrainingPractice {
  double step_size = 0.0;             ///< α at the start, > 0
  std::uint64_t steps = 0;            ///< updates, ≥ 1
  Index batch = 256;                  ///< n
  Index directions = 1;               ///< L
  bool fresh_directions = true;       ///< false: the same directions at every step
  std::string sampling = "fresh";     ///< fresh (i.i.d.); cycling (pairs drawn once, the same order in every epoch); shuffled (a new order in every epoch)
  Index pairs = 0;                    ///< number of pairs for cycling and shuffled
  std::string scheme = "sgd";         ///< sgd, npsgd, adam
  double momentum = 0.0;              ///< of SGD
  std::string projection = "none";    ///< none, whole (u onto the ball), tensors (each tensor onto a ball of its own)
  double radius = 0.0;                ///< of the ball; 0 without one
  double noise = 0.0;                 ///< a: the noise of a step has spread α·a (or √α·a) a coordinate
  std::string noise_scale = "alpha";  ///< alpha, sqrt-alpha
  std::string schedule = "constant";  ///< constant, linear, inverse-time, cosine, plateau
};

/// A generator, two laws, a start and a practice.
struct TrainingDescription {
  std::string name;
  std::shared_ptr<const Generator<double>> generator;        ///< none where it exists in single precision only
  std::shared_ptr<const Generator<float>> generator_single;  ///< always there
  std::shared_ptr<const Law> source;                         ///< of x, on R^{d_x}
  std::shared_ptr<const Law> target;                         ///< of y, on R^d
  std::optional<Eigen::VectorXd> parameters;                 ///< u0 where it is given; otherwise the generator's initial law
  TrainingPractice practice;
  bool single = false;  ///< trained in single precision
  std::uint64_t seed = 1;
};

/// u0: as given, or drawn from the generator's initial law with the seed of the description.
Eigen::VectorXd start_of(const TrainingDescription& training);

}  // namespace slicecheck
