/// The compiled half of the Python package `slicecheck`. Arrays come here with their type, rank and layout settled (slicecheck/_arrays.py).

#include <fmt/format.h>
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <cmath>
#include <memory>
#include <utility>

#include "slicecheck/claims/tie_membership.h"
#include "slicecheck/core/build_info.h"
#include "slicecheck/core/error.h"
#include "slicecheck/core/parallel.h"
#include "slicecheck/core/random.h"
#include "slicecheck/loss/cpu_loss.h"
#include "slicecheck/loss/plane_sweep.h"
#include "slicecheck/nonsmooth/loss_subdifferential.h"
#include "slicecheck/nonsmooth/minimum_norm.h"
#include "slicecheck/statistics/confidence.h"
#include "verification.h"

namespace slicecheck::python {

namespace py = pybind11;

namespace {

template <class S>
using Array = py::array_t<S, py::array::c_style>;

/// A two-dimensional array as points, without a copy. Valid while the array lives.
template <class S>
Eigen::Map<const Points<S>> points(const Array<S>& array) {
  if (array.ndim() != 2) reject("an array of {} dimensions is given; expected 2", array.ndim());
  return {array.data(), array.shape(0), array.shape(1)};
}

/// The matrix as an array that owns it.
template <class Dense>
py::array array_of(Dense matrix) {
  using S = typename Dense::Scalar;
  auto* owned = new Dense(std::move(matrix));
  const py::capsule owner(owned, [](void* memory) { delete static_cast<Dense*>(memory); });
  if constexpr (Dense::IsVectorAtCompileTime)
    return py::array_t<S>(owned->size(), owned->data(), owner);
  else
    return py::array_t<S>({owned->rows(), owned->cols()}, owned->data(), owner);
}

template <class S>
constexpr const char* kPrecision = sizeof(S) == 4 ? "single" : "double";

template <class S>
void add_loss(py::module_& module) {
  module.def("values", [](const Array<S>& x, const Array<S>& y, const Array<S>& directions, double p) {
    const auto x_points = points(x);
    const auto y_points = points(y);
    const auto unit = points(directions);
    Vector<double> values;
    {
      const py::gil_scoped_release released;
      values = CpuLoss<S>(p).values(x_points, y_points, unit);
    }
    const double value = values.sum() / static_cast<double>(values.size());
    if (!std::isfinite(value)) reject("SW_{}^{} overflows {} precision; scale the points down", p, p, kPrecision<S>);
    return py::make_tuple(value, array_of(std::move(values)));
  });
  module.def("gradient", [](const Array<S>& x, const Array<S>& y, const Array<S>& directions, double p) {
    const auto x_points = points(x);
    const auto y_points = points(y);
    const auto unit = points(directions);
    LossGradient<S> out;
    {
      const py::gil_scoped_release released;
      out = CpuLoss<S>(p).evaluate(x_points, y_points, unit);
    }
    if (!out.gradient.allFinite()) reject("the gradient overflows {} precision; scale the points down", kPrecision<S>);
    return array_of(std::move(out.gradient));
  });
}

py::dict exact_plane(const Array<double>& x, const Array<double>& y) {
  const auto x_points = points(x);
  const auto y_points = points(y);
  if (x_points.cols() != 2) reject("exact_plane is for clouds in the plane; the points of X have dimension {}", x_points.cols());
  PlaneSliced sliced;
  {
    const py::gil_scoped_release released;
    sliced = exact_plane_sw(x_points, y_points);
  }
  if (!std::isfinite(sliced.value)) reject("SW_2² overflows double precision; scale the points down");
  if (!sliced.gradient.allFinite()) reject("the gradient overflows double precision; scale the points down");
  py::dict out;
  out["value"] = sliced.value;
  out["gradient"] = array_of(std::move(sliced.gradient));
  out["max_value"] = sliced.max_value;
  out["max_direction"] = array_of(Eigen::VectorXd(sliced.max_direction.transpose()));
  out["duplicates"] = sliced.duplicates;
  out["value_error"] = sliced.value_error;
  out["gradient_error"] = sliced.gradient_error;
  out["max_error"] = sliced.max_error;
  return out;
}

/// (observed / allowed, δ, why it was not judged).
py::tuple membership(const Array<double>& gradient, const Array<double>& x, const Array<double>& y, const Array<double>& theta, bool single) {
  const Points<double> z = points(x);
  const Points<double> targets = points(y);
  const Points<double> direction = points(theta);
  const Points<double> g = points(gradient);
  check_loss_arguments<double>(z, targets, direction);
  if (direction.rows() != 1) reject("{} directions are given; the subdifferential is that of one", direction.rows());
  if (g.rows() != z.rows() || g.cols() != z.cols()) reject("G is {} × {} and X is {} × {}; they must agree", g.rows(), g.cols(), z.rows(), z.cols());
  LossSubject rounding;
  if (single) rounding.unit_roundoff = tolerance::unit_roundoff<float>();
  Judgement judgement;
  double delta = 0.0;
  {
    const py::gil_scoped_release released;
    const Slice slice = slice_of(rounding, z, targets, direction.row(0));
    judgement = judge_membership(slice, g);
    delta = slice.delta;
  }
  return py::make_tuple(judgement.ratio(), delta, judgement.skipped);
}

std::unique_ptr<ConvexSet> subdifferential(const Points<double>& x, const Points<double>& y, const Points<double>& directions) {
  if (directions.size() == 0) return std::make_unique<PlaneSubdifferential>(x, y);
  std::vector<MinkowskiSum::Term> terms;
  for (Index l = 0; l < directions.rows(); ++l)
    terms.push_back({1.0 / static_cast<double>(directions.rows()), std::make_shared<SliceSubdifferential>(x, y, directions.row(l))});
  return std::make_unique<MinkowskiSum>(std::move(terms));
}

/// Without directions: of the mean over all directions of the plane.
py::dict minimum_norm(const Array<double>& x, const Array<double>& y, const Array<double>& directions, double gap, std::uint64_t iterations) {
  const auto x_points = points(x);
  const auto y_points = points(y);
  const auto unit = points(directions);
  if (unit.size() > 0) check_loss_arguments<double>(x_points, y_points, unit);
  MinimumNorm nearest;
  {
    const py::gil_scoped_release released;
    nearest = minimum_norm_point(*subdifferential(x_points, y_points, unit), {.gap = gap, .iterations = iterations});
  }
  py::dict out;
  out["gradient"] = array_of(Points<double>(Eigen::Map<const Points<double>>(nearest.point.data(), x_points.rows(), x_points.cols())));
  out["norm"] = nearest.norm;
  out["lower_bound"] = nearest.lower_bound;
  out["iterations"] = nearest.iterations;
  out["converged"] = nearest.converged;
  return out;
}

void define(py::module_& module) {
  py::register_exception_translator([](std::exception_ptr error) {
    try {
      if (error) std::rethrow_exception(std::move(error));
    } catch (const InputError& input) {
      PyErr_SetString(PyExc_ValueError, input.what());
    }
  });
  add_loss<double>(module);
  add_loss<float>(module);
  module.def("uniform_directions", [](std::uint64_t seed, Index count, Index dimension) {
    return array_of(uniform_directions<double>({seed, Purpose::distance, 0, 0}, count, dimension));
  });
  module.def("t_interval", [](const std::vector<double>& values, double confidence) {
    const MeanEstimate estimate = mean_with_t_interval(values, confidence);
    return py::make_tuple(estimate.standard_error, estimate.interval.low, estimate.interval.high);
  });
  module.def("exact_plane", &exact_plane);
  module.def("membership", &membership);
  module.def("minimum_norm", &minimum_norm);
  module.def("set_threads", &set_thread_count);
  module.def("threads", &thread_count);
  module.attr("version") = std::string(build::version());
  module.attr("fingerprint") = std::string(build::fingerprint());
  add_verification(module);
}

}  // namespace

}  // namespace slicecheck::python

PYBIND11_MODULE(_core, module) { slicecheck::python::define(module); }
