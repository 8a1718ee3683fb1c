#pragma once
/// Arms: the trainings that an experiment compares, run side by side, each with its own checkpoint.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "experiment.h"
#include "slicecheck/dynamics/run.h"

namespace slicecheck {

/// One training of an experiment. Networks are trained in single precision, as in practice.
struct Arm {
  std::string id;       ///< names files: letters, digits, -
  std::string target;   ///< the row of a table it belongs to
  std::string variant;  ///< the way of training, the same words for every target
  TrainingParts<float> parts;
  std::shared_ptr<const Law> source;  ///< what F is taken over
  std::shared_ptr<const Law> target_law;
  std::optional<double> report_f;  ///< the F that the report prints for this target, radius and noise
  std::uint64_t epoch = 0;
  double sphere_radius = 0.0;
  std::string description;  ///< settings in words; part of the checkpoint's fingerprint
};

/// How arms are evaluated.
struct EvaluationSettings {
  ObjectiveSettings objective;
  Index w2_points = 500;  ///< sample size of the exact W_2²
};

/// Values of an evaluation, by position in EvaluationRow::values.
enum EvaluationValue : std::size_t { kF, kFLow, kFHigh, kFError, kW2, kEvaluationValues };

struct ArmResult {
  const Arm* arm;
  TrainingRecord<float> record;

  [[nodiscard]] double first(EvaluationValue value) const { return record.evaluations.front().values[value]; }
  [[nodiscard]] double last(EvaluationValue value) const { return record.evaluations.back().values[value]; }
};

/// The loss that the trainings of a run descend: SW_2² in float, on the device that the run was given. F is estimated on the processor, whatever that is.
std::shared_ptr<const SampleLoss<float>> training_loss(const ExperimentContext& context);

/// Runs all arms, in parallel over arms; the results are in the order of the arms. Settings used: steps, record_every, evaluate_every, checkpoint.steps,
/// checkpoint.seconds.
std::vector<ArmResult> run_arms(const std::vector<Arm>& arms, const EvaluationSettings& evaluation, const ExperimentContext& context);

/// What sampling alone leaves: F and W_2² between two independent batches of the target itself.
struct Floor {
  MeanEstimate f;
  double w2;
};
Floor target_floor(const Law& target, const EvaluationSettings& evaluation, std::uint64_t seed);

/// ‖u_0‖ as the generator draws it, before a scheme projects it.
double initial_norm(const Arm& arm);

/// Points for a figure: images of fresh inputs under the final u.
Points<float> generated_points(const Arm& arm, const Vector<float>& u, Index count);

/// evaluations.csv (arm, target, variant, step, F, interval, W_2²), trajectory.csv (step, time, step size, loss, norms) and parameters.csv (a checksum and the
/// norm of every final u).
void write_arm_tables(const std::vector<ArmResult>& results, const std::filesystem::path& folder);

/// Evaluation settings from the keys evaluation.batches, evaluation.directions, evaluation.w2_points, and batch.
EvaluationSettings evaluation_settings(const Settings& settings);

}  // namespace slicecheck
