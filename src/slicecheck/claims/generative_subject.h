#pragma once
/// What the claims G judge: searches for the worst direction, two-player trainings, measures of mode coverage.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "slicecheck/dynamics/two_player.h"
#include "slicecheck/loss/max_sliced.h"
#include "slicecheck/measures/mode_coverage.h"

namespace slicecheck {

/// A search for the direction that tells two clouds apart best.
struct MaxSlicedSubject {
  std::string name;
  std::string description;
  std::function<MaxSliced(const Points<double>& z, const Points<double>& y, const MaxSlicedSettings& settings, const RandomStream& stream)> find;
};

/// The two updates of a two-player training, in double.
struct TwoPlayerSubject {
  std::string name;
  std::string description;
  std::shared_ptr<const TwoPlayer<double>> players;
};

/// A measure of how well a sample covers the centres of a mixture.
struct CoverageSubject {
  std::string name;
  std::string description;
  std::function<ModeCoverage(const Points<double>& points, const Points<double>& centres)> measure;
};

/// The searches of this library: `max-sliced`.
std::vector<MaxSlicedSubject> max_sliced_subjects();
/// The two-player trainings of this library: `two-player`.
std::vector<TwoPlayerSubject> two_player_subjects();
/// The measures of coverage of this library: `mode-coverage`.
std::vector<CoverageSubject> coverage_subjects();

}  // namespace slicecheck
