#pragma once
/// Files, written whole or not at all.

#include <filesystem>
#include <string>
#include <string_view>

namespace slicecheck {

/// Writes `contents` to a temporary name in the folder of `path`, flushes it to the disk and renames it: a reader sees the old file or the new one, never a
/// part. Makes the folder when it is missing. A path that exists and is not a regular file (a device, a pipe) is written in place.
/// @throws InputError with the path and the system's reason (no permission, disk full, …); the temporary file is removed.
void write_atomically(const std::filesystem::path& path, std::string_view contents);

/// The whole file as bytes.
/// @throws InputError if it cannot be opened or read.
std::string read_file(const std::filesystem::path& path);

}  // namespace slicecheck
