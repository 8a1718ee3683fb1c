#include "slicecheck/loss/regularised/dual_ascent.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

#include "slicecheck/core/parallel.h"
#include "slicecheck/core/tolerances.h"
#include "slicecheck/loss/regularised/half_step.h"

namespace slicecheck {

namespace {

/// Potentials that move by less, in units of λ, are followed by scaling a kernel; e^{V/λ} does not overflow by that, and what underflows is below e^{-600}.
constexpr double kMostScaling = 40.0;

}  // namespace

DualAscent::DualAscent(const TransportProblem& problem)
    : kl_(problem.regulariser == Regulariser::kl),
      lambda_(problem.lambda),
      largest_cost_(problem.cost.cwiseAbs().maxCoeff()),
      spread_(problem.cost.maxCoeff() - problem.cost.minCoeff()) {
  side_[0].weights = problem.a;
  side_[1].weights = problem.b;
  side_[0].cost = problem.cost;
  side_[1].cost = problem.cost.transpose();
  for (Side& side : side_) side.x = Vector<double>::Zero(side.weights.size());
  set_lambda(problem.lambda);
}

void DualAscent::set_lambda(double lambda) {
  lambda_ = lambda;
  careful_ = lambda > largest_cost_;
  kernels_ = false;
}

void DualAscent::set_potentials(const DualPotentials& potentials) {
  side_[0].x = potentials.phi;
  side_[1].x = -potentials.psi;
  kernels_ = false;
}

void DualAscent::log_half_step(Side& own, const Side& other) {
  const Index columns = other.x.size();
  half_step::over_rows(own.x.size(), columns, [&](Index first, Index count) {
    Vector<double> t(columns);
    for (Index i = first; i < first + count; ++i) {
      t = other.x - own.cost.row(i).transpose();
      own.x[i] = half_step::kl(t, other.weights, lambda_, careful_);
    }
  });
}

void DualAscent::quadratic_half_step(Side& own, const Side& other) {
  const Index columns = other.x.size();
  half_step::over_rows(own.x.size(), columns, [&](Index first, Index count) {
    Vector<double> t(columns);
    for (Index i = first; i < first + count; ++i) {
      t = other.x - own.cost.row(i).transpose();
      own.x[i] = half_step::quadratic(t, other.weights, lambda_);
    }
  });
}

void DualAscent::make_kernels() {
  for (int s = 0; s < 2; ++s) {
    Side& own = side_[static_cast<std::size_t>(s)];
    const Side& other = side_[static_cast<std::size_t>(1 - s)];
    own.x0 = own.x;
    own.scaled = own.weights;
    own.kernel.resize(own.cost.rows(), own.cost.cols());
    half_step::over_rows(own.x.size(), other.x.size(), [&](Index first, Index count) {
      for (Index i = first; i < first + count; ++i) own.kernel.row(i) = (((other.x.transpose() - own.cost.row(i)).array() + own.x[i]) / lambda_).exp();
    });
  }
  kernels_ = true;
}

bool DualAscent::kernel_half_step(Side& own, const Side& other) {
  Vector<double> sums(own.x.size());
  half_step::over_rows(own.x.size(), other.x.size() / 8,  // a product costs much less than an exponential
                       [&](Index first, Index count) { sums.segment(first, count).noalias() = own.kernel.middleRows(first, count) * other.scaled; });
  const Vector<double> logarithm = sums.array().log();
  if (!(logarithm.cwiseAbs().maxCoeff() <= kMostScaling)) return false;
  own.x = own.x0 - lambda_ * logarithm;
  own.scaled = own.weights.cwiseQuotient(sums);
  return true;
}

double DualAscent::maximise(int side) {
  Side& own = side_[static_cast<std::size_t>(side)];
  const Side& other = side_[static_cast<std::size_t>(1 - side)];
  if (!kl_) {
    quadratic_half_step(own, other);
    return 0.0;
  }
  const Vector<double> before = own.x;
  if (!kernels_ || !kernel_half_step(own, other)) {
    kernels_ = false;
    log_half_step(own, other);
  }
  const Vector<double> moved = (before - own.x) / lambda_;  // ln S
  if (!kernels_ && !careful_ && moved.cwiseAbs().maxCoeff() < 0.5 * kMostScaling) make_kernels();
  return lambda_ * own.weights.dot(Vector<double>(moved.array().expm1() - moved.array()));
}

double DualAscent::value() const {
  const double linear = side_[0].weights.dot(side_[0].x) + side_[1].weights.dot(side_[1].x);
  if (kl_) return linear;
  Vector<double> rows(side_[0].x.size());
  half_step::over_rows(rows.size(), side_[1].x.size(), [&](Index first, Index count) {
    for (Index i = first; i < first + count; ++i)
      rows[i] = ((side_[1].x.transpose() - side_[0].cost.row(i)).array() + side_[0].x[i]).max(0.0).square().matrix().dot(side_[1].weights.transpose());
  });
  return linear - side_[0].weights.dot(rows) / (2.0 * lambda_);
}

Points<double> DualAscent::stiffness(int side) const {
  const Side& own = side_[static_cast<std::size_t>(side)];
  const Side& other = side_[static_cast<std::size_t>(1 - side)];
  Points<double> out(other.x.size(), own.x.size());
  half_step::over_rows(other.x.size(), own.x.size(), [&](Index first, Index count) {
    for (Index i = first; i < first + count; ++i) {
      const auto v = ((own.x.transpose() - other.cost.row(i)).array() + other.x[i]) / lambda_;
      const auto product = other.weights[i] * own.weights.transpose().array();
      if (kl_)
        out.row(i) = product * v.exp();
      else
        out.row(i) = product * (v > 0.0).cast<double>();
    }
  });
  return out;
}

Vector<double> DualAscent::shortfall(int side) const {
  const Side& own = side_[static_cast<std::size_t>(side)];
  const Side& other = side_[static_cast<std::size_t>(1 - side)];
  Vector<double> out(own.x.size());
  half_step::over_rows(own.x.size(), other.x.size(), [&](Index first, Index count) {
    for (Index j = first; j < first + count; ++j) {
      const auto v = ((other.x.transpose() - own.cost.row(j)).array() + own.x[j]) / lambda_;
      const double density = kl_ ? v.exp().matrix().dot(other.weights.transpose()) : v.max(0.0).matrix().dot(other.weights.transpose());
      out[j] = own.weights[j] * (1.0 - density);
    }
  });
  return out;
}

double DualAscent::residual(int side) const { return shortfall(side).cwiseQuotient(side_[static_cast<std::size_t>(side)].weights).cwiseAbs().maxCoeff(); }

Vector<double> DualAscent::direction(const Points<double>& couplings, const Vector<double>& missing, const Vector<double>& weights, double damping) const {
  const Index n = weights.size();
  // Laplacian with the other side eliminated. The diagonal is summed, not subtracted: weak couplings keep all their digits.
  const Vector<double> roots = couplings.rowwise().sum().cwiseSqrt().cwiseMax(1e-300);
  const Points<double> scaled = roots.cwiseInverse().asDiagonal() * couplings;
  Eigen::MatrixXd laplacian(n, n);
  constexpr Index kBlock = 64;
  const Index blocks = (n + kBlock - 1) / kBlock;
  const auto block = [&](Index k) {
    const Index first = k * kBlock;
    const Index count = std::min(kBlock, n - first);
    laplacian.block(first, first, n - first, count).noalias() = -(scaled.rightCols(n - first).transpose() * scaled.middleCols(first, count));
  };
  if (blocks < 4)
    for (Index k = 0; k < blocks; ++k) block(k);
  else
    parallel_for(blocks, block);
  laplacian.triangularView<Eigen::StrictlyUpper>() = laplacian.transpose();
  laplacian.diagonal().setZero();
  laplacian.diagonal() = -laplacian.colwise().sum().transpose() + damping * weights;
  const Vector<double> scale = laplacian.diagonal().cwiseSqrt().cwiseInverse();
  laplacian = scale.asDiagonal() * laplacian * scale.asDiagonal();
  const Eigen::LLT<Eigen::Ref<Eigen::MatrixXd>> factor(laplacian);
  if (factor.info() != Eigen::Success) return {};
  return lambda_ * scale.cwiseProduct(factor.solve(scale.cwiseProduct(missing)));
}

bool DualAscent::search(int side, const Vector<double>& step, double slope) {
  Side& own = side_[static_cast<std::size_t>(side)];
  Side& other = side_[static_cast<std::size_t>(1 - side)];
  const Vector<double> start = own.x;
  const double before = value();
  const auto slope_at = [&](double t) {
    own.x = start + t * step;
    kl_ ? log_half_step(other, own) : quadratic_half_step(other, own);
    return step.dot(shortfall(side));
  };
  const double size = own.x.cwiseAbs().maxCoeff() + other.x.cwiseAbs().maxCoeff();
  const double rounding = tolerance::gamma(static_cast<double>(own.x.size() + other.x.size()) + 16.0, tolerance::unit_roundoff<double>()) * size;
  const double largest = step.cwiseAbs().maxCoeff();
  const double end = (4.0 * spread_ + (kl_ ? 50.0 * lambda_ : 2.0 * lambda_ / own.weights.minCoeff())) / largest;
  double low = 0.0;
  double of_low = slope;
  double high = -1.0;
  double of_high = 0.0;
  double length = std::min({1.0, end, kl_ ? 20.0 * lambda_ / largest : end});
  for (int trial = 0; trial < 40; ++trial) {
    const double at = slope_at(length);
    if (std::abs(at) <= 0.3 * slope && value() >= before - rounding) return true;
    (at > 0.0 ? low : high) = length;
    (at > 0.0 ? of_low : of_high) = at;
    if (high < 0.0) {
      if (length >= end) return true;
      length = std::min(end, 8.0 * length);
    } else if (high - low <= 1e-12 * high) {
      break;
    } else if (low <= 0.0 || high > 16.0 * low) {
      length = low > 0.0 ? std::sqrt(low * high) : high / 16.0;
    } else {
      length = low + std::clamp(of_low / (of_low - of_high), 0.1, 0.9) * (high - low);
    }
  }
  if (low > 0.0) slope_at(low);
  return low > 0.0;  // D grows up to there: it is concave
}

bool DualAscent::newton_step(int side) {
  kernels_ = false;
  Side& own = side_[static_cast<std::size_t>(side)];
  Side& other = side_[static_cast<std::size_t>(1 - side)];
  const Points<double> couplings = stiffness(side);
  const Vector<double> missing = shortfall(side);
  const Vector<double> own_before = own.x;
  const Vector<double> other_before = other.x;
  // Rounding of V leaves 2u·size/λ of a marginal open: couplings weaker than that say nothing.
  const double size = largest_cost_ + own.x.cwiseAbs().maxCoeff() + other.x.cwiseAbs().maxCoeff();
  const double least = std::max(1e-13, kl_ ? 8.0 * tolerance::unit_roundoff<double>() * size / lambda_ : 0.0);
  for (double damping = least; damping < 10.0; damping *= 1e3) {
    const Vector<double> step = direction(couplings, missing, own.weights, damping);
    if (step.size() == 0 || !step.allFinite()) continue;
    const double slope = step.dot(missing);
    if (slope > 0.0 && search(side, step, slope)) return true;
    own.x = own_before;
    other.x = other_before;
  }
  return false;
}

}  // namespace slicecheck
