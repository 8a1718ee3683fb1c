#pragma once
/// Where the running program lies, and what was installed with it.

#include <filesystem>

namespace slicecheck {

/// The file of the running program, its links followed; empty where the system does not tell.
std::filesystem::path program_file();

/// PREFIX/share/slicecheck of a program PREFIX/bin/NAME, whether or not it exists.
std::filesystem::path installed_files();

}  // namespace slicecheck
