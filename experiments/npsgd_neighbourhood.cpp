/// Experiment `npsgd-neighbourhood`: noised projected SGD after a long time. Does it enter a neighbourhood of C_r that shrinks with α (T4), when is that on the
/// sphere (T5), and what becomes of it when an assumption is broken (T6)?
///
/// T4 is about limsup_{t→∞} first and α → 0 then. Runs end at a flow time S; that S is late enough is looked at by measuring at S/2 too.

#include "npsgd_neighbourhood.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "experiments.h"
#include "slicecheck/core/error.h"
#include "slicecheck/dynamics/flow.h"

namespace slicecheck::npsgd {

namespace {

double positive(const Settings& settings, const std::string& key) {
  const double value = settings.number(key);
  if (!std::isfinite(value) || !(value > 0.0)) reject("settings: {} is {}; it must be finite and positive", key, value);
  return value;
}

/// The point of a grid in B(0, 3r/4) that is farthest from C_r; of equals the first.
Eigen::VectorXd far_point(const CriticalSet& critical, Index parameters) {
  constexpr Index kHalf = 20;
  Eigen::VectorXd best = Eigen::VectorXd::Zero(parameters);
  double farthest = -1.0;
  for (Index a = -kHalf; a <= kHalf; ++a)
    for (Index b = -kHalf; b <= kHalf; ++b) {
      if (parameters == 1 && b != 0) continue;
      Eigen::VectorXd u(parameters);
      u[0] = static_cast<double>(a);
      if (parameters > 1) u[1] = static_cast<double>(b);
      u *= 0.75 * critical.radius() / static_cast<double>(kHalf);
      if (u.norm() > 0.75 * critical.radius()) continue;
      const double distance = critical.distance(u).lower;
      if (distance > farthest) {
        farthest = distance;
        best = u;
      }
    }
  return best;
}

Json summary_of(const ExperimentContext& context, const std::vector<ConvergencePart>& parts) {
  Json out{
      {"name", "npsgd-neighbourhood"},
      {"title", "Noised projected SGD: the neighbourhood of C_r"},
      {"description",
       "NPSGD, u⁺ = π_r(u − αφ + α·a·ε) with constant α, on three testbeds whose set C_r = {u ∈ B(0, r) : 0 ∈ −∂_C F(u) − N_r(u)} is known: the two-point "
       "line in closed form, two networks of two parameters by search. Claim T4 says that after a long time u is near C_r, the nearer the smaller α; T5 "
       "that for small r this is at points of the sphere ‖u‖ = r that need not be critical for F; T6 that the assumptions matter. Every probability is "
       "a share of independent runs at one moment, never a share of time within a run, and every step size has runs of its own. A limit is out of reach: "
       "judged is whether the distances fall over the measured step sizes. \"Holds\": a trend test says so, the slope of log median against log α is surely "
       "positive, and for some η more than half of the runs are beyond it at the largest α and fewer at the smallest. \"Refuted\": at the two smallest α more "
       "than half are beyond some η, and the median falls more slowly than α^" +
           fmt::format("{} (NPSGD's falls like √α or faster). All verdicts together are wrong by chance with probability at most {:.0e}. That the end of the "
                       "runs, flow time S, "
                       "stands for t → ∞ rests on comparing it with S/2.",
                       kFlat, kExperimentFalseAlarm)},
      {"profile", context.profile},
      {"seed", context.seed},
      {"facts", Json::array()},
      {"departures", Json::array()},
      {"tables", Json::array()},
      {"figures", Json::array()}};
  std::vector<ExperimentVerdict> verdicts;
  for (const ConvergencePart& part : parts) {
    for (const std::string& fact : part.facts) out["facts"].push_back(fact);
    for (const Json& table : part.tables) out["tables"].push_back(table);
    for (const Json& figure : part.figures) out["figures"].push_back(figure);
    verdicts.insert(verdicts.end(), part.verdicts.begin(), part.verdicts.end());
  }
  if (verdicts.size() > static_cast<std::size_t>(kMostVerdicts))
    throw Error(fmt::format("npsgd-neighbourhood: {} verdicts; their level is for {}", verdicts.size(), kMostVerdicts));
  out["verdicts"] = verdicts_json(verdicts);
  return out;
}

void run(const ExperimentContext& context) {
  const std::vector<Setup> setups = make_setups(context.settings);
  std::vector<ConvergencePart> parts;
  parts.push_back(occupation(context, setups));
  parts.push_back(portraits(context, setups));
  parts.push_back(networks(context));
  parts.push_back(boundary(context));
  parts.push_back(variants(context, setups));
  parts.push_back(assumptions(context));
  if (context.writes) write_json(context.folder / "summary.json", summary_of(context, parts));
}

}  // namespace

std::string Setup::title() const { return fmt::format("{}, r = {:.4g}", testbed->title, radius); }

std::string threshold_text(const Setup& setup, std::size_t eta) { return fmt::format("η = {:.2f} r", setup.etas[eta] / setup.radius); }

ConvergenceJudgement judge_distances(const ConvergenceData& data, std::uint64_t seed) {
  const std::vector<double> medians = medians_of(data.upper);
  const auto odd = std::find_if(medians.begin(), medians.end(), [](double median) { return !(median > 0.0) || !std::isfinite(median); });
  if (odd == medians.end()) return judge_convergence(data, kLevel, seed, kFlat);
  ConvergenceJudgement out;
  for (const auto& group : data.upper) {
    out.exceedances.emplace_back();
    for (const double eta : data.etas) out.exceedances.back().push_back(exceedance(group, eta, 0.95));
  }
  out.slope.medians = medians;
  const double unknown = std::numeric_limits<double>::quiet_NaN();
  out.slope.slope = out.slope.interval.low = out.slope.interval.high = unknown;
  out.measured = fmt::format("median {} at α = {}: no slope", *odd, power_text(data.step_sizes[static_cast<std::size_t>(odd - medians.begin())]));
  return out;
}

std::string settings_key(const Testbed& testbed) {
  if (testbed.name == "two-point-line") return "line";
  return testbed.name == "tanh-pair" ? "tanh" : "relu";
}

const std::vector<const Testbed*>& neighbourhood_testbeds() {
  static const std::vector<const Testbed*> all{&testbed_by_name("two-point-line"), &testbed_by_name("tanh-pair"), &testbed_by_name("relu-pair")};
  return all;
}

CriticalSet critical_set_of(const Testbed& testbed, double radius) {
  return testbed.name == "two-point-line" ? two_point_line_critical_set(testbed.n, radius) : find_critical_set(*testbed.field, radius);
}

double noise_of(const Settings& settings) { return positive(settings, "noise"); }

std::vector<Setup> make_setups(const Settings& settings) {
  std::vector<Setup> out;
  for (const Testbed* testbed : neighbourhood_testbeds()) {
    const std::string key = settings_key(*testbed);
    for (const bool large : {true, false}) {
      const double radius = positive(settings, key + (large ? ".large_radius" : ".small_radius"));
      CriticalSet critical = critical_set_of(*testbed, radius);
      const Eigen::VectorXd centre = far_point(critical, testbed->generator->parameters());
      std::vector<double> etas;
      for (const double fraction : {0.02, 0.03, 0.05, 0.1, 0.2, 0.4}) etas.push_back(fraction * radius);
      out.push_back({testbed, large, radius, positive(settings, key + ".horizon"),
                     positive(settings, key + (large ? ".large_first_step_size" : ".small_first_step_size")), std::move(etas), std::move(critical), centre,
                     0.1 * radius});
    }
  }
  return out;
}

double distance_to_points(const CriticalSet& critical, VectorView<double> u) {
  double least = std::numeric_limits<double>::infinity();
  for (const CriticalPoint& point : critical.points())
    if (point.resolved) least = std::min(least, (point.u - u).squaredNorm());
  return std::sqrt(least);
}

Eigen::VectorXd end_of_walk(const Walk& walk, std::uint64_t seed, std::uint32_t replicate) {
  return visit_walk(walk, seed, replicate, [](double, const Eigen::VectorXd&) {});
}

Points<double> flow_in_ball(const FlowField& field, double radius, VectorView<double> u0, double horizon, double spacing) {
  const auto count = static_cast<Index>(std::floor(horizon / spacing + 1e-9));
  Points<double> rows(count + 1, u0.size() + 1);
  // One unit of time after another: beyond the sphere the flow of F is not wanted.
  Eigen::VectorXd u = u0;
  rows.row(0) << 0.0, u.transpose();
  Index at = 1;
  bool inside = true;
  while (inside && at <= count) {
    const Index pieces = std::min(count - at + 1, static_cast<Index>(std::ceil(1.0 / spacing)));
    const FlowPath path = solve_flow(field, u, {.horizon = static_cast<double>(pieces) * spacing, .tolerance = 1e-7, .largest_step = 0.25});
    for (Index i = 1; i <= pieces && inside; ++i) {
      const Eigen::VectorXd next = path.at(std::min(static_cast<double>(i) * spacing, path.horizon()));
      inside = next.norm() < radius;
      if (!inside) break;
      u = next;
      rows.row(at) << static_cast<double>(at) * spacing, u.transpose();
      ++at;
    }
  }
  for (; at <= count; ++at) {
    u -= spacing * gradient_at(field, u);
    project_onto_ball(u, radius);
    rows.row(at) << static_cast<double>(at) * spacing, u.transpose();
  }
  return rows;
}

Eigen::VectorXd descent_in_cube(const FlowField& field, double side, Eigen::VectorXd u, double horizon, double spacing) {
  for (double s = 0.0; s < horizon; s += spacing) u = (u - spacing * gradient_at(field, u)).cwiseMax(-side).cwiseMin(side);
  return u;
}

Json curves(const std::string& id, const std::string& title, const std::string& caption, const std::string& file, const std::string& x,
            const std::string& x_label, const std::string& y_label, bool log_x, bool log_y, Json panels) {
  return {{"kind", "curves"},   {"id", id},       {"title", title}, {"caption", caption},         {"file", file}, {"x", x}, {"x_label", x_label},
          {"y_label", y_label}, {"log_x", log_x}, {"log_y", log_y}, {"panels", std::move(panels)}};
}

std::string level_text() { return fmt::format("false alarm ≤ {:.1g}, no law assumed", kLevel); }

Index judged_replicates(const Setup& setup, Index replicates) { return setup.parameters() == 1 ? 3 * replicates : replicates; }

double for_plot(double value) { return std::round(value * 1e6) / 1e6; }

}  // namespace slicecheck::npsgd

namespace slicecheck {

Experiment npsgd_neighbourhood(std::string quick, std::string full) {
  return {"npsgd-neighbourhood", "NPSGD near its critical set", std::move(quick), std::move(full), npsgd::run, true};
}

}  // namespace slicecheck
