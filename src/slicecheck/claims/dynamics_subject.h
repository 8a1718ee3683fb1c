#pragma once
/// Schemes, samplers, trainings and finite laws under test: what claims T1, T4 and A6 judge.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "slicecheck/dynamics/training.h"

namespace slicecheck {

/// A scheme under test. `make` gives a fresh one, without memory of anything.
struct SchemeSubject {
  std::string name;
  std::string description;
  bool projects = true;  ///< it is an NPSGD; a plain SGD ignores radius, noise and tensors
  /// radius: r; noise: a; tensors: sizes that add up to d_u (the theory does not look at them).
  std::function<std::unique_ptr<Scheme<double>>(double radius, double noise, std::vector<Index> tensors)> make;
};

/// A sampler under test.
struct SamplerSubject {
  std::string name;
  std::string description;
  std::function<std::unique_ptr<Sampler<double>>(std::shared_ptr<const Law> source, std::shared_ptr<const Law> target, const SamplerSettings&)> make;
};

/// A training loop under test.
struct TrainingSubject {
  std::string name;
  std::string description;
  /// u_0, …, u_steps.
  std::function<std::vector<Eigen::VectorXd>(const TrainingParts<double>&, std::uint64_t steps)> path;
};

/// An implementation of finite laws under test.
struct LawSubject {
  std::string name;
  std::string description;
  /// Atoms are the rows. Must throw for probabilities that are none.
  std::function<std::unique_ptr<Law>(Points<double> atoms, std::vector<double> probabilities)> make;
};

std::vector<SchemeSubject> scheme_subjects();      ///< `sgd`, `npsgd`
std::vector<SamplerSubject> sampler_subjects();    ///< `fresh-batches`
std::vector<TrainingSubject> training_subjects();  ///< `training`: start() and advance() of dynamics/training.h
std::vector<LawSubject> law_subjects();            ///< `finite-law`

}  // namespace slicecheck
