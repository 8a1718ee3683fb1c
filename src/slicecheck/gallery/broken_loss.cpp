#include "slicecheck/gallery/broken_loss.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "slicecheck/loss/gap_power.h"

namespace slicecheck {

namespace {

enum class Defect {
  none,
  unsorted_target,
  descending_target,
  wrong_exponent,
  missing_mean_over_points,
  sum_over_directions,
  half_gradient,
  stale_permutation,
  gradient_through_root,
  separately_centred,
  clipped_gap,
  target_gradient_sign,
  first_direction_only,
  single_precision_sums,
  root_of_the_value,
  off_by_one_target,
  gradient_not_along_direction,
  gradient_sum_over_directions,
  gradient_without_sign,
  gradient_of_squares,
  n_minus_one,
  tie_average_of_all,
  tie_dropped,
  tie_doubled,
  rounded_keys,
  jitter,
  float_projections,
  power_of_the_mean,
  directions_not_normalised,
};

std::vector<std::size_t> order_of(const Eigen::VectorXd& values) {
  std::vector<std::size_t> order(static_cast<std::size_t>(values.size()));
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[static_cast<Index>(a)] < values[static_cast<Index>(b)]; });
  return order;
}

/// What a defect does to the projections before they are sorted.
Eigen::VectorXd sort_keys(Defect defect, const Eigen::VectorXd& projections) {
  Eigen::VectorXd keys = projections;
  const double scale = std::max(projections.cwiseAbs().maxCoeff(), std::numeric_limits<double>::min());
  if (defect == Defect::rounded_keys)  // "equal within a tolerance" is not transitive, and no order
    keys = (projections / (1e-3 * scale)).array().round() * (1e-3 * scale);
  if (defect == Defect::jitter)  // breaks ties, and moves everything else too
    for (Index k = 0; k < keys.size(); ++k) keys[k] += 1e-6 * scale * std::sin(1e4 * static_cast<double>(k + 1));
  return keys;
}

/// What a defect does to the targets of tied points, handed over by rank.
void spoil_ties(Defect defect, const Eigen::VectorXd& pz, const std::vector<std::size_t>& order_z, std::vector<double>& targets) {
  double mean = 0.0;
  for (const double target : targets) mean += target / static_cast<double>(targets.size());
  for (std::size_t begin = 0, end = 0; begin < targets.size(); begin = end) {
    for (end = begin; end < targets.size() && pz[static_cast<Index>(order_z[end])] == pz[static_cast<Index>(order_z[begin])]; ++end) {
    }
    for (std::size_t r = begin; r < end && end - begin > 1; ++r) {
      if (defect == Defect::tie_average_of_all) targets[r] = mean;
      if (defect == Defect::tie_dropped) targets[r] = pz[static_cast<Index>(order_z[r])];
      if (defect == Defect::tie_doubled) targets[r] = targets[end - 1];
    }
  }
}

/// A sum as it comes out of a cumulative sum in single precision.
double single_precision_sum(const std::vector<double>& terms) {
  float sum = 0.0F;
  for (const double term : terms) sum += static_cast<float>(term);
  return static_cast<double>(sum);
}

/// The slope of |gap|^p for the gradient.
double slope_of(Defect defect, double gap, double p) {
  const double slope = gap_power_derivative(gap, p);
  switch (defect) {
    case Defect::half_gradient: return slope / p;
    case Defect::target_gradient_sign: return -slope;
    case Defect::gradient_without_sign: return std::abs(slope);
    case Defect::gradient_of_squares: return 2.0 * gap;
    default: return slope;
  }
}

/// The textbook loss with one thing wrong. Written apart from `reference`, so that nobody is judged by its own copy.
LossGradient<double> broken(Defect defect, const Points<double>& z_in, const Points<double>& y_in, const Points<double>& theta, double p_in) {
  const bool is_root = defect == Defect::gradient_through_root;
  const double p = defect == Defect::wrong_exponent ? (p_in == 1.0 ? 2.0 : 1.0) : p_in;
  Points<double> z = z_in;
  Points<double> y = y_in;
  if (defect == Defect::separately_centred) {
    z.rowwise() -= z_in.colwise().mean();
    y.rowwise() -= y_in.colwise().mean();
  }
  const Index n = z.rows();
  const Index count = theta.rows();
  LossGradient<double> out{0.0, Eigen::VectorXd::Zero(count), Points<double>::Zero(n, z.cols())};
  for (Index l = 0; l < count; ++l) {
    const Index used = defect == Defect::first_direction_only ? 0 : l;
    // A vector of d standard normals is about √d long.
    const Eigen::RowVectorXd direction = (defect == Defect::directions_not_normalised ? std::sqrt(static_cast<double>(z.cols())) : 1.0) * theta.row(used);
    Eigen::VectorXd pz = z * direction.transpose();
    Eigen::VectorXd py = y * direction.transpose();
    if (defect == Defect::float_projections) {
      pz = pz.cast<float>().cast<double>().eval();
      py = py.cast<float>().cast<double>().eval();
    }
    const auto order_z = order_of(sort_keys(defect, pz));
    auto order_y = order_of(py);
    if (defect == Defect::unsorted_target) std::iota(order_y.begin(), order_y.end(), std::size_t{0});
    if (defect == Defect::descending_target) std::reverse(order_y.begin(), order_y.end());
    std::vector<double> targets;
    for (const std::size_t row : order_y) targets.push_back(py[static_cast<Index>(row)]);
    const std::vector<double> valued = targets;  // the value is right at ties, and shifted nowhere
    spoil_ties(defect, pz, order_z, targets);
    if (defect == Defect::off_by_one_target) std::rotate(targets.begin(), targets.begin() + 1, targets.end());
    const std::size_t shift = defect == Defect::stale_permutation && n > 2 ? 1 : 0;
    std::vector<double> powers;
    double mean_gap = 0.0;
    for (std::size_t rank = 0; rank < order_z.size(); ++rank)
      mean_gap += std::abs(pz[static_cast<Index>(order_z[rank])] - valued[rank]) / static_cast<double>(n);
    for (std::size_t rank = 0; rank < order_z.size(); ++rank) {
      const double point = pz[static_cast<Index>(order_z[rank])];
      const auto clipped = [&](double gap) { return defect == Defect::clipped_gap ? std::clamp(gap, -2.0, 2.0) : gap; };
      powers.push_back(gap_power(defect == Defect::power_of_the_mean ? mean_gap : clipped(point - valued[rank]), p));
      double slope = slope_of(defect, clipped(point - targets[rank]), p);
      if (defect == Defect::power_of_the_mean) slope = std::copysign(gap_power_derivative(mean_gap, p), slope);
      const std::size_t receiver = order_z[(rank + shift) % order_z.size()];
      if (defect == Defect::gradient_not_along_direction)
        out.gradient.row(static_cast<Index>(receiver)).array() += slope / std::sqrt(static_cast<double>(z.cols()));
      else
        out.gradient.row(static_cast<Index>(receiver)) += slope * direction;
    }
    out.per_direction[l] = defect == Defect::single_precision_sums ? single_precision_sum(powers) : std::accumulate(powers.begin(), powers.end(), 0.0);
  }
  double points = defect == Defect::missing_mean_over_points ? 1.0 : static_cast<double>(n);
  if (defect == Defect::n_minus_one && n > 1) points -= 1.0;
  const double directions = defect == Defect::sum_over_directions ? 1.0 : static_cast<double>(count);
  out.per_direction /= points;
  out.gradient /= points * (defect == Defect::gradient_sum_over_directions ? 1.0 : directions);
  out.value = out.per_direction.sum() / directions;
  if (defect == Defect::root_of_the_value) {
    out.per_direction = out.per_direction.cwiseSqrt();
    out.value = out.per_direction.sum() / directions;
  }
  if (is_root) {  // differentiates √w and squares afterwards: 0 / 0 where w = 0
    const double root = std::sqrt(out.value);
    out.gradient = 2.0 * root * (out.gradient / (2.0 * root));
  }
  return out;
}

LossSubject subject(const std::string& name, const std::string& title, Defect defect) {
  return {"gallery/" + name, title, tolerance::unit_roundoff<double>(),
          [defect](const Points<double>& z, const Points<double>& y, const Points<double>& theta, double p) { return broken(defect, z, y, theta, p); }};
}

}  // namespace

LossSubject repaired_loss() { return subject("repaired", "the gallery's code without a defect", Defect::none); }

std::vector<LossDefect> loss_gallery() {
  struct Entry {
    const char* name;
    const char* title;
    Defect defect;
  };
  const Entry entries[] = {
      {"unsorted-target", "the target's projections are not sorted", Defect::unsorted_target},
      {"descending-target", "the target is sorted the other way round", Defect::descending_target},
      {"wrong-exponent", "SW_1 where another exponent was asked for", Defect::wrong_exponent},
      {"missing-mean-over-points", "the factor 1/n is missing", Defect::missing_mean_over_points},
      {"sum-over-directions", "sum over the directions instead of their mean", Defect::sum_over_directions},
      {"half-gradient", "the factor p of the derivative is missing", Defect::half_gradient},
      {"stale-permutation", "the gradient is given to the point of the next rank", Defect::stale_permutation},
      {"gradient-through-root", "differentiated through the root: NaN at Z = Y", Defect::gradient_through_root},
      {"separately-centred", "each cloud is centred on its own mean", Defect::separately_centred},
      {"clipped-gap", "gaps are clipped at 2", Defect::clipped_gap},
      {"gradient-sign", "the gradient points uphill", Defect::target_gradient_sign},
      {"first-direction-only", "every direction is replaced by the first", Defect::first_direction_only},
      {"single-precision-sums", "powers are added up in single precision", Defect::single_precision_sums},
      {"root-of-the-value", "the p-th power is asked for and a root is returned", Defect::root_of_the_value},
      {"off-by-one-target", "the gradient sees the target of the next rank", Defect::off_by_one_target},
      {"gradient-not-along-direction", "the slope is not multiplied by θ", Defect::gradient_not_along_direction},
      {"gradient-sum-over-directions", "the value is a mean over directions, the gradient a sum", Defect::gradient_sum_over_directions},
      {"gradient-without-sign", "the derivative of |Δ|^p without the sign of Δ", Defect::gradient_without_sign},
      {"gradient-of-squares", "the gradient is that of p = 2 whatever p", Defect::gradient_of_squares},
      {"n-minus-one", "divided by n − 1", Defect::n_minus_one},
      {"tie-average-of-all", "tied points are matched with the mean of all targets: outside the hull", Defect::tie_average_of_all},
      {"tie-dropped", "tied points get no gradient", Defect::tie_dropped},
      {"tie-doubled", "tied points all get the block's largest target", Defect::tie_doubled},
      {"rounded-keys", "projections are compared up to a tolerance", Defect::rounded_keys},
      {"jitter", "random jitter breaks ties", Defect::jitter},
      {"float-projections", "projections in single precision inside a double loss", Defect::float_projections},
      {"power-of-the-mean", "the mean gap is raised to the power, not every gap: SW_1² called SW_2²", Defect::power_of_the_mean},
      {"loss-directions-not-normalised", "directions as long as vectors of standard normals", Defect::directions_not_normalised},
  };
  std::vector<LossDefect> gallery;
  for (const Entry& entry : entries) gallery.push_back({entry.name, entry.title, subject(entry.name, entry.title, entry.defect)});
  return gallery;
}

}  // namespace slicecheck
