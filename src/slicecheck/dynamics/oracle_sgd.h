#pragma once
/// Training by regularised transport with an inexact oracle: SGD on h_λ(θ) = d(G_θ, Y) or on the Sinkhorn loss L_λ(θ) between finite laws (claims R7–R12).

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "slicecheck/dynamics/schedule.h"
#include "slicecheck/dynamics/scheme.h"
#include "slicecheck/generators/generator.h"
#include "slicecheck/loss/regularised/regularised_transport.h"

namespace slicecheck {

/// `transport`: h_λ(θ) = d between the images G_θ(x_i) with weights a and y_j with weights b. `sinkhorn`: L_λ(θ) = 2 d(G, Y) − d(G, G) − d(Y, Y), with d, whose
/// gradient is the plan's (R4, R12).
enum class OracleObjective { transport, sinkhorn };

/// transport or sinkhorn.
std::string_view oracle_objective_name(OracleObjective objective);

/// What such a training consists of.
struct OracleParts {
  std::shared_ptr<const Generator<double>> generator;
  Points<double> x;  ///< n×d_x atoms
  Vector<double> a;  ///< n weights
  Points<double> y;  ///< m×d atoms
  Vector<double> b;  ///< m weights
  GroundCost cost = GroundCost::squared;
  Regulariser regulariser = Regulariser::kl;
  double lambda = 1.0;
  OracleObjective objective = OracleObjective::transport;
  double tolerance = 1e-6;      ///< ε, in the units of the cost: each oracle goes on until its certified gap is at most that, and no further
  Index most_sweeps = 100'000;  ///< of each oracle; the half-steps that d(G, G) begins with are among them
  bool warm_start = true;       ///< the oracle begins with the potentials of the step before; otherwise with ψ = 0
  Index batch = 0;              ///< S atoms of each law at every step; 0: all of them, the full gradient Σ π ∇C
  bool shared_batch =
      false;  ///< sinkhorn: the self term's first slot has the x of the other term (R12: 9σ²), or its own (5σ²). Its second slot is always independent.
  std::shared_ptr<const Scheme<double>> scheme;
  std::shared_ptr<const Schedule> schedule;
  std::shared_ptr<const RegularisedTransport> transport;  ///< what solves and differentiates; null: `RegularisedTransport` itself
  std::uint64_t seed = 1;
  std::uint32_t replicate = 0;
};

/// Where it stands: all that the next step depends on.
struct OracleState {
  State<double> training;  ///< θ, t and what the scheme remembers
  DualPotentials between;  ///< of d(G, Y); empty before the first step
  DualPotentials within;   ///< of d(G, G); empty likewise, and for `transport`
};

/// What an oracle has found at some θ.
struct OracleAnswer {
  TransportSolution between;
  TransportSolution within;  ///< sinkhorn only
  double value = 0.0;        ///< h_λ or L_λ by dual values
  double gap = 0.0;          ///< |value − true value| is at most that: the certified gaps with their floors, twice that of d(G, Y) for `sinkhorn`
};

/// What one update did.
struct OracleReport {
  double value = 0.0;  ///< objective at the point the update started from, to within `error`
  double error = 0.0;
  double between_gap = 0.0;  ///< the ε that was reached
  double within_gap = 0.0;
  Index sweeps = 0;  ///< of all its oracles, all half-steps counted
  double step_size = 0.0;
  double gradient_norm = 0.0;  ///< ‖g‖
};

/// Indices of atoms: x and y of the first term, the two slots of the self term.
struct OracleBatch {
  std::vector<Index> x;
  std::vector<Index> y;
  std::vector<Index> first;
  std::vector<Index> second;
};

/// Algorithm 1 and, for `sinkhorn`, Algorithm 2. Everything virtual may be got wrong by a defect.
class OracleSgd {
 public:
  /// d(Y, Y) is solved here, once. @throws InputError for parts that are missing or do not fit together, naming what.
  explicit OracleSgd(OracleParts parts);
  virtual ~OracleSgd() = default;

  [[nodiscard]] const OracleParts& parts() const { return parts_; }

  /// θ0 as the generator draws it, then what the scheme does to it.
  [[nodiscard]] OracleState start() const;
  /// From a θ0 of the caller's. @throws InputError for a wrong size.
  [[nodiscard]] OracleState start_at(Vector<double> theta) const;

  /// The oracle at images z n×d: potentials with a gap of at most `tolerance`, beginning with those of `state` where parts().warm_start is set; then a
  /// half-step over φ, which lowers no D and gives every row of the plan its mass, so that R7 has √(2κ). d(G, G) begins with averaged half-steps of φ = −ψ.
  /// @throws InputError where the gap is out of reach, by name, and for potentials of `state` that are neither empty nor of the laws' sizes.
  [[nodiscard]] virtual OracleAnswer ask(PointsView<double> z, const OracleState& state, double tolerance) const;

  /// Σ over all atoms, n×d: the gradient G in the images that the answer's potentials give.
  [[nodiscard]] virtual Points<double> full_cotangent(PointsView<double> z, const OracleAnswer& answer) const;
  /// Its unbiased estimate from a batch (R11).
  [[nodiscard]] virtual Points<double> batch_cotangent(PointsView<double> z, const OracleAnswer& answer, const OracleBatch& batch) const;

  /// The S atoms of step t: index k of each of the four lists from point 4k + 0, 1, 2, 3 of the stream (seed, oracle_batch, replicate, t).
  [[nodiscard]] OracleBatch draw(std::uint64_t t) const;

  /// Objective and full gradient at θ with a gap of at most `tolerance`; `answer`, where given, gets the oracle's answer. Changes nothing.
  [[nodiscard]] Vector<double> gradient(VectorView<double> theta, double tolerance, const OracleState& state, OracleAnswer* answer = nullptr) const;

  /// One step: oracle, batch, gradient, scheme. @throws InputError, naming the step, where images, value or gradient are not finite.
  OracleReport advance(OracleState& state) const;

 protected:
  /// (G, Y) at the images z.
  [[nodiscard]] TransportProblem between(PointsView<double> z) const;
  /// (G, G) at the images z.
  [[nodiscard]] TransportProblem within(PointsView<double> z) const;
  [[nodiscard]] const RegularisedTransport& transport() const { return *transport_; }

 private:
  OracleParts parts_;
  std::shared_ptr<const RegularisedTransport> transport_;
  Vector<double> cumulative_a_;
  Vector<double> cumulative_b_;
  double within_y_ = 0.0;      // d(Y, Y)
  double within_y_gap_ = 0.0;  // and what is open in it
};

/// Writes the state as a `TrainingRecord` (dynamics/checkpoint.h): the potentials stand behind the scheme's own vectors. @throws InputError where it cannot be
/// written.
void save_oracle_state(const std::filesystem::path& path, const std::string& fingerprint, const OracleState& state);
/// The same state to the bit. @throws InputError as `load_checkpoint`, and for a checkpoint that is not of such a training. Sizes are judged by
/// `OracleSgd::ask`.
OracleState load_oracle_state(const std::filesystem::path& path, const std::string& fingerprint);

}  // namespace slicecheck
