#include "slicecheck/claims/generative_subject.h"

namespace slicecheck {

std::vector<MaxSlicedSubject> max_sliced_subjects() {
  return {{"max-sliced", "restarted ascent over directions; exact in the plane",
           [](const Points<double>& z, const Points<double>& y, const MaxSlicedSettings& settings, const RandomStream& stream) {
             return max_sliced_w2_squared(z, y, settings, stream);
           }}};
}

std::vector<TwoPlayerSubject> two_player_subjects() {
  return {{"two-player", "alternating updates of a generator and a critic, each with the other held fixed", std::make_shared<TwoPlayer<double>>()}};
}

std::vector<CoverageSubject> coverage_subjects() {
  return {{"mode-coverage", "nearest centre within a radius, and a least share for each",
           [](const Points<double>& points, const Points<double>& centres) { return mode_coverage(points, centres); }}};
}

}  // namespace slicecheck
