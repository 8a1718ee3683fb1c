#include "comparison.h"

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>
#include <exception>

#include "environment.h"
#include "matrix_products.h"
#include "peers.h"
#include "session.h"
#include "slicecheck/core/error.h"
#include "slicecheck/core/files.h"
#include "torch_losses.h"

namespace slicecheck::benchmarks {

namespace {

std::vector<Section> sections(const ComparisonSettings& settings) {
  std::vector<Section> all;
  for (auto* make : {loss_section, value_section, training_section, memory_section, growth_section, transport_section, other_section})
    all.push_back(make(settings.quick));
  std::vector<Section> chosen;
  for (Section& section : all)
    if (settings.only.empty() || std::count(settings.only.begin(), settings.only.end(), section.name) > 0) chosen.push_back(std::move(section));
  for (const std::string& name : settings.only)
    if (std::none_of(chosen.begin(), chosen.end(), [&](const Section& s) { return s.name == name; }))
      reject("--only {}: there is no such part; there are loss, value, training, memory, growth, transport and others", name);
  return chosen;
}

void progress(const std::string& line) {
  fmt::print(stderr, "{}\n", line);
  std::fflush(stderr);
}

/// Google Benchmark runs the rows; what it would print is in our tables.
class SilentReporter : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>&) override {}
};

/// Registers every row as a benchmark of one iteration, which holds all rounds, and runs them in order. @throws what a row threw.
void run_rows(const std::vector<Section>& chosen, Session& session) {
  std::size_t total = 0;
  for (const Section& section : chosen) total += section.rows.size();
  std::size_t number_of_row = 0;
  std::exception_ptr failure;
  for (const Section& section : chosen) {
    for (std::size_t i = 0; i < section.rows.size(); ++i) {
      const auto& [name, measure] = section.rows[i];
      const std::string title = section.name + "/" + name;
      const auto row = [&section, &session, &failure, i, title, total, at = ++number_of_row, measure = measure](benchmark::State& state) {
        for (auto _ : state) {
          if (failure) continue;
          progress(fmt::format("[{}/{}] {}", at, total, title));
          try {
            if (i == 0 && section.prepare) section.prepare(session);
            state.SetIterationTime(clocked_by_the_wall([&] { measure(session); }));
            if (i + 1 == section.rows.size() && section.finish) section.finish(session);
          } catch (...) {
            failure = std::current_exception();
          }
        }
      };
      benchmark::RegisterBenchmark(("compare/" + title).c_str(), row)->Iterations(1)->UseManualTime();
    }
  }
  SilentReporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter, nullptr, "^compare/");
  if (failure) std::rethrow_exception(failure);
}

void print_environment(const Json& environment) {
  const auto text = [&](const char* key) { return environment.at(key).get<std::string>(); };
  fmt::print("\n{}, {} cores, {}; {}, {} ({})\n", text("cpu"), environment.at("cores").get<int>(), text("instruction_set"), text("compiler"),
             text("build_type"), text("flags"));
  fmt::print("{}; OpenBLAS kernels: {}", text("libtorch").empty() ? "no LibTorch" : text("libtorch"), environment.at("openblas").at("core").get<std::string>());
  for (const auto& [name, value] : environment.at("variables").items()) fmt::print("; {}={}", name, value.get<std::string>());
  fmt::print("\n");
  for (const auto& note : environment.at("notes")) fmt::print("NOTE: {}\n", note.get<std::string>());
}

std::string now() {
  const std::time_t time = std::time(nullptr);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&time));
  return text.data();
}

}  // namespace

int compare(const ComparisonSettings& settings) {
  try {
    Session session;
    session.quick = settings.quick;
    session.planted = settings.planted;
    session.data = settings.data;
    const auto chosen = sections(settings);
    if (!settings.planted.empty()) (void)evaluate_with_defect(settings.planted, exact_clouds(2, 2, 2));  // a name that exists
    use_one_openblas_thread();
    const Json measured_on = environment();
    if (settings.peers) session.peers = std::make_shared<Peers>();
    const double begin_seconds = clocked_by_the_wall([&] {
      for (const Section& section : chosen) {
        if (!section.check) continue;
        progress(fmt::format("checking every candidate of '{}' before anything is timed", section.name));
        section.check(session);
      }
    });
    session.document = {{"program", "slicecheck_bench"}, {"quick", settings.quick}, {"started", now()}, {"environment", measured_on}};
    Json peers = {{"libraries", Json::object()}, {"skipped", Json::array()}};
    if (session.peers != nullptr) {
      peers["skipped"] = session.peers->skipped();
      for (const auto& [name, version] : session.peers->available()) peers["libraries"][name] = version;
    } else {
      peers["skipped"].push_back("NumPy and POT: --without-peers");
    }
    session.document["peers"] = peers;
    const double run_seconds = clocked_by_the_wall([&] { run_rows(chosen, session); });
    session.document["duration_seconds"] = std::round((begin_seconds + run_seconds) * 10.0) / 10.0;
    print_environment(measured_on);
    for (const auto& sentence : peers["skipped"]) fmt::print("skipped: {}\n", sentence.get<std::string>());
    for (const Table& table : session.tables) table.print();
    fmt::print("\nEvery candidate was checked before it was timed ({:.0f} s); the measurements took {:.0f} s.\n", begin_seconds, run_seconds);
    if (settings.json) {
      write_atomically(*settings.json, session.document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
      fmt::print("{}\n", settings.json->string());
    }
    return 0;
  } catch (const InputError& error) {
    fmt::print(stderr, "slicecheck_bench: {}\n", error.what());
    return 2;
  } catch (const Error& error) {
    fmt::print(stderr, "slicecheck_bench: {}\n", error.what());
    return 1;
  }
}

}  // namespace slicecheck::benchmarks
