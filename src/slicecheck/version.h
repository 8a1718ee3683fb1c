#pragma once
/// The version of these headers, semantic (semver.org): while MAJOR is 0, a new MINOR may change anything, a new PATCH breaks nothing. `build::version()` is
/// the version of the library that a program was linked with. CMake reads the three numbers from here.

/// Changes with every break of the interface, once it is 1.
#define SLICECHECK_VERSION_MAJOR 0
/// Changes with what is new; while MAJOR is 0, also with every break.
#define SLICECHECK_VERSION_MINOR 1
/// Changes with what is mended.
#define SLICECHECK_VERSION_PATCH 0

/// "MAJOR.MINOR.PATCH".
#define SLICECHECK_VERSION_STRING "0.1.0"
