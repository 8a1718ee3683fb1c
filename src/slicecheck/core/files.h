#pragma once
/// Files, written whole or not at all.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace slicecheck {

/// Writes `contents` to a temporary name in the folder of `path`, flushes it to the disk and renames it: a reader sees the old file or the new one, never a
/// part. Makes the folder when it is missing. A path that exists and is not a regular file (a device, a pipe) is written in place.
/// @throws InputError with the path and the system's reason (no permission, disk full, …); the temporary file is removed.
void write_atomically(const std::filesystem::path& path, std::string_view contents);

/// Removes what processes that were killed while they wrote left in this folder: NAME.PID.partial, where no process has the number PID. Not below the folder,
/// and nothing where there is none. Only for who holds the folder (core/folder_lock.h).
void remove_leftovers(const std::filesystem::path& folder);

/// The size of a regular file, 0 for anything else. Asked before memory is taken for it.
/// @throws InputError where the machine has less memory than that.
std::uintmax_t size_that_fits(const std::filesystem::path& path);

/// The whole file as bytes.
/// @throws InputError if it cannot be opened or read, or is larger than the memory.
std::string read_file(const std::filesystem::path& path);

}  // namespace slicecheck
