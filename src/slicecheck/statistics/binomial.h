#pragma once
/// What a number of successes says about a probability.

#include "slicecheck/statistics/confidence.h"

namespace slicecheck {

/// Clopper and Pearson's interval for the probability p of success, from k successes in n independent trials: all p that neither P(K ≥ k) nor P(K ≤ k) makes
/// smaller than (1 − confidence)/2, K binomial(n, p). With a = (1 − confidence)/2 its ends are quantiles of Beta laws,
///
///     low = Beta(k, n − k + 1) at a (0 for k = 0),    high = Beta(k + 1, n − k) at 1 − a (1 for k = n).
///
/// It contains p with at least the stated confidence for every n and every p, not only in the limit; for k = 0 and k = n only one side is open, and the level
/// spent is half of what is stated.
/// @throws InputError unless successes and trials are whole, 0 ≤ successes ≤ trials, trials ≥ 1, and 0 < confidence < 1.
Interval clopper_pearson(double successes, double trials, double confidence);

/// P(K ≥ k) of a binomial law, the p-value of "the probability of a success is at most `probability`". Exact.
/// @throws InputError unless successes and trials are whole, 0 ≤ successes ≤ trials, trials ≥ 1, and 0 ≤ probability ≤ 1.
double binomial_upper_tail(double successes, double trials, double probability);

}  // namespace slicecheck
