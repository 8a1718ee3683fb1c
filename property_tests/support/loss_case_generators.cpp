#include "support/loss_case_generators.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <ostream>

namespace slicecheck {

namespace {

void show_matrix(const char* name, const Points<double>& points, std::ostream& out) {
  out << "\n  " << name << " =";
  for (Index k = 0; k < points.rows(); ++k) {
    out << (k == 0 ? " (" : "; (");
    for (Index j = 0; j < points.cols(); ++j) out << (j == 0 ? "" : ", ") << points(k, j);
    out << ')';
  }
}

}  // namespace

void showValue(const LossCase& c, std::ostream& out) {
  const auto precision = out.precision(std::numeric_limits<double>::max_digits10);
  out << c.kind << ", p = " << c.p << ", s = " << c.s << ", order =";
  for (const Index i : c.order) out << ' ' << i;
  out << ", number = " << c.number;
  show_matrix("Z", c.z, out);
  show_matrix("Y", c.y, out);
  show_matrix("W", c.w, out);
  show_matrix("theta", c.theta, out);
  show_matrix("v", c.v, out);
  out.precision(precision);
}

}  // namespace slicecheck

namespace slicecheck::testing {

namespace {

namespace gen = rc::gen;

constexpr Index kMostPoints = 12;
constexpr Index kMostDimensions = 5;
constexpr Index kMostDirections = 4;
constexpr std::array<double, 4> kExponents{2.0, 1.0, 1.5, 3.0};

enum Kind { ties, duplicates, near_ties, collinear, single_point, generic, tiny, far, unequal_scales };
const std::array<std::string, 9> kKinds{"ties", "duplicates", "near ties", "collinear", "single point", "generic", "tiny", "far", "unequal scales"};

/// The integers of one point: what it is made from, and its place in the permutation.
struct PointRecipe {
  std::vector<int> coordinates;  // Z's, Y's, W's
  int link;                      // 0: its own coordinates; else those of the point before, nudged in one of several ways
  int place;
};

struct DirectionRecipe {
  int form;  // 0: an axis; 1: its opposite; 2: a Pythagorean pair; 3: normalised integers
  int axis;
  std::vector<int> coordinates;
};

struct CaseRecipe {
  int kind;
  int exponent;
  int dimension;
  int scale;  // s = 2^(scale/2)
  std::vector<PointRecipe> points;
  std::vector<DirectionRecipe> directions;
  int moved;  // 0: v = 0
  std::vector<int> v;
  int number;
};

/// 0, 1, …, count − 1, whatever RapidCheck's size is; shrinks towards 0.
rc::Gen<int> below(int count) { return gen::resize(rc::kNominalSize, gen::inRange(0, count)); }

/// −largest, …, largest; shrinks towards 0.
rc::Gen<int> around_zero(int largest) {
  return gen::map(below(2 * largest + 1), [](int code) { return code % 2 == 0 ? code / 2 : -(code + 1) / 2; });
}

rc::Gen<std::vector<int>> integers(Index count, int largest) { return gen::container<std::vector<int>>(static_cast<std::size_t>(count), around_zero(largest)); }

/// Up to `most` of them.
template <class Recipe>
rc::Gen<std::vector<Recipe>> some(Index most, const rc::Gen<Recipe>& recipe) {
  return gen::resize(static_cast<int>(most), gen::container<std::vector<Recipe>>(gen::resize(rc::kNominalSize, recipe)));
}

rc::Gen<CaseRecipe> recipe(const CaseLimits& limits) {
  const Index d = std::min(limits.dimension, kMostDimensions);
  const int least = static_cast<int>(limits.least_dimension) - 1;
  const auto point = gen::construct<PointRecipe>(integers(3 * d, 16), below(6), below(100));
  const auto direction = gen::construct<DirectionRecipe>(below(4), below(static_cast<int>(d)), integers(d, 4));
  return gen::construct<CaseRecipe>(below(static_cast<int>(kKinds.size())), below(static_cast<int>(kExponents.size())),
                                    gen::map(below(static_cast<int>(d) - least), [least](int more) { return least + more; }), around_zero(12),
                                    some(std::min(limits.points, kMostPoints), point), some(std::min(limits.directions, kMostDirections), direction), below(8),
                                    integers(d, 8), below(1000));
}

class Builder {
 public:
  explicit Builder(const CaseRecipe& recipe)
      : recipe_(recipe),
        n_(recipe.kind == single_point ? 1 : std::max<Index>(1, static_cast<Index>(recipe.points.size()))),
        d_(recipe.dimension + 1),
        unit_(recipe.kind == generic ? 0.1 : 0.125) {}

  LossCase operator()() const {
    LossCase c;
    c.kind = kKinds[static_cast<std::size_t>(recipe_.kind)];
    c.p = kExponents[static_cast<std::size_t>(recipe_.exponent)];
    c.s = std::exp2(0.5 * recipe_.scale);
    c.z = cloud(0);
    c.y = cloud(1);
    c.w = cloud(2);
    c.theta = directions();
    c.v = shift();
    c.order = order();
    c.number = static_cast<std::uint64_t>(recipe_.number);
    return c;
  }

 private:
  [[nodiscard]] double coordinate(Index point, Index j, std::size_t number) const {
    if (recipe_.points.empty()) return 0.0;
    const auto& codes = recipe_.points[static_cast<std::size_t>(point)].coordinates;
    const std::size_t of_one_cloud = codes.size() / 3;
    return unit_ * codes[number * of_one_cloud + static_cast<std::size_t>(j)];
  }

  [[nodiscard]] Points<double> cloud(std::size_t number) const {
    Points<double> points(n_, d_);
    for (Index k = 0; k < n_; ++k)
      for (Index j = 0; j < d_; ++j) points(k, j) = coordinate(k, j, number);
    switch (recipe_.kind) {
      case duplicates:
      case near_ties:
        for (Index k = 1; k < n_; ++k) repeat_row(points, k);
        break;
      case collinear: {
        const Eigen::RowVectorXd along = points.row(0);
        for (Index k = 0; k < n_; ++k) points.row(k) = coordinate(k, 0, number) * along;
        break;
      }
      case tiny: points *= 0x1p-30; break;
      case far: points.array() += 1e6; break;
      case unequal_scales: points.col(0) *= 0x1p20; break;
      default: break;
    }
    return points;
  }

  void repeat_row(Points<double>& points, Index k) const {
    const int link = recipe_.points[static_cast<std::size_t>(k)].link;
    if (link == 0) return;
    points.row(k) = points.row(k - 1);
    if (recipe_.kind == duplicates) return;
    constexpr double infinity = std::numeric_limits<double>::infinity();
    const double x = points(k, 0);
    switch (link) {
      case 1: points(k, 0) = std::nextafter(x, infinity); break;
      case 2: points(k, 0) = std::nextafter(x, -infinity); break;
      case 3: points(k, 0) = std::nextafter(static_cast<float>(x), std::numeric_limits<float>::infinity()); break;
      case 4: points(k, 0) = std::nextafter(static_cast<float>(x), -std::numeric_limits<float>::infinity()); break;
      default: points(k, d_ - 1) = std::nextafter(points(k, d_ - 1), infinity); break;
    }
  }

  [[nodiscard]] Points<double> directions() const {
    const auto count = static_cast<Index>(recipe_.directions.size());
    Points<double> theta = Points<double>::Zero(std::max<Index>(1, count), d_);
    if (count == 0) theta(0, 0) = 1.0;
    for (Index l = 0; l < count; ++l) theta.row(l) = direction(recipe_.directions[static_cast<std::size_t>(l)]);
    return theta;
  }

  [[nodiscard]] Eigen::RowVectorXd direction(const DirectionRecipe& made) const {
    const Index axis = made.axis % d_;
    Eigen::RowVectorXd theta = Eigen::RowVectorXd::Zero(d_);
    if (made.form == 2 && d_ > 1) {
      constexpr std::array<std::array<double, 3>, 3> triples{{{3, 4, 5}, {5, 12, 13}, {8, 15, 17}}};
      const auto& [a, b, c] = triples[static_cast<std::size_t>(std::abs(made.coordinates[0])) % triples.size()];
      theta[axis] = a / c;
      theta[(axis + 1) % d_] = made.coordinates[1] < 0 ? -b / c : b / c;
      return theta;
    }
    if (made.form == 3) {
      for (Index j = 0; j < d_; ++j) theta[j] = made.coordinates[static_cast<std::size_t>(j)];
      if (theta.norm() > 0.0) return theta.normalized();
    }
    theta[axis] = made.form == 1 ? -1.0 : 1.0;
    return theta;
  }

  [[nodiscard]] Eigen::RowVectorXd shift() const {
    Eigen::RowVectorXd v = Eigen::RowVectorXd::Zero(d_);
    if (recipe_.moved == 0) return v;
    for (Index j = 0; j < d_; ++j) v[j] = unit_ * recipe_.v[static_cast<std::size_t>(j)];
    if (recipe_.kind == tiny) v *= 0x1p-30;
    return v;
  }

  [[nodiscard]] std::vector<Index> order() const {
    std::vector<Index> order(static_cast<std::size_t>(n_));
    std::iota(order.begin(), order.end(), Index{0});
    if (recipe_.points.empty()) return order;
    const auto place = [&](Index k) { return recipe_.points[static_cast<std::size_t>(k)].place; };
    std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) { return place(a) < place(b); });
    return order;
  }

  const CaseRecipe& recipe_;
  Index n_;
  Index d_;
  double unit_;
};

}  // namespace

rc::Gen<LossCase> loss_case(const CaseLimits& limits) {
  return gen::map(recipe(limits), [](const CaseRecipe& made) { return Builder(made)(); });
}

std::vector<std::string> generated_kinds() { return {kKinds.begin(), kKinds.end()}; }

bool has_exact_tie(const LossCase& c) {
  for (const Points<double>* cloud : {&c.z, &c.y}) {
    for (Index l = 0; l < c.theta.rows(); ++l) {
      Eigen::VectorXd projected = *cloud * c.theta.row(l).transpose();
      std::sort(projected.begin(), projected.end());
      if (std::adjacent_find(projected.begin(), projected.end()) != projected.end()) return true;
    }
  }
  return false;
}

}  // namespace slicecheck::testing
