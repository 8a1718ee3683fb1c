/// R12, R13, R14, F5 and F6: they come out as declared for the library and for the repaired twins, and each of their checks sees something that is wrong.

#include <gtest/gtest.h>

#include <cmath>

#include "claims/typed_check_runs.h"
#include "slicecheck/claims/transport_loss_case.h"
#include "slicecheck/claims/transport_loss_noise.h"
#include "slicecheck/gallery/broken_transport.h"

namespace slicecheck::testing {
namespace {

template <class S>
std::vector<TypedCheck<S>> checks_of(const std::vector<std::string>& ids) {
  std::vector<TypedCheck<S>> all;
  for (const std::string& id : ids)
    for (const auto& check : typed_checks<S>(claim_by_id(id))) all.push_back(check);
  return all;
}

const std::vector<std::string> kClaims{"R12", "R13", "R14"};

TEST(LossClaims, hold_for_the_library_and_for_the_repaired_twins) {
  for (const TransportSubject& subject : {transport_subjects().front(), repaired_transport()})
    expect_all_hold(checks_of<TransportSubject>(kClaims), subject, 60);
  for (const TransportBoundsSubject& subject : {transport_bounds_subjects().front(), repaired_transport_bounds()})
    expect_all_hold(checks_of<TransportBoundsSubject>(kClaims), subject, 200);
}

/// Each is refused by the check named on a quarter of the cases or more (seen on 60), so that a fresh seed misses it in 60 with probability below 10⁻⁷.
TEST(LossClaims, refuse_wrong_losses) {
  expect_refusals(checks_of<TransportSubject>({"R12"}), broken_transports(),
                  {{"loss-value-of-sharp-d", {"gradient of its own value"}},
                   {"loss-gradient-of-sharp-d", {"gradient of d", "gradient of its own value", "where descent ends"}},
                   {"loss-self-term-in-one-slot", {"gradient of d", "where descent ends"}},
                   {"loss-half-of-the-value", {"gradient of its own value"}}},
                  60);
  std::vector<TypedCheck<TransportSubject>> of_laws;
  for (const auto& check : checks_of<TransportSubject>({"R13", "R14"}))
    if (check.name.find("d alone") == std::string::npos && check.name != "gradient of d̄ at equal laws") of_laws.push_back(check);
  expect_refusals(of_laws, broken_transports(),
                  {{"loss-gradient-of-sharp-d", {"slope on the line"}},
                   {"loss-self-term-in-one-slot", {"gradient at equal laws", "slope on the line"}},
                   {"loss-self-term-by-independent-plan", {"gradient at equal laws", "slope on the line"}},
                   {"loss-target-term-dropped", {"loss of equal laws", "value on the line", "kink of L1", "rescaled laws"}},
                   {"loss-between-once", {"above the bound of its own terms", "not below 0 for positive definite kernels"}},
                   {"loss-never-below-zero", {"value by the textbook", "sharp value by the textbook", "closed form on bipartite graphs"}}},
                  60);
}

TEST(LossClaims, refuse_wrong_bounds) {
  expect_refusals(checks_of<TransportBoundsSubject>(kClaims), broken_transport_bounds(),
                  {{"loss-error-of-two-terms", {"error of both terms"}},
                   {"loss-error-in-quadrature", {"error of both terms"}},
                   {"loss-noise-of-a-shared-batch", {"noise of a shared batch"}},
                   {"loss-noise-not-squared", {"noise of batches of their own"}},
                   {"loss-smoothness-between-once", {"smoothness on the checkerboard", "smoothness of moving clouds"}},
                   {"loss-smoothness-without-self", {"smoothness on the checkerboard"}},
                   {"limit-never-negative", {"limit on bipartite graphs"}},
                   {"mmd-for-its-square", {"limit on bipartite graphs"}}},
                  200);
}

/// What is wrong with d and with R4's weights, which the loss does not use.
class WrongWeights final : public RegularisedTransport {
 public:
  explicit WrongWeights(bool sharp) : sharp_(sharp) {}
  [[nodiscard]] Points<double> weights_of_d(const TransportProblem& problem, const DualPotentials& potentials) const override {
    return sharp_ ? RegularisedTransport::weights_of_d(problem, potentials) : RegularisedTransport::weights_of_sharp_d(problem, potentials);
  }
  [[nodiscard]] Points<double> weights_of_sharp_d(const TransportProblem& problem, const DualPotentials& potentials) const override {
    Points<double> weights = RegularisedTransport::weights_of_sharp_d(problem, potentials);
    if (sharp_) weights.col(0) *= 2.0;
    return weights;
  }

 private:
  bool sharp_;
};

TEST(LossClaims, refuse_wrong_weights) {
  const auto refusing = [](bool sharp) {
    return refusing_checks(checks_of<TransportSubject>({"R13"}), TransportSubject{"wrong", "wrong", std::make_shared<WrongWeights>(sharp)}, 60);
  };
  EXPECT_EQ(refusing(false), (std::set<std::string>{"slope of d alone", "where descent of d alone ends"}));
  EXPECT_EQ(refusing(true), (std::set<std::string>{"gradient of d̄ at equal laws"}));
}

class NoNumber final : public RegularisedTransport {
 public:
  explicit NoNumber(bool of_value) : of_value_(of_value) {}
  [[nodiscard]] SinkhornLoss loss(const SinkhornProblem& problem, const SolverSettings& settings) const override {
    SinkhornLoss loss = RegularisedTransport::loss(problem, settings);
    if (of_value_) loss.value = loss.sharp_value = std::nan("");
    return loss;
  }
  [[nodiscard]] Points<double> loss_gradient(const SinkhornProblem& problem, const SinkhornLoss& loss, GroundCost cost, PointsView<double> z,
                                             PointsView<double> y) const override {
    Points<double> gradient = RegularisedTransport::loss_gradient(problem, loss, cost, z, y);
    if (!of_value_) gradient(0, 0) = std::nan("");
    return gradient;
  }

 private:
  bool of_value_;
};

TEST(LossClaims, refuse_a_value_or_a_gradient_that_is_no_number) {
  const std::set<std::string> of_gradients{"gradient of d",          "gradient of its own value", "where descent ends",
                                           "gradient at equal laws", "slope on the line",         "kink of L1"};
  const std::set<std::string> of_neither{"gradient of d̄ at equal laws", "slope of d alone", "where descent of d alone ends"};
  for (const bool of_value : {true, false}) {
    const TransportSubject subject{"wrong", "wrong", std::make_shared<NoNumber>(of_value)};
    for (const auto& check : checks_of<TransportSubject>(kClaims)) {
      const bool both = check.name == "gradient of its own value" || check.name == "kink of L1";
      if (of_neither.contains(check.name) || (!both && of_gradients.contains(check.name) == of_value)) continue;
      const CheckRun run = run_check(check, subject, 12);
      EXPECT_EQ(run.refused, run.judged) << check.name << (of_value ? ", value" : ", gradient");
    }
  }
}

/// What the sheets of theory say: −.238, −.142, −.320, −1/3.
TEST(LossFindings, have_the_counter_examples_of_the_theory) {
  const auto loss = [](const SinkhornProblem& problem) { return sinkhorn_loss(problem, fine_settings(problem)); };
  const SinkhornProblem graph = bipartite_problem(2, 3, 1.0, 10.0, Regulariser::kl);
  EXPECT_NEAR(loss(graph).value, 1.0 + 10.0 * std::log(std::cosh(0.1)) + 10.0 * std::log((1.0 + 2.0 * std::exp(-0.2)) / 3.0), 1e-11);
  EXPECT_NEAR(loss(graph).value, -0.238, 5e-4);
  // ⟨π*, C⟩ of k equally likely atoms at distance 2: a neighbour has weight e^{−2/λ} where an atom has 1.
  const auto side = [](double k) { return 2.0 * (k - 1.0) * std::exp(-0.2) / (1.0 + (k - 1.0) * std::exp(-0.2)); };
  EXPECT_NEAR(loss(graph).sharp_value, 2.0 - side(2.0) - side(3.0), 1e-11);
  EXPECT_NEAR(loss(graph).sharp_value, -0.142, 5e-4);
  EXPECT_NEAR(loss(quadratic_below_zero()).sharp_value, -0.320, 5e-4);
  EXPECT_NEAR(static_cast<double>(bipartite_limit(2, 3, 1.0)), -1.0 / 3.0, 1e-15);
  EXPECT_NEAR(static_cast<double>(bipartite_loss(2, 3, 1.0, 1e6)), -1.0 / 3.0, 1e-5);
}

template <class S>
void expect_refuted_at_size_one(const std::string& id, const S& subject) {
  for (TypedCheck<S> check : typed_checks<S>(claim_by_id(id))) {
    check.largest = 1;
    const CheckRun run = run_check(check, subject, 4);
    EXPECT_EQ(run.refused, 4) << id << ", " << check.name;
  }
}

TEST(LossFindings, are_refuted_by_the_library_at_size_one_for_every_seed) {
  for (const char* id : {"F5", "F6"}) expect_refuted_at_size_one(id, transport_subjects().front());
  expect_refuted_at_size_one("F6", transport_bounds_subjects().front());
}

TEST(LossFindings, hold_for_what_hides_a_sign) {
  const auto named = [](const auto& defects, const std::string& name) {
    for (const auto& defect : defects)
      if (defect.name == name) return defect.subject;
    throw Error("no planted defect is called " + name);
  };
  const TransportSubject clipped = named(broken_transports(), "loss-never-below-zero");
  for (const char* id : {"F5", "F6"}) expect_all_hold(typed_checks<TransportSubject>(claim_by_id(id)), clipped, 60);
  for (const char* name : {"limit-never-negative", "mmd-for-its-square"})
    expect_all_hold(typed_checks<TransportBoundsSubject>(claim_by_id("F6")), named(broken_transport_bounds(), name), 60);
}

/// Two equally likely atoms at ±1: estimates that are the mean of a batch have variance 1/S.
TEST(LossNoise, is_what_it_is_by_hand) {
  NoisyTerms terms;
  terms.a = terms.b = Vector<double>::Constant(2, 0.5);
  terms.xy = RealTable{{1.0L, 1.0L}, {-1.0L, -1.0L}};
  terms.xx = RealTable{{-1.0L, 0.0L}, {0.0L, 1.0L}};  // −(x_k + x_l)/2
  for (const Index batch : {1, 2}) {
    const auto size = static_cast<Real>(batch);
    terms.sharing = Sharing::none;
    EXPECT_NEAR(static_cast<double>(enumerate(terms, batch).xy * size), 1.0, 1e-15);
    EXPECT_NEAR(static_cast<double>(enumerate(terms, batch).xx * size), 0.5, 1e-15);
    EXPECT_NEAR(static_cast<double>(enumerate(terms, batch).loss * size), 4.5, 1e-15);
    terms.sharing = Sharing::both_slots;
    EXPECT_NEAR(static_cast<double>(enumerate(terms, batch).loss * size), 9.0, 1e-14);
    terms.sharing = Sharing::first_slot;  // 2x + x/2 + x'/2
    EXPECT_NEAR(static_cast<double>(enumerate(terms, batch).loss * size), 6.5, 1e-14);
  }
}

}  // namespace
}  // namespace slicecheck::testing
