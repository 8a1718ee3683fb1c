/// Recorded two-player trainings: rows, evaluations, the same bits after an interruption, damaged and foreign checkpoints.

#include "slicecheck/dynamics/two_player_run.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "slicecheck/core/error.h"
#include "slicecheck/generators/box_generator.h"
#include "slicecheck/generators/dense_critic.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

TwoPlayerParts<double> parts_of(GeneratorObjective::Kind kind) {
  TwoPlayerParts<double> parts;
  parts.generator = std::make_shared<BoxGenerator<double>>(3, std::vector<Index>{4}, 3, -1.0, 1.0);
  parts.critic = std::make_shared<DenseCritic<double>>(3, std::vector<Index>{5}, CriticActivation::leaky_relu, true);
  parts.sampler = std::make_shared<FreshBatches<double>>(std::shared_ptr<const Law>(Gaussian::standard(3)), std::make_shared<Uniform>(-1.0, 1.0, 3),
                                                         SamplerSettings{8, 1, 5, 2});
  parts.generator_objective.kind = kind;
  parts.generator_objective.on_features = kind == GeneratorObjective::Kind::max_sliced;
  parts.generator_scheme = std::make_shared<Adam<double>>(0.5, 0.999);
  parts.critic_scheme = std::make_shared<Sgd<double>>();
  parts.generator_step_size = 0.01;
  parts.critic_steps = 2;
  parts.seed = 5;
  parts.replicate = 2;
  return parts;
}

TwoPlayerRunSettings<double> settings_of(std::uint64_t steps) {
  TwoPlayerRunSettings<double> settings;
  settings.steps = steps;
  settings.record_every = 4;
  settings.evaluate_every = 5;
  settings.evaluate = [](const TwoPlayerState<double>& state) { return std::vector<double>{state.generator.u.norm(), state.critic.u.sum()}; };
  settings.fingerprint = "this one";
  return settings;
}

void expect_equal(const TwoPlayerRecord<double>& a, const TwoPlayerRecord<double>& b) {
  EXPECT_EQ(a.state.generator.u, b.state.generator.u);
  EXPECT_EQ(a.state.critic.u, b.state.critic.u);
  EXPECT_EQ(a.state.statistics, b.state.statistics);
  EXPECT_EQ(a.state.direction, b.state.direction);
  EXPECT_EQ(a.state.generator.memory, b.state.generator.memory);
  ASSERT_EQ(a.rows.size(), b.rows.size());
  for (std::size_t i = 0; i < a.rows.size(); ++i) {
    EXPECT_EQ(a.rows[i].step, b.rows[i].step);
    EXPECT_EQ(a.rows[i].generator_loss, b.rows[i].generator_loss);
    EXPECT_EQ(a.rows[i].critic_gradient, b.rows[i].critic_gradient);
    EXPECT_EQ(a.rows[i].slope_generated, b.rows[i].slope_generated);
  }
  ASSERT_EQ(a.evaluations.size(), b.evaluations.size());
  for (std::size_t i = 0; i < a.evaluations.size(); ++i) EXPECT_EQ(a.evaluations[i].values, b.evaluations[i].values);
}

TEST(TwoPlayerRun, an_interrupted_run_goes_on_to_the_same_bits) {
  for (const auto kind : {GeneratorObjective::Kind::bce, GeneratorObjective::Kind::max_sliced}) {
    const TwoPlayerParts<double> parts = parts_of(kind);
    SilentProgress progress;
    const auto whole = run_two_player(TwoPlayer<double>(), parts, settings_of(18), "run", progress);
    const TemporaryFolder folder;
    TwoPlayerRunSettings<double> first = settings_of(18);
    first.checkpoint = folder / "checkpoint.cbor";
    first.checkpoint_seconds = 0.0;  // after every step
    first.evaluate = [&, inner = first.evaluate](const TwoPlayerState<double>& state) {
      if (state.generator.step == 10) throw std::runtime_error("cut off");
      return inner(state);
    };
    EXPECT_THROW(run_two_player(TwoPlayer<double>(), parts, first, "run", progress), std::runtime_error);
    TwoPlayerRunSettings<double> second = settings_of(18);
    second.checkpoint = folder / "checkpoint.cbor";
    second.resume = true;
    expect_equal(run_two_player(TwoPlayer<double>(), parts, second, "run", progress), whole);
    EXPECT_EQ(whole.rows.size(), 5U);  // 4, 8, 12, 16, 18
    EXPECT_EQ(whole.rows.back().step, 18U);
    EXPECT_EQ(whole.evaluations.size(), 5U);  // 0, 5, 10, 15, 18
    if (kind == GeneratorObjective::Kind::max_sliced) {
      EXPECT_EQ(whole.state.direction.size(), 5);
    }
  }
}

TEST(TwoPlayerRun, rows_are_means_over_the_steps_between_them) {
  const TwoPlayerParts<double> parts = parts_of(GeneratorObjective::Kind::sliced);
  SilentProgress progress;
  TwoPlayerRunSettings<double> settings = settings_of(8);
  const auto four = run_two_player(TwoPlayer<double>(), parts, settings, "run", progress);
  settings.record_every = 1;
  const auto each = run_two_player(TwoPlayer<double>(), parts, settings, "run", progress);
  ASSERT_EQ(each.rows.size(), 8U);
  double sum = 0.0;
  for (std::size_t i = 4; i < 8; ++i) sum += each.rows[i].generator_loss;
  EXPECT_EQ(four.rows.back().generator_loss, sum / 4.0);
  EXPECT_EQ(four.rows.back().u_norm, each.rows.back().u_norm);
}

/// Remembers which batches were asked for.
class NotedBatches final : public Sampler<double> {
 public:
  explicit NotedBatches(std::shared_ptr<const Sampler<double>> inner) : inner_(std::move(inner)) {}
  [[nodiscard]] std::string name() const override { return inner_->name(); }
  [[nodiscard]] Batch<double> draw(std::uint64_t t) const override {
    asked_.push_back(t);
    return inner_->draw(t);
  }
  [[nodiscard]] const std::vector<std::uint64_t>& asked() const { return asked_; }

 private:
  std::shared_ptr<const Sampler<double>> inner_;
  mutable std::vector<std::uint64_t> asked_;
};

TEST(TwoPlayerRun, the_generator_sees_batch_t_whatever_the_critic_sees) {
  constexpr std::uint64_t kFurther = std::uint64_t{1} << 39;
  for (const Index updates : {Index{1}, Index{3}}) {
    TwoPlayerParts<double> parts = parts_of(GeneratorObjective::Kind::bce);
    const auto noted = std::make_shared<NotedBatches>(parts.sampler);
    parts.sampler = noted;
    parts.critic_steps = updates;
    TwoPlayerState<double> state = TwoPlayer<double>().start(parts);
    for (int step = 0; step < 2; ++step) advance(TwoPlayer<double>(), parts, state);
    if (updates == 1) {
      EXPECT_EQ(noted->asked(), (std::vector<std::uint64_t>{0, 1}));
    } else {
      EXPECT_EQ(noted->asked(), (std::vector<std::uint64_t>{kFurther, kFurther + 1, 0, kFurther + 2, kFurther + 3, 1}));
    }
  }
}

TEST(TwoPlayerRun, foreign_and_damaged_checkpoints_are_refused) {
  const TwoPlayerParts<double> parts = parts_of(GeneratorObjective::Kind::sliced);
  SilentProgress progress;
  const TemporaryFolder folder;
  TwoPlayerRunSettings<double> settings = settings_of(3);
  settings.checkpoint = folder / "checkpoint.cbor";
  run_two_player(TwoPlayer<double>(), parts, settings, "run", progress);
  settings.resume = true;
  settings.fingerprint = "another";
  EXPECT_THROW(run_two_player(TwoPlayer<double>(), parts, settings, "run", progress), InputError);
  settings.fingerprint = "this one";
  EXPECT_NO_THROW(run_two_player(TwoPlayer<double>(), parts, settings, "run", progress));
  {
    std::fstream file(folder / "checkpoint.cbor", std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(std::filesystem::file_size(folder / "checkpoint.cbor") / 2));
    file.put('\x5a');
    file.put('\x5b');
  }
  EXPECT_THROW(run_two_player(TwoPlayer<double>(), parts, settings, "run", progress), InputError);
  EXPECT_THROW(run_two_player(TwoPlayer<double>(), parts, settings_of(0), "run", progress), InputError);
}

}  // namespace
}  // namespace slicecheck::testing
