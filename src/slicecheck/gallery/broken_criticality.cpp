#include "slicecheck/gallery/broken_criticality.h"

#include <algorithm>
#include <cmath>

#include "slicecheck/core/error.h"
#include "slicecheck/loss/reference_loss.h"
#include "slicecheck/nonsmooth/activation_cells.h"
#include "slicecheck/nonsmooth/finite_objective.h"
#include "slicecheck/nonsmooth/minimum_norm.h"

namespace slicecheck {

namespace {

enum class Flaw {
  none,
  back_propagation_is_the_set,
  sum_rule_is_the_set,
  one_limit_is_the_set,
  cells_of_the_untied_network,
  normal_cone_missing,
  normal_cone_both_ways,
  normal_cone_cut_short,
  multiplicities_forgotten,
  population_for_batches,
  fresh_batches,
  hull_missing,
  ray_missing,
};

/// ∂_C F(u), as the flaw has it, and the normal cone.
class BrokenMeasure {
 public:
  BrokenMeasure(Flaw flaw, const CriticalityQuestion& question)
      : flaw_(flaw), q_(question), objective_(question.generator, *question.source, *question.target, question.n) {}

  [[nodiscard]] DistanceBracket bracket() const {
    if (flaw_ == Flaw::normal_cone_missing) return right_within(2.0 * q_.radius + 1.0);
    const bool only_at_kinks = flaw_ == Flaw::back_propagation_is_the_set || flaw_ == Flaw::cells_of_the_untied_network;
    if (flaw_ == Flaw::none || flaw_ == Flaw::fresh_batches || flaw_ == Flaw::hull_missing || flaw_ == Flaw::ray_missing || (only_at_kinks && !tied()))
      return right_within(q_.radius);
    if (flaw_ == Flaw::back_propagation_is_the_set) return distance_of(single(back_propagated()));
    const SampleSubdifferential set = subdifferential();
    if (flaw_ == Flaw::sum_rule_is_the_set) return distance_of(set.outer(OuterRule::sum_rule));
    if (flaw_ == Flaw::one_limit_is_the_set) {
      const Points<double> limits = set.limits().gradients;
      if (limits.rows() == 0) reject("no limit of gradients was found");
      return distance_of(single(limits.row(0).transpose()));
    }
    if (flaw_ == Flaw::cells_of_the_untied_network) return distance_of(untied());
    return {distance_of(set.outer()).lower, distance_of(std::make_shared<PointHull>(set.limits().gradients)).upper};
  }

 private:
  /// The generator, if it is a network whose weights are tied, with kinks that the flaw gets wrong.
  [[nodiscard]] const TiedMlp* tied() const {
    const auto* network = dynamic_cast<const TiedMlp*>(q_.generator.get());
    return network != nullptr && network->mlp().activation() != Activation::identity ? network : nullptr;
  }

  [[nodiscard]] DistanceBracket right_within(double radius) const {
    const Criticality found = criticality(objective_, q_.u, radius);
    return {found.lower, found.upper};
  }

  /// Batches are counted once each, or the whole laws are compared.
  [[nodiscard]] SampleSubdifferential subdifferential() const {
    std::vector<SampleTerm> terms = objective_.terms();
    if (flaw_ == Flaw::multiplicities_forgotten)
      for (SampleTerm& term : terms) term.weight = 1.0 / static_cast<double>(terms.size());
    const Index atoms = q_.target->atom_count();
    if (flaw_ == Flaw::population_for_batches && atoms == objective_.inputs().rows()) {
      SampleTerm all{1.0, {}, Points<double>(atoms, q_.target->dimension())};
      for (Index k = 0; k < atoms; ++k) {
        all.inputs.push_back(k);
        all.y.row(k) = q_.target->atom(k);
      }
      terms = {all};
    }
    std::optional<Eigen::RowVectorXd> theta;
    if (q_.generator->output_dimension() == 1) theta = Eigen::RowVectorXd::Ones(1);
    return {*q_.generator, q_.u, objective_.inputs(), std::move(terms), theta, {}};
  }

  [[nodiscard]] Points<double> batch_of(const SampleTerm& term) const {
    Points<double> x(objective_.n(), objective_.inputs().cols());
    for (Index k = 0; k < x.rows(); ++k) x.row(k) = objective_.inputs().row(term.inputs[static_cast<std::size_t>(k)]);
    return x;
  }

  [[nodiscard]] Eigen::VectorXd back_propagated() const {
    Eigen::VectorXd sum = Eigen::VectorXd::Zero(q_.u.size());
    for (const SampleTerm& term : objective_.terms()) {
      const auto linear = q_.generator->linearise(q_.u, batch_of(term));
      sum += term.weight * linear->pullback(ReferenceLoss(2.0).evaluate(linear->images(), term.y, Points<double>::Ones(1, 1)).gradient);  // on the line
    }
    return sum;
  }

  /// A tied network's kinks as if every weight moved on its own.
  [[nodiscard]] std::shared_ptr<const ConvexSet> untied() const {
    const DenseMlp<double>& mlp = tied()->mlp();
    std::vector<Index> hidden;
    for (Index m = 0; m + 1 < mlp.layers(); ++m) hidden.push_back(mlp.width(m));
    const auto free = std::make_shared<DenseMlp<double>>(mlp.input_dimension(), hidden, mlp.output_dimension(), mlp.activation());
    const FiniteObjective wide(free, *q_.source, *q_.target, q_.n);
    const Points<double> limits = wide.subdifferential(tied()->network_parameters(q_.u)).limits().gradients;
    return std::make_shared<PointHull>(Points<double>(limits * tied()->matrix()));
  }

  [[nodiscard]] static std::shared_ptr<const ConvexSet> single(const Eigen::VectorXd& g) { return std::make_shared<PointHull>(Points<double>(g.transpose())); }

  [[nodiscard]] DistanceBracket distance_of(std::shared_ptr<const ConvexSet> set) const {
    const double bound = subdifferential_bound();
    std::shared_ptr<const ConvexSet> cone = bounded_normal_cone(q_.u, q_.radius, flaw_ == Flaw::normal_cone_cut_short ? q_.radius : bound);
    if (flaw_ == Flaw::normal_cone_both_ways) {
      const Eigen::VectorXd end = cone->maximiser(q_.u);
      Points<double> both(2, end.size());
      both << end.transpose(), -end.transpose();
      cone = std::make_shared<PointHull>(both);
    }
    const MinimumNorm nearest = minimum_norm_point(MinkowskiSum({{1.0, std::move(set)}, {1.0, cone}}), {});
    const double rounding = objective_.subdifferential(q_.u).rounding();
    return {std::max(0.0, nearest.lower_bound - rounding), nearest.norm + rounding};
  }

  [[nodiscard]] double subdifferential_bound() const { return 4.0 * objective_.subdifferential(q_.u).bound() + 1.0; }

  Flaw flaw_;
  const CriticalityQuestion& q_;
  FiniteObjective objective_;
};

double broken_goldstein(Flaw flaw, const CriticalityQuestion& q, GoldsteinSettings settings, std::uint64_t seed) {
  const ReferenceLoss loss(2.0);
  if (flaw == Flaw::ray_missing) settings.radius.reset();
  if (flaw == Flaw::hull_missing) {
    settings.delta *= 1e-6;
    settings.points = 1;
    settings.refinements = 0;
  }
  if (flaw != Flaw::fresh_batches) return goldstein_criticality(*q.generator, loss, *q.source, *q.target, q.u, settings, seed).norm;
  // One gradient at a time, each at u and on batches of its own.
  const std::uint64_t points = settings.points;
  settings.points = 1;
  settings.refinements = 0;
  Points<double> gradients(static_cast<Index>(points), q.u.size());
  const Points<double> directions = uniform_directions<double>(RandomStream(seed, Purpose::cases, 0, 0), settings.directions, q.target->dimension());
  for (std::uint64_t k = 0; k < points; ++k) {
    const RandomStream x(seed, Purpose::source, 0, k);
    const RandomStream y(seed, Purpose::target, 0, k);
    const Index n = settings.n * settings.batches;
    const auto linear = q.generator->linearise(q.u, q.source->sample<double>(x, n));
    gradients.row(static_cast<Index>(k)) = linear->pullback(loss.evaluate(linear->images(), q.target->sample<double>(y, n), directions).gradient).transpose();
  }
  std::vector<MinkowskiSum::Term> terms{{1.0, std::make_shared<PointHull>(gradients)}};
  if (settings.radius) terms.push_back({1.0, bounded_normal_cone(q.u, *settings.radius, gradients.rowwise().norm().maxCoeff(), settings.delta)});
  return minimum_norm_point(MinkowskiSum(std::move(terms)), {}).norm;
}

CriticalitySubject subject(const std::string& name, const std::string& title, Flaw flaw) {
  return {"gallery/" + name, title, [flaw](const CriticalityQuestion& q) { return BrokenMeasure(flaw, q).bracket(); },
          [flaw](const CriticalityQuestion& q, const GoldsteinSettings& settings, std::uint64_t seed) { return broken_goldstein(flaw, q, settings, seed); }};
}

}  // namespace

CriticalitySubject repaired_criticality() { return subject("repaired-criticality", "the gallery's measure of criticality without a defect", Flaw::none); }

std::vector<CriticalityDefect> broken_criticalities() {
  struct Entry {
    const char* name;
    const char* title;
    Flaw flaw;
  };
  const Entry entries[] = {
      {"back-propagation-is-the-set", "the one vector that back-propagation returns is taken for the subdifferential", Flaw::back_propagation_is_the_set},
      {"sum-rule-is-the-set", "the outer set of the sum rule is taken for the subdifferential", Flaw::sum_rule_is_the_set},
      {"one-limit-is-the-set", "one limit of gradients is taken for the subdifferential", Flaw::one_limit_is_the_set},
      {"cells-of-the-untied-network", "kinks of a network with shared weights as if each weight moved on its own", Flaw::cells_of_the_untied_network},
      {"normal-cone-missing", "no normal cone: boundary critical points are overlooked", Flaw::normal_cone_missing},
      {"normal-cone-both-ways", "the line through u for the ray: points that leave the sphere inwards are called critical", Flaw::normal_cone_both_ways},
      {"normal-cone-cut-short", "multipliers λ ≤ 1 only: on a small sphere −λu ∈ ∂_C F(u) needs larger ones", Flaw::normal_cone_cut_short},
      {"multiplicities-forgotten", "every batch up to order counts once, whatever its probability", Flaw::multiplicities_forgotten},
      {"population-for-batches", "the loss between the whole laws in place of the expected loss of batches", Flaw::population_for_batches},
      {"fresh-batches-for-goldstein", "each gradient of the hull comes from batches of its own: noise puts 0 into it", Flaw::fresh_batches},
      {"hull-missing-for-goldstein", "one gradient beside u in place of the hull of those around it", Flaw::hull_missing},
      {"ray-missing-for-goldstein", "Goldstein's set near the sphere without the ray", Flaw::ray_missing},
  };
  std::vector<CriticalityDefect> gallery;
  for (const Entry& entry : entries) gallery.push_back({entry.name, entry.title, subject(entry.name, entry.title, entry.flaw)});
  return gallery;
}

}  // namespace slicecheck
