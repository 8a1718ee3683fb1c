#include "slicecheck/claims/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace slicecheck {

std::string_view outcome_name(Outcome outcome) {
  switch (outcome) {
    case Outcome::holds: return "holds";
    case Outcome::refuted: return "refuted";
    case Outcome::inconclusive: return "inconclusive";
  }
  return "?";
}

double Judgement::ratio() const {
  if (observed == 0.0) return 0.0;  // nothing was off, whatever was allowed
  return observed / allowed;
}

double Verdict::worst_ratio() const {
  double worst = 0.0;
  for (const auto& check : checks) {
    if (std::isnan(check.worst_ratio)) return check.worst_ratio;
    worst = std::max(worst, check.worst_ratio);
  }
  return worst;
}

std::string Verdict::counted() const {
  std::string text;
  for (const auto& [what, count] : counts) text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", what, count);
  return text;
}

std::optional<double> Verdict::tightness() const {
  std::optional<double> largest;
  for (const auto& check : checks)
    if (check.tightness) largest = std::max(largest.value_or(0.0), *check.tightness);
  return largest;
}

}  // namespace slicecheck
