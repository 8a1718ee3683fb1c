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
};

std::vector<std::size_t> order_of(const Eigen::VectorXd& values) {
  std::vector<std::size_t> order(static_cast<std::size_t>(values.size()));
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[static_cast<Index>(a)] < values[static_cast<Index>(b)]; });
  return order;
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
    const Eigen::VectorXd pz = z * theta.row(used).transpose();
    const Eigen::VectorXd py = y * theta.row(used).transpose();
    const auto order_z = order_of(pz);
    auto order_y = order_of(py);
    if (defect == Defect::unsorted_target) std::iota(order_y.begin(), order_y.end(), std::size_t{0});
    if (defect == Defect::descending_target) std::reverse(order_y.begin(), order_y.end());
    const std::size_t shift = defect == Defect::stale_permutation && n > 2 ? 1 : 0;
    for (std::size_t rank = 0; rank < order_z.size(); ++rank) {
      double gap = pz[static_cast<Index>(order_z[rank])] - py[static_cast<Index>(order_y[rank])];
      if (defect == Defect::clipped_gap) gap = std::clamp(gap, -2.0, 2.0);
      out.per_direction[l] += gap_power(gap, p);
      double slope = gap_power_derivative(gap, p);
      if (defect == Defect::half_gradient) slope /= p;
      if (defect == Defect::target_gradient_sign) slope = -slope;
      const std::size_t receiver = order_z[(rank + shift) % order_z.size()];
      out.gradient.row(static_cast<Index>(receiver)) += slope * theta.row(used);
    }
  }
  const double points = defect == Defect::missing_mean_over_points ? 1.0 : static_cast<double>(n);
  const double directions = defect == Defect::sum_over_directions ? 1.0 : static_cast<double>(count);
  out.per_direction /= points;
  out.gradient /= points * directions;
  out.value = out.per_direction.sum() / directions;
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
  };
  std::vector<LossDefect> gallery;
  for (const Entry& entry : entries) gallery.push_back({entry.name, entry.title, subject(entry.name, entry.title, entry.defect)});
  return gallery;
}

}  // namespace slicecheck
