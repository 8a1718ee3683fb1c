#include "slicecheck/diagnosis/trajectory.h"

#include <algorithm>
#include <atomic>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <limits>

#include "slicecheck/core/error.h"
#include "slicecheck/core/parallel.h"
#include "slicecheck/dynamics/path_distance.h"
#include "slicecheck/dynamics/training.h"
#include "slicecheck/measures/point_file.h"

namespace slicecheck {

namespace {

/// The point of a run at a time between its first and last record.
Eigen::VectorXd at(const RecordedRun& run, double time) {
  const auto after = std::upper_bound(run.times.begin(), run.times.end(), time);
  const auto last = static_cast<Index>(run.times.size()) - 1;
  const Index k = std::clamp<Index>(after - run.times.begin() - 1, 0, last);
  if (k == last) return run.u.row(last).transpose();
  const auto i = static_cast<std::size_t>(k);
  const double part = std::clamp((time - run.times[i]) / (run.times[i + 1] - run.times[i]), 0.0, 1.0);
  return ((1.0 - part) * run.u.row(k) + part * run.u.row(k + 1)).transpose();
}

/// Sampled flows of F. Every gradient draws batches of its own: number `draw` of stream replicate `reference`.
class SampledFlow {
 public:
  SampledFlow(const Generator<double>& generator, const SampleLoss<double>& loss, const Law& source, const Law& target, const FlowComparisonSettings& settings)
      : generator_(generator), loss_(loss), source_(source), target_(target), s_(settings) {}

  /// u moved by the flow for a time, by Heun's method with so many steps.
  [[nodiscard]] Eigen::VectorXd moved(Eigen::VectorXd u, double time, Index substeps, std::uint32_t reference, std::uint64_t piece) const {
    std::uint64_t draw = piece * static_cast<std::uint64_t>(2 * substeps * s_.batches);
    const double h = time / static_cast<double>(substeps);
    for (Index step = 0; step < substeps; ++step) {
      const Eigen::VectorXd first = gradient(u, reference, draw);
      u -= (0.5 * h) * (first + gradient(u - h * first, reference, draw));
    }
    return u;
  }

 private:
  [[nodiscard]] Eigen::VectorXd gradient(const Eigen::VectorXd& u, std::uint32_t reference, std::uint64_t& draw) const {
    Eigen::VectorXd sum = Eigen::VectorXd::Zero(u.size());
    for (Index b = 0; b < s_.batches; ++b, ++draw) {
      const Points<double> x = source_.sample<double>({s_.seed, Purpose::evaluation_source, reference, draw}, s_.n);
      const Points<double> y = target_.sample<double>({s_.seed, Purpose::evaluation_target, reference, draw}, s_.n);
      const Points<double> theta = uniform_directions<double>({s_.seed, Purpose::evaluation_directions, reference, draw}, s_.directions, y.cols());
      const auto image = generator_.linearise(u, x);
      if (!image->images().allFinite())
        reject(
            "the flow of the given loss leaves what the generator can compute: the steps between two records are too long for it (more analyse.substeps), or "
            "the "
            "time column is not s = Σ α");
      sum += image->pullback(loss_.evaluate(image->images(), y, theta).gradient);
    }
    return sum / static_cast<double>(s_.batches);
  }

  const Generator<double>& generator_;
  const SampleLoss<double>& loss_;
  const Law& source_;
  const Law& target_;
  const FlowComparisonSettings& s_;
};

/// Σ a / Σ b over the pieces, with the delete-one jackknife.
Jackknifed ratio(const std::vector<double>& a, const std::vector<double>& b, double confidence) {
  double all_a = 0.0;
  double all_b = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    all_a += a[i];
    all_b += b[i];
  }
  Jackknifed out;
  out.value = all_a / all_b;
  double sum = 0.0;
  double squares = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double value = (all_a - a[i]) / (all_b - b[i]) - out.value;
    sum += value;
    squares += value * value;
  }
  const auto n = static_cast<double>(a.size());
  out.standard_error = std::sqrt((n - 1.0) / n * std::max(0.0, squares - sum * sum / n));
  const boost::math::students_t law(n - 1.0);
  const double half = boost::math::quantile(boost::math::complement(law, (1.0 - confidence) / 2.0)) * out.standard_error;
  out.interval = {out.value - half, out.value + half};
  return out;
}

std::string percent(double share) { return std::isfinite(share) ? fmt::format("{:.3g} %", 100.0 * share) : std::string("?"); }

}  // namespace

RecordedRun read_recorded_run(const std::filesystem::path& path) {
  const Points<double> rows = read_points(path);
  if (rows.cols() < 2) reject("{}: {} column; expected `time, u_1, …, u_d`", path.string(), rows.cols());
  if (rows.rows() < 3) reject("{}: {} rows; expected at least 3 records of `time, u_1, …, u_d`", path.string(), rows.rows());
  RecordedRun run{path.stem().string(), {}, rows.rightCols(rows.cols() - 1)};
  for (Index k = 0; k < rows.rows(); ++k) {
    if (k > 0 && !(rows(k, 0) > rows(k - 1, 0)))
      reject("{}: record {} has the time {}, after {}; times must rise (the first column is the time s = Σ α)", path.string(), k + 1, rows(k, 0),
             rows(k - 1, 0));
    run.times.push_back(rows(k, 0));
  }
  return run;
}

MovementSummary movement(const RecordedRun& run) {
  MovementSummary out;
  for (Index k = 0; k < run.u.rows(); ++k) {
    if (k > 0) out.length += (run.u.row(k) - run.u.row(k - 1)).norm();
    out.farthest = std::max(out.farthest, run.u.row(k).norm());
  }
  out.displacement = (run.u.row(run.u.rows() - 1) - run.u.row(0)).norm();
  return out;
}

RunGap gap_between(const RecordedRun& a, const RecordedRun& b) {
  if (a.u.cols() != b.u.cols()) reject("{} has {} parameters and {} has {}: they are not runs of one training", a.name, a.u.cols(), b.name, b.u.cols());
  const double begin = std::max(a.times.front(), b.times.front());
  const double end = std::min(a.times.back(), b.times.back());
  if (!(end > begin)) reject("{} and {} have no time in common", a.name, b.name);
  RunGap out;
  out.horizon = end - begin;
  std::vector<double> times;
  for (const RecordedRun* run : {&a, &b})
    for (const double time : run->times)
      if (time >= begin && time <= end) times.push_back(time);
  std::sort(times.begin(), times.end());
  const auto stop = static_cast<Index>(std::floor(out.horizon * (1.0 + 1e-12)));
  out.path_distance_tail = std::ldexp(1.0, -static_cast<int>(std::min<Index>(stop, 1000)));
  // Both paths are straight between these times, so that the gap is convex there: its maximum over the time is among them and the ends of the units.
  const auto gap = [&](double time) { return (at(a, time) - at(b, time)).norm(); };
  double largest = 0.0;
  std::size_t next = 0;
  double sum = 0.0;
  for (Index k = 1; k <= stop; ++k) {
    const double unit = std::min(begin + static_cast<double>(k), end);
    for (; next < times.size() && times[next] <= unit; ++next) largest = std::max(largest, gap(times[next]));
    largest = std::max(largest, gap(unit));
    if (k <= 60) sum += std::ldexp(std::min(1.0, largest), -static_cast<int>(k));
  }
  for (; next < times.size(); ++next) largest = std::max(largest, gap(times[next]));
  out.largest = largest;
  out.path_distance = stop >= 1 ? sum : std::numeric_limits<double>::quiet_NaN();
  return out;
}

FlowComparison compare_with_flow(const RecordedRun& run, const Generator<double>& generator, const SampleLoss<double>& loss, const Law& source,
                                 const Law& target, const FlowComparisonSettings& settings, Progress& progress) {
  if (run.u.cols() != generator.parameters())
    reject("{}: {} parameters a record; the generator {} has {}", run.name, run.u.cols(), generator.name(), generator.parameters());
  if (settings.n < 1 || settings.batches < 1 || settings.directions < 1 || settings.substeps < 1)
    reject("comparison with the flow: n = {}, batches = {}, directions = {}, substeps = {}; expected at least 1 of each", settings.n, settings.batches,
           settings.directions, settings.substeps);
  const SampledFlow flow(generator, loss, source, target, settings);
  const Index records = run.u.rows();
  const auto step = [&](Index k) { return run.times[static_cast<std::size_t>(k) + 1] - run.times[static_cast<std::size_t>(k)]; };
  FlowComparison out;
  // The whole flow: references 0 and 1 with 2·substeps steps, 5 and 6 with substeps. Those of the pieces are 2 and 3; 4 is for F.
  constexpr std::uint32_t kReferences[] = {0, 1, 5, 6};
  std::vector<RecordedRun> whole(4, RecordedRun{"flow", run.times, Points<double>(records, run.u.cols())});
  parallel_for(4, [&](Index i) {
    Points<double>& u = whole[static_cast<std::size_t>(i)].u;
    u.row(0) = run.u.row(0);
    const Index substeps = i < 2 ? 2 * settings.substeps : settings.substeps;
    for (Index k = 0; k + 1 < records; ++k) {
      u.row(k + 1) = flow.moved(u.row(k).transpose(), step(k), substeps, kReferences[i], static_cast<std::uint64_t>(k)).transpose();
      if (i == 0) progress.update("flow", static_cast<double>(k + 1) / static_cast<double>(records - 1));
    }
  });
  const auto count = static_cast<std::size_t>(records - 1);
  std::vector<double> along(count);
  std::vector<double> squares(count);
  std::vector<double> moved_squares(count);
  std::atomic<Index> done{0};
  parallel_for(records - 1, [&](Index k) {
    const Eigen::VectorXd here = run.u.row(k).transpose();
    const auto number = static_cast<std::uint64_t>(k);
    const Eigen::VectorXd first = flow.moved(here, step(k), 2 * settings.substeps, 2, number) - here;
    const Eigen::VectorXd second = flow.moved(here, step(k), 2 * settings.substeps, 3, number) - here;
    const Eigen::VectorXd delta = run.u.row(k + 1).transpose() - here;
    const auto i = static_cast<std::size_t>(k);
    along[i] = 0.5 * delta.dot(first + second);
    squares[i] = first.dot(second);
    moved_squares[i] = delta.squaredNorm();
    progress.update("pieces", static_cast<double>(++done) / static_cast<double>(records - 1));
  });
  out.factor = ratio(along, squares, settings.confidence);
  double all_along = 0.0;
  double all_squares = 0.0;
  double all_moved = 0.0;
  for (std::size_t i = 0; i < count; ++i) {
    all_along += along[i];
    all_squares += squares[i];
    all_moved += moved_squares[i];
  }
  out.alignment = all_squares > 0.0 && all_moved > 0.0 ? all_along / std::sqrt(all_moved * all_squares) : 0.0;
  const double kappa = out.factor.value;
  out.noise_per_time = std::max(0.0, all_moved - 2.0 * kappa * all_along + kappa * kappa * all_squares) / (run.times.back() - run.times.front());
  double error = 0.0;
  double sampling = 0.0;
  double integration = 0.0;
  double drift = 0.0;
  for (Index k = 0; k < records; ++k) {
    const Eigen::VectorXd first = (run.u.row(k) - whole[0].u.row(k)).transpose();
    const Eigen::VectorXd second = (run.u.row(k) - whole[1].u.row(k)).transpose();
    const double gap = first.dot(second);
    const double travelled = (whole[0].u.row(k) - run.u.row(0)).dot(whole[1].u.row(k) - run.u.row(0));
    error += gap;
    drift += travelled;
    sampling += 0.5 * (first - second).squaredNorm();
    integration += (whole[0].u.row(k) - whole[2].u.row(k)).dot(whole[1].u.row(k) - whole[3].u.row(k));
    out.distance.push_back(std::sqrt(std::max(0.0, gap)));
    out.travelled.push_back(std::sqrt(std::max(0.0, travelled)));
  }
  out.drift = std::sqrt(std::max(0.0, drift) / static_cast<double>(records - 1));
  const auto in_drifts = [&](double square) { return drift > 0.0 ? std::sqrt(std::max(0.0, square) / drift) : std::numeric_limits<double>::infinity(); };
  out.error = in_drifts(error);
  out.sampling_error = in_drifts(sampling);
  out.integration_error = in_drifts(integration);
  out.reference_error = std::hypot(out.sampling_error, out.integration_error);
  out.gap = gap_between(run, whole[0]);
  const ObjectiveSettings objective{settings.n, std::max<Index>(settings.batches, 2), settings.directions, settings.confidence};
  for (Index k = 0; k < records; ++k)
    out.objective.push_back(estimate_objective<double>(generator, loss, source, target, Eigen::VectorXd(run.u.row(k).transpose()), objective, settings.seed, 4,
                                                       static_cast<std::uint64_t>(k))
                                .mean);
  return out;
}

TrajectoryJudgement judge_trajectory(const FlowComparison& c, double tolerance) {
  if (!(tolerance > 0.0 && tolerance < 1.0)) reject("analysis: the tolerance is {}; expected a number in (0, 1)", tolerance);
  const std::string factor = fmt::format("{:.3g} [{:.3g}, {:.3g}]", c.factor.value, c.factor.interval.low, c.factor.interval.high);
  const std::string distance =
      fmt::format("its distance to the flow from its own start is {} of the distance that the flow travels (the reference is known to {})", percent(c.error),
                  percent(c.reference_error));
  if (!(c.reference_error <= tolerance)) {
    const bool sampled = !(c.integration_error > c.sampling_error);
    std::string why = "its integration: the records are too far apart for this many steps, or the time column is not s = Σ α";
    if (sampled)
      why =
          std::isfinite(c.sampling_error) ? "its batches" : "its batches: it does not move from its start beyond them, so that there may be nothing to follow";
    return {TrajectoryVerdict::undecided,
            fmt::format("Undecided: the flow itself is known to {} of the distance it travels only ({} by its batches, {} by its integration).",
                        percent(c.reference_error), percent(c.sampling_error), percent(c.integration_error)),
            fmt::format("What keeps it from being known is {}. More {} may decide.", why, sampled ? "analyse.batches" : "analyse.substeps")};
  }
  if (c.error <= tolerance)
    return {TrajectoryVerdict::follows, fmt::format("Follows the flow of F: {}.", distance), "Agreement is necessary for the flow regime, not sufficient."};
  const bool clear = c.factor.interval.low > 0.0;
  const bool other = c.factor.interval.low > 1.0 + tolerance || c.factor.interval.high < 1.0 - tolerance;
  if (clear && other && c.alignment > 0.5) {
    std::string advice = fmt::format("Is the time column s = Σ α, and the loss the mean over the batch? A factor κ is what momentum β = 1 − 1/κ = {:.2g} does.",
                                     1.0 - 1.0 / c.factor.value);
    if (c.factor.value < 1.0)
      advice = "Is the time column s = Σ α, and the loss the mean over the batch? A factor below 1: a smaller step than recorded, or a ball that holds it.";
    return {TrajectoryVerdict::another_time_scale,
            fmt::format("Moves with the flow of F on another time scale: {} times as fast between records (alignment {:.2g}), so {}.", factor, c.alignment,
                        distance),
            advice};
  }
  if (clear && !other)
    return {TrajectoryVerdict::noise_dominated,
            fmt::format("Noise-dominated: between records it moves with the flow ({} times its speed on average, alignment {:.2g}), but {}.", factor,
                        c.alignment, distance),
            "A smaller step, more directions or larger batches: `slicecheck regime` says how much."};
  return {TrajectoryVerdict::does_not_follow,
          fmt::format("Does not follow the flow of F: between records it moves {} times as the flow does (alignment {:.2g}), and {}.", factor, c.alignment,
                      distance),
          "Is this the loss, the data, the batch size and the order of parameters that it was trained with?"};
}

}  // namespace slicecheck
