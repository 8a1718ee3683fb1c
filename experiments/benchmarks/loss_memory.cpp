#include "loss_memory.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <thread>

#include "allocation_count.h"
#include "cpu_candidate.h"
#include "session.h"
#include "slicecheck/core/error.h"
#include "slicecheck/statistics/rate.h"

namespace slicecheck::benchmarks {

namespace {

constexpr Index kDimension = 2;
constexpr double kConfidence = 0.95;

struct Measured {
  Index n;
  Index directions;
  int threads;
  double beyond;  ///< bytes beyond arguments and result
};

/// The output of this program called with other arguments.
std::string output_of(const std::string& arguments) {
  const std::string program = std::filesystem::read_symlink("/proc/self/exe").string();
  FILE* const pipe = popen(fmt::format("'{}' {}", program, arguments).c_str(), "r");
  if (pipe == nullptr) throw Error("a process for a measurement of memory cannot be started");
  std::string out;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) out.push_back(static_cast<char>(c));
  if (pclose(pipe) != 0) throw Error(fmt::format("the measurement of memory failed: {}", arguments));
  return out;
}

Measured measure(Index n, Index directions, int threads) {
  std::istringstream numbers(output_of(fmt::format("--measure-memory {} {} {} {}", n, kDimension, directions, threads)));
  double peak = 0.0;
  double result = 0.0;
  if (!(numbers >> peak >> result)) throw Error("a measurement of memory printed no numbers");
  return {n, directions, threads, peak - result};
}

std::string mebibytes(double bytes) { return digits(bytes / 1024.0 / 1024.0); }

void measure_all(Session& session, bool quick) {
  constexpr std::array<Index, 2> directions{1000, 10000};
  const std::vector<Index> sizes = quick ? std::vector<Index>{128, 256, 512} : std::vector<Index>{256, 1024, 4096, 16384};
  std::vector<int> threads{1};
  if (std::thread::hardware_concurrency() >= 2) threads.push_back(2);
  Table table{"Peak memory of cpu beyond its arguments and its result, d = 2, single precision: MiB",
              {"n, threads", fmt::format("L = {}", directions[0]), fmt::format("L = {}", directions[1]), "growth in L", "n·L floats would take"},
              {},
              {}};
  Json points = Json::array();
  Json fits = Json::array();
  for (const int count : threads) {
    std::vector<double> x;
    std::vector<double> bytes;
    for (const Index n : sizes) {
      std::array<Measured, 2> found{};
      for (std::size_t i = 0; i < 2; ++i) {
        found[i] = measure(n, directions[i], count);
        const double projections = 4.0 * static_cast<double>(n) * static_cast<double>(directions[i]);
        points.push_back({{"n", n},
                          {"d", kDimension},
                          {"directions", directions[i]},
                          {"threads", count},
                          {"bytes", found[i].beyond},
                          {"share_of_n_times_L_floats", found[i].beyond / projections}});
      }
      x.push_back(static_cast<double>(n));
      bytes.push_back(found[1].beyond);
      table.rows.push_back({fmt::format("{}, {}", n, count), mebibytes(found[0].beyond), mebibytes(found[1].beyond),
                            fmt::format("{:+.1f} %", 100.0 * (found[1].beyond / found[0].beyond - 1.0)),
                            mebibytes(4.0 * static_cast<double>(n) * static_cast<double>(directions[1]))});
    }
    const PowerLawFit fit = fit_power_law(x, bytes, kConfidence);
    fits.push_back({{"quantity", "n"}, {"threads", count}, {"exponent", fit.slope}, {"low", fit.interval.low}, {"high", fit.interval.high}});
    table.notes.push_back(
        fmt::format("{} thread{}: grows like n^{:.2f} [{:.2f}, {:.2f}]", count, count > 1 ? "s" : "", fit.slope, fit.interval.low, fit.interval.high));
  }
  if (threads.size() > 1)
    table.notes.emplace_back("A second thread that comes too late for any work asks for no room: that, not L, is what changes on two threads.");
  session.document["memory"] = points;
  session.document["memory_growth"] = fits;
  session.tables.push_back(table);
}

}  // namespace

int measure_memory(int argc, char** argv) {
  if (argc != 6) return 2;
  const auto argument = [&](int i) { return static_cast<Index>(std::strtol(argv[i], nullptr, 10)); };
  const Clouds clouds = random_clouds(argument(2), argument(3), argument(4));
  set_thread_count(static_cast<int>(argument(5)));
  start_counting_allocations();
  const CpuLoss<float> loss(2.0);
  LossGradient<float> out;
  loss.evaluate_into(clouds.z, clouds.y, clouds.directions, out);
  const AllocationCount count = stop_counting_allocations();
  fmt::print("{} {}\n", count.peak, out.gradient.size() * static_cast<Index>(sizeof(float)) + out.per_direction.size() * static_cast<Index>(sizeof(double)));
  return 0;
}

Section memory_section(bool quick) {
  Section out;
  out.name = "memory";
  out.key = "memory";
  out.rows.emplace_back("cpu", [quick](Session& session) { measure_all(session, quick); });
  return out;
}

}  // namespace slicecheck::benchmarks
