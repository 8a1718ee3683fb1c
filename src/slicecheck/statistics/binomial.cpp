#include "slicecheck/statistics/binomial.h"

#include <boost/math/special_functions/beta.hpp>
#include <cmath>

#include "slicecheck/core/error.h"

namespace slicecheck {

namespace {

bool whole(double value) { return std::isfinite(value) && value >= 0.0 && std::floor(value) == value; }

void check_counts(const char* what, double successes, double trials) {
  if (!whole(successes) || !whole(trials) || !(trials >= 1.0) || successes > trials)
    reject("{}: {} successes in {} trials; both must be whole, with at least one trial and at most as many successes", what, successes, trials);
}

}  // namespace

Interval clopper_pearson(double successes, double trials, double confidence) {
  check_counts("Clopper–Pearson", successes, trials);
  if (!(confidence > 0.0 && confidence < 1.0)) reject("Clopper–Pearson: the confidence is {}; it must lie between 0 and 1", confidence);
  const double outside = (1.0 - confidence) / 2.0;
  const double failures = trials - successes;
  return {successes == 0.0 ? 0.0 : boost::math::ibeta_inv(successes, failures + 1.0, outside),
          failures == 0.0 ? 1.0 : boost::math::ibetac_inv(successes + 1.0, failures, outside)};
}

double binomial_upper_tail(double successes, double trials, double probability) {
  check_counts("binomial tail", successes, trials);
  if (!(probability >= 0.0 && probability <= 1.0)) reject("binomial tail: the probability is {}; it must lie in [0, 1]", probability);
  if (successes == 0.0) return 1.0;
  return boost::math::ibeta(successes, trials - successes + 1.0, probability);
}

}  // namespace slicecheck
