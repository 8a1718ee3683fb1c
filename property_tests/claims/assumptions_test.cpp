/// T6: right schemes and generators hold; what drops an assumption is refused.

#include "slicecheck/claims/assumptions.h"

#include <gtest/gtest.h>

#include <cmath>

#include "claims/typed_check_runs.h"
#include "slicecheck/gallery/broken_dynamics.h"
#include "slicecheck/gallery/broken_generator.h"
#include "slicecheck/generators/bounded_generator.h"
#include "slicecheck/generators/closed_form.h"

namespace slicecheck::testing {
namespace {

TEST(Assumptions, right_schemes_hold) {
  for (const SchemeSubject& subject : scheme_subjects())
    if (subject.projects) expect_all_hold(noise_over_time_checks(), subject, 200);
  expect_all_hold(noise_over_time_checks(), repaired_scheme(), 100);
  EXPECT_EQ(run_check(noise_over_time_checks()[0], scheme_subjects()[0], 12).skipped, 12);
}

TEST(Assumptions, noise_that_does_not_vanish_with_alpha_is_refused) {
  const std::string noise = "noise over a flow time";
  expect_refusals(noise_over_time_checks(), broken_schemes(),
                  {{"noise-root-step", {noise}},
                   {"noise-not-scaled", {noise}},
                   {"noise-missing", {noise}},
                   {"noise-shared-by-steps", {noise}},
                   {"onto-the-sphere", {noise}}},
                  48);
}

/// Noise α^power·a.
class OtherPower final : public Scheme<double> {
 public:
  OtherPower(double noise, double power) : noise_(noise), power_(power) {}
  [[nodiscard]] std::string name() const override { return "other power"; }
  void advance(State<double>& state, VectorView<double> phi, double alpha, const RandomStream& stream) const override {
    Eigen::VectorXd normals(phi.size());
    stream.fill_normal(normals);
    state.u += std::pow(alpha, power_) * noise_ * normals - alpha * phi;
    ++state.step;
  }

 private:
  double noise_;
  double power_;
};

TEST(Assumptions, another_power_of_alpha_is_refused_too) {
  // Too small a sum of 12 squares is not as rare as too large a one: with one coordinate α^{5/4} is not refused.
  for (const auto& [power, least] : {std::pair{0.75, 50}, std::pair{1.25, 10}}) {
    const SchemeSubject subject{"other power", "", true,
                                [power = power](double, double noise, const std::vector<Index>&) { return std::make_unique<OtherPower>(noise, power); }};
    EXPECT_GE(run_check(noise_over_time_checks()[0], subject, 60).refused, least) << power;
  }
}

TEST(Assumptions, right_generators_hold) {
  for (const GeneratorSubject& subject : generator_subjects()) expect_all_hold(lipschitz_ray_checks(), subject, 200);
  for (const GeneratorSubject& subject : {repaired_generator(), repaired_relu_generator(), repaired_bounded_generator()})
    expect_all_hold(lipschitz_ray_checks(), subject, 100);
}

TEST(Assumptions, an_indicator_for_a_cut_off_is_refused) {
  std::map<std::string, int> refused;
  for (const GeneratorDefect& defect : broken_generators()) refused[defect.name] = run_check(lipschitz_ray_checks()[0], defect.subject, 60).refused;
  // Where T itself vanishes at the crossing there is no jump: not every case, but almost.
  EXPECT_GE(refused.at("indicator-cut-off"), 50);
  EXPECT_GE(refused.at("certificate-by-sampling"), 10);
  for (const char* right_images : {"pullback-missing-bias", "pullback-of-stale-parameters", "pullback-half", "relu-through-root"})
    EXPECT_EQ(refused.at(right_images), 0) << right_images;
}

/// The smooth cut-off with its certificate, less the term of χ'.
class WithoutSlope final : public Generator<double> {
 public:
  explicit WithoutSlope(double radius) : bounded_(inner_, radius) {}
  [[nodiscard]] std::string name() const override { return "without slope"; }
  [[nodiscard]] Index parameters() const override { return bounded_.parameters(); }
  [[nodiscard]] Index input_dimension() const override { return 1; }
  [[nodiscard]] Index output_dimension() const override { return 1; }
  [[nodiscard]] Vector<double> initial(const RandomStream& stream) const override { return bounded_.initial(stream); }
  [[nodiscard]] std::unique_ptr<Linearisation<double>> linearise(VectorView<double> u, PointsView<double> x) const override { return bounded_.linearise(u, x); }
  [[nodiscard]] std::optional<GeneratorBounds> bounds(VectorView<double> u0, double radius, const Eigen::RowVectorXd& x) const override {
    return inner_->bounds(u0, radius, x);
  }

 private:
  std::shared_ptr<const Affine<double>> inner_ = std::make_shared<Affine<double>>(1, 1);
  BoundedGenerator<double> bounded_;
};

TEST(Assumptions, a_certificate_that_forgets_the_slope_of_the_cut_off_is_refused) {
  const GeneratorSubject subject{"without slope", "", [](PointDraws&, int) { return std::make_shared<WithoutSlope>(1.5); }};
  EXPECT_GE(run_check(lipschitz_ray_checks()[0], subject, 60).refused, 15);
}

/// Inside the inner certificate, outside none is needed, between both terms; nothing without an inner certificate.
TEST(Assumptions, the_certificate_of_the_bounded_generator) {
  const auto inner = std::make_shared<Affine<double>>(2, 2);
  const BoundedGenerator<double> bounded(inner, 2.0);
  const Eigen::RowVector2d x(0.5, -1.0);
  const auto at = [&](double norm) -> Eigen::VectorXd { return Eigen::VectorXd::Unit(6, 1) * norm; };
  const auto inside = bounded.bounds(at(1.5), 0.4, x);
  const auto of_inner = inner->bounds(at(1.5), 0.4, x);
  EXPECT_EQ(inside->lipschitz, of_inner->lipschitz);
  EXPECT_EQ(inside->image, of_inner->image);
  const auto outside = bounded.bounds(at(4.6), 0.5, x);
  EXPECT_EQ(outside->lipschitz, 0.0);
  EXPECT_EQ(outside->image, 0.0);
  // At ‖u‖ = 3, t = 3/2: χ = 1/2 and |χ'| = 15/8.
  const auto between = bounded.bounds(at(3.0), 0.0, x);
  const auto there = inner->bounds(at(3.0), 0.0, x);
  EXPECT_NEAR(between->lipschitz, 0.5 * there->lipschitz + 15.0 / 16.0 * there->image, 1e-11);
  EXPECT_NEAR(between->image, 0.5 * there->image, 1e-11);
  // A ball that holds B(0, 2R): the certificate no longer grows with it.
  EXPECT_EQ(bounded.bounds(at(0.0), 10.0, x)->lipschitz, bounded.bounds(at(1.0), 1e6, x)->lipschitz);
}

}  // namespace
}  // namespace slicecheck::testing
