#pragma once
/// ∂_C F by brute force for small piecewise linear maps of one or two parameters into the line, with integers for coefficients: the judge of claim N9 at ReLU
/// kinks. Every limiting gradient is found by walking round the point, on exact numbers; of nonsmooth/ it uses
/// nothing but the type of network that `network` hands to the subject.

#include <memory>
#include <vector>

#include "slicecheck/core/random.h"
#include "slicecheck/nonsmooth/activation_cells.h"

namespace slicecheck {

/// T(s, x) = offset + drift·s + Σ_k out_k relu(…) through one or two hidden layers, s ∈ R^{1 or 2}, x one of few integers. Only the first layer and the output
/// bias move with s, so T is piecewise linear in s; all coefficients are small multiples of 1/4, so every number here is exact in double.
struct PiecewiseLinearMap {
  /// One unit of a layer: in → slope → out.
  struct Unit {
    std::vector<double> in;  ///< coefficients of what the layer sees
    double bias = 0.0;
  };
  Eigen::MatrixXd slope;     ///< first hidden layer: pre-activation_i = slope_i·s + gain_i x + bias_i
  Eigen::VectorXd gain;      //
  Eigen::VectorXd bias;      //
  std::vector<Unit> second;  ///< second hidden layer, on the first; may be empty
  Eigen::VectorXd out;       ///< of the last hidden layer
  Eigen::RowVectorXd drift;  ///< of the output bias
  double offset = 0.0;

  [[nodiscard]] Index parameters() const { return slope.cols(); }
  /// The same map as a network of this library.
  [[nodiscard]] std::shared_ptr<const TiedMlp> network() const;
};

/// Kinks of units and ties of images at `s` are common.
PiecewiseLinearMap drawn_piecewise_linear(PointDraws& draws, Index parameters, bool two_layers, const Eigen::VectorXd& s);

/// One atom: input or target, and its probability.
struct LineAtom {
  double at;
  double probability;
};

/// All limits of ∇F at s, F(s) = E w(T_s(X), Y) for batches of n i.i.d. atoms: one a row. Their hull is ∂_C F(s). Exact but for the rounding of the weighted
/// sums.
Points<double> all_limiting_gradients(const PiecewiseLinearMap& map, const Eigen::VectorXd& s, const std::vector<LineAtom>& inputs,
                                      const std::vector<LineAtom>& targets, Index n);

/// dist(0, hull of the rows + {λ·ray : λ ≥ 0}) for rows of 1 or 2 entries, by looking at every edge; ray = 0: no ray.
double distance_of_hull(const Points<double>& rows, const Eigen::VectorXd& ray);

}  // namespace slicecheck
