/// The testbeds: exact on integers, and errors.

#include "slicecheck/generators/closed_form.h"

#include <gtest/gtest.h>

#include <numeric>

#include "generators/pullback_check.h"
#include "slicecheck/core/error.h"

namespace slicecheck::testing {
namespace {

template <class S>
class ClosedForm : public ::testing::Test {};
using Scalars = ::testing::Types<float, double>;
TYPED_TEST_SUITE(ClosedForm, Scalars);

/// Small integers: everything below is exact in S.
template <class S>
Points<S> integers(Index rows, Index cols, std::uint32_t number) {
  return (3.0 * random_points<double>(rows, cols, number)).array().round().cast<S>();
}

/// T is affine in u, so T(u + v) − T(u) = J v exactly, and both sides of ⟨J v, c⟩ = ⟨v, Jᵀc⟩ are exact integers.
template <class S>
void expect_exact_adjoint(const Generator<S>& generator, Index n) {
  for (std::uint32_t number = 0; number < 20; ++number) {
    const Points<S> x = integers<S>(n, generator.input_dimension(), 10 * number);
    const Points<S> c = integers<S>(n, generator.output_dimension(), 10 * number + 1);
    const Vector<S> u = integers<S>(1, generator.parameters(), 10 * number + 2).transpose();
    const Vector<S> v = integers<S>(1, generator.parameters(), 10 * number + 3).transpose();
    const S left = (generator.forward(u + v, x) - generator.forward(u, x)).cwiseProduct(c).sum();
    EXPECT_EQ(left, generator.pullback(u, x, c).dot(v)) << generator.name() << " number " << number;
    EXPECT_EQ(generator.forward(u, x), generator.linearise(u, x)->images());
  }
}

TYPED_TEST(ClosedForm, the_two_point_line_by_hand) {
  using S = TypeParam;
  const TwoPointLine<S> line;
  const Vector<S> u = Vector<S>::Constant(1, S(0.75));
  const Points<S> x{{S{1}}, {S{-1}}};
  EXPECT_EQ(line.forward(u, x), (Points<S>{{S(0.75)}, {S(-0.75)}}));
  EXPECT_EQ(line.pullback(u, x, Points<S>{{S{5}}, {S{2}}}), Vector<S>::Constant(1, S{3}));
  EXPECT_EQ(line.parameters(), 1);
  EXPECT_EQ(line.tensors(), (std::vector<Index>{1}));
  expect_exact_adjoint<S>(line, 6);
}

TYPED_TEST(ClosedForm, affine_by_hand) {
  using S = TypeParam;
  const Affine<S> affine(2, 2);
  // A = (1 2; 3 4), b = (10, 20).
  Vector<S> u(6);
  u << S{1}, S{2}, S{3}, S{4}, S{10}, S{20};
  const Points<S> x{{S{1}, S{1}}, {S{0}, S{-1}}};
  EXPECT_EQ(affine.forward(u, x), (Points<S>{{S{13}, S{27}}, {S{8}, S{16}}}));
  // ∂/∂A_ij = Σ_k c_ki x_kj, ∂/∂b_i = Σ_k c_ki.
  Vector<S> expected(6);
  expected << S{1}, S(-2), S{2}, S{-2}, S{4}, S{6};
  EXPECT_EQ(affine.pullback(u, x, Points<S>{{S{1}, S{2}}, {S{3}, S{4}}}), expected);
}

TYPED_TEST(ClosedForm, affine_is_adjoint_in_every_shape) {
  using S = TypeParam;
  for (const auto& [from, to] : {std::pair<Index, Index>{1, 1}, {3, 2}, {2, 5}, {7, 1}}) {
    const Affine<S> affine(from, to);
    EXPECT_EQ(affine.parameters(), to * from + to);
    const auto tensors = affine.tensors();
    EXPECT_EQ(std::accumulate(tensors.begin(), tensors.end(), Index{0}), affine.parameters());
    expect_exact_adjoint<S>(affine, 4);
  }
}

TYPED_TEST(ClosedForm, the_exact_comparison_refuses_a_planted_mistake) {
  using S = TypeParam;
  const Affine<S> affine(2, 2);
  const Points<S> x = integers<S>(3, 2, 1);
  const Vector<S> u = integers<S>(1, 6, 2).transpose();
  const Points<S> c = integers<S>(3, 2, 3);
  const Vector<S> v = Vector<S>::Unit(6, 1);
  // The transposed matrix: entries 1 and 2 of u exchanged.
  EXPECT_NE((affine.forward(u + v, x) - affine.forward(u, x)).cwiseProduct(c).sum(), affine.pullback(u, x, c).dot(Vector<S>::Unit(6, 2)));
}

TYPED_TEST(ClosedForm, initial_parameters_are_the_documented_normals) {
  using S = TypeParam;
  const RandomStream stream(4, Purpose::initial, 2, 0);
  EXPECT_EQ(TwoPointLine<S>().initial(stream)[0], static_cast<S>(stream.normals(0)[0]));
  Eigen::VectorXd normals(12);
  stream.fill_normal(normals);
  normals.head(9) /= std::sqrt(3.0);
  EXPECT_EQ(Affine<S>(3, 3).initial(stream), normals.cast<S>());
}

TYPED_TEST(ClosedForm, rejects_what_does_not_fit) {
  using S = TypeParam;
  EXPECT_THROW(Affine<S>(0, 2), InputError);
  EXPECT_THROW(Affine<S>(2, 0), InputError);
  const Affine<S> affine(2, 3);
  const Vector<S> u = Vector<S>::Ones(9);
  const Points<S> x = Points<S>::Ones(4, 2);
  EXPECT_THROW((void)affine.linearise(Vector<S>::Ones(8), x), InputError);
  EXPECT_THROW((void)affine.linearise(u, Points<S>::Ones(4, 3)), InputError);
  EXPECT_THROW((void)affine.linearise(u, Points<S>(0, 2)), InputError);
  EXPECT_THROW((void)affine.pullback(u, x, Points<S>::Ones(3, 3)), InputError);
  EXPECT_THROW((void)affine.pullback(u, x, Points<S>::Ones(4, 2)), InputError);
  EXPECT_THROW((void)TwoPointLine<S>().forward(u, Points<S>::Ones(4, 1)), InputError);
}

}  // namespace
}  // namespace slicecheck::testing
