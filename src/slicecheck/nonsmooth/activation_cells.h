#pragma once
/// The Jacobians of a ReLU network next to a kink: one for every activation cell that touches u (claims N8, N9).

#include <memory>
#include <optional>
#include <vector>

#include "slicecheck/generators/dense_mlp.h"

namespace slicecheck {

/// Hidden unit `unit` of hidden layer `layer` at row `sample` of x, whose pre-activation is 0 while its activation is relu or leaky_relu.
struct Kink {
  Index layer;
  Index unit;
  Index sample;
};

/// One choice of a side for every kink.
struct ActivationPattern {
  std::vector<int> signs;  ///< for each kink +1 (slope 1) or −1 (slope 0 or 0.01); 0 for an inert kink, whose side makes no difference
  Points<double> slopes;   ///< n×H: act' at every sample and hidden unit, layers side by side, the kinks' from their signs
  Points<double> normals;  ///< sign·a/‖a‖ of the kinks that are not inert, a the gradient of the pre-activation; the cell is {v : normals·v > 0} to first order
  Eigen::VectorXd direction;  ///< a unit v strictly inside the cell; empty if none was looked for, or where there is no kink
};

/// Which cells around u are meant.
enum class CellSet {
  reached,   ///< cells that a straight line u + tv, t ↓ 0, runs in: their Jacobians ARE limits
  possible,  ///< a family that contains every limit of Jacobians: only kinks of the first hidden layer, whose pre-activations are affine in u, rule out
             ///< patterns
};

/// What counts as a kink, and how many are enumerated.
struct CellOptions {
  double width = 0.0;                        ///< a kink is |pre-activation| ≤ width; 0: exactly 0, as computed
  std::size_t largest = 12;                  ///< more kinks that are not inert are refused
  CellSet set = CellSet::reached;            ///< which cells
  const Eigen::MatrixXd* tangent = nullptr;  ///< d_u×d_s: u moves only in its range, directions v ∈ R^{d_s}; none: in all of R^{d_u}
};

/// A linear system of strict inequalities rows·v > 0, by Gordan's theorem: it has a solution exactly where 0 is not in the hull of the rows.
struct StrictDirection {
  double distance;            ///< of 0 to the hull of the rows, from above
  double margin;              ///< min rows·direction, as computed; ≤ 0 or a rounding where there is no solution
  Eigen::VectorXd direction;  ///< the hull's point nearest to 0, normalised; 0 where that point is 0
};

/// rows: k×d, k ≥ 1, unit rows (their lengths count for the margin only).
StrictDirection strict_direction(PointsView<double> rows);

/// The kinks of a dense network at u on x, by layer; none for smooth activations.
/// @throws InputError for arguments that do not fit, entries that are not finite, a width that is negative or not finite.
std::vector<Kink> activation_kinks(const DenseMlp<double>& mlp, VectorView<double> u, PointsView<double> x, double width = 0.0);

/// The activation cells around u: all patterns of sides that the kinks can take together, layer by layer. Where there is no kink: one pattern.
///
/// With a_i the gradient in u (or in s, `tangent`) of pre-activation i under the sides already given to earlier layers, a pattern is REACHED if some v has
/// sign_i ⟨a_i, v⟩ > 0 for all i, that is, if 0 is not in the hull of the sign_i a_i (Gordan): then along u + tv all signs are as given for small t > 0, by
/// induction over the layers. A kink with a_i = 0 (up to the rounding of a_i) is INERT: the Jacobian contains its slope only times a_i, so its side changes
/// nothing here and it splits no cell. Two kinks with a_2 = −a_1 never have equal sides: that is what a product over kinks, and automatic differentiation, gets
/// wrong.
///
/// Cells whose directions fill an angle within rounding of 0 are not told from empty ones.
/// @throws InputError as above, and where more than `largest` kinks are not inert.
std::vector<ActivationPattern> adjacent_cells(const DenseMlp<double>& mlp, VectorView<double> u, PointsView<double> x, const CellOptions& options);
/// The same with the other options as they are.
std::vector<ActivationPattern> adjacent_cells(const DenseMlp<double>& mlp, VectorView<double> u, PointsView<double> x, double width = 0.0);

/// The cell that the line u + tv enters for small t > 0; nothing where v lies on a wall ⟨a_i, v⟩ = 0 of one, up to rounding.
std::optional<ActivationPattern> cell_along(const DenseMlp<double>& mlp, VectorView<double> u, PointsView<double> x, VectorView<double> v,
                                            const CellOptions& options = {});

/// Σ_k J_kᵀ c_k ∈ R^{d_u} with the slopes of the pattern; cotangent c: n×d.
/// @throws InputError for arguments and patterns that do not fit.
Eigen::VectorXd pullback_in_cell(const DenseMlp<double>& mlp, VectorView<double> u, PointsView<double> x, PointsView<double> cotangent,
                                 const ActivationPattern& pattern);

/// J_k for each row of x, d×d_u, with the slopes of the pattern.
std::vector<Points<double>> jacobians_in_cell(const DenseMlp<double>& mlp, VectorView<double> u, PointsView<double> x, const ActivationPattern& pattern);

/// A dense network whose parameters move in an affine family: T(s, x) = mlp(base + matrix·s, x), s ∈ R^{d_s}. Shared and frozen weights are such families:
/// testbed 4 and relu(t) − relu(−t). At a kink the pullback follows the network's convention, so it may be no Clarke subgradient of the family.
class TiedMlp final : public Generator<double> {
 public:
  /// @throws InputError unless base has d_u finite entries and matrix is d_u×d_s, d_s ≥ 1, finite.
  TiedMlp(std::shared_ptr<const DenseMlp<double>> mlp, Eigen::VectorXd base, Eigen::MatrixXd matrix);

  [[nodiscard]] std::string name() const override { return "tied " + mlp_->name(); }
  [[nodiscard]] Index parameters() const override { return matrix_.cols(); }
  [[nodiscard]] Index input_dimension() const override { return mlp_->input_dimension(); }
  [[nodiscard]] Index output_dimension() const override { return mlp_->output_dimension(); }
  /// s0 standard normal.
  [[nodiscard]] Vector<double> initial(const RandomStream& stream) const override;
  [[nodiscard]] std::unique_ptr<Linearisation<double>> linearise(VectorView<double> s, PointsView<double> x) const override;

  [[nodiscard]] const DenseMlp<double>& mlp() const { return *mlp_; }
  [[nodiscard]] const Eigen::MatrixXd& matrix() const { return matrix_; }
  /// base + matrix·s.
  [[nodiscard]] Eigen::VectorXd network_parameters(VectorView<double> s) const { return base_ + matrix_ * s; }

 private:
  std::shared_ptr<const DenseMlp<double>> mlp_;
  Eigen::VectorXd base_;
  Eigen::MatrixXd matrix_;
};

}  // namespace slicecheck
