/// slicecheck_bench: the comparisons of scripts/bench.sh (--compare), and Google Benchmark's own way for the rest: what a step and a replicate cost.

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <string>

#include "comparison.h"
#include "cuda.h"
#include "environment.h"
#include "loss_memory.h"
#include "slicecheck/core/parallel.h"

namespace {

namespace benchmarks = slicecheck::benchmarks;

int run_micro_benchmarks(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::AddCustomContext("threads of tables", std::to_string(slicecheck::thread_count()) + "; steps run on one");
  const auto environment = benchmarks::environment();
  for (const auto& [name, value] : environment.items())
    if (value.is_string()) benchmark::AddCustomContext(name, value.get<std::string>());
  for (const auto& [name, value] : environment.at("variables").items()) benchmark::AddCustomContext(name, value.get<std::string>());
  for (const auto& note : environment.at("notes")) benchmark::AddCustomContext("note", note.get<std::string>());
  benchmarks::register_cuda_benchmarks();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

int run_comparison(int argc, char** argv) {
  CLI::App app("The comparisons of scripts/bench.sh. Without --compare: Google Benchmark's options, --help lists them.");
  benchmarks::ComparisonSettings settings;
  std::string json;
  bool compare = false;
  bool without_peers = false;
  app.add_flag("--compare", compare, "run the comparisons");
  app.add_flag("--quick", settings.quick, "a twelfth of the rounds, and smaller sizes");
  app.add_option("--only", settings.only, "only these parts: loss, value, training, memory, growth, transport, others")->delimiter(',');
  app.add_option("--json", json, "write the results to this file");
  app.add_option("--data", settings.data, "the folder of the data sets");
  app.add_flag("--without-peers", without_peers, "leave Python's libraries out");
  app.add_option("--plant-defect", settings.planted, "a wrong candidate among the others: the check must refuse it")->group("");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (!json.empty()) settings.json = json;
  settings.peers = !without_peers;
  return benchmarks::compare(settings);
}

}  // namespace

int main(int argc, char** argv) {
  const auto given = [&](const std::string& option) { return std::find(argv + 1, argv + argc, option) != argv + argc; };
  if (given("--measure-memory")) return benchmarks::measure_memory(argc, argv);
  return given("--compare") ? run_comparison(argc, argv) : run_micro_benchmarks(argc, argv);
}
