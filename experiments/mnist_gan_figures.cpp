/// Figures of experiment `mnist-gan`.

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "mnist_gan.h"

namespace slicecheck::gan_mnist {

namespace {

constexpr std::size_t kMoments = 5;  // grids of one training side by side

std::vector<std::string> critics_of(const std::vector<Group>& groups) {
  std::vector<std::string> out;
  for (const Group& group : groups)
    if (std::find(out.begin(), out.end(), group.critic) == out.end()) out.push_back(group.critic);
  return out;
}

std::vector<std::string> generators_of(const std::vector<Group>& groups) {
  std::vector<std::string> out;
  for (const Group& group : groups)
    if (std::find(out.begin(), out.end(), group.generator) == out.end()) out.push_back(group.generator);
  return out;
}

std::string with_optimiser(const std::string& text, const Group& group) { return group.optimiser == "Adam" ? text : text + ", " + group.optimiser; }

/// Evaluations spread over the training: the last, and others at equal distances, none at step 0.
std::vector<std::uint64_t> moments(const TwoPlayerRecord<float>& record) {
  const std::size_t count = std::min(kMoments, record.evaluations.size() - 1);
  std::vector<std::uint64_t> steps;
  for (std::size_t i = 1; i <= count; ++i) steps.push_back(record.evaluations[i * (record.evaluations.size() - 1) / count].step);
  return steps;
}

Json grid_panel(const std::string& title, const std::string& file, Index side) { return {{"title", title}, {"file", file}, {"grid", {side, side}}}; }

Json images(const std::string& id, const std::string& title, const std::string& caption, std::size_t columns, Json panels) {
  return {{"kind", "images"}, {"id", id}, {"title", title}, {"caption", caption}, {"columns", columns}, {"panels", std::move(panels)}};
}

/// One row for each critic of this objective, one column for each moment.
Json grids_over_time(const Results& results, const std::vector<Group>& groups, const std::string& generator, std::size_t number, Index side) {
  Json panels = Json::array();
  std::size_t columns = 1;
  for (const Group& group : groups) {
    if (group.generator != generator) continue;
    const std::size_t member = group.members.front();
    const auto steps = moments(results.records[member]);
    columns = steps.size();
    for (const std::uint64_t step : steps)
      panels.push_back(grid_panel(fmt::format("{}, {}", with_optimiser(group.critic, group), step), grid_file(results.entries[member].arm.id, step), side));
  }
  return images(fmt::format("grids-{}", number), fmt::format("{}: images over the steps", generator),
                "Replicate 0. The same inputs in every panel, not chosen; titles: critic, step.", columns, std::move(panels));
}

Json final_grids(const Results& results, const std::vector<Group>& groups, Index side) {
  Json panels = Json::array();
  panels.push_back(grid_panel("MNIST", "real.idx", side));
  for (const Group& group : groups) {
    const std::size_t member = group.members.front();
    panels.push_back(grid_panel(group.name(), grid_file(results.entries[member].arm.id, results.records[member].evaluations.back().step), side));
  }
  return images("grids-final", "Images after training",
                "Replicate 0. The same inputs in every panel but the first, not chosen; the same networks (but for a gradient penalty), u₀, v₀ and order of "
                "the samples.",
                3, std::move(panels));
}

struct Curve {
  std::string id, title, caption, file, y, label;
  bool log_y = false;
  bool ranges = false;  ///< with columns y_low and y_high, and no replicate
  std::optional<double> line;
  std::string legend{};
};

/// One panel for each critic, one curve for each objective of the generator.
Json curves(const std::vector<Group>& groups, const Curve& curve) {
  Json panels = Json::array();
  for (const std::string& critic : critics_of(groups)) {
    Json series = Json::array();
    for (const Group& group : groups) {
      if (group.critic != critic) continue;
      Json one{{"label", with_optimiser(group.generator, group)}, {"y", curve.y}, {"style", "line"}};
      if (curve.ranges) {
        one["where"] = {{"generator", group.generator}, {"critic", critic}, {"optimiser", group.optimiser}};
        one["low"] = curve.y + "_low";
        one["high"] = curve.y + "_high";
      } else {
        one["where"] = {{"loss", fmt::format("{}, {}", group.generator, critic)}, {"optimiser", group.optimiser}, {"replicate", "0"}};
      }
      series.push_back(std::move(one));
    }
    Json panel{{"title", critic}, {"series", std::move(series)}};
    if (curve.line) panel["lines"] = {{{"y", *curve.line}, {"legend", curve.legend}}};
    panels.push_back(std::move(panel));
  }
  return {{"kind", "curves"},  {"id", curve.id}, {"title", curve.title},   {"caption", curve.caption}, {"file", curve.file},         {"x", "step"},
          {"x_label", "step"}, {"log_x", false}, {"y_label", curve.label}, {"log_y", curve.log_y},     {"panels", std::move(panels)}};
}

/// The generator's loss: objectives differ in scale, so each has a panel, with a curve for each critic.
Json generator_losses(const std::vector<Group>& groups) {
  Json panels = Json::array();
  for (const std::string& generator : generators_of(groups)) {
    Json series = Json::array();
    for (const Group& group : groups)
      if (group.generator == generator)
        series.push_back({{"label", with_optimiser(group.critic, group)},
                          {"y", "generator_loss"},
                          {"where", {{"loss", fmt::format("{}, {}", generator, group.critic)}, {"optimiser", group.optimiser}, {"replicate", "0"}}},
                          {"style", "line"}});
    panels.push_back({{"title", generator}, {"series", std::move(series)}});
  }
  return {{"kind", "curves"},
          {"id", "generator-loss"},
          {"title", "The generator's loss"},
          {"caption",
           "Replicate 0, means between rows. Scales differ from panel to panel, and with the features that a critic gives: they are no measure of quality."},
          {"file", "trajectory.csv"},
          {"x", "step"},
          {"x_label", "step"},
          {"y_label", "loss"},
          {"log_x", false},
          {"log_y", false},
          {"panels", std::move(panels)}};
}

}  // namespace

Json figures(const Results& results, const ExperimentContext& context) {
  const auto groups = groups_of(results);
  const Index side = context.settings.integer("figure_side");
  Json out = Json::array();
  out.push_back(final_grids(results, groups, side));
  std::size_t number = 0;
  for (const std::string& generator : generators_of(groups)) out.push_back(grids_over_time(results, groups, generator, ++number, side));
  const std::string saturation =
      "Mean σ(s)(1 − σ(s)), replicate 0: the factor that every gradient through σ(s) carries. 1/4 where the critic cannot tell, towards 0 where σ is flat.";
  out.push_back(curves(groups, {"saturation-generated", "Is the critic saturated on generated images?", saturation, "trajectory.csv", "slope_generated",
                                "mean σ(1 − σ), generated", true, false, std::nullopt}));
  out.push_back(curves(groups, {"saturation-real", "Is the critic saturated on real images?", saturation, "trajectory.csv", "slope_real", "mean σ(1 − σ), real",
                                true, false, std::nullopt}));
  out.push_back(curves(groups, {"gradient", "The generator's gradient",
                                "‖φ‖, replicate 0. Adam divides by its running size: a small one slows SGD, and Adam only "
                                "where it changes or falls to ε.",
                                "trajectory.csv", "generator_gradient", "‖φ‖", true, false, std::nullopt}));
  out.push_back(curves(groups, {"critic-loss", "The critic's loss", "Replicate 0. The least possible: 0 for BCE, −1 for the linear critic on sigmoids.",
                                "trajectory.csv", "critic_loss", "loss", false, false, std::nullopt}));
  out.push_back(generator_losses(groups));
  const std::string range = "Means over the replicates, band from the smallest to the largest.";
  out.push_back(curves(groups, {"frechet", "Fréchet distance in the classifier's features", range + " The line: two samples of real images.", "quality.csv",
                                "frechet", "Fréchet distance", true, true, results.real.frechet, "training images"}));
  out.push_back(curves(
      groups, {"score", "MNIST classifier score", range + " From 1 to 10.", "quality.csv", "score", "score", false, true, results.real.score, "test images"}));
  return out;
}

}  // namespace slicecheck::gan_mnist
