#include "callable_loss.h"

#include <fmt/format.h>

#include <utility>

#include "slicecheck/core/error.h"

namespace slicecheck::python {

namespace py = pybind11;

namespace {

template <class S>
py::array_t<S> copied(const Points<double>& points) {
  py::array_t<S> array({points.rows(), points.cols()});
  Eigen::Map<Points<S>>(array.mutable_data(), points.rows(), points.cols()) = points.cast<S>();
  return array;
}

/// "ValueError: the first line of its message".
std::string first_line(const py::error_already_set& error) {
  const std::string text = fmt::format("{}: {}", py::str(error.type().attr("__name__")).cast<std::string>(), py::str(error.value()).cast<std::string>());
  return text.substr(0, text.find('\n'));
}

[[noreturn]] void raise_type_error(const std::string& sentence) {
  PyErr_SetString(PyExc_TypeError, sentence.c_str());
  throw py::error_already_set();
}

/// What f returned, as numbers.
LossGradient<double> converted(const py::object& returned, const std::string& name, Index rows, Index columns) {
  if (!py::isinstance<py::tuple>(returned) || py::len(returned) != 2)
    raise_type_error(fmt::format("{} returned {}; expected the pair (value, gradient)", name, py::repr(py::type::of(returned)).cast<std::string>()));
  const py::tuple pair = returned;
  LossGradient<double> out;
  out.value = py::float_(pair[0]);
  const auto gradient = py::array_t<double, py::array::c_style | py::array::forcecast>(py::object(pair[1]));
  if (gradient.ndim() != 2 || gradient.shape(0) != rows || gradient.shape(1) != columns)
    raise_type_error(fmt::format("{} returned a gradient of shape {} for X of shape ({}, {}); it must have the shape of X", name,
                                 py::str(py::object(gradient.attr("shape"))).cast<std::string>(), rows, columns));
  out.gradient = Eigen::Map<const Points<double>>(gradient.data(), rows, columns);
  return out;
}

}  // namespace

CallableLoss::CallableLoss(py::object f, std::string name, bool single, bool raise)
    : f_(std::move(f)), name_(std::move(name)), single_(single), raise_(raise) {}

template <class S>
LossGradient<double> CallableLoss::call(const Points<double>& x, const Points<double>& y, const Points<double>& directions) const {
  if (kept_) throw Error("an earlier call ended the judgement");
  const py::gil_scoped_acquire gil;
  try {
    return converted(f_(copied<S>(x), copied<S>(y), copied<S>(directions)), name_, x.rows(), x.cols());
  } catch (const py::error_already_set& error) {
    if (raise_ || !error.matches(PyExc_Exception)) {
      kept_ = std::current_exception();
      throw Error("a call ended the judgement");
    }
    throw Error(first_line(error));
  }
}

LossSubject CallableLoss::subject() const {
  LossSubject subject;
  subject.name = name_;
  subject.description = "a Python function";
  subject.squares_only = true;
  subject.one_value_only = true;
  if (single_) subject.unit_roundoff = tolerance::unit_roundoff<float>();
  subject.evaluate = [this](const Points<double>& z, const Points<double>& y, const Points<double>& directions, double p) {
    if (p != 2.0) throw Error(fmt::format("{}: a Python function is judged at p = 2 only; asked for p = {}", name_, p));
    return single_ ? call<float>(z, y, directions) : call<double>(z, y, directions);
  };
  return subject;
}

void CallableLoss::rethrow() const {
  if (kept_) std::rethrow_exception(kept_);
}

}  // namespace slicecheck::python
