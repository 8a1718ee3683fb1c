/// Figures of experiment `mnist-transport`.

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "mnist_transport.h"

namespace slicecheck::transport_mnist {

namespace {

constexpr std::size_t kShownMoments = 4;  // grids of one training side by side

Json panel_of_grid(const std::string& title, const std::string& file, Index side) { return {{"title", title}, {"file", file}, {"grid", {side, side}}}; }

std::vector<Group> of_pictures(const Results& results, const Pictures& pictures) {
  std::vector<Group> out;
  for (const Group& group : results.groups())
    if (results.entry(group).pictures->name == pictures.name) out.push_back(group);
  return out;
}

std::string suffix(const Pictures& pictures) { return pictures.colour ? "-cifar10" : ""; }

Json grids_at_the_end(const Results& results, const Pictures& pictures, Index side) {
  Json panels = Json::array();
  panels.push_back(panel_of_grid(pictures.name, pictures.colour ? "real-cifar10.idx" : "real-mnist.idx", side));
  for (const Group& group : of_pictures(results, pictures)) {
    if (results.diverged(group)) continue;
    const std::size_t member = group.front();
    panels.push_back(
        panel_of_grid(results.entry(group).name, grid_file(results.entries[member].arm.id, results.records[member].evaluations.back().step), side));
  }
  return {{"kind", "images"},
          {"id", "grids-final" + suffix(pictures)},
          {"title", fmt::format("{}: images after training", pictures.name)},
          {"caption", fmt::format("Replicate 0, the same inputs in every panel but the first, not chosen; the same generator, u₀, step size and steps.{}",
                                  pictures.colour ? " Colour is shown as luma." : "")},
          {"columns", 4},
          {"panels", std::move(panels)}};
}

Json grids_in_time(const Results& results, const Pictures& pictures, Index side) {
  Json panels = Json::array();
  std::size_t columns = 1;
  for (const Group& group : of_pictures(results, pictures)) {
    if (results.diverged(group)) continue;
    const std::size_t member = group.front();
    const auto& evaluations = results.records[member].evaluations;
    columns = std::min(kShownMoments, evaluations.size() - 1);
    for (std::size_t i = 1; i <= columns; ++i) {
      const std::uint64_t step = evaluations[i * (evaluations.size() - 1) / columns].step;
      panels.push_back(panel_of_grid(fmt::format("{}, {}", results.entry(group).name, step), grid_file(results.entries[member].arm.id, step), side));
    }
  }
  return {{"kind", "images"},
          {"id", "grids" + suffix(pictures)},
          {"title", fmt::format("{}: images over the steps", pictures.name)},
          {"caption", "Replicate 0. The same inputs in every panel; titles: training, step."},
          {"columns", columns},
          {"panels", std::move(panels)}};
}

struct Plot {
  std::string id, title, caption, y, label;
  bool log_y = false;
  bool band = true;
  std::optional<double> line{};
  std::string legend{};
};

/// One panel for each space that the cost is taken on; trainings without a cost stand in all.
Json plot(const Results& results, const Pictures& pictures, const Plot& what, const std::function<bool(const Entry&)>& chosen) {
  Json panels = Json::array();
  for (const bool encoded : {false, true}) {
    Json series = Json::array();
    bool any = false;
    for (const Group& group : of_pictures(results, pictures)) {
      const Entry& entry = results.entry(group);
      if (!chosen(entry) || (!entry.wgan && entry.encoded != encoded)) continue;
      any = any || !entry.wgan;
      Json one{{"label", entry.name}, {"y", what.y}, {"style", "line"}, {"where", {{"images", pictures.name}, {"name", entry.name}}}};
      if (what.band) {
        one["low"] = what.y + "_low";
        one["high"] = what.y + "_high";
      }
      series.push_back(std::move(one));
    }
    if (!any) continue;
    Json panel{{"title", encoded ? "cost on encoded images" : "cost on pixels"}, {"series", std::move(series)}};
    if (what.line) panel["lines"] = {{{"y", *what.line}, {"legend", what.legend}}};
    panels.push_back(std::move(panel));
  }
  return {{"kind", "curves"},
          {"id", what.id + suffix(pictures)},
          {"title", fmt::format("{}: {}", pictures.name, what.title)},
          {"caption", what.caption},
          {"file", "quality.csv"},
          {"x", "step"},
          {"x_label", "step"},
          {"log_x", false},
          {"y_label", what.label},
          {"log_y", what.log_y},
          {"panels", std::move(panels)}};
}

/// A panel for each training with networks: R7's bound and the error.
Json bound_and_error(const Results& results, const Pictures& pictures) {
  Json panels = Json::array();
  for (const Group& group : of_pictures(results, pictures)) {
    const Entry& entry = results.entry(group);
    if (entry.wgan || entry.sweeps) continue;
    const Json where{{"images", pictures.name}, {"name", entry.name}};
    panels.push_back({{"title", entry.name},
                      {"series",
                       {{{"label", "bound (R7)"}, {"y", "bound"}, {"style", "line"}, {"where", where}},
                        {{"label", "error"}, {"y", "error"}, {"style", "line"}, {"where", where}}}}});
  }
  return {{"kind", "curves"},
          {"id", "gradient-error" + suffix(pictures)},
          {"title", fmt::format("{}: what the networks' ε costs the gradient", pictures.name)},
          {"caption",
           "Error of the plan gradient in the generated points (as the cost sees them), against the solver's plan on the same minibatch, and the bound "
           "that ε allows: medians over minibatches."},
          {"file", "quality.csv"},
          {"x", "step"},
          {"x_label", "step"},
          {"log_x", false},
          {"y_label", "error of the gradient"},
          {"log_y", true},
          {"panels", std::move(panels)}};
}

}  // namespace

Json figures(const Results& results, const ExperimentContext& context) {
  const Index side = context.settings.integer("figure_side");
  Json out = Json::array();
  const std::string range = "Means over the replicates, band from the smallest to the largest.";
  const auto all = [](const Entry&) { return true; };
  const auto networks = [](const Entry& entry) { return !entry.wgan && !entry.sweeps; };
  for (const auto& pictures : results.pictures) {
    out.push_back(grids_at_the_end(results, *pictures, side));
    out.push_back(plot(results, *pictures,
                       {"frechet", "Fréchet distance in the classifier's features", range + " The line: two samples of real images.", "frechet",
                        "Fréchet distance", true, true, pictures->real_frechet, "training images"},
                       all));
    out.push_back(plot(results, *pictures,
                       {"score", "classifier score", range + " From 1 to 10.", "score", "classifier score", false, true, pictures->real_score, "test images"},
                       all));
    out.push_back(
        plot(results, *pictures,
             {"epsilon", "how far the networks' potentials are from optimal",
              "ε/λ, ε = d − D on a minibatch of its own, certified by the solver. Median over minibatches, band from quartile to quartile. √(2ε/λ) bounds "
              "the ℓ₁ distance of the plans.",
              "epsilon", "ε/λ", true, true, std::nullopt, ""},
             networks));
    out.push_back(bound_and_error(results, *pictures));
    out.push_back(plot(results, *pictures,
                       {"relative", "relative error of the gradient", "Error of the plan gradient over the size of the solver's, medians over minibatches.",
                        "relative", "relative error", false, false, std::nullopt, ""},
                       networks));
    Json in_time = grids_in_time(results, *pictures, side);
    if (!in_time["panels"].empty()) out.push_back(std::move(in_time));  // all diverged
  }
  return out;
}

}  // namespace slicecheck::transport_mnist
