#include "slicecheck/core/compile_once.h"

namespace Eigen::internal {
SLICECHECK_EIGEN_PRODUCTS(, double)
SLICECHECK_EIGEN_PRODUCTS(, float)
}  // namespace Eigen::internal

namespace Eigen {
template class HouseholderQR<MatrixXd>;
template class ColPivHouseholderQR<MatrixXd>;
template class CompleteOrthogonalDecomposition<MatrixXd>;
template class SelfAdjointEigenSolver<MatrixXd>;
template SelfAdjointEigenSolver<MatrixXd>& SelfAdjointEigenSolver<MatrixXd>::compute(const EigenBase<MatrixXd>&, int);
template void CompleteOrthogonalDecomposition<MatrixXd>::_solve_impl(const VectorXd&, VectorXd&) const;
}  // namespace Eigen

template class nlohmann::basic_json<nlohmann::ordered_map>;
