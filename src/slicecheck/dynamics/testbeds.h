#pragma once
/// The testbeds of theory/dynamics.md: small trainings whose F, flow and (d_u ≤ 2) critical set are known without Monte Carlo.

#include <memory>
#include <string>
#include <vector>

#include "slicecheck/dynamics/flow_field.h"
#include "slicecheck/dynamics/training.h"

namespace slicecheck {

/// A small training of which everything is known.
struct Testbed {
  std::string name;   ///< two-point-line, affine-plane, tanh-plane, relu-plane, tanh-pair, relu-pair
  std::string title;  ///< for readers
  std::shared_ptr<const Generator<double>> generator;
  std::shared_ptr<const FiniteLaw> source;
  std::shared_ptr<const FiniteLaw> target;
  Index n;                 ///< points in a batch
  Eigen::VectorXd centre;  ///< of K
  double spread;           ///< radius of the ball K that u0 is uniform in: a compact K and an absolutely continuous law
  std::shared_ptr<const FiniteFlowField> field;
};

/// All of them:
///
/// - two-point-line (testbed 1): T(u, ±1) = ±u onto ±1, batches of n = 2; everything in closed form.
/// - affine-plane (2): T = Ax + b, d_u = 6, three atoms onto three, n = 4.
/// - tanh-plane, relu-plane (3): a dense network with one hidden unit into the plane, d_u = 8, four atoms onto four, n = 4.
/// - tanh-pair, relu-pair (4): the same network with all parameters but two frozen, d_u = 2, so that the critical set can be found by search.
const std::vector<Testbed>& testbeds();

/// @throws InputError for an unknown name; the sentence lists the known ones.
const Testbed& testbed_by_name(const std::string& name);

/// A generator with another law of u0: uniform in the ball B(centre, radius).
class StartsInBall final : public Generator<double> {
 public:
  /// @throws InputError unless the centre fits and is finite and radius ≥ 0 is finite.
  StartsInBall(std::shared_ptr<const Generator<double>> inner, Eigen::VectorXd centre, double radius);

  [[nodiscard]] std::string name() const override { return inner_->name(); }
  [[nodiscard]] Index parameters() const override { return inner_->parameters(); }
  [[nodiscard]] Index input_dimension() const override { return inner_->input_dimension(); }
  [[nodiscard]] Index output_dimension() const override { return inner_->output_dimension(); }
  [[nodiscard]] std::vector<Index> tensors() const override { return inner_->tensors(); }
  [[nodiscard]] Vector<double> initial(const RandomStream& stream) const override;
  [[nodiscard]] std::unique_ptr<Linearisation<double>> linearise(VectorView<double> u, PointsView<double> x) const override { return inner_->linearise(u, x); }

 private:
  std::shared_ptr<const Generator<double>> inner_;
  Eigen::VectorXd centre_;
  double radius_;
};

/// Algorithm 1 on the testbed: u0 uniform in K, batches of n, one direction a step (θ uniform on the sphere), constant step size α, the scheme given (SGD where
/// null). `start`: another law of u0 than uniform in K.
TrainingParts<double> testbed_training(const Testbed& testbed, double alpha, std::uint64_t seed, std::uint32_t replicate,
                                       std::shared_ptr<const Scheme<double>> scheme = nullptr, std::shared_ptr<const Generator<double>> start = nullptr);

/// u_0, …, u_steps of a training, one a row. @throws InputError where it diverges.
Points<double> walk(const TrainingParts<double>& parts, std::uint64_t steps);

/// How often the order of θ·T(u, x_a) over the source's atoms changes along the rows, counted in exchanges of two atoms and averaged over `directions` equally
/// spaced θ of the half circle (d = 2), or for the one order there is (d = 1). `every`: rows looked at.
double order_changes(const Testbed& testbed, PointsView<double> iterates, Index directions = 64, Index every = 1);

}  // namespace slicecheck
