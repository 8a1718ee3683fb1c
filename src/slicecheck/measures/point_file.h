#pragma once
/// Clouds in comma-separated files: docs/formats.md, "Point files".

#include <filesystem>

#include "slicecheck/core/types.h"

namespace slicecheck {

/// The n×d cloud in a CSV file.
/// @throws InputError with file, line and what was expected: ragged rows, something that is not a number, NaN, infinities, numbers out of double's range, an
/// empty file, a missing file.
Points<double> read_points(const std::filesystem::path& path);

/// Writes a cloud with 17 significant digits (the same bits when read again), atomically.
void write_points(const std::filesystem::path& path, PointsView<double> points);

}  // namespace slicecheck
