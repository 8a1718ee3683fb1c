#pragma once
/// Generators with one planted defect each: in the pull-back, in the certificate, in what an image depends on, or in the cut-off.

#include <vector>

#include "slicecheck/claims/generator_subject.h"

namespace slicecheck {

/// A planted defect in a generator.
struct GeneratorDefect {
  std::string name;  ///< as in `gallery/NAME`
  std::string title;
  GeneratorSubject subject;
  GeneratorSubject twin;  ///< the same code without the defect
};

/// All of them.
std::vector<GeneratorDefect> broken_generators();

/// The generators that the defects are planted in, without any.
GeneratorSubject repaired_generator();
/// That of a defect which only a network with kinks can have.
GeneratorSubject repaired_relu_generator();
/// That of a defect which only a generator with a cut-off can have.
GeneratorSubject repaired_bounded_generator();

}  // namespace slicecheck
