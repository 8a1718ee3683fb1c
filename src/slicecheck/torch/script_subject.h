#pragma once
/// A TorchScript file as a subject for claims.

#include <filesystem>

#include "slicecheck/claims/loss_subject.h"

namespace slicecheck {

/// Subject `torchscript:FILE`, judged in double where the module accepts double tensors, otherwise in float. Loads the file, once.
///
/// Its `evaluate` throws Error for p ≠ 2: a script has no exponent to set.
/// @throws InputError as `ScriptModule::load` does.
LossSubject torchscript_subject(const std::filesystem::path& file);

}  // namespace slicecheck
