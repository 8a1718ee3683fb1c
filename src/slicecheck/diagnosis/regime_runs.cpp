#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>

#include "slicecheck/core/error.h"
#include "slicecheck/core/files.h"
#include "slicecheck/core/parallel.h"
#include "slicecheck/core/sealed.h"
#include "slicecheck/diagnosis/regime.h"
#include "slicecheck/diagnosis/sampled_gradient.h"
#include "slicecheck/dynamics/training.h"

namespace slicecheck {

namespace {

using Clock = std::chrono::steady_clock;

// Slots of the evaluation streams (training.h): which estimate of a run a batch is for.
constexpr std::uint64_t kGradientAtEnd = 1;
constexpr std::uint64_t kObjectiveAtEnd = 2;
constexpr std::uint64_t kGradientAtStart = 3;
constexpr std::uint64_t kObjectiveAtStart = 4;
constexpr std::uint64_t kNoiseAtStart = 5;
constexpr std::uint64_t kDirectionNoiseAtStart = 6;
constexpr std::uint64_t kObjectiveAtGiven = 7;
constexpr Index kDirectionFactor = 8;  ///< how many times more directions the noise is measured with
constexpr Index kProbeInputs = 16;

void check(const RegimeSettings& s) {
  if (!(s.step_size > 0.0) || !std::isfinite(s.step_size)) reject("regime: the step size is {}; expected a positive number", s.step_size);
  if (s.steps < 1) reject("regime: {} steps; expected at least 1", s.steps);
  if (s.levels < 3 || s.levels > 8) reject("regime: {} step sizes; expected 3 to 8: a slope needs three", s.levels);
  if (s.replicates < 3 || s.replicates > 1000) reject("regime: {} replicates; expected 3 to 1000: an interval by the jackknife needs three", s.replicates);
  if (s.looks < 1 || static_cast<std::uint64_t>(s.looks) > s.steps) reject("regime: {} looks; expected 1 to the number of steps, {}", s.looks, s.steps);
  if (s.residual_batches < 2) reject("regime: {} batches for the gradient of F; expected at least 2", s.residual_batches);
  if (!(s.radius >= 0.0) || !std::isfinite(s.radius)) reject("regime: the radius is {}; expected 0 (no ball) or a positive number", s.radius);
  if (s.noise > 0.0 && !(s.radius > 0.0)) reject("regime: noise {} without a ball; the noised scheme projects: give a radius", s.noise);
}

/// Sides of the units of a dense network at probe inputs, and how many of them are exactly at a kink.
struct Sides {
  std::vector<bool> right;
  std::uint64_t at_kink = 0;
};

Sides sides_of(const DenseMlp<double>& network, const Eigen::VectorXd& u, const Points<double>& x) {
  Sides out;
  if (network.activation() != Activation::relu && network.activation() != Activation::leaky_relu) return out;
  Points<double> features = x;
  for (Index layer = 0; layer + 1 < network.layers(); ++layer) {
    const Index width = network.width(layer);
    const Index fan_in = network.fan_in(layer);
    const Eigen::Map<const Points<double>> weights(u.data() + network.offset(layer), width, fan_in);
    const auto bias = u.segment(network.offset(layer) + width * fan_in, width);
    const Points<double> before = (features * weights.transpose()).rowwise() + bias.transpose();
    for (Index k = 0; k < before.size(); ++k) {
      out.right.push_back(before.data()[k] > 0.0);
      out.at_kink += before.data()[k] == 0.0 ? 1 : 0;
    }
    Points<double> joined(x.rows(), features.cols() + width);
    joined << features, before.unaryExpr([&](double t) { return activate(network.activation(), t); });
    features = std::move(joined);
  }
  return out;
}

/// Ties of the images' projections along the first direction of the batch of step t.
template <class S>
void count_ties(const TrainingParts<S>& parts, const State<S>& state, NonsmoothCounts& met) {
  constexpr int kLargest = 8;
  const Batch<S> batch = parts.sampler->draw(state.step);
  const auto linear = parts.generator->linearise(state.u, batch.x);
  const Vector<S> along = linear->images() * batch.directions.row(0).transpose();
  Vector<S> targets = batch.y * batch.directions.row(0).transpose();
  if (!along.allFinite()) return;
  std::sort(targets.begin(), targets.end());
  std::vector<Index> order(static_cast<std::size_t>(along.size()));
  std::iota(order.begin(), order.end(), Index{0});
  std::sort(order.begin(), order.end(), [&](Index a, Index b) { return along[a] < along[b]; });
  const auto gradient = [&](Index k) {
    Points<S> cotangent = Points<S>::Zero(batch.x.rows(), batch.y.cols());
    cotangent.row(k) = batch.directions.row(0);
    return linear->pullback(cotangent);
  };
  ++met.steps;
  bool tied = false;
  int judged = 0;
  for (std::size_t begin = 0, end = 0; begin < order.size(); begin = end) {  // a block of equal projections
    while (end < order.size() && along[order[end]] == along[order[begin]]) ++end;
    if (end - begin < 2) continue;
    tied = true;
    if (targets[static_cast<Index>(begin)] == targets[static_cast<Index>(end) - 1]) continue;  // every matching is the same
    const Index first = order[begin];
    std::optional<Vector<S>> of_first;
    bool harmful = false;
    for (std::size_t i = begin + 1; i < end && !harmful; ++i) {
      if (batch.x.row(order[i]) == batch.x.row(first)) continue;
      if (++judged > kLargest) {
        ++met.unjudged_ties;
        break;
      }
      if (!of_first) of_first = gradient(first);
      harmful = gradient(order[i]) != *of_first;
    }
    met.harmful_ties += harmful ? 1 : 0;
  }
  met.with_ties += tied ? 1 : 0;
}

/// Everything of one run that lasts from look to look.
template <class S>
struct Walker {
  TrainingParts<S> parts;
  State<S> state;
  RegimeRun run;
  NonsmoothCounts met;
  std::vector<bool> sides;
  double sides_changed = 0.0;
};

template <class S>
class Regimen {
 public:
  Regimen(const RegimeProblem<S>& problem, const RegimeSettings& settings, const RegimeFiles& files, Progress& progress)
      : problem_(problem), s_(settings), files_(files), progress_(progress) {
    check(s_);
    if (problem_.u0.size() != problem_.generator->parameters())
      reject("regime: u0 has {} entries; the generator has {} parameters", problem_.u0.size(), problem_.generator->parameters());
    if (!problem_.u0.allFinite()) reject("regime: u0 has an entry that is not finite");
    probes_ = problem_.source->template sample<double>({s_.seed, Purpose::cases, 0, 0}, kProbeInputs);
    make_walkers();
    make_tables();
  }

  RegimeMeasurements measure() {
    if (files_.resume && !files_.checkpoint.empty() && std::filesystem::exists(files_.checkpoint)) load();
    look_at_start();
    auto saved = Clock::now();
    for (; look_ <= s_.looks; ++look_) {
      walk_to_look();
      progress_.update("paths", 0.85 * static_cast<double>(look_) / static_cast<double>(s_.looks));
      if (files_.checkpoint.empty() || look_ == s_.looks) continue;
      if (std::chrono::duration<double>(Clock::now() - saved).count() < files_.seconds) continue;
      save();
      saved = Clock::now();
    }
    look_at_ends();
    progress_.update("paths", 1.0);
    for (const Walker<S>& walker : walkers_) {
      out_.runs.push_back(walker.run);
      out_.met.steps += walker.met.steps;
      out_.met.with_ties += walker.met.with_ties;
      out_.met.harmful_ties += walker.met.harmful_ties;
      out_.met.unjudged_ties += walker.met.unjudged_ties;
      out_.met.kinks += walker.met.kinks;
      if (walker.run.level == 0) out_.met.sides_changed += walker.sides_changed / static_cast<double>(s_.replicates * s_.looks);
    }
    return std::move(out_);
  }

 private:
  [[nodiscard]] Index runs() const { return s_.levels * s_.replicates; }

  void make_walkers() {
    std::shared_ptr<const Scheme<S>> scheme;
    if (s_.radius > 0.0)
      scheme = std::make_shared<NoisedProjectedSgd<S>>(s_.radius, s_.noise);
    else
      scheme = std::make_shared<Sgd<S>>();
    walkers_.resize(static_cast<std::size_t>(runs()));
    parallel_for(runs(), [&](Index i) {
      Walker<S>& walker = walkers_[static_cast<std::size_t>(i)];
      walker.run.level = i / s_.replicates;
      walker.run.replicate = i % s_.replicates;
      const auto number = static_cast<std::uint32_t>(i);
      const SamplerSettings sampler{s_.batch, s_.directions, s_.seed, number};
      walker.parts.generator = problem_.generator;
      walker.parts.loss = problem_.loss;
      if (s_.cycling_pairs > 0)
        walker.parts.sampler = std::make_shared<CyclingPairs<S>>(*problem_.source, *problem_.target, s_.cycling_pairs, sampler);
      else
        walker.parts.sampler = std::make_shared<FreshBatches<S>>(problem_.source, problem_.target, sampler);
      walker.parts.scheme = scheme;
      walker.parts.schedule = make_schedule({.initial = std::ldexp(s_.step_size, -static_cast<int>(walker.run.level))});
      walker.parts.seed = s_.seed;
      walker.parts.replicate = number;
      walker.state = scheme->start(problem_.u0.template cast<S>());
      count_ties(walker.parts, walker.state, walker.met);
      if (!problem_.network) return;
      Sides now = sides_of(*problem_.network, walker.state.u.template cast<double>(), probes_);
      walker.met.kinks += now.at_kink;
      walker.sides = std::move(now.right);
    });
    start_ = walkers_.front().state.u.template cast<double>();
  }

  void make_tables() {
    out_.settings = s_;
    out_.parameters = problem_.u0.size();
    if (problem_.network) {
      const Activation act = problem_.network->activation();
      out_.kinks = act == Activation::relu || act == Activation::leaky_relu ? KinksSeen::counted : KinksSeen::none_there;
    }
    out_.given_norm = problem_.u0.norm();
    out_.start_norm = start_.norm();
    const double nan = std::numeric_limits<double>::quiet_NaN();
    for (Eigen::MatrixXd* table : {&out_.loss, &out_.norm, &out_.on_sphere}) *table = Eigen::MatrixXd::Constant(s_.looks + 1, runs(), nan);
    out_.norm.row(0).setConstant(out_.start_norm);
    out_.grams.assign(1, Eigen::MatrixXd::Zero(runs(), runs()));
    for (Index look = 0; look <= s_.looks; ++look) out_.times.push_back(static_cast<double>(coarse_steps(look)) * s_.step_size);
  }

  /// Steps at α that are done at a look.
  [[nodiscard]] std::uint64_t coarse_steps(Index look) const { return static_cast<std::uint64_t>(look) * s_.steps / static_cast<std::uint64_t>(s_.looks); }

  void walk_to_look() {
    // The finest step sizes take longest: they begin first.
    parallel_for(runs(), [&](Index i) { walk(runs() - 1 - i); });
    Points<double> moved(runs(), start_.size());
    for (Index i = 0; i < runs(); ++i) moved.row(i) = walkers_[static_cast<std::size_t>(i)].state.u.template cast<double>().transpose() - start_.transpose();
    Eigen::MatrixXd gram(runs(), runs());
    parallel_for(runs(), [&](Index i) {
      for (Index k = 0; k <= i; ++k) gram(i, k) = gram(k, i) = moved.row(i).dot(moved.row(k));
    });
    for (Index i = 0; i < runs(); ++i) {
      if (!walkers_[static_cast<std::size_t>(i)].run.failed_at) continue;
      gram.row(i).setConstant(std::numeric_limits<double>::quiet_NaN());
      gram.col(i).setConstant(std::numeric_limits<double>::quiet_NaN());
    }
    out_.grams.push_back(std::move(gram));
  }

  void walk(Index i) {
    Walker<S>& walker = walkers_[static_cast<std::size_t>(i)];
    if (walker.run.failed_at) return;
    const std::uint64_t until = coarse_steps(look_) << walker.run.level;
    const auto before = static_cast<double>(walker.state.step);
    double loss = 0.0;
    double on_sphere = 0.0;
    try {
      while (walker.state.step < until) {
        const StepReport report = advance(walker.parts, walker.state);
        loss += report.loss;
        walker.run.phi_squares += report.phi_norm * report.phi_norm;
        if (s_.radius > 0.0 && walker.state.u.template cast<double>().norm() >= s_.radius * (1.0 - 1e-6)) on_sphere += 1.0;
      }
    } catch (const InputError&) {
      walker.run.failed_at = walker.state.step;
    }
    const double norm = walker.state.u.template cast<double>().norm();
    if (!std::isfinite(norm)) walker.run.failed_at = walker.state.step;
    walker.run.steps = walker.state.step;
    if (walker.run.failed_at) return;
    const double steps = static_cast<double>(walker.state.step) - before;
    out_.loss(look_, i) = loss / steps;
    out_.norm(look_, i) = norm;
    out_.on_sphere(look_, i) = on_sphere / steps;
    count_ties(walker.parts, walker.state, walker.met);
    if (!problem_.network || walker.sides.empty()) return;
    Sides now = sides_of(*problem_.network, walker.state.u.template cast<double>(), probes_);
    walker.met.kinks += now.at_kink;
    double changed = 0.0;
    for (std::size_t k = 0; k < now.right.size(); ++k) changed += now.right[k] != walker.sides[k] ? 1.0 : 0.0;
    walker.sides_changed += changed / static_cast<double>(now.right.size());
    walker.sides = std::move(now.right);
  }

  [[nodiscard]] SampledGradient sampled(const Vector<S>& u, Index directions, std::uint32_t replicate, std::uint64_t slot) const {
    const GradientSampling sampling{s_.batch, s_.residual_batches, directions, s_.seed, replicate, slot};
    return sample_gradient<S>(*problem_.generator, *problem_.loss, *problem_.source, *problem_.target, u, sampling);
  }

  [[nodiscard]] GradientEstimate estimate(const Vector<S>& u, std::uint32_t replicate, std::uint64_t slot) const {
    return sampled(u, s_.objective_directions, replicate, slot).estimate(s_.radius);
  }

  [[nodiscard]] double objective(const Vector<S>& u, std::uint32_t replicate, std::uint64_t slot) const {
    const ObjectiveSettings settings{s_.batch, s_.objective_batches, s_.objective_directions, 0.95};
    const double f = estimate_objective<S>(*problem_.generator, *problem_.loss, *problem_.source, *problem_.target, u, settings, s_.seed, replicate, slot).mean;
    if (!std::isfinite(f)) reject("F is {}", f);
    return f;
  }

  void look_at_ends() {
    parallel_for(runs(), [&](Index i) {
      Walker<S>& walker = walkers_[static_cast<std::size_t>(i)];
      if (walker.run.steps > 0) walker.run.phi_squares /= static_cast<double>(walker.run.steps);
      if (walker.run.failed_at) return;
      try {
        walker.run.gradient = estimate(walker.state.u, static_cast<std::uint32_t>(i), kGradientAtEnd);
        walker.run.objective = objective(walker.state.u, static_cast<std::uint32_t>(i), kObjectiveAtEnd);
      } catch (const InputError&) {  // the last step left what can be computed
        walker.run.failed_at = walker.run.steps;
      }
    });
  }

  void look_at_start() try {
    const Vector<S> u0 = start_.cast<S>();
    out_.start.resize(static_cast<std::size_t>(s_.replicates));
    out_.start_objective.resize(out_.start.size());
    std::vector<double> noise(out_.start.size());
    std::vector<double> more_directions(out_.start.size());
    parallel_for(s_.replicates, [&](Index r) {
      const auto at = static_cast<std::size_t>(r);
      const auto replicate = static_cast<std::uint32_t>(r);
      out_.start[at] = estimate(u0, replicate, kGradientAtStart);
      out_.start_objective[at] = objective(u0, replicate, kObjectiveAtStart);
      noise[at] = sampled(u0, s_.directions, replicate, kNoiseAtStart).variance();
      more_directions[at] = sampled(u0, kDirectionFactor * s_.directions, replicate, kDirectionNoiseAtStart).variance();
    });
    const auto mean = [](const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size()); };
    out_.start_noise = mean(noise);
    // variance = batches + directions/L, at L and at 8L.
    const double part = (out_.start_noise - mean(more_directions)) * static_cast<double>(kDirectionFactor) / static_cast<double>(kDirectionFactor - 1);
    out_.start_direction_noise = std::clamp(part, 0.0, out_.start_noise);
    out_.given_objective = mean(out_.start_objective);
    if (!(out_.given_norm > out_.start_norm * (1.0 + 1e-9))) return;
    const Vector<S> given = problem_.u0.template cast<S>();
    std::vector<double> values(out_.start.size());
    parallel_for(s_.replicates, [&](Index r) { values[static_cast<std::size_t>(r)] = objective(given, static_cast<std::uint32_t>(r), kObjectiveAtGiven); });
    out_.given_objective = mean(values);
  } catch (const InputError& error) {
    reject("at u0, before the first step: {}", error.what());
  }

  void save() const {
    using Json = nlohmann::json;
    const auto matrix = [](const Eigen::MatrixXd& m) { return bytes_of(m.data(), static_cast<std::size_t>(m.size())); };
    Json json{{"format", "slicecheck-regime-1"}, {"fingerprint", files_.fingerprint},   {"look", look_},          {"loss", matrix(out_.loss)},
              {"norm", matrix(out_.norm)},       {"on_sphere", matrix(out_.on_sphere)}, {"grams", Json::array()}, {"runs", Json::array()}};
    for (const Eigen::MatrixXd& gram : out_.grams) json["grams"].push_back(matrix(gram));
    for (const Walker<S>& walker : walkers_) {
      std::vector<std::uint8_t> sides(walker.sides.begin(), walker.sides.end());
      const double sums[] = {walker.run.phi_squares, walker.sides_changed};
      json["runs"].push_back({{"u", bytes_of(walker.state.u.data(), static_cast<std::size_t>(walker.state.u.size()))},
                              {"step", walker.state.step},
                              {"failed", walker.run.failed_at.has_value()},
                              {"steps", walker.run.steps},
                              {"sums", bytes_of(sums, 2)},
                              {"sides", bytes_of(sides.data(), sides.size())},
                              {"met", {walker.met.steps, walker.met.with_ties, walker.met.harmful_ties, walker.met.unjudged_ties, walker.met.kinks}}});
    }
    write_atomically(files_.checkpoint, seal(json));
  }

  void load() {
    const std::string file = files_.checkpoint.string();
    const std::string contents = read_file(files_.checkpoint);
    try {
      const nlohmann::json json = unseal(contents);
      if (json.at("format") != "slicecheck-regime-1") reject("{}: a checkpoint of an unknown format", file);
      if (json.at("fingerprint") != files_.fingerprint)
        reject(
            "{}: this checkpoint belongs to a run with other settings, another seed or another version of the program; resume with those, or start anew "
            "without --resume",
            file);
      const auto fill = [](Eigen::MatrixXd& m, const nlohmann::json& bytes) {
        const auto values = from_bytes<double>(bytes);
        if (static_cast<Index>(values.size()) != m.size()) throw std::invalid_argument("a table of another size");
        m = Eigen::Map<const Eigen::MatrixXd>(values.data(), m.rows(), m.cols());
      };
      fill(out_.loss, json.at("loss"));
      fill(out_.norm, json.at("norm"));
      fill(out_.on_sphere, json.at("on_sphere"));
      out_.grams.clear();
      for (const auto& gram : json.at("grams")) fill(out_.grams.emplace_back(runs(), runs()), gram);
      look_ = json.at("look").get<Index>() + 1;
      if (look_ < 2 || look_ > s_.looks || static_cast<Index>(out_.grams.size()) != look_) throw std::invalid_argument("tables that do not fit each other");
      const auto& saved = json.at("runs");
      if (saved.size() != walkers_.size()) throw std::invalid_argument("another number of runs");
      for (std::size_t i = 0; i < walkers_.size(); ++i) restore(walkers_[i], saved.at(i));
    } catch (const InputError&) {
      throw;
    } catch (const std::exception& error) {
      reject("{}: a damaged checkpoint ({}); remove it, or start anew without --resume", file, error.what());
    }
  }

  static void restore(Walker<S>& walker, const nlohmann::json& json) {
    const auto u = from_bytes<S>(json.at("u"));
    if (static_cast<Index>(u.size()) != walker.state.u.size()) throw std::invalid_argument("a u of another size");
    walker.state.u = Eigen::Map<const Vector<S>>(u.data(), walker.state.u.size());
    walker.state.step = json.at("step").get<std::uint64_t>();
    walker.run.steps = json.at("steps").get<std::uint64_t>();
    if (json.at("failed").get<bool>()) walker.run.failed_at = walker.run.steps;
    const auto sums = from_bytes<double>(json.at("sums"));
    walker.run.phi_squares = sums.at(0);
    walker.sides_changed = sums.at(1);
    const auto sides = from_bytes<std::uint8_t>(json.at("sides"));
    walker.sides.assign(sides.begin(), sides.end());
    const auto& met = json.at("met");
    walker.met = {met.at(0), met.at(1), met.at(2), met.at(3), met.at(4), 0.0};
  }

  const RegimeProblem<S>& problem_;
  RegimeSettings s_;
  const RegimeFiles& files_;
  Progress& progress_;
  Points<double> probes_;
  Eigen::VectorXd start_;
  std::vector<Walker<S>> walkers_;
  RegimeMeasurements out_;
  Index look_ = 1;
};

}  // namespace

template <class S>
RegimeMeasurements measure_regime(const RegimeProblem<S>& problem, const RegimeSettings& settings, const RegimeFiles& files, Progress& progress) {
  return Regimen<S>(problem, settings, files, progress).measure();
}

template RegimeMeasurements measure_regime(const RegimeProblem<float>&, const RegimeSettings&, const RegimeFiles&, Progress&);
template RegimeMeasurements measure_regime(const RegimeProblem<double>&, const RegimeSettings&, const RegimeFiles&, Progress&);

}  // namespace slicecheck
