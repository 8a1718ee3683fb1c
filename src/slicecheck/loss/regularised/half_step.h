#pragma once
/// Exact maximisation of the dual over one potential of one atom: a row of a half-sweep. Not part of the library's interface.

#include <functional>

#include "slicecheck/core/types.h"

namespace slicecheck::half_step {

/// x with Σ_j w_j e^{(x + y_j − c_j)/λ} = 1 for t = y − c (overwritten): −λ ln Σ w e^{t/λ}. `careful`: by expm1 and log1p, Σw = 1 taken as exact, for λ so
/// large that λu matters beside t.
double kl(Eigen::Ref<Vector<double>> t, VectorView<double> w, double lambda, bool careful);

/// x with Σ_j w_j (x + t_j)₊ = λ. The convex, piecewise linear left side is solved by Newton's method from the right, which ends at the root after finitely
/// many steps: t_j equal to −x may count or not.
double quadratic(VectorView<double> t, VectorView<double> w, double lambda);

/// body(first, count) for consecutive pieces of `rows` rows of `columns` entries that cost an exponential each; the pieces depend on nothing else, so that a
/// sum over one has the same bits for any number of threads. Small work stays on the calling thread.
void over_rows(Index rows, Index columns, const std::function<void(Index, Index)>& body);

}  // namespace slicecheck::half_step
