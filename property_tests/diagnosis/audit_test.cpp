/// For each of A1–A7 two generators of one name and one layout (or two laws of one name) with opposite answers; then certificates, constants, flags.

#include "slicecheck/diagnosis/audit.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "slicecheck/core/error.h"
#include "slicecheck/generators/bounded_generator.h"
#include "slicecheck/generators/closed_form.h"
#include "slicecheck/generators/dense_mlp.h"
#include "support/process.h"

namespace slicecheck {
namespace {

using testing::ScopedThreads;

/// u = (a, b), x and T(u, x) in R. All of them call themselves "net" and have two tensors.
class Net final : public Generator<double> {
 public:
  using Value = std::function<double(double a, double b, double x)>;
  using Slope = std::function<Eigen::Vector2d(double a, double b, double x)>;
  Net(Value value, Slope slope, bool centred = false) : value_(std::move(value)), slope_(std::move(slope)), centred_(centred) {}
  [[nodiscard]] std::string name() const override { return "net"; }
  [[nodiscard]] Index parameters() const override { return 2; }
  [[nodiscard]] Index input_dimension() const override { return 1; }
  [[nodiscard]] Index output_dimension() const override { return 1; }
  [[nodiscard]] std::vector<Index> tensors() const override { return {1, 1}; }
  [[nodiscard]] Vector<double> initial(const RandomStream&) const override { return Eigen::Vector2d(0.61, -0.37); }
  [[nodiscard]] std::unique_ptr<Linearisation<double>> linearise(VectorView<double> u, PointsView<double> x) const override {
    return std::make_unique<At>(*this, u, x);
  }

 private:
  class At final : public Linearisation<double> {
   public:
    At(const Net& net, VectorView<double> u, PointsView<double> x) : images_(x.rows(), 1), slopes_(x.rows(), 2) {
      for (Index k = 0; k < x.rows(); ++k) {
        images_(k, 0) = net.value_(u[0], u[1], x(k, 0));
        slopes_.row(k) = net.slope_(u[0], u[1], x(k, 0)).transpose();
      }
      if (!net.centred_) return;
      images_.array() -= images_.mean();
      slopes_.rowwise() -= slopes_.colwise().mean().eval();
    }
    [[nodiscard]] const Points<double>& images() const override { return images_; }
    [[nodiscard]] Vector<double> pullback(PointsView<double> cotangent) const override { return slopes_.transpose() * cotangent; }

   private:
    Points<double> images_;
    Eigen::MatrixXd slopes_;
  };
  Value value_;
  Slope slope_;
  bool centred_;
};

double relu(double t) { return t > 0.0 ? t : 0.0; }
double step(double t) { return t > 0.0 ? 1.0 : 0.0; }

TrainingDescription training(std::shared_ptr<const Generator<double>> generator) {
  TrainingDescription t;
  t.name = "test";
  t.generator = generator;
  t.source = std::make_shared<Uniform>(-1.0, 1.0, generator->input_dimension());
  t.target = std::make_shared<Uniform>(-1.0, 1.0, generator->output_dimension());
  t.practice.step_size = 0.01;
  t.practice.steps = 100;
  t.practice.batch = 16;
  // Only double is looked at; its dimensions are asked of this one.
  struct Sizes final : Generator<float> {
    explicit Sizes(std::shared_ptr<const Generator<double>> of) : of_(std::move(of)) {}
    [[nodiscard]] std::string name() const override { return of_->name(); }
    [[nodiscard]] Index parameters() const override { return of_->parameters(); }
    [[nodiscard]] Index input_dimension() const override { return of_->input_dimension(); }
    [[nodiscard]] Index output_dimension() const override { return of_->output_dimension(); }
    [[nodiscard]] std::vector<Index> tensors() const override { return of_->tensors(); }
    [[nodiscard]] Vector<float> initial(const RandomStream& stream) const override { return of_->initial(stream).cast<float>(); }
    [[nodiscard]] std::unique_ptr<Linearisation<float>> linearise(VectorView<float>, PointsView<float>) const override { throw Error("not asked for"); }
    std::shared_ptr<const Generator<double>> of_;
  };
  t.generator_single = std::make_shared<Sizes>(generator);
  return t;
}

Audit audited(const TrainingDescription& t, const AuditOptions& options = {}) {
  SilentProgress progress;
  return audit(t, options, progress);
}

Audit audited(Net::Value value, Net::Slope slope, bool centred = false) {
  return audited(training(std::make_shared<Net>(std::move(value), std::move(slope), centred)));
}

void expect(const Audit& a, std::string_view id, Standing standing, const std::string& fragment = "") {
  const AuditedAssumption& found = a.assumption(id);
  std::string all = found.evidence;
  for (const std::string& more : found.more) all += "\n  " + more;
  EXPECT_EQ(standing_name(found.standing), standing_name(standing)) << id << ": " << all;
  EXPECT_NE(all.find(fragment), std::string::npos) << id << " should say \"" << fragment << "\": " << all;
}

Audit affine_with_kink() {
  return audited([](double a, double b, double x) { return a * x + relu(b * x); },
                 [](double, double b, double x) -> Eigen::Vector2d { return Eigen::Vector2d(x, b * x > 0.0 ? x : 0.0); });
}

TEST(Audit, OneLayerWithAKink) {
  const Audit a = affine_with_kink();
  for (const char* id : {"A1", "A2", "A3", "A5", "A7"}) expect(a, id, Standing::holds);
  expect(a, "A1", Standing::holds, "kinks met: slope jump");
  expect(a, "A4", Standing::on_ball, "s^1.00");
  expect(a, "A6", Standing::fails);
  EXPECT_EQ(basis_name(a.assumption("A1").basis), "probed");
}

/// V' is Hölder of order 1/2 and nowhere differentiable: second differences fall like h^1.5 everywhere.
TEST(Audit, A1NowhereTwiceDifferentiable) {
  const auto rough = [](double b) {
    double value = 0.0;
    for (int k = 0; k < 60; ++k) value += std::exp2(-1.5 * k) * std::cos(std::exp2(k) * b + k);
    return value;
  };
  const auto slope = [](double b) {
    double value = 0.0;
    for (int k = 0; k < 60; ++k) value -= std::exp2(-0.5 * k) * std::sin(std::exp2(k) * b + k);
    return value;
  };
  const Audit a = audited([&](double p, double b, double x) { return p * x + rough(b); },
                          [&](double, double b, double x) -> Eigen::Vector2d { return Eigen::Vector2d(x, slope(b)); });
  expect(a, "A1", Standing::fails, "rough at all");
  expect(a, "A2", Standing::holds);
  expect(a, "A5", Standing::fails, "no pieces");
}

TEST(Audit, A2JumpsRootsAndWhere) {
  const auto flat = [](double, double, double x) -> Eigen::Vector2d { return Eigen::Vector2d(x, 0.0); };
  expect(audited([](double a, double b, double x) { return a * x + 0.01 * step(b - 0.1); }, flat), "A2", Standing::fails, "a jump of 0.01");
  expect(audited([](double a, double b, double x) { return a * x + std::sqrt(std::abs(b - 0.1)); },
                 [](double, double b, double x) -> Eigen::Vector2d { return Eigen::Vector2d(x, 0.5 * (b > 0.1 ? 1.0 : -1.0) / std::sqrt(std::abs(b - 0.1))); }),
         "A2", Standing::fails, "slope unbounded");
  expect(audited([](double a, double, double x) { return a * (x + 0.1 * step(x - 0.2)); },
                 [](double, double, double x) -> Eigen::Vector2d { return Eigen::Vector2d(x + 0.1 * step(x - 0.2), 0.0); }),
         "A2", Standing::fails, "in x");
  // R = 2|u0| = 1.427: the ball of radius 3 is the literal cut-off of A4.
  const Audit outside = audited([](double a, double b, double x) { return a * x * step(9.0 - a * a - b * b); },
                                [](double a, double b, double x) -> Eigen::Vector2d { return Eigen::Vector2d(x * step(9.0 - a * a - b * b), 0.0); });
  expect(outside, "A2", Standing::on_ball, "beyond R: a jump");
  // Steep but smooth: no false alarm.
  expect(audited([](double a, double b, double x) { return a * x + std::tanh(1e4 * (b - 0.1)); },
                 [](double, double b, double x) -> Eigen::Vector2d { return Eigen::Vector2d(x, 1e4 * (1.0 - std::pow(std::tanh(1e4 * (b - 0.1)), 2))); }),
         "A2", Standing::holds);
}

TEST(Audit, A2ABatchIsNotTAtEachOfItsPoints) {
  const auto value = [](double a, double b, double x) { return a * x + relu(b * x); };
  const auto slope = [](double, double b, double x) -> Eigen::Vector2d { return Eigen::Vector2d(x, b * x > 0.0 ? x : 0.0); };
  const Audit coupled = audited(value, slope, true);
  expect(coupled, "A2", Standing::fails, "another row of the batch");
  EXPECT_TRUE(std::any_of(coupled.flags.begin(), coupled.flags.end(), [](const AuditFlag& flag) { return flag.name == "samples coupled"; }));
  expect(audited(value, slope, false), "A2", Standing::holds);
}

/// Two laws of one name; and one that says what is not so.
class NamedLaw final : public Law {
 public:
  NamedLaw(std::shared_ptr<const Law> inner, std::optional<double> radius, Index atoms) : inner_(std::move(inner)), radius_(radius), atoms_(atoms) {}
  [[nodiscard]] std::string name() const override { return "law"; }
  [[nodiscard]] Index dimension() const override { return inner_->dimension(); }
  [[nodiscard]] Eigen::RowVectorXd draw(PointDraws& draws) const override { return inner_->draw(draws); }
  [[nodiscard]] std::optional<double> support_radius() const override { return radius_; }
  [[nodiscard]] Index atom_count() const override { return atoms_; }
  [[nodiscard]] Eigen::RowVectorXd atom(Index k) const override { return Eigen::RowVectorXd::Constant(1, static_cast<double>(k)); }

 private:
  std::shared_ptr<const Law> inner_;
  std::optional<double> radius_;
  Index atoms_;
};

TEST(Audit, A3AndA6AskTheLaws) {
  TrainingDescription t = training(std::make_shared<Affine<double>>(1, 1));
  const auto with = [&](std::shared_ptr<const Law> law) {
    t.source = std::move(law);
    return audited(t);
  };
  const auto uniform = std::make_shared<Uniform>(-1.0, 1.0, 1);
  const std::shared_ptr<const Law> normal = Gaussian::standard(1);
  const std::shared_ptr<const Law> two = FiniteLaw::two_points();
  const Audit bounded = with(std::make_shared<NamedLaw>(uniform, 1.0, 0));
  expect(bounded, "A3", Standing::holds, "‖x‖ ≤ 1");
  expect(bounded, "A6", Standing::fails, "x has no atoms");
  const Audit unbounded = with(std::make_shared<NamedLaw>(normal, std::nullopt, 0));
  expect(unbounded, "A3", Standing::fails, "no bounded support");
  expect(unbounded, "A4", Standing::fails, "x has no bounded support");
  expect(unbounded, "A5", Standing::holds);  // T is linear in u
  expect(with(std::make_shared<NamedLaw>(normal, 1.0, 0)), "A3", Standing::fails, "has norm");
  expect(with(std::make_shared<NamedLaw>(uniform, 1.0, 2)), "A6", Standing::fails, "is none of them");
  t.target = two;
  const Audit finite = with(two);
  expect(finite, "A6", Standing::holds, "x has 2 atoms, y has 2 atoms");
  expect(finite, "A3", Standing::holds);
}

TEST(Audit, A4SaturatesGrowsOrHasAPole) {
  const Audit bounded =
      audited([](double a, double b, double x) { return std::tanh(a * x + b); },
              [](double a, double b, double x) -> Eigen::Vector2d { return Eigen::Vector2d(x, 1.0) * (1.0 - std::pow(std::tanh(a * x + b), 2)); });
  expect(bounded, "A4", Standing::holds, "saturates");
  expect(audited([](double a, double b, double x) { return a * x + b; }, [](double, double, double x) -> Eigen::Vector2d { return Eigen::Vector2d(x, 1.0); }),
         "A4", Standing::on_ball, "s^1.00");
  // log grows without bound, ever more slowly.
  expect(audited([](double a, double b, double x) { return std::log1p(a * a + b * b) * x; },
                 [](double a, double b, double x) -> Eigen::Vector2d { return Eigen::Vector2d(a, b) * (2.0 * x / (1.0 + a * a + b * b)); }),
         "A4", Standing::on_ball, "along");
  const Audit pole = audited([](double a, double b, double x) { return a * x + 1.0 / (b - 0.1); },
                             [](double, double b, double x) -> Eigen::Vector2d { return Eigen::Vector2d(x, -1.0 / std::pow(b - 0.1, 2)); });
  expect(pole, "A4", Standing::fails);
  expect(pole, "A2", Standing::fails);
}

TEST(Audit, A5BoundedGrowingOrUnbounded) {
  const Audit bilinear = audited([](double a, double b, double x) { return a * b * x; },
                                 [](double a, double b, double x) -> Eigen::Vector2d { return Eigen::Vector2d(b, a) * x; });
  expect(bilinear, "A5", Standing::holds, "does not grow");
  expect(bilinear, "A4", Standing::on_ball, "s^2.00");
  expect(audited([](double a, double b, double x) { return a * b * b * x; },
                 [](double a, double b, double x) -> Eigen::Vector2d { return Eigen::Vector2d(b * b, 2.0 * a * b) * x; }),
         "A5", Standing::on_ball, "s^1.0");
  // Bounded, and its second derivative in b is (a·x)² tanh″(abx): unbounded where a grows and b shrinks. No ray from 0 or u0 shows it.
  const Audit hidden =
      audited([](double a, double b, double x) { return std::tanh(a * b * x); },
              [](double a, double b, double x) -> Eigen::Vector2d { return Eigen::Vector2d(b, a) * (x * (1.0 - std::pow(std::tanh(a * b * x), 2))); });
  expect(hidden, "A5", Standing::on_ball, "divided by it");
  expect(hidden, "A4", Standing::holds);
  const Audit root =
      audited([](double a, double b, double x) { return a * x + std::pow(std::abs(b - 0.1), 1.5); },
              [](double, double b, double x) -> Eigen::Vector2d { return Eigen::Vector2d(x, 1.5 * (b > 0.1 ? 1.0 : -1.0) * std::sqrt(std::abs(b - 0.1))); });
  expect(root, "A5", Standing::fails, "second derivative unbounded");
  expect(root, "A2", Standing::holds);
  expect(root, "A1", Standing::holds);
}

TEST(Audit, A7TheDerivativeReturnedIsThatOfF) {
  const auto value = [](double a, double b, double x) { return a * x + relu(b * x); };
  // As the value of a part is used, and its derivative is cut off.
  const Audit detached = audited(value, [](double, double, double x) -> Eigen::Vector2d { return Eigen::Vector2d(x, 0.0); });
  expect(detached, "A7", Standing::fails, "at another rate");
  expect(detached, "A1", Standing::holds);
  const Audit nan_at_zero = audited([](double a, double b, double x) { return a * x + std::sqrt(b * b); },
                                    [](double, double b, double x) -> Eigen::Vector2d { return Eigen::Vector2d(x, b / std::sqrt(b * b)); });
  expect(nan_at_zero, "A7", Standing::fails, "not finite");
  // relu(b) − relu(−b) = b: back-propagation says 0 at b = 0, where the slope is 1.
  const Audit artefact = audited([](double a, double b, double x) { return a * x + relu(b) - relu(-b); },
                                 [](double, double b, double x) -> Eigen::Vector2d { return Eigen::Vector2d(x, step(b) + step(-b)); });
  expect(artefact, "A7", Standing::holds, "which differs from that slope: an artefact of automatic differentiation (N8)");
  expect(artefact, "A7", Standing::holds, "or a point where f is not regular");
  const Audit clean = affine_with_kink();
  for (const std::string& line : clean.assumption("A7").more) EXPECT_EQ(line.find("artefact"), std::string::npos) << line;
}

std::shared_ptr<const Generator<double>> mlp(std::vector<Index> hidden, Activation act) {
  return std::make_shared<DenseMlp<double>>(2, std::move(hidden), 2, act);
}

TEST(Audit, LayersDecideA5) {
  const Audit two = audited(training(mlp({16}, Activation::relu)));
  expect(two, "A5", Standing::holds, "‖∂²T‖ ≤ 1.732");  // √(1 + ‖x‖²), ‖x‖² ≤ 2
  EXPECT_LE(two.assumption("A5").numbers.at("largest_seen_on_ball"), two.assumption("A5").numbers.at("certified"));
  EXPECT_EQ(two.assumption("A1").basis, Basis::certified);
  const Audit three = audited(training(mlp({16, 16}, Activation::relu)));
  expect(three, "A5", Standing::on_ball, "s^1");
  expect(three, "A4", Standing::on_ball, "s^3");
  // Curvature of the activation times the weights after it: two layers of tanh have no bound.
  expect(audited(training(mlp({16}, Activation::tanh))), "A5", Standing::on_ball, "s^1");
  for (const Audit* a : {&two, &three}) {
    const AuditedAssumption& a2 = a->assumption("A2");
    EXPECT_LE(a2.numbers.at("lipschitz_u_estimated"), a2.numbers.at("lipschitz_u_certified"));
    expect(*a, "A1", Standing::holds);
    expect(*a, "A7", Standing::holds);
  }
}

/// A network whose structure the audit does not see.
class Opaque final : public Generator<double> {
 public:
  explicit Opaque(std::shared_ptr<const Generator<double>> inner) : inner_(std::move(inner)) {}
  [[nodiscard]] std::string name() const override { return "opaque"; }
  [[nodiscard]] Index parameters() const override { return inner_->parameters(); }
  [[nodiscard]] Index input_dimension() const override { return inner_->input_dimension(); }
  [[nodiscard]] Index output_dimension() const override { return inner_->output_dimension(); }
  [[nodiscard]] std::vector<Index> tensors() const override { return inner_->tensors(); }
  [[nodiscard]] Vector<double> initial(const RandomStream& stream) const override { return inner_->initial(stream); }
  [[nodiscard]] std::unique_ptr<Linearisation<double>> linearise(VectorView<double> u, PointsView<double> x) const override { return inner_->linearise(u, x); }

 private:
  std::shared_ptr<const Generator<double>> inner_;
};

TEST(Audit, ProbesAloneFindWhatTheStructureCertifies) {
  const auto opaque = [](std::shared_ptr<const Generator<double>> inner) { return audited(training(std::make_shared<Opaque>(std::move(inner)))); };
  struct Case {
    std::shared_ptr<const Generator<double>> inner;
    Standing a4, a5;
  };
  const Case cases[] = {{mlp({}, Activation::identity), Standing::on_ball, Standing::holds},
                        {mlp({16}, Activation::relu), Standing::on_ball, Standing::holds},
                        {mlp({16}, Activation::tanh), Standing::on_ball, Standing::on_ball},
                        {mlp({12, 12}, Activation::leaky_relu), Standing::on_ball, Standing::on_ball},
                        {mlp({8, 8}, Activation::softplus), Standing::on_ball, Standing::on_ball},
                        {std::make_shared<BoundedGenerator<double>>(mlp({8, 8}, Activation::relu), 20.0), Standing::holds, Standing::holds}};
  for (const Case& one : cases) {
    SCOPED_TRACE(one.inner->name());
    const Audit a = opaque(one.inner);
    for (const char* id : {"A1", "A2", "A3", "A7"}) expect(a, id, Standing::holds);
    expect(a, "A4", one.a4);
    expect(a, "A5", one.a5);
    EXPECT_EQ(basis_name(a.assumption("A5").basis), "probed");
  }
}

TEST(Audit, ACutOffRestoresA4AndA5) {
  const auto inner = mlp({8, 8}, Activation::tanh);
  const Audit a = audited(training(std::make_shared<BoundedGenerator<double>>(inner, 20.0)));
  expect(a, "A4", Standing::holds, "cut-off");
  expect(a, "A5", Standing::holds, "cut-off");
  expect(a, "A2", Standing::holds, "certified");
}

AuditConstant constant(const std::vector<AuditConstant>& all, const std::string& name) {
  for (const AuditConstant& one : all)
    if (one.name == name) return one;
  throw Error("no constant " + name);
}

bool has(const std::vector<AuditConstant>& all, const std::string& name) {
  return std::any_of(all.begin(), all.end(), [&](const AuditConstant& one) { return one.name == name; });
}

/// T = u·x with x = ±1, y = ±1, batches of 2: F(u) = u² + 1 − |u|/2, ∂²f = 2, and on |u| = r the inner product is 2r² − r/2.
TEST(Audit, ConstantsOfTheLine) {
  TrainingDescription t = training(std::make_shared<TwoPointLine<double>>());
  t.source = t.target = FiniteLaw::two_points();
  t.parameters = Eigen::VectorXd::Constant(1, 0.5);
  t.practice.batch = 2;
  t.practice.scheme = "npsgd";
  t.practice.projection = "whole";
  t.practice.radius = 1.0;
  t.practice.noise = 1.0;
  const Audit a = audited(t, {.batches = 64});
  EXPECT_NEAR(constant(a.constants, "C").value, 2.0, 1e-6);  // differences of linear functions over 2^-22: rounding is below 2^-28
  EXPECT_DOUBLE_EQ(constant(a.constants, "Λ").value, 1.0);
  EXPECT_EQ(constant(a.constants, "Λ").worth, "certified");
  // K_f = 2Λ(εΛ + 1/2 + 1), ε = 0.005; K_F with max|T| ≤ 0.505 on the ball.
  EXPECT_NEAR(constant(a.constants, "K_f").value, 2.0 * (0.005 + 1.5), 1e-9);
  EXPECT_NEAR(constant(a.constants, "K_F bound").value, 2.0 * (0.505 + 1.0), 1e-9);
  EXPECT_NEAR(constant(a.suggestions, "step size below").value, 0.5, 1e-6);
  // F(1/2) = 1; each value of f is in {1/4, 5/4, 9/4}: 64 of them have a mean within 6 standard errors but for 2e-9.
  EXPECT_NEAR(constant(a.constants, "F(u0)").value, 1.0, 6.0 * 0.75 / 8.0);
  EXPECT_NEAR(constant(a.suggestions, "radius at least").value, 0.5 + std::sqrt(constant(a.constants, "F(u0)").value), 1e-12);
  ASSERT_FALSE(a.spheres.empty());
  EXPECT_EQ(a.spheres.front().radius, 1.0);
  EXPECT_GE(a.spheres.front().least, 0.0);  // 2r² − 2r·{0, 1/2 …, 1}: at r = 1 not below 0 for any batch
  EXPECT_EQ(a.spheres.front().multiplier, 0.0);
  // Half of the batches draw one input twice; those ties are harmless.
  EXPECT_EQ(a.harmful_ties, 0u);
}

/// Across a tie or a kink at u0 differences of gradients are jump/h, for every h: no estimate of C, and no step size from it.
TEST(Audit, CIsNotDecidedOnATieOrAKink) {
  TrainingDescription line = training(std::make_shared<TwoPointLine<double>>());
  line.source = line.target = FiniteLaw::two_points();
  line.parameters = Eigen::VectorXd::Zero(1);
  TrainingDescription network = training(mlp({8}, Activation::relu));
  network.parameters = Eigen::VectorXd::Zero(network.generator->parameters());
  for (const TrainingDescription& t : {line, network}) {
    const Audit a = audited(t);
    const AuditConstant c = constant(a.constants, "C");
    EXPECT_TRUE(std::isnan(c.value)) << c.value;
    EXPECT_EQ(c.worth, "not decided: u0 is on a tie or kink");
    EXPECT_TRUE(has(a.constants, "C bound"));
    EXPECT_FALSE(has(a.suggestions, "step size below"));
    EXPECT_TRUE(has(a.suggestions, "radius at least"));
  }
  // A kink of one unit in otherwise curved f: relu(b) at b = 0.
  TrainingDescription kink = training(std::make_shared<Net>([](double a, double b, double x) { return a * x + relu(b); },
                                                            [](double, double b, double x) -> Eigen::Vector2d { return Eigen::Vector2d(x, step(b)); }));
  kink.parameters = Eigen::Vector2d(0.61, 0.0);
  EXPECT_FALSE(has(audited(kink).suggestions, "step size below"));
  kink.parameters = Eigen::Vector2d(0.61, 0.3);  // f = (1/n) Σ (a x_i + b − y_σ(i))²: trace of ∂²f is 2 + 2Σx²/n
  const double smooth = constant(audited(kink).constants, "C").value;
  EXPECT_GE(smooth, 2.0 * (1.0 - 1e-6));
  EXPECT_LE(smooth, 4.0);
}

TEST(Audit, CIsBelowItsCertifiedBoundWhichIsOfTheBatches) {
  TrainingDescription t = training(mlp({16}, Activation::relu));
  t.source = Gaussian::standard(2);  // unbounded: ‖x‖ is taken from the batches
  double before = 0.0;
  for (const Index points : {2, 16, 100}) {
    for (const Index batches : {2, 16}) {
      const Audit a = audited(t, {.points = points, .batches = batches});
      const double bound = constant(a.constants, "C bound").value;
      EXPECT_LE(constant(a.constants, "C").value, bound);
      // C is of batches that the bound is for.
      EXPECT_NE(constant(a.constants, "C").formula.find(fmt::format("of {} batches", std::min<Index>(batches, 3))), std::string::npos);
      if (batches == 2) continue;
      if (before != 0.0) {
        EXPECT_EQ(bound, before) << points;
      }
      before = bound;
    }
  }
}

TEST(Audit, AGradientThatIsNotFiniteGivesNoNumbers) {
  TrainingDescription t =
      training(std::make_shared<Net>([](double a, double b, double x) { return a * x + std::sqrt(b * b); },
                                     [](double, double b, double x) -> Eigen::Vector2d { return Eigen::Vector2d(x, b / std::sqrt(b * b)); }));
  t.parameters = Eigen::Vector2d(0.61, 0.0);
  t.practice.projection = "whole";
  t.practice.radius = 1.0;
  const Audit a = audited(t);
  EXPECT_EQ(constant(a.constants, "C").worth, "not decided: the gradient at u0 is not finite");
  EXPECT_TRUE(std::isnan(constant(a.constants, "C").value));
  EXPECT_TRUE(a.suggestions.empty());
  ASSERT_EQ(a.spheres.size(), 1u);  // the ray through u0 keeps b = 0
  EXPECT_TRUE(std::isnan(a.spheres[0].least));
  EXPECT_TRUE(std::isnan(a.spheres[0].multiplier));
  for (const AuditConstant& one : a.constants) EXPECT_EQ((one.worth + one.formula).find("nan"), std::string::npos) << one.worth << one.formula;
  for (const AuditedAssumption& one : a.assumptions)
    for (const std::string& line : one.more) EXPECT_EQ(line.find("nan"), std::string::npos) << line;
}

/// N6 asks for a pair anywhere in a block, and in the order of a sort neighbours have equal inputs mostly.
TEST(Audit, TiesAreJudgedByBlocks) {
  TrainingDescription line = training(std::make_shared<TwoPointLine<double>>());
  line.source = line.target = FiniteLaw::two_points();
  line.parameters = Eigen::VectorXd::Zero(1);
  const Audit harmful = audited(line);  // one block in each of 4 batches of 16 (a batch of one x or one y: 16/2^16)
  EXPECT_EQ(harmful.harmful_ties, 4u);
  EXPECT_EQ(harmful.harmless_ties + harmful.unjudged_ties, 0u);
  line.target = std::make_shared<FiniteLaw>("one point", Points<double>::Ones(1, 1));
  EXPECT_EQ(audited(line).harmless_ties, 4u);  // one target
  // Equal images of different inputs, with the same derivative.
  TrainingDescription same = training(std::make_shared<Net>([](double a, double b, double) { return a + b; },
                                                            [](double, double, double) -> Eigen::Vector2d { return Eigen::Vector2d(1.0, 1.0); }));
  EXPECT_EQ(audited(same).harmless_ties, 4u);
  same.practice.batch = 64;  // 63 of 96 comparisons for the first batch
  const Audit many = audited(same);
  EXPECT_EQ(many.harmless_ties, 1u);
  EXPECT_EQ(many.unjudged_ties, 3u);
  // One input of the block has another derivative, found wherever it stands.
  TrainingDescription odd = training(std::make_shared<Net>(
      [](double a, double b, double) { return a + b; }, [](double, double, double x) -> Eigen::Vector2d { return Eigen::Vector2d(1.0, x > 0.7 ? 0.5 : 1.0); }));
  EXPECT_EQ(audited(odd).harmful_ties, 4u);  // some of 16 uniform x are above 0.7, and not all: but for 4·0.85^16
}

/// F(u) = ‖u − c‖²/d + const pulls outwards on a small sphere: T5.
TEST(Audit, ASmallSpherePullsOutwards) {
  TrainingDescription t = training(std::make_shared<Affine<double>>(1, 1));
  t.target = std::make_shared<Uniform>(4.0, 5.0, 1);
  t.parameters = Eigen::Vector2d(0.1, 0.1);
  t.practice.scheme = "npsgd";
  t.practice.projection = "whole";
  t.practice.radius = 0.5;
  t.practice.noise = 1.0;
  const Audit a = audited(t);
  EXPECT_LT(a.spheres.front().least, 0.0);
  EXPECT_GT(a.spheres.front().multiplier, 0.0);
}

std::vector<std::string> flags_of(const TrainingDescription& t) {
  std::vector<std::string> names;
  for (const AuditFlag& flag : audited(t).flags) names.push_back(flag.name);
  return names;
}

TEST(Audit, FlagsOfThePractice) {
  TrainingDescription clean = training(std::make_shared<Affine<double>>(1, 1));
  EXPECT_EQ(flags_of(clean), std::vector<std::string>{});
  const auto flagged = [&](const std::function<void(TrainingDescription&)>& change) {
    TrainingDescription t = clean;
    change(t);
    return flags_of(t);
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(flagged([](auto& t) { t.practice.momentum = 0.9; }), Names{"momentum"});
  EXPECT_EQ(flagged([](auto& t) { t.practice.scheme = "adam"; }), Names{"Adam"});
  EXPECT_EQ(flagged([](auto& t) { t.practice.schedule = "plateau"; }), Names{"plateau schedule"});
  EXPECT_EQ(flagged([](auto& t) { t.practice.schedule = "cosine"; }), Names{"cosine schedule"});
  EXPECT_EQ(flagged([](auto& t) { t.practice.fresh_directions = false; }), Names{"reused directions"});
  TrainingDescription plane = training(mlp({4}, Activation::relu));
  plane.practice.fresh_directions = false;
  const std::string effect = audited(plane).flags.at(0).effect;
  EXPECT_NE(effect.find("no finite number of directions tells all clouds apart"), std::string::npos) << effect;
  EXPECT_EQ(effect.find("fewer than"), std::string::npos) << effect;
  EXPECT_EQ(flagged([](auto& t) { t.practice.directions = 8; }), Names{"several directions a step"});
  EXPECT_EQ(flagged([](auto& t) { t.practice.sampling = "cycling"; }), Names{"no shuffling"});
  EXPECT_EQ(flagged([](auto& t) { t.practice.sampling = "shuffled"; }), Names{"shuffled epochs"});
  EXPECT_EQ(flagged([](auto& t) { t.source = Gaussian::standard(1); }), Names{"unbounded source"});
  const auto npsgd = [](TrainingDescription& t) {
    t.practice.scheme = "npsgd";
    t.practice.projection = "whole";
    t.practice.radius = 100.0;
    t.practice.noise = 1.0;
  };
  EXPECT_EQ(flagged(npsgd), Names{});
  EXPECT_EQ(flagged([&](auto& t) { npsgd(t), t.practice.noise = 0.0; }), Names{"no noise in NPSGD"});
  EXPECT_EQ(flagged([&](auto& t) { npsgd(t), t.practice.noise_scale = "sqrt-alpha"; }), Names{"noise of order √α"});
  EXPECT_EQ(flagged([&](auto& t) { npsgd(t), t.practice.projection = "tensors"; }), Names{"per-tensor projection"});
  EXPECT_EQ(flagged([&](auto& t) { npsgd(t), t.practice.radius = 0.01; }), Names{"start outside the ball"});
  // A network that starts at 0 starts on the kinks of all its units.
  EXPECT_EQ(flagged([](auto& t) {
              t = training(mlp({4}, Activation::relu));
              Eigen::VectorXd u = t.generator->initial({1, Purpose::initial, 0, 0});
              u.head(12).setZero();
              t.parameters = u;
            }),
            Names{"start on a kink"});
  EXPECT_EQ(flagged([](auto& t) { t = training(mlp({4}, Activation::relu)); }), Names{});
}

TEST(Audit, TheSameForAnyNumberOfThreads) {
  const auto lines = [](int threads) {
    const ScopedThreads scope(threads);
    const Audit a = audited(training(mlp({8, 8}, Activation::relu)));
    std::vector<std::string> out{a.answer};
    for (const AuditedAssumption& one : a.assumptions) out.push_back(one.evidence);
    for (const AuditConstant& one : a.constants) out.push_back(fmt::format("{} {}", one.name, one.value));
    for (const AuditZoom& zoom : a.zooms) out.push_back(fmt::format("{}", fmt::join(zoom.second, " ")));
    return out;
  };
  EXPECT_EQ(lines(1), lines(3));
}

TEST(Audit, RefusesWhatMakesNoSense) {
  TrainingDescription t = training(std::make_shared<Affine<double>>(1, 1));
  EXPECT_THROW(audited(t, {.radius = -1.0}), InputError);
  EXPECT_THROW(audited(t, {.points = 1}), InputError);
  t.parameters = Eigen::VectorXd::Zero(3);
  EXPECT_THROW(audited(t), InputError);
}

}  // namespace
}  // namespace slicecheck
