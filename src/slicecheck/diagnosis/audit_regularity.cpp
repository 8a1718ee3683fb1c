/// Kinks, jumps and rough places of T along lines in u and in x, and its Lipschitz constants.

#include <algorithm>
#include <cmath>

#include "slicecheck/core/parallel.h"
#include "slicecheck/core/tolerances.h"
#include "slicecheck/diagnosis/audit_parts.h"

namespace slicecheck {

namespace {

constexpr Index kCells = 96;  ///< of a line, before places are followed
constexpr Index kPlaces = 2;
constexpr Index kRandomPlaces = 4;

/// Lines in B(0, R).
std::vector<ProbedLine> lines_in_ball(const AuditContext& c) {
  std::vector<ProbedLine> lines;
  const Eigen::VectorXd zero = Eigen::VectorXd::Zero(c.u0.size());
  lines.push_back(c.line("through u0, all tensors", c.base, c.dense_direction(0), -c.reach, c.reach));
  lines.push_back(c.line("through 0, all tensors", zero, c.dense_direction(1), -c.radius, c.radius));
  if (c.u0.norm() > 0.0) lines.push_back(c.line("through 0 and u0", zero, c.u0.normalized(), -c.radius, c.radius));
  std::uint32_t number = 0;
  for (const TensorRange& tensor : c.some_tensors(std::max<Index>(2, c.options.rays - 3)))
    lines.push_back(c.line("through u0, " + tensor.name, c.base, c.tensor_direction(tensor, number++), -c.reach, c.reach));
  return lines;
}

std::vector<ProbedLine> lines_beyond(const AuditContext& c) {
  const Eigen::VectorXd zero = Eigen::VectorXd::Zero(c.u0.size());
  std::vector<ProbedLine> lines{c.line("from R to 4R, all tensors", zero, c.dense_direction(1), c.radius, 4.0 * c.radius)};
  if (c.u0.norm() > 0.0) lines.push_back(c.line("from R to 4R along u0", zero, c.u0.normalized(), c.radius, 4.0 * c.radius));
  return lines;
}

/// Every row of x moves along a direction of its own, as far as the rows are long.
std::vector<ProbedLine> lines_in_x(const AuditContext& c) {
  const double reach = std::max(c.x.rowwise().norm().maxCoeff(), 1e-3);
  std::vector<ProbedLine> lines;
  for (std::uint32_t k = 0; k < 2; ++k) {
    const Points<double> directions = uniform_directions<double>(RandomStream(c.options.seed, Purpose::cases, 0xA0D3'0000U + k, 0), c.x.rows(), c.x.cols());
    lines.push_back(
        {fmt::format("in x, direction {}", k + 1), [&c, directions](double s) { return c.generator.images(c.base, c.x + s * directions); }, -reach, reach,
         [&c, directions](double s, Index way) { return c.generator.images(c.base, (c.x + s * directions) * c.shakes[static_cast<std::size_t>(way)][0]); }});
  }
  return lines;
}

void add_zooms(const std::vector<ProbedLine>& lines, double unit, std::vector<NamedZoom>& out) {
  std::vector<std::vector<Zoom>> found(lines.size());
  parallel_for(static_cast<Index>(lines.size()), [&](Index i) {
    const auto k = static_cast<std::size_t>(i);
    found[k] = zoom_in(lines[k], kCells, kPlaces, unit);
  });
  for (std::size_t i = 0; i < lines.size(); ++i)
    for (Zoom& zoom : found[i]) out.push_back({lines[i].what, std::move(zoom)});
  std::stable_sort(out.begin(), out.end(), [](const NamedZoom& a, const NamedZoom& b) { return a.zoom.kind > b.zoom.kind; });
}

/// ‖J_u T(u, x_k)‖ by power iteration, J w by central differences and Jᵀ by pullback, for the row that the first w stretches most. A lower bound.
double largest_stretch_in_u(const AuditContext& c, const Eigen::VectorXd& u, std::uint32_t number) {
  Eigen::VectorXd w = c.dense_direction(number);
  const double h = std::cbrt(c.unit) * c.radius;
  double largest = 0.0;
  Index row = -1;
  for (int iteration = 0; iteration < 6; ++iteration) {
    const Points<double> moved = (c.generator.images(u + h * w, c.x) - c.generator.images(u - h * w, c.x)) / (2.0 * h);
    if (!moved.allFinite()) return largest;
    if (row < 0) moved.rowwise().norm().maxCoeff(&row);
    largest = std::max(largest, moved.rowwise().norm().maxCoeff());
    Points<double> cotangent = Points<double>::Zero(moved.rows(), moved.cols());
    cotangent.row(row) = moved.row(row);
    const Eigen::VectorXd pulled = c.generator.pullback(u, c.x, cotangent);
    const double norm = pulled.norm();
    if (!(norm > 0.0) || !std::isfinite(norm)) return largest;
    w = pulled / norm;
  }
  return largest;
}

double largest_stretch_in_x(const AuditContext& c, const Eigen::VectorXd& u, std::uint32_t number) {
  const double h = std::cbrt(c.unit) * std::max(c.x.rowwise().norm().maxCoeff(), 1e-3);
  double largest = 0.0;
  for (std::uint32_t k = 0; k < 8; ++k) {
    const Points<double> w = uniform_directions<double>(RandomStream(c.options.seed, Purpose::cases, 0xA0D4'0000U + number, k), c.x.rows(), c.x.cols());
    const Points<double> moved = (c.generator.images(u, c.x + h * w) - c.generator.images(u, c.x - h * w)) / (2.0 * h);
    if (moved.allFinite()) largest = std::max(largest, moved.rowwise().norm().maxCoeff());
  }
  return largest;
}

void add_lipschitz_constants(const AuditContext& c, RegularityFindings& out) {
  std::vector<Eigen::VectorXd> places{c.base, c.radius * c.dense_direction(1), 0.5 * c.radius * c.dense_direction(2)};
  if (c.u0.norm() > 0.0) places.push_back(c.radius * c.u0.normalized());
  std::vector<double> in_u(places.size()), in_x(places.size());
  parallel_for(static_cast<Index>(places.size()), [&](Index i) {
    const auto k = static_cast<std::size_t>(i);
    in_u[k] = largest_stretch_in_u(c, places[k], 0x100U + static_cast<std::uint32_t>(i));
    in_x[k] = largest_stretch_in_x(c, places[k], static_cast<std::uint32_t>(i));
  });
  out.lipschitz_u = *std::max_element(in_u.begin(), in_u.end());
  out.lipschitz_at_start = c.base == c.u0 ? in_u.front() : largest_stretch_in_u(c, c.u0, 0x100U);
  out.lipschitz_x = *std::max_element(in_x.begin(), in_x.end());
  if (!c.structure.known || !c.generator.in_double()) return;
  // The certificates of the library's own generators depend on ‖x‖ alone, and grow with it.
  const auto radius = c.training.source->support_radius();
  out.certified_for = radius ? *radius : c.x.rowwise().norm().maxCoeff();
  Eigen::RowVectorXd x = Eigen::RowVectorXd::Zero(c.x.cols());
  x[0] = out.certified_for;
  const Eigen::VectorXd zero = Eigen::VectorXd::Zero(c.u0.size());
  if (const auto bounds = c.generator.of_double()->bounds(zero, c.radius, x)) {
    out.certified_u = bounds->lipschitz;
    out.certified_image = bounds->image;
  }
}

}  // namespace

RegularityFindings probe_regularity(const AuditContext& c, Progress& progress) {
  RegularityFindings out;
  const std::vector<ProbedLine> lines = lines_in_ball(c);
  add_zooms(lines, c.unit, out.in_u);
  progress.update("audit: lines in u", 0.5);
  add_zooms(lines_beyond(c), c.unit, out.beyond);
  add_zooms(lines_in_x(c), c.unit, out.in_x);
  progress.update("audit: lines in u", 0.7);

  const RandomStream stream(c.options.seed, Purpose::cases, 0xA0D5'0000U, 0);
  const auto count = static_cast<Index>(lines.size());
  out.at_random.resize(lines.size() * kRandomPlaces);
  out.at_start.resize(lines.size());
  const bool base_is_start = c.base == c.u0;
  parallel_for(count * (kRandomPlaces + 1), [&](Index i) {
    const auto k = static_cast<std::size_t>(i % count);
    const auto place = i / count;
    const ProbedLine& line = lines[k];
    if (place == kRandomPlaces) {  // around u0: the middle of lines through it
      if (base_is_start && line.what.starts_with("through u0")) out.at_start[k] = {line.what, zoom_at(line, 0.0, -1, c.unit)};
      return;
    }
    PointDraws draws(stream, static_cast<std::uint64_t>(i));
    const double middle = 0.5 * (line.from + line.to);
    const double s = middle + 0.8 * (line.to - middle) * (2.0 * draws.uniform() - 1.0);
    const auto row = static_cast<Index>(draws.below(static_cast<std::uint64_t>(c.x.rows())));
    out.at_random[static_cast<std::size_t>(i)] = {line.what, zoom_at(line, s, row, c.unit)};
  });
  std::erase_if(out.at_start, [](const NamedZoom& zoom) { return zoom.line.empty(); });
  const auto is_rough = [](const NamedZoom& z) { return z.zoom.kind != Irregularity::smooth && z.zoom.certain; };
  out.rough = std::count_if(out.at_random.begin(), out.at_random.end(), is_rough);
  out.unclear = std::count_if(out.at_random.begin(), out.at_random.end(), [](const NamedZoom& z) { return !z.zoom.certain; });
  out.places_of_line = kRandomPlaces;
  for (Index k = 0; k < count; ++k) {
    Index rough = 0;
    for (Index place = 0; place < kRandomPlaces; ++place) rough += is_rough(out.at_random[static_cast<std::size_t>(place * count + k)]) ? 1 : 0;
    if (rough <= out.roughest) continue;
    out.roughest = rough;
    out.roughest_line = lines[static_cast<std::size_t>(k)].what;
  }
  progress.update("audit: lines in u", 0.9);
  add_lipschitz_constants(c, out);
  progress.update("audit: lines in u", 1.0);
  return out;
}

}  // namespace slicecheck
