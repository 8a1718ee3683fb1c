#pragma once
/// Runs of the shipped host code, by words: what a broken kernel is put through.

#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace slicecheck::shipped {

/// `loss n=64 d=3 count=5`: a kind and its values.
///
///     loss          n d count [ties offset gradient working_bytes]   wrong_with_loss (shipped_kernels.h)
///     not_a_number  n d count                                        the first coordinate of Z is not a number: every w has to be not finite
///     step          size [radius noise alpha]                        wrong_with_step
///     exact_step    size                                             no noise, no ball: u − αφ to the bit, each operation rounded by itself
///     large_shared  bytes                                            a kernel of the tests that takes so much shared memory, through cuda/launch.h
///     refused       threads                                          the same with more threads than a block has: has to throw CudaError
struct Run {
  std::string kind;
  std::map<std::string, std::string> values;

  [[nodiscard]] std::ptrdiff_t size(const std::string& name) const;
  [[nodiscard]] double real(const std::string& name, double otherwise) const;
};

/// @throws std::invalid_argument for words that are no run.
Run run_of(const std::vector<std::string>& words);

/// What is wrong, beginning with the quantity (w, gradient, u, sum, error); empty if nothing.
std::string wrong_with(const Run& run);

/// The results of a loss or a step, by quantity, as their bytes: for comparisons between runs.
std::map<std::string, std::string> bits_of(const Run& run);

}  // namespace slicecheck::shipped
