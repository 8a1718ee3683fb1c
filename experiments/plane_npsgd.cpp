/// Experiment `plane-npsgd`: report 000, Table 2 and Figure 2.

#include <fmt/format.h>

#include <cmath>

#include "experiments.h"
#include "plane.h"
#include "slicecheck/gallery/broken_scheme.h"

namespace slicecheck {

namespace {

// What Table 2 was made with.
constexpr double kReportRadius = 10.0;
constexpr double kReportNoise = 1.0;

const std::vector<PlaneTarget>& table_2() {
  static const std::vector<PlaneTarget> targets{{"N(5, 2)", "normal-5-2", 0.23250}, {"two moons", "two-moons", 0.01142}, {"swiss roll", "swiss-roll", 0.78500}};
  return targets;
}

/// The report's settings as its code has them: each tensor projected by itself, u0 not projected, cycling pairs, many directions, plateau.
Arm report_arm(const PlaneTarget& target, std::uint32_t replicate, const ExperimentContext& context) {
  const Settings& s = context.settings;
  Arm arm;
  arm.target = target.title;
  if (s.number("radius") == kReportRadius && s.number("noise") == kReportNoise) arm.report_f = target.report_f;
  arm.variant = "as in the report's code";
  arm.source = law_by_name("noisy-grid");
  arm.target_law = law_by_name(target.law);
  const auto generator = plane_generator(s);
  const auto sampler =
      std::make_shared<CyclingPairs<float>>(*arm.source, *arm.target_law, s.integer_at_least("report.pairs", 1),
                                            SamplerSettings{s.integer("batch"), s.integer_at_least("report.directions", 1), context.seed, replicate});
  arm.epoch = sampler->batches_per_epoch();
  arm.sphere_radius = s.number("radius");
  arm.parts = {generator,
               training_loss(context),
               sampler,
               std::make_shared<PerTensorProjectedSgd<float>>(s.number("radius"), s.number("noise"), generator->tensors()),
               plateau_schedule(s),
               context.seed,
               replicate};
  return arm;
}

/// NPSGD as the theorem has it: finite laws (A6), fresh batches, one direction, constant step, the whole u projected, u0 too.
Arm faithful_arm(const PlaneTarget& target, const std::string& variant, double radius, double noise, std::uint32_t replicate,
                 const ExperimentContext& context) {
  const Settings& s = context.settings;
  Arm arm;
  arm.target = target.title;
  arm.variant = variant;
  if (radius == kReportRadius && noise == kReportNoise) arm.report_f = target.report_f;
  arm.source = law_by_name("noisy-grid");
  const auto bounded = law_by_name("truncated-" + target.law);
  arm.target_law = FiniteLaw::discretised(*bounded, s.integer_at_least("target_atoms", 1), {context.seed, Purpose::law, replicate, 0});
  arm.sphere_radius = radius;
  const auto sampler = std::make_shared<FreshBatches<float>>(arm.source, arm.target_law, SamplerSettings{s.integer("batch"), 1, context.seed, replicate});
  arm.parts = {plane_generator(s),   training_loss(context), sampler,  std::make_shared<NoisedProjectedSgd<float>>(radius, noise),
               constant_schedule(s), context.seed,           replicate};
  return arm;
}

std::vector<std::string> facts(const std::vector<ArmResult>& results, const ExperimentContext& context) {
  const Settings& s = context.settings;
  const auto& first = results.front();
  const double dimension = static_cast<double>(first.arm->parts.generator->parameters());
  const double u0 = initial_norm(*first.arm);
  const double step = s.number("step_size");
  return {
      fmt::format("The network starts at ‖u₀‖ = {:.1f}; r = {} is {:.2f} times that{} Projecting tensor by tensor leaves ‖u‖ free to grow to r·√{} = {:.1f}.",
                  u0, s.number("radius"), s.number("radius") / u0,
                  s.number("radius") < u0 ? ": not \"very large\". NPSGD's first projection scales the whole network down." : ": the ball holds u₀.",
                  first.arm->parts.generator->tensors().size(),
                  s.number("radius") * std::sqrt(static_cast<double>(first.arm->parts.generator->tensors().size()))),
      fmt::format("The noise of one step has norm about α·a·√d_u = {:.3g} for a = {}, and {:.3g} for a = {}; added up over {} steps without drift it would "
                  "move u by {:.3g} and {:.3g}.",
                  step * s.number("noise") * std::sqrt(dimension), s.number("noise"), step * s.number("small_noise") * std::sqrt(dimension),
                  s.number("small_noise"), s.integer("steps"), step * s.number("noise") * std::sqrt(dimension * static_cast<double>(s.integer("steps"))),
                  step * s.number("small_noise") * std::sqrt(dimension * static_cast<double>(s.integer("steps")))),
      "The theorem is about t → ∞ first and α → 0 then; one run at one α can illustrate it, not confirm it.",
  };
}

void run_plane_npsgd(const ExperimentContext& context) {
  const Settings& s = context.settings;
  const auto targets = chosen_targets(s, table_2());
  const EvaluationSettings evaluation = evaluation_settings(s);
  const double radius = s.number("radius");
  const double wide = s.number("large_radius");
  std::vector<Arm> arms;
  for (const PlaneTarget& target : targets) {
    const auto replicate = static_cast<std::uint32_t>(arms.size());
    for (Arm arm :
         {report_arm(target, replicate, context),
          faithful_arm(target, fmt::format("NPSGD, r = {}, a = {}", radius, s.number("noise")), radius, s.number("noise"), replicate, context),
          faithful_arm(target, fmt::format("NPSGD, r = {}, a = {}", wide, s.number("small_noise")), wide, s.number("small_noise"), replicate, context)}) {
      arm.id = slug(arm.target + " " + arm.variant);
      arm.description = fmt::format("{}; {}; {}; {}; {}; {}", arm.parts.generator->name(), arm.source->name(), arm.target_law->name(),
                                    arm.parts.sampler->name(), arm.parts.scheme->name(), arm.parts.schedule->name());
      arms.push_back(std::move(arm));
    }
  }
  const auto results = run_arms(arms, evaluation, context);
  Json summary = write_plane_results(results, evaluation, context);
  summary["title"] = "NPSGD in the plane";
  summary["description"] = fmt::format(
      "Report 000, Table 2 and Figure 2: the network of plane-sgd trained by noised projected SGD from the 2025 points of a noisy grid. Three ways: as the "
      "report's code does it, as the theorem has it with r = {} and a = {}, and as the theorem has it with r = {} and a = {}.",
      radius, s.number("noise"), wide, s.number("small_noise"));
  summary["facts"] = facts(results, context);
  summary["departures"] = {
      departure("projection", "each tensor onto its own ball", "the whole u onto B(0, r) (T4)", "both"),
      departure("u₀", "not projected", "in B(0, r)", "projected for NPSGD"),
      departure("step size", "reduced on plateau, to 10⁻⁸", "constant; α → 0 only between runs", "both"),
      departure("directions a step", "many (the code's default is 100)", "one θ a step", "both"),
      departure("batches", "a fixed set of pairs, in the same order in every epoch", "fresh, independent", "both"),
      departure("target", "continuous", "finitely many atoms (A6)", "discretised for NPSGD"),
      departure("validation", "on the training pairs", "F is an expectation", "F on fresh samples"),
  };
  summary["figures"].push_back(trajectory_figure(results, "norm", "‖u‖ against the ball",
                                                 "The norm of the whole parameter vector. Projecting tensor by tensor does not keep it in B(0, r).", "u_norm",
                                                 "‖u‖", false));
  write_json(context.folder / "summary.json", summary);
}

}  // namespace

Experiment plane_npsgd(std::string quick, std::string full) {
  Experiment out{"plane-npsgd", "NPSGD in the plane (report 000, Table 2, Figure 2)", std::move(quick), std::move(full), run_plane_npsgd};
  out.for_cuda = true;
  return out;
}

}  // namespace slicecheck
