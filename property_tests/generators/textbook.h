#pragma once
/// Generators as the textbook has them, over complex numbers: one evaluation at u + ihv gives T(u, x), and J_u T(u, x) v without any cancellation.

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <complex>
#include <functional>
#include <vector>

#include "slicecheck/core/tolerances.h"
#include "slicecheck/core/types.h"
#include "slicecheck/generators/activation.h"

namespace slicecheck::testing {

using Complex = std::complex<double>;
using ComplexVector = Eigen::VectorXcd;
using ComplexPoints = Points<Complex>;

/// T(·, x) for fixed x: u ↦ n×d.
using Textbook = std::function<ComplexPoints(const ComplexVector&)>;

/// The imaginary step: its square is 0 in double precision.
constexpr double kImaginaryStep = 1e-120;

struct ImagesAndDerivative {
  Points<double> images;      ///< T(u, x_k)
  Points<double> derivative;  ///< J_u T(u, x_k) v
};

inline ImagesAndDerivative complex_step(const Textbook& textbook, const Eigen::VectorXd& u, const Eigen::VectorXd& v) {
  ComplexVector at(u.size());
  for (Index i = 0; i < u.size(); ++i) at[i] = {u[i], kImaginaryStep * v[i]};
  const ComplexPoints images = textbook(at);
  return {images.real(), images.imag() / kImaginaryStep};
}

/// act on complex numbers near the real line; a kink is decided by the real part.
inline Complex activate_complex(Activation act, Complex t) {
  switch (act) {
    case Activation::identity: return t;
    case Activation::relu: return t.real() > 0.0 ? t : Complex{};
    case Activation::leaky_relu: return t.real() > 0.0 ? t : 0.01 * t;
    case Activation::tanh: return std::tanh(t);
    case Activation::softplus: return std::log(1.0 + std::exp(t));
  }
  return t;
}

/// The dense residual network of dense_mlp.h. Every layer sees x and all earlier layers; u = (W_1 by rows, b_1, …).
struct TextbookMlp {
  std::vector<Index> widths;  ///< hidden layers, then the output
  std::function<Complex(Complex)> activation;
  Points<double> x;

  ComplexPoints operator()(const ComplexVector& u) const {
    ComplexPoints out(x.rows(), widths.back());
    for (Index k = 0; k < x.rows(); ++k) {
      std::vector<Complex> seen(x.row(k).begin(), x.row(k).end());
      Index next = 0;
      for (std::size_t m = 0; m < widths.size(); ++m) {
        const bool last = m + 1 == widths.size();
        std::vector<Complex> layer(static_cast<std::size_t>(widths[m]));
        for (Complex& sum : layer)
          for (const Complex& feature : seen) sum += u[next++] * feature;
        for (Complex& sum : layer) sum += u[next++];
        for (std::size_t i = 0; i < layer.size(); ++i) {
          if (last)
            out(k, static_cast<Index>(i)) = layer[i];
          else
            seen.push_back(activation(layer[i]));
        }
      }
    }
    return out;
  }
};

/// Bounds on the sums of the absolute values of all terms that make up an image and a derivative of the network (what their rounding is proportional to), and
/// on every input, feature and pre-activation.
struct MlpTerms {
  Points<double> images;
  Points<double> derivative;
  double features;
};

/// |act(t)| ≤ |t| + ln 2 and |act'| ≤ 1 for every activation: the textbook at (|u|, |x|, |v|) with t + ln 2 in the place of act.
inline MlpTerms mlp_terms(const std::vector<Index>& widths, const Points<double>& x, const Eigen::VectorXd& u, const Eigen::VectorXd& v) {
  double largest = std::max(1.0, x.cwiseAbs().maxCoeff());
  const auto act = [&](Complex t) {
    const Complex feature = t + std::log(2.0);
    largest = std::max(largest, feature.real());
    return feature;
  };
  const ImagesAndDerivative bound = complex_step(TextbookMlp{widths, act, x.cwiseAbs()}, u.cwiseAbs(), v.cwiseAbs());
  return {bound.images, bound.derivative, largest};
}

/// γ_k for the longest chain of roundings in images and pullback: inner products layer by layer, forward and back, the sum over the points and that over the
/// parameters; twice, for the textbook rounds as well.
inline double mlp_relative_error(const std::vector<Index>& widths, const Points<double>& x, Index parameters, double unit_roundoff) {
  Index chain = x.rows() + parameters;
  Index seen = x.cols();
  for (const Index width : widths) {
    chain += 2 * (seen + width + 10);
    seen += width;
  }
  return tolerance::gamma(2.0 * static_cast<double>(chain), unit_roundoff);
}

}  // namespace slicecheck::testing
