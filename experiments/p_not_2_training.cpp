/// One training of experiment `p-not-2`.

#include <algorithm>
#include <cmath>

#include "p_not_2.h"
#include "slicecheck/core/error.h"
#include "slicecheck/loss/assignment.h"
#include "slicecheck/loss/cpu_loss.h"

namespace slicecheck::exponents {

namespace {

// Numbers of evaluations, apart from those of the looks, whose number is the step (below 2^24).
constexpr std::uint64_t kAtStart = 1ULL << 24;
constexpr std::uint64_t kAtEnd = kAtStart + 1;
constexpr Index kFinalDraws = 4;  // exact W_2² at the start and at the end: a mean over so many

RandomStream stream_of(std::uint64_t seed, Purpose purpose, std::uint32_t replicate, std::uint64_t number, std::uint64_t batch) {
  return {seed, purpose, replicate, 1024 * number + batch};
}

double exact_w2(const Points<float>& z, const Points<float>& y) { return exact_w2_squared(z.cast<double>(), y.cast<double>()); }

class Run {
 public:
  Run(const Testbed& bed, const Training& training, std::uint64_t seed)
      : bed_(bed), parts_(parts_of(bed, training, seed)), training_(training), seed_(seed), own_(training.p) {}

  /// False where the training diverged.
  bool run(Eigen::Ref<Eigen::RowVectorXd> row) {
    const Vector<float> u0 = bed_.generator->initial({seed_, Purpose::initial, training_.stream, 0});
    if (!evaluate(u0, bed_.final, kAtStart, kFinalDraws, row.segment<kYardsticks>(kStart))) return false;
    State<float> state = parts_.scheme->start(u0);
    auto look = bed_.looks.begin();
    Index at = kCurves;
    double on_sphere = 0.0;
    while (true) {
      if (look != bed_.looks.end() && state.step == *look) {
        if (!evaluate(state.u, bed_.along, state.step, 1, row.segment<kYardsticks>(at))) return false;
        at += static_cast<Index>(kYardsticks);
        ++look;
      }
      if (state.step >= bed_.steps) break;
      try {
        advance(parts_, state);
      } catch (const InputError&) {
        return false;  // the only input that a step can refuse is a u that is not finite
      }
      if (training_.radius > 0.0 && state.u.cast<double>().norm() >= training_.radius * (1.0 - 1e-6)) on_sphere += 1.0;
    }
    if (!evaluate(state.u, bed_.final, kAtEnd, kFinalDraws, row.segment<kYardsticks>(kEnd))) return false;
    row[kNorm] = state.u.cast<double>().norm();
    row[kOnSphere] = on_sphere / static_cast<double>(bed_.steps);
    if (row.size() > row_width(bed_, false)) {
      const Points<float> shown =
          bed_.generator->forward(state.u, bed_.source->sample<float>({seed_, Purpose::figure, training_.stream, 0}, bed_.figure_points));
      for (Index k = 0; k < shown.size(); ++k) row[row_width(bed_, false) + k] = static_cast<double>(shown.data()[k]);
    }
    return true;
  }

 private:
  /// The three yardsticks at u. False where T(u, ·) is not finite.
  bool evaluate(const Vector<float>& u, const ObjectiveSettings& settings, std::uint64_t number, Index w2_draws, Eigen::Ref<Eigen::RowVectorXd> out) const {
    const CpuLoss<float> square(2.0);
    double f = 0.0, own = 0.0, w2 = 0.0;
    for (Index b = 0; b < settings.batches; ++b) {
      const auto batch = static_cast<std::uint64_t>(b);
      const Points<float> z = image(u, number, batch, settings.n);
      const auto y = bed_.target->sample<float>(stream_of(seed_, Purpose::evaluation_target, training_.stream, number, batch), settings.n);
      if (!z.allFinite()) return false;
      const auto theta = uniform_directions<float>(stream_of(seed_, Purpose::evaluation_directions, training_.stream, number, batch), settings.directions,
                                                   bed_.target->dimension());
      f += square.values(z, y, theta).mean();
      own += own_.values(z, y, theta).mean();
    }
    for (Index b = 0; b < w2_draws; ++b) {
      const auto batch = static_cast<std::uint64_t>(1023 - b);  // the last slots, as in arm.cpp
      const Points<float> z = image(u, number, batch, bed_.w2_points);
      if (!z.allFinite()) return false;
      w2 += exact_w2(z, bed_.target->sample<float>(stream_of(seed_, Purpose::evaluation_target, training_.stream, number, batch), bed_.w2_points));
    }
    const auto batches = static_cast<double>(settings.batches);
    out << f / batches, w2 / static_cast<double>(w2_draws), own / batches;
    return out.allFinite();
  }

  [[nodiscard]] Points<float> image(const Vector<float>& u, std::uint64_t number, std::uint64_t batch, Index n) const {
    return bed_.generator->forward(u, bed_.source->sample<float>(stream_of(seed_, Purpose::evaluation_source, training_.stream, number, batch), n));
  }

  const Testbed& bed_;
  TrainingParts<float> parts_;
  Training training_;
  std::uint64_t seed_;
  CpuLoss<float> own_;
};

/// A mean gradient of SW_p^p at u over fresh batches.
Vector<double> mean_gradient(const Testbed& bed, double p, const Vector<float>& u, std::uint64_t seed, std::uint32_t stream, double* value) {
  const CpuLoss<float> loss(p);
  Vector<double> sum = Vector<double>::Zero(u.size());
  *value = 0.0;
  for (Index b = 0; b < bed.final.batches; ++b) {
    const auto batch = static_cast<std::uint64_t>(b);
    const auto x = bed.source->sample<float>(stream_of(seed, Purpose::evaluation_source, stream, kAtStart, batch), bed.batch);
    const auto y = bed.target->sample<float>(stream_of(seed, Purpose::evaluation_target, stream, kAtStart, batch), bed.batch);
    const auto theta =
        uniform_directions<float>(stream_of(seed, Purpose::evaluation_directions, stream, kAtStart, batch), bed.final.directions, bed.target->dimension());
    const auto at = bed.generator->linearise(u, x);
    const auto found = loss.evaluate(at->images(), y, theta);
    sum += at->pullback(found.gradient).cast<double>();
    *value += found.value;
  }
  *value /= static_cast<double>(bed.final.batches);
  return sum / static_cast<double>(bed.final.batches);
}

}  // namespace

Index row_width(const Testbed& bed, bool with_points) {
  return kCurves + static_cast<Index>(kYardsticks * bed.looks.size()) + (with_points ? bed.figure_points * bed.target->dimension() : 0);
}

TrainingParts<float> parts_of(const Testbed& bed, const Training& training, std::uint64_t seed) {
  std::shared_ptr<const Scheme<float>> scheme = std::make_shared<Sgd<float>>();
  if (training.radius > 0.0) scheme = std::make_shared<NoisedProjectedSgd<float>>(training.radius, training.noise);
  ScheduleSettings schedule;
  schedule.initial = training.alpha;
  return {bed.generator,
          std::make_shared<CpuLoss<float>>(training.p),
          std::make_shared<FreshBatches<float>>(bed.source, bed.target, SamplerSettings{bed.batch, bed.directions, seed, training.stream}),
          scheme,
          make_schedule(schedule),
          seed,
          training.stream};
}

void train(const Testbed& bed, const Training& training, std::uint64_t seed, Eigen::Ref<Eigen::RowVectorXd> row) {
  row.setConstant(kNoNumber);
  const bool finite = Run(bed, training, seed).run(row);
  if (!finite) row.setConstant(kNoNumber);
  row[kDiverged] = finite ? 0.0 : 1.0;
}

Scale scale_of(const Testbed& bed, double p, double noise_share, std::uint64_t seed, std::uint32_t stream) {
  const Vector<float> u0 = bed.generator->initial({seed, Purpose::initial, stream, 0});
  double f = 0.0, own = 0.0;
  const Vector<double> common = mean_gradient(bed, 2.0, u0, seed, stream, &f);
  const Vector<double> phi = mean_gradient(bed, p, u0, seed, stream, &own);
  const double slope = common.dot(phi);
  if (!(slope > 0.0)) reject("p-not-2: at u₀ the gradient of SW_{}^{} does not point down SW_2² (⟨∇F, φ⟩ = {})", p, p, slope);
  Scale out;
  out.unit = f / slope;
  out.gradient_norm = phi.norm();
  out.noise = noise_share * out.gradient_norm / std::sqrt(static_cast<double>(u0.size()));
  return out;
}

Floors floors_of(const Testbed& bed, const std::vector<double>& exponents, std::uint64_t seed) {
  constexpr std::uint32_t kReplicate = 0xFFFF'FFFFU;  // apart from every training's draws
  constexpr Index kDraws = 16;
  Floors out;
  out.own.assign(exponents.size(), 0.0);
  const auto pair = [&](std::uint64_t number, Index n) {
    return std::pair{bed.target->sample<float>({seed, Purpose::evaluation_source, kReplicate, number}, n),
                     bed.target->sample<float>({seed, Purpose::evaluation_target, kReplicate, number}, n)};
  };
  for (Index b = 0; b < kDraws; ++b) {
    const auto [one, two] = pair(static_cast<std::uint64_t>(b), bed.final.n);
    const auto theta = uniform_directions<float>({seed, Purpose::evaluation_directions, kReplicate, static_cast<std::uint64_t>(b)}, bed.final.directions,
                                                 bed.target->dimension());
    out.f += CpuLoss<float>(2.0).values(one, two, theta).mean() / static_cast<double>(kDraws);
    for (std::size_t e = 0; e < exponents.size(); ++e) out.own[e] += CpuLoss<float>(exponents[e]).values(one, two, theta).mean() / static_cast<double>(kDraws);
    const auto [few, others] = pair(static_cast<std::uint64_t>(1000 + b), bed.w2_points);
    out.w2 += exact_w2(few, others) / static_cast<double>(kDraws);
  }
  return out;
}

std::uint64_t hash_of(const Points<float>& values, std::uint64_t start) {
  std::uint64_t hash = start;
  const auto* bytes = reinterpret_cast<const unsigned char*>(values.data());
  for (std::size_t i = 0; i < static_cast<std::size_t>(values.size()) * sizeof(float); ++i) hash = (hash ^ bytes[i]) * 1099511628211ULL;
  return hash;
}

std::vector<double> steps_to(const Measured& m, const Testbed& bed, Yardstick what, double floor, double percent) {
  const auto column = static_cast<Index>(what);
  std::vector<double> out;
  for (Index i = 0; i < m.rows.rows(); ++i) {
    const double start = m.rows(i, kStart + column);
    const double height = start - percent / 100.0 * (start - floor);
    double step = 0.0, value = start, found = kNoNumber;
    for (std::size_t k = 0; k < bed.looks.size() && std::isnan(found); ++k) {
      const double next_step = static_cast<double>(bed.looks[k]);
      const double next = m.rows(i, kCurves + static_cast<Index>(k * kYardsticks) + column);
      if (next <= height) found = value > next ? step + (next_step - step) * std::clamp((value - height) / (value - next), 0.0, 1.0) : next_step;
      step = next_step;
      value = next;
    }
    out.push_back(found);
  }
  return out;
}

Fewest fewest_steps(const Design& design, const TestbedResults& results, const Testbed& bed, std::size_t exponent, Index percent) {
  Fewest out;
  for (std::size_t k = 0; k < design.shares.size(); ++k) {
    const Measured& m = results.trials[exponent * design.shares.size() + k];
    const double steps = geometric_mean(steps_to(m, bed, Yardstick::f, results.floors.f, static_cast<double>(percent))).mean;
    if (std::isfinite(steps) && (out.arm == nullptr || steps < out.steps)) out = {&m, steps};
  }
  return out;
}

}  // namespace slicecheck::exponents
