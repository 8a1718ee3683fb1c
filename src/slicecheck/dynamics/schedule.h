#pragma once
/// Step sizes α_t.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace slicecheck {

/// α for each step. The theorems are about a constant step; all others are for comparison.
class Schedule {
 public:
  Schedule() = default;
  Schedule(const Schedule&) = delete;
  Schedule& operator=(const Schedule&) = delete;
  virtual ~Schedule() = default;

  [[nodiscard]] virtual std::string name() const = 0;
  /// The step size of the update that leads from step t to step t + 1, t = 0, 1, …
  [[nodiscard]] virtual double step_size(std::uint64_t t) const = 0;
  /// Tells a schedule that listens (reduce-on-plateau) the loss of an epoch.
  virtual void observe(double) {}
  /// What `observe` has changed, for checkpoints.
  [[nodiscard]] virtual std::vector<double> memory() const { return {}; }
  /// Sets what `memory` gave.
  virtual void restore(const std::vector<double>&) {}
};

/// What makes a schedule.
struct ScheduleSettings {
  std::string kind = "constant";  ///< constant, linear, inverse-time, cosine, plateau
  double initial = 1e-3;          ///< α_0
  double final = 0.0;             ///< linear and cosine: α at `steps`; plateau: never below this
  std::uint64_t steps = 1;        ///< linear and cosine: where `final` is reached; inverse-time: α_t = α_0 / (1 + t / steps)
  double factor = 0.5;            ///< plateau: what α is multiplied by
  int patience = 5;               ///< plateau: observations without improvement that are waited for
};

/// constant: α_0. linear: α_0 + (final − α_0)·min(1, t/steps). inverse-time: α_0/(1 + t/steps). cosine: final + (α_0 − final)(1 + cos(π·min(1, t/steps)))/2.
/// plateau: α_0 until more than `patience` observations in a row have not gone below (1 − 10⁻⁴) of the best one; then times `factor`, and so on.
/// @throws InputError for an unknown kind and for values that make no sense.
std::unique_ptr<Schedule> make_schedule(const ScheduleSettings& settings);

}  // namespace slicecheck
