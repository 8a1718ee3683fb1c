#include "rounds.h"

#include <time.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "slicecheck/core/error.h"

namespace slicecheck::benchmarks {

double processor_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double Timing::quantile(double q) const {
  if (seconds.empty()) return std::numeric_limits<double>::quiet_NaN();
  std::vector<double> sorted = seconds;
  std::sort(sorted.begin(), sorted.end());
  const double place = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

std::vector<Timing> alternate(const std::vector<Candidate>& candidates, const Budget& budget) {
  const auto count = static_cast<Index>(candidates.size());
  std::vector<Timing> timings;
  for (const Candidate& candidate : candidates) {
    timings.push_back({candidate.name, {}});
    candidate.seconds();
  }
  double spent = 0.0;
  for (Index round = 0; round < budget.most_rounds && (round < budget.least_rounds || spent < budget.seconds); ++round) {
    spent += clocked_by_the_wall([&] {
      for (Index i = 0; i < count; ++i) {
        const auto which = static_cast<std::size_t>((i + round) % count);
        timings[which].seconds.push_back(candidates[which].seconds());
      }
    });
  }
  return timings;
}

const Timing& timing_of(const std::vector<Timing>& timings, const std::string& name) {
  const auto found = std::find_if(timings.begin(), timings.end(), [&](const Timing& t) { return t.name == name; });
  if (found == timings.end()) throw Error("nothing was timed under the name '" + name + "'");
  return *found;
}

}  // namespace slicecheck::benchmarks
