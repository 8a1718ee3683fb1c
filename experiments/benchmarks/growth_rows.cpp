/// How the time of the cpu loss grows with n, L, d and the threads.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <thread>

#include "cpu_candidate.h"
#include "session.h"
#include "slicecheck/statistics/rate.h"

namespace slicecheck::benchmarks {

namespace {

constexpr double kConfidence = 0.95;
constexpr std::size_t kGroups = 5;
constexpr double kSeconds = 12.0;

struct Point {
  double x;
  Index n;
  Index d;
  Index directions;
  int threads;
};

/// A quantity that varies while the others stay.
struct Growth {
  std::string quantity;
  std::string fixed;
  std::string expected;
  double fitted_from;  ///< smaller x are drawn, not fitted: fixed costs rule there
  std::vector<Point> points;
};

std::vector<Index> powers_of_two(int from, int to) {
  std::vector<Index> out;
  for (int e = from; e <= to; ++e) out.push_back(Index{1} << e);
  return out;
}

std::vector<Growth> growths(bool quick) {
  std::vector<Growth> out;
  Growth n{"n", "d = 2, L = 128, 1 thread", "above 1: the sorting network makes n log² n steps, and its keys leave the caches", 256.0, {}};
  for (const Index v : powers_of_two(6, quick ? 12 : 15)) n.points.push_back({static_cast<double>(v), v, 2, 128, 1});
  Growth directions{"L", "n = 256, d = 2, 1 thread", "1", 512.0, {}};
  for (const Index v : powers_of_two(6, quick ? 12 : 14)) directions.points.push_back({static_cast<double>(v), 256, 2, v, 1});
  Growth d{"d", "n = 256, L = 512, 1 thread", "0 while the sorts rule, 1 once the products do", 128.0, {}};
  for (const Index v : powers_of_two(1, quick ? 9 : 11)) d.points.push_back({static_cast<double>(v), 256, v, 512, 1});
  Growth threads{"threads", "n = 1024, d = 16, L = 2048", "−1", 1.0, {}};
  const int cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  for (int t = 1; t <= cores; t = t < cores ? std::min(2 * t, cores) : t + 1) threads.points.push_back({static_cast<double>(t), 1024, 16, 2048, t});
  for (const Growth& g : {n, directions, d, threads})
    if (g.points.size() >= 2) out.push_back(g);
  return out;
}

void measure_growth(const Growth& growth, Session& session) {
  std::vector<Candidate> candidates;
  for (const Point& p : growth.points)
    candidates.push_back({fmt::format("{}", p.x), cpu_gradient<float>(random_clouds(p.n, p.d, p.directions), p.threads,
                                                                      growth.quantity == "threads" ? Clock::wall : Clock::processor)});
  Budget budget = session.budget(kSeconds);
  budget.least_rounds = kGroups;
  const auto timings = alternate(candidates, budget);
  // Each size gives as many values as there are groups of consecutive rounds: their medians.
  std::vector<double> x;
  std::vector<double> y;
  Json points = Json::array();
  for (std::size_t i = 0; i < timings.size(); ++i) {
    points.push_back({{"x", growth.points[i].x}, {"seconds", timings[i].median()}});
    if (growth.points[i].x < growth.fitted_from) continue;
    const auto& seconds = timings[i].seconds;
    for (std::size_t g = 0; g < kGroups; ++g) {
      const auto first = static_cast<std::ptrdiff_t>(g * seconds.size() / kGroups);
      const auto last = static_cast<std::ptrdiff_t>((g + 1) * seconds.size() / kGroups);
      x.push_back(growth.points[i].x);
      y.push_back(Timing{"", {seconds.begin() + first, seconds.begin() + last}}.median());
    }
  }
  const PowerLawFit fit = fit_power_law(x, y, kConfidence);
  session.document["growth"].push_back({{"quantity", growth.quantity},
                                        {"fixed", growth.fixed},
                                        {"expected", growth.expected},
                                        {"exponent", fit.slope},
                                        {"low", fit.interval.low},
                                        {"high", fit.interval.high},
                                        {"confidence", kConfidence},
                                        {"fitted_from", growth.fitted_from},
                                        {"factor_seconds", std::exp2(fit.log2_factor)},
                                        {"scatter_log2", fit.scatter},
                                        {"rounds", timings.front().seconds.size()},
                                        {"points", points}});
  session.tables.back().rows.push_back({growth.quantity, growth.fixed, fmt::format("{} – {}", growth.points.front().x, growth.points.back().x),
                                        fmt::format("{:.3f}", fit.slope), fmt::format("[{:.3f}, {:.3f}]", fit.interval.low, fit.interval.high),
                                        growth.expected});
}

}  // namespace

Section growth_section(bool quick) {
  Section out;
  out.name = "growth";
  out.key = "growth";
  out.prepare = [](Session& session) {
    session.document["growth"] = Json::array();
    session.tables.push_back({"Growth of the time of cpu, single precision: time ∝ quantity^exponent, with a 95 % interval",
                              {"quantity", "fixed", "from – to", "exponent", "interval", "expected"},
                              {},
                              {"The interval comes from the scatter around the line: where the curve bends, it is wide, and a power law says little."}});
  };
  for (const Growth& growth : growths(quick)) out.rows.emplace_back(growth.quantity, [growth](Session& session) { measure_growth(growth, session); });
  return out;
}

}  // namespace slicecheck::benchmarks
