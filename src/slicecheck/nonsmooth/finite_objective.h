#pragma once
/// F(u) = E f(u, X, Y, θ) between FINITE laws, without Monte-Carlo error, and the bracket of its criticality (claims L4, N9; testbeds 1–4).

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "slicecheck/measures/law.h"
#include "slicecheck/nonsmooth/sample_subdifferential.h"

namespace slicecheck {

/// F(u) and its rounding.
struct FiniteValue {
  double value;
  double error;  ///< bound on the rounding of `value`, for images of the atoms as computed
};

/// F(u) = Σ P(X) P(Y) w(T_u(X), Y) over all multisets X of n atoms of the source and Y of n atoms of the target, P the multinomial probabilities: batches are
/// i.i.d. and w does not depend on the order of the points. In dimension 1 θ = ±1 give one w; in dimension 2 w = SW_2², exactly (`exact_plane_sw`). p = 2.
/// Atoms of probability 0 are left out.
class FiniteObjective {
 public:
  /// @throws InputError unless both laws are finite, fit the generator, n ≥ 1, the images have dimension 1 or 2, and there are at most `most` pairs of
  /// multisets.
  FiniteObjective(std::shared_ptr<const Generator<double>> generator, const Law& source, const Law& target, Index n, std::uint64_t most = 20000);

  [[nodiscard]] const Generator<double>& generator() const { return *generator_; }
  [[nodiscard]] Index n() const { return n_; }
  [[nodiscard]] const std::vector<SampleTerm>& terms() const { return terms_; }  ///< weight P(X) P(Y); inputs are rows of `inputs`
  [[nodiscard]] const Points<double>& inputs() const { return inputs_; }         ///< the atoms of the source

  /// @throws InputError for a u that does not fit or is not finite.
  [[nodiscard]] FiniteValue value(VectorView<double> u) const;

  /// ∂_C F(u), from outside and from inside.
  [[nodiscard]] SampleSubdifferential subdifferential(VectorView<double> u, const SubdifferentialOptions& options = {}) const;

  /// ∇F(u); nothing AT A TIE OR KINK where limits of gradients differ (beyond rounding) in the directions tried by `SampleSubdifferential::limits`.
  [[nodiscard]] std::optional<Eigen::VectorXd> gradient(VectorView<double> u) const;

 private:
  std::shared_ptr<const Generator<double>> generator_;
  Index n_;
  Points<double> inputs_;
  std::vector<SampleTerm> terms_;
};

/// What a bracket says of a tolerance.
enum class CriticalityVerdict { critical, not_critical, undecided };
/// critical, not critical or undecided.
std::string_view criticality_name(CriticalityVerdict verdict);

/// lower ≤ dist(0, ∂_C F(u) + N_r(u)) ≤ upper.
struct Criticality {
  double lower = 0.0;        ///< distance of 0 to the outer set plus the normal cone, from below
  double upper = 0.0;        ///< distance of 0 to the hull of limiting gradients plus the cone, from above; infinite if no limit was found
  bool on_sphere = false;    ///< ‖u‖ = r up to rounding: the cone is the ray R₊u
  Eigen::VectorXd nearest;   ///< the point g + λu, λ ≥ 0, that gave `upper`
  std::uint64_t limits = 0;  ///< limiting gradients used
  bool divided = true;       ///< as in LimitingGradients

  /// "critical" only from upper ≤ tolerance, "not critical" only from lower > tolerance.
  [[nodiscard]] CriticalityVerdict verdict(double tolerance) const;
};

/// How hard the bracket is worked on.
struct CriticalityOptions {
  SubdifferentialOptions subdifferential;
  OuterRule rule = OuterRule::joint_cells;
  double gap = 0.0;                 ///< stop refining the inner hull once upper − lower ≤ gap
  std::uint64_t iterations = 2000;  ///< of each minimum-norm search
  std::uint64_t refinements = 64;   ///< limits along the present nearest point, at most
};

/// The bracket of N9 at u ∈ B(0, radius). The inner hull starts from `SampleSubdifferential::limits` and grows by limits along the present nearest point x and
/// next to it: without kinks these are the minimisers of ⟨g, x⟩ over ∂_C F(u), so that the bracket closes.
/// @throws InputError unless radius > 0 is finite and ‖u‖ ≤ radius up to rounding; as `subdifferential` does.
Criticality criticality(const FiniteObjective& objective, VectorView<double> u, double radius, const CriticalityOptions& options = {});

}  // namespace slicecheck
