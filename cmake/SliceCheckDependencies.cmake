# What the project uses. All of it is packaged by Debian 12; scripts/setup.sh installs it.

find_package(Eigen3 3.4 REQUIRED NO_MODULE)
find_package(Boost 1.74 REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS CXX)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(GTest REQUIRED)
find_package(rapidcheck REQUIRED)
find_library(HWY_LIBRARY hwy REQUIRED)
find_path(HWY_INCLUDE_DIR hwy/highway.h REQUIRED)
add_library(slicecheck_highway INTERFACE)
target_include_directories(slicecheck_highway SYSTEM INTERFACE ${HWY_INCLUDE_DIR})
target_link_libraries(slicecheck_highway INTERFACE ${HWY_LIBRARY})
find_path(STB_INCLUDE_DIR stb/stb_image.h REQUIRED)  # in a system folder; image files
find_package(Python3 REQUIRED COMPONENTS Interpreter)

find_path(RANDOM123_INCLUDE_DIR Random123/philox.h REQUIRED)
set(RANDOM123_VERSION "unknown")  # its headers say nothing of their version
if(RANDOM123_INCLUDE_DIR STREQUAL "/usr/include")
  execute_process(COMMAND dpkg-query -W -f=\${Version} librandom123-dev OUTPUT_VARIABLE version_of_package ERROR_QUIET)
  if(version_of_package)
    set(RANDOM123_VERSION "${version_of_package}")
  endif()
endif()
add_library(slicecheck_random123 INTERFACE)
target_include_directories(slicecheck_random123 SYSTEM INTERFACE ${RANDOM123_INCLUDE_DIR})

if(SLICECHECK_TORCH)
  # Debian's LibTorch, or any newer one that CMAKE_PREFIX_PATH names.
  find_package(Torch REQUIRED)
  message(STATUS "LibTorch ${Torch_VERSION}: ${TORCH_INSTALL_PREFIX}")
  if(TORCH_CXX_FLAGS)  # which kind of std::string: everything that is linked with it has the same
    target_compile_options(slicecheck_flags INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:${TORCH_CXX_FLAGS}>")
  endif()
  # LibTorch 2 ships headers of an {fmt} of its own, without the library, in a folder that is searched before the system's.
  if(EXISTS "${TORCH_INSTALL_PREFIX}/include/fmt/format.h" AND NOT fmt_DIR MATCHES "^${TORCH_INSTALL_PREFIX}/")
    target_compile_definitions(torch INTERFACE FMT_HEADER_ONLY)
  endif()
endif()
