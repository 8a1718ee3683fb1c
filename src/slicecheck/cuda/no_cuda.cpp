// A build without a CUDA compiler: the same functions, which say so.
#include "slicecheck/core/error.h"
#include "slicecheck/cuda/device.h"
#include "slicecheck/dynamics/cuda/cuda_scheme.h"
#include "slicecheck/loss/cuda/cuda_loss.h"

namespace slicecheck {

namespace {
constexpr const char* kReason = "this build has no CUDA kernels (SLICECHECK_CUDA=OFF, or no CUDA compiler was found when it was configured)";
}  // namespace

namespace cuda {
bool built_with_cuda() { return false; }
DeviceList devices() { return {{}, kReason}; }
}  // namespace cuda

std::unique_ptr<SampleLoss<float>> make_cuda_loss(double) { reject("the cuda loss: {}", kReason); }
std::unique_ptr<Scheme<float>> make_cuda_npsgd(double, double) { reject("NPSGD on CUDA: {}", kReason); }

}  // namespace slicecheck
