#pragma once
/// A Python function as a subject for claims.

#include <pybind11/numpy.h>

#include <exception>
#include <memory>
#include <string>

#include "slicecheck/claims/loss_subject.h"

namespace slicecheck::python {

/// f(X, Y, directions) -> (value, gradient) on NumPy arrays, p = 2: X, Y n×d, directions L×d, gradient n×d. Each call is handed copies, in float or double.
///
/// Whoever evaluates it need not hold the GIL: it is taken for each call. Made and destroyed by a thread that holds it.
class CallableLoss {
 public:
  /// An exception of f other than Exception's children (KeyboardInterrupt, SystemExit), and every one where `raise` is set, is kept: f is not called again, and
  /// `rethrow` throws it. The others refute the case that they were raised on, as the verdict's note.
  CallableLoss(pybind11::object f, std::string name, bool single, bool raise);

  /// Lives no longer than this object.
  [[nodiscard]] LossSubject subject() const;

  /// Throws what was kept, if anything was.
  void rethrow() const;

 private:
  template <class S>
  [[nodiscard]] LossGradient<double> call(const Points<double>& x, const Points<double>& y, const Points<double>& directions) const;

  pybind11::object f_;
  std::string name_;
  bool single_;
  bool raise_;
  mutable std::exception_ptr kept_;
};

}  // namespace slicecheck::python
