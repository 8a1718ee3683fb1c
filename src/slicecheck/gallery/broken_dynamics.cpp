#include "slicecheck/gallery/broken_dynamics.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "slicecheck/core/error.h"
#include "slicecheck/gallery/broken_scheme.h"

namespace slicecheck {

namespace {

// ---------------------------------------------------------------------------------------------------------------------------------------------- schemes

enum class SchemeFlaw {
  none,
  onto_the_sphere,
  projection_before_noise,
  noise_root_step,
  noise_not_scaled,
  noise_missing,
  noise_uniform,
  noise_shared_by_coordinates,
  noise_shared_by_steps,
  noise_repeated_by_tensor,
  momentum,
  step_sign,
  coordinatewise_clipping,
  start_not_projected,
  step_not_counted,
};

/// NPSGD with one thing wrong. Written apart from `NoisedProjectedSgd`.
class BrokenScheme final : public Scheme<double> {
 public:
  BrokenScheme(SchemeFlaw flaw, double radius, double noise, std::vector<Index> tensors)
      : flaw_(flaw), radius_(radius), noise_(noise), tensors_(std::move(tensors)) {}

  [[nodiscard]] std::string name() const override { return "npsgd of the gallery"; }

  [[nodiscard]] State<double> start(Vector<double> u0) const override {
    if (flaw_ != SchemeFlaw::start_not_projected) project(u0);
    return {std::move(u0), 0};
  }

  void advance(State<double>& state, VectorView<double> phi, double alpha, const RandomStream& stream) const override {
    Eigen::VectorXd move = -alpha * phi;
    if (flaw_ == SchemeFlaw::step_sign) move = -move;
    if (flaw_ == SchemeFlaw::momentum) {
      velocity_ = velocity_.size() == move.size() ? Eigen::VectorXd(0.9 * velocity_ + move) : move;
      move = velocity_;
    }
    if (flaw_ == SchemeFlaw::projection_before_noise) {
      state.u += move;
      project(state.u);
      state.u += scaled_noise(state.u.size(), alpha, stream);
    } else {
      state.u += move + scaled_noise(state.u.size(), alpha, stream);
      project(state.u);
    }
    if (flaw_ != SchemeFlaw::step_not_counted) ++state.step;
  }

 private:
  void project(Eigen::VectorXd& u) const {
    if (flaw_ == SchemeFlaw::coordinatewise_clipping) {
      u = u.cwiseMax(-radius_).cwiseMin(radius_);
      return;
    }
    const double norm = u.norm();
    if (norm > radius_ || (flaw_ == SchemeFlaw::onto_the_sphere && norm > 0.0)) u *= radius_ / norm;
  }

  [[nodiscard]] Eigen::VectorXd scaled_noise(Index size, double alpha, const RandomStream& stream) const {
    Eigen::VectorXd noise = Eigen::VectorXd::Zero(size);
    if (noise_ == 0.0 || flaw_ == SchemeFlaw::noise_missing) return noise;
    stream.fill_normal(noise);
    if (flaw_ == SchemeFlaw::noise_uniform)
      for (Index i = 0; i < size; ++i) noise[i] = std::sqrt(3.0) * (2.0 * stream.uniforms(static_cast<std::uint64_t>(i))[0] - 1.0);  // variance 1
    if (flaw_ == SchemeFlaw::noise_shared_by_coordinates) noise.setConstant(noise[0]);
    if (flaw_ == SchemeFlaw::noise_shared_by_steps) RandomStream(1, Purpose::noise, 0, 0).fill_normal(noise);
    if (flaw_ == SchemeFlaw::noise_repeated_by_tensor) {
      Index begin = 0;
      for (const Index tensor : tensors_) {
        stream.fill_normal(noise.segment(begin, tensor));
        begin += tensor;
      }
    }
    const double scale = flaw_ == SchemeFlaw::noise_root_step ? std::sqrt(alpha) : flaw_ == SchemeFlaw::noise_not_scaled ? 1.0 : alpha;
    return scale * noise_ * noise;
  }

  SchemeFlaw flaw_;
  double radius_;
  double noise_;
  std::vector<Index> tensors_;
  mutable Eigen::VectorXd velocity_;  // where a scheme must not have one: outside the state
};

SchemeSubject scheme(const std::string& name, const std::string& title, SchemeFlaw flaw) {
  return {"gallery/" + name, title, true,
          [flaw](double radius, double noise, std::vector<Index> tensors) { return std::make_unique<BrokenScheme>(flaw, radius, noise, std::move(tensors)); }};
}

// --------------------------------------------------------------------------------------------------------------------------------------------- samplers

enum class SamplerFlaw {
  none,
  cube_directions,
  directions_not_normalised,
  directions_not_centred,
  same_direction,
  without_replacement,
  shared_stream,
  same_batch,
  shared_by_replicates,
  depends_on_calls,
};

/// Batches with one thing wrong.
class BrokenSampler final : public Sampler<double> {
 public:
  BrokenSampler(SamplerFlaw flaw, std::shared_ptr<const Law> source, std::shared_ptr<const Law> target, const SamplerSettings& settings)
      : flaw_(flaw), source_(std::move(source)), target_(std::move(target)), settings_(settings) {}

  [[nodiscard]] std::string name() const override { return "batches of the gallery"; }

  [[nodiscard]] Batch<double> draw(std::uint64_t t) const override {
    if (flaw_ == SamplerFlaw::depends_on_calls) t = calls_++;
    const std::uint64_t of_points = flaw_ == SamplerFlaw::same_batch ? 0 : t;
    const RandomStream y_stream = stream(Purpose::target, of_points);
    return {points(*source_, flaw_ == SamplerFlaw::shared_stream ? y_stream : stream(Purpose::source, of_points)), points(*target_, y_stream), directions(t)};
  }

 private:
  [[nodiscard]] RandomStream stream(Purpose purpose, std::uint64_t t) const {
    return {settings_.seed, purpose, flaw_ == SamplerFlaw::shared_by_replicates ? 0 : settings_.replicate, t};
  }

  [[nodiscard]] Points<double> points(const Law& law, const RandomStream& stream) const {
    if (flaw_ != SamplerFlaw::without_replacement) return law.sample<double>(stream, settings_.n);
    // A point that the batch has already is drawn again, until all atoms are there.
    Index possible = 0;
    for (Index k = 0; k < law.atom_count(); ++k) possible += law.probability(k) > 0.0 ? 1 : 0;
    std::set<std::vector<double>> seen;
    Points<double> out(settings_.n, law.dimension());
    for (Index k = 0; k < settings_.n; ++k) {
      PointDraws draws(stream, static_cast<std::uint64_t>(k));
      if (possible > 0 && static_cast<Index>(seen.size()) == possible) seen.clear();
      do out.row(k) = law.draw(draws);
      while (!seen.emplace(out.row(k).begin(), out.row(k).end()).second);
    }
    return out;
  }

  [[nodiscard]] Points<double> directions(std::uint64_t t) const {
    const RandomStream from = stream(Purpose::directions, flaw_ == SamplerFlaw::same_direction ? 0 : t);
    Points<double> theta(settings_.directions, target_->dimension());
    for (Index l = 0; l < theta.rows(); ++l) {
      PointDraws draws(from, static_cast<std::uint64_t>(l));
      do
        for (double& entry : theta.row(l)) {
          entry = flaw_ == SamplerFlaw::cube_directions ? draws.uniform(-1.0, 1.0) : draws.normal();
          if (flaw_ == SamplerFlaw::directions_not_centred) entry = std::abs(entry);
        }
      while (!(theta.row(l).norm() > 0.0));
      if (flaw_ != SamplerFlaw::directions_not_normalised) theta.row(l) /= theta.row(l).norm();
    }
    return theta;
  }

  SamplerFlaw flaw_;
  std::shared_ptr<const Law> source_;
  std::shared_ptr<const Law> target_;
  SamplerSettings settings_;
  mutable std::uint64_t calls_ = 0;
};

SamplerSubject sampler(const std::string& name, const std::string& title, SamplerFlaw flaw) {
  return {"gallery/" + name, title, [flaw](std::shared_ptr<const Law> source, std::shared_ptr<const Law> target, const SamplerSettings& settings) {
            return std::make_unique<BrokenSampler>(flaw, std::move(source), std::move(target), settings);
          }};
}

// -------------------------------------------------------------------------------------------------------------------------------------------- trainings

enum class TrainingFlaw {
  none,
  shared_start,
  zero_start,
  start_not_projected,
  shared_noise,
  noise_of_the_first_step,
  stale_gradient,
  step_sign,
  reused_direction,
  reused_batch,
  first_step_size,
  rounded_parameters,
};

/// Algorithm 1 with one thing wrong.
std::vector<Eigen::VectorXd> broken_path(TrainingFlaw flaw, const TrainingParts<double>& parts, std::uint64_t steps) {
  const Eigen::VectorXd u0 = parts.generator->initial({parts.seed, Purpose::initial, flaw == TrainingFlaw::shared_start ? 0 : parts.replicate, 0});
  State<double> state = flaw == TrainingFlaw::start_not_projected ? State<double>{u0, 0} : parts.scheme->start(u0);
  if (flaw == TrainingFlaw::zero_start) state.u.setZero();
  std::vector<Eigen::VectorXd> path{state.u};
  Eigen::VectorXd before;
  for (std::uint64_t t = 0; t < steps; ++t) {
    Batch<double> batch = parts.sampler->draw(flaw == TrainingFlaw::reused_batch ? 0 : t);
    if (flaw == TrainingFlaw::reused_direction) batch.directions = parts.sampler->draw(0).directions;
    const auto image = parts.generator->linearise(state.u, batch.x);
    Eigen::VectorXd phi = image->pullback(parts.loss->evaluate(image->images(), batch.y, batch.directions).gradient);
    if (flaw == TrainingFlaw::step_sign) phi = -phi;
    if (flaw == TrainingFlaw::stale_gradient) {  // what the step before computed; the first step has only its own
      std::swap(phi, before);
      if (t == 0) phi = before;
    }
    const double alpha = parts.schedule->step_size(flaw == TrainingFlaw::first_step_size ? 0 : t);
    parts.scheme->advance(
        state, phi, alpha,
        {parts.seed, Purpose::noise, flaw == TrainingFlaw::shared_noise ? 0 : parts.replicate, flaw == TrainingFlaw::noise_of_the_first_step ? 0 : t});
    if (flaw == TrainingFlaw::rounded_parameters) state.u = ((state.u * 256.0).array().round() / 256.0).matrix();
    path.push_back(state.u);
  }
  return path;
}

TrainingSubject training(const std::string& name, const std::string& title, TrainingFlaw flaw) {
  return {"gallery/" + name, title, [flaw](const TrainingParts<double>& parts, std::uint64_t steps) { return broken_path(flaw, parts, steps); }};
}

// ------------------------------------------------------------------------------------------------------------------------------------------------- laws

enum class LawFlaw { none, sum_not_checked, negative_clipped, not_a_number_accepted, probabilities_ignored, last_atom_missing };

/// A finite law with one thing wrong.
class BrokenLaw final : public Law {
 public:
  BrokenLaw(LawFlaw flaw, Points<double> atoms, std::vector<double> probabilities)
      : flaw_(flaw), atoms_(std::move(atoms)), probabilities_(std::move(probabilities)) {
    if (static_cast<Index>(probabilities_.size()) != atoms_.rows()) reject("{} probabilities for {} atoms", probabilities_.size(), atoms_.rows());
    for (double& p : probabilities_) {
      if (std::isnan(p) && flaw_ != LawFlaw::not_a_number_accepted) reject("a probability is {}", p);
      if (std::isnan(p)) p = 0.0;
      if (p < 0.0 && flaw_ != LawFlaw::negative_clipped) reject("a probability is {}", p);
      p = std::max(p, 0.0);
    }
    const double sum = std::accumulate(probabilities_.begin(), probabilities_.end(), 0.0);
    const bool lenient = flaw_ == LawFlaw::sum_not_checked || flaw_ == LawFlaw::negative_clipped || flaw_ == LawFlaw::not_a_number_accepted;
    if (!lenient && !(std::abs(sum - 1.0) <= 1e-12)) reject("the probabilities add up to {}", sum);
  }

  [[nodiscard]] std::string name() const override { return "finite law of the gallery"; }
  [[nodiscard]] Index dimension() const override { return atoms_.cols(); }
  [[nodiscard]] std::optional<double> support_radius() const override { return atoms_.rowwise().norm().maxCoeff(); }
  [[nodiscard]] Index atom_count() const override { return atoms_.rows(); }
  [[nodiscard]] Eigen::RowVectorXd atom(Index k) const override { return atoms_.row(k); }
  [[nodiscard]] double probability(Index k) const override { return probabilities_[static_cast<std::size_t>(k)]; }

  [[nodiscard]] Eigen::RowVectorXd draw(PointDraws& draws) const override {
    const Index reached = flaw_ == LawFlaw::last_atom_missing ? std::max<Index>(1, atoms_.rows() - 1) : atoms_.rows();
    if (flaw_ == LawFlaw::probabilities_ignored) return atoms_.row(static_cast<Index>(draws.below(static_cast<std::uint64_t>(reached))));
    double rest = draws.uniform();
    for (Index k = 0; k + 1 < reached; ++k) {
      rest -= probability(k);
      if (rest < 0.0) return atoms_.row(k);
    }
    return atoms_.row(reached - 1);
  }

 private:
  LawFlaw flaw_;
  Points<double> atoms_;
  std::vector<double> probabilities_;
};

LawSubject law(const std::string& name, const std::string& title, LawFlaw flaw) {
  return {"gallery/" + name, title, [flaw](Points<double> atoms, std::vector<double> probabilities) {
            return std::make_unique<BrokenLaw>(flaw, std::move(atoms), std::move(probabilities));
          }};
}

template <class Defect, class Flaw, class Subject>
std::vector<Defect> planted(std::initializer_list<std::tuple<const char*, const char*, Flaw>> entries, Subject subject) {
  std::vector<Defect> defects;
  for (const auto& [name, title, flaw] : entries) defects.push_back({name, title, subject(name, title, flaw)});
  return defects;
}

}  // namespace

std::vector<SchemeDefect> broken_schemes() {
  using Flaw = SchemeFlaw;
  auto defects = planted<SchemeDefect, Flaw>({{"onto-the-sphere", "scaled to norm r inside the ball too", Flaw::onto_the_sphere},
                                              {"projection-before-noise", "projected first, then moved by the noise", Flaw::projection_before_noise},
                                              {"noise-root-step", "noise √α·a in place of α·a", Flaw::noise_root_step},
                                              {"noise-not-scaled", "noise a in place of α·a", Flaw::noise_not_scaled},
                                              {"noise-missing", "no noise although a > 0", Flaw::noise_missing},
                                              {"noise-uniform", "noise uniform, of the right mean and variance, in place of normal", Flaw::noise_uniform},
                                              {"noise-shared-by-coordinates", "one number is added to all coordinates", Flaw::noise_shared_by_coordinates},
                                              {"noise-shared-by-steps", "the same noise at every step", Flaw::noise_shared_by_steps},
                                              {"noise-repeated-by-tensor", "every tensor gets the first numbers of the stream", Flaw::noise_repeated_by_tensor},
                                              {"momentum", "momentum 0.9 is left on", Flaw::momentum},
                                              {"step-sign", "steps go uphill", Flaw::step_sign},
                                              {"coordinatewise-clipping", "every coordinate is clipped to [−r, r]", Flaw::coordinatewise_clipping},
                                              {"start-not-projected", "u_0 stays outside the ball", Flaw::start_not_projected},
                                              {"step-not-counted", "the step counter stays at 0", Flaw::step_not_counted}},
                                             scheme);
  const std::string name = "per-tensor-projection";
  const std::string title = "every tensor is projected by itself";
  defects.push_back({name, title, {"gallery/" + name, title, true, [](double radius, double noise, std::vector<Index> tensors) {
                                     return std::make_unique<PerTensorProjectedSgd<double>>(radius, noise, std::move(tensors));
                                   }}});
  return defects;
}

std::vector<SamplerDefect> broken_samplers() {
  using Flaw = SamplerFlaw;
  auto defects = planted<SamplerDefect, Flaw>({{"cube-directions", "directions from a cube, then normalised", Flaw::cube_directions},
                                               {"directions-not-normalised", "standard normals as directions", Flaw::directions_not_normalised},
                                               {"directions-not-centred", "directions with positive coordinates only", Flaw::directions_not_centred},
                                               {"same-direction", "the directions of the first step at every step", Flaw::same_direction},
                                               {"without-replacement", "a batch has no atom twice", Flaw::without_replacement},
                                               {"shared-stream", "X and Y from one stream", Flaw::shared_stream},
                                               {"same-batch", "the points of the first step at every step", Flaw::same_batch},
                                               {"shared-by-replicates", "all replicates see the same batches", Flaw::shared_by_replicates},
                                               {"depends-on-calls", "the batch depends on how often was asked", Flaw::depends_on_calls}},
                                              sampler);
  const std::string name = "cycling-pairs";
  const std::string title = "eight batches drawn once, cycling";
  defects.push_back(
      {name,
       title,
       {"gallery/" + name, title, [](const std::shared_ptr<const Law>& source, const std::shared_ptr<const Law>& target, const SamplerSettings& s) {
          return std::make_unique<CyclingPairs<double>>(*source, *target, 8 * s.n, s);
        }}});
  return defects;
}

std::vector<TrainingDefect> broken_trainings() {
  using Flaw = TrainingFlaw;
  return planted<TrainingDefect, Flaw>({{"training-start-not-projected", "u_0 as the generator draws it, outside the ball", Flaw::start_not_projected},
                                        {"start-shared-by-replicates", "all replicates have the u_0 of replicate 0", Flaw::shared_start},
                                        {"zero-start", "u_0 = 0: no absolutely continuous law", Flaw::zero_start},
                                        {"noise-shared-by-replicates", "all replicates have the noise of replicate 0", Flaw::shared_noise},
                                        {"noise-of-the-first-step", "the same noise at every step", Flaw::noise_of_the_first_step},
                                        {"stale-gradient", "the gradient of the step before", Flaw::stale_gradient},
                                        {"ascent", "steps go uphill", Flaw::step_sign},
                                        {"reused-direction", "the direction of the first step at every step", Flaw::reused_direction},
                                        {"reused-batch", "the batch of the first step at every step", Flaw::reused_batch},
                                        {"first-step-size", "the schedule is read once", Flaw::first_step_size},
                                        {"rounded-parameters", "u is rounded to multiples of 2⁻⁸: its law has atoms", Flaw::rounded_parameters}},
                                       training);
}

std::vector<LawDefect> broken_laws() {
  using Flaw = LawFlaw;
  return planted<LawDefect, Flaw>({{"sum-not-checked", "probabilities that do not add up to one are accepted", Flaw::sum_not_checked},
                                   {"negative-clipped", "negative probabilities are taken for zero", Flaw::negative_clipped},
                                   {"not-a-number-accepted", "a probability that is no number is taken for zero", Flaw::not_a_number_accepted},
                                   {"probabilities-ignored", "all atoms come equally often", Flaw::probabilities_ignored},
                                   {"last-atom-missing", "the last atom never comes", Flaw::last_atom_missing}},
                                  law);
}

SchemeSubject repaired_scheme() { return scheme("repaired-scheme", "the gallery's NPSGD without a defect", SchemeFlaw::none); }
SamplerSubject repaired_sampler() { return sampler("repaired-sampler", "the gallery's batches without a defect", SamplerFlaw::none); }
TrainingSubject repaired_training() { return training("repaired-training", "the gallery's Algorithm 1 without a defect", TrainingFlaw::none); }
LawSubject repaired_law() { return law("repaired-law", "the gallery's finite law without a defect", LawFlaw::none); }

}  // namespace slicecheck
