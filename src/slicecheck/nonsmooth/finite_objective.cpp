#include "slicecheck/nonsmooth/finite_objective.h"

#include <cmath>
#include <functional>
#include <limits>
#include <utility>

#include "slicecheck/core/error.h"
#include "slicecheck/core/random.h"
#include "slicecheck/core/tolerances.h"
#include "slicecheck/loss/plane_sweep.h"
#include "slicecheck/loss/reference_loss.h"
#include "slicecheck/nonsmooth/minimum_norm.h"

namespace slicecheck {

namespace {

constexpr double kUnitRoundoff = tolerance::unit_roundoff<double>();

struct Atoms {
  Points<double> points;
  std::vector<double> probabilities;
};

Atoms atoms_of(const Law& law) {
  if (law.atom_count() == 0) reject("finite objective: the law {} has no atoms; a finite law is needed", law.name());
  Atoms atoms;
  std::vector<Index> kept;
  for (Index k = 0; k < law.atom_count(); ++k)
    if (law.probability(k) > 0.0) kept.push_back(k);
  atoms.points.resize(static_cast<Index>(kept.size()), law.dimension());
  for (std::size_t k = 0; k < kept.size(); ++k) {
    atoms.points.row(static_cast<Index>(k)) = law.atom(kept[k]);
    atoms.probabilities.push_back(law.probability(kept[k]));
  }
  return atoms;
}

/// C(atoms + n − 1, n), or infinity beyond what a double counts exactly.
double multiset_count(std::size_t atoms, Index n) {
  double count = 1.0;
  for (Index k = 1; k <= n; ++k) count = std::round(count * (static_cast<double>(atoms) - 1.0 + static_cast<double>(k)) / static_cast<double>(k));
  return count < 9e15 ? count : std::numeric_limits<double>::infinity();
}

struct Multiset {
  std::vector<Index> atoms;  // ascending
  double probability;
};

/// All multisets of n atoms, with n!/(Π c_a!) Π p_a^{c_a}.
std::vector<Multiset> multisets(const std::vector<double>& probabilities, Index n) {
  std::vector<Multiset> all;
  std::vector<Index> chosen;
  const std::function<void(std::size_t, double)> extend = [&](std::size_t atom, double weight) {
    const auto used = static_cast<Index>(chosen.size());
    if (used == n) {
      all.push_back({chosen, weight});
      return;
    }
    if (atom == probabilities.size()) return;
    double times = weight;
    extend(atom + 1, times);
    for (Index c = 1; used + c <= n; ++c) {
      // The c copies take c of the n − used places left: C(n − used, c) p^c.
      times = times * probabilities[atom] * static_cast<double>(n - used - c + 1) / static_cast<double>(c);
      chosen.push_back(static_cast<Index>(atom));
      extend(atom + 1, times);
    }
    chosen.resize(static_cast<std::size_t>(used));
  };
  extend(0, 1.0);
  return all;
}

/// Grows a hull of limiting gradients and measures its distance to 0, the cone included.
class InnerSearch {
 public:
  InnerSearch(const SampleSubdifferential& set, std::shared_ptr<const ConvexSet> cone, const CriticalityOptions& options)
      : set_(set), cone_(std::move(cone)), options_(options), stream_(options.subdifferential.seed, Purpose::cases, 1, 0) {
    const LimitingGradients limits = set.limits();
    divided_ = limits.divided;
    points_ = limits.gradients;
  }

  [[nodiscard]] Index size() const { return points_.rows(); }
  [[nodiscard]] bool divided() const { return divided_; }
  [[nodiscard]] const MinimumNorm& nearest() const { return nearest_; }

  /// Until norm ≤ goal, or nothing new is found.
  void run(double goal) {
    if (size() == 0) return;
    measure();
    for (std::uint64_t round = 0; round < options_.refinements && nearest_.norm > goal; ++round) {
      Eigen::VectorXd jitter(set_.parameters());
      stream_.fill_normal(jitter, round << 16);
      const Eigen::VectorXd x = nearest_.point.normalized();
      const Index before = size();
      add(x);
      for (const double angle : {1e-6, 1e-2, 1.0}) {
        add(x + angle * jitter.normalized());
        add(angle * jitter.normalized() - x);
      }
      if (size() > before) measure();
    }
  }

 private:
  void add(const Eigen::VectorXd& v) {
    const auto limit = set_.limit_along(v);
    if (!limit) return;
    for (Index k = 0; k < size(); ++k)
      if (points_.row(k).transpose() == *limit) return;
    points_.conservativeResize(size() + 1, Eigen::NoChange);
    points_.bottomRows(1) = limit->transpose();
  }

  void measure() {
    const MinkowskiSum sum({{1.0, std::make_shared<PointHull>(points_)}, {1.0, cone_}});
    nearest_ = minimum_norm_point(sum, {.gap = 0.0, .iterations = options_.iterations});
  }

  const SampleSubdifferential& set_;
  std::shared_ptr<const ConvexSet> cone_;
  CriticalityOptions options_;
  RandomStream stream_;
  Points<double> points_;
  bool divided_ = true;
  MinimumNorm nearest_;
};

}  // namespace

FiniteObjective::FiniteObjective(std::shared_ptr<const Generator<double>> generator, const Law& source, const Law& target, Index n, std::uint64_t most)
    : generator_(std::move(generator)), n_(n) {
  if (generator_ == nullptr) reject("finite objective: the generator is missing");
  if (n < 1) reject("finite objective: the batch size is {}; it must be at least 1", n);
  const Index d = generator_->output_dimension();
  if (d != 1 && d != 2) reject("finite objective: the images have dimension {}; the average over all directions is exact for 1 and 2", d);
  if (source.dimension() != generator_->input_dimension() || target.dimension() != d)
    reject("finite objective: the source has dimension {} and the target {}; the generator maps {} to {}", source.dimension(), target.dimension(),
           generator_->input_dimension(), d);
  const Atoms from = atoms_of(source);
  const Atoms to = atoms_of(target);
  const double count = multiset_count(from.probabilities.size(), n) * multiset_count(to.probabilities.size(), n);
  if (!(count <= static_cast<double>(most))) reject("finite objective: there are {:.6g} pairs of multisets of {} atoms; at most {} are summed", count, n, most);
  inputs_ = from.points;
  const std::vector<Multiset> ys = multisets(to.probabilities, n);
  for (const Multiset& x : multisets(from.probabilities, n)) {
    for (const Multiset& y : ys) {
      const double weight = x.probability * y.probability;
      if (!(weight > 0.0)) continue;  // underflow
      Points<double> batch(n, d);
      for (Index k = 0; k < n; ++k) batch.row(k) = to.points.row(y.atoms[static_cast<std::size_t>(k)]);
      terms_.push_back({weight, x.atoms, std::move(batch)});
    }
  }
}

FiniteValue FiniteObjective::value(VectorView<double> u) const {
  if (!u.allFinite()) reject("finite objective: u has an entry that is not finite");
  const Points<double> images = generator_->forward(u, inputs_);
  const Index d = images.cols();
  const ReferenceLoss line(2.0);
  FiniteValue sum{0.0, 0.0};
  double size = 0.0;
  for (const SampleTerm& term : terms_) {
    Points<double> z(n_, d);
    for (Index k = 0; k < n_; ++k) z.row(k) = images.row(term.inputs[static_cast<std::size_t>(k)]);
    double w = 0.0;
    double error = 0.0;
    if (d == 1) {
      w = line.values(z, term.y, Points<double>::Ones(1, 1))[0];
      error = tolerance::value(w, 2.0, tolerance::gap(1, z.cwiseAbs().maxCoeff() + term.y.cwiseAbs().maxCoeff(), kUnitRoundoff), n_, kUnitRoundoff);
    } else {
      const PlaneSliced sliced = exact_plane_sw(z, term.y, {.gradient = false, .max = false});
      w = sliced.value;
      error = sliced.value_error;
    }
    sum.value += term.weight * w;
    sum.error += term.weight * error;
    size += term.weight * (w + error);
  }
  // A weight: 3 operations for each of at most 2n copies, and a product. Underflowed weights are below the smallest normal number each.
  sum.error += tolerance::gamma(static_cast<double>(terms_.size()) + 6.0 * static_cast<double>(n_) + 8.0, kUnitRoundoff) * size;
  return sum;
}

SampleSubdifferential FiniteObjective::subdifferential(VectorView<double> u, const SubdifferentialOptions& options) const {
  std::optional<Eigen::RowVectorXd> theta;
  if (generator_->output_dimension() == 1) theta = Eigen::RowVectorXd::Ones(1);
  return {*generator_, u, inputs_, terms_, theta, options};
}

std::optional<Eigen::VectorXd> FiniteObjective::gradient(VectorView<double> u) const {
  const SampleSubdifferential set = subdifferential(u);
  const LimitingGradients limits = set.limits();
  if (limits.gradients.rows() == 0) return std::nullopt;
  const Eigen::VectorXd first = limits.gradients.row(0).transpose();
  for (Index k = 1; k < limits.gradients.rows(); ++k)
    if (!((limits.gradients.row(k).transpose() - first).norm() <= 2.0 * set.rounding())) return std::nullopt;
  return first;
}

std::string_view criticality_name(CriticalityVerdict verdict) {
  switch (verdict) {
    case CriticalityVerdict::critical: return "critical";
    case CriticalityVerdict::not_critical: return "not critical";
    case CriticalityVerdict::undecided: return "undecided";
  }
  return "?";
}

CriticalityVerdict Criticality::verdict(double tolerance) const {
  if (!(tolerance >= 0.0)) reject("criticality: the tolerance is {}; it must be at least 0", tolerance);
  if (upper <= tolerance) return CriticalityVerdict::critical;
  if (lower > tolerance) return CriticalityVerdict::not_critical;
  return CriticalityVerdict::undecided;
}

Criticality criticality(const FiniteObjective& objective, VectorView<double> u, double radius, const CriticalityOptions& options) {
  const SampleSubdifferential set = objective.subdifferential(u, options.subdifferential);
  const std::shared_ptr<const ConvexSet> cone = bounded_normal_cone(u, radius, set.bound());
  Criticality result;
  result.on_sphere = cone->maximiser(u).norm() > 0.0;
  const MinkowskiSum outer({{1.0, set.outer(options.rule)}, {1.0, cone}});
  const MinimumNorm outside = minimum_norm_point(outer, {.gap = options.gap, .iterations = options.iterations});
  result.lower = std::max(0.0, outside.lower_bound - set.rounding());
  InnerSearch inner(set, cone, options);
  inner.run(std::max(result.lower + options.gap, outside.norm) + set.rounding());
  result.limits = static_cast<std::uint64_t>(inner.size());
  result.divided = inner.divided();
  result.upper = inner.size() == 0 ? std::numeric_limits<double>::infinity() : inner.nearest().norm + set.rounding();
  result.nearest = inner.nearest().point;
  return result;
}

}  // namespace slicecheck
