#pragma once
/// Is the pullback the transpose of the derivative? ⟨J v, c⟩ = ⟨v, Jᵀc⟩, the left side by the textbook, the right side by the generator.

#include <cmath>

#include "generators/textbook.h"
#include "slicecheck/generators/generator.h"

namespace slicecheck::testing {

/// Entries of d_u numbers drawn from stream number `number`, rounded to S.
template <class S>
Eigen::VectorXd random_vector(Index size, std::uint32_t number, double scale) {
  Eigen::VectorXd out(size);
  RandomStream(1, Purpose::cases, number, 500).fill_normal(out);
  return (scale * out).cast<S>().template cast<double>();
}

template <class S>
Points<double> random_points(Index rows, Index cols, std::uint32_t number, double scale = 1.0) {
  const Eigen::VectorXd entries = random_vector<S>(rows * cols, number, scale);
  return Eigen::Map<const Points<double>>(entries.data(), rows, cols);
}

struct PullbackErrors {
  double images;    ///< largest |T − textbook|
  double pullback;  ///< |⟨v, Jᵀc⟩ − ⟨J v, c⟩|
};

/// Compares a generator with its textbook at u, along v, with the cotangent c.
template <class S>
PullbackErrors pullback_errors(const Generator<S>& generator, const Textbook& textbook, const Points<double>& x, const Eigen::VectorXd& u,
                               const Eigen::VectorXd& v, const Points<double>& c) {
  const ImagesAndDerivative expected = complex_step(textbook, u, v);
  const Vector<S> u_s = u.cast<S>();
  const Points<S> x_s = x.cast<S>();
  const Points<S> c_s = c.cast<S>();
  const auto linearisation = generator.linearise(u_s, x_s);
  const Vector<S> pulled = linearisation->pullback(c_s);
  return {(linearisation->images().template cast<double>() - expected.images).cwiseAbs().maxCoeff(),
          std::abs(pulled.template cast<double>().dot(v) - expected.derivative.cwiseProduct(c).sum())};
}

}  // namespace slicecheck::testing
