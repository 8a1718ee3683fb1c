# SLICECHECK_MPI = AUTO | ON | OFF. Sets SLICECHECK_WITH_MPI; without MPI the program runs on one rank.

set(SLICECHECK_WITH_MPI OFF)
if(NOT SLICECHECK_MPI MATCHES "^(AUTO|ON|OFF)$")
  message(FATAL_ERROR "SLICECHECK_MPI is '${SLICECHECK_MPI}'; it takes AUTO, ON or OFF")
endif()
if(NOT SLICECHECK_MPI STREQUAL "OFF")
  set(MPI_CXX_SKIP_MPICXX ON)  # the C interface only
  find_package(MPI COMPONENTS CXX)
  if(MPI_CXX_FOUND)
    set(SLICECHECK_WITH_MPI ON)
  elseif(SLICECHECK_MPI STREQUAL "ON")
    message(FATAL_ERROR "SLICECHECK_MPI=ON, but no MPI was found: install libopenmpi-dev and openmpi-bin, or put mpicxx on PATH")
  endif()
endif()
message(STATUS "MPI (SLICECHECK_MPI=${SLICECHECK_MPI}): ${SLICECHECK_WITH_MPI}")
