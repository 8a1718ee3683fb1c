/// The convex machinery on RapidCheck's cases, against judges that share nothing with it: all n! vertices, linear programmes, all faces (N1, N2, N5, N9). Every
/// judge is also given planted mistakes, and must refuse them.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <Eigen/LU>
#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <iostream>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "slicecheck/core/tolerances.h"
#include "slicecheck/nonsmooth/convex_set.h"
#include "slicecheck/nonsmooth/minimum_norm.h"
#include "slicecheck/nonsmooth/permutohedron.h"
#include "support/linear_programme.h"

namespace slicecheck::testing {
namespace {

namespace gen = rc::gen;

constexpr double kUnitRoundoff = tolerance::unit_roundoff<double>();

double gamma_of(double k) { return tolerance::gamma(k, kUnitRoundoff); }

// Cases.

rc::Gen<int> below(int count) { return gen::resize(rc::kNominalSize, gen::inRange(0, count)); }

Eigen::VectorXd drawn_integers(Index size, int largest) {
  const auto drawn = *gen::container<std::vector<int>>(static_cast<std::size_t>(size), below(2 * largest + 1));
  Eigen::VectorXd vector(size);
  for (Index i = 0; i < size; ++i) vector[i] = drawn[static_cast<std::size_t>(i)] - largest;
  return vector;
}

/// A permutation of the values that RapidCheck chose.
Eigen::VectorXd drawn_vertex(const Eigen::VectorXd& values) { return Permutohedron(values).maximiser(drawn_integers(values.size(), 20)); }

struct MajorisationCase {
  std::string kind;
  Eigen::VectorXd m;
  Eigen::VectorXd values;
};

/// n ≤ 6, values integers (often equal), m a multiple of 1/4: all sums of them are exact.
MajorisationCase majorisation_case() {
  const Index n = 1 + *below(6);
  MajorisationCase c;
  c.values = drawn_integers(n, *below(2) == 0 ? 2 : 8);
  switch (*below(6)) {
    case 0:
      c.kind = "anywhere";
      c.m = drawn_integers(n, 10);
      break;
    case 1:
      c.kind = "vertex";
      c.m = drawn_vertex(c.values);
      break;
    case 2:
      c.kind = "combination";
      c.m = 0.5 * drawn_vertex(c.values) + 0.25 * drawn_vertex(c.values) + 0.25 * drawn_vertex(c.values);
      break;
    case 3:
      c.kind = "sum moved";
      c.m = 0.5 * drawn_vertex(c.values) + 0.5 * drawn_vertex(c.values);
      c.m[*below(static_cast<int>(n))] -= 0.25 * (1 + *below(8));
      break;
    case 4:
      c.kind = "moved, same sum";
      c.m = 0.5 * drawn_vertex(c.values) + 0.5 * drawn_vertex(c.values);
      {
        const double moved = 0.25 * (1 + *below(8));
        c.m[*below(static_cast<int>(n))] += moved;
        c.m[*below(static_cast<int>(n))] -= moved;
      }
      break;
    default:
      c.kind = "tied";
      c.m = Eigen::VectorXd::Constant(n, *below(9) - 4);
      break;
  }
  return c;
}

/// Up to 6 points of integers in R^2, R^3 or R^4: near the origin, moved away, in a hyperplane, or with duplicates.
Points<double> small_hull() {
  const Index d = 2 + *below(3);
  Points<double> points(1 + *below(6), d);
  for (Index k = 0; k < points.rows(); ++k) points.row(k) = drawn_integers(d, 6).transpose();
  switch (*below(4)) {
    case 0: points.rowwise() += drawn_integers(d, 12).transpose(); break;
    case 1: points.col(0).setConstant(*below(5)); break;
    case 2:
      for (Index k = 1; k < points.rows(); ++k)
        if (*below(3) == 0) points.row(k) = points.row(k - 1);
      break;
    default: break;
  }
  return points;
}

// Runs a property aloud where it must hold, and silently where a planted mistake must be found.

class SilentListener final : public rc::detail::TestListener {
 public:
  void onTestCaseFinished(const rc::detail::CaseDescription&) override {}
  void onShrinkTried(const rc::detail::CaseDescription&, bool) override {}
  void onTestFinished(const rc::detail::TestMetadata&, const rc::detail::TestResult&) override {}
};

bool refused(const std::function<void()>& property) {
  SilentListener listener;
  const auto result = rc::detail::checkTestable(property, rc::detail::TestMetadata{}, rc::detail::configuration().testParams, listener);
  return result.template is<rc::detail::FailureResult>();
}

// The judge by linear programming.

TEST(ConvexProperties, the_linear_programme_sees_a_single_rounding) {
  const Points<double> segment{{0.0, 1.0}, {1.0, 0.0}};
  Eigen::VectorXd m = Eigen::VectorXd::Constant(2, 0.5);
  EXPECT_EQ(distance_to_hull_l1(segment, m), 0.0);
  m[0] += 0x1p-50;
  EXPECT_EQ(distance_to_hull_l1(segment, m), 0x1p-50);
  // In double 1/3 falls short by 2^-54/3 and 2/3 by twice that.
  m[0] = 1.0 / 3.0;
  m[1] = 2.0 / 3.0;
  EXPECT_EQ(distance_to_hull_l1(segment, m), 0x1p-54);
  EXPECT_EQ(distance_to_hull_l1(segment, Eigen::VectorXd::Constant(2, 5.0)), 9.0);
}

// N5: the maximiser.

using Maximiser = std::function<Eigen::VectorXd(const Eigen::VectorXd& values, const Eigen::VectorXd& direction)>;

void judge_maximiser(const Maximiser& maximiser) {
  const Index n = 1 + *below(6);
  const Eigen::VectorXd values = drawn_integers(n, 5);
  const Eigen::VectorXd direction = drawn_integers(n, 5);
  const Points<double> vertices = all_permutations(values);
  const Eigen::VectorXd claimed = maximiser(values, direction);
  RC_ASSERT((vertices.rowwise() - claimed.transpose()).rowwise().lpNorm<1>().minCoeff() == 0.0);
  RC_ASSERT(claimed.dot(direction) == (vertices * direction).maxCoeff());
}

TEST(ConvexProperties, n5_permutohedron_maximiser_against_all_vertices) {
  EXPECT_TRUE(
      rc::check("maximiser", [] { judge_maximiser([](const auto& values, const auto& direction) { return Permutohedron(values).maximiser(direction); }); }));
  EXPECT_TRUE(refused([] { judge_maximiser([](const auto& values, const auto& direction) { return Permutohedron(values).maximiser(-direction); }); }))
      << "sorted the wrong way";
  EXPECT_TRUE(refused([] { judge_maximiser([](const auto& values, const auto&) { return values; }); })) << "not sorted";
}

// N2: membership.

using Excess = std::function<double(const Eigen::VectorXd& m, const Eigen::VectorXd& values)>;

struct Counts {
  std::uint64_t members = 0;
  std::uint64_t others = 0;
};

/// The excess is 0 exactly where the linear programme says that m is in the hull of all vertices, and excess ≤ dist_1 ≤ 3·excess. All numbers are multiples of
/// 1/4, and so is dist_1 (see the header of majorisation_excess): below 1/8 it is 0. The programme's optimum is rounded: γ_{4n+4}.
void judge_membership(const Excess& excess, Counts& counts) {
  const MajorisationCase c = majorisation_case();
  RC_CLASSIFY(true, c.kind);
  const double distance = distance_to_hull_l1(all_permutations(c.values), c.m);
  const double claimed = excess(c.m, c.values);
  const bool member = distance < 0.125;
  ++(member ? counts.members : counts.others);
  const double rounding = gamma_of(4.0 * static_cast<double>(c.m.size()) + 4.0) * distance;
  RC_ASSERT((claimed == 0.0) == member);
  RC_ASSERT(claimed <= distance + rounding);
  RC_ASSERT(distance <= 3.0 * claimed + rounding + (member ? 0.125 : 0.0));
}

std::vector<double> prefix_excesses(Eigen::VectorXd m, Eigen::VectorXd values, bool downwards) {
  std::sort(m.begin(), m.end());
  std::sort(values.begin(), values.end());
  if (downwards) {
    m.reverseInPlace();
    values.reverseInPlace();
  }
  std::vector<double> excesses;
  double sum = 0.0;
  for (Index k = 0; k < m.size(); ++k) excesses.push_back(sum += m[k] - values[k]);
  return excesses;
}

TEST(ConvexProperties, n2_majorisation_against_linear_programming) {
  Counts counts;
  EXPECT_TRUE(rc::check("majorisation", [&] { judge_membership(majorisation_excess, counts); }));
  std::cout << fmt::format("N2: {} members, {} others\n", counts.members, counts.others);
  EXPECT_GT(counts.members, 0U);
  EXPECT_GT(counts.others, 0U);
}

/// The formula for dist_1 in the header of majorisation_excess; everything but the programme's conversion to double is exact.
TEST(ConvexProperties, n2_the_distance_in_the_sum_norm_from_prefix_sums) {
  EXPECT_TRUE(rc::check("dist_1", [] {
    const MajorisationCase c = majorisation_case();
    const auto excesses = prefix_excesses(c.m, c.values, true);
    double formula = std::abs(excesses.back());
    for (std::size_t k = 0; k + 1 < excesses.size(); ++k) formula = std::max(formula, 2.0 * excesses[k] - excesses.back());
    const double distance = distance_to_hull_l1(all_permutations(c.values), c.m);
    RC_ASSERT(std::abs(distance - formula) <= gamma_of(4.0 * static_cast<double>(c.m.size()) + 4.0) * formula);
  }));
}

TEST(ConvexProperties, n2_wrong_memberships_are_refused) {
  Counts counts;
  const auto is_refused = [&](const Excess& excess) { return refused([&] { judge_membership(excess, counts); }); };
  EXPECT_TRUE(is_refused([](const auto& m, const auto& values) {
    const auto excesses = prefix_excesses(m, values, true);
    return std::max(0.0, *std::max_element(excesses.begin(), excesses.end()));
  })) << "no equality of the sums";
  EXPECT_TRUE(is_refused([](const auto& m, const auto& values) { return std::abs(m.sum() - values.sum()); })) << "nothing but the sums";
  EXPECT_TRUE(is_refused([](const auto& m, const auto& values) {
    const auto excesses = prefix_excesses(m, values, false);
    return std::max({0.0, *std::max_element(excesses.begin(), excesses.end()), std::abs(excesses.back())});
  })) << "prefixes of the smallest";
  EXPECT_TRUE(is_refused([](const auto& m, const auto& values) {
    return std::max({0.0, m.maxCoeff() - values.maxCoeff(), values.minCoeff() - m.minCoeff(), std::abs(m.sum() - values.sum())});
  })) << "a box and the sum";
  EXPECT_TRUE(is_refused([](const auto& m, const auto& values) {
    const auto excesses = prefix_excesses(m, values, true);
    return (m - values).cwiseAbs().maxCoeff() > 0.0 ? std::max(0.25, std::abs(excesses.back())) : 0.0;
  })) << "nothing but the values in their own order";
}

// The projection.

using Projection = std::function<Eigen::VectorXd(const Eigen::VectorXd& m, const Eigen::VectorXd& values)>;

/// p is in the hull of all vertices, by linear programming, and ⟨m − p, g − p⟩ ≤ 0 for every vertex g; each up to the rounding in the header of the projection.
void judge_projection(const Projection& projection) {
  MajorisationCase c = majorisation_case();
  if (*below(2) == 0) c.m /= 3.0;  // rounded numbers too
  RC_CLASSIFY(true, c.kind);
  const Eigen::VectorXd p = projection(c.m, c.values);
  const Points<double> vertices = all_permutations(c.values);
  const auto n = static_cast<double>(p.size());
  const double scale = c.m.cwiseAbs().maxCoeff() + c.values.cwiseAbs().maxCoeff();
  // dist_1 ≤ 3·excess, excess ≤ n·γ_{5n+8}·scale.
  RC_ASSERT(distance_to_hull_l1(vertices, p) <= 3.0 * n * gamma_of(5.0 * n + 8.0) * scale * (1.0 + gamma_of(4.0 * n + 4.0)));
  // ⟨f, g − p⟩ is at most γ_{2n+8}·Σ|f|·scale; m − p is f up to one rounding of an entry of p; |g − p| ≤ 2·scale; and the inner product below is rounded.
  const Eigen::VectorXd outward = c.m - p;
  const double allowed = gamma_of(4.0 * n + 24.0) * 2.0 * scale * (outward.lpNorm<1>() + n * scale);
  for (Index k = 0; k < vertices.rows(); ++k) RC_ASSERT(outward.dot(vertices.row(k).transpose() - p) <= allowed);
}

/// Projects with the pools that one pass over the neighbours makes.
Eigen::VectorXd one_pass_projection(const Eigen::VectorXd& m, const Eigen::VectorXd& values) {
  std::vector<Index> order(static_cast<std::size_t>(m.size()));
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<Index>(i);
  std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) { return m[a] > m[b]; });
  Eigen::VectorXd sorted = values;
  std::sort(sorted.begin(), sorted.end(), std::greater<>());
  Eigen::VectorXd fit(m.size());
  for (Index i = 0; i < m.size(); ++i) fit[i] = m[order[static_cast<std::size_t>(i)]] - sorted[i];
  for (Index i = 0; i + 1 < m.size(); ++i)
    if (fit[i] < fit[i + 1]) fit[i] = fit[i + 1] = 0.5 * (fit[i] + fit[i + 1]);
  Eigen::VectorXd p(m.size());
  for (Index i = 0; i < m.size(); ++i) p[order[static_cast<std::size_t>(i)]] = m[order[static_cast<std::size_t>(i)]] - fit[i];
  return p;
}

TEST(ConvexProperties, n2_projection_against_all_vertices_and_linear_programming) {
  EXPECT_TRUE(rc::check("projection", [] { judge_projection(project_onto_permutohedron); }));
}

TEST(ConvexProperties, n2_wrong_projections_are_refused) {
  EXPECT_TRUE(refused([] { judge_projection(one_pass_projection); })) << "pools from one pass";
  EXPECT_TRUE(refused([] { judge_projection([](const auto& m, const auto& values) { return Permutohedron(values).maximiser(m); }); })) << "the vertex";
  EXPECT_TRUE(refused([] { judge_projection([](const auto& m, const auto&) { return m; }); })) << "the point itself";
  EXPECT_TRUE(refused([] {
    judge_projection([](const auto& m, const auto& values) {
      const Eigen::VectorXd p = project_onto_permutohedron(m, values);
      return Eigen::VectorXd(p + 1e-9 * Eigen::VectorXd::Unit(p.size(), 0));
    });
  })) << "off by 1e-9";
}

// N9: the minimum-norm point.

/// dist(0, hull), from all its faces: for each affinely independent set of points, the nearest point of its affine hull, if it is inside their convex hull. The
/// points are small integers, so that a Gram determinant is an integer and a weight a fraction with a small denominator: in long double neither's zero is in
/// doubt. Every affinely dependent set is left out: its convex hull is covered by those of smaller sets.
long double distance_by_faces(const Points<double>& points) {
  using Matrix = Eigen::Matrix<long double, Eigen::Dynamic, Eigen::Dynamic>;
  using LongVector = Eigen::Matrix<long double, Eigen::Dynamic, 1>;
  long double least = std::numeric_limits<long double>::infinity();
  for (unsigned chosen = 1; chosen < 1U << static_cast<unsigned>(points.rows()); ++chosen) {
    const Index count = std::popcount(chosen);
    if (count > points.cols() + 1) continue;
    Matrix rows(count, points.cols());
    for (Index k = 0, next = 0; k < points.rows(); ++k)
      if ((chosen >> static_cast<unsigned>(k) & 1U) != 0) rows.row(next++) = points.row(k).cast<long double>();
    // Σ_j ⟨p_i, p_j⟩ w_j = t for all i, Σ w = 1.
    Matrix system = Matrix::Zero(count + 1, count + 1);
    system.topLeftCorner(count, count) = rows * rows.transpose();
    system.col(count).head(count).setOnes();
    system.row(count).head(count).setOnes();
    const Eigen::FullPivLU<Matrix> lu(system);
    if (lu.rank() < count + 1) continue;
    const LongVector weights = lu.solve(LongVector::Unit(count + 1, count)).head(count);
    if (weights.minCoeff() < 0.0L) continue;
    least = std::min(least, (rows.transpose() * weights).norm());
  }
  return least;
}

using Search = std::function<MinimumNorm(const ConvexSet&, const MinimumNormOptions&)>;

void judge_search(const Search& search) {
  const Points<double> points = small_hull();
  const double gap = *below(2) == 0 ? 1e-9 : 0.5;
  const MinimumNorm found = search(PointHull(points), {gap, 1000});
  const auto truth = static_cast<double>(distance_by_faces(points));
  const auto d = static_cast<double>(points.cols());
  const double size = points.rowwise().norm().maxCoeff();
  RC_CLASSIFY(truth < 1e-12, "the origin is inside");
  // The hull's own maximiser is right up to 2γ_d·size; the judge's truth, rounded to double, up to one rounding and the errors of long double, below another.
  const double rounding = 2.0 * gamma_of(d + 2.0) * size;
  RC_ASSERT(found.lower_bound <= truth + rounding);
  RC_ASSERT(truth <= found.norm + rounding);
  RC_ASSERT(found.converged == (found.norm - found.lower_bound <= gap));
  RC_ASSERT(found.converged);
  // The point is in the hull up to the part of `norm` that is rounding, here for at most d + 2 points, in each of d coordinates; and its norm is the norm.
  const double off = gamma_of(3.0 * d + 16.0) * size;
  RC_ASSERT(distance_to_hull_l1(points, found.point) <= d * off);
  RC_ASSERT(std::abs(found.point.norm() - found.norm) <= 2.0 * off);
}

TEST(ConvexProperties, n9_minimum_norm_against_all_faces) {
  EXPECT_TRUE(rc::check("minimum norm", [] { judge_search(minimum_norm_point); }));
}

TEST(ConvexProperties, n9_wrong_searches_are_refused) {
  const auto one_step = [](const ConvexSet& set, const MinimumNormOptions& options) {
    const Eigen::VectorXd x = set.maximiser(Eigen::VectorXd::Zero(set.dimension()));
    const Eigen::VectorXd move = set.maximiser(-x) - x;
    const double step = move.squaredNorm() > 0.0 ? std::clamp(-x.dot(move) / move.squaredNorm(), 0.0, 1.0) : 0.0;
    MinimumNorm found;
    found.point = x + step * move;
    found.norm = found.point.norm();
    found.lower_bound = std::max(0.0, found.norm - 0.5 * options.gap);
    found.converged = true;
    return found;
  };
  EXPECT_TRUE(refused([&] { judge_search(one_step); })) << "one step of Frank and Wolfe's method, said to have converged";
  EXPECT_TRUE(refused([] {
    judge_search([](const ConvexSet& set, const MinimumNormOptions& options) { return minimum_norm_point(set, {options.gap, 1}); });
  })) << "one cycle";
  EXPECT_TRUE(refused([] {
    judge_search([](const ConvexSet& set, const MinimumNormOptions& options) {
      MinimumNorm found = minimum_norm_point(set, options);
      found.lower_bound = found.norm;
      return found;
    });
  })) << "the upper bound for a lower one";
  EXPECT_TRUE(refused([] {
    judge_search([](const ConvexSet& set, const MinimumNormOptions& options) {
      MinimumNorm found = minimum_norm_point(set, options);
      found.point *= 1.0 - 1e-9;
      found.norm *= 1.0 - 1e-9;
      found.lower_bound *= 1.0 - 1e-9;
      return found;
    });
  })) << "a point off the hull by 1e-9 of its norm";
}

/// Permutohedra are hulls too: the projection's distance and the bracket of the minimum-norm point of the set moved by −m must agree.
TEST(ConvexProperties, n9_minimum_norm_over_a_permutohedron_against_the_projection) {
  EXPECT_TRUE(rc::check("distance to a permutohedron", [] {
    const MajorisationCase c = majorisation_case();
    const MinimumNorm found = minimum_norm_point(Translated(std::make_shared<Permutohedron>(c.values), -c.m), {1e-9, 1000});
    const double distance = (c.m - project_onto_permutohedron(c.m, c.values)).norm();
    const auto n = static_cast<double>(c.m.size());
    // As for judge_projection; translating is exact here.
    const double rounding = 3.0 * n * gamma_of(5.0 * n + 8.0) * (c.m.cwiseAbs().maxCoeff() + c.values.cwiseAbs().maxCoeff());
    RC_ASSERT(found.converged);
    RC_ASSERT(found.lower_bound <= distance + rounding);
    RC_ASSERT(found.norm >= distance - rounding);
  }));
}

}  // namespace
}  // namespace slicecheck::testing
