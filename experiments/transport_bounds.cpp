/// Experiment `transport-bounds`: the theorems on regularised transport, bound against observed.

#include "transport_bounds.h"

#include <algorithm>
#include <cmath>

#include "experiments.h"
#include "slicecheck/core/error.h"
#include "slicecheck/reporting/csv_table.h"
#include "summary.h"

namespace slicecheck::transport_theorems {

namespace {

void check_settings(const Settings& s) {
  for (const auto& [key, least] :
       {std::pair{"lambdas", 7}, std::pair{"smoothness.pairs", 8}, std::pair{"smoothness.climbs", 0}, std::pair{"smoothness.halvings", 0},
        std::pair{"gradient.problems", 1}, std::pair{"gradient.potentials", 4}, std::pair{"stationarity.enumerated", 1}, std::pair{"stationarity.longest", 1},
        std::pair{"stationarity.replicates", 2}, std::pair{"batches.largest", 2}, std::pair{"gap.half_sweeps", 2}})
    (void)s.integer_at_least(key, least);
  for (const auto& [key, most] :
       {std::pair{"lambdas", 1000}, std::pair{"smoothness.halvings", 40}, std::pair{"stationarity.enumerated", 9}, std::pair{"stationarity.longest", 1 << 20},
        std::pair{"batches.largest", 128}, std::pair{"smoothness.pairs", 1 << 20}, std::pair{"gradient.problems", 1 << 20}})
    if (s.integer(key) > most) reject("settings: {} is {}; it must be at most {}", key, s.integer(key), most);
}

Json closest_table(const std::vector<Closest>& all, const std::filesystem::path& folder) {
  CsvTable table({"claim", "statement", "observed", "bound", "ratio", "where"});
  for (const Closest& c : all) table.add({c.claim, c.statement, c.observed, c.bound, c.ratio(), c.where});
  table.write(folder / "closest.csv");
  return {
      {"id", "closest"},
      {"title", "How close each theorem comes to its bound"},
      {"caption",
       "The largest observed / bound in this run, and where; of R11, an equality, the ratio farthest from 1. Observed numbers are made smaller by what the "
       "solver's own certificate leaves open, so that a ratio above 1 refutes a theorem. F3 is the bound as printed, which is false. A small ratio says that "
       "the bound was not attained here, not that it could be sharpened. osc C = max C − min C."},
      {"file", "closest.csv"},
      {"columns",
       {column("claim", "claim", "s"), column("statement", "inequality", "s"), column("observed", "observed", ".4g"), column("bound", "bound", ".4g"),
        column("ratio", "observed / bound", ".4f"), column("where", "where", "s")}}};
}

void run_transport_bounds(const ExperimentContext& context) {
  check_settings(context.settings);
  const auto bounds = bounds_by_name(context.settings.word("defect"));
  Part all;
  const std::vector<Part (*)(const ExperimentContext&, const HeldBounds&)> parts{smoothness_part, gradient_part, stationarity_part, loss_part, limits_part};
  for (std::size_t k = 0; k < parts.size(); ++k) {
    context.progress.update("theorems", static_cast<double>(k) / static_cast<double>(parts.size()));
    Part part = parts[k](context, *bounds);
    all.closest.insert(all.closest.end(), part.closest.begin(), part.closest.end());
    all.facts.insert(all.facts.end(), part.facts.begin(), part.facts.end());
    for (Json& entry : part.advice) all.advice.push_back(std::move(entry));
    for (Json& figure : part.figures) all.figures.push_back(std::move(figure));
  }
  context.progress.update("theorems", 1.0);
  std::stable_sort(all.closest.begin(), all.closest.end(), [](const Closest& a, const Closest& b) {
    const auto number = [](const std::string& claim) { return (claim.front() == 'F' ? 100 : 0) + std::stoi(claim.substr(1)); };
    return number(a.claim) < number(b.claim);
  });
  std::vector<ExperimentVerdict> verdicts;
  for (const Closest& c : all.closest)
    if (c.kind != Closest::Kind::false_bound) verdicts.push_back(c.verdict());
  if (context.settings.word("defect") != "none") all.facts.push_back(fmt::format("A mistake was planted: {}.", context.settings.word("defect")));
  const Json summary{
      {"name", context.folder.filename().string()},
      {"title", "Regularised transport: bounds against observed"},
      {"description",
       "Report 003 trains generators by optimal transport with a regulariser of weight λ. Each of its theorems, as corrected in "
       "theory/regularised_transport.md, is drawn here on small problems with its bound as a line and what was measured as points; osc C = max C − min C. "
       "Expectations are sums over "
       "all minibatches where the tree is small, and means over trainings with intervals beyond it; transport problems are solved until the duality gap "
       "certifies them."},
      {"profile", context.profile},
      {"seed", context.seed},
      {"advice", all.advice},
      {"verdicts", verdicts_json(verdicts)},
      {"facts", all.facts},
      {"departures", Json::array()},
      {"tables", {closest_table(all.closest, context.folder)}},
      {"figures", std::move(all.figures)}};
  write_json(context.folder / "summary.json", summary);
}

}  // namespace

void Closest::see(double other_observed, double other_bound, const std::string& other_where) {
  ++looked;
  if (std::isnan(other_observed) || !(other_bound >= 0.0)) {
    ++unknown;
    return;
  }
  if (other_bound == 0.0) {
    ++zeros;
    if (other_observed <= above_zero) return;
    above_zero = other_observed;
    above_zero_where = other_where;
    return;
  }
  const auto badness = [&](double quotient) { return kind == Kind::equality ? std::abs(quotient - 1.0) : quotient; };
  if (badness(other_observed / other_bound) <= badness(ratio())) return;  // false for the first: its ratio is NaN
  observed = other_observed;
  bound = other_bound;
  where = other_where;
}

bool Closest::exceeded() const { return (kind == Kind::equality ? std::abs(ratio() - 1.0) > kRounding : ratio() > 1.0 + kRounding) || above_zero > 0.0; }

ExperimentVerdict Closest::verdict() const {
  std::string measured = looked == unknown + zeros ? std::string("no case with a positive bound")
                                                   : fmt::format("observed {:.6g}, {} {:.6g}, ratio {:.6f}: {}", observed,
                                                                 kind == Kind::equality ? "formula" : "allowed", bound, ratio(), where);
  if (zeros > 0) measured += fmt::format("; where 0 is allowed, the largest observed is {:.3g} ({})", above_zero, above_zero_where);
  if (unknown > 0) measured += fmt::format("; {} cases without a number", unknown);
  return {claim,
          what,
          statement,
          measured,
          fmt::format("{} cases", looked),
          sampled
              ? fmt::format("short T deterministic; long T by t-intervals at 1 − {:.0e} in all, which rest on the central limit theorem", kExperimentFalseAlarm)
              : std::string("deterministic, to within rounding"),
          exceeded()                                 ? Outcome::refuted
          : unknown > 0 || looked == unknown + zeros ? Outcome::inconclusive
                                                     : Outcome::holds};
}

std::string lambdas_text(const std::vector<std::string>& lambdas) {
  return lambdas.empty() ? std::string("no λ tried") : fmt::format("λ = {}", fmt::join(lambdas, ", "));
}

Json curves_figure(const std::string& id, const std::string& title, const std::string& caption, const std::string& x, const std::string& x_label,
                   const std::string& y_label, bool log_x, bool log_y, Json panels) {
  return {{"kind", "curves"},   {"id", id},           {"title", title}, {"caption", caption}, {"file", id + ".csv"},        {"x", x},
          {"x_label", x_label}, {"y_label", y_label}, {"log_x", log_x}, {"log_y", log_y},     {"panels", std::move(panels)}};
}

Json curve(const std::string& label, const std::string& y, const std::string& style, Json where) {
  return {{"label", label}, {"y", y}, {"where", std::move(where)}, {"style", style}};
}

std::vector<double> logarithmic(double low, double high, Index count) {
  std::vector<double> out;
  for (Index k = 0; k < count; ++k) out.push_back(low * std::pow(high / low, static_cast<double>(k) / static_cast<double>(count - 1)));
  return out;
}

TransportProblem line_problem(double theta, double lambda, double right) {
  TransportProblem problem;
  problem.a = Vector<double>::Constant(2, 0.5);
  problem.b.resize(2);
  problem.b << right, 1.0 - right;
  problem.cost.resize(2, 2);
  const double same = (theta - 1.0) * (theta - 1.0), other = (theta + 1.0) * (theta + 1.0);
  problem.cost << same, other, other, same;
  problem.lambda = lambda;
  return problem;
}

TransportSolution nearly_exact(const TransportProblem& problem, const DualPotentials* start) {
  const double size = problem.cost.cwiseAbs().maxCoeff();
  return solve_transport(problem, {1e-13 * (size > 0.0 ? size : 1.0), 20'000}, start);
}

}  // namespace slicecheck::transport_theorems

namespace slicecheck {

Experiment transport_bounds(std::string quick, std::string full) {
  return {"transport-bounds", "regularised transport: the bounds of report 003's theorems against what is observed", std::move(quick), std::move(full),
          transport_theorems::run_transport_bounds};
}

}  // namespace slicecheck
