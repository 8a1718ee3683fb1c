#include "slicecheck/diagnosis/audit_probe.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "slicecheck/core/tolerances.h"

namespace slicecheck {

namespace {

constexpr std::size_t kFitted = 8;         ///< halvings that an exponent is fitted over where the largest second difference is followed
constexpr std::size_t kFittedAtPoint = 4;  ///< and around a fixed point, next to which there may be kinks at larger widths
constexpr double kAboveNoise =
    64.0;  ///< a second difference is judged where it exceeds the measured noise, itself uncertain by a factor of a few, by this much

/// log2-slope over the last `count` steps of halved widths.
double fitted_exponent(const std::vector<double>& second, std::size_t from) {
  const std::size_t count = second.size() - from;
  if (count < 3) return 2.0;
  double mean_k = 0.0, mean_y = 0.0;
  for (std::size_t k = from; k < second.size(); ++k) {
    mean_k += static_cast<double>(k);
    mean_y += std::log2(second[k]);
  }
  mean_k /= static_cast<double>(count);
  mean_y /= static_cast<double>(count);
  double numerator = 0.0, denominator = 0.0;
  for (std::size_t k = from; k < second.size(); ++k) {
    const double dk = static_cast<double>(k) - mean_k;
    numerator += dk * (std::log2(second[k]) - mean_y);
    denominator += dk * dk;
  }
  return -numerator / denominator;
}

Irregularity kind_of(double p) {
  if (p < -0.25) return Irregularity::pole;
  if (p < 0.25) return Irregularity::jump;
  if (p < 0.75) return Irregularity::root;
  if (p < 1.25) return Irregularity::kink;
  if (p < 1.75) return Irregularity::curved;
  return Irregularity::smooth;
}

/// Fits what lies above rounding. Fewer than three halvings above it: the second difference vanishes, smooth.
void judge(Zoom& zoom, double floor, std::size_t fitted, double length) {
  std::size_t end = zoom.second.size();
  while (end > 0 && !(zoom.second[end - 1] > floor)) --end;
  zoom.width.resize(end);
  zoom.second.resize(end);
  if (end == 0) return;
  zoom.exponent = fitted_exponent(zoom.second, end > fitted ? end - fitted : 0);
  zoom.size = zoom.second.back();
  zoom.slope_jump = zoom.second.back() / zoom.width.back();
  zoom.kind = kind_of(zoom.exponent);
  const bool deep = zoom.kind == Irregularity::jump || zoom.kind == Irregularity::pole || zoom.width.back() <= 0x1p-14 * length;
  zoom.certain = zoom.kind == Irregularity::smooth || (end > kFitted && deep);
}

Eigen::VectorXd second_differences(const Points<double>& left, const Points<double>& middle, const Points<double>& right) {
  return (left - 2.0 * middle + right).rowwise().norm();
}

double largest_row(const Points<double>& images) { return images.rowwise().norm().maxCoeff(); }

/// Noise on both sides of s, far enough from it that a kink or a jump at s is not taken for noise.
double noise_beside(const ProbedLine& line, double s, double unit_roundoff) {
  const double offset = 0x1p17 * unit_roundoff * std::max(line.to - line.from, std::abs(s));
  return std::max(measured_noise(line, s - offset, unit_roundoff), measured_noise(line, s + offset, unit_roundoff));
}

/// Twice differentiable around a point: at the finest widths each halving divides the second difference by 4, or by more where the second derivative is 0; the
/// noise of 1/64 moves the ratio by less than an eighth. A rough function passes three times in a row by chance, now and then.
bool falls_like_a_square(const std::vector<double>& second) {
  constexpr std::size_t kRatios = 3;
  for (std::size_t k = second.size(); k-- > std::max(second.size(), kRatios + 1) - kRatios;)
    if (second[k - 1] < 3.2 * second[k]) return false;
  return true;
}

}  // namespace

double ProbedGenerator::unit_roundoff() const { return in_double() ? tolerance::unit_roundoff<double>() : tolerance::unit_roundoff<float>(); }

Points<double> ProbedGenerator::images(const Eigen::VectorXd& u, const Points<double>& x) const {
  if (in_double()) return double_->forward(u, x);
  const Vector<float> u_single = u.cast<float>();
  const Points<float> x_single = x.cast<float>();
  return single_->forward(u_single, x_single).cast<double>();
}

Eigen::VectorXd ProbedGenerator::pullback(const Eigen::VectorXd& u, const Points<double>& x, const Points<double>& cotangent) const {
  if (in_double()) return double_->pullback(u, x, cotangent);
  const Vector<float> u_single = u.cast<float>();
  const Points<float> x_single = x.cast<float>();
  const Points<float> c_single = cotangent.cast<float>();
  return single_->pullback(u_single, x_single, c_single).cast<double>();
}

ProbedGenerator::Objective ProbedGenerator::objective(const SampleLoss<double>& loss, const Eigen::VectorXd& u, const Points<double>& x,
                                                      const Points<double>& y, const Points<double>& directions) const {
  if (in_double()) {
    const auto at = double_->linearise(u, x);
    const auto value = loss.evaluate(at->images(), y, directions);
    return {value.value, at->pullback(value.gradient)};
  }
  const Vector<float> u_single = u.cast<float>();
  const Points<float> x_single = x.cast<float>();
  const auto at = single_->linearise(u_single, x_single);
  const auto value = loss.evaluate(at->images().cast<double>().eval(), y, directions);
  const Points<float> c_single = value.gradient.cast<float>();
  return {value.value, at->pullback(c_single).cast<double>()};
}

std::string_view irregularity_name(Irregularity kind) {
  switch (kind) {
    case Irregularity::smooth: return "smooth";
    case Irregularity::curved: return "second derivative unbounded";
    case Irregularity::kink: return "kink";
    case Irregularity::root: return "slope unbounded";
    case Irregularity::jump: return "jump";
    case Irregularity::pole: return "pole";
  }
  return "?";
}

double measured_noise(const ProbedLine& line, double s, double unit_roundoff) {
  constexpr int kValues = 8;
  // Steps of 4096 roundings of the line's length: third differences of a smooth T are below rounding by far (the cube of 4096 u), those of rounding are not.
  const double step = 4096.0 * unit_roundoff * std::max(line.to - line.from, std::abs(s));
  std::vector<Points<double>> values;
  for (int i = 0; i < kValues; ++i) values.push_back(line.at(s + step * i));
  const double size = largest_row(values.front());
  if (!std::isfinite(size)) return std::numeric_limits<double>::infinity();
  double worst = 0.0;
  for (std::size_t i = 0; i + 3 < values.size(); ++i)
    worst = std::max(worst, largest_row(values[i] - 3.0 * values[i + 1] + 3.0 * values[i + 2] - values[i + 3]));
  worst /= std::sqrt(20.0);  // the variance of a third difference is 20 times that of a value
  if (line.shaken)
    for (const Index way : {0, 1}) worst = std::max(worst, largest_row(line.shaken(s, way) - values.front()));
  return std::max(worst, unit_roundoff * size);
}

Zoom zoom_at(const ProbedLine& line, double s, Index row, double unit_roundoff) {
  Zoom zoom;
  zoom.where = s;
  const Points<double> middle = line.at(s);
  const double noise = noise_beside(line, s, unit_roundoff);
  if (!std::isfinite(noise)) {
    zoom.finite = false;
    zoom.kind = Irregularity::pole;
    return zoom;
  }
  const double floor = kAboveNoise * noise;
  const double reach = 0.5 * (line.to - line.from);
  int below = 0;
  for (double h = reach / 16.0; h > 64.0 * unit_roundoff * std::max(reach, std::abs(s)) && below < 2; h *= 0.5) {
    const Eigen::VectorXd all = second_differences(line.at(s - h), middle, line.at(s + h));
    if (row < 0) all.maxCoeff(&row);
    const double second = all[row];
    if (!std::isfinite(second)) continue;
    zoom.width.push_back(h);
    zoom.second.push_back(second);
    below = second > floor ? 0 : below + 1;  // two in a row: nothing is left
  }
  zoom.row = std::max<Index>(row, 0);
  const double last = zoom.second.empty() ? 0.0 : zoom.second.back();
  judge(zoom, floor, kFittedAtPoint, line.to - line.from);
  // From far above rounding to below it in one halving: less than h² would have left. The piece around s is affine to rounding.
  const bool affine = !zoom.second.empty() && last <= floor && zoom.second.back() > 4.0 * floor;
  if (affine || falls_like_a_square(zoom.second)) {
    zoom.kind = Irregularity::smooth;
    zoom.exponent = std::max(zoom.exponent, 2.0);
    zoom.certain = true;
  } else if (zoom.kind == Irregularity::smooth) {
    zoom.kind = Irregularity::curved;  // the fit says 2, the single halvings do not
    zoom.certain = zoom.second.size() > kFitted;
  }
  return zoom;
}

std::vector<Zoom> zoom_in(const ProbedLine& line, Index cells, Index places, double unit_roundoff) {
  const double h0 = (line.to - line.from) / static_cast<double>(cells);
  std::vector<Points<double>> values;
  for (Index i = 0; i <= cells; ++i) {
    values.push_back(line.at(line.from + h0 * static_cast<double>(i)));
    if (!values.back().allFinite()) {
      Zoom zoom;
      zoom.finite = false;
      zoom.kind = Irregularity::pole;
      zoom.where = line.from + h0 * static_cast<double>(i);
      return {zoom};
    }
  }
  struct Start {
    double second;
    Index node, row;
  };
  std::vector<Start> starts;
  for (Index i = 1; i < cells; ++i) {
    const Eigen::VectorXd all =
        second_differences(values[static_cast<std::size_t>(i - 1)], values[static_cast<std::size_t>(i)], values[static_cast<std::size_t>(i + 1)]);
    Index row = 0;
    const double second = all.maxCoeff(&row);
    starts.push_back({second, i, row});
  }
  std::stable_sort(starts.begin(), starts.end(), [](const Start& a, const Start& b) { return a.second > b.second; });
  std::vector<Zoom> zooms;
  std::vector<Index> taken;
  for (const Start& start : starts) {
    if (static_cast<Index>(zooms.size()) == places) break;
    if (std::any_of(taken.begin(), taken.end(), [&](Index node) { return std::abs(node - start.node) <= 1; })) continue;
    taken.push_back(start.node);
    Zoom zoom;
    zoom.row = start.row;
    double s = line.from + h0 * static_cast<double>(start.node);
    double h = h0;
    Eigen::RowVectorXd left = values[static_cast<std::size_t>(start.node - 1)].row(start.row);
    Eigen::RowVectorXd middle = values[static_cast<std::size_t>(start.node)].row(start.row);
    Eigen::RowVectorXd right = values[static_cast<std::size_t>(start.node + 1)].row(start.row);
    const double floor = kAboveNoise * measured_noise(line, s, unit_roundoff);
    zoom.width.push_back(h);
    zoom.second.push_back((left - 2.0 * middle + right).norm());
    while (zoom.second.back() > floor && h > 256.0 * unit_roundoff * std::max(std::abs(s), line.to - line.from)) {
      h *= 0.5;
      const Eigen::RowVectorXd a = line.at(s - h).row(zoom.row);
      const Eigen::RowVectorXd b = line.at(s + h).row(zoom.row);
      if (!a.allFinite() || !b.allFinite()) {
        zoom.finite = false;
        break;
      }
      const double at_left = (left - 2.0 * a + middle).norm();
      const double at_middle = (a - 2.0 * middle + b).norm();
      const double at_right = (middle - 2.0 * b + right).norm();
      if (at_middle >= std::max(at_left, at_right)) {
        left = a;
        right = b;
      } else if (at_left >= at_right) {
        right = middle;
        middle = a;
        s -= h;
      } else {
        left = middle;
        middle = b;
        s += h;
      }
      zoom.width.push_back(h);
      zoom.second.push_back(std::max({at_left, at_middle, at_right}));
    }
    zoom.where = s;
    // T may be steeper, and so the rounding of u larger, where the search has led than where it began.
    judge(zoom, std::max(floor, kAboveNoise * noise_beside(line, s, unit_roundoff)), kFitted, line.to - line.from);
    if (!zoom.finite) {
      zoom.kind = Irregularity::pole;
      zoom.certain = true;
    }
    zooms.push_back(std::move(zoom));
  }
  std::stable_sort(zooms.begin(), zooms.end(), [](const Zoom& a, const Zoom& b) { return a.kind > b.kind; });
  return zooms;
}

}  // namespace slicecheck
