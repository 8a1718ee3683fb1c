#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "slicecheck/claims/claim.h"
#include "slicecheck/claims/dynamics_trial.h"
#include "slicecheck/core/tolerances.h"
#include "slicecheck/loss/assignment.h"
#include "slicecheck/loss/plane_sweep.h"

namespace slicecheck {

namespace {

constexpr double kUnit = tolerance::unit_roundoff<double>();
constexpr double kNoNumber = std::numeric_limits<double>::quiet_NaN();
/// How near the ascent has to come where the maximum is smooth: a definition, not a bound on rounding.
constexpr double kReached = 1e-3;

/// Few starts: what is claimed does not depend on their number.
constexpr MaxSlicedSettings kFew{.random_starts = 2, .scanned = 16};

struct Clouds {
  Points<double> z;
  Points<double> y;

  [[nodiscard]] Index n() const { return z.rows(); }
  [[nodiscard]] Index d() const { return z.cols(); }
  [[nodiscard]] double size() const { return z.rowwise().norm().maxCoeff() + y.rowwise().norm().maxCoeff(); }
};

Points<double> normal_cloud(PointDraws& draws, Index n, Index d) {
  Points<double> cloud(n, d);
  for (double& entry : cloud.reshaped<Eigen::RowMajor>()) entry = draws.normal();
  return cloud;
}

/// Two clouds: of one law, shifted, of another scale along an axis, integers (ties, duplicates), far from 0, nearly equal.
Clouds draw_clouds(PointDraws& draws, Index n, Index d) {
  Clouds c{normal_cloud(draws, n, d), normal_cloud(draws, n, d)};
  switch (draws.below(6)) {
    case 0: break;
    case 1: c.y.rowwise() += Eigen::RowVectorXd(normal_vector(draws, d).transpose()); break;
    case 2: c.y.col(between(draws, 0, d - 1)) *= 3.0; break;
    case 3:
      c.z = c.z.array().round();
      c.y = c.y.array().round();
      break;
    case 4:
      c.z.array() += 1e6;
      c.y.array() += 1e6;
      break;
    default: c.y = c.z + 1e-9 * c.y;
  }
  return c;
}

/// w_θ, sorted along θ.
double seen(const Clouds& c, const Eigen::RowVectorXd& theta) {
  Eigen::VectorXd a = c.z * theta.transpose();
  Eigen::VectorXd b = c.y * theta.transpose();
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  return (a - b).squaredNorm() / static_cast<double>(c.n());
}

/// Error of w at a direction that is a unit vector up to (d + 8)u, from gaps that each err by `moved` besides.
double rounding(double w, const Clouds& c, double moved = 0.0) {
  const double off = tolerance::gamma(static_cast<double>(c.d()) + 8.0, kUnit) * c.size();
  return tolerance::value(std::abs(w), 2.0, tolerance::gap(c.d(), c.size(), kUnit) + off + moved, c.n(), kUnit);
}

MaxSliced search(const MaxSlicedSubject& subject, const Clouds& c, const RandomStream& stream, const MaxSlicedSettings& settings = kFew) {
  MaxSliced found = subject.find(c.z, c.y, settings, stream);
  expect_size("the direction", found.direction.size(), c.d());
  return found;
}

/// The starts of a case, apart from its draws.
RandomStream starts_of(PointDraws& draws) { return {draws.below(1'000'000), Purpose::ascent, 0, 0}; }

std::vector<NamedValues> shown(const Clouds& c, const MaxSliced& found) {
  return {{"z", c.z}, {"y", c.y}, named("direction", Eigen::VectorXd(found.direction.transpose())), named("value", found.value)};
}

/// 1 is allowed; NaN refutes.
Trial ratio_trial(double ratio, std::vector<NamedValues> values) { return trial_of(std::isnan(ratio) ? ratio : std::max(0.0, ratio), 1.0, std::move(values)); }

double worse(double a, double b) { return std::isnan(a) || std::isnan(b) ? kNoNumber : std::max(a, b); }

/// A unit vector, and w there is the value.
Trial attained(const MaxSlicedSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const Index d = between(draws, 1, 8);
  const Clouds c = draw_clouds(draws, between(draws, 1, 4 * size), d);
  const MaxSliced found = search(subject, c, starts_of(draws));
  const double off = std::abs(found.direction.norm() - 1.0) / tolerance::gamma(static_cast<double>(d) + 8.0, kUnit);
  const double w = seen(c, found.direction);
  return ratio_trial(worse(off, std::abs(found.value - w) / (2.0 * rounding(w, c))), shown(c, found));
}

/// Not below w at any of 720 equally spaced angles, and equal to the maximum of the sweep.
Trial exact_in_the_plane(const MaxSlicedSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const Clouds c = draw_clouds(draws, between(draws, 1, 4 * size), 2);
  const MaxSliced found = search(subject, c, starts_of(draws));
  const PlaneSliced sweep = exact_plane_sw(c.z, c.y, {.gradient = false, .max = true});
  constexpr int angles = 720;
  double best = 0.0;
  for (int i = 0; i < angles; ++i) {
    const double angle = std::numbers::pi * static_cast<double>(i) / static_cast<double>(angles);
    best = std::max(best, seen(c, Eigen::RowVector2d(std::cos(angle), std::sin(angle))));
  }
  const double below_grid = (best - found.value) / (2.0 * rounding(best, c));
  const double from_sweep = std::abs(found.value - sweep.max_value) / (sweep.max_error + 2.0 * rounding(sweep.max_value, c));
  Trial trial = ratio_trial(worse(below_grid, from_sweep), shown(c, found));
  trial.values.push_back(named("best of the angles", best));
  trial.values.push_back(named("maximum of the sweep", sweep.max_value));
  return trial;
}

/// d > 2: there are starts, unit vectors, and the value is not below w at any of them, nor along the mean gap. Both are lower bounds of what it promises.
Trial above_its_starts(const MaxSlicedSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const Index d = between(draws, 3, 10);
  const Clouds c = draw_clouds(draws, between(draws, 2, 4 * size), d);
  const MaxSliced found = search(subject, c, starts_of(draws));
  if (found.starts.rows() < 1 + kFew.random_starts || found.starts.cols() != d)
    throw Error(fmt::format("the starts are {} × {}; expected at least {} of {} entries", found.starts.rows(), found.starts.cols(), 1 + kFew.random_starts, d));
  double worst = std::isnan(found.value) ? kNoNumber : 0.0;
  const auto look = [&](const Eigen::RowVectorXd& theta) {
    const double w = seen(c, theta);
    worst = worse(worst, (w - found.value) / (2.0 * rounding(w, c)));
  };
  for (Index i = 0; i < found.starts.rows(); ++i) {
    worst = worse(worst, std::abs(found.starts.row(i).norm() - 1.0) / tolerance::gamma(static_cast<double>(d) + 8.0, kUnit));
    look(found.starts.row(i));
  }
  const Eigen::RowVectorXd gap = c.z.colwise().mean() - c.y.colwise().mean();
  if (gap.norm() > 0.0) look(gap.normalized());
  Trial trial = ratio_trial(worst, shown(c, found));
  trial.values.push_back({"starts", found.starts});
  return trial;
}

/// w_θ ≤ W_2² ≤ max ‖z_k − y_l‖² for every θ: the value never exceeds the exact W_2².
Trial below_w2(const MaxSlicedSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const Clouds c = draw_clouds(draws, between(draws, 1, 2 * size), between(draws, 1, 8));
  const MaxSliced found = search(subject, c, starts_of(draws));
  const double bound = exact_w2_squared(c.z, c.y);
  // The sum over the matching and the squares under it.
  const double of_bound = tolerance::gamma(static_cast<double>(c.n() + c.d()) + 16.0, kUnit) * bound;
  Trial trial = trial_of(found.value, bound + rounding(bound, c) + of_bound, shown(c, found));
  trial.values.push_back(named("W_2^2", bound));
  if (bound > 0.0 && trial.judgement.allowed < 1.001 * bound) trial.judgement.tightness = found.value / bound;
  return trial;
}

/// More random starts of the same stream: the value does not fall.
Trial more_starts(const MaxSlicedSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const Clouds c = draw_clouds(draws, between(draws, 2, 4 * size), between(draws, 2, 8));
  const RandomStream starts = starts_of(draws);
  MaxSlicedSettings more = kFew;
  more.random_starts += between(draws, 1, 3);
  const MaxSliced few = search(subject, c, starts);
  const MaxSliced many = search(subject, c, starts, more);
  Trial trial = ratio_trial((few.value - many.value) / rounding(few.value, c), shown(c, many));
  if (std::isnan(few.value)) trial.judgement.observed = kNoNumber;
  trial.values.push_back(named("with fewer starts", few.value));
  return trial;
}

/// |value − expected| ≤ what rounding allows when every gap errs by `moved` besides.
Trial known(const MaxSlicedSubject& subject, const Clouds& c, const RandomStream& starts, double expected, double moved) {
  const MaxSliced found = search(subject, c, starts);
  Trial trial = ratio_trial(std::abs(found.value - expected) / (2.0 * rounding(expected, c, moved)), shown(c, found));
  trial.values.push_back(named("the maximum", expected));
  return trial;
}

/// max-SW_2²(Z, Z + v) = ‖v‖².
Trial translation(const MaxSlicedSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const Index d = between(draws, 1, 10);
  Clouds c = draw_clouds(draws, between(draws, 1, 4 * size), d);
  const Eigen::RowVectorXd v = power_of_two(draws, -6.0, 6.0) * normal_vector(draws, d).transpose();
  c.y = c.z.rowwise() + v;
  // Y is rounded, and so are the means whose gap is a start, whatever cloud is centred on; an angle between that gap and v costs its square.
  const double moved = tolerance::gamma(2.0 * static_cast<double>(c.n()) + 8.0, kUnit) * c.size();
  return known(subject, c, starts_of(draws), v.squaredNorm(), moved);
}

/// One point against one, ‖z − y‖², also n times over; and Y = Z in another order: 0.
Trial one_pair(const MaxSlicedSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const Index d = between(draws, 1, 10);
  Clouds c = draw_clouds(draws, between(draws, 1, 2 * size), d);
  if (draws.below(4) == 0) {
    c.y = c.z.colwise().reverse();
    return known(subject, c, starts_of(draws), 0.0, 0.0);
  }
  const Eigen::RowVectorXd from = c.z.row(0);
  const Eigen::RowVectorXd to = c.y.row(0);
  c.z.rowwise() = from;
  c.y.rowwise() = to;
  const double moved = tolerance::gamma(2.0 * static_cast<double>(c.n()) + 8.0, kUnit) * c.size();
  return known(subject, c, starts_of(draws), (from - to).squaredNorm(), moved);
}

/// Z = ±c e_i, i < m, and Y the same with the pair j stretched by s, both reflected: along e_j every point keeps its rank, and w there, 2(s − 1)²c²/(2m), is
/// the cost of the identity, which no direction exceeds. There is no mean gap. The reflection moves a point by at most 3γ_{2d+6} of its norm, and an
/// eigenvector that errs by some γ costs its square.
Trial stretched_axis(const MaxSlicedSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const Index m = between(draws, 1, std::min<Index>(size, 6));
  const Index d = m + between(draws, m == 1 ? 1 : 0, 6);
  const Index j = between(draws, 0, m - 1);
  const double reach = power_of_two(draws, -3.0, 3.0);
  constexpr double stretches[] = {0.25, 0.5, 2.0, 3.0};
  const double stretch = stretches[draws.below(4)];
  Clouds c{Points<double>::Zero(2 * m, d), {}};
  for (Index i = 0; i < m; ++i) {
    c.z(2 * i, i) = reach;
    c.z(2 * i + 1, i) = -reach;
  }
  c.y = c.z;
  c.y.middleRows(2 * j, 2) *= stretch;
  const Eigen::RowVectorXd mirror = normal_vector(draws, d).normalized().transpose();
  for (Points<double>* cloud : {&c.z, &c.y}) *cloud -= 2.0 * (*cloud * mirror.transpose()).eval() * mirror;
  const double moved = 6.0 * tolerance::gamma(2.0 * static_cast<double>(d) + 8.0, kUnit) * c.size();
  return known(subject, c, starts_of(draws), (stretch - 1.0) * (stretch - 1.0) * reach * reach / static_cast<double>(m), moved);
}

/// All of Z at one point: w is a quadratic form, and its maximum the largest eigenvalue of the second moments of Y around that point, which is no mean gap and
/// no axis of a covariance. An ascent comes within a thousandth of it.
Trial one_point_against_many(const MaxSlicedSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const Index d = between(draws, 2, 8);
  Clouds c = draw_clouds(draws, between(draws, 2, 2 * size), d);
  const Eigen::RowVectorXd at = c.z.row(0);
  c.z.rowwise() = at;
  const Points<double> gaps = c.y.rowwise() - at;
  const Eigen::MatrixXd moments = gaps.transpose() * gaps / static_cast<double>(c.n());
  const double largest = Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(moments, Eigen::EigenvaluesOnly).eigenvalues()[d - 1];
  const MaxSliced found = search(subject, c, starts_of(draws));
  const double own = 2.0 * rounding(largest, c) + 64.0 * tolerance::gamma(static_cast<double>(c.n() + d), kUnit) * largest;
  Trial trial = ratio_trial(worse((largest - found.value) / (kReached * largest + own), (found.value - largest) / own), shown(c, found));
  trial.values.push_back(named("largest eigenvalue", largest));
  return trial;
}

}  // namespace

Claim claim_g1() {
  Claim claim;
  claim.id = "G1";
  claim.title = "max-SW from below";
  claim.statement =
      "What is reported is w_θ at the unit vector θ reported: a lower bound of max-SW_2², never above W_2². It is not below w at any start, ‖mean gap‖² among "
      "them, and does not fall when starts are added. In the plane it is the maximum; so it is for a translation, ‖v‖², for single points and for a stretched "
      "axis.";
  claim.source = "L1 and the angular sweep; theory/generative.md";
  std::get<std::vector<TypedCheck<MaxSlicedSubject>>>(claim.typed) = {{"attained at its direction", 6, attained},
                                                                      {"the maximum in the plane", 6, exact_in_the_plane, false, 2},
                                                                      {"not below its starts", 6, above_its_starts},
                                                                      {"not above W_2²", 6, below_w2},
                                                                      {"more starts", 6, more_starts, false, 2},
                                                                      {"translation", 6, translation},
                                                                      {"single pairs and equal clouds", 6, one_pair},
                                                                      {"a stretched axis", 6, stretched_axis},
                                                                      {"one point against many", 6, one_point_against_many}};
  return claim;
}

}  // namespace slicecheck
