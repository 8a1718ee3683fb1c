#include <cmath>
#include <utility>
#include <vector>

#include "slicecheck/claims/claim.h"
#include "slicecheck/claims/transport_bound.h"
#include "slicecheck/claims/transport_rounding.h"
#include "slicecheck/core/tolerances.h"

namespace slicecheck {

namespace {

/// Weights of which some are given out over several copies, and whose copy each is.
struct Split {
  Vector<double> weights;
  std::vector<Index> owner;
};

/// One atom in two or three, every other in one to three, in any proportion; the copies stand in any order.
Split split_atoms(PointDraws& draws, const Vector<double>& weights) {
  std::vector<std::pair<double, Index>> parts;
  const Index chosen = between(draws, 0, weights.size() - 1);
  for (Index i = 0; i < weights.size(); ++i) {
    double left = weights[i];
    const Index copies = i == chosen ? between(draws, 2, 3) : (draws.below(3) == 0 ? between(draws, 1, 3) : 1);
    for (Index k = 1; k < copies; ++k) {
      const double share = draws.below(4) == 0 ? 1e-6 : draws.uniform(0.1, 0.9);
      parts.emplace_back(share * left, i);
      left -= share * left;
    }
    parts.emplace_back(left, i);
  }
  for (Index k = static_cast<Index>(parts.size()) - 1; k > 0; --k)
    std::swap(parts[static_cast<std::size_t>(k)], parts[static_cast<std::size_t>(between(draws, 0, k))]);
  Split out{Vector<double>(static_cast<Index>(parts.size())), {}};
  for (std::size_t k = 0; k < parts.size(); ++k) {
    out.weights[static_cast<Index>(k)] = parts[k].first;
    out.owner.push_back(parts[k].second);
  }
  return out;
}

Split unsplit(const Vector<double>& weights) {
  Split out{weights, {}};
  for (Index i = 0; i < weights.size(); ++i) out.owner.push_back(i);
  return out;
}

/// A problem and the same with atoms in several copies: of x, of y, or of both.
struct TwoProblems {
  TransportProblem merged;
  TransportProblem split;
  Split x;
  Split y;

  /// Σ over the copies.
  [[nodiscard]] RealTable merge(const Points<double>& table) const {
    RealTable out = RealTable::Zero(merged.n(), merged.m());
    for (Index i = 0; i < table.rows(); ++i)
      for (Index j = 0; j < table.cols(); ++j)
        out(x.owner[static_cast<std::size_t>(i)], y.owner[static_cast<std::size_t>(j)]) += static_cast<Real>(table(i, j));
    return out;
  }
  [[nodiscard]] std::vector<NamedValues> values() const {
    std::vector<NamedValues> values = problem_values(merged);
    values.push_back(named("a split", split.a));
    values.push_back(named("b split", split.b));
    values.push_back({"C split", split.cost});
    return values;
  }
};

TwoProblems draw_two(PointDraws& draws, int size) {
  TwoProblems two;
  two.merged = draw_transport_case(draws, size).problem;
  const std::uint64_t which = draws.below(3);
  two.x = which != 1 ? split_atoms(draws, two.merged.a) : unsplit(two.merged.a);
  two.y = which != 0 ? split_atoms(draws, two.merged.b) : unsplit(two.merged.b);
  two.split = two.merged;
  two.split.a = two.x.weights;
  two.split.b = two.y.weights;
  two.split.cost.resize(two.split.n(), two.split.m());
  for (Index i = 0; i < two.split.n(); ++i)
    for (Index j = 0; j < two.split.m(); ++j)
      two.split.cost(i, j) = two.merged.cost(two.x.owner[static_cast<std::size_t>(i)], two.y.owner[static_cast<std::size_t>(j)]);
  return two;
}

/// Both solved, and how far each may be from the optimum.
struct TwoSolutions {
  TransportSolution merged;
  TransportSolution split;
  Real merged_open = 0.0L;
  Real split_open = 0.0L;
};

TwoSolutions solve_two(const TransportSubject& subject, const TwoProblems& two) {
  const SolverSettings settings{1e-11 * cost_unit(two.merged), 20'000};
  TwoSolutions out{solved(subject, two.merged, settings), solved(subject, two.split, settings)};
  out.merged_open = suboptimality(two.merged, out.merged);
  out.split_open = suboptimality(two.split, out.split);
  return out;
}

Trial values_agree(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const TwoProblems two = draw_two(draws, size);
  const TwoSolutions at = solve_two(subject, two);
  const Real open = at.merged_open + at.split_open;
  const Real d = std::abs(static_cast<Real>(at.merged.dual_value) - static_cast<Real>(at.split.dual_value));
  const Real sharp = std::abs(static_cast<Real>(at.merged.transport) - static_cast<Real>(at.split.transport));
  const Real sharp_open = transport_distance(two.merged, at.merged_open) + transport_distance(two.split, at.split_open) + open;
  Trial trial = ratio_trial(worse_of(d / open, sharp / sharp_open), two.values());
  trial.values.push_back(named("D", Eigen::Vector2d(at.merged.dual_value, at.split.dual_value)));
  trial.values.push_back(named("sharp d", Eigen::Vector2d(at.merged.transport, at.split.transport)));
  return trial;
}

/// The weights of ∇d, added up over the copies: at the two solutions, and at any potentials that give every copy the value of its atom.
Trial weights_agree(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const TwoProblems two = draw_two(draws, size);
  const TwoSolutions at = solve_two(subject, two);
  const Points<double> merged = subject.transport->weights_of_d(two.merged, at.merged.potentials);
  const Points<double> split = subject.transport->weights_of_d(two.split, at.split.potentials);
  expect_size("the weights", merged.size(), two.merged.cost.size());
  expect_size("the weights of the copies", split.size(), two.split.cost.size());
  const Real off = (merged.cast<Real>() - two.merge(split)).cwiseAbs().sum();
  const auto rounded = [](const TransportProblem& problem, const DualPotentials& potentials) {
    return (problem.a.cast<Real>().asDiagonal() * density_rounding(problem, potentials) * problem.b.cast<Real>().asDiagonal()).sum();
  };
  const Real allowed = plan_distance(two.merged, at.merged_open) + plan_distance(two.split, at.split_open) + rounded(two.merged, at.merged.potentials) +
                       rounded(two.split, at.split.potentials) + tolerance::gamma(static_cast<double>(split.size()), kDoubleUnit);
  const DualPotentials any = draw_potentials(draws, two.merged);
  DualPotentials copied{Vector<double>(two.split.n()), Vector<double>(two.split.m())};
  for (Index i = 0; i < two.split.n(); ++i) copied.phi[i] = any.phi[two.x.owner[static_cast<std::size_t>(i)]];
  for (Index j = 0; j < two.split.m(); ++j) copied.psi[j] = any.psi[two.y.owner[static_cast<std::size_t>(j)]];
  const RealTable at_any = subject.transport->weights_of_d(two.merged, any).cast<Real>();
  const Real off_at_any = (at_any - two.merge(subject.transport->weights_of_d(two.split, copied))).cwiseAbs().sum();
  const Real mass = textbook_plan(two.merged, textbook_potentials(two.merged, any)).sum();
  const Real allowed_at_any = rounded(two.merged, any) + rounded(two.split, copied) + tolerance::gamma(static_cast<double>(split.size()), kDoubleUnit) * mass;
  Trial trial = ratio_trial(worse_of(off / allowed, off_at_any / allowed_at_any), two.values());
  trial.values.push_back({"W", merged});
  trial.values.push_back({"W of the copies", split});
  return trial;
}

/// I of any plan: positive or with zeros, of any mass; each copy of an atom gets its share of the row or column.
Trial regularisers_agree(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const TwoProblems two = draw_two(draws, size);
  Points<double> plan(two.merged.n(), two.merged.m());
  for (double& entry : plan.reshaped<Eigen::RowMajor>()) entry = draws.below(4) == 0 ? 0.0 : power_of_two(draws, -8.0, 2.0);
  plan.array() *= (two.merged.a * two.merged.b.transpose()).array();
  Points<double> split(two.split.n(), two.split.m());
  for (Index i = 0; i < split.rows(); ++i)
    for (Index j = 0; j < split.cols(); ++j) {
      const Index k = two.x.owner[static_cast<std::size_t>(i)];
      const Index l = two.y.owner[static_cast<std::size_t>(j)];
      split(i, j) = plan(k, l) * (two.split.a[i] / two.merged.a[k]) * (two.split.b[j] / two.merged.b[l]);
    }
  const double merged_value = subject.transport->regularisation_of(two.merged, plan);
  const double split_value = subject.transport->regularisation_of(two.split, split);
  // The shares are rounded, which moves the entries of the split plan by a few u of themselves.
  const Real allowed = regularisation_rounding(two.merged, plan) + 3.0L * regularisation_rounding(two.split, split);
  Trial trial = ratio_trial(std::abs(static_cast<Real>(merged_value) - static_cast<Real>(split_value)) / allowed, two.values());
  trial.values.push_back({"plan", plan});
  trial.values.push_back(named("I", Eigen::Vector2d(merged_value, split_value)));
  return trial;
}

}  // namespace

Claim claim_r3() {
  Claim claim;
  claim.id = "R3";
  claim.title = "Splitting atoms";
  claim.statement =
      "An atom given as several copies, in whatever proportion, is the same law: d, its transport part and I do not change, and the weights of ∇d, added "
      "up over the copies, are those of the atom. A map from latent to data space need not be one-to-one.";
  claim.source = "theory/regularised_transport.md; report 003, footnote 1";
  std::get<std::vector<TypedCheck<TransportSubject>>>(claim.typed) = {
      {"values", 4, values_agree}, {"gradient weights", 4, weights_agree}, {"regulariser", 6, regularisers_agree}};
  return claim;
}

}  // namespace slicecheck
