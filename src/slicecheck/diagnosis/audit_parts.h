#pragma once
/// What the parts of the audit share: where they look, and what each of them brings back.

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "slicecheck/core/progress.h"
#include "slicecheck/diagnosis/audit.h"
#include "slicecheck/diagnosis/audit_probe.h"

namespace slicecheck {

/// What is known of a generator of this library from its structure; nothing is known of a TorchScript module.
struct GeneratorStructure {
  bool known = false;
  bool kinks = false;             ///< relu or leaky_relu
  bool piecewise_linear = false;  ///< its activations are
  Index layers = 0;               ///< D: layers of weights; 1 for an affine map
  bool cut_off = false;           ///< bounded by a C² cut-off χ(‖u‖/R)
  std::string description;
};
GeneratorStructure structure_of(const TrainingDescription& training);

/// A tensor of u.
struct TensorRange {
  Index offset = 0;
  Index size = 0;
  std::string name;  ///< "tensor 3 of 6"
};

struct AuditContext {
  const TrainingDescription& training;
  AuditOptions options;
  ProbedGenerator generator;
  GeneratorStructure structure;
  Eigen::VectorXd u0;
  Eigen::VectorXd base;                   ///< u0, or where it does not lie well inside B(0, R), 0.9 R u0/‖u0‖
  double radius = 1.0;                    ///< R
  double reach = 1.0;                     ///< R − ‖base‖: how far lines through `base` go
  Points<double> x, y;                    ///< `points` draws of the laws
  std::vector<TensorRange> tensors;       ///< at most 64, evenly chosen
  std::array<Eigen::VectorXd, 2> shakes;  ///< 1 ± one rounding, for every entry of u
  double unit = 0.0;                      ///< unit roundoff of what computes T

  /// A unit vector in which every tensor has the share that it has in u0 (at least a hundredth), filled with normals.
  [[nodiscard]] Eigen::VectorXd dense_direction(std::uint32_t number) const;
  /// A random unit vector within one tensor.
  [[nodiscard]] Eigen::VectorXd tensor_direction(const TensorRange& tensor, std::uint32_t number) const;
  /// Tensors number k·count/wanted, k < wanted: at most `wanted`, evenly chosen.
  [[nodiscard]] std::vector<TensorRange> some_tensors(Index wanted) const;
  /// s ↦ T(from + s·direction, x).
  [[nodiscard]] ProbedLine line(std::string what, Eigen::VectorXd from, Eigen::VectorXd direction, double low, double high) const;
};
AuditContext audit_context(const TrainingDescription& training, const AuditOptions& options);

/// A zoom with the line that it was made on.
struct NamedZoom {
  std::string line;
  Zoom zoom;
};

struct RegularityFindings {
  std::vector<NamedZoom> in_u;       ///< lines in B(0, R); the most irregular first
  std::vector<NamedZoom> beyond;     ///< lines from R to 4R
  std::vector<NamedZoom> in_x;       ///< lines in x
  std::vector<NamedZoom> at_start;   ///< around u0 itself
  std::vector<NamedZoom> at_random;  ///< around points taken at random on lines in B(0, R), `places_of_line` of each
  Index places_of_line = 0;
  Index unclear = 0;   ///< of at_random: too few halvings above rounding to tell
  Index rough = 0;     ///< of at_random: not twice differentiable as far down as can be seen
  Index roughest = 0;  ///< on the line that has most of them
  std::string roughest_line;
  double lipschitz_u = 0.0;           ///< largest ‖J_u T(u, x)‖ found, a lower bound
  double lipschitz_at_start = 0.0;    ///< the same at u0
  double lipschitz_x = 0.0;           ///< largest ‖J_x T(u, x) w‖ found over unit w
  std::optional<double> certified_u;  ///< Λ on B(0, R) for ‖x‖ ≤ `certified_for`
  std::optional<double> certified_image;
  double certified_for = 0.0;
};
RegularityFindings probe_regularity(const AuditContext& context, Progress& progress);

struct GrowthFindings {
  std::vector<AuditRay> rays;
  bool image_saturates = true;  ///< the running maximum grew by less than 1 % over the last half of the doublings, on every ray
  bool image_grows = false;     ///< by more than 10 % on one
  std::string image_ray;        ///< that grew most
  double image_exponent = 0.0;
  double largest_image = 0.0;      ///< within B(0, R)
  bool curvature_vanishes = true;  ///< nothing above rounding anywhere
  bool curvature_seen = true;      ///< every ray had points free of kinks at its far end
  bool curvature_saturates = true;
  bool curvature_grows = false;
  std::string curvature_ray;
  double curvature_exponent = 0.0;
  double largest_curvature = 0.0;    ///< within B(0, R)
  double image_exponent_in_x = 0.0;  ///< of ‖T(u, s·x)‖
  double curvature_exponent_in_x = 0.0;
  bool image_grows_in_x = false;
  bool curvature_grows_in_x = false;
  bool finite_in_ball = true;
};
GrowthFindings probe_growth(const AuditContext& context, Progress& progress);

/// One curve of A7.
struct CurveFinding {
  std::string curve;
  Index looked_at = 0;       ///< places at which f has one slope along the curve
  Index disagree = 0;        ///< of these: ⟨φ, c'⟩ is another number
  Index not_finite = 0;      ///< φ is not finite
  double worst = 0.0;        ///< largest |slope − ⟨φ, c'⟩|
  double slope_there = 0.0;  ///< the slope at that place
  double returned = 0.0;     ///< ⟨φ, c'⟩ there
};
struct PathFindings {
  std::vector<CurveFinding> curves;
  std::vector<std::string> artefacts;  ///< points where f has one slope along a line and ⟨φ, v⟩ is another number
  std::uint64_t harmless_ties = 0, harmful_ties = 0, unjudged_ties = 0, tied_batches = 0;
};
PathFindings probe_paths(const AuditContext& context, Progress& progress);

/// Does T(u, x_i) depend on the other rows?
struct CouplingFinding {
  bool coupled = false;
  double change = 0.0;   ///< largest change of a row when another one is replaced
  double allowed = 0.0;  ///< rounding
  double size = 0.0;     ///< largest ‖T‖
};
CouplingFinding probe_coupling(const AuditContext& context);

struct ConstantFindings {
  std::vector<AuditConstant> constants, suggestions;
  std::vector<AuditSphere> spheres;
};
ConstantFindings probe_constants(const AuditContext& context, const RegularityFindings& regularity, const GrowthFindings& growth, Progress& progress);

std::vector<AuditFlag> practice_flags(const AuditContext& context, const CouplingFinding& coupling, const RegularityFindings& regularity);

}  // namespace slicecheck
