#pragma once
/// The objectives of two-player trainings that are functions of scores, with their derivatives in the scores.

#include <algorithm>
#include <cmath>

#include "slicecheck/core/error.h"
#include "slicecheck/dynamics/two_player.h"

namespace slicecheck {

/// σ(s) = 1/(1 + e^{−s}), without overflow.
inline double logistic(double s) { return s >= 0.0 ? 1.0 / (1.0 + std::exp(-s)) : std::exp(s) / (1.0 + std::exp(s)); }

/// −ln σ(s) = ln(1 + e^{−s}), without overflow and without loss for large s.
inline double minus_log_logistic(double s) { return std::max(-s, 0.0) + std::log1p(std::exp(-std::abs(s))); }

/// Mean of σ(s)(1 − σ(s)) = σ(s) σ(−s): the slope of σ at the scores, at most 1/4; e^{−|s|} in the tails, where 1 − σ(s) would be 0.
template <class S>
double mean_logistic_slope(VectorView<S> scores) {
  double sum = 0.0;
  for (const S s : scores) sum += logistic(static_cast<double>(s)) * logistic(-static_cast<double>(s));
  return sum / static_cast<double>(scores.size());
}

/// A critic's objective on scores of real and generated points, and its derivatives.
template <class S>
struct CriticScores {
  double value = 0.0;
  Vector<S> real;
  Vector<S> generated;
};

/// `kind` is not none; the penalty is not in it.
template <class S>
CriticScores<S> critic_objective_on_scores(CriticObjective::Kind kind, VectorView<S> real, VectorView<S> generated) {
  using Kind = CriticObjective::Kind;
  CriticScores<S> out{0.0, Vector<S>(real.size()), Vector<S>(generated.size())};
  const auto over = [](VectorView<S> scores, Vector<S>& derivative, auto&& term) {
    double sum = 0.0;
    const auto count = static_cast<double>(scores.size());
    for (Index i = 0; i < scores.size(); ++i) {
      const auto [value, slope] = term(static_cast<double>(scores[i]));
      sum += value;
      derivative[i] = static_cast<S>(slope / count);
    }
    return sum / count;
  };
  const auto slope = [](double s) { return logistic(s) * logistic(-s); };
  switch (kind) {
    case Kind::bce:
      out.value = over(real, out.real, [](double s) { return std::pair(minus_log_logistic(s), -logistic(-s)); }) +
                  over(generated, out.generated, [](double s) { return std::pair(minus_log_logistic(-s), logistic(s)); });
      return out;
    case Kind::sigmoid_mean:
      out.value = over(real, out.real, [&](double s) { return std::pair(-logistic(s), -slope(s)); }) +
                  over(generated, out.generated, [&](double s) { return std::pair(logistic(s), slope(s)); });
      return out;
    case Kind::score_mean:
      out.value =
          over(real, out.real, [](double s) { return std::pair(-s, -1.0); }) + over(generated, out.generated, [](double s) { return std::pair(s, 1.0); });
      return out;
    case Kind::none: break;
  }
  reject("a critic without an objective has no loss");
}

/// A generator's objective on the scores of its images, and its derivative.
template <class S>
struct GeneratorScores {
  double value = 0.0;
  Vector<S> generated;
};

/// `kind` is one of those on scores.
template <class S>
GeneratorScores<S> generator_objective_on_scores(GeneratorObjective::Kind kind, VectorView<S> scores) {
  using Kind = GeneratorObjective::Kind;
  GeneratorScores<S> out{0.0, Vector<S>(scores.size())};
  const auto count = static_cast<double>(scores.size());
  for (Index i = 0; i < scores.size(); ++i) {
    const auto s = static_cast<double>(scores[i]);
    double slope = -1.0;
    if (kind == Kind::bce) {
      out.value += minus_log_logistic(s);
      slope = -logistic(-s);
    } else if (kind == Kind::sigmoid_mean) {
      out.value -= logistic(s);
      slope = -logistic(s) * logistic(-s);
    } else if (kind == Kind::score_mean) {
      out.value -= s;
    } else {
      reject("a sliced loss is no function of scores");
    }
    out.generated[i] = static_cast<S>(slope / count);
  }
  out.value /= count;
  return out;
}

}  // namespace slicecheck
