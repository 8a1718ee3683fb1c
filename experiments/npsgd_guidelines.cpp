/// Experiment `npsgd-guidelines`: how large r, which noise, which schedule, how many atoms, how many steps (report 000's open questions).

#include "npsgd_guidelines.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "experiments.h"
#include "slicecheck/core/error.h"

namespace slicecheck::guidelines {

namespace {

constexpr Index kMostSteps = (Index{1} << 24) - 1;  // of a training: numbers from 2^24 on are other evaluations

const std::vector<PlaneTarget>& known_targets() {
  static const std::vector<PlaneTarget> targets{{"N(5, 2)", "normal-5-2", 0.23250}, {"two moons", "two-moons", 0.01142}, {"swiss roll", "swiss-roll", 0.78500}};
  return targets;
}

double positive(const Settings& s, const std::string& key) {
  const double value = s.number(key);
  if (!std::isfinite(value) || !(value > 0.0)) reject("settings: {} is {}; it must be finite and positive", key, value);
  return value;
}

/// 2^k for each k of a setting, ascending.
std::vector<double> powers(const Settings& s, const std::string& key, Index least, Index most) {
  std::vector<Index> exponents = s.integers(key);
  std::sort(exponents.begin(), exponents.end());
  exponents.erase(std::unique(exponents.begin(), exponents.end()), exponents.end());
  if (exponents.size() < 2) reject("settings: {} has {} different exponents; at least 2 are needed", key, exponents.size());
  if (exponents.front() < least || exponents.back() > most)
    reject("settings: {} runs from {} to {}; each must lie between {} and {}", key, exponents.front(), exponents.back(), least, most);
  std::vector<double> out;
  for (const Index k : exponents) out.push_back(std::ldexp(1.0, static_cast<int>(k)));
  return out;
}

/// The targets of a question, as places in Design::targets.
std::vector<std::size_t> targets_of_question(const Design& design, const Settings& s, Question q) {
  std::vector<std::size_t> out;
  const auto names = s.words(question_name(q) + ".targets");
  for (const std::string& law : names) {
    const auto found = std::find_if(design.targets.begin(), design.targets.end(), [&](const PlaneTarget& target) { return target.law == law; });
    if (found == design.targets.end()) reject("settings: {}.targets has '{}'; expected normal-5-2, two-moons or swiss-roll", question_name(q), law);
    out.push_back(static_cast<std::size_t>(found - design.targets.begin()));
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  if (out.empty()) reject("settings: {}.targets is empty; name at least one", question_name(q));
  return out;
}

ScheduleSettings constant_step(double alpha) {
  ScheduleSettings out;
  out.initial = alpha;
  return out;
}

/// The training that every question varies in one setting.
Arm base_arm(const Design& d, std::size_t target) { return {target, "", 0.0, d.radius, d.noise, constant_step(d.step_size), d.source_atoms, d.steps}; }

void add_radii(std::vector<Arm>& arms, const Arm& base, const Settings& s) {
  Arm arm = base;
  arm.label = "plain SGD";
  arm.radius = arm.noise = 0.0;
  arms.push_back(arm);
  for (const double r : powers(s, "radius.exponents", -20, 20)) {
    arm = base;
    arm.label = fmt::format("{:g}", r);
    arm.radius = arm.x = r;
    arms.push_back(arm);
  }
}

void add_noises(std::vector<Arm>& arms, const Arm& base, const Settings& s) {
  Arm arm = base;
  arm.label = fmt::format("{}", 0);
  arm.noise = 0.0;
  arms.push_back(arm);
  for (const double a : powers(s, "noise.exponents", -40, 40)) {
    arm.label = number_label(a);
    arm.noise = arm.x = a;
    arms.push_back(arm);
  }
}

const std::vector<std::string>& schedules() {
  static const std::vector<std::string> all{"constant", "linear", "inverse-time", "cosine"};
  return all;
}

void add_schedules(std::vector<Arm>& arms, const Arm& base, const Settings& s) {
  const double fall = positive(s, "schedule.inverse_time_fall");
  if (!(fall > 1.0)) reject("settings: schedule.inverse_time_fall is {}; it must exceed 1", fall);
  for (const double alpha : powers(s, "schedule.exponents", -30, 10))
    for (const std::string& kind : schedules()) {
      Arm arm = base;
      arm.label = kind;
      arm.x = alpha;
      arm.schedule = constant_step(alpha);
      arm.schedule.kind = kind;
      arm.schedule.steps = base.steps;
      if (kind == "inverse-time")
        arm.schedule.steps = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::llround(static_cast<double>(base.steps) / (fall - 1.0))));
      arms.push_back(arm);
    }
}

void add_atoms(std::vector<Arm>& arms, const Arm& base, const Design& d, const Settings& s) {
  Arm arm = base;
  arm.label = "continuous";
  arm.atoms = 0;
  arms.push_back(arm);
  std::vector<double> counts = powers(s, "atoms.exponents", 0, 16);
  counts.push_back(static_cast<double>(d.source_atoms));
  std::sort(counts.begin(), counts.end());
  counts.erase(std::unique(counts.begin(), counts.end()), counts.end());
  for (const double count : counts) {
    arm.label = fmt::format("{:g}", count);
    arm.x = count;
    arm.atoms = static_cast<Index>(count);
    arms.push_back(arm);
  }
}

void add_step_sizes(std::vector<Arm>& arms, const Arm& base, const Design& d, const Settings& s) {
  for (const double alpha : powers(s, "infinity.exponents", -30, 10)) {
    Arm arm = base;
    arm.label = number_label(alpha);
    arm.x = alpha;
    arm.schedule = constant_step(alpha);
    const double steps = std::round(d.flow_time / alpha);
    if (!(steps >= 2.0 && steps <= static_cast<double>(kMostSteps)))
      reject("settings: infinity.flow_time is {}: {} steps at α = {}; expected 2 to {}", d.flow_time, steps, alpha, kMostSteps);
    arm.steps = static_cast<std::uint64_t>(steps);
    arms.push_back(arm);
  }
}

Results measure(const Design& design, const ExperimentContext& context) {
  Results out;
  for (std::size_t k = 0; k < kQuestions; ++k) {
    const auto q = static_cast<Question>(k);
    const auto arms = arms_of(q, design, context.settings);
    const auto table = static_cast<std::uint32_t>(k + 1);
    const Index width = kHits + static_cast<Index>(design.levels());
    const auto rows = replicate_table(
        context, question_name(q), static_cast<Index>(arms.size()) * design.replicates, width, [&](Index i, const Eigen::Ref<Eigen::RowVectorXd>& row) {
          train(arms[static_cast<std::size_t>(i / design.replicates)], q, design, context.seed, i % design.replicates, stream_replicate(table, i), row);
        });
    for (std::size_t a = 0; a < arms.size(); ++a) out.of[k].push_back({arms[a], rows.middleRows(static_cast<Index>(a) * design.replicates, design.replicates)});
  }
  return out;
}

std::string description(const Design& d) {
  return fmt::format(
      "Report 000 ends with questions that its source leaves open: what is a very large r, which noise a, which schedule, how many atoms, how many steps are "
      "infinity? Here each is a sweep over one setting of u⁺ = π_r(u − αφ + αaε), π_r the projection of the whole vector and u₀ projected too, on the "
      "report's plane targets, with {} ({} parameters), fresh batches of {}, one direction a step, and {} replicates. Unless a question varies it: r = {:g}, "
      "a = {:g}, constant α = {:g}, {} steps, {} atoms in the source, drawn from a standard normal; the target has {} atoms. A replicate is one problem (u₀ "
      "and "
      "atoms), the same in all trainings of its number; batches, directions, noise and evaluations are independent.",
      d.generator->name(), d.generator->parameters(), d.batch, d.replicates, d.radius, d.noise, d.step_size, d.steps, d.source_atoms, d.target_atoms);
}

void run_guidelines(const ExperimentContext& context) {
  const Design design = design_of(context.settings);
  const Results results = measure(design, context);
  if (!context.writes) return;
  write_tables(results, design, context.folder);
  Json sentences = Json::array();
  for (const Advice& one : advice(results, design)) sentences.push_back(advice_entry(one.question, one.sentence, one.evidence));
  const Json summary{
      {"name", context.folder.filename().string()},
      {"title", "Noised projected SGD: how to choose its settings"},
      {"description", description(design)},
      {"profile", context.profile},
      {"seed", context.seed},
      {"advice", std::move(sentences)},
      {"facts", observations(results, design)},
      {"departures",
       {departure("projection", "each tensor onto its own ball, u₀ not projected", "the whole u onto B(0, r), u₀ in it (T4)", "as in the theory"),
        departure("source", "2025 points of a noisy grid", "finitely many atoms (A6)", "atoms drawn from a standard normal"),
        departure("step size", "reduced to 10⁻⁸", "constant; α → 0 only between runs", "constant, but where the schedule is the question"),
        departure("steps", "5000 epochs", "t → ∞ first, then α → 0", fmt::format("{}: the settings are compared at this budget", design.steps))}},
      {"tables", tables_json(design)},
      {"figures", figures_json(results, design)}};
  write_json(context.folder / "summary.json", summary);
}

}  // namespace

std::string question_name(Question q) {
  switch (q) {
    case Question::radius: return "radius";
    case Question::noise: return "noise";
    case Question::schedule: return "schedule";
    case Question::atoms: return "atoms";
    case Question::infinity: return "infinity";
  }
  throw Error("npsgd-guidelines: no such question");
}

std::string Design::level_name(std::size_t level) const {
  if (level < percents.size()) return fmt::format("{} % of F(u₀)", percents[level]);
  return fmt::format("{:g}·F(u_T)", 1.0 + tolerance);
}

std::string number_label(double value) { return value >= 1.0 ? fmt::format("{:g}", value) : power_text(value); }

Design design_of(const Settings& s) {
  Design d;
  d.targets = known_targets();
  d.generator = plane_generator(s);
  d.replicates = s.integer_at_least("replicates", 2);
  d.batch = s.integer_at_least("batch", 1);
  const Index steps = s.integer_at_least("steps", 2);
  if (steps > kMostSteps) reject("settings: steps is {}; it must be at most {}", steps, kMostSteps);
  d.steps = static_cast<std::uint64_t>(steps);
  d.step_size = positive(s, "step_size");
  d.radius = positive(s, "base_radius");
  d.noise = positive(s, "base_noise");
  d.source_atoms = s.integer_at_least("source_atoms", 1);
  d.target_atoms = s.integer_at_least("target_atoms", 1);
  d.margin = positive(s, "margin");
  d.final = {d.batch, s.integer_at_least("evaluation.batches", 2), s.integer_at_least("evaluation.directions", 1), kConfidence};
  d.along = {d.batch, s.integer_at_least("infinity.batches", 2), s.integer_at_least("infinity.directions", 1), kConfidence};
  d.gradient_batches = s.integer_at_least("radius.gradient_batches", 2);
  d.gradient_directions = s.integer_at_least("radius.gradient_directions", 1);
  d.flow_time = positive(s, "infinity.flow_time");
  d.tolerance = positive(s, "infinity.tolerance");
  d.percents = s.integers("infinity.percents");
  std::sort(d.percents.rbegin(), d.percents.rend());
  if (d.percents.empty() || d.percents.front() > 99 || d.percents.back() < 1) reject("settings: infinity.percents needs levels from 1 to 99 per cent of F(u₀)");
  return d;
}

std::vector<Arm> arms_of(Question q, const Design& design, const Settings& settings) {
  std::vector<Arm> arms;
  for (const std::size_t target : targets_of_question(design, settings, q)) {
    const Arm base = base_arm(design, target);
    switch (q) {
      case Question::radius: add_radii(arms, base, settings); break;
      case Question::noise: add_noises(arms, base, settings); break;
      case Question::schedule: add_schedules(arms, base, settings); break;
      case Question::atoms: add_atoms(arms, base, design, settings); break;
      case Question::infinity: add_step_sizes(arms, base, design, settings); break;
    }
  }
  return arms;
}

}  // namespace slicecheck::guidelines

namespace slicecheck {

Experiment npsgd_guidelines(std::string quick, std::string full) {
  Experiment out{"npsgd-guidelines", "Noised projected SGD: radius, noise, schedule, atoms, steps (claims T4, T5)", std::move(quick), std::move(full),
                 guidelines::run_guidelines};
  out.distributed = true;
  return out;
}

}  // namespace slicecheck
