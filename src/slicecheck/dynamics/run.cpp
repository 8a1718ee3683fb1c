#include "slicecheck/dynamics/run.h"

#include <chrono>
#include <cmath>

#include "slicecheck/core/error.h"
#include "slicecheck/dynamics/checkpoint.h"

namespace slicecheck {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point then) { return std::chrono::duration<double>(Clock::now() - then).count(); }

/// Within 10⁻⁶ of the radius: a projected u lands on the sphere up to the rounding of its scalar.
constexpr double kSphere = 1e-6;

template <class S>
class Run {
 public:
  Run(const TrainingParts<S>& parts, const RunSettings<S>& settings) : parts_(parts), settings_(settings) {}

  TrainingRecord<S> operator()(std::string_view label, Progress& progress) {
    begin();
    Clock::time_point last_checkpoint = Clock::now();
    std::uint64_t last_checkpoint_step = record_.state.step;
    while (record_.state.step < settings_.steps) {
      one_step();
      const std::uint64_t step = record_.state.step;
      if (step % 16 == 0 || step == settings_.steps) progress.update(label, static_cast<double>(step) / static_cast<double>(settings_.steps));
      const bool by_count = settings_.checkpoint_every > 0 && step - last_checkpoint_step >= settings_.checkpoint_every;
      if (step < settings_.steps && (by_count || seconds_since(last_checkpoint) >= settings_.checkpoint_seconds)) {
        save();
        last_checkpoint = Clock::now();
        last_checkpoint_step = step;
      }
    }
    save();
    return std::move(record_);
  }

 private:
  void begin() {
    if (settings_.resume && !settings_.checkpoint.empty() && std::filesystem::exists(settings_.checkpoint)) {
      record_ = load_checkpoint<S>(settings_.checkpoint, settings_.fingerprint);
      parts_.schedule->restore(record_.schedule_memory);
      return;
    }
    record_.state = start(parts_);
    record_.u0 = record_.state.u;
    evaluate();
  }

  void one_step() {
    const StepReport report = advance(parts_, record_.state);
    record_.time += report.step_size;
    record_.loss_sum += report.loss;
    record_.phi_sum += report.phi_norm;
    record_.epoch_sum += report.loss;
    ++record_.summed;
    const std::uint64_t step = record_.state.step;
    const bool last = step == settings_.steps;
    const bool row = step % settings_.record_every == 0 || last;
    if (settings_.sphere_radius > 0.0 || row) {
      const double norm = record_.state.u.template cast<double>().norm();
      if (settings_.sphere_radius > 0.0 && norm >= settings_.sphere_radius * (1.0 - kSphere)) ++record_.on_sphere;
      if (row) add_row(report.step_size, norm);
    }
    if (settings_.epoch > 0 && step % settings_.epoch == 0) {
      parts_.schedule->observe(record_.epoch_sum / static_cast<double>(settings_.epoch));
      record_.epoch_sum = 0.0;
    }
    if (last || (settings_.evaluate_every > 0 && step % settings_.evaluate_every == 0)) evaluate();
  }

  void add_row(double step_size, double norm) {
    const auto count = static_cast<double>(record_.summed);
    record_.rows.push_back({record_.state.step, record_.time, step_size, record_.loss_sum / count, record_.phi_sum / count, norm, record_.on_sphere});
    record_.loss_sum = record_.phi_sum = 0.0;
    record_.summed = record_.on_sphere = 0;
  }

  void evaluate() {
    if (settings_.evaluate) record_.evaluations.push_back({record_.state.step, settings_.evaluate(record_.state)});
  }

  void save() {
    record_.schedule_memory = parts_.schedule->memory();
    if (settings_.checkpoint.empty()) return;
    save_checkpoint(settings_.checkpoint, settings_.fingerprint, record_);
  }

  const TrainingParts<S>& parts_;
  const RunSettings<S>& settings_;
  TrainingRecord<S> record_;
};

}  // namespace

template <class S>
TrainingRecord<S> run_training(const TrainingParts<S>& parts, const RunSettings<S>& settings, std::string_view label, Progress& progress) {
  if (settings.steps < 1) reject("training {}: {} steps; at least 1 is needed", label, settings.steps);
  if (settings.record_every < 1) reject("training {}: record_every is {}; it must be at least 1", label, settings.record_every);
  return Run<S>(parts, settings)(label, progress);
}

template TrainingRecord<float> run_training(const TrainingParts<float>&, const RunSettings<float>&, std::string_view, Progress&);
template TrainingRecord<double> run_training(const TrainingParts<double>&, const RunSettings<double>&, std::string_view, Progress&);

}  // namespace slicecheck
