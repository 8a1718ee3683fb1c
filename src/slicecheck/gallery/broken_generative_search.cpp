#include "slicecheck/gallery/broken_generative_search.h"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

namespace slicecheck {

namespace {

using Row = Eigen::RowVectorXd;

// ------------------------------------------------------------------------------------------------------------------------------------------------ max-SW

enum class SearchFlaw {
  none,
  last_iterate,
  fixed_point,
  best_random_direction,
  starts_without_ascent,
  last_start,
  value_of_the_model,
  value_of_another_direction,
  direction_not_normalised,
  angles_in_the_plane,
  mean_over_restarts,
  unsorted_target,
  steps_shared_among_starts,
};

/// A textbook search with one thing wrong. Written apart from loss/max_sliced.cpp, but for the sequence of random directions.
class BrokenSearch {
 public:
  BrokenSearch(SearchFlaw flaw, const Points<double>& z, const Points<double>& y) : flaw_(flaw), z_(z), y_(y) {
    const Row centre = y.colwise().mean();
    z_.rowwise() -= centre;
    y_.rowwise() -= centre;
  }

  [[nodiscard]] MaxSliced find(const MaxSlicedSettings& settings, const RandomStream& stream) const {
    MaxSliced found = d() == 2 ? in_the_plane() : restarted(settings, stream);
    if (is(SearchFlaw::direction_not_normalised)) found.direction *= 1.0 + 1e-6;
    if (is(SearchFlaw::value_of_another_direction)) found.value = matched(along_mean_gap()).value;
    return found;
  }

 private:
  struct Matched {
    double value = 0.0;
    Row pull;              // Mθ
    Eigen::MatrixXd form;  // M, d ≤ 2 only
  };

  [[nodiscard]] bool is(SearchFlaw flaw) const { return flaw_ == flaw; }
  [[nodiscard]] Index d() const { return z_.cols(); }
  [[nodiscard]] Index n() const { return z_.rows(); }

  [[nodiscard]] static std::vector<Index> ranks(const Points<double>& cloud, const Row& theta, bool sorted) {
    const Eigen::VectorXd projected = cloud * theta.transpose();
    std::vector<Index> order(static_cast<std::size_t>(cloud.rows()));
    std::iota(order.begin(), order.end(), Index{0});
    if (sorted) std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) { return projected[a] < projected[b]; });
    return order;
  }

  [[nodiscard]] Matched matched(const Row& theta) const {
    const auto of_z = ranks(z_, theta, true);
    const auto of_y = ranks(y_, theta, !is(SearchFlaw::unsorted_target));
    Matched out;
    out.pull = Row::Zero(d());
    if (d() <= 2) out.form = Eigen::MatrixXd::Zero(d(), d());
    for (std::size_t r = 0; r < of_z.size(); ++r) {
      const double along = z_.row(of_z[r]).dot(theta) - y_.row(of_y[r]).dot(theta);
      const Row gap = z_.row(of_z[r]) - y_.row(of_y[r]);
      out.value += along * along / static_cast<double>(n());
      out.pull += along * gap / static_cast<double>(n());
      if (d() <= 2) out.form += gap.transpose() * gap / static_cast<double>(n());
    }
    return out;
  }

  [[nodiscard]] Row along_mean_gap() const {
    const Row gap = z_.colwise().mean() - y_.colwise().mean();
    return gap.norm() > 0.0 ? Row(gap.normalized()) : Row(Row::Unit(d(), 0));
  }

  /// w at every angle at which two points of a cloud change places, and where the form between two of them is largest.
  [[nodiscard]] MaxSliced in_the_plane() const {
    std::vector<double> angles{0.0, std::numbers::pi};
    if (is(SearchFlaw::angles_in_the_plane) || is(SearchFlaw::best_random_direction)) {
      for (int i = 1; i < 360; ++i) angles.push_back(std::numbers::pi * i / 360.0);
    } else {
      for (const Points<double>* cloud : {&z_, &y_})
        for (Index k = 0; k < n(); ++k)
          for (Index l = 0; l < k; ++l) {
            const Row gap = cloud->row(k) - cloud->row(l);
            const double angle = std::atan2(gap[0], -gap[1]);
            if (gap.norm() > 0.0) angles.push_back(angle < 0.0 ? angle + std::numbers::pi : angle);
          }
    }
    std::sort(angles.begin(), angles.end());
    MaxSliced best;
    best.value = -1.0;
    best.starts.resize(0, 2);
    best.exact = true;
    const auto look = [&](const Row& theta) {
      const double value = matched(theta).value;
      ++best.iterations;
      if (!(value > best.value)) return value;
      best.value = value;
      best.direction = theta;
      return value;
    };
    for (std::size_t i = 0; i < angles.size(); ++i) {
      look(Eigen::RowVector2d(std::cos(angles[i]), std::sin(angles[i])));
      if (i == 0 || is(SearchFlaw::angles_in_the_plane) || is(SearchFlaw::best_random_direction)) continue;
      const double middle = (angles[i - 1] + angles[i]) / 2.0;
      const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(matched(Eigen::RowVector2d(std::cos(middle), std::sin(middle))).form);
      const Row top = solver.eigenvectors().col(1).transpose();
      const double value = look(top);
      if (is(SearchFlaw::value_of_the_model) && solver.eigenvalues()[1] > value) best.value = std::max(best.value, solver.eigenvalues()[1]);
    }
    best.direction.normalize();
    return best;
  }

  [[nodiscard]] MaxSliced restarted(const MaxSlicedSettings& settings, const RandomStream& stream) const {
    std::vector<Row> begun{along_mean_gap()};
    const Points<double> z = z_.rowwise() - z_.colwise().mean();
    const Points<double> y = y_.rowwise() - y_.colwise().mean();
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(Eigen::MatrixXd(z.transpose() * z - y.transpose() * y));
    begun.emplace_back(solver.eigenvectors().col(0).transpose());
    begun.emplace_back(solver.eigenvectors().col(d() - 1).transpose());
    const Points<double> random = uniform_directions<double>(stream, settings.scanned + settings.random_starts, d());
    for (Index l = settings.scanned; l < random.rows(); ++l) begun.emplace_back(random.row(l));
    if (is(SearchFlaw::best_random_direction)) begun.assign(1, best_of(random));
    MaxSlicedSettings own = settings;
    if (is(SearchFlaw::steps_shared_among_starts)) own.steps /= begun.size();
    MaxSliced best;
    best.value = -1.0;
    double sum = 0.0;
    for (const Row& start : begun) {
      const auto [value, direction] = ascent(start, own, best.iterations);
      sum += value;
      if (!(value > best.value) && !is(SearchFlaw::last_start)) continue;
      best.value = value;
      best.direction = direction;
    }
    if (is(SearchFlaw::mean_over_restarts)) best.value = sum / static_cast<double>(begun.size());
    if (is(SearchFlaw::best_random_direction)) {
      begun.clear();
      for (Index l = 0; l < random.rows(); ++l) begun.emplace_back(random.row(l));
    }
    best.starts.resize(static_cast<Index>(begun.size()), d());
    for (std::size_t i = 0; i < begun.size(); ++i) best.starts.row(static_cast<Index>(i)) = begun[i];
    return best;
  }

  [[nodiscard]] Row best_of(const Points<double>& directions) const {
    Index best = 0;
    for (Index l = 1; l < directions.rows(); ++l)
      if (matched(directions.row(l)).value > matched(directions.row(best)).value) best = l;
    return directions.row(best);
  }

  [[nodiscard]] std::pair<double, Row> ascent(const Row& start, const MaxSlicedSettings& settings, std::uint64_t& iterations) const {
    Row theta = start;
    Matched here = matched(theta);
    std::pair<double, Row> best{here.value, theta};
    if (is(SearchFlaw::starts_without_ascent) || is(SearchFlaw::best_random_direction)) return best;
    double step = settings.first_step;
    for (std::uint64_t k = 0; k < settings.steps; ++k, step *= settings.decay) {
      const Row tangent = here.pull - here.pull.dot(theta) * theta;
      if (!(tangent.norm() > 0.0)) break;
      theta = is(SearchFlaw::fixed_point) ? Row(here.pull.normalized()) : Row((theta + step * tangent.normalized()).normalized());
      const double of_model = theta.dot(here.pull) * theta.dot(here.pull) / std::max(here.value, 1e-300);  // θᵀMθ of the matching before, from below
      here = matched(theta);
      ++iterations;
      if (is(SearchFlaw::value_of_the_model)) here.value = std::max(here.value, of_model);
      if (here.value > best.first || is(SearchFlaw::last_iterate) || is(SearchFlaw::fixed_point)) best = {here.value, theta};
    }
    return best;
  }

  SearchFlaw flaw_;
  Points<double> z_;
  Points<double> y_;
};

MaxSlicedSubject search(const std::string& name, const std::string& title, SearchFlaw flaw) {
  return {"gallery/" + name, title, [flaw](const Points<double>& z, const Points<double>& y, const MaxSlicedSettings& settings, const RandomStream& stream) {
            return BrokenSearch(flaw, z, y).find(settings, stream);
          }};
}

// ---------------------------------------------------------------------------------------------------------------------------------------------- coverage

enum class CoverageFlaw {
  none,
  every_centre,
  first_centre,
  last_of_equal_centres,
  quality_not_measured,
  quality_without_radius,
  quality_of_covered_modes,
  wide_radius,
  square_of_the_radius,
  largest_coordinate,
  share_of_good_points,
  one_point_is_enough,
};

/// A count with one thing wrong.
ModeCoverage broken(CoverageFlaw flaw, const Points<double>& points, const Points<double>& centres) {
  const auto is = [flaw](CoverageFlaw asked) { return flaw == asked; };
  const ModeCoverageSettings settings;
  const double radius = is(CoverageFlaw::wide_radius) ? 0.05 : settings.radius;
  const auto near = [&](Index k, Index m) {
    const Row gap = points.row(k) - centres.row(m);
    if (is(CoverageFlaw::square_of_the_radius)) return gap.squaredNorm() <= radius;
    if (is(CoverageFlaw::largest_coordinate)) return gap.cwiseAbs().maxCoeff() <= radius;
    return gap.norm() <= radius;
  };
  std::vector<double> counts(static_cast<std::size_t>(centres.rows()), 0.0);
  double good = 0.0;
  for (Index k = 0; k < points.rows(); ++k) {
    Index nearest = 0;
    bool close = false;
    if (is(CoverageFlaw::every_centre) || is(CoverageFlaw::first_centre)) {
      for (Index m = 0; m < centres.rows(); ++m) {
        if (!near(k, m)) continue;
        counts[static_cast<std::size_t>(m)] += 1.0;
        close = true;
        if (is(CoverageFlaw::first_centre)) break;
      }
    } else {
      for (Index m = 1; m < centres.rows(); ++m) {
        const double here = (points.row(k) - centres.row(m)).squaredNorm();
        const double before = (points.row(k) - centres.row(nearest)).squaredNorm();
        if (here < before || (is(CoverageFlaw::last_of_equal_centres) && here == before)) nearest = m;
      }
      close = near(k, nearest);
      if (close) counts[static_cast<std::size_t>(nearest)] += 1.0;
    }
    if (close) good += 1.0;
  }
  const auto n = static_cast<double>(points.rows());
  ModeCoverage out;
  out.high_quality = good / n;
  if (is(CoverageFlaw::quality_not_measured) || is(CoverageFlaw::quality_without_radius)) out.high_quality = 1.0;
  if (is(CoverageFlaw::quality_without_radius) && good == 0.0) out.high_quality = 0.0;
  const double whole = is(CoverageFlaw::share_of_good_points) ? std::max(good, 1.0) : n;
  double covered = 0.0;
  for (const double count : counts) {
    out.shares.push_back(count / whole);
    const bool enough = is(CoverageFlaw::one_point_is_enough) ? count > 0.0 : count / whole >= settings.least_share;
    if (!enough) continue;
    ++out.modes;
    covered += count / n;
  }
  if (is(CoverageFlaw::quality_of_covered_modes)) out.high_quality = covered;
  return out;
}

CoverageSubject coverage(const std::string& name, const std::string& title, CoverageFlaw flaw) {
  return {"gallery/" + name, title, [flaw](const Points<double>& points, const Points<double>& centres) { return broken(flaw, points, centres); }};
}

}  // namespace

MaxSlicedSubject repaired_search() { return search("repaired-max-sliced", "the gallery's search for the worst direction without a defect", SearchFlaw::none); }

std::vector<MaxSlicedDefect> broken_searches() {
  struct Entry {
    const char* name;
    const char* title;
    SearchFlaw flaw;
  };
  const Entry entries[] = {
      {"last-iterate-of-max-sw", "the last direction of an ascent in place of the best one", SearchFlaw::last_iterate},
      {"fixed-point-taken-for-ascent", "θ ← Mθ/‖Mθ‖ taken for an ascent: where it ends is returned", SearchFlaw::fixed_point},
      {"best-random-direction", "the best of some random directions is called the maximum", SearchFlaw::best_random_direction},
      {"starts-without-ascent", "the best start is called the maximum", SearchFlaw::starts_without_ascent},
      {"last-restart", "the last restart in place of the best one", SearchFlaw::last_start},
      {"value-of-the-upper-model", "θᵀMθ with the matching of the direction before in place of w", SearchFlaw::value_of_the_model},
      {"value-of-another-direction", "the value was taken along the mean gap, not at the direction returned", SearchFlaw::value_of_another_direction},
      {"direction-longer-than-one", "the direction is longer than 1 by a millionth", SearchFlaw::direction_not_normalised},
      {"grid-of-angles", "the best of 360 angles is called the maximum in the plane", SearchFlaw::angles_in_the_plane},
      {"mean-over-restarts", "the mean over the restarts in place of the largest value", SearchFlaw::mean_over_restarts},
      {"max-sw-unsorted-target", "the search does not sort the target", SearchFlaw::unsorted_target},
      {"steps-shared-among-starts", "more starts, fewer steps for each: the value may fall", SearchFlaw::steps_shared_among_starts},
  };
  std::vector<MaxSlicedDefect> gallery;
  for (const Entry& entry : entries) gallery.push_back({entry.name, entry.title, search(entry.name, entry.title, entry.flaw)});
  return gallery;
}

CoverageSubject repaired_coverage() { return coverage("repaired-coverage", "the gallery's measure of coverage without a defect", CoverageFlaw::none); }

std::vector<CoverageDefect> broken_coverages() {
  struct Entry {
    const char* name;
    const char* title;
    CoverageFlaw flaw;
  };
  const Entry entries[] = {
      {"counted-for-every-centre", "a point between centres counts for each of them", CoverageFlaw::every_centre},
      {"first-centre-not-nearest", "a point counts for the first centre within the radius", CoverageFlaw::first_centre},
      {"last-of-equal-centres", "of equally near centres the last one counts", CoverageFlaw::last_of_equal_centres},
      {"coverage-without-quality", "every point is called good", CoverageFlaw::quality_not_measured},
      {"quality-once-anything-is-good", "every point is called good as soon as one is", CoverageFlaw::quality_without_radius},
      {"quality-of-covered-modes", "points at centres that are not covered are called bad", CoverageFlaw::quality_of_covered_modes},
      {"radius-of-a-twentieth", "within 0.05 in place of 0.03", CoverageFlaw::wide_radius},
      {"distance-not-rooted", "the squared distance is compared with the radius", CoverageFlaw::square_of_the_radius},
      {"largest-coordinate", "a square around each centre in place of a disc", CoverageFlaw::largest_coordinate},
      {"share-of-the-good-points", "shares of the good points in place of all: a spread-out cloud covers every mode", CoverageFlaw::share_of_good_points},
      {"one-point-is-enough", "a centre with a single point is covered", CoverageFlaw::one_point_is_enough},
  };
  std::vector<CoverageDefect> gallery;
  for (const Entry& entry : entries) gallery.push_back({entry.name, entry.title, coverage(entry.name, entry.title, entry.flaw)});
  return gallery;
}

}  // namespace slicecheck
