#pragma once
/// One progress bar for trainings that run side by side.

#include <mutex>
#include <numeric>
#include <string>
#include <vector>

#include "slicecheck/core/progress.h"

namespace slicecheck {

/// The fractions of several trainings, as their mean. From any thread.
class SharedProgress {
 public:
  /// `what` is shown beside the bar.
  SharedProgress(Progress& outer, std::string what, std::size_t parts) : outer_(outer), what_(std::move(what)), fractions_(parts, 0.0) {}

  /// Training number `part` is so far.
  void update(std::size_t part, double fraction) {
    const std::lock_guard lock(mutex_);
    fractions_[part] = fraction;
    outer_.update(what_, std::accumulate(fractions_.begin(), fractions_.end(), 0.0) / static_cast<double>(fractions_.size()));
  }

 private:
  Progress& outer_;
  std::string what_;
  std::mutex mutex_;
  std::vector<double> fractions_;
};

/// What one of them is given.
class PartProgress final : public Progress {
 public:
  PartProgress(SharedProgress& shared, std::size_t part) : shared_(shared), part_(part) {}
  void update(std::string_view, double fraction) override { shared_.update(part_, fraction); }

 private:
  SharedProgress& shared_;
  std::size_t part_;
};

}  // namespace slicecheck
