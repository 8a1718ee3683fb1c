/// Claim A6: finite laws.

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include "slicecheck/claims/dynamics_step.h"
#include "slicecheck/claims/dynamics_trial.h"

namespace slicecheck {

namespace {

/// Distinct atoms: the first coordinate is the atom's number, the others are normal.
Points<double> draw_atoms(PointDraws& draws, Index count) {
  Points<double> atoms(count, between(draws, 1, 3));
  for (Index k = 0; k < count; ++k) {
    atoms(k, 0) = static_cast<double>(k);
    for (Index j = 1; j < atoms.cols(); ++j) atoms(k, j) = draws.normal();
  }
  return atoms;
}

/// Multiples of 1/64, in any order, some of them zero: their sum is 1 exactly.
std::vector<double> draw_probabilities(PointDraws& draws, Index count) {
  std::vector<double> parts(static_cast<std::size_t>(count), 0.0);
  for (int i = 0; i < 64; ++i) parts[draws.below(draws.below(2) == 0 ? static_cast<std::uint64_t>(count) : static_cast<std::uint64_t>((count + 1) / 2))] += 1.0;
  for (double& part : parts) part /= 64.0;
  return parts;
}

NamedValues probabilities_row(const std::vector<double>& probabilities) {
  return named("probabilities", Eigen::Map<const Eigen::VectorXd>(probabilities.data(), static_cast<Index>(probabilities.size())));
}

/// A sum other than one (by 5·10⁻⁴ to 1), a negative probability, NaN, infinity, one too many, one too few: refused by an exception.
Trial judge_refusal(const LawSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const Index count = size + 1;
  const Points<double> atoms = draw_atoms(draws, count);
  auto probabilities = draw_probabilities(draws, count);
  const auto one = static_cast<std::size_t>(draws.below(static_cast<std::uint64_t>(count)));
  const auto other = (one + 1) % probabilities.size();
  switch (draws.below(6)) {
    case 0: {
      const double factor = 1.0 + (draws.below(2) == 0 ? -0.5 : 1.0) * std::pow(10.0, -draws.uniform(0.0, 3.0));
      for (double& p : probabilities) p *= factor;
      break;
    }
    case 1:
      probabilities[other] += probabilities[one] + 0.25;
      probabilities[one] = -0.25;  // the sum stays 1
      break;
    case 2: probabilities[one] = std::nan(""); break;
    case 3: probabilities[one] = std::numeric_limits<double>::infinity(); break;
    case 4: probabilities.push_back(0.0); break;
    default:
      probabilities[other] += probabilities[one];
      probabilities.erase(probabilities.begin() + static_cast<std::ptrdiff_t>(one));
      break;
  }
  bool refused = false;
  try {
    subject.make(atoms, probabilities);
  } catch (const std::exception&) {
    refused = true;
  }
  return trial_of(refused ? 0.0 : 1.0, 0.0, {{"atoms", atoms}, probabilities_row(probabilities)});
}

/// What it was made from is what it says.
Trial judge_description(const LawSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const Points<double> atoms = draw_atoms(draws, size);
  const auto probabilities = draw_probabilities(draws, size);
  const auto law = subject.make(atoms, probabilities);
  expect_size("the law", law->atom_count(), size);
  double wrong = law->dimension() == atoms.cols() ? 0.0 : 1.0;
  for (Index k = 0; k < size; ++k) {
    if (law->atom(k) != atoms.row(k)) wrong += 1.0;
    if (law->probability(k) != probabilities[static_cast<std::size_t>(k)]) wrong += 1.0;
  }
  return trial_of(wrong, 0.0, {{"atoms", atoms}, probabilities_row(probabilities)});
}

/// 2000 draws: every one is an atom; the atoms' counts, and those of pairs of consecutive draws, have their multinomial laws (exact binomial tails a cell).
/// An atom of probability 0 must not come.
Trial judge_draws(const LawSubject& subject, const RandomStream& stream, int size) {
  constexpr Index kDraws = 2000;
  PointDraws draws(stream, 0);
  const Points<double> atoms = draw_atoms(draws, size);
  const auto probabilities = draw_probabilities(draws, size);
  const auto law = subject.make(atoms, probabilities);
  const Points<double> drawn = law->sample<double>({draws.below(std::uint64_t{1} << 62), Purpose::source, 0, draws.below(1000)}, kDraws);
  const auto cells = static_cast<std::size_t>(size);
  std::vector<double> counts(cells, 0.0);
  std::vector<double> pairs(cells * cells, 0.0);
  std::size_t before = 0;
  for (Index i = 0; i < kDraws; ++i) {
    const double k = drawn(i, 0);
    if (!(k >= 0.0 && k < static_cast<double>(size)) || std::floor(k) != k || drawn.row(i) != atoms.row(static_cast<Index>(k)))
      throw Error(fmt::format("draw {} is no atom", i));
    const auto number = static_cast<std::size_t>(k);
    counts[number] += 1.0;
    if (i % 2 == 1) pairs[before * cells + number] += 1.0;
    before = number;
  }
  std::vector<double> joint;
  for (const double p : probabilities)
    for (const double q : probabilities) joint.push_back(p * q);
  return trial_of_p_value(smallest_of({multinomial_p_value(counts, probabilities), multinomial_p_value(pairs, joint)}),
                          {{"atoms", atoms}, probabilities_row(probabilities), named("counts", Eigen::Map<const Eigen::VectorXd>(counts.data(), size))});
}

}  // namespace

std::vector<TypedCheck<LawSubject>> finite_law_checks() {
  return {{"probabilities that are none are refused", 6, judge_refusal},
          {"atoms and probabilities are kept", 6, judge_description},
          {"atoms come with their probabilities", 6, judge_draws, true, 2}};
}

}  // namespace slicecheck
