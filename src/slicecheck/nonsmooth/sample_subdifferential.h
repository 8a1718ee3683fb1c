#pragma once
/// ∂_C in u of weighted sums of sample losses, u ↦ Σ_t weight_t · w(T_u(X_t), Y_t), between an outer set and limiting gradients (claims N6, N9).

#include <memory>
#include <optional>
#include <vector>

#include "slicecheck/generators/generator.h"
#include "slicecheck/nonsmooth/convex_set.h"

namespace slicecheck {

/// weight · w(T_u(X), Y), X being rows of a list of inputs.
struct SampleTerm {
  double weight;              ///< > 0
  std::vector<Index> inputs;  ///< which row of the inputs is x_k; rows may repeat
  Points<double> y;           ///< n×d, n = inputs.size()
};

/// What counts as a kink or a tie, and how much is enumerated.
struct SubdifferentialOptions {
  double kink_width = 0.0;          ///< as in CellOptions
  double tie_width = 0.0;           ///< as in SliceSubdifferential
  std::size_t largest = 12;         ///< kinks of all inputs together that are not inert; and kinks and tie walls of one cell that are divided further
  std::uint64_t random_probes = 8;  ///< random directions beside those of the cells
  std::uint64_t seed = 1;           ///< of these
};

/// Which outer estimate of ∂_C.
enum class OuterRule {
  sum_rule,    ///< Σ_t weight_t · conv ∪_cells {Σ_k J_kᵀ g_k : g ∈ ∂_C w_t}: every term takes its own cell
  joint_cells  ///< conv ∪_cells Σ_t weight_t {Σ_k J_kᵀ g_k : g ∈ ∂_C w_t}: all terms are in one cell
};

/// Limits of gradients.
struct LimitingGradients {
  Points<double> gradients;   ///< one a row, k×d_u; k may be 0
  Points<double> directions;  ///< the limit was taken along u + tv, t ↓ 0
  std::uint64_t cells = 0;    ///< activation cells, divided by the walls of harmful ties
  bool divided = true;        ///< false where a cell had more walls than are enumerated: it is represented by some of its parts
};

/// f(u) = Σ_t weight_t · w(T_u(X_t), Y_t) near one u. w is w_θ for a given θ, or SW_2² in the plane, p = 2.
///
/// Generators: TwoPointLine and Affine (C^∞ in u), DenseMlp and TiedMlp, whose kinks are enumerated over ALL inputs together.
///
/// THE OUTER SETS. A limit of gradients of f at u_m → u has, along a subsequence, one activation pattern, so Jacobians tending to those of one cell of the
/// `possible` family, and gradients of w_t tending to members of ∂_C w_t(T_u(X_t)): it is in the set of `joint_cells`, which is in that of `sum_rule`. Without
/// kinks both are ∂_C f(u): −w_t is regular, so chain rule, sum rule and (in the plane) the average over θ are equalities.
///
/// THE INNER SET. Along u + tv, t ↓ 0, the pattern is fixed by the signs of ⟨a_i, v⟩ and blocks of ties are ordered by θ·J_k v, so gradients tend to
/// Σ_t weight_t Σ_k J_kᵀ g_k with g the member of ∂_C w_t that minimises ⟨g, (J_k v)_k⟩ (N3). If v is on no wall that matters this is a limit, hence in ∂_C
/// f(u).
class SampleSubdifferential {
 public:
  /// theta: the direction, d entries; nothing: SW_2² over all directions, d = 2. inputs: A×d_x.
  /// @throws InputError for arguments that do not fit, entries that are not finite, another generator, too many kinks.
  SampleSubdifferential(const Generator<double>& generator, VectorView<double> u, PointsView<double> inputs, std::vector<SampleTerm> terms,
                        std::optional<Eigen::RowVectorXd> theta, const SubdifferentialOptions& options = {});
  ~SampleSubdifferential();
  /// Leaves nothing behind.
  SampleSubdifferential(SampleSubdifferential&&) noexcept;
  SampleSubdifferential& operator=(SampleSubdifferential&&) = delete;

  /// u ↦ f(u, X, Y, θ), one batch.
  static SampleSubdifferential of_sample(const Generator<double>& generator, VectorView<double> u, PointsView<double> x, PointsView<double> y,
                                         const Eigen::RowVectorXd& theta, const SubdifferentialOptions& options = {});

  [[nodiscard]] Index parameters() const;  ///< d_u

  /// A convex set that contains ∂_C f(u). It may outlive this object.
  [[nodiscard]] std::shared_ptr<const ConvexSet> outer(OuterRule rule = OuterRule::joint_cells) const;

  /// lim ∇f(u + tv), t ↓ 0; nothing where v lies, up to rounding, on a wall of a cell or of a harmful tie.
  [[nodiscard]] std::optional<Eigen::VectorXd> limit_along(VectorView<double> v) const;

  /// Limits in every activation cell, divided further by the walls ⟨(J_i − J_j)ᵀθ, v⟩ = 0 of the ties (for a given θ), and along random directions.
  [[nodiscard]] LimitingGradients limits() const;

  /// Bound on the norm of every member of the outer sets.
  [[nodiscard]] double bound() const;

  /// Bound on the error of every point of these sets by rounding, for images, Jacobians, ties and kinks as computed: that of the gradients of the loss, of the
  /// pull-backs and of the sums.
  [[nodiscard]] double rounding() const;

 private:
  struct Parts;
  std::shared_ptr<const Parts> parts_;
};

/// N6: are rows i and j of x tied at u, and is the tie harmful for u ↦ f? It is where J_iᵀθ ≠ J_jᵀθ (beyond rounding) in some adjacent cell and the block of
/// ranks that both are in has targets that differ. Equal inputs are never harmful: all matchings pull back to one vector.
/// @throws InputError as above, and for i or j out of range.
bool harmful_tie(const Generator<double>& generator, VectorView<double> u, PointsView<double> x, PointsView<double> y, const Eigen::RowVectorXd& theta, Index i,
                 Index j, double tie_width = 0.0);

}  // namespace slicecheck
