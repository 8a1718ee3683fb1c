#pragma once
/// Checkpoints: a `TrainingRecord` in one CBOR file, every number as its bits.

#include <filesystem>
#include <string>

#include "slicecheck/dynamics/run.h"

namespace slicecheck {

/// Writes atomically: after a kill the file is the old checkpoint or the new one. @throws InputError where it cannot be written.
template <class S>
void save_checkpoint(const std::filesystem::path& path, const std::string& fingerprint, const TrainingRecord<S>& record);

/// @throws InputError for a damaged file (a checksum tells) and for one whose fingerprint is not `fingerprint`: it belongs to a training with other settings.
template <class S>
TrainingRecord<S> load_checkpoint(const std::filesystem::path& path, const std::string& fingerprint);

}  // namespace slicecheck
