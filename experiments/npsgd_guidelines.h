#pragma once
/// The parts of experiment `npsgd-guidelines`: report 000's open questions on noised projected SGD, each a sweep over one setting (claims T4, T5).
///
/// A replicate is one problem: a u₀, the atoms of the source and those of the target. All trainings with the same replicate number work on the same problem,
/// with batches, directions, noise and evaluations of their own; so two trainings are compared by the differences of their replicates, which are independent.

#include <limits>
#include <string>
#include <vector>

#include "convergence.h"
#include "plane.h"
#include "slicecheck/dynamics/schedule.h"
#include "slicecheck/statistics/confidence.h"

namespace slicecheck::guidelines {

constexpr double kConfidence = 0.95;   // of the intervals in tables and figures
constexpr double kFamilyError = 0.01;  // what the comparisons behind one sentence of advice may err with in all
constexpr double kOnSphere = 1e-6;     // ‖u‖ ≥ r(1 − kOnSphere) counts as on the sphere
constexpr double kInside = 0.01;       // ‖u_T‖ < r(1 − kInside): no multiplier, whatever −⟨g, u⟩
constexpr double kNoNumber = std::numeric_limits<double>::quiet_NaN();

enum class Question : std::size_t { radius, noise, schedule, atoms, infinity };
constexpr std::size_t kQuestions = 5;

/// What one training leaves, by position in its row of the table; from kHits on one entry for each level: the first evaluated step with F at or below it, NaN
/// where there is none. All NaN but kDiverged where the training ended in numbers that are not finite.
enum Value : Index {
  kDiverged,     ///< 1 or 0
  kF,            ///< F(u_T) for the laws that were trained on
  kF0,           ///< F(u_0)
  kFHalf,        ///< F(u_{T/2}); `infinity` only
  kFSource,      ///< F(u_T) with the continuous source in place of the finite one; `atoms` only
  kBoundary,     ///< share of the last half of the steps with ‖u‖ ≥ r(1 − kOnSphere)
  kPull,         ///< −⟨ĝ, u_T⟩/r², ĝ the mean of fresh gradients; r = ‖u_T‖ without a ball; `radius` only
  kPullError,    ///< its standard error over the fresh batches
  kInitialNorm,  ///< ‖u_0‖ before it is projected
  kNorm,         ///< ‖u_T‖
  kMoved,        ///< ‖u_T − u_0‖, u_0 as projected
  kGradient,     ///< mean ‖φ‖ over the last half of the steps
  kHits
};

/// One training of a question; the setting that the question varies is `x`.
struct Arm {
  std::size_t target;  ///< into Design::targets
  std::string label;   ///< the setting in words, for tables
  double x;            ///< its number: r, a, α_0, number of atoms, α; 0 for the reference
  double radius;       ///< 0: no ball
  double noise;        ///< a
  ScheduleSettings schedule;
  Index atoms;  ///< of the source; 0: the continuous law
  std::uint64_t steps;
};

/// What the presets say.
struct Design {
  std::vector<PlaneTarget> targets;
  std::shared_ptr<const Generator<float>> generator;
  Index replicates;
  Index batch;
  std::uint64_t steps;
  double step_size;
  double radius;
  double noise;
  Index source_atoms;
  Index target_atoms;
  double margin;            ///< "as good as" allows F a factor of 1 + margin
  ObjectiveSettings final;  ///< F at the end
  ObjectiveSettings along;  ///< F along the way, for hitting times
  Index gradient_batches;   ///< for ĝ
  Index gradient_directions;
  double flow_time;             ///< `infinity`: every α runs to this time
  std::vector<Index> percents;  ///< `infinity`: levels in per cent of F(u_0)
  double tolerance;             ///< `infinity`: one more level is (1 + tolerance)·F(u_T)

  [[nodiscard]] std::size_t levels() const { return percents.size() + 1; }
  [[nodiscard]] std::string level_name(std::size_t level) const;
};

/// An arm with its replicates.
struct Measured {
  Arm arm;
  Points<double> rows;  ///< replicates × (kHits + levels)

  [[nodiscard]] std::vector<double> values(Index column) const;
  [[nodiscard]] Index diverged() const;  ///< how many replicates
  /// Mean with a t-interval over the replicates; NaN throughout where a replicate has no number. A share is cut off at 0 and 1.
  [[nodiscard]] MeanEstimate mean(Index column, double confidence = kConfidence) const;
  /// The same for the geometric mean, from logarithms.
  [[nodiscard]] MeanEstimate geometric_mean(Index column, double confidence = kConfidence) const;
};

/// F of one arm over that of another.
struct Ratio {
  double ratio = kNoNumber;
  Interval interval{kNoNumber, kNoNumber};  ///< NaN where a replicate diverged

  [[nodiscard]] bool known() const { return interval.low <= interval.high; }
  [[nodiscard]] bool lower() const { return interval.high < 1.0; }
  [[nodiscard]] bool higher() const { return interval.low > 1.0; }
  [[nodiscard]] bool at_most(double factor) const { return interval.high <= factor; }
};

/// Geometric mean of the ratios, replicate by replicate, with the t-interval of the mean logarithm.
Ratio ratio_of(const Measured& one, const Measured& other, double confidence, Index column = kF);

/// Half of kFamilyError pays for sequences: a sweep is tested from one end with one-sided tests until the first one fails, so that a whole sequence errs with
/// no more than one test. The other half pays for single comparisons, two-sided.
inline double sequence_confidence(std::size_t sequences) { return 1.0 - kFamilyError / static_cast<double>(sequences); }
inline double comparison_confidence(std::size_t comparisons) { return 1.0 - 0.5 * kFamilyError / static_cast<double>(comparisons); }

/// Everything that was measured, by question; arms of a target stand side by side, in the order of the sweep.
struct Results {
  std::vector<Measured> of[kQuestions];

  [[nodiscard]] const std::vector<Measured>& operator[](Question q) const { return of[static_cast<std::size_t>(q)]; }
  /// Those of one target that belong to the sweep (x > 0).
  [[nodiscard]] std::vector<const Measured*> sweep(Question q, std::size_t target) const;
  /// The one that the sweep is compared with: plain SGD, no noise, or the continuous source. @throws Error where the question has none.
  [[nodiscard]] const Measured& reference(Question q, std::size_t target) const;
  /// The targets of a question, in order.
  [[nodiscard]] std::vector<std::size_t> targets(Question q) const;
};

std::string question_name(Question q);
/// "2^-3", "4".
std::string number_label(double value);
Design design_of(const Settings& settings);
std::vector<Arm> arms_of(Question q, const Design& design, const Settings& settings);

/// Trains `arm` on problem number `replicate`; all draws but the problem's come from `stream`. A pure function of its arguments.
void train(const Arm& arm, Question q, const Design& design, std::uint64_t seed, Index replicate, std::uint32_t stream, Eigen::Ref<Eigen::RowVectorXd> row);

/// One CSV a question, and trainings.csv with what they are made of.
void write_tables(const Results& results, const Design& design, const std::filesystem::path& folder);
Json tables_json(const Design& design);
Json figures_json(const Results& results, const Design& design);

/// A question, what to do, and the numbers that say so.
struct Advice {
  std::string question;
  std::string sentence;  ///< about 30 words; "not decided" where the comparisons do not decide
  std::vector<std::string> evidence;
};

/// Five, one a question, put together from the comparisons.
std::vector<Advice> advice(const Results& results, const Design& design);
Advice schedule_advice(const Results& results, const Design& design);
Advice infinity_advice(const Results& results, const Design& design);
/// 0.25 as "25 %".
std::string per_cent(double share);
/// "linear, cosine and constant"; `last` is the word before the last one.
std::string listed(const std::vector<std::string>& words, const std::string& last = "and");
/// What else the numbers say.
std::vector<std::string> observations(const Results& results, const Design& design);

}  // namespace slicecheck::guidelines
