#pragma once
/// The parts of experiment `complexity` (claim L9) that its measurements and its summary share.

#include <cmath>
#include <string>
#include <vector>

#include "slicecheck/core/types.h"
#include "slicecheck/loss/max_sliced.h"
#include "slicecheck/reporting/manifest.h"
#include "slicecheck/statistics/rate.h"

namespace slicecheck::l9 {

constexpr double kConfidence = 0.95;
constexpr double kAim = 0.05;  // relative standard error that `directions_needed` aims at

struct Grid {
  std::vector<std::string> laws;
  std::vector<Index> dimensions;
  std::vector<Index> points;
  Index replicates;
  Index directions;
  MaxSlicedSettings ascent;
};

struct SpreadSettings {
  Index points;
  Index replicates;
  Index directions;
  double shift;  ///< ‖v‖
  double scale;  ///< s
};

struct Distances {
  double values[3];  ///< SW_2² (Monte Carlo over directions), max-SW_2² (found), W_2² (exact)
};

struct Quantity {
  std::string column;
  std::string title;
};

const std::vector<Quantity>& quantities();

/// One (law, d, n): its replicates.
struct Cell {
  std::size_t law;
  Index d;
  Index n;
  std::vector<Distances> replicates;

  [[nodiscard]] std::vector<double> of(std::size_t quantity, bool root) const {
    std::vector<double> out;
    for (const Distances& one : replicates) out.push_back(root ? std::sqrt(one.values[quantity]) : one.values[quantity]);
    return out;
  }
};

struct Rate {
  std::string law;
  Index d;
  std::vector<PowerLawFit> fits;  ///< one a quantity
};

struct Contrast {
  std::string title;
  bool same_points;
  bool scaled;
};

const std::vector<Contrast>& contrasts();

/// What one replicate says about w_θ over its directions.
struct Spread {
  double mean, relative, low, median, high, largest, best, share;
};

double variance_of(const std::string& law);
std::string title_of(const std::string& law);

/// √E SW_2² of two samples of n standard normals, exact; the same in every dimension.
double exact_normal_root(Index n);
double translation_share(Index d);

Json rates_table();
Json spread_table(const SpreadSettings& settings);
Json distances_figure(const std::string& law, const Grid& grid);
Json slopes_figure(const Grid& grid);
Json spread_figure(const SpreadSettings& settings);
Json contrast_figure(const SpreadSettings& settings);
std::vector<std::string> rate_facts(const std::vector<Cell>& cells, const std::vector<Rate>& rates, const Grid& grid);
std::vector<std::string> spread_facts(const std::vector<Spread>& means, const SpreadSettings& settings, const Grid& grid);

}  // namespace slicecheck::l9
