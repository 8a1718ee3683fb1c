/// Experiment `flow-limit`: does interpolated SGD approach the subgradient flow as the step size falls (claims T0–T3)?

#include "flow_limit.h"

#include <set>

#include "experiments.h"
#include "slicecheck/core/error.h"

namespace slicecheck {

namespace {

void run_flow_limit(const ExperimentContext& context) {
  const FlowLimitSettings settings = flow_limit_settings(context.settings);
  std::vector<ConvergencePart> parts;
  parts.push_back(flow_limit_paths(context, settings));
  parts.push_back(flow_limit_defects(context, settings));
  parts.push_back(flow_limit_ties(context, settings));
  parts.push_back(flow_limit_network(context));
  std::vector<ExperimentVerdict> verdicts;
  Json facts = Json::array();
  Json tables = Json::array();
  Json figures = Json::array();
  for (const ConvergencePart& part : parts) {
    verdicts.insert(verdicts.end(), part.verdicts.begin(), part.verdicts.end());
    for (const std::string& fact : part.facts) facts.push_back(fact);
    for (const Json& table : part.tables) tables.push_back(table);
    for (const Json& figure : part.figures) figures.push_back(figure);
  }
  if (verdicts.size() > static_cast<std::size_t>(kFlowLimitVerdicts))
    throw Error(fmt::format("flow-limit: {} verdicts; their level is for {}", verdicts.size(), kFlowLimitVerdicts));
  if (!context.writes) return;
  write_json(context.folder / "summary.json", {{"name", "flow-limit"},
                                               {"title", "SGD and the subgradient flow"},
                                               {"description",
                                                "T1 says that SGD's path, its iterates joined by lines and read at the time s = tα, approaches the set S(K) of "
                                                "solutions of the subgradient flow u' ∈ −∂_C F(u) as α → 0. "
                                                "Here F is known without Monte Carlo, solutions are computed with a local error below 1e-9 a unit of time "
                                                "(1e-7 for the wrong ways), far below the distances shown, and the distance d_C between both is "
                                                "measured over independent replicates at falling step sizes. The "
                                                "same judgement has to refuse ways of training that are wrong. T2 and T3 are looked at where they can be seen: "
                                                "at the step size 1/2 and from the tie of the two-point line."},
                                               {"profile", context.profile},
                                               {"seed", context.seed},
                                               {"verdicts", verdicts_json(verdicts)},
                                               {"facts", facts},
                                               {"departures", Json::array()},
                                               {"tables", tables},
                                               {"figures", figures}});
}

}  // namespace

FlowLimitSettings flow_limit_settings(const Settings& settings) {
  FlowLimitSettings out;
  out.testbeds = settings.words("testbeds");
  if (out.testbeds.empty()) reject("settings: testbeds is empty; name at least one");
  // T0 and T1 for each testbed, some thirty wrong ways, T2, T3 and the network share the level of 50 verdicts.
  if (out.testbeds.size() > 6) reject("settings: {} testbeds; at most 6", out.testbeds.size());
  if (std::set<std::string>(out.testbeds.begin(), out.testbeds.end()).size() != out.testbeds.size()) reject("settings: testbeds names one twice");
  for (const std::string& name : out.testbeds) testbed_by_name(name);
  out.replicates = settings.integer_at_least("replicates", 2);
  out.step_sizes = halved_step_sizes(settings.number("first_step"), settings.integer_at_least("step_sizes", 3));
  out.horizon = settings.number("horizon");
  if (!(out.horizon >= 1.0) || !(out.step_sizes.front() <= 1.0))
    reject("settings: horizon is {} and first_step {}; expected at least 1 and at most 1", out.horizon, out.step_sizes.front());
  out.etas = {0.03, 0.04, 0.055, 0.075, 0.1, 0.14, 0.19, 0.26, 0.36};
  return out;
}

Experiment flow_limit(std::string quick, std::string full) {
  Experiment out{"flow-limit", "SGD's paths against the subgradient flow as the step size falls (T0–T3)", std::move(quick), std::move(full), run_flow_limit};
  out.distributed = true;
  return out;
}

}  // namespace slicecheck
