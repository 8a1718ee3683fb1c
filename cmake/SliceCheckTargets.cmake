# Flags of our own targets, and the two commands that make them.

add_library(slicecheck_flags INTERFACE)
target_compile_features(slicecheck_flags INTERFACE cxx_std_20)
# For C++; kernels have flags of their own (SliceCheckCuda.cmake).
set(warnings
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor -Wold-style-cast
  -Wcast-qual -Woverloaded-virtual -Werror
  # The same expression gives the same bits whether or not the machine has a fused multiply-add.
  -ffp-contract=off
  # One kind of code, so that libraries, programs and tests share precompiled headers.
  -fPIC)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC bug 105593: with AVX-512, g++ 12 calls the deliberately undefined operand of its own intrinsics uninitialised. clang's build keeps the warning.
  # In a precompiled header they, and std::string's, no longer count as a system's, and what it says of their bounds is as false.
  list(APPEND warnings -Wno-uninitialized -Wno-maybe-uninitialized -Wno-array-bounds -Wno-stringop-overflow)
endif()
target_compile_options(slicecheck_flags INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:${warnings}>")
# Eigen and BLAS run on one thread inside our fixed chunks: their sums would change with the number of threads.
target_compile_definitions(slicecheck_flags INTERFACE EIGEN_DONT_PARALLELIZE)

if(SLICECHECK_NATIVE)
  target_compile_options(slicecheck_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-march=native>)
endif()

if(SLICECHECK_SANITIZE)
  target_compile_options(slicecheck_flags INTERFACE
    -fsanitize=${SLICECHECK_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -O1)
  target_link_options(slicecheck_flags INTERFACE -fsanitize=${SLICECHECK_SANITIZE})
endif()

option(SLICECHECK_UNITY "Compile groups of files as one, which takes half the time of a whole build; OFF: every file alone" ON)
# slicecheck_compile_together(TARGET GROUP file...): files of one target that are compiled as one. Names without linkage must differ; what clashes goes elsewhere.
function(slicecheck_compile_together target group)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${SLICECHECK_UNITY} UNITY_BUILD_MODE GROUP)
  set_source_files_properties(${ARGN} PROPERTIES UNITY_GROUP ${group})
endfunction()

function(slicecheck_add_library name)
  add_library(${name} STATIC ${ARGN})
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON CXX_EXTENSIONS OFF)
  target_link_libraries(${name} PUBLIC $<BUILD_INTERFACE:slicecheck_flags>)
endfunction()

function(slicecheck_add_executable name)
  add_executable(${name} ${ARGN})
  set_target_properties(${name} PROPERTIES CXX_EXTENSIONS OFF)
  target_link_libraries(${name} PRIVATE slicecheck_flags)
endfunction()

# slicecheck_flags_of_users(TARGET): what a program must be compiled with to use an installed library. Eigen's memory is aligned, and its functions are inlined,
# by instruction set: both sides agree on both, so that nothing is freed in another way than it was allocated, and what the linker merges is the same code.
function(slicecheck_flags_of_users target)
  set(flags -ffp-contract=off)
  if(SLICECHECK_NATIVE)
    list(APPEND flags -march=native)
  endif()
  if(SLICECHECK_SANITIZE)
    list(APPEND flags -fsanitize=${SLICECHECK_SANITIZE})
    target_link_options(${target} INTERFACE "$<INSTALL_INTERFACE:-fsanitize=${SLICECHECK_SANITIZE}>")
  endif()
  if(SLICECHECK_TORCH AND TORCH_CXX_FLAGS)
    list(APPEND flags ${TORCH_CXX_FLAGS})
  endif()
  file(WRITE "${PROJECT_BINARY_DIR}/generated/alignment.cpp" "#include <Eigen/Core>\nslicecheck_alignment = EIGEN_MAX_ALIGN_BYTES\n")
  get_target_property(eigen Eigen3::Eigen INTERFACE_INCLUDE_DIRECTORIES)
  list(TRANSFORM eigen PREPEND -I)
  execute_process(COMMAND "${CMAKE_CXX_COMPILER}" ${flags} ${eigen} -E -P "${PROJECT_BINARY_DIR}/generated/alignment.cpp" OUTPUT_VARIABLE text ERROR_QUIET)
  if(NOT text MATCHES "slicecheck_alignment = ([0-9]+)")
    message(FATAL_ERROR "cannot tell how ${CMAKE_CXX_COMPILER} aligns Eigen's memory")
  endif()
  target_compile_definitions(${target} INTERFACE "$<INSTALL_INTERFACE:EIGEN_MAX_ALIGN_BYTES=${CMAKE_MATCH_1};EIGEN_DONT_PARALLELIZE>")
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_compile_options(${target} INTERFACE "$<INSTALL_INTERFACE:${flags}>")
endfunction()
