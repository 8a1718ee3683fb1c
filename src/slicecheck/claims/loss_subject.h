#pragma once
/// Implementations of the loss, with the scalar type erased: what claims judge.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "slicecheck/core/tolerances.h"
#include "slicecheck/loss/sample_loss.h"

namespace slicecheck {

/// A loss under test. Arguments and results are double; a subject in float converts, and only representable arguments are handed to it (`rounded`).
struct LossSubject {
  /// How clouds are passed.
  using Clouds = const Points<double>&;

  std::string name;
  std::string description;
  double unit_roundoff = tolerance::unit_roundoff<double>();
  std::function<LossGradient<double>(Clouds z, Clouds y, Clouds directions, double p)> evaluate;
  bool squares_only = false;    ///< it knows p = 2 alone: cases of other exponents are judged at p = 2
  bool one_value_only = false;  ///< it gives the mean over the directions and not the values per direction

  [[nodiscard]] bool single() const { return unit_roundoff > tolerance::unit_roundoff<double>(); }

  /// Each entry rounded to the subject's scalar.
  template <class Dense>
  [[nodiscard]] typename Dense::PlainObject rounded(const Eigen::MatrixBase<Dense>& value) const {
    if (single()) return value.template cast<float>().template cast<double>();
    return value;
  }
};

/// A subject from a factory p ↦ loss.
template <class S>
LossSubject make_loss_subject(std::string name, std::string description, std::function<std::unique_ptr<SampleLoss<S>>(double)> make) {
  auto evaluate = [make = std::move(make)](const Points<double>& z, const Points<double>& y, const Points<double>& directions, double p) {
    const Points<S> z_s = z.cast<S>();
    const Points<S> y_s = y.cast<S>();
    const Points<S> directions_s = directions.cast<S>();
    const LossGradient<S> out = make(p)->evaluate(z_s, y_s, directions_s);
    return LossGradient<double>{out.value, out.per_direction, out.gradient.template cast<double>()};
  };
  return {std::move(name), std::move(description), tolerance::unit_roundoff<S>(), std::move(evaluate)};
}

/// The subjects of this library: `reference`, `cpu`, `cpu-float`. Those of LibTorch are added by the program.
std::vector<LossSubject> core_loss_subjects();

}  // namespace slicecheck
