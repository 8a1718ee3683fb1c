/// How fast gradients and plans change with θ: R5, R6, R9.

#include <algorithm>
#include <cmath>
#include <limits>

#include "slicecheck/core/error.h"
#include "slicecheck/core/parallel.h"
#include "slicecheck/loss/regularised/transport_bounds.h"
#include "slicecheck/loss/regularised/transport_dual.h"
#include "slicecheck/reporting/csv_table.h"
#include "summary.h"
#include "transport_bounds.h"

namespace slicecheck::transport_theorems {

namespace {

/// A family with what its name is in the figures.
struct ShownFamily {
  std::string name;
  CostFamily family;
  double unit = 1.0;  ///< the largest max C − min C on the ball's axes
};

double cost_spread(const CostFamily& f, const Eigen::VectorXd& theta) {
  const Points<double> c = f.cost(theta);
  return c.maxCoeff() - c.minCoeff();
}

/// The first draw of that kind with 3 atoms each (2 of the checkerboard) whose weights and points are not degenerate.
ShownFamily first_family(std::uint64_t seed, FamilyKind kind, Regulariser regulariser) {
  for (std::uint64_t attempt = 0;; ++attempt) {
    const RandomStream stream(seed, Purpose::law, static_cast<std::uint32_t>(Draws::families), 1024 * static_cast<std::uint64_t>(kind) + attempt);
    PointDraws draws(stream, 0);
    CostFamily f = draw_family(draws, kind, regulariser, 2);
    if (kind == FamilyKind::checkerboard) {
      f.centre.setZero();  // its constants hold everywhere, and the gradient is steepest at 0
      f.radius = 1.0;
    } else if (f.a.size() < 3 || f.b.size() < 3 || f.a.minCoeff() < 0.05 || f.b.minCoeff() < 0.05 || cost_spread(f, f.centre) < 0.01 ||
               std::any_of(f.points.begin(), f.points.end(), [](const NamedValues& v) {
                 return (v.values.rowwise() - v.values.row(0)).cwiseAbs().maxCoeff() < 0.05 || (v.values.row(0) - v.values.row(1)).norm() < 0.05;
               })) {
      if (attempt < 1000) continue;
      throw Error("no family was found");
    }
    ShownFamily shown{fmt::format("{}, {}", regulariser == Regulariser::kl ? "KL" : "quadratic", f.kind), std::move(f), 0.0};
    const CostFamily& kept = shown.family;
    for (Index k = 0; k < kept.parameters(); ++k)
      for (const double sign : {-1.0, 1.0})
        shown.unit = std::max(shown.unit, cost_spread(kept, kept.centre + sign * kept.radius * Eigen::VectorXd::Unit(kept.parameters(), k)));
    return shown;
  }
}

/// x and y = ±1, uniform, G = θx, squared cost, on |θ| ≤ 2: the plan turns over at θ = 0, within a distance of about λ.
ShownFamily line_family(Regulariser regulariser) {
  CostFamily f;
  f.kind = "the line";
  f.regulariser = regulariser;
  f.a = f.b = Vector<double>::Constant(2, 0.5);
  f.centre = Eigen::VectorXd::Zero(1);
  f.radius = 2.0;
  f.cost = [](const Eigen::VectorXd& theta) { return line_problem(theta[0], 1.0).cost; };
  f.derivatives = [](const Eigen::VectorXd& theta) {
    Points<double> out(2, 2);
    out << 2.0 * (theta[0] - 1.0), 2.0 * (theta[0] + 1.0), 2.0 * (theta[0] + 1.0), 2.0 * (theta[0] - 1.0);
    return std::vector<Points<double>>{out};
  };
  f.constants = {2.0 * (f.radius + 1.0), 2.0 * std::sqrt(f.radius * f.radius + 1.0), 2.0};
  f.sharp_L0 = 2.0;  // ∇C = 2θ − 2xy
  return {fmt::format("{}, the line", regulariser == Regulariser::kl ? "KL" : "quadratic"), f, 8.0};
}

/// h, its gradient and the plan at a θ, with bounds on what the solver leaves open.
struct At {
  Eigen::VectorXd theta;
  DualPotentials potentials;
  double low = 0.0, high = 0.0;  ///< of h
  Eigen::VectorXd gradient;
  double gradient_error = 0.0;
  Points<double> plan;
  double plan_error = 0.0;  ///< in ℓ₁ (KL) or χ² (quadratic)
};

At at(const CostFamily& f, const Eigen::VectorXd& theta, const DualPotentials* start) {
  const TransportProblem problem = f.at(theta);
  const double size = problem.cost.maxCoeff() - problem.cost.minCoeff();
  const TransportSolution s = solve_transport(problem, {1e-12 * (size > 0.0 ? size : 1.0), 3'000}, start);
  At out;
  out.theta = theta;
  out.potentials = s.potentials;
  out.low = s.dual_value - s.floor;
  out.high = s.primal_value() + s.floor;
  out.plan = plan_of(problem, s.potentials);
  out.gradient = f.gradient(out.plan, theta);
  const double kappa = std::max(0.0, s.gap + s.floor) / f.lambda;
  out.plan_error = f.regulariser == Regulariser::kl ? mass_error(kappa) : std::sqrt(2.0 * kappa);
  out.gradient_error = f.constants.L0 * out.plan_error;
  return out;
}

/// What a pair shows, each a lower bound of the true number.
struct Quotients {
  double gradient = 0.0;                                        ///< ‖∇h(θ) − ∇h(θ')‖/‖θ − θ'‖
  double one_sided = -std::numeric_limits<double>::infinity();  ///< 2(h(θ') − h(θ) − ⟨∇h(θ), θ' − θ⟩)/‖θ − θ'‖²
  double plan = 0.0;                                            ///< ‖π − π'‖/‖θ − θ'‖
};

Quotients quotients(const CostFamily& f, const At& one, const At& other) {
  const Eigen::VectorXd step = other.theta - one.theta;
  const double length = step.norm();
  const Points<double> moved = other.plan - one.plan;
  const double change =
      f.regulariser == Regulariser::kl ? moved.cwiseAbs().sum() : std::sqrt((moved.array().square() / Points<double>(f.a * f.b.transpose()).array()).sum());
  Quotients q;
  q.gradient = ((other.gradient - one.gradient).norm() - one.gradient_error - other.gradient_error) / length;
  q.one_sided = 2.0 * (other.low - one.high - one.gradient.dot(step) - one.gradient_error * length) / (length * length);
  q.plan = (change - one.plan_error - other.plan_error) / length;
  return q;
}

/// The second θ of a pair: at a distance between 10⁻⁴ of the radius and the radius; on the other side where it would leave the ball.
Eigen::VectorXd neighbour(PointDraws& draws, const CostFamily& f, const Eigen::VectorXd& theta) {
  Eigen::VectorXd direction = normal_vector(draws, f.parameters());
  direction.normalize();
  for (double length = f.radius * std::pow(10.0, -4.0 * draws.uniform());; length *= 0.5)
    for (const double sign : {1.0, -1.0}) {
      const Eigen::VectorXd other = theta + sign * length * direction;
      if ((other - f.centre).norm() <= f.radius) return other;
    }
}

/// The largest quotients of one family at one λ.
Quotients largest(const CostFamily& f, const Settings& s, std::uint64_t seed, std::uint64_t row) {
  const RandomStream pairs(seed, Purpose::law, static_cast<std::uint32_t>(Draws::pairs), row);
  Quotients best;
  Eigen::VectorXd theta = f.centre, other = f.centre;
  const auto look = [&](const Eigen::VectorXd& first, const Eigen::VectorXd& second) {
    const At one = at(f, first, nullptr);
    const At two = at(f, second, &one.potentials);
    const Quotients q = quotients(f, one, two);
    best.one_sided = std::max(best.one_sided, q.one_sided);
    best.plan = std::max(best.plan, q.plan);
    if (q.gradient > best.gradient) {
      best.gradient = q.gradient;
      theta = first;
      other = second;
    }
    return q.gradient;
  };
  for (Index k = 0; k < s.integer("smoothness.pairs"); ++k) {
    PointDraws draws(pairs, static_cast<std::uint64_t>(k));
    Eigen::VectorXd first = f.draw_theta(draws);
    Eigen::VectorXd second = neighbour(draws, f, first);
    (void)look(first, second);
    for (Index half = 0; half < s.integer("smoothness.halvings"); ++half) {  // towards where the gradient turns
      const Eigen::VectorXd middle = 0.5 * (first + second);
      (look(first, middle) > look(middle, second) ? second : first) = middle;
    }
  }
  const RandomStream climbs(seed, Purpose::law, static_cast<std::uint32_t>(Draws::climbs), row);
  for (Index k = 0; k < s.integer("smoothness.climbs"); ++k) {
    PointDraws draws(climbs, static_cast<std::uint64_t>(k));
    const double reach = std::pow(10.0, -3.0 * draws.uniform());
    const double shrink = std::pow(2.0, draws.uniform(-1.0, 0.5));
    const Eigen::VectorXd step = other - theta;
    const Eigen::VectorXd first = theta + reach * f.radius * normal_vector(draws, f.parameters());
    const Eigen::VectorXd second = first + shrink * (step + reach * step.norm() * normal_vector(draws, f.parameters()));
    if ((first - f.centre).norm() <= f.radius && (second - f.centre).norm() <= f.radius && (second - first).norm() > 1e-6 * f.radius) (void)look(first, second);
  }
  return best;
}

}  // namespace

Part smoothness_part(const ExperimentContext& context, const HeldBounds& bounds) {
  std::vector<ShownFamily> families;
  for (const Regulariser r : {Regulariser::kl, Regulariser::quadratic}) {
    families.push_back(first_family(context.seed, FamilyKind::checkerboard, r));
    families.push_back(line_family(r));
    families.push_back(first_family(context.seed, FamilyKind::affine_squared, r));
    families.push_back(first_family(context.seed, FamilyKind::affine_cosine, r));
  }
  const std::vector<double> shares = logarithmic(1e-3, 1e3, context.settings.integer("lambdas"));
  const auto count = static_cast<Index>(shares.size());
  std::vector<Quotients> found(families.size() * shares.size());
  parallel_for(static_cast<Index>(found.size()), [&](Index row) {
    const ShownFamily& shown = families[static_cast<std::size_t>(row / count)];
    CostFamily f = shown.family;
    f.lambda = shown.unit * shares[static_cast<std::size_t>(row % count)];
    found[static_cast<std::size_t>(row)] = largest(f, context.settings, context.seed, static_cast<std::uint64_t>(row));
  });

  Closest kl{"R5", "KL, gradient, L₀", "‖∇h(θ) − ∇h(θ′)‖ ≤ (L₁ + L₀²/λ)‖θ − θ′‖, KL"}, kl_sharp{"R5", "KL, gradient, L₀⊥", "the same with L₀⊥ for L₀, KL"},
      kl_plan{"R5", "KL, plan", "‖Δπ‖₁ ≤ (L₀/λ)‖Δθ‖, KL"}, quadratic{"R6", "quadratic, gradient", "‖∇h(θ) − ∇h(θ′)‖ ≤ (L₁ + L̃₀²/λ)‖θ − θ′‖, quadratic"},
      quadratic_plan{"R6", "quadratic, plan", "‖Δπ‖_χ ≤ (L̃₀/λ)‖Δθ‖, quadratic"},
      one_sided{"R9", "one-sided quotients", "h(θ + v) ≤ h(θ) + ⟨∇h(θ), v⟩ + (L₁/2)‖v‖²"};
  CsvTable smoothness({"family", "lambda", "share", "L", "L_sharp", "L1", "gradient", "one_sided"});
  CsvTable stability({"family", "lambda", "share", "bound", "bound_sharp", "plan"});
  double above = 0.0, share_there = 1.0, kl_attained = 0.0, quadratic_attained = 0.0;
  Index rising = 0;
  std::vector<std::string> bent;
  std::string above_where;
  Json panels = Json::array(), plan_panels = Json::array();
  for (std::size_t k = 0; k < families.size(); ++k) {
    const ShownFamily& shown = families[k];
    const CostFamily& f = shown.family;
    const bool is_kl = f.regulariser == Regulariser::kl;
    CostConstants sharp = f.constants;
    sharp.L0 = f.sharp_L0;
    for (std::size_t l = 0; l < shares.size(); ++l) {
      const double lambda = shown.unit * shares[l];
      const Quotients& q = found[k * shares.size() + l];
      const double L = bounds.smoothness(f.constants, lambda, f.regulariser);
      const double L_sharp = is_kl ? bounds.smoothness(sharp, lambda, f.regulariser) : kUnknown;
      const double stable = bounds.plan_stability(f.constants, lambda, f.regulariser);
      smoothness.add({shown.name, lambda, shares[l], L, L_sharp, f.constants.L1, q.gradient, q.one_sided});
      stability.add({shown.name, lambda, shares[l], stable, is_kl ? bounds.plan_stability(sharp, lambda, f.regulariser) : kUnknown, q.plan});
      const std::string where = fmt::format("{}, λ = {:.3g}·osc C", shown.name.substr(shown.name.find(' ') + 1), shares[l]);
      (is_kl ? kl : quadratic).see(q.gradient, L, where);
      if (is_kl) kl_sharp.see(q.gradient, L_sharp, where);
      (is_kl ? kl_plan : quadratic_plan).see(q.plan, stable, where);
      const double largest_step = bounds.largest_step(f.constants);
      one_sided.see(q.one_sided, 1.0 / largest_step, shown.name + where.substr(where.find(", λ")));
      if (is_kl && f.constants.L1 == 0.0) kl_attained = std::max(kl_attained, q.gradient / L);
      if (!is_kl && f.constants.L1 == 0.0) quadratic_attained = std::max(quadratic_attained, q.gradient / L);
      rising += f.constants.L1 == 0.0 && q.one_sided > 0.0 ? 1 : 0;
      if (f.constants.L1 > 0.0 && q.one_sided > f.constants.L1 * (1.0 + kRounding)) bent.push_back(where);
      if (f.constants.L1 > 0.0 && q.gradient / f.constants.L1 > above) {
        above = q.gradient / f.constants.L1;
        above_where = fmt::format("{}, λ = {:.3g}·osc C", shown.name, shares[l]);
        share_there = q.one_sided / f.constants.L1;
      }
    }
    const Json where{{"family", shown.name}};
    Json series{curve("bound L₁ + L₀²/λ (quadratic: L̃₀)", "L", "line", where)};
    if (is_kl) series.push_back(curve("bound with L₀⊥", "L_sharp", "dashed", where));
    series.push_back(curve("largest ‖∇h(θ) − ∇h(θ′)‖/‖θ − θ′‖", "gradient", "points", where));
    series.push_back(curve("largest 2(h(θ′) − h(θ) − ⟨∇h(θ), θ′ − θ⟩)/‖θ − θ′‖²", "one_sided", "points", where));
    Json panel{{"title", shown.name}, {"series", std::move(series)}};
    if (f.constants.L1 > 0.0) panel["lines"] = {{{"y", f.constants.L1}, {"legend", "L₁ alone"}}};
    panels.push_back(std::move(panel));
    Json plan_series{curve("bound L₀/λ (quadratic: L̃₀/λ)", "bound", "line", where)};
    if (is_kl) plan_series.push_back(curve("bound with L₀⊥", "bound_sharp", "dashed", where));
    plan_series.push_back(curve("largest ‖π − π′‖/‖θ − θ′‖", "plan", "points", where));
    plan_panels.push_back({{"title", shown.name}, {"series", std::move(plan_series)}});
  }
  smoothness.write(context.folder / "smoothness.csv");
  stability.write(context.folder / "plan-stability.csv");

  Part part;
  part.closest = {kl, kl_sharp, kl_plan, quadratic, quadratic_plan, one_sided};
  const double attained = std::min(kl_attained, quadratic_attained);
  const bool kept = !kl.exceeded() && !kl_sharp.exceeded() && !quadratic.exceeded();
  part.figures = {
      curves_figure(
          "smoothness", "How fast the gradient changes: L against λ",
          fmt::format("Each point is the largest quotient over many pairs θ, θ′ of one family of costs, made larger by halving and by a random search. {} On "
                      "the checkerboard C = −θxy, where L₁ = 0, quotients of gradients come up to {:.4f} (KL) and {:.4f} (quadratic) of L, and the one-sided "
                      "quotient, which is all that a step of descent needs, {}. In the other panels it {}. λ in units of the largest max C − min C.",
                      kept ? "Quotients of gradients stay below L (R5, R6)." : "Quotients of gradients exceed L somewhere: see the verdicts.", kl_attained,
                      quadratic_attained, rising == 0 ? "is never positive (a logarithmic axis cannot show it)" : fmt::format("is positive at {} λ", rising),
                      bent.empty() ? std::string("stays below L₁ for every λ (R9)") : fmt::format("exceeds L₁ at {}", fmt::join(bent, "; "))),
          "share", "λ / (max C − min C)", "quotient", true, true, std::move(panels)),
      curves_figure("plan-stability", "How fast the optimal plan changes",
                    "KL: in ℓ₁, with L₀/λ; quadratic: in χ², with L̃₀/λ. The same pairs as in the figure before. Where λ is small the plan jumps between the "
                    "vertices of a polytope, or does not move at all: a point is missing where no change was certain, given what the solver leaves open.",
                    "share", "λ / (max C − min C)", "‖π − π′‖/‖θ − θ′‖", true, true, std::move(plan_panels))};
  std::string sentence = "Not decided: no pair's gradient changed faster than L₁ allows.";
  if (one_sided.exceeded())
    sentence = "Not decided: h bent upwards by more than L₁ allows somewhere, against R9; see the verdicts.";
  else if (above > 1.0)
    sentence = fmt::format(
        "No: 1/L₁ will do. The gradient did change up to {:.3g} times faster than L₁ allows ({}), but upwards h never bent by more than {:.3f}·L₁, and that is "
        "what descent needs (R9).",
        above, above_where, one_sided.ratio());
  part.advice.push_back(
      advice_entry("Must the step be as small as 1/(L₁ + L₀²/λ)?", sentence,
                   {fmt::format("Largest one-sided quotient: {:.3g} for L₁ = {:.3g} ({}).", one_sided.observed, one_sided.bound, one_sided.where),
                    fmt::format("Where L₁ = 0, the largest one-sided quotient is {:.2g} ({}).", one_sided.above_zero, one_sided.above_zero_where),
                    fmt::format("Where the gradient changed fastest against L₁, the one-sided quotient was {:.3g}·L₁.", share_there),
                    fmt::format("Of L₁ + L₀²/λ as a Lipschitz constant of the gradient, {:.4f} is attained on the checkerboard{}.", attained,
                                attained > 0.99 ? ": it cannot be improved" : "")}));
  return part;
}

}  // namespace slicecheck::transport_theorems
