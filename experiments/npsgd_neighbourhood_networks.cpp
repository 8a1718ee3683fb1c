/// T4 where C_r is out of reach: the criticality residual dist(0, ∂_C F(u_T) + N_r(u_T)) in place of dist(u_T, C_r), with what is known of its error.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "npsgd_neighbourhood.h"
#include "slicecheck/core/error.h"
#include "slicecheck/generators/dense_mlp.h"
#include "slicecheck/loss/cpu_loss.h"
#include "slicecheck/nonsmooth/goldstein.h"
#include "slicecheck/nonsmooth/minimum_norm.h"
#include "slicecheck/reporting/csv_table.h"
#include "summary.h"

namespace slicecheck::npsgd {

namespace {

/// Residuals of one network at falling α, from below and from above.
struct Residuals {
  std::string title;
  Index parameters;
  std::string how;
  ConvergenceData data;
  ConvergenceJudgement judged;
};

/// min over λ ≥ 0 of ‖g + λu‖ for u within `slack` of the sphere, ‖g‖ elsewhere.
double with_cone(const Eigen::VectorXd& g, const Eigen::VectorXd& u, double radius, double slack) {
  if (u.norm() < radius - slack) return g.norm();
  const double lambda = std::max(0.0, -g.dot(u)) / u.squaredNorm();
  return (g + lambda * u).norm();
}

/// Testbeds 2 and 3: F and its pieces are known. Off walls ∂_C F(u) = {∇F(u)}, so that the residual is exact up to rounding; u_T is off all walls almost
/// surely. A ReLU network has its minima on kinks, next to which ‖∇F‖ does not become small: there Goldstein's hull over points of B(u, δ) bounds the distance
/// to the δ-enlarged set from above, and nothing is known from below.
void fill_testbed(Residuals& out, const ExperimentContext& context, const Testbed& testbed, std::uint32_t number) {
  const Settings& s = context.settings;
  const Index replicates = s.integer_at_least("networks.replicates", 2);
  const double radius = s.number("networks.radius");
  const double horizon = s.number("networks.horizon");
  const double delta = s.number("networks.delta");
  const bool kinks = testbed.field->switches() > 0;
  const auto scheme = std::make_shared<NoisedProjectedSgd<double>>(radius, noise_of(s));
  const auto count = static_cast<Index>(out.data.step_sizes.size());
  const Points<double> rows = replicate_table(context, "network-" + testbed.name, count * replicates, 2, [&](Index i, Eigen::Ref<Eigen::RowVectorXd> row) {
    const double alpha = out.data.step_sizes[static_cast<std::size_t>(i / replicates)];
    const std::uint32_t replicate = stream_replicate(kNetworks + number, i);
    const Eigen::VectorXd u = end_of_walk({&testbed, testbed.centre, testbed.spread, scheme, alpha, horizon}, context.seed, replicate);
    if (!kinks) {
      row.setConstant(with_cone(gradient_at(*testbed.field, u), u, radius, 1e-9 * radius));
      return;
    }
    const GoldsteinField field{*testbed.field, radius, delta};
    row << 0.0, field.norm(u, RandomStream(context.seed, Purpose::cases, replicate, 0));
  });
  for (Index j = 0; j < count; ++j) {
    const auto block = rows.middleRows(j * replicates, replicates);
    out.data.lower.emplace_back(block.col(0).begin(), block.col(0).end());
    out.data.upper.emplace_back(block.col(1).begin(), block.col(1).end());
  }
}

Residuals measure(const ExperimentContext& context, const Testbed& testbed, std::uint32_t number) {
  Residuals out;
  out.title = testbed.title;
  out.parameters = testbed.generator->parameters();
  out.how = testbed.field->switches() > 0
                ? fmt::format("Goldstein's hull in B(u, {}), an upper bound of the distance to the δ-enlarged set", context.settings.number("networks.delta"))
                : "‖∇F‖, exact";
  out.data.step_sizes = halved_step_sizes(context.settings.number("networks.first_step_size"), context.settings.integer_at_least("networks.step_sizes", 3));
  out.data.etas = {0.01, 0.014, 0.02, 0.028, 0.04, 0.056, 0.08, 0.11, 0.16, 0.22, 0.32, 0.45};
  fill_testbed(out, context, testbed, number);
  out.judged = judge_distances(out.data, context.seed);
  return out;
}

// ---- a large network

struct Large {
  Index parameters = 0;
  double radius = 0.0;
  std::vector<double> step_sizes;
  std::vector<std::vector<double>> residual;  // [step size][replicate]: of Goldstein's hull
  std::vector<std::vector<double>> gradient;  // the smallest gradient in it, for comparison
};

/// Report 000's kind of network between finite laws. Goldstein's hull of gradients at points of B(u_T, δ), all with the SAME frozen batches: an upper bound,
/// for these batches.
Large measure_large(const ExperimentContext& context) {
  const Settings& s = context.settings;
  Large out;
  const auto network = std::make_shared<DenseMlp<double>>(2, s.integers("networks.hidden"), 2, Activation::relu);
  const Index atoms = s.integer_at_least("networks.atoms", 2);
  const std::shared_ptr<const FiniteLaw> source = FiniteLaw::discretised(*Gaussian::standard(2), atoms, {context.seed, Purpose::law, 3, 0});
  const std::shared_ptr<const FiniteLaw> target = FiniteLaw::discretised(*law_by_name("two-moons"), atoms, {context.seed, Purpose::law, 4, 0});
  const Index replicates = s.integer_at_least("networks.large_replicates", 2);
  out.parameters = network->parameters();
  out.step_sizes = halved_step_sizes(s.number("networks.large_first_step_size"), s.integer_at_least("networks.large_step_sizes", 2));
  const Eigen::VectorXd u0 = network->initial({context.seed, Purpose::initial, stream_replicate(kNetworks + 8, 0), 0});
  out.radius = 1.5 * u0.norm();
  const auto count = static_cast<Index>(out.step_sizes.size());
  const Points<double> rows = replicate_table(context, "network-large", count * replicates, 2, [&](Index i, Eigen::Ref<Eigen::RowVectorXd> row) {
    TrainingParts<double> parts;
    parts.seed = context.seed;
    parts.replicate = stream_replicate(kNetworks + 8, 1 + i);
    parts.generator = std::make_shared<StartsInBall>(network, u0, 1e-3);
    parts.loss = std::make_shared<CpuLoss<double>>(2.0);
    parts.sampler =
        std::make_shared<FreshBatches<double>>(source, target, SamplerSettings{s.integer_at_least("networks.batch", 1), 1, parts.seed, parts.replicate});
    parts.scheme = std::make_shared<NoisedProjectedSgd<double>>(out.radius, s.number("networks.large_noise"));
    const double alpha = out.step_sizes[static_cast<std::size_t>(i / replicates)];
    parts.schedule = make_schedule({.initial = alpha});
    State<double> state = start(parts);
    const auto steps = static_cast<std::uint64_t>(std::llround(s.number("networks.large_horizon") / alpha));
    while (state.step < steps) advance(parts, state);
    GoldsteinSettings goldstein;
    goldstein.delta = s.number("networks.large_delta");
    goldstein.radius = out.radius;
    goldstein.points = 16;
    goldstein.refinements = 16;
    goldstein.n = s.integer_at_least("networks.batch", 1);
    goldstein.batches = 32;
    const Goldstein found = goldstein_criticality(*network, *parts.loss, *source, *target, state.u, goldstein, context.seed, parts.replicate);
    row << found.norm, found.smallest_gradient;
  });
  for (Index j = 0; j < count; ++j) {
    const auto block = rows.middleRows(j * replicates, replicates);
    out.residual.emplace_back(block.col(0).begin(), block.col(0).end());
    out.gradient.emplace_back(block.col(1).begin(), block.col(1).end());
  }
  return out;
}

}  // namespace

double GoldsteinField::norm(const Eigen::VectorXd& u, const RandomStream& stream) const {
  // The gradients that the walls through B(u, δ) part, and those at random points.
  constexpr Index kPoints = 48;
  Points<double> gradients(kPoints, u.size());
  Eigen::VectorXd step(u.size());
  for (Index k = 0; k < kPoints; ++k) {
    stream.fill_normal(step, static_cast<std::uint64_t>(k) << 16);
    const double part = std::pow(stream.uniforms((static_cast<std::uint64_t>(k) << 16) + 0xFFFF)[0], 1.0 / static_cast<double>(u.size()));
    Eigen::VectorXd v = u + (delta * part / step.norm()) * step;
    project_onto_ball(v, radius);
    gradients.row(k) = gradient_at(field, v).transpose();
  }
  std::vector<MinkowskiSum::Term> terms{{1.0, std::make_shared<PointHull>(gradients)}};
  if (u.norm() >= radius - delta) terms.push_back({1.0, bounded_normal_cone(u, radius, gradients.rowwise().norm().maxCoeff(), delta)});
  return minimum_norm_point(MinkowskiSum(terms), {.gap = 0.0, .iterations = 2000}).norm;
}

ConvergencePart networks(const ExperimentContext& context) {
  ConvergencePart part;
  CsvTable table({"network", "parameters", "how", "alpha", "median", "low", "high"});
  std::uint32_t number = 0;
  const auto add = [&](const std::string& title, Index parameters, const std::string& how, double alpha, const std::vector<double>& values) {
    const Interval interval = median_interval(values, 0.95);
    table.add({title, static_cast<std::int64_t>(parameters), how, alpha, medians_of({values}).front(), std::max(0.0, interval.low), interval.high});
  };
  Json series = Json::array();
  const auto show = [&](const std::string& title) {
    series.push_back({{"label", title}, {"y", "median"}, {"low", "low"}, {"high", "high"}, {"where", {{"network", title}}}});
  };
  for (const std::string& name : {std::string("affine-plane"), std::string("tanh-plane"), std::string("relu-plane")}) {
    const Residuals one = measure(context, testbed_by_name(name), number++);
    for (std::size_t j = 0; j < one.data.step_sizes.size(); ++j) add(one.title, one.parameters, one.how, one.data.step_sizes[j], one.data.upper[j]);
    show(one.title);
    part.verdicts.push_back({"T4", fmt::format("{}, {} parameters", one.title, one.parameters),
                             testbed_by_name(name).field->switches() > 0
                                 ? "the distance of 0 from the δ-enlarged subdifferential at late iterates becomes small as α → 0"
                                 : "the criticality residual of late iterates becomes small as α → 0",
                             fmt::format("{}; {}", one.how, one.judged.measured),
                             fmt::format("{} replicates at each of {} step sizes", one.data.upper.front().size(), one.data.step_sizes.size()), level_text(),
                             one.judged.outcome, Outcome::holds});
  }
  const Large large = measure_large(context);
  const std::string title = fmt::format("ReLU network, {} parameters", large.parameters);
  for (std::size_t j = 0; j < large.step_sizes.size(); ++j) {
    add(title, large.parameters, "Goldstein's hull, frozen batches, from above", large.step_sizes[j], large.residual[j]);
    add(title + ": smallest gradient in the hull", large.parameters, "for comparison", large.step_sizes[j], large.gradient[j]);
  }
  show(title);
  show(title + ": smallest gradient in the hull");
  part.facts.push_back(
      fmt::format("The network of {} parameters: Goldstein's residual of the last iterates has median {:.3g} at α = {} and {:.3g} at {}; an upper bound, for "
                  "frozen batches, so "
                  "that small values say \"nearly critical for these batches\" and large ones nothing.",
                  large.parameters, medians_of({large.residual.front()}).front(), power_text(large.step_sizes.front()),
                  medians_of({large.residual.back()}).front(), power_text(large.step_sizes.back())));
  if (context.writes) table.write(context.folder / "networks.csv");
  part.figures.push_back(curves("networks", "Criticality residual where C_r is out of reach",
                                "Medians over replicates, against the step size; bands: 95 % for each median. Affine and tanh: dist(0, ∂_C F(u_T) + N_r(u_T)), "
                                "exact. ReLU: the distance of 0 from the set of all gradients in B(u_T, δ), which "
                                "is smaller; Goldstein's hull over points near u_T, an upper bound of it.",
                                "networks.csv", "alpha", "step size α", "residual or gradient (median)", true, true, {{{"title", ""}, {"series", series}}}));
  return part;
}

}  // namespace slicecheck::npsgd
