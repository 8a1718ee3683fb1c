#pragma once
/// The objectives of two-player trainings as the textbook has them, in numbers that carry a bound on their rounding (tracked.h): plain loops, derivatives
/// forwards. Written apart from dynamics/two_player.cpp, the critics' back-propagation and the fast losses, which are compared with it.

#include <vector>

#include "slicecheck/claims/tracked.h"
#include "slicecheck/dynamics/two_player.h"
#include "slicecheck/generators/activation.h"
#include "slicecheck/generators/dense_critic.h"

namespace slicecheck {

/// A point a row.
using TrackedCloud = std::vector<std::vector<Tracked>>;

/// Numbers that are exact, with derivatives 0.
TrackedCloud exactly(const Points<double>& points);
/// Numbers that are exact, with the entries of `along` as derivatives (or 0 where it is empty).
std::vector<Tracked> exactly(const Eigen::VectorXd& values, const Eigen::VectorXd& along = {});

/// A generator whose layers see the input and all earlier ones (dense_mlp.h); without hidden layers it is affine (closed_form.h).
struct GeneratorShape {
  Index input = 1;
  std::vector<Index> widths;  ///< hidden layers, then the output
  Activation act = Activation::tanh;
};

/// What a critic gives for a batch.
struct TrackedCritic {
  TrackedCloud features;
  std::vector<Tracked> scores;
  std::vector<Tracked> statistics;
};

/// One evaluation; remembers whether it came so near to a kink or a tie that rounding decides on which side it is: derivatives cannot be compared then.
class PlayersTextbook {
 public:
  /// T(u, x), by plain loops.
  [[nodiscard]] TrackedCloud images(const GeneratorShape& shape, const std::vector<Tracked>& u, const Points<double>& x);
  /// Features and scores, likewise.
  [[nodiscard]] TrackedCritic critic(const DenseCritic<double>& net, const std::vector<Tracked>& v, const TrackedCloud& points);
  /// (1/n) Σ_k (‖∇_x s(points_k)‖ − 1)².
  [[nodiscard]] Tracked gradient_penalty(const DenseCritic<double>& net, const std::vector<Tracked>& v, const Points<double>& points);
  /// SW_p^p of two clouds over the given directions, or its p-th root.
  [[nodiscard]] Tracked sliced(const TrackedCloud& z, const TrackedCloud& y, const Points<double>& directions, double p, bool root);
  /// An objective of the generator that is a function of scores of its images.
  [[nodiscard]] Tracked generator_objective(GeneratorObjective::Kind kind, const std::vector<Tracked>& scores);
  /// An objective of the critic, the penalty aside.
  [[nodiscard]] Tracked critic_objective(CriticObjective::Kind kind, const std::vector<Tracked>& real, const std::vector<Tracked>& generated);
  /// Mean of σ(s)(1 − σ(s)).
  [[nodiscard]] Tracked mean_slope(const std::vector<Tracked>& scores);

  /// Some number is within its rounding of a kink of an activation, of |·| or of a root.
  [[nodiscard]] bool near_kink() const { return near_kink_; }
  /// Two projections of the first cloud are within their rounding of each other.
  [[nodiscard]] bool near_tie() const { return near_tie_; }

 private:
  [[nodiscard]] Tracked piecewise_linear(const Tracked& a, double left);
  [[nodiscard]] Tracked root_of(const Tracked& a, double q);
  /// x̂ for every unit; appends means and variances.
  void normalise(TrackedCloud& pre, std::vector<Tracked>& statistics);

  bool near_kink_ = false;
  bool near_tie_ = false;
};

/// Roundings on a path through generator, critic and loss, forwards and back, with the sums over points, directions and parameters: an upper bound on K.
double roundings_on_a_path(const GeneratorShape& shape, const DenseCritic<double>* net, Index points, Index directions);

}  // namespace slicecheck
