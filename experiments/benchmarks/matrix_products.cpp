#include "matrix_products.h"

#include <dlfcn.h>

#include <Eigen/Dense>
#include <algorithm>
#include <limits>

#include "rounds.h"

namespace slicecheck::benchmarks {

namespace {

constexpr Index kBlock = 64;  // directions
constexpr Index kSquare = 512;

/// cblas_sgemm(order, transpose A, transpose B, m, n, k, α, A, lda, B, ldb, β, C, ldc); the constants are the standard's.
using Sgemm = void (*)(int, int, int, int, int, int, float, const float*, int, const float*, int, float, float*, int);
constexpr int kRowMajor = 101;
constexpr int kPlain = 111;
constexpr int kTransposed = 112;

/// OpenBLAS as the machine has it: the one that LibTorch has loaded, where there is a LibTorch.
void* openblas() {
  static void* const library = dlopen("libopenblas.so.0", RTLD_NOW);
  return library;
}

template <class Function>
Function openblas_function(const char* name) {
  return openblas() == nullptr ? nullptr : reinterpret_cast<Function>(dlsym(openblas(), name));
}

Sgemm sgemm() {
  static const auto found = openblas_function<Sgemm>("cblas_sgemm");
  return found;
}

std::string told_by_openblas(const char* name) {
  const auto found = openblas_function<const char* (*)()>(name);
  return found == nullptr ? "" : found();
}

/// C (+)= A·B, A or B transposed or not.
void by_blas(const Eigen::Ref<const Points<float>>& a, bool transpose_a, const Eigen::Ref<const Points<float>>& b, bool transpose_b, float beta,
             Eigen::Ref<Points<float>> c) {
  const Index depth = transpose_a ? a.rows() : a.cols();
  sgemm()(kRowMajor, transpose_a ? kTransposed : kPlain, transpose_b ? kTransposed : kPlain, static_cast<int>(c.rows()), static_cast<int>(c.cols()),
          static_cast<int>(depth), 1.0F, a.data(), static_cast<int>(a.outerStride()), b.data(), static_cast<int>(b.outerStride()), beta, c.data(),
          static_cast<int>(c.outerStride()));
}

}  // namespace

std::string openblas_core() { return told_by_openblas("openblas_get_corename"); }
std::string openblas_configuration() { return told_by_openblas("openblas_get_config"); }

void use_one_openblas_thread() {
  if (const auto set = openblas_function<void (*)(int)>("openblas_set_num_threads"); set != nullptr) set(1);
}

LossProducts::LossProducts(Index n, Index d, Index count)
    : z_(Points<float>::Random(n, d)),
      y_(Points<float>::Random(n, d)),
      directions_(Points<float>::Random(count, d)),
      projected_(std::min(kBlock, count), n),
      gradient_(Points<float>::Zero(n, d)) {}

double LossProducts::operations() const { return 6.0 * static_cast<double>(z_.size()) * static_cast<double>(directions_.rows()); }

template <class Product>
double LossProducts::run(Product&& product) {
  return clocked([&] {
    for (Index first = 0; first < directions_.rows(); first += kBlock) {
      const Index size = std::min(kBlock, directions_.rows() - first);
      product(directions_.middleRows(first, size), projected_.topRows(size));
    }
  });
}

double LossProducts::by_eigen() {
  return run([&](const auto& theta, auto projected) {
    projected.noalias() = theta * z_.transpose();
    projected.noalias() = theta * y_.transpose();
    gradient_.noalias() += projected.transpose() * theta;
  });
}

double LossProducts::by_openblas() {
  if (sgemm() == nullptr) return std::numeric_limits<double>::infinity();
  return run([&](const auto& theta, auto projected) {
    by_blas(theta, false, z_, true, 0.0F, projected);
    by_blas(theta, false, y_, true, 0.0F, projected);
    by_blas(projected, true, theta, false, 1.0F, gradient_);
  });
}

SquareProduct::SquareProduct() : a_(Points<float>::Random(kSquare, kSquare)), b_(Points<float>::Random(kSquare, kSquare)), c_(kSquare, kSquare) {}

double SquareProduct::operations() const { return 2.0 * static_cast<double>(kSquare * kSquare * kSquare); }

double SquareProduct::by_eigen() {
  return clocked([&] { c_.noalias() = a_ * b_; });
}

double SquareProduct::by_openblas() {
  if (sgemm() == nullptr) return std::numeric_limits<double>::infinity();
  return clocked([&] { by_blas(a_, false, b_, false, 0.0F, c_); });
}

}  // namespace slicecheck::benchmarks
