#include "slicecheck/claims/flow_judge.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

#include "slicecheck/core/error.h"
#include "slicecheck/nonsmooth/minimum_norm.h"

namespace slicecheck {

namespace {

constexpr double kWallWidth = 1e-12;  // of FlowSettings

Index end_of(const FlowAnswer& answer, Index rows) { return rows < 0 ? answer.points.rows() : rows; }

}  // namespace

FlowAnswer checked_answer(const FlowSubject& subject, const FlowQuestion& question) {
  FlowAnswer answer = subject.solve(question);
  const auto rows = static_cast<Index>(answer.times.size());
  const Index d = question.field->parameters();
  if (rows < 2 || rows % 2 != 0 || answer.points.rows() != rows || answer.velocities.rows() != rows || answer.points.cols() != d ||
      answer.velocities.cols() != d)
    throw Error(fmt::format("{} times, {} × {} points, {} × {} velocities; expected two rows a stretch, {} columns", rows, answer.points.rows(),
                            answer.points.cols(), answer.velocities.rows(), answer.velocities.cols(), d));
  if (!answer.points.allFinite() || !answer.velocities.allFinite() || !std::isfinite(answer.dissipated))
    throw Error("the answer has numbers that are not finite");
  if (answer.points.row(0).transpose() != question.u0) throw Error("the solution does not start at u0");
  if (answer.times.front() != 0.0 || answer.times.back() != question.horizon)
    throw Error(fmt::format("the times run from {} to {}; expected 0 to {}", answer.times.front(), answer.times.back(), question.horizon));
  for (Index row = 1; row < rows; ++row) {
    const double step = answer.times[static_cast<std::size_t>(row)] - answer.times[static_cast<std::size_t>(row - 1)];
    const bool join = row % 2 == 0;
    if (!(step >= 0.0) || (join && (step != 0.0 || answer.points.row(row) != answer.points.row(row - 1))))
      throw Error(fmt::format("stretches do not join at row {}, time {}", row, answer.times[static_cast<std::size_t>(row)]));
  }
  return answer;
}

double local_errors(const FlowQuestion& question, const FlowAnswer& answer, Index rows) {
  double sum = 0.0;
  for (Index row = 0; row + 1 < end_of(answer, rows); row += 2)
    sum += question.tolerance * (answer.times[static_cast<std::size_t>(row + 1)] - answer.times[static_cast<std::size_t>(row)]) *
           (1.0 + answer.points.row(row).norm());
  return sum;
}

double energy_error(const FlowQuestion& question, const FlowAnswer& answer, Index rows) {
  double sum = 0.0;
  for (Index row = 0; row + 1 < end_of(answer, rows); row += 2) {
    const double h = answer.times[static_cast<std::size_t>(row + 1)] - answer.times[static_cast<std::size_t>(row)];
    double slope = std::max(answer.velocities.row(row).norm(), answer.velocities.row(row + 1).norm());
    if (row + 2 < answer.points.rows()) slope = std::max(slope, answer.velocities.row(row + 2).norm());
    sum += question.tolerance * h * (1.0 + answer.points.row(row).norm()) * (1.0 + slope) + kWallWidth * (1.0 + slope) * (1.0 + slope);
  }
  return sum;
}

Stretch stretch_of(const FlowQuestion& question, const FlowAnswer& answer, Index i) {
  const FlowField& field = *question.field;
  const Eigen::VectorXd from = answer.points.row(2 * i).transpose();
  const Eigen::VectorXd to = answer.points.row(2 * i + 1).transpose();
  Stretch stretch;
  stretch.sides.assign(static_cast<std::size_t>(field.switches()), 1);
  // The sides of earlier layers settle those of later ones: as often as there are layers, and twice is enough for one hidden layer and ties.
  for (int pass = 0; pass < 4; ++pass) {
    const Eigen::VectorXd a = field.evaluate(from, stretch.sides).switches;
    const Eigen::VectorXd b = field.evaluate(to, stretch.sides).switches;
    for (Index j = 0; j < a.size(); ++j) stretch.sides[static_cast<std::size_t>(j)] = a[j] + b[j] >= 0.0 ? 1 : -1;
  }
  const Eigen::VectorXd a = field.evaluate(from, stretch.sides).switches;
  const Eigen::VectorXd b = field.evaluate(to, stretch.sides).switches;
  for (Index j = 0; j < a.size(); ++j) {
    const double width = 1e-2 * question.tolerance * (1.0 + field.switch_gradient(from, j, stretch.sides).norm());
    stretch.width = std::max(stretch.width, width);
    if (std::abs(a[j]) <= width && std::abs(b[j]) <= width) stretch.walls.push_back(j);
    stretch.crosses = stretch.crosses || (std::min(std::abs(a[j]), std::abs(b[j])) > width && (a[j] > 0.0) != (b[j] > 0.0));
  }
  return stretch;
}

Eigen::VectorXd stretch_velocity(const FlowField& field, const Eigen::VectorXd& u, const Stretch& stretch) {
  Eigen::VectorXd v = -field.evaluate(u, stretch.sides).gradient;
  if (stretch.walls.empty()) return v;
  Eigen::MatrixXd normals(u.size(), static_cast<Index>(stretch.walls.size()));
  for (std::size_t i = 0; i < stretch.walls.size(); ++i) normals.col(static_cast<Index>(i)) = field.switch_gradient(u, stretch.walls[i], stretch.sides);
  const Eigen::ColPivHouseholderQR<Eigen::MatrixXd> qr(normals);
  Eigen::MatrixXd basis = qr.householderQ() * Eigen::MatrixXd::Identity(u.size(), qr.rank());
  v -= basis * (basis.transpose() * v);
  return v;
}

double distance_to_pieces(const FlowField& field, const Eigen::VectorXd& u, const Stretch& stretch, const Eigen::VectorXd& velocity) {
  if (stretch.walls.size() > 8) throw Error(fmt::format("{} walls meet", stretch.walls.size()));
  const Index pieces = Index{1} << stretch.walls.size();
  Points<double> shifted(pieces, u.size());
  std::vector<int> sides = stretch.sides;
  for (Index piece = 0; piece < pieces; ++piece) {
    for (std::size_t i = 0; i < stretch.walls.size(); ++i) sides[static_cast<std::size_t>(stretch.walls[i])] = ((piece >> i) & 1) != 0 ? 1 : -1;
    shifted.row(piece) = (field.evaluate(u, sides).gradient + velocity).transpose();
  }
  return minimum_norm_point(PointHull(shifted), {.gap = 0.0, .iterations = 1000}).lower_bound;
}

Eigen::VectorXd follow(const FlowField& field, Eigen::VectorXd u, const Stretch& stretch, double h, double accuracy) {
  const auto run = [&](int steps) {
    const double step = h / static_cast<double>(steps);
    Eigen::VectorXd at = u;
    for (int t = 0; t < steps; ++t) {
      const Eigen::VectorXd k1 = stretch_velocity(field, at, stretch);
      const Eigen::VectorXd k2 = stretch_velocity(field, at + 0.5 * step * k1, stretch);
      const Eigen::VectorXd k3 = stretch_velocity(field, at + 0.5 * step * k2, stretch);
      const Eigen::VectorXd k4 = stretch_velocity(field, at + step * k3, stretch);
      at += step / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4);
    }
    return at;
  };
  Eigen::VectorXd coarse = run(1);
  for (int steps = 2; steps <= 1024; steps *= 2) {
    Eigen::VectorXd fine = run(steps);
    if ((fine - coarse).norm() <= accuracy) return fine;
    coarse = std::move(fine);
  }
  throw Error(fmt::format("the stretch of length {} from u = ({}) cannot be followed", h, fmt::join(u.begin(), u.end(), ", ")));
}

}  // namespace slicecheck
