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
  target_link_libraries(${name} PUBLIC slicecheck_flags)
endfunction()

function(slicecheck_add_executable name)
  add_executable(${name} ${ARGN})
  set_target_properties(${name} PROPERTIES CXX_EXTENSIONS OFF)
  target_link_libraries(${name} PRIVATE slicecheck_flags)
endfunction()
