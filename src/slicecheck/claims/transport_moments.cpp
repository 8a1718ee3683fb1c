#include "slicecheck/claims/transport_moments.h"

#include <cmath>

#include "slicecheck/core/tolerances.h"

namespace slicecheck {

namespace {

RealVector real(const Eigen::VectorXd& v) { return v.cast<Real>(); }

/// Of g = 2(sq + r): s is entry 0, r the others.
struct LinearEstimate {
  Real mean_s;
  RealVector mean_r;
  Real variance_s;
  Real variance_r;     ///< the trace
  RealVector between;  ///< Cov(s, r)

  LinearEstimate(const TranslationDescent& descent, const RealTable& density) {
    std::vector<RealTable> z{density};
    for (const RealTable& gap : descent.centred_gaps()) z.emplace_back(density.cwiseProduct(gap));
    const BatchMoments of_batch = batch_moments(descent.a, descent.b, z, descent.batch);
    const Index d = of_batch.mean.size() - 1;
    mean_s = of_batch.mean[0];
    mean_r = of_batch.mean.tail(d);
    variance_s = of_batch.covariance(0, 0);
    variance_r = of_batch.covariance.bottomRightCorner(d, d).trace();
    between = of_batch.covariance.row(0).tail(d).transpose();
  }
};

}  // namespace

BatchMoments batch_moments(VectorView<double> a, VectorView<double> b, const std::vector<RealTable>& z, Index S) {
  const auto entries = static_cast<Index>(z.size());
  const RealVector p = real(a);
  const RealVector q = real(b);
  BatchMoments out{RealVector(entries), RealTable(entries, entries)};
  std::vector<RealVector> given_x;
  std::vector<RealVector> given_y;
  std::vector<RealTable> centred;
  for (Index k = 0; k < entries; ++k) {
    const RealTable& table = z[static_cast<std::size_t>(k)];
    out.mean[k] = p.dot(table * q);
    centred.emplace_back(table.array() - out.mean[k]);
    given_x.emplace_back(centred.back() * q);
    given_y.emplace_back(centred.back().transpose() * p);
  }
  const auto size = static_cast<Real>(S);
  for (Index k = 0; k < entries; ++k)
    for (Index l = 0; l < entries; ++l) {
      const auto i = static_cast<std::size_t>(k);
      const auto j = static_cast<std::size_t>(l);
      const Real of_pairs = p.dot(RealTable(centred[i].cwiseProduct(centred[j])) * q);
      const Real of_x = p.dot(given_x[i].cwiseProduct(given_x[j]));
      const Real of_y = q.dot(given_y[i].cwiseProduct(given_y[j]));
      out.covariance(k, l) = (of_pairs + (size - 1.0L) * (of_x + of_y)) / (size * size);
    }
  return out;
}

std::vector<RealTable> TranslationDescent::centred_gaps() const {
  std::vector<RealTable> gaps;
  for (Index k = 0; k < x.cols(); ++k) {
    const RealVector from = real(x.col(k));
    const RealVector to = real(y.col(k));
    const Real middle = real(a).dot(from) - real(b).dot(to);
    RealTable gap(x.rows(), y.rows());
    for (Index i = 0; i < gap.rows(); ++i)
      for (Index j = 0; j < gap.cols(); ++j) gap(i, j) = from[i] - to[j] - middle;
    gaps.push_back(std::move(gap));
  }
  return gaps;
}

std::vector<NamedValues> TranslationDescent::values() const {
  std::vector<NamedValues> out{named("a", a), named("b", b), {"x", x}, {"y", y}, named("start, from the optimum", start)};
  for (const RealTable& m : density) out.push_back({"density", m.cast<double>()});
  out.push_back(named("steps", steps.size() > 8 ? steps.head(8) : steps));
  out.push_back(named("number of steps", static_cast<double>(steps.size())));
  out.push_back(named("batch", static_cast<double>(batch)));
  return out;
}

MomentSums moments(const TranslationDescent& descent) {
  std::vector<LinearEstimate> estimates;
  for (const RealTable& density : descent.density) estimates.emplace_back(descent, density);
  RealVector mean = real(descent.start);
  Real second = mean.squaredNorm();
  const Index steps = descent.steps.size();
  MomentSums sums;
  sums.gradient_squared = sums.error_squared = sums.noise = Vector<double>::Zero(steps);
  sums.first_excess = static_cast<double>(second);
  Real magnitude = second;
  for (Index t = 0; t < steps; ++t) {
    const LinearEstimate& g = estimates[static_cast<std::size_t>(t) % estimates.size()];
    const auto alpha = static_cast<Real>(descent.steps[t]);
    const Real off = g.mean_s - 1.0L;
    const Real error = 4.0L * (off * off * second + 2.0L * off * g.mean_r.dot(mean) + g.mean_r.squaredNorm());
    const Real noise = 4.0L * (g.variance_s * second + 2.0L * g.between.dot(mean) + g.variance_r);
    sums.gradient_squared[t] = static_cast<double>(4.0L * second);
    sums.error_squared[t] = static_cast<double>(std::max(error, 0.0L));
    sums.noise[t] = static_cast<double>(std::max(noise, 0.0L));
    const Real kept = 1.0L - 2.0L * alpha * g.mean_s;
    const Real spread = 4.0L * alpha * alpha;
    const RealVector mixed  // E[(1 − 2αs) r]
        = kept * g.mean_r - 2.0L * alpha * g.between;
    const Real r_squared = g.mean_r.squaredNorm() + g.variance_r;
    magnitude += alpha * 4.0L * (second * (2.0L + g.mean_s * g.mean_s + g.variance_s) + 2.0L * r_squared) + second;
    second = (kept * kept + spread * g.variance_s) * second - 4.0L * alpha * mixed.dot(mean) + spread * r_squared;
    mean = kept * mean - 2.0L * alpha * g.mean_r;
  }
  sums.last_excess = static_cast<double>(second);
  sums.slack = static_cast<double>(static_cast<Real>(tolerance::gamma(64.0, tolerance::unit_roundoff<double>())) * (magnitude + second)) / descent.steps.sum();
  return sums;
}

}  // namespace slicecheck
