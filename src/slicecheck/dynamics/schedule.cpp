#include "slicecheck/dynamics/schedule.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numbers>

#include "slicecheck/core/error.h"

namespace slicecheck {

namespace {

/// A schedule that depends on t alone.
class ClosedForm final : public Schedule {
 public:
  ClosedForm(std::string name, std::function<double(double)> formula) : name_(std::move(name)), formula_(std::move(formula)) {}
  [[nodiscard]] std::string name() const override { return name_; }
  [[nodiscard]] double step_size(std::uint64_t t) const override { return formula_(static_cast<double>(t)); }

 private:
  std::string name_;
  std::function<double(double)> formula_;
};

class ReduceOnPlateau final : public Schedule {
 public:
  explicit ReduceOnPlateau(const ScheduleSettings& settings) : settings_(settings), step_(settings.initial) {}
  [[nodiscard]] std::string name() const override {
    return fmt::format("reduce on plateau from {} by {}, patience {}", settings_.initial, settings_.factor, settings_.patience);
  }
  [[nodiscard]] double step_size(std::uint64_t) const override { return step_; }
  void observe(double loss) override {
    if (loss < best_ * (1.0 - kThreshold)) {
      best_ = loss;
      waited_ = 0.0;
    } else if (++waited_; waited_ > settings_.patience) {
      step_ = std::max(step_ * settings_.factor, settings_.final);
      waited_ = 0.0;
    }
  }
  [[nodiscard]] std::vector<double> memory() const override { return {step_, best_, waited_}; }
  void restore(const std::vector<double>& memory) override {
    if (memory.size() != 3) reject("checkpoint: the plateau schedule remembers 3 numbers, {} were stored", memory.size());
    step_ = memory[0];
    best_ = memory[1];
    waited_ = memory[2];
  }

 private:
  static constexpr double kThreshold = 1e-4;
  ScheduleSettings settings_;
  double step_;
  double best_ = std::numeric_limits<double>::max();
  double waited_ = 0.0;
};

}  // namespace

std::unique_ptr<Schedule> make_schedule(const ScheduleSettings& s) {
  if (!std::isfinite(s.initial) || s.initial <= 0.0) reject("schedule: the step size is {}; it must be finite and positive", s.initial);
  if (!std::isfinite(s.final) || s.final < 0.0 || s.final > s.initial) reject("schedule: the last step size is {}; it must lie in [0, {}]", s.final, s.initial);
  if (s.steps < 1) reject("schedule: the number of steps is {}; it must be at least 1", s.steps);
  const auto steps = static_cast<double>(s.steps);
  const double first = s.initial;
  const double last = s.final;
  if (s.kind == "constant") return std::make_unique<ClosedForm>(fmt::format("constant {}", first), [=](double) { return first; });
  if (s.kind == "linear")
    return std::make_unique<ClosedForm>(fmt::format("linear from {} to {} in {} steps", first, last, s.steps),
                                        [=](double t) { return first + (last - first) * std::min(1.0, t / steps); });
  if (s.kind == "inverse-time")
    return std::make_unique<ClosedForm>(fmt::format("{} / (1 + t/{})", first, s.steps), [=](double t) { return first / (1.0 + t / steps); });
  if (s.kind == "cosine")
    return std::make_unique<ClosedForm>(fmt::format("cosine from {} to {} in {} steps", first, last, s.steps),
                                        [=](double t) { return last + (first - last) * 0.5 * (1.0 + std::cos(std::numbers::pi * std::min(1.0, t / steps))); });
  if (s.kind == "plateau") {
    if (!(s.factor > 0.0 && s.factor < 1.0)) reject("schedule: the plateau factor is {}; it must lie between 0 and 1", s.factor);
    if (s.patience < 0) reject("schedule: the patience is {}; it must not be negative", s.patience);
    return std::make_unique<ReduceOnPlateau>(s);
  }
  reject("unknown schedule '{}'; expected constant, linear, inverse-time, cosine or plateau", s.kind);
}

}  // namespace slicecheck
