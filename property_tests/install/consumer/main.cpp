// A program that uses an installed SliceCheck: the sliced Wasserstein loss of two clouds, its gradient, and its exact value in the plane.

#include <slicecheck/core/build_info.h>
#include <slicecheck/core/random.h>
#include <slicecheck/loss/cpu_loss.h>
#include <slicecheck/loss/plane_sweep.h>
#include <slicecheck/version.h>

#include <cmath>
#include <iostream>

int main() {
  using namespace slicecheck;
  if (build::version() != SLICECHECK_VERSION_STRING) return 1;  // headers and library of two versions

  const Points<double> x{{0.0, 0.0}, {1.0, 0.0}, {0.0, 2.0}};
  const Points<double> y = x.rowwise() + Eigen::RowVector2d(3.0, 4.0);
  const Points<double> directions = uniform_directions<double>({1, Purpose::directions, 0, 0}, 1000, 2);  // seed 1

  const LossGradient<double> sampled = CpuLoss<double>().evaluate(x, y, directions);
  const PlaneSliced exact = exact_plane_sw(x, y);
  std::cout << "SW over 1000 directions " << sampled.value << ", exact " << exact.value << "\ngradient of the exact one\n" << exact.gradient << "\n";

  // A translation by v: every w is (θ·v)², SW_2² is ‖v‖²/2 and every row of its gradient is −v/n.
  const double mean = (directions * Eigen::Vector2d(3.0, 4.0)).squaredNorm() / 1000.0;
  const bool right = std::abs(sampled.value - mean) < 1e-12 && std::abs(exact.value - 12.5) <= exact.value_error &&
                     (exact.gradient.rowwise() + Eigen::RowVector2d(1.0, 4.0 / 3.0)).norm() < 1e-12 && sampled.gradient.rows() == 3;
  return right ? 0 : 1;
}
