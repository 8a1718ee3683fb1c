/// slicecheck distance.

#include <cmath>
#include <iostream>

#include "commands.h"
#include "device.h"
#include "slicecheck/core/error.h"
#include "slicecheck/core/parallel.h"
#include "slicecheck/core/random.h"
#include "slicecheck/loss/cpu_loss.h"
#include "slicecheck/loss/cuda/cuda_loss.h"
#include "slicecheck/loss/plane_sweep.h"
#include "slicecheck/measures/point_file.h"
#include "slicecheck/reporting/manifest.h"
#include "slicecheck/statistics/confidence.h"

namespace slicecheck::app {

namespace {

struct DistanceOptions {
  std::string x;
  std::string y;
  double p = 2.0;
  Index directions = 1000;
  std::string directions_file;
  std::uint64_t seed = 1;
  int threads = 0;
  std::string gradient;
  std::string device = "cpu";
  bool exact = false;
  bool max = false;
  bool json = false;
};

/// SW_2² in the plane by the angular sweep, and max-SW_2² where asked.
void run_exact(const DistanceOptions& options, const Points<double>& x, const Points<double>& y) {
  if (x.cols() != 2) reject("--exact is for clouds in the plane; the points of {} have dimension {}", options.x, x.cols());
  if (options.p != 2.0) reject("--exact computes SW_2²; --p is {}", options.p);
  const PlaneSliced result = exact_plane_sw(x, y, {.gradient = !options.gradient.empty(), .max = options.max});
  if (!std::isfinite(result.value)) reject("SW_2² overflows double precision; scale the points down");
  if (!options.gradient.empty()) {
    if (!result.gradient.allFinite()) reject("the gradient overflows double precision; scale the points down");
    write_points(options.gradient, result.gradient);
    if (result.duplicates)
      std::cerr << fmt::format(
          "slicecheck: {} has coincident points: SW_2² is not differentiable there in general, and each of them was given the mean of their block\n",
          options.x);
  }
  if (options.json) {
    Json json{{"value", result.value},
              {"error_bound", result.value_error},
              {"n", x.rows()},
              {"d", 2},
              {"p", 2.0},
              {"exact", true},
              {"duplicates", result.duplicates},
              {"device", "cpu"},
              {"precision", "double"}};
    if (options.max) {
      json["max_value"] = result.max_value;
      json["max_direction"] = {result.max_direction[0], result.max_direction[1]};
    }
    std::cout << json.dump() << "\n";
    return;
  }
  std::cout << fmt::format("SW_2^2 = {:.17g} (exact up to rounding: ± {:.2g}; n = {}, d = 2)\n", result.value, result.value_error, x.rows());
  if (options.max)
    std::cout << fmt::format("max-SW_2^2 = {:.17g} along ({:.17g}, {:.17g})\n", result.max_value, result.max_direction[0], result.max_direction[1]);
}

/// Rows of a file of directions must be unit vectors: a direction of another length scales the loss without a word. Files with nine digits or more pass.
constexpr double kUnitTolerance = 1e-6;

Points<double> directions_for(const DistanceOptions& options, Index dimension) {
  if (options.directions_file.empty()) return uniform_directions<double>({options.seed, Purpose::distance, 0, 0}, options.directions, dimension);
  Points<double> directions = read_points(options.directions_file);
  if (directions.cols() != dimension)
    reject("{}: directions of dimension {}; the points have dimension {}", options.directions_file, directions.cols(), dimension);
  for (Index l = 0; l < directions.rows(); ++l)
    if (const double norm = directions.row(l).norm(); !(std::abs(norm - 1.0) <= kUnitTolerance))
      reject("{}, direction {}: its length is {:.9g}; directions must be unit vectors (to within {})", options.directions_file, l + 1, norm, kUnitTolerance);
  return directions;
}

/// Why the processor alone can do what was asked for; empty where a CUDA device can.
std::string processor_only(const DistanceOptions& options) {
  if (options.exact) return "the angular sweep of --exact runs on the processor alone";
  if (options.p != 2.0) return fmt::format("the CUDA kernels know p = 2 alone, and --p is {}", options.p);
  return {};
}

/// In float, on a CUDA device. Clouds are moved by the mean of Y before they are rounded, which moves no gap: a common offset costs no digits.
LossGradient<double> evaluate_on_cuda(const DistanceOptions& options, const Points<double>& x, const Points<double>& y, const Points<double>& directions) {
  const Eigen::RowVectorXd centre = y.colwise().mean();
  const Points<float> near_x = (x.rowwise() - centre).cast<float>();
  const Points<float> near_y = (y.rowwise() - centre).cast<float>();
  if (!near_x.allFinite() || !near_y.allFinite()) reject("the points spread beyond single precision, in which a CUDA device computes; scale them down");
  const auto loss = make_cuda_loss(options.p);
  const Points<float> rounded_directions = directions.cast<float>();
  if (options.gradient.empty()) {
    const Vector<double> values = loss->values(near_x, near_y, rounded_directions);
    return {values.sum() / static_cast<double>(values.size()), values, {}};
  }
  const LossGradient<float> out = loss->evaluate(near_x, near_y, rounded_directions);
  return {out.value, out.per_direction, out.gradient.cast<double>()};
}

LossGradient<double> evaluate_on(cuda::Where device, const DistanceOptions& options, const Points<double>& x, const Points<double>& y,
                                 const Points<double>& directions) {
  if (device == cuda::Where::cuda) return evaluate_on_cuda(options, x, y, directions);
  const CpuLoss<double> loss(options.p);
  if (!options.gradient.empty()) return loss.evaluate(x, y, directions);
  const Vector<double> values = loss.values(x, y, directions);
  return {values.sum() / static_cast<double>(values.size()), values, {}};
}

void run_distance(const DistanceOptions& options) {
  if (options.threads > 0) set_thread_count(options.threads);
  check_exponent(options.p);
  const Points<double> x = read_points(options.x);
  const Points<double> y = read_points(options.y);
  if (x.rows() != y.rows()) reject("{} has {} points and {} has {}; the distance compares clouds of one size", options.x, x.rows(), options.y, y.rows());
  if (x.cols() != y.cols()) reject("{} has dimension {} and {} has dimension {}; they must agree", options.x, x.cols(), options.y, y.cols());
  if (options.max && !options.exact) reject("--max needs --exact: over random directions the maximum is only a lower bound");
  const cuda::Choice device = chosen_device(options.device, processor_only(options));
  tell_choice(options.device, device);
  if (options.exact) return run_exact(options, x, y);
  const Points<double> directions = directions_for(options, x.cols());
  const bool single = device.where == cuda::Where::cuda;
  const LossGradient<double> result = evaluate_on(device.where, options, x, y, directions);
  const std::string_view precision = single ? "single" : "double";
  if (!result.gradient.allFinite()) reject("the gradient overflows {} precision; scale the points down", precision);
  if (!std::isfinite(result.value)) reject("SW_{}^{} overflows {} precision; scale the points down", options.p, options.p, precision);
  const auto estimate = mean_with_t_interval({result.per_direction.begin(), result.per_direction.end()}, 0.95);
  // Given directions are no sample: their mean is the value itself.
  const bool sampled = options.directions_file.empty() && directions.rows() > 1;
  if (!options.gradient.empty()) write_points(options.gradient, result.gradient);
  const std::string_view remark = single ? "; on a CUDA device, in single precision" : "";
  if (options.json) {
    const Json json{{"value", result.value},
                    {"standard_error", sampled ? Json(estimate.standard_error) : Json(nullptr)},
                    {"n", x.rows()},
                    {"d", x.cols()},
                    {"p", options.p},
                    {"directions", directions.rows()},
                    {"seed", options.directions_file.empty() ? Json(options.seed) : Json(nullptr)},
                    {"device", single ? "cuda" : "cpu"},
                    {"precision", precision}};
    std::cout << json.dump() << "\n";
  } else if (sampled) {
    std::cout << fmt::format("SW_{0}^{0} = {1:.17g} ± {2:.3g} (standard error over {3} random directions; n = {4}, d = {5}, seed {6}{7})\n", options.p,
                             result.value, estimate.standard_error, directions.rows(), x.rows(), x.cols(), options.seed, remark);
  } else {
    std::cout << fmt::format("mean of w over {} direction(s) = {:.17g} (p = {}, n = {}, d = {}; no standard error{})\n", directions.rows(), result.value,
                             options.p, x.rows(), x.cols(), remark);
  }
}

}  // namespace

void add_distance_command(CLI::App& parser, Program&) {
  auto options = std::make_shared<DistanceOptions>();
  CLI::App* command = parser.add_subcommand("distance", "SW_p^p between two clouds in CSV files, with its standard error and gradient");
  command->add_option("X", options->x, "CSV file: a point a row")->required();
  command->add_option("Y", options->y, "CSV file of the same shape")->required();
  command->add_option("--p", options->p, "Exponent, at least 1")->capture_default_str();
  auto* count = command->add_option("--directions", options->directions, "Number of random directions")->check(at_least_one())->capture_default_str();
  command->add_option("--directions-file", options->directions_file, "CSV file of unit vectors in place of random ones")->excludes(count);
  command->add_option("--seed", options->seed, "Seed of the directions")->capture_default_str();
  command->add_option("--threads", options->threads, "Threads; the result does not depend on it")->check(at_least_one());
  command->add_option("--gradient", options->gradient, "Write the gradient with respect to X to this CSV file");
  add_device_option(*command, options->device, "p = 2 alone there, in single precision; --exact runs on the processor");
  command->add_flag("--exact", options->exact, "In the plane: SW_2² (and its gradient) without Monte Carlo, by an angular sweep, O(n² log n)")->excludes(count);
  command->add_flag("--max", options->max, "With --exact: max-SW_2² and its direction too");
  command->add_flag(
      "--json", options->json,
      "Print JSON: value, standard_error, n, d, p, directions, seed, device, precision; with --exact value, error_bound, duplicates, max_value, …");
  command->callback([options] { run_distance(*options); });
}

}  // namespace slicecheck::app
