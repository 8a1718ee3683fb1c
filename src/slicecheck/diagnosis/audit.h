#pragma once
/// The assumptions A1–A7 of a training, one by one, with evidence: theory/assumptions.md.
///
/// A probe evaluates T at finitely many (u, x). It can find a witness against an assumption; where it finds none, the assumption "holds as far as was probed",
/// and that is what is said. Certificates exist for generators of this library, whose structure is known.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "slicecheck/core/progress.h"
#include "slicecheck/diagnosis/training_description.h"

namespace slicecheck {

/// Where and how much is looked at.
struct AuditOptions {
  double radius = 0.0;     ///< R of B(0, R); 0: the training's ball, or 2‖u0‖, or 1 where u0 = 0
  Index points = 16;       ///< inputs that T is looked at, at once, ≥ 2
  Index rays = 8;          ///< directions in u, ≥ 2
  double vicinity = 0.01;  ///< ε of K_f, in units of ‖u0‖ (of R where u0 = 0)
  Index batches = 16;      ///< batches for F, K_F and the sphere, ≥ 2
  std::uint64_t seed = 1;
};

/// How an assumption stands.
enum class Standing {
  holds,    ///< for all u
  on_ball,  ///< on B(0, R) only
  fails,
  undecided,
};
/// What that rests on.
enum class Basis {
  certified,  ///< follows from the structure of the generator, or from what the law is
  declared,   ///< the law says so, and draws agree
  probed,     ///< no witness against it was found, or one was
};

/// As the program prints it.
std::string_view standing_name(Standing standing);
/// As the program prints it.
std::string_view basis_name(Basis basis);

/// One of A1 to A7, judged.
struct AuditedAssumption {
  std::string id;         ///< A1, …, A7
  std::string title;      ///< in a few words
  std::string statement;  ///< in full
  Standing standing = Standing::undecided;
  Basis basis = Basis::probed;
  std::string evidence;                   ///< one line
  std::vector<std::string> more;          ///< further lines: witnesses, what would decide
  std::map<std::string, double> numbers;  ///< what the lines print
};

/// Something that the training does and the theory does not have.
struct AuditFlag {
  std::string name;   ///< a few words
  std::string claim;  ///< id of theory.md
  bool harmless = false;
  std::string theory;  ///< what the theory has
  std::string effect;  ///< what it does here
  std::string advice;  ///< what to change
};

/// A constant, with what it is worth.
struct AuditConstant {
  std::string name;
  double value = 0.0;   ///< NaN: not decided, and `worth` says why
  std::string worth;    ///< "certified", "estimated: a lower bound", …
  std::string formula;  ///< with the numbers that went in
};

/// ⟨∇F(u), u⟩ on the sphere ‖u‖ = r along some rays (claim T5). Sampled, not certified.
struct AuditSphere {
  double radius = 0.0;
  std::string what;           ///< which sphere: "the training's", "suggested"
  std::vector<double> inner;  ///< mean over the batches of ⟨g, u⟩, a ray each
  std::vector<double> error;  ///< its standard error
  double least = 0.0;         ///< min of inner; NaN, as the next two, where an inner is not finite
  double least_error = 0.0;   ///< its standard error
  double multiplier = 0.0;    ///< λ̂ = max(0, −⟨g, u⟩)/r² at that u
};

/// A change of T along one line, looked at ever more closely.
struct AuditZoom {
  std::string line;
  std::string kind;            ///< smooth, kink, jump, …
  std::vector<double> width;   ///< h
  std::vector<double> second;  ///< largest ‖T(s+h) − 2T(s) + T(s−h)‖ of one point
  double exponent = 2.0;       ///< of second ~ h^p at the finest widths above rounding; 2 where nothing is left above it
};

/// Growth along one ray.
struct AuditRay {
  std::string ray;
  std::vector<double> distance;   ///< s
  std::vector<double> image;      ///< max over the points of ‖T(u(s), x)‖
  std::vector<double> curved_at;  ///< s at which second derivatives were looked at
  std::vector<double> curvature;  ///< largest ‖∂²T[w, w]‖, w of length 1, over kink-free points; NaN where no point was free of kinks
  double image_exponent = 0.0;
  double curvature_exponent = 0.0;
};

/// Everything that an audit found.
struct Audit {
  std::string generator, source, target;
  Index parameters = 0;
  double radius = 0.0;  ///< R
  double start_norm = 0.0;
  std::string precision;
  std::vector<AuditedAssumption> assumptions;  ///< A1, …, A7
  std::vector<AuditFlag> flags;
  std::vector<AuditConstant> constants;
  std::vector<AuditConstant> suggestions;  ///< heuristics: no theorem gives them
  std::vector<AuditSphere> spheres;
  std::vector<AuditZoom> zooms;
  std::vector<AuditRay> rays;
  std::uint64_t harmless_ties = 0, harmful_ties = 0, unjudged_ties = 0;  ///< maximal blocks of equal projections (N6)
  std::uint64_t tied_batches = 0;
  std::string answer;  ///< one sentence

  /// The one with this id. @throws InputError for another.
  [[nodiscard]] const AuditedAssumption& assumption(std::string_view id) const;
  /// The worst standing: fails, undecided, on_ball, holds.
  [[nodiscard]] Standing worst() const;
};

/// Deterministic: a pure function of the description, the options and the instruction set, for any number of threads. COST: about 20,000 evaluations of T at
/// `points` inputs, and about 200 gradients of f; memory a few vectors of d_u a thread.
/// @throws InputError for options that make no sense and for a u0 that does not fit the generator.
Audit audit(const TrainingDescription& training, const AuditOptions& options, Progress& progress);

}  // namespace slicecheck
