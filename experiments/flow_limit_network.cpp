/// Part of `flow-limit`: report 000's network, for which no solution is known: a step-halved reference takes the place of S(K) (claim T1).

#include <cmath>
#include <numbers>

#include "flow_limit.h"
#include "slicecheck/core/error.h"
#include "slicecheck/core/parallel.h"
#include "slicecheck/dynamics/path_distance.h"
#include "slicecheck/generators/dense_mlp.h"
#include "slicecheck/loss/cpu_loss.h"
#include "slicecheck/reporting/csv_table.h"
#include "summary.h"

namespace slicecheck {

namespace {

/// Looks at a path, equally spaced in [0, S]: rows in single precision, 2⁻²⁴ of ‖u‖ being far below every distance here.
using Snapshots = Points<float>;

constexpr Index kLooksPerUnit = 32;

struct Network {
  std::shared_ptr<const DenseMlp<double>> generator;
  std::shared_ptr<const FiniteLaw> source;
  std::shared_ptr<const FiniteLaw> target;
  Index n;
  Eigen::VectorXd u0;
  double horizon;
  std::vector<double> step_sizes;

  [[nodiscard]] Index looks() const { return static_cast<Index>(std::llround(horizon * kLooksPerUnit)) + 1; }
};

Points<double> atoms_of(const Law& law) {
  Points<double> out(law.atom_count(), law.dimension());
  for (Index k = 0; k < out.rows(); ++k) out.row(k) = law.atom(k);
  return out;
}

Network make_network(const ExperimentContext& context) {
  const Settings& s = context.settings;
  Network out;
  out.generator = std::make_shared<DenseMlp<double>>(2, s.integers("network.hidden"), 2, Activation::relu);
  const Index atoms = s.integer_at_least("network.atoms", 2);
  out.source = FiniteLaw::discretised(*Gaussian::standard(2), atoms, {context.seed, Purpose::law, 1, 0});
  out.target = FiniteLaw::discretised(*law_by_name("two-moons"), atoms, {context.seed, Purpose::law, 2, 0});
  out.n = s.integer_at_least("network.batch", 1);
  out.horizon = s.number("network.horizon");
  out.step_sizes = halved_step_sizes(s.number("network.first_step"), s.integer_at_least("network.step_sizes", 3));
  out.u0 = out.generator->initial({context.seed, Purpose::initial, stream_replicate(kFlowNetwork, 0), 0});
  if (!(out.horizon >= 1.0)) reject("settings: network.horizon is {}; it must be at least 1", out.horizon);
  return out;
}

/// F by `directions` equally spaced directions of the half circle.
class Reference {
 public:
  Reference(const Network& network, Index directions)
      : network_(network),
        inputs_(atoms_of(*network.source)),
        loss_(probabilities(network), atoms_of(*network.target), probabilities(network), network.n, spaced(directions)) {}

  /// Heun's method with `steps` steps for each look.
  [[nodiscard]] Snapshots solve(Index steps) const {
    Snapshots out(network_.looks(), network_.u0.size());
    Eigen::VectorXd u = network_.u0;
    out.row(0) = u.cast<float>().transpose();
    const double h = 1.0 / static_cast<double>(kLooksPerUnit * steps);
    for (Index look = 1; look < out.rows(); ++look) {
      for (Index i = 0; i < steps; ++i) {
        const Eigen::VectorXd first = gradient(u);
        u -= (0.5 * h) * (first + gradient(u - h * first));
      }
      out.row(look) = u.cast<float>().transpose();
    }
    return out;
  }

  [[nodiscard]] double value(const Eigen::VectorXd& u) const { return loss_.evaluate(network_.generator->forward(u, inputs_)).value; }

 private:
  static std::vector<double> probabilities(const Network& network) {
    return std::vector<double>(static_cast<std::size_t>(network.source->atom_count()), 1.0 / static_cast<double>(network.source->atom_count()));
  }
  static Points<double> spaced(Index count) {
    Points<double> out(count, 2);
    for (Index l = 0; l < count; ++l) {
      const double phi = std::numbers::pi * (static_cast<double>(l) + 0.5) / static_cast<double>(count);
      out.row(l) << std::cos(phi), std::sin(phi);
    }
    return out;
  }
  [[nodiscard]] Eigen::VectorXd gradient(const Eigen::VectorXd& u) const {
    const auto line = network_.generator->linearise(u, inputs_);
    return line->pullback(loss_.evaluate(line->images()).gradient);
  }

  const Network& network_;
  Points<double> inputs_;
  ExpectedLoss loss_;
};

Snapshots train(const Network& network, double alpha, std::uint64_t seed, std::uint32_t replicate) {
  TrainingParts<double> parts;
  parts.generator = network.generator;
  parts.loss = std::make_shared<CpuLoss<double>>(2.0);
  parts.sampler = std::make_shared<FreshBatches<double>>(network.source, network.target, SamplerSettings{network.n, 1, seed, replicate});
  parts.scheme = std::make_shared<Sgd<double>>();
  parts.schedule = make_schedule({.initial = alpha});
  parts.seed = seed;
  parts.replicate = replicate;
  const double steps_per_look = 1.0 / (alpha * static_cast<double>(kLooksPerUnit));
  if (!(steps_per_look >= 1.0) || steps_per_look != std::floor(steps_per_look))
    reject("settings: the step size {} of the network does not fit {} looks a unit of time: it must be 1/{} divided by a whole number", alpha, kLooksPerUnit,
           kLooksPerUnit);
  Snapshots out(network.looks(), network.u0.size());
  State<double> state{network.u0, 0};
  out.row(0) = state.u.cast<float>().transpose();
  for (Index look = 1; look < out.rows(); ++look) {
    for (double i = 0.0; i < steps_per_look; i += 1.0) advance(parts, state);
    out.row(look) = state.u.cast<float>().transpose();
  }
  return out;
}

/// d_C stopped at ⌊S⌋, from the looks.
double distance(const Snapshots& a, const Snapshots& b) {
  const auto gap = [&](double s) {
    const auto look = static_cast<Index>(std::llround(s * static_cast<double>(kLooksPerUnit)));
    return (a.row(look).cast<double>() - b.row(look).cast<double>()).norm();
  };
  return path_distance(gap, 1.0 / static_cast<double>(kLooksPerUnit), (a.rows() - 1) / kLooksPerUnit).stopped;
}

struct Errors {
  double step;        ///< between the last two step halvings: Heun's error falls by 2 at least from one to the next, so that it bounds what is left
  double quadrature;  ///< between L and 2L directions: if it falls like 1/L, twice this is left
  [[nodiscard]] double together() const { return step + 2.0 * quadrature; }
};

}  // namespace

ConvergencePart flow_limit_network(const ExperimentContext& context) {
  ConvergencePart part;
  const Network network = make_network(context);
  const Index rows = context.settings.integer_at_least("network.replicates", 2) / 2;
  const Index directions = context.settings.integer_at_least("network.directions", 2);
  const Index steps = context.settings.integer_at_least("network.reference_steps", 1);
  std::vector<Snapshots> references(4);
  const Reference fine(network, directions);
  const Reference finer(network, 2 * directions);
  parallel_for(4, [&](Index i) {
    context.progress.update(context.folder.filename().string() + ": reference flow of the network", static_cast<double>(i) / 4.0);
    references[static_cast<std::size_t>(i)] = i == 3 ? finer.solve(steps) : fine.solve(steps << i);
  });
  const Snapshots& flow = references[2];
  const Errors errors{distance(references[1], references[2]), distance(references[0], references[3])};
  const auto count = static_cast<Index>(network.step_sizes.size());
  // Columns, for each α: two runs against the flow; run a against run a at α/2; run a against run b.
  const Points<double> table = replicate_table(context, "network", rows, 4 * count, [&](Index r, Eigen::Ref<Eigen::RowVectorXd> row) {
    Snapshots before;
    for (Index j = 0; j < count; ++j) {
      const double alpha = network.step_sizes[static_cast<std::size_t>(j)];
      const Snapshots a = train(network, alpha, context.seed, stream_replicate(kFlowNetwork, 1 + 2 * (r * count + j)));
      row[4 * j] = distance(a, flow);
      if (j > 0) row[4 * j - 2] = distance(before, a);
      const Snapshots b = train(network, alpha, context.seed, stream_replicate(kFlowNetwork, 2 + 2 * (r * count + j)));
      row[4 * j + 1] = distance(b, flow);
      row[4 * j + 3] = distance(a, b);
      before = a;
    }
  });
  ConvergenceData data;
  data.step_sizes = network.step_sizes;
  data.etas = flow_limit_settings(context.settings).etas;
  CsvTable distances({"series", "alpha", "median", "low", "high"});
  for (Index j = 0; j < count; ++j) {
    std::vector<double> upper;
    std::vector<double> lower;
    std::vector<double> halves;
    std::vector<double> spread;
    for (Index r = 0; r < rows; ++r) {
      for (const Index run : {Index{0}, Index{1}}) {
        upper.push_back(std::min(1.0, table(r, 4 * j + run) + errors.together()));
        lower.push_back(std::max(0.0, table(r, 4 * j + run) - errors.together()));
      }
      if (j + 1 < count) halves.push_back(table(r, 4 * j + 2));
      spread.push_back(table(r, 4 * j + 3));
    }
    const auto add = [&](const std::string& series, const std::vector<double>& values) {
      const Interval interval = median_interval(values, 0.95);
      distances.add(
          {series, network.step_sizes[static_cast<std::size_t>(j)], medians_of({values}).front(), std::max(interval.low, 0.0), std::min(interval.high, 1.0)});
    };
    add("SGD and the reference flow, with its error", upper);
    if (j + 1 < count) add("SGD at α and SGD at α/2", halves);
    add("two replicates of SGD", spread);
    data.upper.push_back(std::move(upper));
    data.lower.push_back(std::move(lower));
  }
  const ConvergenceJudgement judged = judge_convergence(data, kFlowLimitLevel, context.seed);
  const auto half_distance = [&](Index j) {
    const Eigen::VectorXd values = table.col(4 * j + 2);
    return medians_of({{values.begin(), values.end()}}).front();
  };
  const double f0 = finer.value(network.u0);
  const double f1 = finer.value(flow.row(flow.rows() - 1).cast<double>().transpose());
  part.verdicts.push_back(
      {"T1", fmt::format("ReLU network, {} parameters", network.u0.size()),
       "P(d_C(u_α, flow) > η) → 0 as α → 0, the flow being a step-halved reference from one u₀",
       fmt::format("{}; error of the reference {:.1e} (steps) + 2 · {:.1e} (directions)", judged.measured, errors.step, errors.quadrature),
       fmt::format("{} replicates at each of {} step sizes", 2 * rows, count),
       fmt::format("false alarm ≤ {:.0e}, for the measured step sizes; the error of the reference is estimated by halving, not certified", kFlowLimitLevel),
       judged.outcome, Outcome::holds});
  part.facts.push_back(
      fmt::format("The network of {} parameters: along the reference flow F falls from {:.4g} to {:.4g} by s = {}, while ‖u‖ moves by {:.3g}. d_C between "
                  "paths of α and α/2 has median {:.3g} at the largest α and {:.3g} at the smallest.",
                  network.u0.size(), f0, f1, network.horizon, (flow.row(flow.rows() - 1) - flow.row(0)).norm(), half_distance(0), half_distance(count - 2)));
  if (context.writes) distances.write(context.folder / "network.csv");
  Json series = Json::array();
  for (const char* name : {"SGD and the reference flow, with its error", "SGD at α and SGD at α/2", "two replicates of SGD"})
    series.push_back({{"label", name}, {"y", "median"}, {"low", "low"}, {"high", "high"}, {"where", {{"series", name}}}});
  part.figures.push_back(
      {{"kind", "curves"},
       {"id", "network"},
       {"title", fmt::format("A network of {} parameters", network.u0.size())},
       {"caption",
        fmt::format("Hidden widths {}, {} atoms of a Gaussian onto {} of two moons, batches of {}; all runs from one u₀ (its law is no matter here, "
                    "and not absolutely continuous). Reference: "
                    "Heun's method on F between the finite laws, {} directions, step halved until 1/{}; its estimated error, {:.1e}, is added to the "
                    "distance. Paths are looked at {} times a unit of time. d_C is stopped at {}. Bars: 95 % for each median.",
                    fmt::join(context.settings.integers("network.hidden"), ", "), network.source->atom_count(), network.target->atom_count(), network.n,
                    directions, kLooksPerUnit * (steps << 2), errors.together(), kLooksPerUnit, std::floor(network.horizon))},
       {"file", "network.csv"},
       {"x", "alpha"},
       {"x_label", "step size α"},
       {"y_label", "d_C (median)"},
       {"log_x", true},
       {"log_y", true},
       {"panels",
        {{{"title", ""},
          {"series", series},
          {"lines", {{{"slope", 0.5}, {"through", {network.step_sizes.back(), 0.8 * judged.slope.medians.back()}}, {"label", "slope 1/2"}}}}}}}});
  return part;
}

}  // namespace slicecheck
