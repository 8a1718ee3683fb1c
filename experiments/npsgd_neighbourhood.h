#pragma once
/// The parts of the experiment `npsgd-neighbourhood`: where NPSGD is found after a long time (claims T4, T5), and which assumptions that needs (T6).

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "convergence.h"
#include "slicecheck/dynamics/critical_set.h"
#include "slicecheck/dynamics/testbeds.h"

namespace slicecheck::npsgd {

/// Verdicts are judged at this level each; there are at most kMostVerdicts of them.
constexpr Index kMostVerdicts = 40;
constexpr double kLevel = kExperimentFalseAlarm / static_cast<double>(kMostVerdicts);

/// A distance is said to stay where the slope of its log median against log α is surely below this: NPSGD's is about 1/2.
constexpr double kFlat = 0.4;

/// Numbers of tables of replicates (stream_replicate).
enum ReplicateTable : std::uint32_t { kOccupation = 0, kDensity = 64, kVariants = 128, kBoundary = 512, kPlainSgd = 640, kNetworks = 704, kAssumptions = 768 };

/// One testbed with one ball B(0, r): a CASE.
struct Setup {
  const Testbed* testbed;
  bool large;                ///< the ball that is meant to hold C_r inside; otherwise the one with points of C_r on its sphere
  double radius;             ///< r
  double horizon;            ///< S: runs end at flow time S
  double first_step_size;    ///< α_0
  std::vector<double> etas;  ///< ascending
  CriticalSet critical;      ///< C_r
  Eigen::VectorXd centre;    ///< u0 is uniform in B(centre, spread) ⊂ B(0, r), far from C_r
  double spread;

  [[nodiscard]] std::string title() const;  ///< "two-point line, r = 0.2"
  [[nodiscard]] Index parameters() const { return testbed->generator->parameters(); }
};

/// "η = 0.10 r"
std::string threshold_text(const Setup& setup, std::size_t eta);

/// judge_convergence at kLevel and kFlat; inconclusive, and says why, where a median is 0 or infinite and has no logarithm.
ConvergenceJudgement judge_distances(const ConvergenceData& data, std::uint64_t seed);

/// The line's runs are short and its distances scatter down to 0: three times as many of them where something is judged.
Index judged_replicates(const Setup& setup, Index replicates);

/// The key of a testbed in the settings: line, tanh, relu.
std::string settings_key(const Testbed& testbed);
const std::vector<const Testbed*>& neighbourhood_testbeds();

/// Every testbed with its large and its small ball. @throws InputError for settings that make no sense.
std::vector<Setup> make_setups(const Settings& settings);

/// C_r of a testbed: in closed form on the line, by search for the pairs.
CriticalSet critical_set_of(const Testbed& testbed, double radius);

/// Distance of u to the resolved critical points found: an upper bound of dist(u, C_r), and cheap.
double distance_to_points(const CriticalSet& critical, VectorView<double> u);

/// How a run is started and stepped.
struct Walk {
  const Testbed* testbed;
  Eigen::VectorXd centre;  ///< of the ball that u0 is uniform in
  double spread;
  std::shared_ptr<const Scheme<double>> scheme;
  double alpha;
  double horizon;  ///< S
};
/// Calls visit(s, u) for u_0, u_1, …, u_T at their flow times s = tα, T the least with Tα ≥ S. Returns u_T.
template <class Visit>
Eigen::VectorXd visit_walk(const Walk& walk, std::uint64_t seed, std::uint32_t replicate, const Visit& visit) {
  const TrainingParts<double> parts = testbed_training(*walk.testbed, walk.alpha, seed, replicate, walk.scheme,
                                                       std::make_shared<StartsInBall>(walk.testbed->generator, walk.centre, walk.spread));
  State<double> state = start(parts);
  const auto steps = static_cast<std::uint64_t>(std::ceil(walk.horizon / walk.alpha - 1e-9));
  visit(0.0, state.u);
  for (std::uint64_t t = 1; t <= steps; ++t) {
    advance(parts, state);
    visit(static_cast<double>(t) * walk.alpha, state.u);
  }
  return state.u;
}
Eigen::VectorXd end_of_walk(const Walk& walk, std::uint64_t seed, std::uint32_t replicate);

/// The subgradient flow from u0, kept in the ball: `solve_flow` until it meets the sphere, from there on u ← π(u − h∇F(u)) with h = spacing. Rows (s, u), every
/// `spacing`.
Points<double> flow_in_ball(const FlowField& field, double radius, VectorView<double> u0, double horizon, double spacing);
/// Where projected gradient descent with a small step ends that is kept in the cube [−side, side]^{d_u}.
Eigen::VectorXd descent_in_cube(const FlowField& field, double side, Eigen::VectorXd u, double horizon, double spacing);

/// Noise a of NPSGD, setting `noise`.
double noise_of(const Settings& settings);

/// T4: distances, occupation, hitting times, excursions. Writes occupation.csv, distances.csv, entries.csv, critical_points.csv.
ConvergencePart occupation(const ExperimentContext& context, const std::vector<Setup>& setups);

/// Phase portraits of the pairs. Writes level_lines.csv, flow_lines.csv, density.csv.
ConvergencePart portraits(const ExperimentContext& context, const std::vector<Setup>& setups);

/// T4 and T6: other schemes at the same α, S and a. Writes variants.csv.
ConvergencePart variants(const ExperimentContext& context, const std::vector<Setup>& setups);

/// T5: how many runs end at the sphere, against r and α. Writes boundary.csv, radii.csv, sphere_distance.csv.
ConvergencePart boundary(const ExperimentContext& context);

/// T6: one assumption broken at a time. Writes assumptions.csv, assumption_rates.csv, explosion.csv, pieces.csv, jump.csv.
ConvergencePart assumptions(const ExperimentContext& context);

/// Goldstein's hull of ∇F at points of B(u, δ) ∩ B(0, r), and the ray R₊u near the sphere: the norm of its smallest point, an upper bound of the distance of 0
/// to the δ-enlarged set.
struct GoldsteinField {
  const FlowField& field;
  double radius;
  double delta;
  [[nodiscard]] double norm(const Eigen::VectorXd& u, const RandomStream& stream) const;
};

/// T4 for networks: the criticality residual of late iterates. Writes networks.csv.
ConvergencePart networks(const ExperimentContext& context);

Json assumptions_table();
Json explosion_figure();  ///< of explosion.csv
Json pieces_figure();     ///< of pieces.csv

/// A figure of kind curves with a logarithmic x.
Json curves(const std::string& id, const std::string& title, const std::string& caption, const std::string& file, const std::string& x,
            const std::string& x_label, const std::string& y_label, bool log_x, bool log_y, Json panels);

/// What a verdict of this experiment may be wrong with.
std::string level_text();

/// Six decimals: enough for a plot, and a short text in a file.
double for_plot(double value);

}  // namespace slicecheck::npsgd
