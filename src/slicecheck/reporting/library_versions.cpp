// Alone, with the flags of the kernels: Highway's header is read for its version.
#include <fmt/core.h>
#include <hwy/highway.h>

#include <Eigen/Core>
#include <boost/version.hpp>
#include <nlohmann/json.hpp>

#include "slicecheck/reporting/manifest.h"

namespace slicecheck {

namespace {

/// The version of OpenMP that the compiler's date of it stands for.
std::string openmp_version() {
#ifdef _OPENMP
  constexpr int date = _OPENMP;
  if (date >= 202111) return "5.2";
  if (date >= 202011) return "5.1";
  if (date >= 201811) return "5.0";
  if (date >= 201511) return "4.5";
  return fmt::format("of {}", date);
#else
  return "none";
#endif
}

}  // namespace

std::map<std::string, std::string> core_library_versions() {
  return {{"Boost", fmt::format("{}.{}.{}", BOOST_VERSION / 100000, BOOST_VERSION / 100 % 1000, BOOST_VERSION % 100)},
          {"Eigen", fmt::format("{}.{}.{}", EIGEN_WORLD_VERSION, EIGEN_MAJOR_VERSION, EIGEN_MINOR_VERSION)},
          {"fmt", fmt::format("{}.{}.{}", FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100)},
          {"Highway", fmt::format("{}.{}.{}", HWY_MAJOR, HWY_MINOR, HWY_PATCH)},
          {"nlohmann_json", fmt::format("{}.{}.{}", NLOHMANN_JSON_VERSION_MAJOR, NLOHMANN_JSON_VERSION_MINOR, NLOHMANN_JSON_VERSION_PATCH)},
          {"OpenMP", openmp_version()},
          {"Random123", SLICECHECK_RANDOM123_VERSION}};
}

}  // namespace slicecheck
