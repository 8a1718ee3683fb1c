#include "slicecheck/diagnosis/training_description.h"

namespace slicecheck {

Eigen::VectorXd start_of(const TrainingDescription& training) {
  if (training.parameters) return *training.parameters;
  const RandomStream stream(training.seed, Purpose::initial, 0, 0);
  if (training.single || training.generator == nullptr) return training.generator_single->initial(stream).cast<double>();
  return training.generator->initial(stream);
}

}  // namespace slicecheck
