/// fibre_main loss N D COUNT | step SIZE: one run of the kernels on fibres, under a sanitizer. Standard library alone, so that every line that runs is
/// instrumented. Exit code 1 if a result is wrong; the sanitizer ends the program by itself.

#include <cstdio>
#include <cstdlib>
#include <string>

#include "cuda/shipped_kernels.h"

int main(int argc, char** argv) {
  using namespace slicecheck::shipped;
  const auto number = [&](int i) { return static_cast<std::ptrdiff_t>(std::strtoll(argv[i], nullptr, 10)); };
  std::string wrong;
  if (argc == 5 && argv[1][0] == 'l') {
    wrong = wrong_with_loss({.n = number(2), .d = number(3), .count = number(4)});
  } else if (argc == 3 && argv[1][0] == 's') {
    wrong = wrong_with_step({.size = number(2)});
  } else {
    std::fprintf(stderr, "fibre_main loss N D COUNT | step SIZE\n");
    return 2;
  }
  if (wrong.empty()) {
    std::puts("passed");
    return 0;
  }
  std::fprintf(stderr, "wrong: %s\n", wrong.c_str());
  return 1;
}
