#pragma once
/// How the comparisons are timed: all candidates in one process, one evaluation each in turn, many times over.

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "slicecheck/core/types.h"

namespace slicecheck::benchmarks {

/// One of those compared. `seconds` does the work once and returns how long it took.
struct Candidate {
  std::string name;
  std::function<double()> seconds;
};

/// What was measured of a candidate: one time a round.
struct Timing {
  std::string name;
  std::vector<double> seconds;

  /// The value below which a share q of the times lies, interpolated. NaN where there are none.
  [[nodiscard]] double quantile(double q) const;
  [[nodiscard]] double median() const { return quantile(0.5); }
};

/// How long a comparison may last: rounds until the time is spent, but not fewer than the least and not more than the most.
struct Budget {
  double seconds = 5.0;
  Index least_rounds = 5;
  Index most_rounds = 200;
};

/// Processor time of the calling thread so far, in seconds.
double processor_seconds();

/// Processor time that one call takes on the calling thread. On an idle machine it is the time that passes; on a busy one it does not count the time that other
/// programs have the processor, which falls on long work more than on short.
template <class Work>
double clocked(Work&& work) {
  const double begin = processor_seconds();
  work();
  return processor_seconds() - begin;
}

/// The time that passes during one call: for work on several threads.
template <class Work>
double clocked_by_the_wall(Work&& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// A candidate whose work is so short that it is done `times` times in a row; the time of one.
template <class Work>
std::function<double()> repeated(Index times, Work work) {
  return [times, work]() mutable {
    return clocked([&] {
             for (Index i = 0; i < times; ++i) work();
           }) /
           static_cast<double>(times);
  };
}

/// One round that is not counted, then rounds: in each, every candidate once, in order, beginning one further each round. What slows the machine for a while
/// slows all of them: ratios of medians bear it, a median alone does not.
std::vector<Timing> alternate(const std::vector<Candidate>& candidates, const Budget& budget);

/// The timing of this name. @throws Error where there is none.
const Timing& timing_of(const std::vector<Timing>& timings, const std::string& name);

}  // namespace slicecheck::benchmarks
