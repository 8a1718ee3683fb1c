/// What experiment `plane-gan` shows: tables, figures, facts, and which sentences of report 002 hold.

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <optional>

#include "plane_gan.h"
#include "slicecheck/statistics/confidence.h"
#include "summary.h"

namespace slicecheck::gan_plane {

namespace {

/// Differences by replicate: both began at the same u0 and v0 and saw the same samples.
std::vector<double> paired(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> out(a.size());
  std::transform(a.begin(), a.end(), b.begin(), out.begin(), std::minus<>());
  return out;
}

double mean_value(const std::vector<double>& values) { return mean_with_t_interval(values, 0.95).mean; }

std::string interval_text(const std::vector<double>& values, const char* format) {
  const MeanEstimate estimate = mean_with_t_interval(values, 0.95);
  const std::string number = fmt::format(fmt::runtime(format), estimate.mean);
  if (values.size() < 2) return number + " (one replicate: no interval)";
  return fmt::format("{} [{}, {}]", number, fmt::format(fmt::runtime(format), estimate.interval.low),
                     fmt::format(fmt::runtime(format), estimate.interval.high));
}

/// "more", "less", or that the interval of the differences contains 0.
std::string direction(const std::vector<double>& differences, const std::string& above, const std::string& below) {
  if (differences.size() < 2) return "undecided (one replicate)";
  // Counts may differ by the same number in every replicate; an interval without width would be no interval.
  if (std::all_of(differences.begin(), differences.end(), [&](double difference) { return difference == differences.front(); }))
    return differences.front() == 0.0 ? "equal in every replicate" : "the same difference in every replicate: no interval";
  const MeanEstimate estimate = mean_with_t_interval(differences, 0.95);
  if (estimate.interval.low > 0.0) return above;
  if (estimate.interval.high < 0.0) return below;
  return "not told apart (the interval contains 0)";
}

bool wide(const Group& group) { return group.loss.ends_with(", wide box"); }

std::vector<const Group*> of_optimiser(const std::vector<Group>& groups, const std::string& optimiser) {
  std::vector<const Group*> out;
  for (const Group& group : groups)
    if (group.optimiser == optimiser) out.push_back(&group);
  return out;
}

std::vector<std::string> optimisers_of(const std::vector<Group>& groups) {
  std::vector<std::string> out;
  for (const Group& group : groups)
    if (std::find(out.begin(), out.end(), group.optimiser) == out.end()) out.push_back(group.optimiser);
  return out;
}

/// One sentence for each sliced loss of an optimiser: its value minus the GAN's, paired.
Json comparison(const std::vector<Group>& groups, const std::string& question, const std::string& quantity,
                const std::function<std::vector<double>(const Group&)>& measure, const char* format, const std::string& above, const std::string& below,
                const std::string& closing, std::vector<std::string> evidence) {
  std::size_t more = 0;
  std::size_t less = 0;
  std::size_t all = 0;
  for (const std::string& optimiser : optimisers_of(groups)) {
    const auto mine = of_optimiser(groups, optimiser);
    const auto gan = std::find_if(mine.begin(), mine.end(), [](const Group* group) { return group->loss == "GAN (BCE)"; });
    if (gan == mine.end()) continue;
    for (const Group* group : mine) {
      if (group->adversarial || wide(*group)) continue;
      const auto differences = paired(measure(*group), measure(**gan));
      const std::string said = direction(differences, above, below);
      more += said == above ? 1U : 0U;
      less += said == below ? 1U : 0U;
      ++all;
      evidence.push_back(fmt::format("{}, {}: {} minus the GAN's: {}: {}.", group->optimiser, group->loss, quantity, interval_text(differences, format), said));
    }
  }
  const std::string sentence =
      all == 0
          ? "Not measured: the GAN or every sliced loss was left out."
          : fmt::format("Of {} pairings of a sliced loss with the GAN, {} {}, {} {}, and {} are not decided (95 % each, not corrected for their number). {}",
                        all, more, above, less, below, all - more - less, closing);
  return advice_entry(question, sentence, evidence);
}

/// "SGD: share of points near a centre: GAN (BCE) 0.95, …; the target itself 0.69".
std::vector<std::string> qualities(const Results& results, const std::vector<Group>& groups) {
  std::vector<std::string> out;
  for (const std::string& optimiser : optimisers_of(groups)) {
    std::vector<std::string> words;
    for (const Group* group : of_optimiser(groups, optimiser))
      words.push_back(fmt::format("{} {:.2f}", group->loss, mean_value(finals(results, *group, kHighQuality))));
    out.push_back(
        fmt::format("{}: share of points near a centre: {}; the target itself {:.2f}.", optimiser, fmt::join(words, ", "), results.floor.high_quality));
  }
  return out;
}

/// W₂ at the first evaluation after the start.
std::vector<double> early(const Results& results, const Group& group) {
  std::vector<double> out;
  for (const std::size_t member : group.members) out.push_back(results.records[member].evaluations[1].values[kExactW2]);
  return out;
}

Json advice(const Results& results, const std::vector<Group>& groups) {
  Json out = Json::array();
  const std::string floor = fmt::format("Two samples of the target are {:.3f} apart.", results.floor.w2);
  out.push_back(comparison(
      groups, "Does a sliced loss cover the modes better, as report 002 says?", "modes covered at the end",
      [&](const Group& group) { return finals(results, group, kModes); }, "{:+.1f}", "cover more modes", "cover fewer modes",
      "Coverage says nothing alone: points between the modes cover them too (claim G5), so the shares near a centre stand beside it.",
      qualities(results, groups)));
  out.push_back(comparison(groups, "Does it collapse less, as report 002 says?", "W₂ at the end minus the best W₂ of the run,",
                           [&](const Group& group) { return setbacks(results, group); }, "{:+.3f}", "fall back further", "fall back less", "", {}));
  out.push_back(comparison(groups, "Does it end nearer to the target?", "final W₂", [&](const Group& group) { return finals(results, group, kExactW2); },
                           "{:+.3f}", "end further away", "end nearer", floor, {}));
  std::vector<std::string> boxes;
  for (const Group& other : groups) {
    if (!wide(other)) continue;
    const auto same = std::find_if(groups.begin(), groups.end(),
                                   [&](const Group& group) { return group.loss + ", wide box" == other.loss && group.optimiser == other.optimiser; });
    if (same == groups.end()) continue;
    const auto differences = paired(finals(results, other, kExactW2), finals(results, *same, kExactW2));
    boxes.push_back(fmt::format("{}, {}: final W₂ in the wide box minus that in the tight one: {}: {}.", other.optimiser, same->loss,
                                interval_text(differences, "{:+.3f}"), direction(differences, "worse in the wide box", "better in the wide box")));
  }
  if (!boxes.empty())
    out.push_back(advice_entry(
        "How much does the generator's sigmoid output help?",
        fmt::format("The report's output box has modes in its corners, where the sigmoid saturates; in a box wider by a fifth {} of {} losses end "
                    "further from the target, told at 95 %.",
                    std::count_if(boxes.begin(), boxes.end(), [](const std::string& text) { return text.ends_with("worse in the wide box."); }), boxes.size()),
        boxes));
  std::vector<std::string> evidence;
  std::size_t faster = 0;
  std::size_t slower = 0;
  std::size_t all = 0;
  for (const Group& adam : groups) {
    if (adam.optimiser != "Adam") continue;
    const auto sgd = std::find_if(groups.begin(), groups.end(), [&](const Group& group) { return group.optimiser == "SGD" && group.loss == adam.loss; });
    if (sgd == groups.end()) continue;
    const auto differences = paired(early(results, adam), early(results, *sgd));
    const std::string said = direction(differences, "further away with Adam", "nearer with Adam");
    faster += said == "nearer with Adam" ? 1U : 0U;
    slower += said == "further away with Adam" ? 1U : 0U;
    ++all;
    evidence.push_back(fmt::format("{}: W₂, Adam minus SGD: {}: {}.", adam.loss, interval_text(differences, "{:+.3f}"), said));
  }
  if (all > 0)
    out.push_back(advice_entry(
        "Is Adam faster than SGD, as report 002 says?",
        fmt::format("After the first {} steps at these step sizes {} of {} losses are nearer to the target with Adam, {} further away, the others not "
                    "decided (95 % each, not corrected for their number).",
                    results.records.front().evaluations[1].step, faster, all, slower),
        evidence));
  return out;
}

Json curves(const std::vector<Group>& groups, const std::string& id, const std::string& title, const std::string& caption, const std::string& y,
            const std::string& label, bool log_y, const std::optional<double>& floor) {
  Json panels = Json::array();
  for (const std::string& optimiser : optimisers_of(groups)) {
    Json series = Json::array();
    for (const Group* group : of_optimiser(groups, optimiser))
      series.push_back({{"label", group->loss},
                        {"y", y},
                        {"low", y + "_low"},
                        {"high", y + "_high"},
                        {"where", {{"loss", group->loss}, {"optimiser", optimiser}}},
                        {"style", "line"}});
    Json panel{{"title", optimiser}, {"series", std::move(series)}};
    if (floor) panel["lines"] = {{{"y", *floor}, {"legend", "two samples of the target"}}};
    panels.push_back(std::move(panel));
  }
  return {{"kind", "curves"},  {"id", id},         {"title", title}, {"caption", caption}, {"file", "means.csv"},        {"x", "step"},
          {"x_label", "step"}, {"y_label", label}, {"log_x", false}, {"log_y", log_y},     {"panels", std::move(panels)}};
}

Json saturation(const std::vector<Group>& groups) {
  Json panels = Json::array();
  for (const std::string& optimiser : optimisers_of(groups)) {
    Json series = Json::array();
    for (const Group* group : of_optimiser(groups, optimiser))
      if (group->adversarial || group->loss.ends_with("on features"))
        series.push_back({{"label", group->loss},
                          {"y", "slope_generated"},
                          {"where", {{"loss", group->loss}, {"optimiser", optimiser}, {"replicate", "0"}}},
                          {"style", "line"}});
    if (!series.empty()) panels.push_back({{"title", optimiser}, {"series", std::move(series)}});
  }
  return {{"kind", "curves"},
          {"id", "saturation"},
          {"title", "Is the critic saturated?"},
          {"caption",
           "Mean σ(s)(1 − σ(s)) of the critic's scores s of generated points, replicate 0; 1/4 where it cannot tell, towards 0 where σ is flat and "
           "gradients through it vanish."},
          {"file", "trajectory.csv"},
          {"x", "step"},
          {"x_label", "step"},
          {"y_label", "mean σ(1 − σ)"},
          {"log_x", false},
          {"log_y", true},
          {"panels", std::move(panels)}};
}

Json densities(const std::vector<Group>& groups, const std::string& optimiser, Index count) {
  Json panels = Json::array();
  const auto add = [&](const std::string& title, const std::string& loss, const std::string& of) {
    panels.push_back({{"title", title},
                      {"density", {{"file", "densities.csv"}, {"x", "x"}, {"y", "y"}, {"value", "density"}, {"where", {{"loss", loss}, {"optimiser", of}}}}}});
  };
  add("target", "target", "target");
  for (const Group* group : of_optimiser(groups, optimiser)) add(group->loss, group->loss, optimiser);
  return {{"kind", "phase"},
          {"id", "densities-" + std::string(optimiser == "SGD" ? "sgd" : "adam")},
          {"title", fmt::format("Densities after training with {}", optimiser)},
          {"caption", fmt::format("Report 002, Figure {}: {} fresh points of replicate 0 each, as a histogram. Same u₀, v₀ and samples in every panel.",
                                  optimiser == "SGD" ? "2.1" : "2.2", count)},
          {"x_label", "x₁"},
          {"y_label", "x₂"},
          {"columns", 3},
          {"density_label", "density"},
          {"panels", std::move(panels)}};
}

}  // namespace

Json summarise(const Results& results, const ExperimentContext& context) {
  const Settings& s = context.settings;
  const auto groups = groups_of(results);
  const auto& parts = results.entries.front().arm.parts;
  const std::size_t replicates = groups.front().members.size();
  Json summary;
  summary["title"] = "GAN against sliced losses in the plane";
  summary["description"] =
      "Report 002, section 2.1: a generator of six modes trained against a critic (GAN), with sliced losses on the critic's features, and with sliced losses "
      "on "
      "the samples themselves; by SGD and by Adam. Here every training of a replicate has the same networks, the same u₀ and v₀, the same inputs, targets and "
      "directions in the same order, and, within an optimiser, the same step size for both players (WGAN-GP has its own).";
  summary["advice"] = advice(results, groups);
  summary["facts"] = {
      fmt::format("Generator {}, {} parameters; critic {}, {}. {} steps on batches of {}, {} directions; {} replicates.", parts.generator->name(),
                  parts.generator->parameters(), parts.critic->name(), parts.critic->parameters(), s.integer("steps"), s.integer("batch"),
                  s.integer("directions"), replicates),
      fmt::format("Hash of u₀ and v₀, equal for all {} trainings of a replicate: {}.", results.entries.size() / replicates, fmt::join(results.hashes, "; ")),
      fmt::format("Two independent samples of {} points of the target itself: W₂ {:.3f}, {:.1f} modes, {:.0f} % near a centre (means over the replicates).",
                  s.integer("points"), results.floor.w2, results.floor.modes, 100.0 * results.floor.high_quality),
      "A sample counts for its nearest centre within 0.03; a mode is covered with 1/18 of all points (a third of its share). Two centres are 0.07 apart. A "
      "generator "
      "that spreads its mass covers modes without points near them: read the share near a centre and W₂ beside it (claim G5)."};
  summary["departures"] = {
      departure("loss", "SW₂² in the text; SW₁ (mean absolute gap) in the code", "SW₂² (claims L, N, T)", "both, by their names (claim G2)"),
      departure("target of the loss", "features of a critic that is trained meanwhile", "a fixed target law",
                "features, and the samples themselves, side by side"),
      departure("hyperparameters", "said to be equal", "a comparison changes one thing",
                "equal: the hash of u₀ and v₀ is compared (G6), batches and directions are functions of seed, replicate and step"),
      departure("output", "sigmoid, onto a box with modes in its corners", "a bounded T (A4)",
                "the same, and a box that is wider by a fifth beside it (…, wide box)"),
      departure("features", "second linear map, before its LeakyReLU", "–", "after it: the layer that the score is linear in"),
      departure("initial values", "Glorot, biases 0", "absolutely continuous law (T1)", "generator Glorot, critic He; small normal biases"),
      departure("support", "Gaussian inputs and a Gaussian mixture: not bounded", "bounded (A3)", "as in the report"),
      departure("optimiser", "SGD and Adam", "SGD with constant steps (T1); nothing is known of Adam here", "both"),
  };
  const std::string intervals = fmt::format("Intervals: 95 % t-intervals over {} replicates, wide for so few.", replicates);
  summary["tables"] = {
      {{"id", "final"},
       {"title", "After training"},
       {"caption", fmt::format("Modes covered, share of points within 0.03 of their nearest centre, exact W₂ between {} generated and {} fresh points: each "
                               "replicate, then the mean. Setback: W₂ at the end minus the smallest at any evaluation of the run, which is 0 for a "
                               "training that was never better. {}",
                               s.integer("points"), s.integer("points"), intervals)},
       {"file", "final.csv"},
       {"columns",
        {column("loss", "loss", "s"), column("optimiser", "optimiser", "s"), column("modes_each", "modes", "s"), column("hq_each", "near a centre", "s"),
         column("W2_each", "W₂", "s"), column("hq", "near, mean", ".2f", "hq_low", "hq_high"), column("W2", "W₂, mean", ".3f", "W2_low", "W2_high"),
         column("best_W2", "best W₂", ".3f"), column("setback", "setback", ".3f", "setback_low", "setback_high")}}}};
  const std::string range = "Means over the replicates; the band is from the smallest to the largest.";
  Json figures = Json::array();
  figures.push_back(curves(groups, "w2", "Exact W₂ over the steps",
                           range + " The dashed line is mostly the unequal "
                                   "numbers of points that two samples of six modes have; a generator whose points are spread evenly can lie below it.",
                           "W2", "W₂", false, results.floor.w2));
  figures.push_back(
      curves(groups, "quality", "Points near a centre", range + " Share within 0.03 of the nearest centre.", "hq", "share", false, results.floor.high_quality));
  figures.push_back(curves(groups, "modes", "Modes covered", range + " Never to be read alone.", "modes", "modes (of 6)", false, std::nullopt));
  for (const std::string& optimiser : optimisers_of(groups)) figures.push_back(densities(groups, optimiser, s.integer("density_points")));
  if (Json figure = saturation(groups); !figure["panels"].empty()) figures.push_back(std::move(figure));
  summary["figures"] = std::move(figures);
  return summary;
}

}  // namespace slicecheck::gan_plane
