/// The Sinkhorn loss: its minimum and its sign (R13, R14, R16, F5, F6).

#include <algorithm>
#include <cmath>

#include "slicecheck/loss/regularised/sinkhorn_loss.h"
#include "slicecheck/loss/regularised/transport_bounds.h"
#include "slicecheck/loss/regularised/transport_gradient.h"
#include "slicecheck/reporting/csv_table.h"
#include "summary.h"
#include "transport_bounds.h"

namespace slicecheck::transport_theorems {

namespace {

/// θx and y on the line, x and y = ±1, uniform.
SinkhornProblem line_loss(double theta, double lambda) {
  Points<double> z(2, 1), y(2, 1);
  z << theta, -theta;
  y << 1.0, -1.0;
  const Vector<double> half = Vector<double>::Constant(2, 0.5);
  return sinkhorn_problem(GroundCost::squared, half, z, half, y, lambda, Regulariser::kl);
}

double gradient_of_d(double theta, double lambda) {
  const TransportProblem problem = line_problem(theta, lambda);
  Points<double> slopes(2, 2);
  slopes << 2.0 * (theta - 1.0), 2.0 * (theta + 1.0), 2.0 * (theta + 1.0), 2.0 * (theta - 1.0);
  return gradient_weights(problem, nearly_exact(problem).potentials).cwiseProduct(slopes).sum();
}

/// ∂L_λ/∂θ = Σ_i x_i ∂L_λ/∂z_i.
double gradient_of_loss(double theta, double lambda) {
  const SinkhornProblem problem = line_loss(theta, lambda);
  Points<double> z(2, 1), y(2, 1);
  z << theta, -theta;
  y << 1.0, -1.0;
  const Points<double> gradient = sinkhorn_gradient(problem, sinkhorn_loss(problem, {1e-12, 20'000}), GroundCost::squared, z, y);
  return gradient(0, 0) - gradient(1, 0);
}

/// The largest θ in [10⁻³, 2] up to which a derivative is negative: the minimum of what falls and then rises; 0 where it never falls.
template <class Derivative>
double minimum(const Derivative& derivative) {
  double low = 1e-3, high = 2.0;
  if (!(derivative(low) < 0.0)) return 0.0;
  for (int k = 0; k < 50; ++k) {
    const double middle = 0.5 * (low + high);
    (derivative(middle) < 0.0 ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

void along_theta(const ExperimentContext& context, Part& part) {
  CsvTable table({"lambda", "kind", "theta", "h", "half_loss", "exact"});
  Json panels = Json::array();
  const auto log_cosh = [](double t) { return std::abs(t) + std::log1p(std::exp(-2.0 * std::abs(t))) - std::log(2.0); };
  double farthest = 0.0;
  for (const double lambda : {0.25, 1.0, 2.0, 8.0}) {
    const std::string name = fmt::format("λ = {:g}", lambda);
    for (int k = -60; k <= 60; ++k) {
      const double theta = 0.03 * k;
      const TransportSolution h = nearly_exact(line_problem(theta, lambda));
      const SinkhornLoss loss = sinkhorn_loss(line_loss(theta, lambda), {1e-12, 20'000});
      const double formula_h = theta * theta + 1.0 - lambda * log_cosh(2.0 * theta / lambda);
      const double formula_loss = lambda * (log_cosh(2.0 * theta * theta / lambda) + log_cosh(2.0 / lambda) - 2.0 * log_cosh(2.0 * theta / lambda));
      farthest = std::max({farthest, std::abs(h.dual_value - formula_h), std::abs(loss.value - formula_loss)});
      const double exact = (std::abs(theta) - 1.0) * (std::abs(theta) - 1.0);
      table.add({name, std::string("formula"), theta, formula_h, 0.5 * formula_loss, exact});
      if (k % 6 == 0) table.add({name, std::string("solved"), theta, h.dual_value, 0.5 * loss.value, kUnknown});
    }
    const Json formula{{"lambda", name}, {"kind", "formula"}}, solved{{"lambda", name}, {"kind", "solved"}};
    panels.push_back(
        {{"title", name},
         {"series",
          {curve("W_c = (|θ| − 1)²", "exact", "dashed", formula), curve("h = d, formula", "h", "line", formula), curve("h = d, solved", "h", "points", solved),
           curve("L_λ/2, formula", "half_loss", "line", formula), curve("L_λ/2, solved", "half_loss", "points", solved)}}});
  }
  table.write(context.folder / "loss-line.csv");
  part.figures.push_back(curves_figure(
      "loss-line", "The line: h = d and the Sinkhorn loss over θ",
      "x and y are ±1, uniform, G = θx, squared cost, KL; the truth is θ = ±1. The minimum of h moves inwards as λ grows, and from λ = 2 on is at 0, where the "
      "generator gives a single point. L_λ has its minimum at the truth for every λ (R13), is flatter there the larger λ, and is stationary at θ = 0 too.",
      "theta", "θ", "value", false, false, std::move(panels)));
  part.facts.push_back(fmt::format("On the line, solved values of d and of L_λ agree with their formulas to {:.1e}.", farthest));
}

void minima(const ExperimentContext& context, Part& part) {
  CsvTable table({"kind", "lambda", "h", "loss"});
  double collapse = 0.0, worst_loss = 0.0, before = 1.0;  // collapse: the smallest λ from which on h has collapsed at every larger one tried
  bool inwards = true;
  const auto formula = [](double lambda) {  // θ = tanh(2θ/λ)
    if (lambda >= 2.0) return 0.0;
    double theta = 1.0;
    for (int k = 0; k < 20'000; ++k) theta = std::tanh(2.0 * theta / lambda);
    return theta;
  };
  for (const double lambda : logarithmic(0.05, 20.0, 300)) table.add({std::string("formula"), lambda, formula(lambda), 1.0});
  std::vector<double> lambdas = logarithmic(0.1, 20.0, 2 * context.settings.integer("lambdas"));
  lambdas.push_back(2.0);
  std::sort(lambdas.begin(), lambdas.end());
  for (const double lambda : lambdas) {
    const double h = minimum([&](double theta) { return gradient_of_d(theta, lambda); });
    const double loss = minimum([&](double theta) { return gradient_of_loss(theta, lambda); });
    collapse = h > 0.0 ? 0.0 : collapse == 0.0 ? lambda : collapse;
    inwards = inwards && h <= before + 1e-9;
    before = h;
    worst_loss = std::max(worst_loss, std::abs(loss - 1.0));
    table.add({std::string("solved"), lambda, h, loss});
  }
  table.write(context.folder / "minima.csv");
  part.figures.push_back(curves_figure(
      "minima", "The line: where the minimum is, against λ",
      "The θ ≥ 0 at which the derivative of h, or of L_λ, changes its sign from − to +. For h it solves θ = tanh(2θ/λ): the bias grows with λ until "
      "h collapses to θ = 0 at λ = 2.",
      "lambda", "λ", "minimum θ*", true, false,
      Json::array({{{"title", ""},
                    {"series",
                     {curve("θ = tanh(2θ/λ)", "h", "line", {{"kind", "formula"}}), curve("minimum of h, solved", "h", "points", {{"kind", "solved"}}),
                      curve("minimum of L_λ, solved", "loss", "points", {{"kind", "solved"}})}},
                    {"lines", {{{"x", 2.0}, {"legend", "λ = 2"}}}}}})));
  part.advice.push_back(advice_entry(
      "How large may λ be if h itself is trained?",
      collapse > 0.0 && worst_loss < 1e-6
          ? fmt::format("Small: on the line the minimum of h {}had collapsed to a point at λ = {:.3g} and all larger ones tried. L_λ kept its minimum at the "
                        "truth, to six "
                        "digits, at every λ.",
                        inwards ? "moves inwards with λ, and " : "", collapse)
          : fmt::format("Not decided: {}.", collapse > 0.0 ? "the minimum of L_λ moved" : "h did not collapse at every large λ"),
      {fmt::format("Minimum of h on the line: {:.4f} at λ = 1, by its formula; the truth is 1.", formula(1.0)),
       collapse > 0.0 ? fmt::format("The smallest λ tried from which on h has collapsed: {:.3g}; R13 says 2.", collapse)
                      : std::string("h has not collapsed at the largest λ tried; R13 says from 2 on."),
       fmt::format("The minimum of L_λ is within {:.1e} of the truth. By symmetry L_λ is stationary at θ = 0 as well: a start there stays.", worst_loss)}));
}

SinkhornProblem bipartite_graph(double lambda) {
  SinkhornProblem p;
  p.a = Vector<double>::Constant(2, 0.5);
  p.b = Vector<double>::Constant(3, 1.0 / 3.0);
  p.xy = Points<double>::Ones(2, 3);
  p.xx = 2.0 * (Points<double>::Ones(2, 2) - Points<double>::Identity(2, 2));
  p.yy = 2.0 * (Points<double>::Ones(3, 3) - Points<double>::Identity(3, 3));
  p.lambda = lambda;
  return p;
}

void negative_losses(const ExperimentContext& context, const HeldBounds& bounds, Part& part) {
  CsvTable table({"lambda", "loss", "sharp", "formula"});
  const double limit = bounds.loss_at_infinity(bipartite_graph(1.0));
  double least = 0.0, at = 0.0, first = 0.0;
  Index negative = 0, tried = 0;
  for (const double lambda : logarithmic(0.05, 1e3, 3 * context.settings.integer("lambdas"))) {
    const SinkhornLoss loss = sinkhorn_loss(bipartite_graph(lambda), {1e-12, 20'000});
    const double u = 1.0 / lambda;
    const double log_cosh = u + std::log1p(std::exp(-2.0 * u)) - std::log(2.0);
    const double formula = 1.0 + lambda * log_cosh + lambda * std::log((1.0 + 2.0 * std::exp(-2.0 * u)) / 3.0);
    table.add({lambda, loss.value, loss.sharp_value, formula});
    const double high = loss.value + loss.gap;
    first = high >= 0.0 ? 0.0 : first == 0.0 ? lambda : first;  // the smallest λ from which on it is negative at every one tried
    negative += high < 0.0 ? 1 : 0;
    tried += 1;
    if (high < least) {
      least = high;
      at = lambda;
    }
  }
  table.write(context.folder / "negative-loss.csv");
  part.figures.push_back(curves_figure(
      "negative-loss", "The Sinkhorn loss of two laws on the graph K₂,₃",
      "Uniform laws on the two sides of the complete bipartite graph, with the distance of the graph: 1 between the sides, 2 within one. F5 and F6: the loss "
      "is negative for all large λ and tends to −1/3, which no squared MMD can be, as the distance is not of negative type.",
      "lambda", "λ", "Sinkhorn loss", true, false,
      Json::array(
          {{{"title", ""},
            {"series", {curve("formula, with d", "formula", "line"), curve("solved, with d", "loss", "points"), curve("solved, with d̄", "sharp", "points")}},
            {"lines", {{{"y", 0.0}}, {{"y", limit}, {"legend", "limit λ → ∞ by R16"}}}}}})));
  SinkhornProblem squared;
  Points<double> x(2, 1), y(3, 1);
  x << 0.0, 5.0;
  y << 6.0, 4.0, 0.0;
  Vector<double> b(3);
  b << 3.0 / 13.0, 5.0 / 13.0, 5.0 / 13.0;
  squared = sinkhorn_problem(GroundCost::squared, Vector<double>::Constant(2, 0.5), x, b, y, 16.0, Regulariser::quadratic);
  const SinkhornLoss loss = sinkhorn_loss(squared, {1e-9, 20'000});
  if (loss.certified())
    part.facts.push_back(
        fmt::format("Squared cost on the line, quadratic regulariser, x = (0, 5) uniform, y = (6, 4, 0) with weights (3, 5, 5)/13, λ = 16: the "
                    "paper's loss with d̄ is {:.4f}, with d {:.4f}.",
                    loss.sharp_value, loss.value));
  part.advice.push_back(advice_entry(
      "Can the Sinkhorn loss be negative?",
      least < 0.0
          ? fmt::format("Yes, for a cost that is a distance: on K₂,₃ it was at {}, down to {:.3f}; so a small loss does not mean that the laws are near.",
                        first > 0.0 ? fmt::format("λ = {:.3g} and every larger λ tried", first) : fmt::format("{} of {} λ tried", negative, tried), least)
          : std::string("Not decided: it was not negative here."),
      {fmt::format("Least value, as an upper bound: {:.4f} at λ = {:.3g}. Limit λ → ∞ by R16: {:.4f}.", least, at, limit),
       "Costs of negative type (L1, squared, cosine) have a squared MMD as their limit, which is never negative."}));
}

}  // namespace

Part loss_part(const ExperimentContext& context, const HeldBounds& bounds) {
  Part part;
  along_theta(context, part);
  minima(context, part);
  negative_losses(context, bounds, part);
  return part;
}

}  // namespace slicecheck::transport_theorems
