#include "arm.h"

#include "shared_progress.h"
#include "slicecheck/core/build_info.h"
#include "slicecheck/core/error.h"
#include "slicecheck/core/parallel.h"
#include "slicecheck/loss/assignment.h"
#include "slicecheck/loss/cpu_loss.h"
#include "slicecheck/loss/cuda/cuda_loss.h"
#include "slicecheck/reporting/csv_table.h"

namespace slicecheck {

namespace {

double sampled_w2(const Points<float>& a, const Points<float>& b) { return exact_w2_squared(a.cast<double>(), b.cast<double>()); }

/// Draws of evaluations use step = 1024·t + batch; those of W_2² take the last slot.
RandomStream w2_stream(const Arm& arm, Purpose purpose, std::uint64_t step) { return {arm.parts.seed, purpose, arm.parts.replicate, 1024 * step + 1023}; }

std::vector<double> evaluate_arm(const Arm& arm, const EvaluationSettings& settings, const State<float>& state) {
  const CpuLoss<float> loss(2.0);
  const auto f = estimate_objective<float>(*arm.parts.generator, loss, *arm.source, *arm.target_law, state.u, settings.objective, arm.parts.seed,
                                           arm.parts.replicate, state.step);
  const auto x = arm.source->sample<float>(w2_stream(arm, Purpose::evaluation_source, state.step), settings.w2_points);
  const auto y = arm.target_law->sample<float>(w2_stream(arm, Purpose::evaluation_target, state.step), settings.w2_points);
  std::vector<double> values(kEvaluationValues);
  values[kF] = f.mean;
  values[kFLow] = f.interval.low;
  values[kFHigh] = f.interval.high;
  values[kFError] = f.standard_error;
  values[kW2] = sampled_w2(arm.parts.generator->forward(state.u, x), y);
  return values;
}

/// FNV-1a over the bytes of u: equal checksums of two runs mean equal bits.
std::string checksum(const Vector<float>& u) {
  std::uint64_t hash = 14695981039346656037ULL;
  const auto* bytes = reinterpret_cast<const unsigned char*>(u.data());
  for (std::size_t i = 0; i < static_cast<std::size_t>(u.size()) * sizeof(float); ++i) hash = (hash ^ bytes[i]) * 1099511628211ULL;
  return fmt::format("{:016x}", hash);
}

}  // namespace

EvaluationSettings evaluation_settings(const Settings& settings) {
  EvaluationSettings out;
  out.objective.n = settings.integer_at_least("batch", 1);
  out.objective.batches = settings.integer_at_least("evaluation.batches", 2);
  out.objective.directions = settings.integer_at_least("evaluation.directions", 1);
  out.w2_points = settings.integer_at_least("evaluation.w2_points", 1);
  return out;
}

std::shared_ptr<const SampleLoss<float>> training_loss(const ExperimentContext& context) {
  if (context.device == cuda::Where::cuda) return make_cuda_loss(2.0);
  return std::make_shared<CpuLoss<float>>(2.0);
}

std::vector<ArmResult> run_arms(const std::vector<Arm>& arms, const EvaluationSettings& evaluation, const ExperimentContext& context) {
  const Settings& settings = context.settings;
  SharedProgress shared(context.progress, context.folder.filename().string(), arms.size());
  std::vector<ArmResult> results(arms.size());
  parallel_for(static_cast<Index>(arms.size()), [&](Index i) {
    const Arm& arm = arms[static_cast<std::size_t>(i)];
    RunSettings<float> run;
    run.steps = static_cast<std::uint64_t>(settings.integer_at_least("steps", 1));
    run.record_every = static_cast<std::uint64_t>(settings.integer_at_least("record_every", 1));
    run.evaluate_every = static_cast<std::uint64_t>(settings.integer_at_least("evaluate_every", 0));
    run.epoch = arm.epoch;
    run.sphere_radius = arm.sphere_radius;
    run.evaluate = [&](const State<float>& state) { return evaluate_arm(arm, evaluation, state); };
    run.checkpoint = context.folder / "checkpoints" / (arm.id + ".cbor");
    run.checkpoint_every = static_cast<std::uint64_t>(settings.integer_at_least("checkpoint.steps", 0));
    run.checkpoint_seconds = settings.number("checkpoint.seconds");
    run.fingerprint = fmt::format("{} {} seed {} program {} loss {}\n{}\n{}", context.profile, arm.id, context.seed, build::fingerprint(),
                                  arm.parts.loss->name(), arm.description, settings.json().dump());
    run.resume = context.resume;
    PartProgress progress(shared, static_cast<std::size_t>(i));
    results[static_cast<std::size_t>(i)] = {&arm, run_training(arm.parts, run, arm.id, progress)};
  });
  return results;
}

Floor target_floor(const Law& target, const EvaluationSettings& evaluation, std::uint64_t seed) {
  const CpuLoss<float> loss(2.0);
  constexpr std::uint32_t kReplicate = 0xFFFF'FFFFU;  // apart from every training's draws
  std::vector<double> values;
  for (Index b = 0; b < evaluation.objective.batches; ++b) {
    const auto step = static_cast<std::uint64_t>(b);
    const auto one = target.sample<float>({seed, Purpose::evaluation_source, kReplicate, step}, evaluation.objective.n);
    const auto two = target.sample<float>({seed, Purpose::evaluation_target, kReplicate, step}, evaluation.objective.n);
    const auto theta = uniform_directions<float>({seed, Purpose::evaluation_directions, kReplicate, step}, evaluation.objective.directions, target.dimension());
    values.push_back(loss.values(one, two, theta).mean());
  }
  const auto one = target.sample<float>({seed, Purpose::evaluation_source, kReplicate, 1023}, evaluation.w2_points);
  const auto two = target.sample<float>({seed, Purpose::evaluation_target, kReplicate, 1023}, evaluation.w2_points);
  return {mean_with_t_interval(values, evaluation.objective.confidence), sampled_w2(one, two)};
}

double initial_norm(const Arm& arm) { return arm.parts.generator->initial({arm.parts.seed, Purpose::initial, arm.parts.replicate, 0}).cast<double>().norm(); }

Points<float> generated_points(const Arm& arm, const Vector<float>& u, Index count) {
  const auto x = arm.source->sample<float>({arm.parts.seed, Purpose::figure, arm.parts.replicate, 0}, count);
  return arm.parts.generator->forward(u, x);
}

void write_arm_tables(const std::vector<ArmResult>& results, const std::filesystem::path& folder) {
  CsvTable evaluations({"arm", "target", "variant", "step", "F", "F_low", "F_high", "F_standard_error", "W2_squared"});
  CsvTable trajectory({"arm", "target", "variant", "step", "time", "step_size", "loss", "phi_norm", "u_norm", "steps_on_sphere"});
  CsvTable parameters({"arm", "parameters", "u_checksum", "u_norm", "u0_norm"});
  for (const auto& [arm, record] : results) {
    for (const auto& row : record.evaluations)
      evaluations.add({arm->id, arm->target, arm->variant, static_cast<std::int64_t>(row.step), row.values[kF], row.values[kFLow], row.values[kFHigh],
                       row.values[kFError], row.values[kW2]});
    for (const auto& row : record.rows)
      trajectory.add({arm->id, arm->target, arm->variant, static_cast<std::int64_t>(row.step), row.time, row.step_size, row.loss, row.phi_norm, row.u_norm,
                      static_cast<std::int64_t>(row.steps_on_sphere)});
    parameters.add({arm->id, static_cast<std::int64_t>(record.state.u.size()), checksum(record.state.u), record.state.u.cast<double>().norm(),
                    record.u0.cast<double>().norm()});
  }
  evaluations.write(folder / "evaluations.csv");
  trajectory.write(folder / "trajectory.csv");
  parameters.write(folder / "parameters.csv");
}

}  // namespace slicecheck
