#include "slicecheck/claims/transport_case.h"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <limits>

namespace slicecheck {

namespace {

constexpr double kNowhere = std::numeric_limits<double>::infinity();

/// Shortest paths in a complete graph with edges of length 1, …, 4.
Points<double> graph_metric(PointDraws& draws, Index nodes) {
  Points<double> metric = Points<double>::Zero(nodes, nodes);
  for (Index k = 0; k < nodes; ++k)
    for (Index l = 0; l < k; ++l) metric(k, l) = metric(l, k) = static_cast<double>(between(draws, 1, 4));
  for (Index via = 0; via < nodes; ++via)
    for (Index k = 0; k < nodes; ++k)
      for (Index l = 0; l < nodes; ++l) metric(k, l) = std::min(metric(k, l), metric(k, via) + metric(via, l));
  return metric;
}

Points<double> checkerboard(Index n, Index m) {
  Points<double> c(n, m);
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < m; ++j) c(i, j) = (i + j) % 2 == 0 ? -1.0 : 1.0;
  return c;
}

/// Points of which none is 0.
Points<double> draw_directions_of(PointDraws& draws, Index n, Index d) {
  Points<double> points = draw_atoms(draws, n, d);
  for (Index i = 0; i < n; ++i)
    if (!(points.row(i).norm() > 0.25)) points.row(i).setConstant(1.0);
  return points;
}

std::pair<std::string, Points<double>> draw_cost(PointDraws& draws, Index n, Index m) {
  const Index d = between(draws, 1, 3);
  switch (draws.below(9)) {
    case 0: return {"squared", cost_matrix(GroundCost::squared, draw_atoms(draws, n, d), draw_atoms(draws, m, d))};
    case 1: return {"l1", cost_matrix(GroundCost::l1, draw_atoms(draws, n, d), draw_atoms(draws, m, d))};
    case 2: return {"cosine", cost_matrix(GroundCost::cosine, draw_directions_of(draws, n, d), draw_directions_of(draws, m, d))};
    case 3: return {"graph", graph_metric(draws, n + m).topRightCorner(n, m)};
    case 4: {
      Points<double> c(n, m);
      for (double& entry : c.reshaped<Eigen::RowMajor>()) entry = draws.normal();
      return {"any sign", c};
    }
    case 5: return {"checkerboard", checkerboard(n, m)};
    case 6: return {"constant", Points<double>::Constant(n, m, draws.normal())};
    case 7: return {"far from 0", cost_matrix(GroundCost::squared, draw_atoms(draws, n, d), draw_atoms(draws, m, d)).array() + 1e6};
    default: {
      const Points<double> z = draw_atoms(draws, n, d);
      Points<double> y(m, d);
      for (Index j = 0; j < m; ++j) y.row(j) = z.row(j % n);  // the same atoms, perhaps with other weights
      return {"shared atoms", cost_matrix(GroundCost::squared, z, y)};
    }
  }
}

/// (x, 1).
Points<double> with_one(const Points<double>& x) {
  Points<double> out(x.rows(), x.cols() + 1);
  out << x, Vector<double>::Ones(x.rows());
  return out;
}

/// A x̃ for θ = (rows of A with b): θ_{k(d_x + 1) + l} multiplies x̃_l in coordinate k.
Points<double> affine_images(const Eigen::VectorXd& theta, const Points<double>& lifted, Index d) {
  Points<double> out(lifted.rows(), d);
  for (Index k = 0; k < d; ++k) out.col(k) = lifted * theta.segment(k * lifted.cols(), lifted.cols());
  return out;
}

/// ∂C_ij/∂θ from ∂C_ij/∂z_ik, given as one n×m table for each k.
std::vector<Points<double>> affine_derivatives(const std::vector<Points<double>>& of_z, const Points<double>& lifted) {
  std::vector<Points<double>> out;
  for (const Points<double>& along : of_z)
    for (Index l = 0; l < lifted.cols(); ++l) out.emplace_back(lifted.col(l).asDiagonal() * along);
  return out;
}

void affine_squared(PointDraws& draws, CostFamily& f, Index n, Index m) {
  const Index dx = between(draws, 1, 2);
  const Index d = between(draws, 1, 2);
  const Points<double> x = draw_atoms(draws, n, dx);
  const Points<double> y = draw_atoms(draws, m, d);
  const Points<double> lifted = with_one(x);
  f.points = {{"x", x}, {"y", y}};
  f.centre = normal_vector(draws, d * (dx + 1));
  f.cost = [=](const Eigen::VectorXd& theta) { return cost_matrix(GroundCost::squared, affine_images(theta, lifted, d), y); };
  f.derivatives = [=](const Eigen::VectorXd& theta) {
    const Points<double> z = affine_images(theta, lifted, d);
    std::vector<Points<double>> of_z;
    for (Index k = 0; k < d; ++k) {
      Points<double> along(n, m);
      for (Index i = 0; i < n; ++i)
        for (Index j = 0; j < m; ++j) along(i, j) = 2.0 * (z(i, k) - y(j, k));
      of_z.push_back(std::move(along));
    }
    return affine_derivatives(of_z, lifted);
  };
  const Points<double> z = affine_images(f.centre, lifted, d);
  const double largest = lifted.rowwise().norm().maxCoeff();
  f.constants.L1 = 2.0 * largest * largest;
  double mean_square = 0.0;
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < m; ++j) {
      const double norm = 2.0 * lifted.row(i).norm() * ((z.row(i) - y.row(j)).norm() + f.radius * lifted.row(i).norm());
      f.constants.L0 = std::max(f.constants.L0, norm);
      mean_square += f.a[i] * f.b[j] * norm * norm;
    }
  f.constants.rms_L0 = std::sqrt(mean_square);
  const Eigen::RowVectorXd middle = 0.5 * (y.colwise().maxCoeff() + y.colwise().minCoeff());  // any ȳ will do
  f.sharp_L0 = 2.0 * largest * (y.rowwise() - middle).rowwise().norm().maxCoeff();
  f.everywhere = true;
  f.least_cost = 0.0;
}

void translation(PointDraws& draws, CostFamily& f, Index n, Index m) {
  const Index d = between(draws, 1, 2);
  const Points<double> x = draw_atoms(draws, n, d);
  const Points<double> y = draw_atoms(draws, m, d);
  f.points = {{"x", x}, {"y", y}};
  f.centre = normal_vector(draws, d);
  const auto moved = [=](const Eigen::VectorXd& theta) { return Points<double>(x.rowwise() + theta.transpose()); };
  f.cost = [=](const Eigen::VectorXd& theta) { return cost_matrix(GroundCost::squared, moved(theta), y); };
  f.derivatives = [=](const Eigen::VectorXd& theta) {
    const Points<double> z = moved(theta);
    std::vector<Points<double>> out;
    for (Index k = 0; k < d; ++k) {
      Points<double> along(n, m);
      for (Index i = 0; i < n; ++i)
        for (Index j = 0; j < m; ++j) along(i, j) = 2.0 * (z(i, k) - y(j, k));
      out.push_back(std::move(along));
    }
    return out;
  };
  f.constants.L1 = 2.0;
  const Points<double> z = moved(f.centre);
  double mean_square = 0.0;
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < m; ++j) {
      const double norm = 2.0 * ((z.row(i) - y.row(j)).norm() + f.radius);
      f.constants.L0 = std::max(f.constants.L0, norm);
      mean_square += f.a[i] * f.b[j] * norm * norm;
    }
  f.constants.rms_L0 = std::sqrt(mean_square);
  f.sharp_L0 = 0.0;  // ∇C = u ⊕ v: the plan does not depend on θ
  f.everywhere = true;
  f.least_cost = 0.0;
}

void affine_cosine(PointDraws& draws, CostFamily& f, Index n, Index m) {
  const Index dx = between(draws, 1, 2);
  const Index d = between(draws, 2, 3);
  const Points<double> x = draw_atoms(draws, n, dx);
  const Points<double> y = draw_directions_of(draws, m, d);
  const Points<double> lifted = with_one(x);
  f.points = {{"x", x}, {"y", y}};
  const double largest = lifted.rowwise().norm().maxCoeff();
  f.centre = normal_vector(draws, d * (dx + 1));
  for (Index k = 0; k < d; ++k) f.centre[k * (dx + 1) + dx] += k == 0 ? 6.0 + 3.0 * largest : 0.0;  // b far from 0, so that Ax + b is
  const double least = affine_images(f.centre, lifted, d).rowwise().norm().minCoeff();
  f.radius = std::min(f.radius, 0.5 * least / largest);
  const double r = least - f.radius * largest;
  const Points<double> unit = [&] {
    Points<double> u = y;
    u.rowwise().normalize();
    return u;
  }();
  f.cost = [=](const Eigen::VectorXd& theta) { return cost_matrix(GroundCost::cosine, affine_images(theta, lifted, d), y); };
  f.derivatives = [=](const Eigen::VectorXd& theta) {
    const Points<double> z = affine_images(theta, lifted, d);
    std::vector<Points<double>> of_z(static_cast<std::size_t>(d), Points<double>(n, m));
    for (Index i = 0; i < n; ++i)
      for (Index j = 0; j < m; ++j) {
        const Eigen::RowVectorXd own = z.row(i).normalized();
        const Eigen::RowVectorXd along = -(unit.row(j) - unit.row(j).dot(own) * own) / z.row(i).norm();
        for (Index k = 0; k < d; ++k) of_z[static_cast<std::size_t>(k)](i, j) = along[k];
      }
    return affine_derivatives(of_z, lifted);
  };
  f.constants.L0 = f.constants.rms_L0 = f.sharp_L0 = largest / r;
  f.constants.L1 = 2.0 / std::sqrt(3.0) * largest * largest / (r * r);
  f.least_cost = 0.0;
}

void bilinear(PointDraws& draws, CostFamily& f, Index n, Index m) {
  const Index dx = between(draws, 1, 2);
  const Index dy = between(draws, 1, 2);
  const Points<double> x = draw_atoms(draws, n, dx);
  const Points<double> y = draw_atoms(draws, m, dy);
  f.points = {{"x", x}, {"y", y}};
  f.centre = normal_vector(draws, dx * dy);
  std::vector<Points<double>> slopes;
  for (Index k = 0; k < dx; ++k)
    for (Index l = 0; l < dy; ++l) slopes.emplace_back(-x.col(k) * y.col(l).transpose());
  f.cost = [=](const Eigen::VectorXd& theta) {
    Points<double> c = Points<double>::Zero(n, m);
    for (Index k = 0; k < theta.size(); ++k) c += theta[k] * slopes[static_cast<std::size_t>(k)];
    return c;
  };
  f.derivatives = [=](const Eigen::VectorXd&) { return slopes; };
  const Index p = f.centre.size();
  Eigen::MatrixXd second = Eigen::MatrixXd::Zero(p, p);
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < m; ++j) {
      Eigen::VectorXd slope(p);
      for (Index k = 0; k < p; ++k) slope[k] = slopes[static_cast<std::size_t>(k)](i, j);
      f.constants.L0 = std::max(f.constants.L0, slope.norm());
      second += f.a[i] * f.b[j] * slope * slope.transpose();
    }
  f.constants.rms_L0 = std::sqrt(std::max(0.0, Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(second).eigenvalues().maxCoeff()));
  f.sharp_L0 = f.constants.L0;
  f.everywhere = true;
  f.least_cost = -kNowhere;
}

/// C = −θ S for a fixed table S.
void one_parameter(PointDraws& draws, CostFamily& f, const Points<double>& table) {
  f.points = {{"-dC", table}};
  f.centre = normal_vector(draws, 1);
  f.cost = [=](const Eigen::VectorXd& theta) { return Points<double>(-theta[0] * table); };
  f.derivatives = [=](const Eigen::VectorXd&) { return std::vector<Points<double>>{-table}; };
  f.constants.L0 = f.sharp_L0 = table.cwiseAbs().maxCoeff();
  f.constants.rms_L0 = std::sqrt(f.a.dot(Points<double>(table.cwiseAbs2()) * f.b));
  f.everywhere = true;
  f.least_cost = -kNowhere;
}

NamedValues shown(Regulariser regulariser) { return named("regulariser (0 kl, 1 quadratic)", regulariser == Regulariser::kl ? 0.0 : 1.0); }

}  // namespace

std::vector<NamedValues> TransportCase::values() const {
  return {named("a", problem.a), named("b", problem.b), {"C", problem.cost}, named("lambda", problem.lambda), shown(problem.regulariser)};
}

Vector<double> draw_weights(PointDraws& draws, Index n) {
  Vector<double> weights = Vector<double>::Ones(n);
  switch (draws.below(3)) {
    case 0: break;
    case 1:
      for (double& w : weights) w = draws.uniform(0.05, 1.0);
      break;
    default: weights[between(draws, 0, n - 1)] = 1e-6;
  }
  return weights / weights.sum();
}

Points<double> draw_atoms(PointDraws& draws, Index n, Index d) {
  const std::uint64_t kind = draws.below(3);
  const double width = kind == 2 ? 1e-4 : 1.0;
  Points<double> points(n, d);
  for (double& entry : points.reshaped<Eigen::RowMajor>()) entry = width * draws.normal();
  if (kind == 1) points = points.array().round();
  return points;
}

TransportCase draw_transport_case(PointDraws& draws, int size, const TransportWish& wish) {
  TransportCase c;
  const Index n = std::max(wish.least_atoms, between(draws, 1, size + 1));
  const Index m = std::max(wish.least_atoms, between(draws, 1, size + 1));
  c.problem.a = draw_weights(draws, n);
  c.problem.b = draw_weights(draws, m);
  auto [kind, cost] = draw_cost(draws, n, m);
  const double spread = cost.maxCoeff() - cost.minCoeff();
  const double unit = spread > 0.0 ? spread : 1.0;
  c.problem.lambda = unit * wish.least_lambda * std::pow(wish.largest_lambda / wish.least_lambda, draws.uniform());
  c.problem.regulariser = wish.regulariser.value_or(draws.below(2) == 0 ? Regulariser::kl : Regulariser::quadratic);
  c.problem.cost = std::move(cost);
  c.kind = std::move(kind);
  return c;
}

Eigen::VectorXd CostFamily::gradient(PointsView<double> weights, const Eigen::VectorXd& theta) const {
  const std::vector<Points<double>> slopes = derivatives(theta);
  Eigen::VectorXd out(parameters());
  for (Index k = 0; k < out.size(); ++k) out[k] = weights.cwiseProduct(slopes[static_cast<std::size_t>(k)]).sum();
  return out;
}

Eigen::VectorXd CostFamily::draw_theta(PointDraws& draws) const {
  Eigen::VectorXd direction = normal_vector(draws, parameters());
  direction.normalize();
  return centre + radius * draws.uniform() * direction;
}

std::vector<NamedValues> CostFamily::values() const {
  std::vector<NamedValues> out{named("a", a), named("b", b), named("lambda", lambda), shown(regulariser), named("centre", centre), named("radius", radius)};
  out.insert(out.end(), points.begin(), points.end());
  return out;
}

CostFamily draw_family(PointDraws& draws, FamilyKind kind, Regulariser regulariser, int size) {
  CostFamily f;
  f.regulariser = regulariser;
  f.radius = power_of_two(draws, -3.0, 1.0);
  Index n = between(draws, 1, size + 1);
  Index m = between(draws, 1, size + 1);
  if (kind == FamilyKind::checkerboard) n = m = 2;
  if (kind == FamilyKind::identity) n = m = size + 3;
  f.a = draw_weights(draws, n);
  f.b = draw_weights(draws, m);
  if (kind == FamilyKind::checkerboard || kind == FamilyKind::identity) f.a = f.b = Vector<double>::Constant(n, 1.0 / static_cast<double>(n));
  switch (kind) {
    case FamilyKind::checkerboard:
      f.kind = "checkerboard";
      one_parameter(draws, f, -checkerboard(2, 2));
      break;
    case FamilyKind::identity:
      f.kind = "identity";
      one_parameter(draws, f, Points<double>::Identity(n, n));
      break;
    case FamilyKind::bilinear:
      f.kind = "bilinear";
      bilinear(draws, f, n, m);
      break;
    case FamilyKind::affine_squared:
      f.kind = "affine, squared";
      affine_squared(draws, f, n, m);
      break;
    case FamilyKind::translation:
      f.kind = "translation, squared";
      translation(draws, f, n, m);
      break;
    case FamilyKind::affine_cosine:
      f.kind = "affine, cosine";
      affine_cosine(draws, f, n, m);
      break;
  }
  const Points<double> c = f.cost(f.centre);
  const double spread = c.maxCoeff() - c.minCoeff();
  f.lambda = (spread > 0.0 ? spread : 1.0) * power_of_two(draws, -4.0, 4.0);
  return f;
}

CostFamily draw_family(PointDraws& draws, int size) {
  const auto kind = static_cast<FamilyKind>(draws.below(6));
  return draw_family(draws, kind, draws.below(2) == 0 ? Regulariser::kl : Regulariser::quadratic, size);
}

}  // namespace slicecheck
