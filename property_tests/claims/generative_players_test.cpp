/// G3, G4, G6: the training of this library and the repaired one hold; each planted defect is refused by the check that is about it. Numbers with bounds: the
/// bounds are bounds.

#include "slicecheck/claims/generative_players.h"

#include "claims/typed_check_runs.h"
#include "slicecheck/claims/tracked.h"
#include "slicecheck/gallery/broken_players.h"

namespace slicecheck::testing {
namespace {

/// A defect of roots shows where the loss is sliced (1/2), a root (1/3) and p ≠ 1 (4/5), and the other ones no less often: 120 cases miss it with probability
/// (13/15)^120 < 4·10⁻⁸.
constexpr int kCases = 120;

/// The checks of all three claims.
std::vector<TypedCheck<TwoPlayerSubject>> all_checks() {
  auto all = relabelling_checks();
  for (const auto& more : {player_checks(), equal_start_checks()}) all.insert(all.end(), more.begin(), more.end());
  return all;
}

TEST(GenerativePlayers, the_training_of_this_library_holds) {
  for (const TwoPlayerSubject& subject : two_player_subjects()) expect_all_hold(all_checks(), subject, kCases);
}

TEST(GenerativePlayers, the_repaired_training_holds) { expect_all_hold(all_checks(), repaired_players(), kCases); }

TEST(GenerativePlayers, defects_are_refused_by_the_check_that_is_about_them) {
  const std::map<std::string, std::set<std::string>> expected{
      {"critic-moved-by-generator-step", {"the generator leaves the critic in place"}},
      {"generator-moved-by-critic-step", {"the critic leaves the generator in place"}},
      {"real-features-not-detached", {"the critic's update"}},
      {"stale-real-features", {"the generator's objective", "the generator's update"}},
      {"statistics-moved-by-real-pass", {"the generator leaves the critic in place"}},
      {"statistics-moved-twice", {"running statistics"}},
      {"statistics-not-moved", {"running statistics"}},
      {"statistics-of-real-points-only", {"running statistics"}},
      {"sliced-step-size", {"the generator's update"}},
      {"start-depends-on-objective", {"equal seeds, equal starts"}},
      {"players-start-ignores-replicate", {"other seeds, other starts"}},
      {"sw1-labelled-sw2", {"the generator's objective"}},
      {"missing-square", {"the generator's objective"}},
      {"missing-root", {"the generator's objective"}},
      {"root-in-value-only", {"the generator's objective"}},
      {"objective-directions-not-normalised", {"the generator's update"}},
      {"unsorted-y",
       {"labels of samples", "labels behind a critic", "labels behind a critic that normalises", "labels where points coincide", "the generator's objective"}},
      {"saturating-bce", {"the generator's objective"}},
      {"critic-sign", {"the critic's update"}},
      {"penalty-not-differentiated", {"the critic's update"}},
      {"penalty-at-real-points", {"the critic's update"}},
      {"max-sw-gradient-not-normalised", {"the worst direction"}},
      {"stale-worst-direction", {"the worst direction"}},
      {"players-depend-on-calls", {"equal parts, equal runs"}}};
  const auto checks = all_checks();
  std::set<std::string> seen;
  for (const PlayersDefect& defect : broken_players()) {
    ASSERT_TRUE(expected.contains(defect.name)) << defect.name;
    for (std::size_t j = 0; j < checks.size(); ++j) {
      if (!expected.at(defect.name).contains(checks[j].name)) continue;
      EXPECT_GT(run_check(checks[j], defect.subject, kCases, static_cast<std::uint32_t>(j)).refused, 0) << defect.name << ", " << checks[j].name;
      seen.insert(checks[j].name);
    }
  }
  EXPECT_EQ(expected.size(), broken_players().size());
  for (const auto& check : checks) EXPECT_TRUE(seen.contains(check.name)) << check.name << " is seen to refuse nothing";
}

/// f at exact numbers near a, in more digits, against the tracked f(a).
void expect_bounded(const char* name, const Tracked& tracked, double computed, double a, double error, long double (*f)(long double),
                    long double (*derivative)(long double)) {
  EXPECT_LE(std::abs(computed - tracked.value), tracked.error) << name << " at " << a;
  for (const double t : {-1.0, -0.5, 0.0, 0.7, 1.0}) {
    const long double exact = static_cast<long double>(a) + static_cast<long double>(t * error);
    EXPECT_LE(std::abs(static_cast<double>(f(exact)) - tracked.value), tracked.error) << name << " at " << a;
    const double slopes = std::abs(static_cast<double>(derivative(exact)) * 2.0 - tracked.slope);
    EXPECT_LE(slopes, tracked.slope_error + 4.0 * Tracked::u * tracked.paths) << name << " at " << a;
  }
}

TEST(Tracked, functions_stay_within_their_bounds) {
  using Wide = long double;
  for (std::uint64_t number = 0; number < 400; ++number) {
    const RandomStream stream(test_seed(), Purpose::cases, 4400, number);
    PointDraws draws(stream, 0);
    const double a = draws.normal() * std::exp2(draws.uniform(-6.0, 4.0));
    const double error = std::abs(a) * std::exp2(draws.uniform(-50.0, -24.0));
    Tracked at(a, 2.0);
    at.error = error;
    expect_bounded(
        "tanh", tanh(at), std::tanh(a), a, error, [](Wide t) { return std::tanh(t); }, [](Wide t) { return 1.0L / (std::cosh(t) * std::cosh(t)); });
    expect_bounded(
        "σ", logistic_of(at), 1.0 / (1.0 + std::exp(-a)), a, error, [](Wide t) { return 1.0L / (1.0L + std::exp(-t)); },
        [](Wide t) { return 1.0L / ((1.0L + std::exp(-t)) * (1.0L + std::exp(t))); });
    expect_bounded(
        "softplus", softplus(at), std::log1p(std::exp(a)), a, error, [](Wide t) { return std::log1p(std::exp(t)); },
        [](Wide t) { return 1.0L / (1.0L + std::exp(-t)); });
    expect_bounded(
        "|t|^1.5", gap_power_of(at, 1.5), std::abs(a) * std::sqrt(std::abs(a)), a, error, [](Wide t) { return std::abs(t) * std::sqrt(std::abs(t)); },
        [](Wide t) { return std::copysign(1.5L * std::sqrt(std::abs(t)), t); });
    expect_bounded(
        "|t|³", gap_power_of(at, 3.0), std::abs(a) * a * a, a, error, [](Wide t) { return std::abs(t) * t * t; },
        [](Wide t) { return 3.0L * t * std::abs(t); });
    at.value = std::abs(a);
    expect_bounded(
        "t^(−1/2)", power(at, -0.5), 1.0 / std::sqrt(std::abs(a)), std::abs(a), error, [](Wide t) { return 1.0L / std::sqrt(t); },
        [](Wide t) { return -0.5L / (t * std::sqrt(t)); });
    expect_bounded(
        "products and sums", at * at + at * Tracked(3.0), at.value * (at.value + 3.0), at.value, error, [](Wide t) { return t * (t + 3.0L); },
        [](Wide t) { return 2.0L * t + 3.0L; });
  }
}

TEST(Tracked, sums_stay_within_their_bounds_in_any_order) {
  for (std::uint64_t number = 0; number < 200; ++number) {
    const RandomStream stream(test_seed(), Purpose::cases, 4401, number);
    PointDraws draws(stream, 0);
    std::vector<Tracked> terms;
    for (std::uint64_t k = 0; k < 2 + number % 20; ++k) terms.emplace_back(draws.normal() * std::exp2(draws.uniform(-20.0, 20.0)));
    const Tracked all = sum(terms);
    long double exact = 0.0L;
    double backwards = 0.0;
    for (std::size_t k = terms.size(); k-- > 0;) {
      exact += static_cast<long double>(terms[k].value);
      backwards += terms[k].value;
    }
    EXPECT_LE(std::abs(all.value - static_cast<double>(exact)), all.error);
    EXPECT_LE(std::abs(backwards - all.value), distance_of_values(all));
  }
}

}  // namespace
}  // namespace slicecheck::testing
