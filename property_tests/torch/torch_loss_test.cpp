/// TorchLoss against ReferenceLoss. Every judge returns observed / allowed, and is shown to reject a broken loss.

#include "slicecheck/torch/torch_loss.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "comparison.h"
#include "slicecheck/core/error.h"
#include "slicecheck/core/parallel.h"
#include "slicecheck/core/tolerances.h"
#include "slicecheck/loss/gap_power.h"
#include "slicecheck/loss/reference_loss.h"

namespace slicecheck {
namespace {

using testing::normals;
using testing::ratio;
using testing::worst_ratio;

constexpr double kExponents[] = {1.0, 1.5, 2.0, 3.0};

template <class S>
struct Case {
  Points<S> z, y, directions;
  double p;
};

double reach(const Points<double>& points) { return points.rowwise().norm().maxCoeff(); }

/// A case in double, with what the tolerances need.
struct Exact {
  template <class S>
  explicit Exact(const Case<S>& given)
      : z(given.z.template cast<double>()), y(given.y.template cast<double>()), directions(given.directions.template cast<double>()), p(given.p) {
    set_errors(tolerance::unit_roundoff<S>(), reach(z) + reach(y));
  }

  /// `size` bounds ‖z_k‖ + ‖y_l‖, of clouds that may have been moved together. Reference and subject both err.
  void set_errors(double unit_roundoff, double size) {
    u = unit_roundoff;
    const Eigen::MatrixXd projected_z = sorted(directions * z.transpose());
    const Eigen::MatrixXd gaps = projected_z - sorted(directions * y.transpose());
    gap_error = tolerance::gap(z.cols(), size, u) + tolerance::gap(z.cols(), reach(z) + reach(y), tolerance::unit_roundoff<double>());
    largest_gap = gaps.cwiseAbs().maxCoeff();
    undecided = (gaps.cwiseAbs().array() <= gap_error).count();
    separation = std::numeric_limits<double>::infinity();
    if (z.rows() > 1) separation = (projected_z.rightCols(z.rows() - 1) - projected_z.leftCols(z.rows() - 1)).minCoeff();
  }

  static Eigen::MatrixXd sorted(Eigen::MatrixXd projected) {
    for (auto row : projected.rowwise()) {
      Eigen::VectorXd entries = row;
      std::sort(entries.begin(), entries.end());
      row = entries.transpose();
    }
    return projected;
  }

  /// Bound on the error of p|Δ|^{p−1} sign Δ, of its products with L directions and of `terms` sums. At p = 1 the sign of a gap below gap_error is undecided:
  /// see `undecided_signs`.
  [[nodiscard]] double derivative_error(Index terms) const {
    const double moved = p > 1.0 ? tolerance::gap_power_derivative(p, largest_gap, gap_error) : 0.0;
    return moved + tolerance::gamma(static_cast<double>(terms) + 12.0, u) * gap_power_derivative(largest_gap + gap_error, p);
  }

  /// p = 1: each undecided sign moves the sum of the gradient by at most 2/(nL).
  [[nodiscard]] double undecided_signs() const {
    return p > 1.0 ? 0.0 : 2.0 * static_cast<double>(undecided) / static_cast<double>(z.rows() * directions.rows());
  }

  Points<double> z, y, directions;
  double p;
  double u = 0.0;
  double gap_error = 0.0;
  double largest_gap = 0.0;
  double separation = 0.0;  ///< smallest distance of two projections of Z
  Index undecided = 0;      ///< gaps, over all directions, that are 0 to rounding
};

/// Values against the reference: the whole, each direction, and `values()`.
template <class S>
double value_ratio(const SampleLoss<S>& loss, const Case<S>& given, const Exact& exact) {
  const auto expected = ReferenceLoss(given.p).evaluate(exact.z, exact.y, exact.directions);
  const auto got = loss.evaluate(given.z, given.y, given.directions);
  const Vector<double> values = loss.values(given.z, given.y, given.directions);
  const Index n = given.z.rows();
  const auto allowed = [&](double w, Index terms) { return tolerance::value(w, given.p, exact.gap_error, terms, exact.u); };
  double worst = ratio(std::abs(got.value - expected.value), allowed(expected.value, n * given.directions.rows()));
  for (Index l = 0; l < given.directions.rows(); ++l) {
    const double w = expected.per_direction[l];
    worst = std::max({worst, ratio(std::abs(got.per_direction[l] - w), allowed(w, n)), ratio(std::abs(values[l] - w), allowed(w, n))});
  }
  return worst;
}

/// Gradient against the reference, row by row. Says something only where the projections of Z are further apart than their errors: there the matching is
/// unique.
template <class S>
double gradient_ratio(const SampleLoss<S>& loss, const Case<S>& given, const Exact& exact) {
  const auto expected = ReferenceLoss(given.p).evaluate(exact.z, exact.y, exact.directions).gradient;
  const Eigen::MatrixXd error = (loss.evaluate(given.z, given.y, given.directions).gradient.template cast<double>() - expected).rowwise().norm();
  const double allowed = exact.derivative_error(given.directions.rows()) / static_cast<double>(given.z.rows()) + exact.undecided_signs();
  return worst_ratio(error, Eigen::MatrixXd::Constant(error.rows(), 1, allowed));
}

/// Σ_k g_k against the reference. It depends on the sorted gaps alone, so it is the same for every matching at a tie.
template <class S>
double gradient_sum_ratio(const SampleLoss<S>& loss, const Case<S>& given, const Exact& exact) {
  const Eigen::RowVectorXd expected = ReferenceLoss(given.p).evaluate(exact.z, exact.y, exact.directions).gradient.colwise().sum();
  const Eigen::RowVectorXd got = loss.evaluate(given.z, given.y, given.directions).gradient.template cast<double>().colwise().sum();
  return ratio((got - expected).norm(), exact.derivative_error(given.directions.rows() + given.z.rows()) + exact.undecided_signs());
}

struct Shape {
  Index n, d, directions;
};

constexpr Shape kShapes[] = {{1, 1, 1}, {1, 7, 3}, {2, 1, 5}, {3, 50, 10}, {17, 2, 33}, {64, 10, 20}, {255, 50, 7}, {300, 3, 40}};
constexpr Shape kBeyondOneChunk{300, 2, 1'900};  // 570,000 projections: two full chunks and a rest

template <class S>
Case<S> random_case(Shape shape, double p, std::uint32_t number) {
  return {normals(shape.n, shape.d, number).cast<S>(), (0.5 + 1.5 * normals(shape.n, shape.d, number + 1).array()).matrix().cast<S>(),
          uniform_directions<S>(RandomStream(1, Purpose::directions, number, 0), shape.directions, shape.d), p};
}

/// Z along the diagonal, in random order, at distances near 1: every direction with |θ·1| ≥ 1 sees projections further apart than 0.8. Y as in random_case,
/// wider.
template <class S>
Case<S> separated_case(Shape shape, double p, std::uint32_t number) {
  Case<S> out = random_case<S>(shape, p, number);
  out.y *= static_cast<S>(shape.n);
  const Eigen::MatrixXd keys = normals(shape.n, 1, number + 2);
  const double noise = 0.1 / std::sqrt(static_cast<double>(shape.d));
  for (Index k = 0; k < shape.n; ++k) {
    const Index rank = (keys.array() < keys(k, 0)).count();
    out.z.row(k).array() =
        static_cast<S>(static_cast<double>(rank) - 0.5 * static_cast<double>(shape.n)) + static_cast<S>(noise) * out.z.row(k).array().max(S{-1}).min(S{1});
  }
  const Points<double> many = uniform_directions<double>(RandomStream(2, Purpose::directions, number, 0), 20 * shape.directions, shape.d);
  Index kept = 0;
  for (Index l = 0; l < many.rows() && kept < shape.directions; ++l)
    if (std::abs(many.row(l).sum()) >= 1.0 - 1e-9) out.directions.row(kept++) = many.row(l).cast<S>();
  EXPECT_EQ(kept, shape.directions);
  return out;
}

/// A TorchLoss whose result is changed.
template <class S>
class BrokenLoss final : public SampleLoss<S> {
 public:
  using Change = std::function<void(LossGradient<S>&)>;
  BrokenLoss(double p, Change change) : good_(p), change_(std::move(change)) {}
  [[nodiscard]] std::string_view name() const override { return "broken"; }
  [[nodiscard]] double exponent() const override { return good_.exponent(); }
  [[nodiscard]] LossGradient<S> evaluate(PointsView<S> z, PointsView<S> y, PointsView<S> directions) const override {
    auto out = good_.evaluate(z, y, directions);
    change_(out);
    return out;
  }

 private:
  TorchLoss<S> good_;
  Change change_;
};

template <class S>
class TorchLossTest : public ::testing::Test {};

class ScalarName {
 public:
  template <class S>
  static std::string GetName(int) {
    return std::is_same_v<S, float> ? "float" : "double";
  }
};

using Scalars = ::testing::Types<float, double>;
TYPED_TEST_SUITE(TorchLossTest, Scalars, ScalarName);

TYPED_TEST(TorchLossTest, values_and_sums_of_gradients_are_the_reference_s) {
  using S = TypeParam;
  std::uint32_t number = 0;
  for (const Shape shape : kShapes) {
    for (const double p : kExponents) {
      const auto given = random_case<S>(shape, p, number += 10);
      const Exact exact(given);
      const TorchLoss<S> loss(p);
      EXPECT_LE(value_ratio<S>(loss, given, exact), 1.0) << "n " << shape.n << ", d " << shape.d << ", p " << p;
      EXPECT_LE(gradient_sum_ratio<S>(loss, given, exact), 1.0) << "n " << shape.n << ", d " << shape.d << ", p " << p;
    }
  }
}

TYPED_TEST(TorchLossTest, gradients_at_distinct_projections_are_the_reference_s) {
  using S = TypeParam;
  std::uint32_t number = 1000;
  for (const Shape shape : kShapes) {
    for (const double p : kExponents) {
      const auto given = separated_case<S>(shape, p, number += 10);
      const Exact exact(given);
      ASSERT_GT(exact.separation, 2.0 * exact.gap_error) << "n " << shape.n << ", d " << shape.d;
      EXPECT_LE(gradient_ratio<S>(TorchLoss<S>(p), given, exact), 1.0) << "n " << shape.n << ", d " << shape.d << ", p " << p;
      EXPECT_LE(value_ratio<S>(TorchLoss<S>(p), given, exact), 1.0) << "n " << shape.n << ", d " << shape.d << ", p " << p;
    }
  }
}

TYPED_TEST(TorchLossTest, more_directions_than_one_chunk_holds) {
  using S = TypeParam;
  for (const double p : {1.0, 2.0}) {
    const auto given = separated_case<S>(kBeyondOneChunk, p, 5);
    const Exact exact(given);
    EXPECT_LE(value_ratio<S>(TorchLoss<S>(p), given, exact), 1.0) << "p " << p;
    EXPECT_LE(gradient_ratio<S>(TorchLoss<S>(p), given, exact), 1.0) << "p " << p;
  }
}

TYPED_TEST(TorchLossTest, the_judges_reject_broken_losses) {
  using S = TypeParam;
  std::uint32_t number = 2000;
  for (const Shape shape : kShapes) {
    for (const double p : kExponents) {
      const auto given = separated_case<S>(shape, p, number += 10);
      const Exact exact(given);
      const BrokenLoss<S> flipped(p, [](LossGradient<S>& out) { out.gradient = -out.gradient; });
      EXPECT_GT(gradient_ratio<S>(flipped, given, exact), 1.0) << "n " << shape.n << ", d " << shape.d << ", p " << p;
      EXPECT_GT(gradient_sum_ratio<S>(flipped, given, exact), 1.0) << "n " << shape.n << ", d " << shape.d << ", p " << p;
      const BrokenLoss<S> scaled(p, [](LossGradient<S>& out) { out.per_direction *= 1.01; });
      EXPECT_GT(value_ratio<S>(scaled, given, exact), 1.0) << "n " << shape.n << ", d " << shape.d << ", p " << p;
      const BrokenLoss<S> without_number(p, [](LossGradient<S>& out) { out.gradient(0, 0) = std::numeric_limits<S>::quiet_NaN(); });
      EXPECT_GT(gradient_ratio<S>(without_number, given, exact), 1.0);
      if (shape.n == 1 || p == 1.0) continue;  // nothing to swap, or two signs that may agree
      const BrokenLoss<S> swapped(p, [](LossGradient<S>& out) { out.gradient.row(0).swap(out.gradient.row(1)); });
      EXPECT_GT(gradient_ratio<S>(swapped, given, exact), 1.0) << "n " << shape.n << ", d " << shape.d << ", p " << p;
    }
  }
}

TYPED_TEST(TorchLossTest, equal_clouds_have_no_loss_and_a_finite_gradient) {
  using S = TypeParam;
  for (const Shape shape : kShapes) {
    for (const double p : kExponents) {
      auto given = random_case<S>(shape, p, 3000);
      given.y = given.z.colwise().reverse();
      const Exact exact(given);
      const auto got = TorchLoss<S>(p).evaluate(given.z, given.y, given.directions);
      EXPECT_LE(value_ratio<S>(TorchLoss<S>(p), given, exact), 1.0);
      // each gap is 0 to rounding; the derivative of |Δ|^p there is at most p e^{p−1}, 1 for p = 1
      const double allowed = gap_power_derivative(exact.gap_error, p) * (1.0 + tolerance::gamma(static_cast<double>(shape.directions) + 12.0, exact.u)) /
                             static_cast<double>(shape.n);
      const Eigen::MatrixXd sizes = got.gradient.template cast<double>().rowwise().norm();
      EXPECT_LE(worst_ratio(sizes, Eigen::MatrixXd::Constant(shape.n, 1, allowed)), 1.0) << "n " << shape.n << ", d " << shape.d << ", p " << p;
      const auto same_order = TorchLoss<S>(p).evaluate(given.z, given.z, given.directions);
      EXPECT_EQ(same_order.value, 0.0);
      EXPECT_EQ(same_order.gradient.cwiseAbs().maxCoeff(), S{0}) << "the gaps are exactly 0, and so is their derivative, p " << p;
    }
  }
}

TYPED_TEST(TorchLossTest, duplicates_and_ties) {
  using S = TypeParam;
  for (const double p : kExponents) {
    for (const Index n : {2, 9, 40, 300}) {
      // points of {0, 1, 2}², seen along the axes and diagonals as well: most projections are tied
      Case<S> given = random_case<S>({n, 2, 24}, p, 4000);
      given.z = given.z.unaryExpr([](S t) { return std::clamp(std::round(t + S{1}), S{0}, S{2}); });
      given.y = given.y.unaryExpr([](S t) { return std::clamp(std::round(t + S{1}), S{0}, S{2}); });
      given.directions.topRows(4) << S{1}, S{0}, S{0}, S{-1}, static_cast<S>(std::sqrt(0.5)), static_cast<S>(std::sqrt(0.5)), static_cast<S>(0.6),
          static_cast<S>(-0.8);
      const Exact exact(given);
      ASSERT_TRUE(n < 40 || exact.separation <= exact.gap_error) << "there must be ties";
      EXPECT_LE(value_ratio<S>(TorchLoss<S>(p), given, exact), 1.0) << "n " << n << ", p " << p;
      EXPECT_LE(gradient_sum_ratio<S>(TorchLoss<S>(p), given, exact), 1.0) << "n " << n << ", p " << p;
    }
  }
}

/// The points of a lattice of distance 1/16 at 2^20, which even float holds exactly: centred, they cost no digit.
template <class S>
Case<S> far_away_case(double p) {
  Case<S> given = random_case<S>({50, 2, 30}, p, 4100);
  const auto move = [](S t) { return static_cast<S>(0x1p20) + std::round(t * S{16}) / S{16}; };
  given.z = given.z.unaryExpr(move);
  given.y = given.y.unaryExpr(move);
  return given;
}

/// The loss without the centring.
template <class S>
class UncentredLoss final : public SampleLoss<S> {
 public:
  [[nodiscard]] std::string_view name() const override { return "uncentred"; }
  [[nodiscard]] double exponent() const override { return 2.0; }
  [[nodiscard]] LossGradient<S> evaluate(PointsView<S> z, PointsView<S> y, PointsView<S> directions) const override {
    LossGradient<S> out{0.0, Vector<double>(directions.rows()), Points<S>::Zero(z.rows(), z.cols())};
    const auto project = [&](PointsView<S> points) { return Exact::sorted((directions * points.transpose()).eval().template cast<double>()); };
    out.per_direction = (project(z) - project(y)).rowwise().squaredNorm() / static_cast<double>(z.rows());
    out.value = out.per_direction.mean();
    return out;
  }
};

TYPED_TEST(TorchLossTest, a_common_offset_costs_no_digits) {
  using S = TypeParam;
  const auto given = far_away_case<S>(2.0);
  Exact exact(given);
  const Eigen::RowVector2d centre = Eigen::RowVector2d::Constant(0x1p20);
  exact.z.rowwise() -= centre;  // exact: both are multiples of 1/16
  exact.y.rowwise() -= centre;
  exact.set_errors(tolerance::unit_roundoff<S>(), reach(exact.z) + 3.0 * reach(exact.y));  // the mean of Y is within reach(y) of the centre
  EXPECT_LE(value_ratio<S>(TorchLoss<S>(2.0), given, exact), 1.0);
  EXPECT_LE(gradient_sum_ratio<S>(TorchLoss<S>(2.0), given, exact), 1.0);
  EXPECT_GT(value_ratio<S>(UncentredLoss<S>(), given, exact), 1.0);
}

TYPED_TEST(TorchLossTest, values_are_summed_in_double) {
  using S = TypeParam;
  // gaps of 1 and one of 2^12: the sum of squares 2^24 + 299 is odd, and beyond what float can hold
  constexpr Index n = 300;
  const Points<S> y = Vector<S>::LinSpaced(n, S{-149.5}, S{149.5}), directions = Points<S>::Ones(1, 1);
  Points<S> z = y.array() + S{1};
  z(n - 1, 0) = y(n - 1, 0) + S{4096};
  EXPECT_EQ(TorchLoss<S>().evaluate(z, y, directions).value, (0x1p24 + 299.0) / 300.0);
}

TYPED_TEST(TorchLossTest, blocks_of_larger_matrices_give_the_same_bits) {
  using S = TypeParam;
  const auto given = random_case<S>({20, 3, 9}, 2.0, 4200);
  const auto inside = [](const Points<S>& points) {
    Points<S> larger = Points<S>::Constant(points.rows() + 2, points.cols() + 5, S{7});
    larger.block(1, 2, points.rows(), points.cols()) = points;
    return larger;
  };
  const Points<S> z = inside(given.z), y = inside(given.y), directions = inside(given.directions);
  const auto expected = TorchLoss<S>().evaluate(given.z, given.y, given.directions);
  const auto got = TorchLoss<S>().evaluate(z.block(1, 2, 20, 3), y.block(1, 2, 20, 3), directions.block(1, 2, 9, 3));
  EXPECT_LE(ratio(std::abs(got.value - expected.value), 1e-300), 1.0);
  EXPECT_EQ(got.per_direction, expected.per_direction);
  EXPECT_EQ(got.gradient, expected.gradient);
}

TYPED_TEST(TorchLossTest, the_same_bits_on_two_threads) {
  using S = TypeParam;
  constexpr Index kCases = 16;
  std::vector<Case<S>> cases;
  std::vector<LossGradient<S>> expected, got(kCases);
  const TorchLoss<S> loss(2.0);
  for (Index i = 0; i < kCases; ++i) {
    cases.push_back(random_case<S>({200 + i, 5, 50}, 2.0, static_cast<std::uint32_t>(5000 + 10 * i)));
    expected.push_back(loss.evaluate(cases.back().z, cases.back().y, cases.back().directions));
  }
  set_thread_count(2);
  parallel_for(kCases, [&](Index i) {
    const auto& given = cases[static_cast<std::size_t>(i)];
    got[static_cast<std::size_t>(i)] = loss.evaluate(given.z, given.y, given.directions);
  });
  for (std::size_t i = 0; i < cases.size(); ++i) {
    EXPECT_EQ(got[i].per_direction, expected[i].per_direction);
    EXPECT_EQ(got[i].gradient, expected[i].gradient);
  }
}

template <class Call>
std::string rejection(Call&& call) {
  try {
    call();
  } catch (const InputError& error) {
    return error.what();
  }
  return "accepted";
}

TYPED_TEST(TorchLossTest, what_cannot_be_compared_is_rejected_by_name) {
  using S = TypeParam;
  using ::testing::HasSubstr;
  const auto good = random_case<S>({4, 3, 2}, 2.0, 6000);
  const TorchLoss<S> loss;
  const auto sentence = [&](const std::function<void(Case<S>&)>& spoil) {
    auto given = good;
    spoil(given);
    const std::string evaluated = rejection([&] { (void)loss.evaluate(given.z, given.y, given.directions); });
    EXPECT_EQ(evaluated, rejection([&] { (void)loss.values(given.z, given.y, given.directions); }));
    return evaluated;
  };
  EXPECT_EQ(sentence([](Case<S>&) {}), "accepted");
  for (const S bad : {std::numeric_limits<S>::quiet_NaN(), std::numeric_limits<S>::infinity(), -std::numeric_limits<S>::infinity()}) {
    EXPECT_THAT(sentence([&](Case<S>& given) { given.z(2, 1) = bad; }), HasSubstr("Z is not finite: row 3, column 2"));
    EXPECT_THAT(sentence([&](Case<S>& given) { given.y(0, 2) = bad; }), HasSubstr("Y is not finite: row 1, column 3"));
    EXPECT_THAT(sentence([&](Case<S>& given) { given.directions(1, 0) = bad; }), HasSubstr("directions is not finite: row 2, column 1"));
  }
  EXPECT_THAT(sentence([](Case<S>& given) { given.z.resize(0, 3); }), HasSubstr("Z is empty"));
  EXPECT_THAT(sentence([](Case<S>& given) { given.y.conservativeResize(3, 3); }), HasSubstr("Z has 4 points and Y has 3"));
  EXPECT_THAT(sentence([](Case<S>& given) { given.y = Points<S>::Zero(4, 2); }), HasSubstr("Y has dimension 2"));
  EXPECT_THAT(sentence([](Case<S>& given) { given.directions.resize(0, 3); }), HasSubstr("no directions"));
  EXPECT_THAT(sentence([](Case<S>& given) { given.directions = Points<S>::Zero(2, 4); }), HasSubstr("the directions have dimension 4"));
  for (const double p : {0.5, -1.0, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()})
    EXPECT_THAT(rejection([&] { TorchLoss<S> refused(p); }), HasSubstr("the exponent p is"));
}

TYPED_TEST(TorchLossTest, says_its_name_and_exponent) {
  const TorchLoss<TypeParam> loss(1.5);
  EXPECT_EQ(loss.name(), (std::is_same_v<TypeParam, float> ? "torch-float" : "torch"));
  EXPECT_EQ(loss.exponent(), 1.5);
}

}  // namespace
}  // namespace slicecheck
