/// Regularised transport: to a certified gap, beside POT's sinkhorn_log to the same gap, certified by the same formula; and Google Benchmark's way.

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstdlib>

#include "cpu_candidate.h"
#include "peers.h"
#include "session.h"
#include "slicecheck/core/error.h"
#include "slicecheck/core/random.h"
#include "slicecheck/loss/regularised/exact_transport.h"
#include "slicecheck/loss/regularised/transport_cost.h"
#include "slicecheck/loss/regularised/transport_solver.h"

namespace slicecheck::benchmarks {

namespace {

constexpr double kGap = 1e-8;  // beside costs of at most 1

/// Two clouds of normals in the plane, a unit apart; squared cost, its maximum 1; uniform weights.
TransportProblem plane_problem(Index n, double lambda, Regulariser regulariser) {
  const auto cloud = [n](std::uint64_t number, double shift) {
    const RandomStream stream(1, Purpose::cases, 20, number);
    Points<double> points(n, 2);
    for (Index i = 0; i < n; ++i) {
      PointDraws draws(stream, static_cast<std::uint64_t>(i));
      for (Index k = 0; k < 2; ++k) points(i, k) = draws.normal() + shift;
    }
    return points;
  };
  const Vector<double> uniform = Vector<double>::Constant(n, 1.0 / static_cast<double>(n));
  TransportProblem problem{uniform, uniform, cost_matrix(GroundCost::squared, cloud(0, 0.0), cloud(1, 1.0)), lambda, regulariser};
  problem.cost /= problem.cost.maxCoeff();
  return problem;
}

TransportSolution solved(const TransportProblem& problem) {
  TransportSolution solution = solve_transport(problem, {kGap, 100'000});
  if (solution.outcome != SolverOutcome::certified) throw Error(fmt::format("the solver stopped at a gap of {}; {} was asked for", solution.gap, kGap));
  return solution;
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return fmt::format("{}={}", name, value != nullptr ? value : "(not set)");
}

void report(Session& session, const std::string& what, double seconds, const std::string& steps, const std::string& ratio) {
  session.tables.back().rows.push_back({what, digits(seconds * 1e3), steps, ratio});
}

void compare_sinkhorn(Session& session, Index n, double lambda) {
  const TransportProblem problem = plane_problem(n, lambda, Regulariser::kl);
  const TransportSolution solution = solved(problem);
  const std::string what = fmt::format("KL, n = m = {}, λ = {} max C", n, lambda);
  Json row = {{"name", "kl"}, {"n", n}, {"lambda", lambda}, {"gap", kGap}, {"half_sweeps", solution.sweeps}};
  std::vector<Candidate> candidates{{"slicecheck", [&] {
                                       const OnThreads one(1);
                                       return clocked([&] { (void)solved(problem); });
                                     }}};
  std::string sentence = "POT was not asked";
  std::optional<std::string> version;
  Index iterations = 0;
  if (session.peers && (version = session.peers->load_transport(problem.a, problem.b, problem.cost, lambda, sentence))) {
    iterations = session.peers->sinkhorn_iterations(kGap);
    candidates.push_back({"pot", [&] { return session.peers->sinkhorn_seconds(iterations); }});
  }
  const std::vector<Timing> timings = alternate(candidates, session.budget(20.0));
  const double own = timing_of(timings, "slicecheck").median();
  row["seconds"] = own;
  report(session, what + ", slicecheck, one thread", own, fmt::format("{} half-sweeps", solution.sweeps), "1");
  if (version) {
    const double peer = timing_of(timings, "pot").median();
    row["pot"] = {{"version", *version}, {"iterations", iterations}, {"seconds", peer}, {"ratio", peer / own}};
    report(session, fmt::format("{}, POT {} sinkhorn_log, one thread", what, *version), peer, fmt::format("{} iterations", iterations), digits(peer / own));
  } else {
    session.tables.back().notes.push_back(sentence);
  }
  // By the wall on two threads.
  const OnThreads two(2);
  std::vector<Candidate> threaded{{"two", [&] { return clocked_by_the_wall([&] { (void)solved(problem); }); }}};
  const double wall = alternate(threaded, session.budget(2.0)).front().median();
  row["seconds_on_two_threads"] = wall;
  report(session, what + ", slicecheck, two threads, by the wall", wall, fmt::format("{} half-sweeps", solution.sweeps), digits(wall / own));
  session.document["transport"].push_back(row);
}

void measure_alone(Session& session, const std::string& what, const std::string& steps, const std::function<void()>& work) {
  const OnThreads one(1);
  const double seconds = alternate({{"own", [&] { return clocked(work); }}}, session.budget(3.0)).front().median();
  session.document["transport"].push_back({{"name", what}, {"seconds", seconds}});
  report(session, what + ", one thread", seconds, steps, "–");
}

void kl_to_gap(benchmark::State& state) {
  const OnThreads one(1);
  const TransportProblem problem = plane_problem(state.range(0), 0.05, Regulariser::kl);
  for (auto _ : state) benchmark::DoNotOptimize(solved(problem).dual_value);
}

void quadratic_to_gap(benchmark::State& state) {
  const OnThreads one(1);
  const TransportProblem problem = plane_problem(state.range(0), 0.05, Regulariser::quadratic);
  for (auto _ : state) benchmark::DoNotOptimize(solved(problem).dual_value);
}

void exact_plan(benchmark::State& state) {
  const TransportProblem problem = plane_problem(state.range(0), 1.0, Regulariser::kl);
  for (auto _ : state) benchmark::DoNotOptimize(exact_transport(problem.a, problem.b, problem.cost).value);
}

}  // namespace

Section transport_section(bool quick) {
  Section out;
  out.name = "transport";
  out.key = "transport";
  out.prepare = [](Session& session) {
    session.document["transport"] = Json::array();
    session.tables.push_back({fmt::format("Regularised transport to a certified gap of {} max C: median in ms of processor time", kGap),
                              {"what", "ms", "steps", "ratio"},
                              {},
                              {fmt::format("{}, {}, {}", variable("OMP_NUM_THREADS"), variable("OPENBLAS_NUM_THREADS"), variable("MKL_NUM_THREADS"))}});
  };
  const Index n = quick ? 300 : 1000;
  for (const double lambda : {0.05, 0.01})
    out.rows.emplace_back(fmt::format("KL, n = {}, λ = {}", n, lambda), [n, lambda](Session& session) { compare_sinkhorn(session, n, lambda); });
  for (const double lambda : {0.05, 0.001})
    out.rows.emplace_back(fmt::format("quadratic, n = 300, λ = {}", lambda), [lambda](Session& session) {
      const TransportProblem problem = plane_problem(300, lambda, Regulariser::quadratic);
      measure_alone(session, fmt::format("quadratic, n = m = 300, λ = {} max C", lambda),
                    fmt::format("{} half-sweeps and Newton steps", solved(problem).sweeps), [&] { (void)solved(problem); });
    });
  out.rows.emplace_back("exact, n = 300", [](Session& session) {
    const TransportProblem problem = plane_problem(300, 1.0, Regulariser::kl);
    measure_alone(session, "exact, n = m = 300", "–", [&] { (void)exact_transport(problem.a, problem.b, problem.cost); });
  });
  return out;
}

BENCHMARK(kl_to_gap)->ArgName("n")->Arg(100)->Arg(1000)->Unit(benchmark::kMillisecond);
BENCHMARK(quadratic_to_gap)->ArgName("n")->Arg(100)->Arg(300)->Unit(benchmark::kMillisecond);
BENCHMARK(exact_plan)->ArgName("n")->Arg(100)->Arg(300)->Unit(benchmark::kMillisecond);

}  // namespace slicecheck::benchmarks
