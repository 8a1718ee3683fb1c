#include "agreement.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "slicecheck/core/error.h"
#include "slicecheck/core/random.h"
#include "slicecheck/core/tolerances.h"
#include "slicecheck/loss/reference_loss.h"

namespace slicecheck::benchmarks {

namespace {

constexpr std::uint64_t kSeed = 1;

Points<double> normals(std::uint32_t replicate, Index rows, Index columns) {
  Eigen::VectorXd entries(rows * columns);
  RandomStream(kSeed, Purpose::cases, replicate, 0).fill_normal(entries);
  return Eigen::Map<const Points<double>>(entries.data(), rows, columns);
}

/// Entries cut off at ±limit and rounded to multiples of limit·2^(1−bits).
Points<float> with_bits(const Points<double>& points, double limit, int bits) {
  const double step = std::ldexp(limit, 1 - bits);
  return points.unaryExpr([=](double x) { return std::round(std::clamp(x, -limit, limit) / step) * step; }).cast<float>();
}

std::vector<Index> sorting_order(const Eigen::VectorXd& values) {
  std::vector<Index> order(static_cast<std::size_t>(values.size()));
  std::iota(order.begin(), order.end(), Index{0});
  std::sort(order.begin(), order.end(), [&](Index a, Index b) { return values[a] < values[b] || (values[a] == values[b] && a < b); });
  return order;
}

double largest_norm(const Points<double>& points) { return points.rowwise().norm().maxCoeff(); }

/// observed / allowed, and infinity where one of them is not a number.
double ratio(double observed, double allowed) {
  if (!(observed >= 0.0) || !(allowed >= 0.0)) return std::numeric_limits<double>::infinity();
  return observed == 0.0 ? 0.0 : observed / allowed;
}

}  // namespace

Clouds random_clouds(Index n, Index d, Index count) {
  Clouds out{normals(0, n, d).cast<float>(), {}, uniform_directions<float>({kSeed, Purpose::cases, 2, 0}, count, d), false};
  out.y = (1.25 * normals(1, n, d).array() + 0.25).cast<float>();
  return out;
}

Clouds exact_clouds(Index n, Index d, Index count) {
  if (n % 2 != 0) reject("exact clouds have an even number of points, not {}", n);
  // A product has 2·bits binary digits, the sum of d of them ⌈log2 d⌉ more, a gap one more: 24 in all.
  const int bits = std::min(11, (23 - static_cast<int>(std::ceil(std::log2(static_cast<double>(d))))) / 2);
  Points<double> y = 1.25 * normals(1, n, d);
  for (Index k = 0; k < n; k += 2) y.row(k + 1) = -y.row(k);
  const Points<double> theta = uniform_directions<double>({kSeed, Purpose::cases, 2, 0}, count, d);
  const double largest = std::exp2(std::ceil(std::log2(theta.cwiseAbs().maxCoeff())));
  return {with_bits(normals(0, n, d), 4.0, bits), with_bits(y, 4.0, bits), with_bits(theta, largest, bits), true};
}

Expected expected_loss(const Clouds& clouds, double unit_roundoff, double weight_error) {
  const Points<double> z = clouds.z.cast<double>();
  const Points<double> y = clouds.y.cast<double>();
  const Points<double> directions = clouds.directions.cast<double>();
  const Index n = z.rows();
  const Index count = directions.rows();
  const double own = tolerance::unit_roundoff<double>();
  const double size = largest_norm(z) + largest_norm(y);
  const double error = clouds.exact ? 0.0 : tolerance::gap(z.cols(), size, unit_roundoff) + tolerance::gap(z.cols(), size, own);
  const double relative = tolerance::gamma(static_cast<double>(count) + 16.0, unit_roundoff) + weight_error;
  const double scale = 2.0 / (static_cast<double>(n) * static_cast<double>(count));
  Expected out{0.0, Points<double>::Zero(n, z.cols()), 0.0, Points<double>::Zero(n, z.cols())};
  Eigen::VectorXd pz;
  Eigen::VectorXd py;
  for (Index l = 0; l < count; ++l) {
    const auto theta = directions.row(l);
    pz.noalias() = z * theta.transpose();
    py.noalias() = y * theta.transpose();
    std::sort(py.begin(), py.end());
    const std::vector<Index> order = sorting_order(pz);
    const auto projection = [&](Index rank) { return pz[order[static_cast<std::size_t>(rank)]]; };
    Index low = 0;
    Index high = 0;
    for (Index rank = 0; rank < n; ++rank) {
      while (projection(low) < projection(rank) - 2.0 * error) ++low;
      while (high + 1 < n && projection(high + 1) <= projection(rank) + 2.0 * error) ++high;
      const double gap = projection(rank) - py[rank];
      const double slack = std::max(py[high] - py[rank], py[rank] - py[low]) + error;
      const Index k = order[static_cast<std::size_t>(rank)];
      out.value += gap * gap;
      out.gradient.row(k) += scale * gap * theta;
      out.gradient_tolerance.row(k) += scale * (slack + relative * (std::abs(gap) + slack)) * theta.cwiseAbs();
    }
  }
  out.value *= 0.5 * scale;
  out.value_tolerance =
      tolerance::value(out.value, 2.0, error, n * count, unit_roundoff) + (tolerance::gamma(static_cast<double>(n), unit_roundoff) + weight_error) * out.value;
  out.gradient_tolerance.array() += std::numeric_limits<double>::min();
  return out;
}

Agreement agreement(const Expected& expected, double value, const Points<double>& gradient) {
  Agreement out{ratio(std::abs(value - expected.value), expected.value_tolerance), 0.0};
  if (gradient.size() == 0) return out;
  if (gradient.rows() != expected.gradient.rows() || gradient.cols() != expected.gradient.cols()) return {out.value, std::numeric_limits<double>::infinity()};
  for (Index k = 0; k < gradient.rows(); ++k)
    for (Index j = 0; j < gradient.cols(); ++j)
      out.gradient = std::max(out.gradient, ratio(std::abs(gradient(k, j) - expected.gradient(k, j)), expected.gradient_tolerance(k, j)));
  return out;
}

std::vector<std::string> defect_names() { return {"unsorted-target", "scaled-gradient", "exchanged-rows", "scaled-value", "nan-gradient"}; }

LossGradient<double> evaluate_with_defect(const std::string& name, const Clouds& clouds) {
  const Points<double> z = clouds.z.cast<double>();
  const Points<double> y = clouds.y.cast<double>();
  const Points<double> directions = clouds.directions.cast<double>();
  LossGradient<double> out = ReferenceLoss(2.0).evaluate(z, y, directions);
  if (name == "unsorted-target") {
    const double n = static_cast<double>(z.rows());
    out.value = 0.0;
    out.gradient.setZero();
    for (Index l = 0; l < directions.rows(); ++l) {
      const Eigen::VectorXd pz = z * directions.row(l).transpose();
      const Eigen::VectorXd py = y * directions.row(l).transpose();
      const std::vector<Index> order = sorting_order(pz);
      for (std::size_t rank = 0; rank < order.size(); ++rank) {
        const double gap = pz[order[rank]] - py[static_cast<Index>(rank)];
        out.value += gap * gap / (n * static_cast<double>(directions.rows()));
        out.gradient.row(order[rank]) += 2.0 * gap / (n * static_cast<double>(directions.rows())) * directions.row(l);
      }
    }
  } else if (name == "scaled-gradient") {
    out.gradient *= 1.001;
  } else if (name == "exchanged-rows") {
    out.gradient.row(0).swap(out.gradient.row(1));
  } else if (name == "scaled-value") {
    out.value *= 1.001;
  } else if (name == "nan-gradient") {
    out.gradient(0, 0) = std::numeric_limits<double>::quiet_NaN();
  } else {
    reject("no defect is called '{}': unsorted-target, scaled-gradient, exchanged-rows, scaled-value, nan-gradient", name);
  }
  return out;
}

}  // namespace slicecheck::benchmarks
