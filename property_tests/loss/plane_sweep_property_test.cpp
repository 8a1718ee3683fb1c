/// The sweep in the plane on RapidCheck's clouds: value, gradient and maximum within their own error bounds of a hundred digits.

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <ostream>
#include <sstream>
#include <string>
#include <vector>

#include "slicecheck/loss/plane_sweep.h"
#include "support/plane_brute_force.h"

namespace slicecheck::testing {

/// Two small clouds, hard on purpose.
struct PlaneCase {
  std::string kind;
  Points<double> z;
  Points<double> y;
};

/// How RapidCheck prints a case.
void showValue(const PlaneCase& c, std::ostream& out) {
  const auto precision = out.precision(std::numeric_limits<double>::max_digits10);
  out << c.kind << "\n  Z =\n" << c.z << "\n  Y =\n" << c.y << '\n';
  out.precision(precision);
}

namespace {

namespace gen = rc::gen;

constexpr int kMostPoints = 6;

enum Kind { lattice, duplicates, near_ties, collinear, generic, tiny, far, nearly_equal };
const std::array<std::string, 8> kKinds{"lattice", "duplicates", "near ties", "collinear", "generic", "tiny", "far", "nearly equal"};

/// The integers of one point of Z and one of Y; `link` says how the kinds below use the point before.
struct PointRecipe {
  std::array<int, 4> coordinates;
  int link;
};

rc::Gen<int> below(int count) { return gen::resize(rc::kNominalSize, gen::inRange(0, count)); }

rc::Gen<int> around_zero(int largest) {
  return gen::map(below(2 * largest + 1), [](int code) { return code % 2 == 0 ? code / 2 : -(code + 1) / 2; });
}

rc::Gen<std::vector<PointRecipe>> recipes() {
  const auto recipe = gen::apply(
      [](int a, int b, int c, int d, int link) {
        return PointRecipe{{a, b, c, d}, link};
      },
      around_zero(4), around_zero(4), around_zero(4), around_zero(4), below(4));
  return gen::mapcat(below(kMostPoints), [recipe](int more) { return gen::container<std::vector<PointRecipe>>(static_cast<std::size_t>(more) + 1, recipe); });
}

/// The row before it, moved by nothing or by one unit in the last place of a coordinate.
void repeat_row(Points<double>& cloud, Index k, int link, bool nudged) {
  if (k == 0 || link == 0) return;
  for (Index j = 0; j < 2; ++j) cloud(k, j) = cloud(k - 1, j);
  if (nudged && link < 3) cloud(k, link - 1) = std::nextafter(cloud(k, link - 1), 100.0);
}

PlaneCase build(int kind, const std::vector<PointRecipe>& recipe) {
  const auto n = static_cast<Index>(recipe.size());
  const double unit = kind == generic || kind == tiny || kind == far ? 0.1 : 1.0;
  PlaneCase c{kKinds[static_cast<std::size_t>(kind)], Points<double>(n, 2), Points<double>(n, 2)};
  for (Index k = 0; k < n; ++k) {
    const PointRecipe& point = recipe[static_cast<std::size_t>(k)];
    for (Index j = 0; j < 2; ++j) {
      c.z(k, j) = unit * point.coordinates[static_cast<std::size_t>(j)];
      c.y(k, j) = unit * point.coordinates[static_cast<std::size_t>(j) + 2];
    }
    if (kind == duplicates || kind == near_ties) {
      repeat_row(c.z, k, point.link, kind == near_ties);
      repeat_row(c.y, k, 3 - point.link, kind == near_ties);
    }
    // Multiples of a vector whose products round: on a line, or off it by the last place.
    if (kind == collinear) c.z(k, 1) = (c.z(k, 0) *= 0.1) * 3.0;
    if (kind == collinear && point.link < 2) c.y(k, 1) = (c.y(k, 0) *= 0.7) / 3.0;
  }
  if (kind == nearly_equal) {
    c.y = c.z.colwise().reverse();
    for (Index k = 0; k < n; ++k) {
      const int link = recipe[static_cast<std::size_t>(k)].link;
      if (link < 2) c.y(k, link) = std::nextafter(c.y(k, link), 100.0);
    }
  }
  if (kind == tiny) {
    c.z *= 1e-9;
    c.y *= 1e-9;
  }
  if (kind == far) {
    c.z.array() += 1e6;
    c.y.array() += 1e6;
  }
  return c;
}

rc::Gen<PlaneCase> plane_case() { return gen::apply(build, below(static_cast<int>(kKinds.size())), recipes()); }

bool simultaneous(const Points<double>& cloud) {
  for (Index i = 0; i < cloud.rows(); ++i)
    for (Index j = 0; j < i; ++j)
      for (Index k = 0; k < j; ++k) {
        const double cross = (cloud(j, 0) - cloud(i, 0)) * (cloud(k, 1) - cloud(i, 1)) - (cloud(j, 1) - cloud(i, 1)) * (cloud(k, 0) - cloud(i, 0));
        if (cross == 0.0) return true;
      }
  return false;
}

class SilentListener final : public rc::detail::TestListener {
 public:
  void onTestCaseFinished(const rc::detail::CaseDescription&) override {}
  void onShrinkTried(const rc::detail::CaseDescription&, bool) override {}
  void onTestFinished(const rc::detail::TestMetadata&, const rc::detail::TestResult&) override {}
};

TEST(PlaneSweepProperty, every_number_is_within_its_bound) {
  std::map<std::string, int> kinds;
  int blocks = 0;
  EXPECT_TRUE(rc::check("exact_plane_sw against a hundred digits", [&] {
    const PlaneCase c = *plane_case();
    const bool block = simultaneous(c.z) || simultaneous(c.y);
    RC_CLASSIFY(true, c.kind);
    RC_CLASSIFY(block, std::string("three points of a cloud on a line"));
    ++kinds[c.kind];
    blocks += block ? 1 : 0;
    const std::string complaint = plane_complaint(exact_plane_sw(c.z, c.y), c.z, c.y, brute_force_plane(c.z, c.y));
    if (!complaint.empty()) RC_FAIL(complaint);
  }));
  for (const std::string& kind : kKinds) EXPECT_GT(kinds[kind], 0) << kind;
  EXPECT_GT(blocks, 0);
}

/// The property refuses a sweep that is given other clouds than it claims.
template <class Spoil>
void expect_refused(const std::string& name, const Spoil& spoil) {
  SilentListener listener;
  const auto testable = [&] {
    const PlaneCase c = *plane_case();
    const std::string complaint = plane_complaint(spoil(c), c.z, c.y, brute_force_plane(c.z, c.y));
    if (!complaint.empty()) RC_FAIL(complaint);
  };
  const auto result = rc::detail::checkTestable(testable, rc::detail::TestMetadata{}, rc::detail::configuration().testParams, listener);
  EXPECT_TRUE(result.template is<rc::detail::FailureResult>()) << name;
}

TEST(PlaneSweepProperty, refuses_planted_mistakes) {
  expect_refused("an epsilon: points snapped to a grid of 2⁻⁴⁰", [](const PlaneCase& c) {
    const auto snapped = [](const Points<double>& cloud) { return Points<double>((cloud * 0x1p40).array().round() * 0x1p-40); };
    return exact_plane_sw(snapped(c.z), snapped(c.y));
  });
  expect_refused("single precision", [](const PlaneCase& c) { return exact_plane_sw(c.z.cast<float>().cast<double>(), c.y.cast<float>().cast<double>()); });
  expect_refused("the gradient's rows in another order", [](const PlaneCase& c) {
    auto out = exact_plane_sw(c.z, c.y);
    out.gradient = out.gradient.colwise().reverse().eval();
    return out;
  });
  expect_refused("the mean in place of the maximum", [](const PlaneCase& c) {
    auto out = exact_plane_sw(c.z, c.y);
    out.max_value = out.value;
    return out;
  });
}

}  // namespace
}  // namespace slicecheck::testing
