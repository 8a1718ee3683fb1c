/// The shipped kernels on fibres under a sanitizer: no test library, so that every line that runs is instrumented. Prints what was run; exit code 1 if a result
/// is wrong; the sanitizer ends the program by itself.

#include <cstdio>
#include <cstring>
#include <limits>
#include <string>

#include "cuda/shipped_kernels.h"
#include "slicecheck/cuda/kernel_sources.h"
#include "slicecheck/loss/cuda/tiles.h"

namespace {

int failures = 0;
int cases = 0;

void expect_right(const std::string& wrong) {
  ++cases;
  if (wrong.empty()) return;
  ++failures;
  std::fprintf(stderr, "wrong: %s\n", wrong.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  using namespace slicecheck::shipped;
  if (argc > 1 && std::strcmp(argv[1], "--sources") == 0) {
    std::puts(slicecheck::cuda::kernel_sources_hash());
    return 0;
  }
  for (const std::ptrdiff_t n : points_around_tiles())
    if (n <= slicecheck::cuda::kLargestTile) expect_right(wrong_with_loss({.n = n, .d = 2, .count = 2, .ties = n % 2 == 0}));
  for (const std::ptrdiff_t d : {1, 8, 9, 17, 64, 65}) expect_right(wrong_with_loss({.n = 33, .d = d, .count = 3, .ties = true}));
  for (const std::ptrdiff_t count : {1, 63, 64, 65, 129}) expect_right(wrong_with_loss({.n = 5, .d = 2, .count = count}));
  expect_right(wrong_with_loss({.n = 70, .d = 12, .count = 70, .offset = 1e4}));
  expect_right(wrong_with_loss({.n = 33, .d = 2, .count = 3, .gradient = false}));
  // Chunks: of three slabs, of one, of 20 directions.
  for (const std::ptrdiff_t bytes : {30'000, 9'000, 2'000}) expect_right(wrong_with_loss({.n = 9, .d = 3, .count = 200, .working_bytes = bytes}));
  for (const std::ptrdiff_t size : {1, 2, 255, 256, 511, 512, 513, 3000}) {
    expect_right(wrong_with_step({.size = size}));
    expect_right(wrong_with_step({.size = size, .radius = std::numeric_limits<double>::infinity(), .noise = 0.0}));
  }
  std::printf("%d cases, %d wrong\n", cases, failures);
  return failures == 0 && cases > 0 ? 0 : 1;
}
