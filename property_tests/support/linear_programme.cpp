#include "support/linear_programme.h"

#include <glpk.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "slicecheck/core/error.h"

namespace slicecheck::testing {

namespace {

struct DeleteProgramme {
  void operator()(glp_prob* programme) const { glp_delete_prob(programme); }
};
using Programme = std::unique_ptr<glp_prob, DeleteProgramme>;

/// The exponent of the last bit of x ≠ 0: x is an odd multiple of 2 to this power.
int last_bit(double x) {
  int exponent = 0;
  const auto digits = static_cast<std::int64_t>(std::ldexp(std::frexp(x, &exponent), std::numeric_limits<double>::digits));
  return exponent - std::numeric_limits<double>::digits + std::countr_zero(static_cast<std::uint64_t>(digits));
}

/// The smallest s ≥ 0 for which 2^s times every entry is an integer. GLPK's rational arithmetic takes integers as they are, but replaces other numbers by
/// fractions that are near, to a relative 1e-9: that would hide every error below.
int integer_scale(PointsView<double> points, VectorView<double> m) {
  int scale = 0;
  const auto include = [&](double x) {
    if (x != 0.0) scale = std::max(scale, -last_bit(x));
  };
  for (Index i = 0; i < points.rows(); ++i)
    for (Index j = 0; j < points.cols(); ++j) include(points(i, j));
  for (const double x : m) include(x);
  return scale;
}

/// Minimise Σ_j (above_j + below_j) subject to 2^s·(Σ_i λ_i p_ij + above_j − below_j) = 2^s·m_j for each j, Σ_i λ_i = 1, and all variables ≥ 0, with the 2^s
/// that makes integers of all coefficients. GLPK counts from 1. Columns: λ, then above, then below. Rows: the coordinates, then the sum.
Programme nearest_in_hull(PointsView<double> unscaled_points, VectorView<double> unscaled_m) {
  const double scale = std::ldexp(1.0, integer_scale(unscaled_points, unscaled_m));
  const Points<double> points = scale * unscaled_points;
  const Eigen::VectorXd m = scale * unscaled_m;
  if (!points.allFinite() || !m.allFinite()) reject("distance to a hull: the entries span too many powers of two to be made integers");
  const int count = static_cast<int>(points.rows());
  const int dimension = static_cast<int>(points.cols());
  Programme programme(glp_create_prob());
  glp_set_obj_dir(programme.get(), GLP_MIN);
  glp_add_rows(programme.get(), dimension + 1);
  for (int j = 0; j < dimension; ++j) glp_set_row_bnds(programme.get(), j + 1, GLP_FX, m[j], m[j]);
  glp_set_row_bnds(programme.get(), dimension + 1, GLP_FX, 1.0, 1.0);
  glp_add_cols(programme.get(), count + 2 * dimension);
  std::vector<int> rows(static_cast<std::size_t>(dimension) + 2);
  std::vector<double> entries(rows.size());
  for (int i = 0; i < count; ++i) {
    int length = 0;
    for (int j = 0; j < dimension; ++j) {
      if (points(i, j) == 0.0) continue;
      ++length;
      rows[static_cast<std::size_t>(length)] = j + 1;
      entries[static_cast<std::size_t>(length)] = points(i, j);
    }
    ++length;
    rows[static_cast<std::size_t>(length)] = dimension + 1;
    entries[static_cast<std::size_t>(length)] = 1.0;
    glp_set_col_bnds(programme.get(), i + 1, GLP_LO, 0.0, 0.0);
    glp_set_mat_col(programme.get(), i + 1, length, rows.data(), entries.data());
  }
  for (int j = 0; j < 2 * dimension; ++j) {
    rows[1] = j % dimension + 1;
    entries[1] = j < dimension ? scale : -scale;
    glp_set_col_bnds(programme.get(), count + j + 1, GLP_LO, 0.0, 0.0);
    glp_set_obj_coef(programme.get(), count + j + 1, 1.0);
    glp_set_mat_col(programme.get(), count + j + 1, 1, rows.data(), entries.data());
  }
  return programme;
}

}  // namespace

double distance_to_hull_l1(PointsView<double> points, VectorView<double> m) {
  if (points.rows() == 0 || points.cols() != m.size() || m.size() == 0)
    reject("distance to a hull: points {} × {} and a point with {} entries; they must fit and not be empty", points.rows(), points.cols(), m.size());
  if (!points.allFinite() || !m.allFinite()) reject("distance to a hull: an entry is not finite");
  const int printing = glp_term_out(GLP_OFF);
  const Programme programme = nearest_in_hull(points, m);
  glp_scale_prob(programme.get(), GLP_SF_AUTO);  // for the simplex method in double; the rational one does not look at it
  glp_smcp parameters;
  glp_init_smcp(&parameters);
  parameters.msg_lev = GLP_MSG_OFF;
  const bool failed = glp_simplex(programme.get(), &parameters) != 0 || glp_exact(programme.get(), &parameters) != 0;
  glp_term_out(printing);
  const int status = glp_get_status(programme.get());
  if (failed || status != GLP_OPT) throw Error(fmt::format("distance to a hull: GLPK ended with status {}; expected an optimum", status));
  return glp_get_obj_val(programme.get());
}

}  // namespace slicecheck::testing
