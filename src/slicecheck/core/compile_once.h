#pragma once
/// Templates that many files use and one file compiles (compile_once.cpp): Eigen's products, its decompositions in double, and nlohmann::ordered_json. Part of
/// the precompiled header; without it a file compiles them itself, to the same code.

#include <Eigen/Dense>
#include <nlohmann/json.hpp>

#define SLICECHECK_EIGEN_PRODUCTS(KEYWORD, S)                                                                                                               \
  KEYWORD template struct gebp_kernel<S, S, Index, blas_data_mapper<S, Index, ColMajor, Unaligned, 1>, gebp_traits<S, S>::mr, gebp_traits<S, S>::nr, false, \
                                      false>;                                                                                                               \
  SLICECHECK_EIGEN_PACKING(KEYWORD, S, ColMajor)                                                                                                            \
  SLICECHECK_EIGEN_PACKING(KEYWORD, S, RowMajor)                                                                                                            \
  SLICECHECK_EIGEN_VECTOR_PRODUCT(KEYWORD, S, ColMajor, ColMajor, 0)                                                                                        \
  SLICECHECK_EIGEN_VECTOR_PRODUCT(KEYWORD, S, ColMajor, RowMajor, 0)                                                                                        \
  SLICECHECK_EIGEN_VECTOR_PRODUCT(KEYWORD, S, RowMajor, ColMajor, 0)                                                                                        \
  SLICECHECK_EIGEN_VECTOR_PRODUCT(KEYWORD, S, RowMajor, RowMajor, 1)                                                                                        \
  SLICECHECK_EIGEN_MATRIX_PRODUCT(KEYWORD, S, ColMajor, ColMajor)                                                                                           \
  SLICECHECK_EIGEN_MATRIX_PRODUCT(KEYWORD, S, ColMajor, RowMajor)                                                                                           \
  SLICECHECK_EIGEN_MATRIX_PRODUCT(KEYWORD, S, RowMajor, ColMajor)                                                                                           \
  SLICECHECK_EIGEN_MATRIX_PRODUCT(KEYWORD, S, RowMajor, RowMajor)

#define SLICECHECK_EIGEN_PACKING(KEYWORD, S, ORDER)                                                                                               \
  KEYWORD template struct gemm_pack_lhs<S, Index, const_blas_data_mapper<S, Index, ORDER>, gebp_traits<S, S>::mr, gebp_traits<S, S>::LhsProgress, \
                                        gebp_traits<S, S>::LhsPacket4Packing, ORDER, false, false>;                                               \
  KEYWORD template struct gemm_pack_rhs<S, Index, const_blas_data_mapper<S, Index, ORDER>, gebp_traits<S, S>::nr, ORDER, false, false>;

#define SLICECHECK_EIGEN_VECTOR_PRODUCT(KEYWORD, S, MATRIX, VECTOR, VERSION)                                                  \
  KEYWORD template struct general_matrix_vector_product<Index, S, const_blas_data_mapper<S, Index, MATRIX>, MATRIX, false, S, \
                                                        const_blas_data_mapper<S, Index, VECTOR>, false, VERSION>;

#define SLICECHECK_EIGEN_MATRIX_PRODUCT(KEYWORD, S, LEFT, RIGHT) \
  KEYWORD template struct general_matrix_matrix_product<Index, S, LEFT, false, S, RIGHT, false, ColMajor, 1>;

namespace Eigen::internal {
SLICECHECK_EIGEN_PRODUCTS(extern, double)
SLICECHECK_EIGEN_PRODUCTS(extern, float)
}  // namespace Eigen::internal

namespace Eigen {
extern template class HouseholderQR<MatrixXd>;
extern template class ColPivHouseholderQR<MatrixXd>;
extern template class CompleteOrthogonalDecomposition<MatrixXd>;
extern template class SelfAdjointEigenSolver<MatrixXd>;
extern template SelfAdjointEigenSolver<MatrixXd>& SelfAdjointEigenSolver<MatrixXd>::compute(const EigenBase<MatrixXd>&, int);
extern template void CompleteOrthogonalDecomposition<MatrixXd>::_solve_impl(const VectorXd&, VectorXd&) const;
}  // namespace Eigen

extern template class nlohmann::basic_json<nlohmann::ordered_map>;
