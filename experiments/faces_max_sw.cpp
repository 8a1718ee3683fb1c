/// Experiment `faces-max-sw`: SW against max-SW on a folder of images (report 002, section 2.3).

#include "faces_max_sw.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "experiments.h"
#include "slicecheck/core/error.h"
#include "slicecheck/generators/box_generator.h"
#include "slicecheck/generators/dense_critic.h"
#include "slicecheck/measures/image_folder.h"
#include "summary.h"

namespace slicecheck::faces {

namespace {

double positive(const Settings& s, const std::string& key) {
  const double value = s.number(key);
  if (!std::isfinite(value) || !(value > 0.0)) reject("settings: {} is {}; it must be finite and positive", key, value);
  return value;
}

/// 2^k for each k of a setting, falling.
std::vector<double> powers(const Settings& s, const std::string& key) {
  std::vector<Index> exponents = s.integers(key);
  std::sort(exponents.rbegin(), exponents.rend());
  if (std::adjacent_find(exponents.begin(), exponents.end()) != exponents.end()) reject("settings: {} names a number twice", key);
  if (exponents.empty() || exponents.back() < -40 || exponents.front() > 40) reject("settings: {} needs whole numbers from -40 to 40", key);
  std::vector<double> out;
  for (const Index k : exponents) out.push_back(std::ldexp(1.0, static_cast<int>(k)));
  return out;
}

/// `data:NAME` leads into the folder of the data sets.
std::filesystem::path images_folder(const ExperimentContext& context) {
  constexpr std::string_view kData = "data:";
  const std::string name = context.settings.word("folder");
  return name.starts_with(kData) ? context.data / name.substr(kData.size()) : std::filesystem::path(name);
}

Loss loss_by_name(const std::string& name, Index directions) {
  Loss loss;
  loss.id = name;
  loss.objective.directions = directions;
  loss.objective.on_features = name.ends_with("-features");
  const std::string kind = loss.objective.on_features ? name.substr(0, name.size() - std::string_view("-features").size()) : name;
  if (kind != "sw" && kind != "max-sw") reject("settings: unknown loss '{}'; expected sw, max-sw, sw-features or max-sw-features", name);
  loss.objective.kind = kind == "sw" ? GeneratorObjective::Kind::sliced : GeneratorObjective::Kind::max_sliced;
  loss.critic.kind = loss.objective.on_features ? CriticObjective::Kind::bce : CriticObjective::Kind::none;
  return loss;
}

std::vector<std::uint64_t> looks_of(std::uint64_t steps, Index count) {
  std::vector<std::uint64_t> out;
  for (Index k = 0; k <= count; ++k) {
    const std::uint64_t step = steps * static_cast<std::uint64_t>(k) / static_cast<std::uint64_t>(count);
    if (out.empty() || out.back() != step) out.push_back(step);
  }
  return out;
}

std::vector<Arm> arms_of(const Design& design, const Settings& s) {
  std::vector<Arm> arms;
  std::vector<double> radii{0.0};
  for (const double radius : powers(s, "radius_exponents")) radii.push_back(radius);
  for (std::size_t loss = 0; loss < design.losses.size(); ++loss) {
    for (const double share : powers(s, "share_exponents"))
      for (const double radius : radii) arms.push_back({loss, false, share, radius, share * design.losses[loss].unit});
    arms.push_back({loss, true, 0.0, 0.0, positive(s, "adam_step_size")});
  }
  return arms;
}

Design design_of(const ExperimentContext& context, IdxImages images) {
  const Settings& s = context.settings;
  if (images.count < 2) reject("settings: the folder {} has {} images; the yardsticks need two halves", s.word("folder"), images.count);
  Design d;
  d.folder = s.word("folder");
  d.count = images.count;
  d.height = images.height;
  d.width = images.width;
  d.colour = s.truth("colour");
  d.images = std::make_shared<ImageLaw>(d.folder, std::move(images));
  const Index inputs = s.integer_at_least("inputs", 1);
  d.source = Gaussian::standard(inputs);
  d.generator = std::make_shared<BoxGenerator<float>>(inputs, s.integers("hidden"), d.images->dimension(), -1.0, 1.0);
  d.critic = std::make_shared<DenseCritic<float>>(d.images->dimension(), s.integers("critic_hidden"), CriticActivation::leaky_relu);
  d.batch = s.integer_at_least("batch", 1);
  d.restarts = s.integer_at_least("restarts", 0);
  d.critic_step_size = positive(s, "critic_step_size");
  const Index steps = s.integer_at_least("steps", 1);
  if (steps >= Index{1} << 24) reject("settings: steps is {}; it must be below 2^24", steps);
  d.steps = static_cast<std::uint64_t>(steps);
  d.looks = looks_of(d.steps, s.integer_at_least("looks", 1));
  d.replicates = s.integer_at_least("replicates", 2);
  d.shown = s.integer_at_least("figure_side", 1) * s.integer_at_least("figure_side", 1);
  d.w2_points = s.integer_at_least("w2_points", 1);
  d.evaluation_directions = s.integer_at_least("evaluation_directions", 1);
  d.margin = positive(s, "margin");
  if (d.margin >= 1.0) reject("settings: margin is {}; it must be below 1", d.margin);
  for (const std::string& name : s.words("losses")) {
    if (std::any_of(d.losses.begin(), d.losses.end(), [&](const Loss& loss) { return loss.id == name; })) reject("settings: losses names '{}' twice", name);
    d.losses.push_back(loss_by_name(name, s.integer_at_least("directions", 1)));
  }
  if (d.losses.empty()) reject("settings: losses is empty; name at least one of sw, max-sw, sw-features, max-sw-features");
  for (Loss& loss : d.losses) measure_unit(d, loss, context.seed);
  d.arms = arms_of(d, s);
  return d;
}

std::vector<Measured> measure(const Design& d, const ExperimentContext& context) {
  const auto arms = static_cast<Index>(d.arms.size());
  const auto first = replicate_table(context, "first", arms, row_width(d, true), [&](Index i, const Eigen::Ref<Eigen::RowVectorXd>& row) {
    train(d, d.arms[static_cast<std::size_t>(i)], context.seed, 0, row);
  });
  const Index others = d.replicates - 1;
  const auto rest = replicate_table(context, "others", arms * others, row_width(d, false), [&](Index i, const Eigen::Ref<Eigen::RowVectorXd>& row) {
    train(d, d.arms[static_cast<std::size_t>(i / others)], context.seed, 1 + i % others, row);
  });
  std::vector<Measured> out;
  const Index curves = row_width(d, false);
  for (Index i = 0; i < arms; ++i) {
    Measured m{d.arms[static_cast<std::size_t>(i)], Points<double>(d.replicates, curves), {}, {}};
    m.rows.row(0) = first.row(i).head(curves);
    m.rows.bottomRows(others) = rest.middleRows(i * others, others);
    if (std::isnan(m.rows(0, kDivergedAt))) {
      m.shown.resize(d.shown, d.images->dimension());
      for (Index k = 0; k < m.shown.size(); ++k) m.shown.data()[k] = static_cast<float>(first(i, curves + k));
    }
    for (Index r = 0; r < d.replicates; ++r) m.hashes.push_back(initial_hash(parts_of(d, m.arm, context.seed, r)));
    out.push_back(std::move(m));
  }
  return out;
}

void run_faces_max_sw(const ExperimentContext& context) {
  const auto folder = images_folder(context);
  if (!std::filesystem::is_directory(folder)) {
    if (context.writes)
      write_not_run(
          context, "Faces: SW against max-SW", "Report 002, section 2.3, on a folder of images.",
          fmt::format(
              "not run: the folder {} is not there. scripts/fetch_data.sh puts 100 small faces into data/faces-lfw-subset, and with --celeba CelebA into "
              "data/celeba; any folder of PNG, JPEG, PPM, PGM or BMP images will do: --set folder=FOLDER --set side=SIDE.",
              folder.string()));
    return;
  }
  const Settings& s = context.settings;
  const Design design = design_of(context, read_image_folder(folder, {s.truth("colour"), s.integer_at_least("side", 0), s.integer_at_least("most", 0)}));
  const auto results = measure(design, context);
  if (context.writes) write_summary(design, results, floor_of(design, context.seed), context);
}

}  // namespace

std::string Arm::optimiser() const {
  if (adam) return "Adam";
  return radius > 0.0 ? fmt::format("SGD, ball of {}", power_text(radius)) : "SGD";
}

std::string Arm::step() const { return adam ? fmt::format("{:.3g}", alpha) : fmt::format("share {}", power_text(share)); }

std::vector<double> Measured::values(Index column) const {
  std::vector<double> out;
  for (Index i = 0; i < rows.rows(); ++i) out.push_back(rows(i, column));
  return out;
}

Index Measured::diverged() const {
  Index count = 0;
  for (Index i = 0; i < rows.rows(); ++i) count += std::isnan(rows(i, kDivergedAt)) ? 0 : 1;
  return count;
}

}  // namespace slicecheck::faces

namespace slicecheck {

Experiment faces_max_sw(std::string quick, std::string full) {
  Experiment out{"faces-max-sw", "SW against max-SW on a folder of images, the gradient's ball swept (report 002, 2.3)", std::move(quick), std::move(full),
                 faces::run_faces_max_sw};
  out.distributed = true;
  return out;
}

}  // namespace slicecheck
