# SLICECHECK_CUDA = AUTO | ON | OFF. Defines SLICECHECK_WITH_CUDA, SLICECHECK_CUDA_ARCHITECTURES and slicecheck_add_cuda_library.

set(SLICECHECK_WITH_CUDA OFF)
if(NOT SLICECHECK_CUDA MATCHES "^(AUTO|ON|OFF)$")
  message(FATAL_ERROR "SLICECHECK_CUDA is '${SLICECHECK_CUDA}'; it takes AUTO, ON or OFF")
endif()
if(NOT SLICECHECK_CUDA STREQUAL "OFF")
  if(NOT CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX})
    find_program(nvcc_beside_path nvcc PATHS /usr/local/cuda/bin)
    mark_as_advanced(nvcc_beside_path)
    if(nvcc_beside_path)
      set(ENV{CUDACXX} "${nvcc_beside_path}")
    endif()
  endif()
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    set(SLICECHECK_WITH_CUDA ON)
  elseif(SLICECHECK_CUDA STREQUAL "ON")
    message(FATAL_ERROR "SLICECHECK_CUDA=ON, but no CUDA compiler was found: put nvcc on PATH or set CMAKE_CUDA_COMPILER")
  endif()
endif()

if(NOT SLICECHECK_WITH_CUDA)
  if(SLICECHECK_CUDA STREQUAL "OFF")
    message(STATUS "CUDA is off (SLICECHECK_CUDA=OFF): no kernels, no tests with the label cuda")
  else()
    message(STATUS "CUDA is off: no CUDA compiler was found; no kernels, no tests with the label cuda")
  endif()
  return()
endif()

# Each architecture ships as PTX and as machine code of its own.
set(SLICECHECK_CUDA_ARCHITECTURES 75 80 90)
set(CMAKE_CUDA_ARCHITECTURES ${SLICECHECK_CUDA_ARCHITECTURES})
set(CMAKE_CUDA_RUNTIME_LIBRARY None)  # programs choose: the CUDA runtime, or the one of the tests
enable_language(CUDA)
if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)  # CMake 3.25 does not know that nvcc speaks C++20
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
endif()
set(CMAKE_CUDA_STANDARD 20)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
find_package(CUDAToolkit REQUIRED)
message(STATUS "CUDA is on: ${CMAKE_CUDA_COMPILER} ${CMAKE_CUDA_COMPILER_VERSION}, architectures ${SLICECHECK_CUDA_ARCHITECTURES}")

# Kernels, without a CUDA runtime. The PTX is stored as it is (-no-compress), so that the tests interpret the text that ships.
function(slicecheck_add_cuda_library name)
  slicecheck_add_library(${name} ${ARGN})
  set_target_properties(${name} PROPERTIES CUDA_RESOLVE_DEVICE_SYMBOLS OFF)
  target_compile_options(${name} PRIVATE
    "$<$<COMPILE_LANGUAGE:CUDA>:-no-compress;-Werror=all-warnings;-Xcompiler=-Wall,-Wextra,-Werror>")
  target_include_directories(${name} SYSTEM PUBLIC ${CUDAToolkit_INCLUDE_DIRS})
endfunction()

# generated/kernel_sources_hash.h: a hash over what the kernels are made of (slicecheck/cuda/kernel_sources.h).
file(GLOB_RECURSE kernel_sources CONFIGURE_DEPENDS RELATIVE "${PROJECT_SOURCE_DIR}"
  "${PROJECT_SOURCE_DIR}/src/slicecheck/cuda/*" "${PROJECT_SOURCE_DIR}/src/slicecheck/loss/cuda/*" "${PROJECT_SOURCE_DIR}/src/slicecheck/dynamics/cuda/*")
list(TRANSFORM kernel_sources PREPEND "${PROJECT_SOURCE_DIR}/" OUTPUT_VARIABLE kernel_source_paths)
string(REPLACE ";" "|" kernel_sources "${kernel_sources}")
set(SLICECHECK_KERNEL_HASH_FOLDER "${PROJECT_BINARY_DIR}/generated/cuda")
add_custom_command(
  OUTPUT "${SLICECHECK_KERNEL_HASH_FOLDER}/kernel_sources_hash.h"
  COMMAND ${CMAKE_COMMAND} "-DSOURCE_DIR=${PROJECT_SOURCE_DIR}" "-DFILES=${kernel_sources}" "-DOUTPUT=${SLICECHECK_KERNEL_HASH_FOLDER}/kernel_sources_hash.h"
    -P "${PROJECT_SOURCE_DIR}/cmake/write_kernel_sources_hash.cmake"
  DEPENDS ${kernel_source_paths} "${PROJECT_SOURCE_DIR}/cmake/write_kernel_sources_hash.cmake"
  COMMENT "Hashing the sources of the kernels"
  VERBATIM)
add_custom_target(slicecheck_kernel_hash DEPENDS "${SLICECHECK_KERNEL_HASH_FOLDER}/kernel_sources_hash.h")
