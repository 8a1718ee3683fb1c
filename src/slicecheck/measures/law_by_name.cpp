#include <functional>
#include <map>

#include "slicecheck/core/error.h"
#include "slicecheck/measures/law.h"

namespace slicecheck {

namespace {

/// The stream that draws the fixed noise of the grid: part of the law, not of a run, so its seed is fixed.
const RandomStream& grid_stream() {
  static const RandomStream stream(2025, Purpose::law, 0, 0);
  return stream;
}

constexpr double kMoonsNoise = 0.05;
constexpr double kRollNoise = 0.1;

std::unique_ptr<Law> truncated(std::unique_ptr<Law> law, const Eigen::RowVector2d& centre, double radius) {
  return std::make_unique<Truncated>(std::move(law), centre, radius);
}

using Maker = std::function<std::unique_ptr<Law>()>;

std::unique_ptr<Law> normal_5_2() { return std::make_unique<Gaussian>(Eigen::RowVector2d(5.0, 5.0), 2.0); }

const std::map<std::string, Maker>& makers() {
  static const std::map<std::string, Maker> all{
      {"normal-5-2", normal_5_2},
      {"standard-normal", [] { return Gaussian::standard(2); }},
      {"two-moons", [] { return std::make_unique<TwoMoons>(kMoonsNoise); }},
      {"swiss-roll", [] { return std::make_unique<SwissRoll>(kRollNoise, 1.0); }},
      {"uniform", [] { return std::make_unique<Uniform>(-1.0, 1.0, 2); }},
      {"six-gaussians", [] { return GaussianMixture::six_centres(); }},
      {"noisy-grid", [] { return FiniteLaw::noisy_grid(45, -2.0, 2.0, 0.25, grid_stream()); }},
      {"two-points", [] { return FiniteLaw::two_points(); }},
      // Radius 4 spreads: a plane Gaussian has mass exp(−8) = 3.4e-4 outside.
      {"truncated-normal-5-2",
       [] {
         return truncated(normal_5_2(), {5.0, 5.0}, 8.0);
       }},
      {"truncated-standard-normal",
       [] {
         return truncated(Gaussian::standard(2), {0.0, 0.0}, 4.0);
       }},
      // Support without noise plus 4 spreads of it.
      {"truncated-two-moons",
       [] {
         return truncated(std::make_unique<TwoMoons>(kMoonsNoise), {0.5, 0.25}, 1.53 + 4.0 * kMoonsNoise);
       }},
      {"truncated-swiss-roll",
       [] {
         return truncated(std::make_unique<SwissRoll>(kRollNoise, 1.0), {0.0, 0.0}, 14.14 + 4.0 * kRollNoise);
       }},
      {"truncated-six-gaussians",
       [] {
         return truncated(GaussianMixture::six_centres(), {0.0, 0.0}, 0.71 + 4.0 * 0.02);
       }},
  };
  return all;
}

}  // namespace

std::vector<std::string> law_names() {
  std::vector<std::string> names;
  for (const auto& [name, maker] : makers()) names.push_back(name);
  return names;
}

std::unique_ptr<Law> law_by_name(const std::string& name) {
  const auto found = makers().find(name);
  if (found == makers().end()) reject("unknown law '{}'; the known ones are {}", name, fmt::join(law_names(), ", "));
  return found->second();
}

}  // namespace slicecheck
