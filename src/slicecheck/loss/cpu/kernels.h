#pragma once
/// The inner loops of the cpu loss, compiled for several instruction sets by Highway and chosen when the program runs. Plain pointers: no Eigen in here.
///
/// Two layouts. By COLUMNS, for many directions of up to a few thousand points: a panel holds `lanes` directions, n rows of `lanes` values, one direction a
/// lane, and one sorting network orders all lanes at once. By ROWS, for few directions or many points: one direction after another, each a row of n values.

#include <cstdint>
#include <string>
#include <vector>

#include "slicecheck/core/index.h"
#include "slicecheck/loss/cpu/packed_keys.h"

namespace slicecheck::cpu {

constexpr Index kGroup = 64;       // directions that are projected and summed together, by columns
constexpr Index kRowPadding = 16;  // rows of a sort by columns are a multiple of it

/// n rounded up to a multiple of m.
constexpr Index padded(Index n, Index m) { return (n + m - 1) / m * m; }

/// C (+)= A·B. A(r, k) = a[r·a_row + (k / a_chunk)·a_panel + (k mod a_chunk)·a_step]; B(k, j) = b[k·b_row + j]; C(r, j) = c[r·c_row + (j / lanes)·c_panel + j
/// mod lanes]. `columns` is a multiple of the vector of S; b and c may be written and read up to it. Each entry of C is summed over k in order, one fused
/// operation each where the instruction set has it: the bits do not depend on how the work is cut.
template <class S>
struct Product {
  const S* a = nullptr;
  Index a_row = 0;
  Index a_step = 1;
  Index a_chunk = 0;  ///< 0: the whole depth
  Index a_panel = 0;
  const S* b = nullptr;
  Index b_row = 0;
  S* c = nullptr;
  Index c_row = 0;
  Index c_panel = 0;  ///< 0: no panels
  Index rows = 0;
  Index columns = 0;
  Index depth = 0;
  bool add = false;  ///< C += A·B
};

/// One panel: `lanes` directions of n points.
template <class S>
struct Panel {
  const S* z = nullptr;  ///< projections of Z, n×lanes
  const S* y = nullptr;  ///< projections of Y, n×lanes
  Index n = 0;
  Index directions = 0;             ///< lanes that hold a direction; the others are ignored, and their results mean nothing
  std::uint32_t* z_keys = nullptr;  ///< room for padded(n, kRowPadding)×lanes keys
  std::uint32_t* y_keys = nullptr;  ///< the same
  S* matched = nullptr;             ///< n×lanes; see the functions
};

/// The functions for one instruction set.
template <class S>
struct Kernels {
  Index lanes;    ///< directions in a panel
  Index columns;  ///< values of S in a vector

  void (*multiply)(const Product<S>& product);

  /// matched(k, l) = the projection of Y that the optimal matching of lane l gives to point k; at a tie the order is that of the rows (L1, N1).
  /// finite[l] = 0 where a projection of lane l is not finite, else 1; such a lane's results mean nothing.
  void (*match)(const Panel<S>& panel, std::uint8_t* finite);

  /// Sums Σ_k |z_(k) − y_(k)|^p of each lane, without the matching. matched is used as room.
  void (*values)(const Panel<S>& panel, double p, double* sums, std::uint8_t* finite);

  /// From matched values to weights, in place: w = scale·p·|Δ|^{p−1} sign Δ with Δ = z − matched; sums[l] = Σ_k |Δ|^p in double.
  void (*weigh)(const S* z, S* matched, Index n, double p, double scale, double* sums);

  /// gradient(k, j) += Σ_l weights(k, l)·theta(l, j) for a few columns j < d of a group: weights in `panels` panels of n×lanes, theta transposed, d×kGroup.
  /// Only the rows from first to last. One partial sum a group.
  void (*add_narrow)(const S* weights, Index panels, Index n, const S* theta, Index d, Index first, Index last, S* gradient, Index gradient_row);

  /// Columns below which add_narrow beats multiply, by their count of operations.
  bool (*is_narrow)(Index d);

  /// The parts of `match`: keys of n×lanes projections in the order of (value, row), for each of the first `directions` lanes; and the sorted values alone, as
  /// bits of floats (of doubles: the keys again).
  void (*sort_pairs)(const S* values, Index n, Index directions, std::uint32_t* keys, std::uint8_t* finite);
  void (*sort_values)(const S* values, Index n, Index directions, std::uint32_t* keys, std::uint8_t* finite);
  /// Sorts each lane of rows×lanes keys; rows is a multiple of kRowPadding.
  void (*sort_columns)(std::uint32_t* keys, Index rows);

  /// Keys of one row of n values, as in packed_keys.h. Returns false where a value is not finite.
  bool (*pack_row)(const S* values, Index n, const KeyFormat& format, std::uint32_t* keys);
  /// The same with 32 bits of q above 32 bits of row.
  bool (*pack_row_wide)(const S* values, Index n, std::uint64_t* keys);

  /// weigh for one row; the sum over k is cut into vectors, always in the same way.
  double (*weigh_row)(const S* z, S* matched, Index n, double p, double scale);
  /// Σ_k |z_k − y_k|^p of one row.
  double (*row_value)(const S* z, const S* y, Index n, double p);
};

/// The best kernels that the processor runs, or those of `use_target`.
template <class S>
const Kernels<S>& kernels();

/// Instruction sets that are compiled in and that this processor runs, best first, as Highway names them: AVX3 (AVX-512), AVX2, SSE4, EMU128.
std::vector<std::string> targets();

/// The instruction set in use.
std::string target();

/// For tests and benchmarks: all later calls of `kernels` give those of this instruction set; "" goes back to the best. Not while a loss is evaluated.
/// @throws InputError for a name that `targets` does not list.
void use_target(const std::string& name);

}  // namespace slicecheck::cpu
