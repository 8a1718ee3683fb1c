#include "slicecheck/claims/transport_descent_case.h"

#include <algorithm>
#include <cmath>

namespace slicecheck {

CostFamily draw_small_family(PointDraws& draws, bool linear) {
  constexpr FamilyKind kinds[] = {FamilyKind::translation, FamilyKind::affine_squared, FamilyKind::bilinear, FamilyKind::checkerboard};
  CostFamily family;
  for (int attempt = 0; attempt < 3 && (family.a.size() < 2 || family.b.size() < 2); ++attempt) {  // one atom on a side has no second plan
    const FamilyKind kind = kinds[draws.below(linear ? 4 : 2)];
    family = draw_family(draws, kind, draws.below(2) == 0 ? Regulariser::kl : Regulariser::quadratic, 1);
  }
  return family;
}

double smoothness_everywhere(const CostFamily& family) {
  const bool fixed_slopes = family.constants.L1 == 0.0;  // then L̃0 is that of every θ
  const double L0 = family.regulariser == Regulariser::quadratic && fixed_slopes ? std::min(family.constants.rms_L0, family.sharp_L0) : family.sharp_L0;
  return family.constants.L1 + L0 * L0 / family.lambda;
}

Eigen::VectorXd draw_start(PointDraws& draws, const CostFamily& family) {
  if (family.kind != "translation, squared") return family.draw_theta(draws);
  const Eigen::VectorXd best = family.points[1].values.transpose() * family.b - family.points[0].values.transpose() * family.a;  // E y − E x
  if (draws.below(4) == 0) return best;
  return best + power_of_two(draws, -6.0, 4.0) * normal_vector(draws, best.size());
}

TreeShape draw_shape(PointDraws& draws, const CostFamily& family, int size) {
  const bool branches = family.a.size() > 1 || family.b.size() > 1;
  TreeShape shape{between(draws, 1, 3), 0};
  const Index most = branches ? 5 - shape.batch : 4;
  shape.steps = between(draws, 1, std::min<Index>(most, size));
  return shape;
}

PotentialError draw_error(PointDraws& draws, Index n, Index m) {
  PotentialError error{Vector<double>::Zero(n), Vector<double>::Zero(m)};
  switch (draws.below(4)) {
    case 0: break;
    case 1: error.x.setConstant(draws.uniform(-2.0, 1.0)); break;
    case 2: {
      const double scale = power_of_two(draws, -4.0, 0.0);
      error.x = scale * normal_vector(draws, n);
      error.y = scale * normal_vector(draws, m);
      break;
    }
    default: error.x.setConstant(-40.0);
  }
  return error;
}

std::vector<PotentialError> draw_errors(PointDraws& draws, const CostFamily& family, Index steps, bool each) {
  std::vector<PotentialError> errors;
  for (Index t = 0; t < steps; ++t) errors.push_back(t == 0 || each ? draw_error(draws, family.a.size(), family.b.size()) : errors.front());
  return errors;
}

TranslationDescent draw_translation(PointDraws& draws, int size, std::size_t oracles) {
  TranslationDescent descent;
  const Index n = between(draws, 1, size);
  const Index m = between(draws, 1, size);
  const Index d = between(draws, 1, 2);
  TransportProblem problem{draw_weights(draws, n), draw_weights(draws, m), {}, 1.0, draws.below(2) == 0 ? Regulariser::kl : Regulariser::quadratic};
  descent.a = problem.a;
  descent.b = problem.b;
  descent.x = draw_atoms(draws, n, d);
  descent.y = draw_atoms(draws, m, d);
  problem.cost = cost_matrix(GroundCost::squared, descent.x, descent.y);
  const double spread = problem.cost.maxCoeff() - problem.cost.minCoeff();
  problem.lambda = (spread > 0.0 ? spread : 1.0) * power_of_two(draws, -3.0, 4.0);
  // Whatever gap is left here is part of the oracle's error.
  const TextbookSolution solution = textbook_solution(problem, 1e-15L * static_cast<Real>(problem.lambda + problem.cost.maxCoeff()), 200);
  for (std::size_t k = 0; k < oracles; ++k) {
    const PotentialError error = draw_error(draws, n, m);
    TextbookPotentials potentials = solution.potentials;
    potentials.phi += static_cast<Real>(problem.lambda) * error.x.cast<Real>();
    potentials.psi += static_cast<Real>(problem.lambda) * error.y.cast<Real>();
    descent.density.push_back(textbook_density(problem, potentials));
  }
  descent.batch = between(draws, 1, 4);
  descent.start = draws.below(4) == 0 ? Eigen::VectorXd::Zero(d) : Eigen::VectorXd(power_of_two(draws, -6.0, 4.0) * normal_vector(draws, d));
  return descent;
}

}  // namespace slicecheck
