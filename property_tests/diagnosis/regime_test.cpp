/// The regime of trainings whose answer is known: T(u, x) = b + A·x at x = 0 onto two points m ± 1 with batches of one, so that b⁺ = (1 − 2α)b + 2αy.

#include "slicecheck/diagnosis/regime.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <stdexcept>
#include <string>

#include "slicecheck/core/error.h"
#include "slicecheck/core/parallel.h"
#include "slicecheck/diagnosis/regime_judgement.h"
#include "slicecheck/diagnosis/sampled_gradient.h"
#include "slicecheck/generators/closed_form.h"
#include "slicecheck/loss/cpu_loss.h"
#include "slicecheck/loss/reference_loss.h"
#include "support/process.h"

namespace slicecheck {
namespace {

std::shared_ptr<const Law> atoms(std::initializer_list<double> values) {
  Points<double> points(static_cast<Index>(values.size()), 1);
  Index k = 0;
  for (const double value : values) points(k++, 0) = value;
  return std::make_shared<FiniteLaw>("atoms", points);
}

RegimeProblem<double> line_to(double mean, double start) {
  RegimeProblem<double> problem;
  problem.generator = std::make_shared<Affine<double>>(1, 1);
  problem.loss = std::make_shared<ReferenceLoss>();
  problem.source = atoms({0.0});
  problem.target = atoms({mean - 1.0, mean + 1.0});
  problem.u0 = Eigen::Vector2d(0.3, start);
  return problem;
}

RegimeSettings small_settings(double alpha, std::uint64_t steps) {
  RegimeSettings settings;
  settings.step_size = alpha;
  settings.steps = steps;
  settings.batch = 1;
  settings.looks = 8;
  settings.residual_batches = 16;
  settings.objective_batches = 4;
  settings.objective_directions = 1;
  settings.seed = 7;
  return settings;
}

RegimeMeasurements measured(const RegimeProblem<double>& problem, const RegimeSettings& settings, const RegimeFiles& files = {}) {
  SilentProgress progress;
  return measure_regime<double>(problem, settings, files, progress);
}

Regime regime_of(const RegimeProblem<double>& problem, const RegimeSettings& settings) { return judge_regime(measured(problem, settings), 0.25, 0.95).regime; }

TEST(PathMoments, EqualTheDefinitionOnExplicitVectors) {
  constexpr Index kLevels = 3;
  constexpr Index kReplicates = 4;
  constexpr Index kRuns = kLevels * kReplicates;
  Points<double> moved(kRuns, 5);
  const RandomStream stream(3, Purpose::cases, 0, 0);
  PointDraws draws(stream, 0);
  for (Index k = 0; k < moved.size(); ++k) moved.data()[k] = draws.normal();
  const Eigen::MatrixXd gram = moved * moved.transpose();
  for (Index left_out = -1; left_out < kRuns; ++left_out) {
    const PathMoments moments = path_moments(gram_sums(gram, kLevels, kReplicates), left_out);
    for (Index level = 0; level < kLevels; ++level) {
      std::vector<Eigen::RowVectorXd> members;
      for (Index i = level * kReplicates; i < (level + 1) * kReplicates; ++i)
        if (i != left_out) members.emplace_back(moved.row(i));
      Eigen::RowVectorXd mean = Eigen::RowVectorXd::Zero(5);
      for (const auto& member : members) mean += member / static_cast<double>(members.size());
      double variance = 0.0;
      for (const auto& member : members) variance += (member - mean).squaredNorm() / static_cast<double>(members.size() - 1);
      const auto j = static_cast<std::size_t>(level);
      EXPECT_NEAR(moments.spread[j], variance, 1e-12);
      EXPECT_NEAR(moments.drift[j], mean.squaredNorm() - variance / static_cast<double>(members.size()), 1e-12);
    }
  }
  EXPECT_THROW(gram_sums(gram, 2, kReplicates), InputError);
  EXPECT_THROW(path_moments(gram_sums(gram.topLeftCorner(3, 3), 3, 1)), InputError);
}

// Var b_t = 4α²(1 − q^{2t})/(1 − q²), E b_t = m + q^t(b_0 − m), q = 1 − 2α: known exactly. The drift, spread and difference at the end are unbiased; with 200
// replicates they lie within seven of their standard errors but for ~10⁻¹¹ each (normal) and some orders more for the t-law: below 10⁻⁶ together.
TEST(RegimeStatistics, AgreeWithTheExactLawOfTheLine) {
  RegimeSettings settings = small_settings(1.0 / 16.0, 16);
  settings.replicates = 200;
  settings.looks = 1;
  const RegimeStatistics s = regime_statistics(measured(line_to(0.0, 3.0), settings), 0.95);
  std::vector<double> means;
  for (Index level = 0; level < 3; ++level) {
    const double alpha = std::ldexp(settings.step_size, -static_cast<int>(level));
    const double q = 1.0 - 2.0 * alpha;
    const double t = std::ldexp(16.0, static_cast<int>(level));
    const double variance = 4.0 * alpha * alpha * (1.0 - std::pow(q, 2.0 * t)) / (1.0 - q * q);
    const auto j = static_cast<std::size_t>(level);
    means.push_back(3.0 * std::pow(q, t));
    EXPECT_NEAR(s.drift[j].value, 3.0 - means.back(), 7.0 * s.drift[j].standard_error);
    EXPECT_NEAR(s.spread[j].value, std::sqrt(variance), 7.0 * s.spread[j].standard_error);
    EXPECT_LT(s.spread[j].standard_error, 0.1 * std::sqrt(variance)) << "a check that could not fail";
  }
  // Distances of means are near 0 beside the noise: their squares are compared.
  for (std::size_t j = 0; j < 2; ++j) {
    const double truth = std::pow(means[j] - means[j + 1], 2);
    const double scale = (s.spread[j].value * s.spread[j].value + s.spread[j + 1].value * s.spread[j + 1].value) / 200.0;
    EXPECT_NEAR(s.looks.back().difference[j], truth, 7.0 * (2.0 * std::sqrt(truth * scale) + 2.0 * scale));
  }
  EXPECT_NEAR(s.spread_slope.value, 0.5, 7.0 * s.spread_slope.standard_error + 0.05);  // 0.05: q^{2t} and q² differ between the levels
  EXPECT_EQ(s.horizon, 1.0);
  EXPECT_EQ(s.path_distance_tail, 0.5);
}

TEST(RegimeStatistics, MeasureTheGradientAndItsNoise) {
  const RegimeProblem<double> problem = line_to(1.0, 4.0);  // ∇F = (0, 2(4 − 1)), E‖φ − ∇F‖² = 4
  constexpr Index kBatches = 4000;
  const SampledGradient g = sample_gradient<double>(*problem.generator, *problem.loss, *problem.source, *problem.target, problem.u0, {1, kBatches, 1, 1, 0, 1});
  // ‖ḡ‖² − noise/B has the standard deviation 2·6·2/√B up to order 1/B.
  EXPECT_NEAR(g.estimate(0.0).squared_norm, 36.0, 7.0 * 24.0 / std::sqrt(static_cast<double>(kBatches)));
  EXPECT_NEAR(g.variance(), 4.0, 0.1);  // y² = 1 for both targets: the sample variance is 4 up to the error of the mean, (2·7/√B)²
  const double norm = problem.u0.norm();
  EXPECT_NEAR(g.estimate(0.0).outward, -6.0 * 4.0 / norm, 7.0 * 2.0 / std::sqrt(static_cast<double>(kBatches)));
  // Descent pulls inwards here: the ball holds nothing. At −u it would pull outwards.
  EXPECT_EQ(g.estimate(norm).residual, g.estimate(norm).squared_norm);
  const RegimeProblem<double> outwards = line_to(9.0, 4.0);
  const SampledGradient pulled =
      sample_gradient<double>(*outwards.generator, *outwards.loss, *outwards.source, *outwards.target, outwards.u0, {1, kBatches, 1, 1, 0, 1});
  const double radial = 10.0 * 4.0 / norm;
  EXPECT_NEAR(pulled.estimate(norm).residual, 100.0 - radial * radial, 3.0);
  EXPECT_EQ(pulled.estimate(2.0 * norm).residual, pulled.estimate(2.0 * norm).squared_norm);  // inside
}

TEST(RegimeStatistics, GradientsAreUnbiasedForFewBatches) {
  const RegimeProblem<double> problem = line_to(1.0, 1.0);  // ∇F = 0; ⟨g_1, g_2⟩ = ±4
  constexpr std::uint64_t kSlots = 2000;
  double mean = 0.0;
  for (std::uint64_t slot = 1; slot <= kSlots; ++slot)
    mean += sample_gradient<double>(*problem.generator, *problem.loss, *problem.source, *problem.target, problem.u0, {1, 2, 1, 1, 0, slot})
                .estimate(0.0)
                .squared_norm /
            static_cast<double>(kSlots);
  EXPECT_NEAR(mean, 0.0, 7.0 * 4.0 / std::sqrt(static_cast<double>(kSlots)));  // ‖ḡ‖² would have the mean 2
}

// One step at α and two at α/2 from the critical point: if they saw the same batches their displacements would correlate by √½.
TEST(RegimeStatistics, LevelsDrawIndependently) {
  RegimeSettings settings = small_settings(0.01, 1);
  settings.replicates = 200;
  settings.looks = 1;
  const Eigen::MatrixXd gram = measured(line_to(0.0, 0.0), settings).grams.back();
  const double across = gram.block(0, 200, 200, 200).trace();
  const double own = std::sqrt(gram.topLeftCorner(200, 200).trace() * gram.block(200, 200, 200, 200).trace());
  EXPECT_LT(std::abs(across / own), 7.0 / std::sqrt(200.0));
  EXPECT_LT(7.0 / std::sqrt(200.0), std::sqrt(0.5)) << "a check that could not fail";
}

TEST(RegimeStatistics, TheHorizonIsTheTimeOfTheRun) {
  const RegimeStatistics s = regime_statistics(measured(line_to(0.0, 3.0), small_settings(1.0 / 16.0, 40)), 0.95);
  EXPECT_EQ(s.horizon, 2.5);
  EXPECT_EQ(s.path_distance_tail, 0.25);
  EXPECT_EQ(s.path_distance.replicates[0].size(), 4u);
  EXPECT_EQ(s.path_distance.halved[1].size(), 8u);
  const RegimeStatistics brief = regime_statistics(measured(line_to(0.0, 3.0), small_settings(1.0 / 16.0, 8)), 0.95);
  EXPECT_EQ(brief.path_distance_tail, 1.0);
  EXPECT_TRUE(brief.path_distance.replicates[0].empty());
}

TEST(Regime, SmallStepsFollowTheFlow) {
  const RegimeJudgement judged = judge_regime(measured(line_to(0.0, 5.0), small_settings(1.0 / 128.0, 128)), 0.25, 0.95);
  EXPECT_EQ(judged.regime, Regime::flow) << judged.answer;
  EXPECT_LT(judged.statistics->error.value, 0.1);
}

TEST(Regime, AStepThatOvershootsIsTooLarge) {
  EXPECT_EQ(regime_of(line_to(0.0, 50.0), small_settings(0.9, 8)), Regime::step_too_large);  // q = −0.8
  const RegimeJudgement judged = judge_regime(measured(line_to(0.0, 50.0), small_settings(0.9, 8)), 0.25, 0.95);
  ASSERT_TRUE(judged.suggested_step_size.has_value());
  EXPECT_LE(*judged.suggested_step_size, 0.45);
  // At α = 0.9 itself nothing follows the laws of small steps; what is suggested comes from smaller ones, is not far too small, and does.
  EXPECT_GT(*judged.suggested_step_size, 0.02);
  const double steps = std::ceil(7.2 / *judged.suggested_step_size);
  EXPECT_EQ(regime_of(line_to(0.0, 50.0), small_settings(*judged.suggested_step_size, static_cast<std::uint64_t>(steps))), Regime::flow);
}

// q = 0.4 where the flow has e^{−0.6} = 0.55: no noise is amplified, and there is little of it.
TEST(Regime, AStepThatIsOnlyCoarseIsTooLarge) {
  const RegimeJudgement judged = judge_regime(measured(line_to(0.0, 50.0), small_settings(0.3, 8)), 0.05, 0.95);
  EXPECT_EQ(judged.regime, Regime::step_too_large) << judged.answer;
  EXPECT_LT(judged.statistics->spread_slope.interval.low, 0.75);
  EXPECT_GT(judged.statistics->step.value, judged.statistics->noise.value);
}

TEST(Regime, AStepThatDivergesIsTooLarge) {
  const RegimeMeasurements m = measured(line_to(0.0, 5.0), small_settings(2.0, 1200));  // q = −3, and −1 at half of it
  const RegimeJudgement judged = judge_regime(m, 0.25, 0.95);
  EXPECT_EQ(judged.regime, Regime::step_too_large);
  EXPECT_FALSE(judged.statistics.has_value());
  EXPECT_EQ(judged.suggested_step_size, 1.0);  // the largest at which no run failed: |b| grows by 2 a step at most there
  EXPECT_THROW(regime_statistics(m, 0.95), InputError);
}

// q = −1.6: finite for these few steps, and far away at the end. The jackknife of such paths reaches down to 0.
TEST(Regime, AStepThatClimbsIsTooLarge) {
  for (const double alpha : {1.3, 1.6, 2.0}) {
    const RegimeJudgement judged = judge_regime(measured(line_to(0.0, 1.0), small_settings(alpha, 40)), 0.25, 0.95);
    EXPECT_EQ(judged.regime, Regime::step_too_large) << judged.answer;
    EXPECT_NE(judged.answer.find("climbs"), std::string::npos) << judged.answer;
  }
  // At α = 0.65 and below |q| < 1: that is what is suggested.
  for (const double alpha : {1.3, 2.6})
    EXPECT_EQ(judge_regime(measured(line_to(0.0, 1.0), small_settings(alpha, 40)), 0.25, 0.95).suggested_step_size, 0.65) << alpha;
}

TEST(Regime, WithoutNoiseNothingNeedsToFall) {
  RegimeProblem<double> problem = line_to(0.0, 5.0);
  problem.target = atoms({1.0});
  for (const double alpha : {1.0 / 64.0, 1.0 / 128.0, 1.0 / 256.0}) {
    const RegimeJudgement judged = judge_regime(measured(problem, small_settings(alpha, 64)), 0.25, 0.95);
    EXPECT_EQ(judged.regime, Regime::flow) << judged.answer;
    for (const std::string& reason : judged.reasons) EXPECT_EQ(reason.find("nan"), std::string::npos) << reason;
  }
}

TEST(Regime, WhereNothingMovesThatIsSaid) {
  RegimeProblem<double> problem = line_to(0.0, 1.0);
  problem.target = atoms({1.0});
  const RegimeJudgement judged = judge_regime(measured(problem, small_settings(1.0 / 64.0, 16)), 0.25, 0.95);
  EXPECT_EQ(judged.regime, Regime::undecided);
  EXPECT_NE(judged.answer.find("nothing moves"), std::string::npos) << judged.answer;
  for (const std::string& reason : judged.reasons) EXPECT_EQ(reason.find("nan"), std::string::npos) << reason;
}

// The estimate of the squared step is negative half of the time where there is little of it; its uncertainty must stay.
TEST(Regime, TheErrorIsNoSurerThanTheStep) {
  int flows = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    RegimeSettings settings = small_settings(1.0 / 32.0, 64);
    settings.replicates = 4;
    settings.seed = seed;
    const RegimeJudgement judged = judge_regime(measured(line_to(0.0, 1.6), settings), 0.25, 0.95);
    if (judged.regime != Regime::flow) continue;
    ++flows;
    EXPECT_LE(judged.statistics->step.interval.high, 1.1 * 0.25) << "seed " << seed << ": " << judged.answer;
  }
  EXPECT_GT(flows, 3);
}

TEST(Regime, AStartWithoutAGradientIsRefused) {
  RegimeProblem<double> problem = line_to(0.0, 1e200);
  EXPECT_THROW(measured(problem, small_settings(0.1, 8)), InputError);
  try {
    (void)measured(problem, small_settings(0.1, 8));
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find("at u0"), std::string::npos) << error.what();
  }
}

TEST(Regime, NoiseHidesASmallDrift) {
  EXPECT_EQ(regime_of(line_to(0.0, 0.02), small_settings(1.0 / 16.0, 64)), Regime::noise_dominated);
  RegimeSettings settings = small_settings(1.0 / 8.0, 64);
  settings.replicates = 32;
  EXPECT_EQ(regime_of(line_to(0.0, 0.5), settings), Regime::noise_dominated);  // a drift that is seen
}

TEST(Regime, ABallHoldsIt) {
  RegimeSettings settings = small_settings(1.0 / 64.0, 256);
  settings.radius = 1.0;
  settings.noise = 0.01;
  const RegimeJudgement judged = judge_regime(measured(line_to(6.0, 0.1), settings), 0.25, 0.95);
  EXPECT_EQ(judged.regime, Regime::stuck_on_the_ball) << judged.answer;
  ASSERT_TRUE(judged.suggested_radius.has_value());
  EXPECT_GT(*judged.suggested_radius, 6.0);  // the critical point of F lies inside
  // From a start outside of the ball: F and the norm are those of u0 as given. F = (b − 6)² + 1.
  const RegimeJudgement outside = judge_regime(measured(line_to(6.0, -3.0), settings), 0.25, 0.95);
  ASSERT_TRUE(outside.suggested_radius.has_value()) << outside.answer;
  EXPECT_NEAR(*outside.suggested_radius, std::hypot(3.0, 0.3) + std::sqrt(4.0 * 82.0), 1.5);  // 32 draws of values 64 and 100
  settings.radius = 20.0;
  EXPECT_NE(regime_of(line_to(6.0, 0.1), settings), Regime::stuck_on_the_ball);
}

// Noise throws it on the sphere at every step, and descent pulls inwards: nothing holds it there.
TEST(Regime, NoiseOnTheSphereIsNotStuck) {
  RegimeSettings settings = small_settings(1.0 / 8.0, 64);
  settings.radius = 0.1;  // a step moves b by a quarter
  settings.noise = 0.01;
  const RegimeMeasurements m = measured(line_to(0.0, 0.1), settings);
  const RegimeJudgement judged = judge_regime(m, 0.25, 0.95);
  ASSERT_GT(judged.statistics->on_sphere[0].interval.low, 0.5);
  EXPECT_NE(judged.regime, Regime::stuck_on_the_ball) << judged.answer;
}

TEST(Regime, FewReplicatesDoNotDecideACloseCase) {
  RegimeSettings settings = small_settings(1.0 / 16.0, 32);
  settings.replicates = 3;
  const RegimeProblem<double> problem = line_to(0.0, 1.6);
  const RegimeJudgement judged = judge_regime(measured(problem, settings), 0.2, 0.95);
  ASSERT_TRUE(judged.statistics.has_value());
  const double error = judged.statistics->error.value;
  EXPECT_EQ(judge_regime(measured(problem, settings), error, 0.95).regime, Regime::undecided);  // a tolerance inside the interval
}

TEST(Regime, TiesAtTheStartAreCountedAsHarmful) {
  RegimeProblem<double> problem;
  problem.generator = std::make_shared<TwoPointLine<double>>();
  problem.loss = std::make_shared<ReferenceLoss>();
  problem.source = FiniteLaw::two_points();
  problem.target = FiniteLaw::two_points();
  problem.u0 = Eigen::VectorXd::Zero(1);  // T(u, 1) = T(u, −1) = 0: every pair is tied there, and nowhere else
  RegimeSettings settings = small_settings(1.0 / 64.0, 64);
  settings.batch = 8;
  const RegimeMeasurements at_tie = measured(problem, settings);
  EXPECT_GE(at_tie.met.harmful_ties, 23u);  // at the start of all 24 runs, but where a batch of 8 has one input or one target: 2⁻⁶; the seed is fixed
  problem.u0[0] = 0.7;
  const RegimeMeasurements away = measured(problem, settings);
  EXPECT_EQ(away.met.harmful_ties, 0u);
  EXPECT_GT(away.met.with_ties, 0u);  // equal inputs
  EXPECT_EQ(away.met.unjudged_ties, 0u);
  problem.u0[0] = 0.0;
  problem.target = atoms({2.0});  // ties whose targets are equal do no harm
  EXPECT_EQ(measured(problem, settings).met.harmful_ties, 0u);
}

/// T(u, x) = u: every image is tied with every other, and all have one derivative.
class Constant final : public Generator<double> {
 public:
  [[nodiscard]] std::string name() const override { return "constant"; }
  [[nodiscard]] Index parameters() const override { return 1; }
  [[nodiscard]] Index input_dimension() const override { return 1; }
  [[nodiscard]] Index output_dimension() const override { return 1; }
  [[nodiscard]] Vector<double> initial(const RandomStream&) const override { return Vector<double>::Zero(1); }
  [[nodiscard]] std::unique_ptr<Linearisation<double>> linearise(VectorView<double> u, PointsView<double> x) const override {
    return std::make_unique<Line>(u[0], x.rows());
  }

 private:
  class Line final : public Linearisation<double> {
   public:
    Line(double u, Index rows) : images_(Points<double>::Constant(rows, 1, u)) {}
    [[nodiscard]] const Points<double>& images() const override { return images_; }
    [[nodiscard]] Vector<double> pullback(PointsView<double> cotangent) const override { return Vector<double>::Constant(1, cotangent.sum()); }

   private:
    Points<double> images_;
  };
};

TEST(Regime, TiesOfEqualDerivativesAreHarmless) {
  RegimeProblem<double> problem;
  problem.generator = std::make_shared<Constant>();
  problem.loss = std::make_shared<ReferenceLoss>();
  problem.source = std::make_shared<Uniform>(-1.0, 1.0, 1);
  problem.target = std::make_shared<Uniform>(-1.0, 1.0, 1);
  problem.u0 = Eigen::VectorXd::Constant(1, 0.5);
  RegimeSettings settings = small_settings(1.0 / 64.0, 16);
  settings.batch = 4;
  const NonsmoothCounts met = measured(problem, settings).met;
  EXPECT_EQ(met.with_ties, met.steps);
  EXPECT_EQ(met.harmful_ties, 0u);
}

void expect_equal_bits(const RegimeMeasurements& a, const RegimeMeasurements& b) {
  ASSERT_EQ(a.grams.size(), b.grams.size());
  for (std::size_t look = 0; look < a.grams.size(); ++look) EXPECT_EQ(a.grams[look], b.grams[look]);
  EXPECT_EQ(a.loss.bottomRows(a.loss.rows() - 1), b.loss.bottomRows(b.loss.rows() - 1));
  EXPECT_EQ(a.on_sphere.bottomRows(a.loss.rows() - 1), b.on_sphere.bottomRows(b.loss.rows() - 1));
  EXPECT_EQ(a.norm, b.norm);
  EXPECT_EQ(a.start_noise, b.start_noise);
  EXPECT_EQ(a.met.with_ties, b.met.with_ties);
  EXPECT_EQ(a.met.sides_changed, b.met.sides_changed);
  for (std::size_t i = 0; i < a.runs.size(); ++i) {
    EXPECT_EQ(a.runs[i].gradient.residual, b.runs[i].gradient.residual);
    EXPECT_EQ(a.runs[i].phi_squares, b.runs[i].phi_squares);
    EXPECT_EQ(a.runs[i].objective, b.runs[i].objective);
  }
}

RegimeProblem<double> network() {
  RegimeProblem<double> problem;
  const auto mlp = std::make_shared<DenseMlp<double>>(2, std::vector<Index>{8}, 2, Activation::relu);
  problem.generator = mlp;
  problem.network = mlp;
  problem.loss = std::make_shared<CpuLoss<double>>(2.0);
  problem.source = Gaussian::standard(2);
  problem.target = law_by_name("two-moons");
  problem.u0 = mlp->initial({5, Purpose::initial, 0, 0});
  return problem;
}

TEST(Regime, EqualBitsForAnyNumberOfThreads) {
  RegimeSettings settings = small_settings(0.05, 24);
  settings.batch = 16;
  settings.radius = 5.0;
  settings.noise = 0.1;
  const int before = thread_count();
  set_thread_count(1);
  const RegimeMeasurements one = measured(network(), settings);
  set_thread_count(3);
  const RegimeMeasurements three = measured(network(), settings);
  set_thread_count(before);
  expect_equal_bits(one, three);
  EXPECT_GT(one.met.sides_changed, 0.0);
}

/// Ends the work at an update of the progress.
class Interrupting final : public Progress {
 public:
  explicit Interrupting(int updates) : left_(updates) {}
  void update(std::string_view, double) override {
    if (--left_ == 0) throw std::runtime_error("interrupted");
  }

 private:
  int left_;
};

TEST(Regime, ContinuesToTheSameBits) {
  RegimeSettings settings = small_settings(0.05, 24);
  settings.batch = 16;
  const RegimeProblem<double> problem = network();
  const RegimeMeasurements whole = measured(problem, settings);
  RegimeFiles files;
  const testing::TemporaryFolder folder;
  files.checkpoint = folder / "checkpoint";
  files.fingerprint = "these settings";
  files.seconds = 0.0;
  files.resume = true;
  for (const int updates : {3, 2, 4}) {
    Interrupting progress(updates);
    EXPECT_THROW(measure_regime<double>(problem, settings, files, progress), std::runtime_error);
    EXPECT_TRUE(std::filesystem::exists(files.checkpoint));
  }
  expect_equal_bits(whole, measured(problem, settings, files));
  files.fingerprint = "other settings";
  EXPECT_THROW(measured(problem, settings, files), InputError);
}

TEST(Regime, RefusesSettingsThatMakeNoSense) {
  const RegimeProblem<double> problem = line_to(0.0, 1.0);
  const auto refused = [&](auto change) {
    RegimeSettings settings = small_settings(0.1, 8);
    change(settings);
    EXPECT_THROW(measured(problem, settings), InputError);
  };
  refused([](RegimeSettings& s) { s.step_size = 0.0; });
  refused([](RegimeSettings& s) { s.levels = 2; });
  refused([](RegimeSettings& s) { s.replicates = 2; });
  refused([](RegimeSettings& s) { s.looks = 9; });
  refused([](RegimeSettings& s) { s.noise = 0.1; });
  RegimeProblem<double> other = problem;
  other.u0 = Eigen::VectorXd::Zero(3);
  EXPECT_THROW(measured(other, small_settings(0.1, 8)), InputError);
  EXPECT_THROW(judge_regime(measured(problem, small_settings(0.1, 8)), 1.0, 0.95), InputError);
}

}  // namespace
}  // namespace slicecheck
