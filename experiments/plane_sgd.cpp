/// Experiment `plane-sgd`: report 000, Table 1 and Figure 1.

#include <fmt/format.h>

#include "experiments.h"
#include "plane.h"

namespace slicecheck {

namespace {

const std::vector<PlaneTarget>& table_1() {
  static const std::vector<PlaneTarget> targets{{"N(5, 2)", "normal-5-2", 0.01252}, {"two moons", "two-moons", 0.00218}, {"swiss roll", "swiss-roll", 0.21308}};
  return targets;
}

Arm report_arm(const PlaneTarget& target, std::uint32_t replicate, const ExperimentContext& context) {
  const Settings& s = context.settings;
  Arm arm;
  arm.target = target.title;
  arm.report_f = target.report_f;
  arm.variant = "as in the report";
  arm.source = law_by_name("standard-normal");
  arm.target_law = law_by_name(target.law);
  const auto sampler =
      std::make_shared<CyclingPairs<float>>(*arm.source, *arm.target_law, s.integer_at_least("report.pairs", 1),
                                            SamplerSettings{s.integer("batch"), s.integer_at_least("report.directions", 1), context.seed, replicate});
  arm.epoch = sampler->batches_per_epoch();
  arm.parts = {plane_generator(s), training_loss(context), sampler, std::make_shared<Sgd<float>>(), plateau_schedule(s), context.seed, replicate};
  return arm;
}

Arm faithful_arm(const PlaneTarget& target, std::uint32_t replicate, const ExperimentContext& context) {
  const Settings& s = context.settings;
  Arm arm;
  arm.target = target.title;
  arm.report_f = target.report_f;
  arm.variant = "Algorithm 1";
  arm.source = law_by_name("truncated-standard-normal");
  arm.target_law = law_by_name("truncated-" + target.law);
  const auto sampler = std::make_shared<FreshBatches<float>>(arm.source, arm.target_law, SamplerSettings{s.integer("batch"), 1, context.seed, replicate});
  arm.parts = {plane_generator(s), training_loss(context), sampler, std::make_shared<Sgd<float>>(), constant_schedule(s), context.seed, replicate};
  return arm;
}

void run_plane_sgd(const ExperimentContext& context) {
  const auto targets = chosen_targets(context.settings, table_1());
  const EvaluationSettings evaluation = evaluation_settings(context.settings);
  std::vector<Arm> arms;
  for (const PlaneTarget& target : targets)
    for (Arm arm :
         {report_arm(target, static_cast<std::uint32_t>(arms.size()), context), faithful_arm(target, static_cast<std::uint32_t>(arms.size()), context)}) {
      arm.id = slug(arm.target + " " + arm.variant);
      arm.description = fmt::format("{}; {}; {}; {}; {}; {}", arm.parts.generator->name(), arm.source->name(), arm.target_law->name(),
                                    arm.parts.sampler->name(), arm.parts.scheme->name(), arm.parts.schedule->name());
      arms.push_back(std::move(arm));
    }
  const auto results = run_arms(arms, evaluation, context);
  Json summary = write_plane_results(results, evaluation, context);
  summary["title"] = "SGD in the plane";
  summary["description"] =
      "Report 000, Table 1 and Figure 1: the dense ReLU network with two hidden layers of 256 learns three plane laws from a Gaussian with the SW loss, "
      "batches of 256. Twice: with the "
      "report's own settings, and with the sampling, the single direction and the constant step of Algorithm 1, on bounded laws. Both "
      "start from the same u₀.";
  summary["facts"] = {
      fmt::format("{} parameters; {} steps; both variants of a target start from the same u₀.", arms.front().parts.generator->parameters(),
                  context.settings.integer("steps")),
      fmt::format("F is estimated on {} fresh batches with {} directions each.", evaluation.objective.batches, evaluation.objective.directions)};
  summary["departures"] = {
      departure("step size", "reduced on plateau", "constant (claim T1)", "both, from the same first step"),
      departure("directions a step", "many (the code's default is 100)", "one θ a step", "both"),
      departure("batches", "a fixed set of pairs, in the same order in every epoch", "fresh, independent", "both"),
      departure("support of the source and the targets", "Gaussian: not bounded", "bounded (A3)", "truncated at 4 spreads for Algorithm 1"),
      departure("validation", "on the training pairs", "F is an expectation", "F on fresh samples for both; the loss on the training batches stands beside it"),
      departure("boundedness of T in u", "said to hold", "A4 fails for every network with a linear last layer; needed on a ball only (T1)",
                "not enforced here"),
      departure("second derivatives in u", "said to be bounded", "A5 fails for three weight layers", "not enforced here"),
  };
  write_json(context.folder / "summary.json", summary);
}

}  // namespace

Experiment plane_sgd(std::string quick, std::string full) {
  Experiment out{"plane-sgd", "SGD in the plane (report 000, Table 1, Figure 1)", std::move(quick), std::move(full), run_plane_sgd};
  out.for_cuda = true;
  return out;
}

}  // namespace slicecheck
