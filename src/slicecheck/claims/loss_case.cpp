#include "slicecheck/claims/loss_case.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <string_view>

namespace slicecheck {

namespace {

constexpr std::array<std::string_view, 9> kKinds{"generic", "ties", "duplicates", "near ties", "collinear", "single point", "far", "tiny", "unequal scales"};
constexpr std::array<double, 5> kExponents{1.0, 1.5, 2.0, 2.0, 3.0};

Index between(PointDraws& draws, Index low, Index high) { return low + static_cast<Index>(draws.below(static_cast<std::uint64_t>(high - low + 1))); }

Points<double> normal_cloud(PointDraws& draws, Index n, Index d) {
  Points<double> cloud(n, d);
  for (Index k = 0; k < n; ++k)
    for (Index j = 0; j < d; ++j) cloud(k, j) = draws.normal();
  return cloud;
}

Points<double> lattice_cloud(PointDraws& draws, Index n, Index d) {
  Points<double> cloud(n, d);
  for (Index k = 0; k < n; ++k)
    for (Index j = 0; j < d; ++j) cloud(k, j) = static_cast<double>(between(draws, -2, 2));
  return cloud;
}

/// About half of the rows become copies of earlier ones. With `nudge` the copies are moved by one unit in the last place of their first coordinate: that of
/// double, or, after the cloud was rounded to float, that of float.
void duplicate_rows(PointDraws& draws, Points<double>& cloud, bool nudge) {
  for (Index k = 1; k < cloud.rows(); ++k) {
    if (draws.below(2) == 0) continue;
    cloud.row(k) = cloud.row(between(draws, 0, k - 1));
    if (!nudge) continue;
    constexpr double infinity = std::numeric_limits<double>::infinity();
    const double away = draws.below(2) == 0 ? -infinity : infinity;
    if (draws.below(2) == 0) {
      cloud(k, 0) = std::nextafter(cloud(k, 0), away);
    } else {
      cloud = cloud.cast<float>().cast<double>().eval();
      cloud(k, 0) = static_cast<double>(std::nextafter(static_cast<float>(cloud(k, 0)), static_cast<float>(away)));
    }
  }
}

void make_collinear(PointDraws& draws, Points<double>& cloud) {
  const Eigen::RowVectorXd along = cloud.row(0);
  for (Index k = 0; k < cloud.rows(); ++k) cloud.row(k) = along * draws.normal();
}

Points<double> unit_rows(PointDraws& draws, Index count, Index d, bool axes) {
  Points<double> theta = Points<double>::Zero(count, d);
  for (Index l = 0; l < count; ++l) {
    if (axes && draws.below(2) == 0) {
      theta(l, between(draws, 0, d - 1)) = draws.below(2) == 0 ? 1.0 : -1.0;
      continue;
    }
    do {
      for (Index j = 0; j < d; ++j) theta(l, j) = draws.normal();
    } while (!(theta.row(l).norm() > 0.0));
    theta.row(l).normalize();
  }
  return theta;
}

std::vector<Index> shuffled(PointDraws& draws, Index n) {
  std::vector<Index> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), Index{0});
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[static_cast<std::size_t>(draws.below(i))]);
  return order;
}

}  // namespace

std::vector<std::string> loss_case_kinds() { return {kKinds.begin(), kKinds.end()}; }

LossCase draw_loss_case(PointDraws& draws, const CaseLimits& limits) {
  LossCase c;
  c.kind = kKinds[static_cast<std::size_t>(draws.below(kKinds.size()))];
  c.p = kExponents[static_cast<std::size_t>(draws.below(kExponents.size()))];
  const bool large = limits.large_cases && draws.below(16) == 0;
  const Index n = c.kind == "single point" ? 1 : between(draws, c.kind == "generic" ? 1 : 2, large ? 5 * limits.points : limits.points);
  const Index d = between(draws, limits.least_dimension, large ? 2 * limits.dimension : limits.dimension);
  const Index directions = between(draws, 1, large ? 20 * limits.directions : limits.directions);
  const bool lattice = c.kind == "ties";
  for (Points<double>* cloud : {&c.z, &c.y, &c.w}) {
    *cloud = lattice ? lattice_cloud(draws, n, d) : normal_cloud(draws, n, d);
    if (c.kind == "duplicates") duplicate_rows(draws, *cloud, false);
    if (c.kind == "near ties") duplicate_rows(draws, *cloud, true);
    if (c.kind == "collinear") make_collinear(draws, *cloud);
    if (c.kind == "unequal scales") cloud->col(0) *= 1e6;
    if (c.kind == "tiny") *cloud *= 1e-9;
  }
  c.theta = unit_rows(draws, directions, d, lattice || c.kind == "duplicates");
  c.v = lattice ? lattice_cloud(draws, 1, d).row(0) : normal_cloud(draws, 1, d).row(0);
  if (c.kind == "tiny") c.v *= 1e-9;
  if (draws.below(8) == 0) c.v.setZero();
  if (c.kind == "far") {
    const Eigen::RowVectorXd offset = 1e6 * normal_cloud(draws, 1, d).row(0);
    for (Points<double>* cloud : {&c.z, &c.y, &c.w}) cloud->rowwise() += offset;
  }
  c.s = std::exp2(draws.uniform(-6.0, 6.0));
  c.order = shuffled(draws, n);
  c.number = draws.below(1'000'000);
  return c;
}

}  // namespace slicecheck
