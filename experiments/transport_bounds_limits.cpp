/// λ → 0 and λ → ∞ (R15, R16), and the certificate along half-sweeps (R2).

#include <algorithm>
#include <cmath>

#include "slicecheck/core/parallel.h"
#include "slicecheck/loss/regularised/exact_transport.h"
#include "slicecheck/loss/regularised/transport_bounds.h"
#include "slicecheck/loss/regularised/transport_cost.h"
#include "slicecheck/loss/regularised/transport_dual.h"
#include "slicecheck/reporting/csv_table.h"
#include "summary.h"
#include "transport_bounds.h"

namespace slicecheck::transport_theorems {

namespace {

/// n and m normal points of the plane, squared cost, random weights; max C − min C is 1.
TransportProblem random_problem(std::uint64_t seed, Draws what, Index n, Index m) {
  const RandomStream stream(seed, Purpose::law, static_cast<std::uint32_t>(what), 0);
  PointDraws draws(stream, 0);
  Points<double> z(n, 2), y(m, 2);
  for (double& entry : z.reshaped<Eigen::RowMajor>()) entry = draws.normal();
  for (double& entry : y.reshaped<Eigen::RowMajor>()) entry = draws.normal();
  TransportProblem problem;
  problem.a.resize(n);
  problem.b.resize(m);
  for (double& w : problem.a) w = draws.uniform(0.2, 1.0);
  for (double& w : problem.b) w = draws.uniform(0.2, 1.0);
  problem.a /= problem.a.sum();
  problem.b /= problem.b.sum();
  problem.cost = cost_matrix(GroundCost::squared, z, y);
  problem.cost /= problem.cost.maxCoeff() - problem.cost.minCoeff();
  return problem;
}

void both_limits(const ExperimentContext& context, const HeldBounds& bounds, Part& part) {
  CsvTable table({"regulariser", "kind", "lambda", "value"});
  CsvTable distances({"regulariser", "lambda", "above_exact", "above_bound", "below_mean", "below_bound"});
  TransportProblem problem = random_problem(context.seed, Draws::limits, 4, 5);
  const double exact = exact_transport(problem.a, problem.b, problem.cost).value;
  const double independent = problem.a.dot(problem.cost * problem.b);
  Json panels = Json::array(), distance_panels = Json::array();
  const std::vector<double> lambdas = logarithmic(1e-3, 1e3, 2 * context.settings.integer("lambdas") - 1);
  double agrees_from = 0.0;
  std::vector<std::string> open;
  bool apart = false;  // d or d̄ farther from a limit at an end of λ than a hundredth of E C − d_c
  for (const Regulariser regulariser : {Regulariser::kl, Regulariser::quadratic}) {
    problem.regulariser = regulariser;
    const bool is_kl = regulariser == Regulariser::kl;
    const std::string name = is_kl ? "KL" : "quadratic";
    Closest small{"R15", name, is_kl ? "d ≤ d_c + λ min(H(a), H(b)), KL" : "d ≤ d_c + (λ/2) min(n, m), quadratic"};
    Closest large{"R16", name, is_kl ? "E C − d ≤ osc(C⊥)²/(8λ), KL" : "d ≤ E C + λ/2, and E C + λ/2 − d ≤ ΣabC⊥²/(2λ), quadratic"};
    std::vector<TransportSolution> solved(lambdas.size());
    parallel_for(static_cast<Index>(lambdas.size()), [&](Index k) {
      TransportProblem own = problem;
      own.lambda = lambdas[static_cast<std::size_t>(k)];
      solved[static_cast<std::size_t>(k)] = solve_transport(own, {1e-10 * std::max(1.0, own.lambda), 100'000});
    });
    double agrees = 0.0;  // the smallest λ from which on it does at every larger one tried
    for (std::size_t k = 0; k < lambdas.size(); ++k) {
      const double lambda = lambdas[k];
      problem.lambda = lambda;
      const TransportSolution& s = solved[k];
      const TransportInterval low = bounds.small_lambda(problem, exact), high = bounds.large_lambda(problem);
      const double shift = is_kl ? 0.0 : 0.5 * lambda;  // the quadratic regulariser is at least 1/2
      const auto put = [&](const std::string& kind, double value) { table.add({name, kind, lambda, value}); };
      put("d", s.dual_value - shift);
      put("sharp", s.transport);
      const double widest = 1.3 * independent - 0.3 * exact, lowest = 1.3 * exact - 0.3 * independent;  // what the panel shows
      if (low.high - shift < widest) put("small", low.high - shift);
      if (high.low - shift > lowest) put("large", high.low - shift);
      const double mean = independent + shift;
      const double above = s.dual_value - s.floor - low.low, below = mean - s.primal_value() - s.floor;
      const double below_bound = mean - high.low;
      distances.add({name, lambda, above, low.high - low.low, below, below_bound});
      const std::string where = fmt::format("λ = {:.3g}·osc C", lambda);
      if (low.high > low.low) small.see(above, low.high - low.low, where);
      large.see(below, below_bound, where);
      const bool agree = high.low == high.high && std::abs(high.low - s.dual_value) <= s.gap + 4.0 * s.floor;
      agrees = !agree ? 0.0 : agrees == 0.0 ? lambda : agrees;
      if (s.gap > 1e-10 * std::max(1.0, lambda)) open.push_back(fmt::format("{} at {:.3g}", name, lambda));
      const double near = 0.01 * (independent - exact);
      for (const double value : {s.dual_value - shift, s.transport}) {
        if (k == 0) apart = apart || std::abs(value - exact) > near;
        if (k + 1 == lambdas.size()) apart = apart || std::abs(value - independent) > near;
      }
    }
    if (!is_kl) agrees_from = agrees;
    const Json where{{"regulariser", name}};
    const auto of_kind = [&](const std::string& label, const std::string& kind, const std::string& style) {
      return curve(label, "value", style, {{"regulariser", name}, {"kind", kind}});
    };
    panels.push_back({{"title", is_kl ? "KL" : "quadratic, less λ/2"},
                      {"series",
                       {of_kind("d", "d", "points"), of_kind("d̄ = d − λI(π*)", "sharp", "points"), of_kind("upper bound for small λ (R15)", "small", "dashed"),
                        of_kind("lower bound for large λ (R16)", "large", "dashed")}},
                      {"lines", {{{"y", exact}, {"label", "d_c"}}, {{"y", independent}, {"label", "E C"}}}}});
    distance_panels.push_back(
        {{"title", name},
         {"series",
          {curve("d − d_c (quadratic: − λ/2)", "above_exact", "points", where), curve("its bound, R15", "above_bound", "line", where),
           curve("E C − d (quadratic: + λ/2)", "below_mean", "points", where), curve("its bound, R16", "below_bound", "dashed", where)}}});
    part.closest.push_back(small);
    part.closest.push_back(large);
  }
  table.write(context.folder / "limits.csv");
  distances.write(context.folder / "limits-distance.csv");
  part.figures.push_back(
      curves_figure("limits", "From the transport distance to the product plan",
                    fmt::format("Four against five weighted points of the plane, squared cost, scaled to max C − min C = 1. d_c: the transport "
                                "distance, the limit for λ → 0 (R15); E C: the mean cost of independent points, that for λ → ∞ (R16). At the "
                                "smallest and the largest λ d and d̄ are {} a hundredth of E C − d_c from them. The bounds are drawn where "
                                "they are inside the panel.",
                                apart ? "not all within" : "within"),
                    "lambda", "λ / (max C − min C)", "value", true, false, std::move(panels)));
  part.figures.push_back(curves_figure("limits-distance", "How far d is from its two limits",
                                       "The same problems. Points are made smaller by the certificate's gap; where nothing certain is left they are not drawn.",
                                       "lambda", "λ / (max C − min C)", "distance", true, true, std::move(distance_panels)));
  part.facts.push_back(fmt::format("Limits: {} of {} solutions were not certified to 10⁻¹⁰ max(1, λ){}{}.", open.size(), 2 * lambdas.size(),
                                   open.empty() ? "" : ": ", fmt::join(open, ", ")));
  if (agrees_from > 0.0)
    part.facts.push_back(fmt::format(
        "Quadratic: d equals R16's formula E C + λ/2 − ΣabC⊥²/(2λ), to within the certificate, at λ = {:.3g}·osc C and every larger λ tried.", agrees_from));
}

void certificates(const ExperimentContext& context, const HeldBounds& bounds, Part& part) {
  CsvTable table({"lambda", "half_sweeps", "gap", "error", "floor"});
  TransportProblem problem = random_problem(context.seed, Draws::gap, 5, 5);
  Closest certificate{"R2", "half-sweeps", "d − D ≤ the certified gap"};
  Json panels = Json::array();
  std::vector<std::string> evidence;
  const Index last = context.settings.integer("gap.half_sweeps");
  double widest = 1.0;
  std::vector<double> widest_at;  // by falling λ
  std::vector<Index> sweeps_at;
  Index unjudged = 0;
  for (const double lambda : {1.0, 0.1, 0.03, 0.01}) {
    problem.lambda = lambda;
    const TransportSolution exact = solve_transport(problem, {1e-14, 200'000});
    const std::string name = fmt::format("λ = {:g}·osc C", lambda);
    DualPotentials at;
    at.psi = Vector<double>::Zero(problem.m());
    at.phi = best_phi(problem, at.psi);
    Index reached = 0;
    double widest_here = 1.0;
    double next = 1.0;
    for (Index k = 1; k <= last; ++k) {
      if (k > 1) {
        if (k % 2 == 0)
          at.psi = best_psi(problem, at.phi);
        else
          at.phi = best_phi(problem, at.psi);
      }
      const double gap = duality_gap(problem, at, feasible_plan(problem, at));
      const double floor = certificate_floor(problem, at);
      if (gap <= 1e-10 && reached == 0) reached = k;
      if (static_cast<double>(k) >= next || gap <= floor) {
        const double error = exact.dual_value - dual_value(problem, at) - exact.floor - floor;  // a lower bound of d − D
        table.add({name, static_cast<std::int64_t>(k), gap, error, floor});
        if (error > 10.0 * floor) {
          certificate.see(error, bounds.certificate(gap), fmt::format("{}, half-sweep {}", name, k));
          widest_here = std::max(widest_here, gap / error);
        } else {
          ++unjudged;
        }
        next *= 1.25;
      }
      if (gap <= floor) break;
    }
    widest = std::max(widest, widest_here);
    widest_at.push_back(widest_here);
    sweeps_at.push_back(reached > 0 ? reached : last + 1);
    if (exact.gap > 1e-14) evidence.push_back(fmt::format("{}: the reference is open by {:.1e}.", name, exact.gap));
    evidence.push_back(reached > 0 ? fmt::format("{}: gap 10⁻¹⁰ after {} half-sweeps.", name, reached)
                                   : fmt::format("{}: not at gap 10⁻¹⁰ after {} half-sweeps.", name, last));
    const Json where{{"lambda", name}};
    panels.push_back({{"title", name},
                      {"series",
                       {curve("certified gap", "gap", "line", where), curve("true error d − D", "error", "points", where),
                        curve("what rounding leaves open", "floor", "dashed", where)}}});
  }
  table.write(context.folder / "certificate.csv");
  part.closest.push_back(certificate);
  part.figures.push_back(
      curves_figure("certificate", "The duality gap along half-sweeps",
                    "Five against five points of the plane, squared cost, KL, from ψ = 0. The gap of R2 needs nothing but the potentials. The true error "
                    "is measured from the dual value of a solution to a gap of 10⁻¹⁴, or as near to it as 200,000 half-sweeps get. True errors below what that "
                    "leaves open are not drawn.",
                    "half_sweeps", "half-sweeps", "gap, in units of max C", true, true, std::move(panels)));
  evidence.push_back(
      fmt::format("Gaps are up to {:.3g} times the true error; {} were not held against it, as it is near what rounding leaves open.", widest, unjudged));
  const bool grows = std::is_sorted(sweeps_at.begin(), sweeps_at.end()) && sweeps_at.front() < sweeps_at.back();
  const bool lags = std::is_sorted(widest_at.begin(), widest_at.end()) && widest_at.back() > 10.0 * widest_at.front();
  part.advice.push_back(advice_entry(
      "When may the oracle stop?",
      certificate.looked > 0 && !certificate.exceeded()
          ? fmt::format("When the certified gap is small enough for R7: it was never below the true error. It was up to {:.1g} times too large{}{}.", widest,
                        lags ? ", the more the smaller λ" : "", grows ? "; the half-sweeps needed grew as λ fell" : "")
          : std::string("Not decided: the certificate was below the true error somewhere, or no true error was large enough to tell."),
      evidence));
}

}  // namespace

Part limits_part(const ExperimentContext& context, const HeldBounds& bounds) {
  Part part;
  both_limits(context, bounds, part);
  certificates(context, bounds, part);
  return part;
}

}  // namespace slicecheck::transport_theorems
