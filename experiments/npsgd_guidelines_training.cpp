/// One training of experiment `npsgd-guidelines`.

#include <algorithm>
#include <cmath>

#include "npsgd_guidelines.h"
#include "slicecheck/core/error.h"
#include "slicecheck/dynamics/training.h"
#include "slicecheck/loss/cpu_loss.h"

namespace slicecheck::guidelines {

namespace {

// Numbers of evaluations, apart from those of the steps (below 2^24).
constexpr std::uint64_t kAtEnd = 1ULL << 24;
constexpr std::uint64_t kAtStart = kAtEnd + 1;
constexpr std::uint64_t kAtHalf = kAtEnd + 2;
constexpr std::uint64_t kContinuous = kAtEnd + 3;

// The table that no training has: its streams make the problems.
constexpr std::uint32_t kProblems = 0;

struct Problem {
  std::shared_ptr<const Law> continuous;  ///< the source before it is made finite
  std::shared_ptr<const Law> source;
  std::shared_ptr<const Law> target;
  Vector<float> u0;
};

/// Atoms are draws, and the first N of them are the same for every N.
Problem problem_of(const Arm& arm, const Design& design, std::uint64_t seed, Index replicate) {
  const std::uint32_t stream = stream_replicate(kProblems, replicate);
  Problem out;
  out.continuous = law_by_name("standard-normal");
  out.source = out.continuous;
  if (arm.atoms > 0) out.source = FiniteLaw::discretised(*out.continuous, arm.atoms, {seed, Purpose::law, stream, 0});
  const auto target = law_by_name("truncated-" + design.targets[arm.target].law);
  out.target = FiniteLaw::discretised(*target, design.target_atoms, {seed, Purpose::law, stream, 1 + arm.target});
  out.u0 = design.generator->initial({seed, Purpose::initial, stream, 0});
  return out;
}

double norm_of(const Vector<float>& u) { return u.cast<double>().norm(); }

/// Steps at which F is looked at: about four to a doubling.
std::vector<std::uint64_t> looks(std::uint64_t steps) {
  std::vector<std::uint64_t> out;
  for (int k = 0;; ++k) {
    const auto step = static_cast<std::uint64_t>(std::llround(std::exp2(0.25 * static_cast<double>(k))));
    if (step > steps) return out;
    if (out.empty() || out.back() != step) out.push_back(step);
  }
}

class Training {
 public:
  Training(const Arm& arm, Question q, const Design& design, std::uint64_t seed, Index replicate, std::uint32_t stream)
      : arm_(arm), question_(q), design_(design), problem_(problem_of(arm, design, seed, replicate)) {
    std::shared_ptr<const Scheme<float>> scheme = std::make_shared<Sgd<float>>();
    if (arm.radius > 0.0) scheme = std::make_shared<NoisedProjectedSgd<float>>(arm.radius, arm.noise);
    const auto sampler = std::make_shared<FreshBatches<float>>(problem_.source, problem_.target, SamplerSettings{design.batch, 1, seed, stream});
    parts_ = {design.generator, std::make_shared<CpuLoss<float>>(2.0), sampler, scheme, make_schedule(arm.schedule), seed, stream};
    state_ = scheme->start(problem_.u0);
  }

  /// False where the training diverged.
  bool run(Eigen::Ref<Eigen::RowVectorXd> row) {
    const Vector<float> start = state_.u;
    row[kInitialNorm] = norm_of(problem_.u0);
    row[kF0] = objective(*problem_.source, design_.final, kAtStart);
    const std::uint64_t half = arm_.steps / 2;
    const auto look_at = looks(arm_.steps);
    auto next_look = look_at.begin();
    double late = 0.0;
    double on_sphere = 0.0;
    double gradient = 0.0;
    while (state_.step < arm_.steps) {
      double phi = 0.0;
      try {
        phi = advance(parts_, state_).phi_norm;
      } catch (const InputError&) {
        return false;  // the only input that a step can refuse is a u that is not finite
      }
      if (state_.step > half) {
        late += 1.0;
        gradient += phi;
        if (arm_.radius > 0.0 && norm_of(state_.u) >= arm_.radius * (1.0 - kOnSphere)) on_sphere += 1.0;
      }
      if (question_ != Question::infinity) continue;
      if (state_.step == half) row[kFHalf] = objective(*problem_.source, design_.final, kAtHalf);
      if (next_look != look_at.end() && state_.step == *next_look) {
        seen_.emplace_back(state_.step, objective(*problem_.source, design_.along, state_.step));
        ++next_look;
      }
    }
    if (!state_.u.allFinite()) return false;
    row[kF] = objective(*problem_.source, design_.final, kAtEnd);
    if (!std::isfinite(row[kF])) return false;
    row[kBoundary] = on_sphere / late;
    row[kGradient] = gradient / late;
    row[kNorm] = norm_of(state_.u);
    row[kMoved] = norm_of(state_.u - start);
    if (question_ == Question::atoms) row[kFSource] = arm_.atoms > 0 ? objective(*problem_.continuous, design_.final, kContinuous) : row[kF];
    if (question_ == Question::radius) pull(row);
    if (question_ == Question::infinity) hits(row);
    return true;
  }

 private:
  [[nodiscard]] double objective(const Law& source, const ObjectiveSettings& settings, std::uint64_t number) const {
    return estimate_objective<float>(*design_.generator, *parts_.loss, source, *problem_.target, state_.u, settings, parts_.seed, parts_.replicate, number)
        .mean;
  }

  /// −⟨ĝ, u⟩/r² over batches that come after those of the training.
  void pull(Eigen::Ref<Eigen::RowVectorXd> row) const {
    const double size = arm_.radius > 0.0 ? arm_.radius : row[kNorm];
    const FreshBatches<float> fresh(problem_.source, problem_.target,
                                    SamplerSettings{design_.batch, design_.gradient_directions, parts_.seed, parts_.replicate});
    std::vector<double> values;
    for (Index b = 0; b < design_.gradient_batches; ++b) {
      const Batch<float> batch = fresh.draw(arm_.steps + static_cast<std::uint64_t>(b));
      const auto image = design_.generator->linearise(state_.u, batch.x);
      const Vector<float> phi = image->pullback(parts_.loss->evaluate(image->images(), batch.y, batch.directions).gradient);
      values.push_back(-phi.cast<double>().dot(state_.u.cast<double>()) / (size * size));
    }
    const MeanEstimate estimate = mean_with_t_interval(values, kConfidence);
    row[kPull] = estimate.mean;
    row[kPullError] = estimate.standard_error;
  }

  void hits(Eigen::Ref<Eigen::RowVectorXd> row) const {
    for (std::size_t level = 0; level < design_.levels(); ++level) {
      const bool of_start = level < design_.percents.size();
      const double height = of_start ? static_cast<double>(design_.percents[level]) / 100.0 * row[kF0] : (1.0 + design_.tolerance) * row[kF];
      const auto hit = std::find_if(seen_.begin(), seen_.end(), [&](const auto& look) { return look.second <= height; });
      if (hit != seen_.end()) row[kHits + static_cast<Index>(level)] = static_cast<double>(hit->first);
    }
  }

  const Arm& arm_;
  Question question_;
  const Design& design_;
  Problem problem_;
  TrainingParts<float> parts_;
  State<float> state_;
  std::vector<std::pair<std::uint64_t, double>> seen_;  ///< (step, F)
};

}  // namespace

void train(const Arm& arm, Question q, const Design& design, std::uint64_t seed, Index replicate, std::uint32_t stream, Eigen::Ref<Eigen::RowVectorXd> row) {
  row.setConstant(kNoNumber);
  const bool finite = Training(arm, q, design, seed, replicate, stream).run(row);
  if (!finite) row.setConstant(kNoNumber);
  row[kDiverged] = finite ? 0.0 : 1.0;
}

}  // namespace slicecheck::guidelines
