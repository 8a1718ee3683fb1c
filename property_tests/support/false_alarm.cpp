#include "support/false_alarm.h"

#include <algorithm>
#include <atomic>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/normal.hpp>
#include <cmath>

namespace slicecheck::testing {

namespace {

std::atomic<int> spent{0};

using Outwards = boost::math::policies::policy<boost::math::policies::discrete_quantile<boost::math::policies::integer_round_outwards>>;

}  // namespace

double spend_false_alarm() {
  ++spent;
  return kFalseAlarm;
}

int assertions_spent() { return spent.load(); }

double kolmogorov_smirnov_distance(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const auto n = static_cast<double>(values.size());
  double distance = 0.0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto rank = static_cast<double>(i);
    distance = std::max({distance, values[i] - rank / n, (rank + 1.0) / n - values[i]});
  }
  return distance;
}

double kolmogorov_smirnov_bound(double n, double failure) { return std::sqrt(std::log(2.0 / failure) / (2.0 * n)); }

CountRange binomial_range(double trials, double probability, double failure) {
  const boost::math::binomial_distribution<double, Outwards> law(trials, probability);
  return {boost::math::quantile(law, failure / 2.0), boost::math::quantile(boost::math::complement(law, failure / 2.0))};
}

CountRange chi_squared_range(double degrees_of_freedom, double failure) {
  const boost::math::chi_squared law(degrees_of_freedom);
  return {boost::math::quantile(law, failure / 2.0), boost::math::quantile(boost::math::complement(law, failure / 2.0))};
}

double normal_mean_bound(double n, double failure) {
  return boost::math::quantile(boost::math::complement(boost::math::normal(), failure / 2.0)) / std::sqrt(n);
}

}  // namespace slicecheck::testing
