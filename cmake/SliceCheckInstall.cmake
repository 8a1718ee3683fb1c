# What `cmake --install` installs, by component: development (library, headers, CMake package), torch (the LibTorch subjects), program, python.
# Everything is found from the place where it lies: an installed folder can be moved as a whole.

include(CMakePackageConfigHelpers)
set(SLICECHECK_PACKAGE_DIR "${CMAKE_INSTALL_LIBDIR}/cmake/SliceCheck")

# Headers that are no part of the interface: files and folders below src/slicecheck.
set(SLICECHECK_INNER_HEADERS
  cuda dynamics/cuda loss/cuda loss/cpu mpi
  core/compile_once.h core/normals.h core/sealed.h loss/gap_power.h loss/plane_arcs.h loss/plane_events.h loss/plane_exact.h loss/plane_slabs.h
  loss/plane_sweeper.h loss/plane_ties.h torch/bridge.h torch/cuda_tensors.h
  diagnosis/audit_parts.h diagnosis/audit_probe.h)
list(JOIN SLICECHECK_INNER_HEADERS "|" inner)
set(inner "/src/slicecheck/(${inner})(/|$)")

install(TARGETS slicecheck EXPORT SliceCheckTargets ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT development)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/src/slicecheck" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT development
  FILES_MATCHING PATTERN "*.h" REGEX "${inner}" EXCLUDE REGEX "/src/slicecheck/torch(/|$)" EXCLUDE)
install(EXPORT SliceCheckTargets NAMESPACE SliceCheck:: DESTINATION "${SLICECHECK_PACKAGE_DIR}" COMPONENT development)
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/SliceCheckConfig.cmake.in" "${PROJECT_BINARY_DIR}/generated/SliceCheckConfig.cmake"
  INSTALL_DESTINATION "${SLICECHECK_PACKAGE_DIR}" NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/generated/SliceCheckConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/generated/SliceCheckConfig.cmake" "${PROJECT_BINARY_DIR}/generated/SliceCheckConfigVersion.cmake"
  DESTINATION "${SLICECHECK_PACKAGE_DIR}" COMPONENT development)

if(TARGET slicecheck_torch)
  set_target_properties(slicecheck_torch PROPERTIES EXPORT_NAME torch)
  install(TARGETS slicecheck_torch EXPORT SliceCheckTorchTargets ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT torch)
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/src/slicecheck/torch" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/slicecheck" COMPONENT torch
    FILES_MATCHING PATTERN "*.h" REGEX "${inner}" EXCLUDE)
  install(EXPORT SliceCheckTorchTargets NAMESPACE SliceCheck:: DESTINATION "${SLICECHECK_PACKAGE_DIR}" COMPONENT torch)
endif()

if(TARGET slicecheck-app)
  set_target_properties(slicecheck-app PROPERTIES INSTALL_RPATH_USE_LINK_PATH ON)
  install(TARGETS slicecheck-app RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT program)
  set(share "share/slicecheck")  # the program looks for ../share/slicecheck
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/scripts/" DESTINATION "${share}/scripts" COMPONENT program FILES_MATCHING PATTERN "report*.py"
    PATTERN "__pycache__" EXCLUDE)
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/reports/templates" DESTINATION "${share}/reports" COMPONENT program)
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/theory" DESTINATION "${share}" COMPONENT program)
  # The evidence of property tests, where they ran; the program asks whether it is of its own sources.
  install(DIRECTORY "${PROJECT_BINARY_DIR}/property_evidence" DESTINATION "${share}" COMPONENT program OPTIONAL)
  install(CODE "
    execute_process(COMMAND git -C \"${PROJECT_SOURCE_DIR}\" describe --always --dirty --abbrev=40 --exclude=*
      OUTPUT_VARIABLE revision OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    if(NOT revision)
      set(revision unknown)
    endif()
    file(WRITE \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${share}/revision\" \"\${revision}\\n\")
    message(STATUS \"Installing: \$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${share}/revision\")" COMPONENT program)
endif()
