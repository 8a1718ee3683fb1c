#include "slicecheck/loss/regularised/half_step.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "slicecheck/core/parallel.h"

namespace slicecheck::half_step {

double kl(Eigen::Ref<Vector<double>> t, VectorView<double> w, double lambda, bool careful) {
  const double most = t.maxCoeff();
  t.array() = (t.array() - most) / lambda;
  if (careful) return -(most + lambda * std::log1p(w.dot(Vector<double>(t.array().expm1()))));
  t.array() = t.array().exp();
  return -(most + lambda * std::log(w.dot(t)));
}

double quadratic(VectorView<double> t, VectorView<double> w, double lambda) {
  const double most = t.maxCoeff();
  // In s = x + most ≥ 0 with e = most − t ≥ 0: Σ w (s − e)₊ = λ, and the left side is at most s·Σw.
  double level = std::numeric_limits<double>::infinity();
  for (;;) {
    double mass = 0.0;
    double moment = 0.0;
    for (Index j = 0; j < t.size(); ++j) {
      const double e = most - t[j];
      const double on = e < level || e == 0.0 ? w[j] : 0.0;
      mass += on;
      moment += on * e;
    }
    const double next = (lambda + moment) / mass;
    if (!(next < level)) return level - most;
    level = next;
  }
}

void over_rows(Index rows, Index columns, const std::function<void(Index, Index)>& body) {
  constexpr Index kEntries = 65'536;  // some 100 µs of exponentials
  const Index width = std::max<Index>(1, columns);
  const Index piece = std::max<Index>(1, kEntries / width);
  if (rows * width < 4 * kEntries) return body(0, rows);
  parallel_for((rows + piece - 1) / piece, [&](Index k) { body(k * piece, std::min(piece, rows - k * piece)); });
}

}  // namespace slicecheck::half_step
