#pragma once
/// Trainings on the line that break one assumption each (claim T6). Only this experiment uses them.

#include <functional>
#include <memory>
#include <string>

#include "slicecheck/dynamics/training.h"

namespace slicecheck::npsgd {

/// T(u, x) = x·h(u), u ∈ R, x ∈ R: with x ≡ 1 and n = 1 the location model f = (h(u) − y)²; with x, y = ±1 the two-point line bent by h.
class BentLine final : public Generator<double> {
 public:
  using Function = std::function<double(double)>;
  /// slope: h', where it exists; what back-propagation gives elsewhere.
  BentLine(std::string name, Function h, Function slope) : name_(std::move(name)), h_(std::move(h)), slope_(std::move(slope)) {}

  [[nodiscard]] std::string name() const override { return name_; }
  [[nodiscard]] Index parameters() const override { return 1; }
  [[nodiscard]] Index input_dimension() const override { return 1; }
  [[nodiscard]] Index output_dimension() const override { return 1; }
  /// Standard normal.
  [[nodiscard]] Vector<double> initial(const RandomStream& stream) const override { return Vector<double>::Constant(1, stream.normals(0)[0]); }
  [[nodiscard]] std::unique_ptr<Linearisation<double>> linearise(VectorView<double> u, PointsView<double> x) const override;

 private:
  std::string name_;
  Function h_;
  Function slope_;
};

/// ±scale·V^{−1/index} with V uniform in (0, 1] and a fair sign: P(|y| > t) = (scale/t)^index. No mean for index ≤ 1, no variance for index ≤ 2.
class HeavyTailed final : public Law {
 public:
  HeavyTailed(double index, double scale) : index_(index), scale_(scale) {}
  [[nodiscard]] std::string name() const override;
  [[nodiscard]] Index dimension() const override { return 1; }
  [[nodiscard]] Eigen::RowVectorXd draw(PointDraws& draws) const override;
  [[nodiscard]] std::optional<double> support_radius() const override { return std::nullopt; }

 private:
  double index_;
  double scale_;
};

/// A training on the line.
struct LineModel {
  std::shared_ptr<const Generator<double>> generator;
  std::shared_ptr<const Law> source;
  std::shared_ptr<const Law> target;
  Index n;
  double centre;  ///< u0 is uniform in [centre − spread, centre + spread]
  double spread;
};
TrainingParts<double> line_training(const LineModel& model, double alpha, std::uint64_t seed, std::uint32_t replicate,
                                    std::shared_ptr<const Scheme<double>> scheme = nullptr);
/// u_T, T the least with Tα ≥ horizon.
double line_end(const TrainingParts<double>& parts, double alpha, double horizon);

/// A1: h(u) = 1/4 + g(u − 1/4), g(w) = w(1 + ½ sin log|w|). Lipschitz, as g' = 1 + ½ sin + ½ cos ∈ [1 − 1/√2, 1 + 1/√2], and increasing; g'' is of size 1/|w|,
/// so that no piece next to 1/4 is C². With x, y = ±1 and n = 2, F = h² + 1 − |h|/2 has its minimum h = 1/4 at that very point.
LineModel oscillating_model();
/// Its C_r for r ≥ 1: where h is 1/4, 0, −1/4. Ascending.
std::vector<double> oscillating_critical_points();

/// A2: the two-point line cut off by the indicator of |u| ≤ radius, h(u) = u·1(|u| ≤ radius); `smooth`: by BoundedGenerator instead. Starts below the radius.
LineModel cut_off_model(double radius, bool smooth);

/// A3: T(u, x) = u onto HeavyTailed(index, scale), n = 1: u⁺ = (1 − 2α)u + 2αy.
LineModel heavy_model(double index, double scale);

/// A4: the two-point line as it is.
LineModel unbounded_model();

/// A5: h(u) = u + u³ on the two-point line. φ is of size 6u⁵.
LineModel cubic_model(double centre, double spread);

/// A6: T(u, x) = ux with x, y uniform in [−1, 1], n = 2: F = u²/3 + 1/3 − (2/9)|u|, minimisers ±1/3 (n points: ±(n − 1)/(n + 1)).
LineModel continuous_model();

/// A7: h' = 1 on three quarters of every piece of length `piece` and −1 on the rest, so that h(u) is within a piece of u/2; n = 1, y around 1 on eight atoms.
LineModel toothed_model(double piece);
/// Where the flow of F stops that starts at u0 near 0: at the top of the tooth of u0.
double top_of_tooth(double piece, double u0);
/// The flow of the averaged slope, u' = −(u/2 − 1), from 0.
double averaged_flow(double s);

}  // namespace slicecheck::npsgd
