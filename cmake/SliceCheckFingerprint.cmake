# A hash over the sources of the library, the experiments and the property tests, compiled into both. `slicecheck claims` accepts the record that a
# property test left only if it carries the program's own fingerprint: a pass of yesterday's code is no evidence for today's.

file(GLOB_RECURSE SLICECHECK_FINGERPRINTED CONFIGURE_DEPENDS RELATIVE "${PROJECT_SOURCE_DIR}"
  "${PROJECT_SOURCE_DIR}/src/slicecheck/*.h" "${PROJECT_SOURCE_DIR}/src/slicecheck/*.cpp"
  "${PROJECT_SOURCE_DIR}/src/slicecheck/*.cu" "${PROJECT_SOURCE_DIR}/src/slicecheck/*.cuh"
  "${PROJECT_SOURCE_DIR}/experiments/*.h" "${PROJECT_SOURCE_DIR}/experiments/*.cpp"
  "${PROJECT_SOURCE_DIR}/property_tests/*.h" "${PROJECT_SOURCE_DIR}/property_tests/*.cpp" "${PROJECT_SOURCE_DIR}/property_tests/*.cu")
list(FILTER SLICECHECK_FINGERPRINTED EXCLUDE REGEX "build_info")
list(TRANSFORM SLICECHECK_FINGERPRINTED PREPEND "${PROJECT_SOURCE_DIR}/" OUTPUT_VARIABLE SLICECHECK_FINGERPRINT_INPUTS)

set(SLICECHECK_BUILD_INFO "${PROJECT_BINARY_DIR}/generated/build_info_values.h")
string(REPLACE ";" "|" _fingerprinted "${SLICECHECK_FINGERPRINTED}")
add_custom_command(
  OUTPUT "${SLICECHECK_BUILD_INFO}"
  COMMAND ${CMAKE_COMMAND}
    "-DSOURCE_DIR=${PROJECT_SOURCE_DIR}" "-DFILES=${_fingerprinted}" "-DOUTPUT=${SLICECHECK_BUILD_INFO}"
    "-DVERSION=${PROJECT_VERSION}" "-DBUILD_TYPE=${CMAKE_BUILD_TYPE}" "-DNATIVE=${SLICECHECK_NATIVE}"
    "-DSANITIZE=${SLICECHECK_SANITIZE}" "-DCOMPILER=${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}"
    -P "${PROJECT_SOURCE_DIR}/cmake/write_build_info.cmake"
  DEPENDS ${SLICECHECK_FINGERPRINT_INPUTS} "${PROJECT_SOURCE_DIR}/cmake/write_build_info.cmake"
  COMMENT "Fingerprinting the sources"
  VERBATIM)
add_custom_target(slicecheck_build_info DEPENDS "${SLICECHECK_BUILD_INFO}")
