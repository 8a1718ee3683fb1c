#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

#include "slicecheck/claims/claim.h"
#include "slicecheck/claims/dynamics_trial.h"

namespace slicecheck {

namespace {

constexpr double kNoNumber = std::numeric_limits<double>::quiet_NaN();
const ModeCoverageSettings kDefault;

/// Lattice of the cases that are counted without rounding: all coordinates are multiples of 1/128, so squared distances are multiples of 2⁻¹⁴, and
/// 0.03² = 14.7·2⁻¹⁴ lies between two of them.
constexpr double kLattice = 0x1p-7;
constexpr Index kWithin = 14;

/// What was measured against what it must be: every share and the quality to rounding, the number of modes exactly.
Trial compare(const ModeCoverage& found, const ModeCoverage& expected, const Points<double>& points, const Points<double>& centres) {
  expect_size("the shares", static_cast<Index>(found.shares.size()), centres.rows());
  double off = std::abs(found.high_quality - expected.high_quality);
  for (std::size_t m = 0; m < expected.shares.size(); ++m) {
    const double here = std::abs(found.shares[m] - expected.shares[m]);
    off = std::isnan(here) ? kNoNumber : std::max(off, here);
  }
  if (found.modes != expected.modes) off = std::max(off, 1.0);
  std::vector<NamedValues> values{{"points", points},
                                  {"centres", centres},
                                  named("modes", static_cast<double>(found.modes)),
                                  named("modes expected", static_cast<double>(expected.modes)),
                                  named("high quality", found.high_quality),
                                  named("high quality expected", expected.high_quality)};
  values.push_back(named("shares", Eigen::VectorXd(Eigen::Map<const Eigen::VectorXd>(found.shares.data(), centres.rows()))));
  values.push_back(named("shares expected", Eigen::VectorXd(Eigen::Map<const Eigen::VectorXd>(expected.shares.data(), centres.rows()))));
  return trial_of(off, tolerance::gamma(8.0, tolerance::unit_roundoff<double>()), std::move(values));
}

/// From whole numbers of points a centre; a centre with 18 times its points not below n is covered.
ModeCoverage from_counts(const std::vector<Index>& counts, Index n) {
  ModeCoverage out;
  for (const Index count : counts) {
    out.shares.push_back(static_cast<double>(count) / static_cast<double>(n));
    if (18 * count >= n) ++out.modes;
  }
  out.high_quality = static_cast<double>(std::accumulate(counts.begin(), counts.end(), Index{0})) / static_cast<double>(n);
  return out;
}

using WholePoint = std::vector<Index>;

Points<double> on_lattice(const std::vector<WholePoint>& points, Index d) {
  Points<double> out(static_cast<Index>(points.size()), d);
  for (Index k = 0; k < out.rows(); ++k)
    for (Index j = 0; j < d; ++j) out(k, j) = kLattice * static_cast<double>(points[static_cast<std::size_t>(k)][static_cast<std::size_t>(j)]);
  return out;
}

Index squared_distance(const WholePoint& a, const WholePoint& b) {
  Index sum = 0;
  for (std::size_t j = 0; j < a.size(); ++j) sum += (a[j] - b[j]) * (a[j] - b[j]);
  return sum;
}

/// Points around centres whose discs overlap, some centres twice, many points equally near to two: counted in whole numbers.
Trial brute_force(const CoverageSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const Index d = between(draws, 1, 3);
  const Index n = draws.below(2) == 0 ? Index{18} * between(draws, 1, size) : between(draws, 1, 18 * size);
  const Index modes = between(draws, 1, 1 + size);
  std::vector<WholePoint> centres(static_cast<std::size_t>(modes), WholePoint(static_cast<std::size_t>(d)));
  for (std::size_t m = 0; m < centres.size(); ++m) {
    for (Index& entry : centres[m]) entry = between(draws, -6, 6);
    if (m > 0 && draws.below(6) == 0) centres[m] = centres[m - 1];
  }
  std::vector<WholePoint> points;
  std::vector<Index> counts(centres.size(), 0);
  for (Index k = 0; k < n; ++k) {
    WholePoint point = centres[static_cast<std::size_t>(draws.below(static_cast<std::uint64_t>(modes)))];
    for (Index& entry : point) entry += between(draws, -4, 4);
    std::size_t nearest = 0;
    for (std::size_t m = 1; m < centres.size(); ++m)
      if (squared_distance(point, centres[m]) < squared_distance(point, centres[nearest])) nearest = m;
    if (squared_distance(point, centres[nearest]) <= kWithin) ++counts[nearest];
    points.push_back(std::move(point));
  }
  const Points<double> z = on_lattice(points, d);
  const Points<double> c = on_lattice(centres, d);
  return compare(subject.measure(z, c), from_counts(counts, n), z, c);
}

/// Every point counts at most once, so the shares add up to the quality and modes/18 is at most that: many modes cannot go with few good points.
Trial once(const CoverageSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const Index d = between(draws, 1, 4);
  const Index modes = between(draws, 1, 2 * size);
  const Index n = between(draws, 1, 20 * size);
  Points<double> centres(modes, d);
  for (double& entry : centres.reshaped<Eigen::RowMajor>()) entry = draws.uniform(-0.05, 0.05);
  Points<double> points(n, d);
  for (double& entry : points.reshaped<Eigen::RowMajor>()) entry = draws.uniform(-0.08, 0.08);
  const ModeCoverage found = subject.measure(points, centres);
  expect_size("the shares", static_cast<Index>(found.shares.size()), modes);
  ModeCoverage expected;
  expected.shares = found.shares;
  expected.high_quality = std::accumulate(found.shares.begin(), found.shares.end(), 0.0);
  for (const double share : found.shares)
    if (share >= kDefault.least_share) ++expected.modes;
  Trial trial = compare(found, expected, points, centres);
  // Adding up the shares rounds once for each of them.
  trial.judgement.allowed = tolerance::gamma(static_cast<double>(modes) + 8.0, tolerance::unit_roundoff<double>());
  const double modes_over = static_cast<double>(found.modes) * kDefault.least_share - found.high_quality;
  trial.judgement.observed = std::max({trial.judgement.observed, modes_over, found.high_quality - 1.0});
  return trial;
}

/// `modes` centres on a circle, so far apart that no disc of radius 0.05 meets another.
Points<double> circle(PointDraws& draws, Index modes) {
  const double turn = draws.uniform(0.0, std::numbers::pi);
  Points<double> centres(modes, 2);
  for (Index m = 0; m < modes; ++m) {
    const double angle = turn + 2.0 * std::numbers::pi * static_cast<double>(m) / static_cast<double>(modes);
    centres.row(m) = Eigen::RowVector2d(std::cos(angle), std::sin(angle));
  }
  return centres;
}

Eigen::RowVector2d at_distance(PointDraws& draws, double distance) {
  const double angle = draws.uniform(0.0, 2.0 * std::numbers::pi);
  return distance * Eigen::RowVector2d(std::cos(angle), std::sin(angle));
}

/// Mass beside the centres, at 0.031 to 0.049, and spread over the square: no mode is covered, and nothing is of high quality but what falls within 0.03.
Trial spread_out(const CoverageSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const Index modes = between(draws, 1, 1 + size);
  const Points<double> centres = circle(draws, modes);
  const Index n = Index{40} * size;
  Points<double> points(n, 2);
  std::vector<Index> counts(static_cast<std::size_t>(modes), 0);
  for (Index k = 0; k < n; ++k) {
    const Index mode = between(draws, 0, modes - 1);
    if (draws.below(2) == 0) {
      points.row(k) = centres.row(mode) + at_distance(draws, draws.uniform(0.031, 0.049));
      continue;
    }
    points(k, 0) = draws.uniform(-1.5, 1.5);
    points(k, 1) = draws.uniform(-1.5, 1.5);
    Index nearest = 0;
    const double distance = (centres.rowwise() - points.row(k)).rowwise().norm().minCoeff(&nearest);
    if (std::abs(distance - kDefault.radius) < 1e-9) return skipped_trial("a point at the radius within rounding");
    if (distance < kDefault.radius) ++counts[static_cast<std::size_t>(nearest)];
  }
  return compare(subject.measure(points, centres), from_counts(counts, n), points, centres);
}

/// A sample of the mixture: counts as they are declared, a third of an equal share of six being enough and one point less too little. The order of the points
/// does not matter, and the shares go with the centres.
Trial mixture(const CoverageSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const Index modes = between(draws, 1, 6);
  const Points<double> centres = circle(draws, modes);
  const Index n = Index{18} * between(draws, modes, modes + 2 * size);
  std::vector<Index> counts(static_cast<std::size_t>(modes), n / 18);
  for (Index& count : counts)
    if (draws.below(3) == 0) --count;
  counts.front() += n - std::accumulate(counts.begin(), counts.end(), Index{0});
  // Round robin, which is no order by centre.
  std::vector<Index> left = counts;
  Points<double> points(n, 2);
  for (Index k = 0, m = 0; k < n; m = (m + 1) % modes) {
    if (left[static_cast<std::size_t>(m)] == 0) continue;
    --left[static_cast<std::size_t>(m)];
    points.row(k++) = centres.row(m) + at_distance(draws, draws.uniform(0.0, 0.029));
  }
  return compare(subject.measure(points, centres), from_counts(counts, n), points, centres);
}

}  // namespace

Claim claim_g5() {
  Claim claim;
  claim.id = "G5";
  claim.title = "mode coverage";
  claim.statement =
      "A point counts for its nearest centre alone (the first of equally near ones), if it is at most 0.03 from it; a centre with 1/18 of all points is "
      "covered. The shares add up to the high-quality share, so modes/18 ≤ high quality; mass beside or between the centres counts for none; a sample with a "
      "third of an equal share at each centre covers all six.";
  claim.source = "counting; theory/generative.md";
  std::get<std::vector<TypedCheck<CoverageSubject>>>(claim.typed) = {{"counted in whole numbers", 6, brute_force},
                                                                     {"each point once", 6, once},
                                                                     {"a cloud that is spread out", 6, spread_out},
                                                                     {"samples of a mixture", 6, mixture}};
  return claim;
}

}  // namespace slicecheck
