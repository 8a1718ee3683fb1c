#pragma once
/// NPSGD on a CUDA device, from and to memory of the host.

#include <memory>

#include "slicecheck/dynamics/scheme.h"

namespace slicecheck {

/// NoisedProjectedSgd<float> on the current CUDA device (npsgd_step.h): the noise uses the same random words as on the processor; its normals, the step and the
/// norm agree to rounding. Radius infinity stands for no projection, noise 0 for no noise: plain SGD has both.
/// @throws InputError unless radius > 0 and noise ≥ 0, noise finite; and where there is no device.
std::unique_ptr<Scheme<float>> make_cuda_npsgd(double radius, double noise);

}  // namespace slicecheck
