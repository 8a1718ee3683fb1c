#pragma once
/// Measures of criticality under test: what tells how far a point is from being critical (claim N9).

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "slicecheck/generators/generator.h"
#include "slicecheck/measures/law.h"
#include "slicecheck/nonsmooth/goldstein.h"

namespace slicecheck {

/// How far is 0 from ∂_C F(u) + N_r(u), with F the expected loss of batches of n points between two finite laws?
struct CriticalityQuestion {
  std::shared_ptr<const Generator<double>> generator;
  std::shared_ptr<const Law> source;
  std::shared_ptr<const Law> target;
  Index n = 1;
  Eigen::VectorXd u;
  double radius = 1.0;  ///< r ≥ ‖u‖
};

/// lower ≤ distance ≤ upper.
struct DistanceBracket {
  double lower = 0.0;
  double upper = 0.0;
};

/// A measure of criticality under test.
struct CriticalitySubject {
  std::string name;
  std::string description;
  /// The bracket of the exact distance. Rounding of the answer belongs into it.
  std::function<DistanceBracket(const CriticalityQuestion&)> bracket;
  /// Goldstein's version from sampled batches, frozen for all points of B(u, δ) ∩ B_r: an upper bound. settings.n is the size of a batch, not the question's.
  std::function<double(const CriticalityQuestion&, const GoldsteinSettings&, std::uint64_t seed)> goldstein;
};

/// `criticality`, whose outer set takes all terms of F in one activation cell, and `criticality-sum-rule`, whose outer set is larger: both brackets are right.
std::vector<CriticalitySubject> criticality_subjects();

}  // namespace slicecheck
