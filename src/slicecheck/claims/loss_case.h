#pragma once
/// Cases for claims about a loss: clouds chosen to be hard.

#include <string>
#include <vector>

#include "slicecheck/core/random.h"
#include "slicecheck/core/types.h"

namespace slicecheck {

/// One case. Every check about losses uses the parts that it needs.
struct LossCase {
  std::string kind;          ///< what the clouds were made to be: generic, ties, duplicates, …
  double p = 2.0;            ///< exponent
  Points<double> z;          ///< n×d
  Points<double> y;          ///< n×d
  Points<double> w;          ///< a third cloud, n×d
  Points<double> theta;      ///< unit vectors, L×d
  Eigen::RowVectorXd v;      ///< a vector of R^d; sometimes 0
  double s = 1.0;            ///< a positive scale
  std::vector<Index> order;  ///< a permutation of 0, …, n − 1
  std::uint64_t number = 0;  ///< what a check draws beside the clouds (a network, say) is a pure function of it

  [[nodiscard]] Index n() const { return z.rows(); }
  [[nodiscard]] Index d() const { return z.cols(); }
};

/// Limits on the size of a drawn case.
struct CaseLimits {
  Index points = 40;
  Index dimension = 8;
  Index least_dimension = 1;
  Index directions = 5;
  bool large_cases = true;  ///< one case in sixteen is far above the limits, beyond the block sizes of fast implementations
};

/// A case as a pure function of the draws. The kinds: generic; ties (small integer lattice, axis directions: exact ties); duplicates (equal rows); near ties
/// (equal rows moved by one unit in the last place); collinear; single point; far (common offset of about 10⁶); tiny (scale 10⁻⁹); unequal scales (one
/// coordinate 10⁶ times the others).
LossCase draw_loss_case(PointDraws& draws, const CaseLimits& limits);

/// The kinds that `draw_loss_case` can make.
std::vector<std::string> loss_case_kinds();

}  // namespace slicecheck
