#include "slicecheck/gallery/matrix.h"

#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "slicecheck/core/parallel.h"
#include "slicecheck/gallery/broken_criticality.h"
#include "slicecheck/gallery/broken_dynamics.h"
#include "slicecheck/gallery/broken_flow.h"
#include "slicecheck/gallery/broken_generative_search.h"
#include "slicecheck/gallery/broken_generator.h"
#include "slicecheck/gallery/broken_loss.h"
#include "slicecheck/gallery/broken_players.h"
#include "slicecheck/gallery/broken_transport.h"

namespace slicecheck {

namespace {

template <class Defects, class Twin>
void add(std::vector<PlantedDefect>& all, Defects defects, const Twin& twin) {
  for (auto& defect : defects) all.push_back({std::move(defect.name), std::move(defect.title), std::move(defect.subject), twin});
}

}  // namespace

std::vector<PlantedDefect> gallery() {
  std::vector<PlantedDefect> all;
  add(all, loss_gallery(), repaired_loss());
  for (GeneratorDefect& defect : broken_generators())
    all.push_back({std::move(defect.name), std::move(defect.title), std::move(defect.subject), std::move(defect.twin)});
  add(all, broken_schemes(), repaired_scheme());
  add(all, broken_samplers(), repaired_sampler());
  add(all, broken_trainings(), repaired_training());
  add(all, broken_laws(), repaired_law());
  add(all, broken_criticalities(), repaired_criticality());
  add(all, broken_flows(), repaired_flow());
  add(all, broken_players(), repaired_players());
  add(all, broken_searches(), repaired_search());
  add(all, broken_coverages(), repaired_coverage());
  add(all, broken_transports(), repaired_transport());
  add(all, broken_transport_bounds(), repaired_transport_bounds());
  return all;
}

namespace {

/// Does the repaired code refute a finding, by a counter-example that replays? Found once for each finding and twin.
class Twins {
 public:
  Twins(std::uint64_t seed, std::uint64_t cases) : seed_(seed), cases_(cases) {}

  bool refute(const Claim& finding, const Subject& twin) {
    const std::scoped_lock lock(mutex_);
    const auto [entry, first] = refuted_.try_emplace({finding.id, name_of(twin)}, false);
    if (first) {
      SilentProgress silent;
      const Verdict verdict = verify(finding, twin, {cases_, seed_, true}, silent);
      entry->second = verdict.outcome == Outcome::refuted && verdict.counter_example && replay(finding, twin, *verdict.counter_example, seed_).refutes();
    }
    return entry->second;
  }

 private:
  std::uint64_t seed_;
  std::uint64_t cases_;
  std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, bool> refuted_;
};

GalleryResult judge_defect(const Claim& claim, const PlantedDefect& defect, std::uint64_t seed, std::uint64_t cases, Twins& twins) {
  SilentProgress silent;
  GalleryResult result{defect.name, defect.title, type_of(defect.subject), claim.id, verify(claim, defect.subject, {cases, seed, true}, silent), false};
  if (claim.finding()) {
    result.replays = twins.refute(claim, defect.twin);
  } else if (const auto& counter = result.verdict.counter_example) {
    const Judgement healthy = replay(claim, defect.twin, *counter, seed);
    result.replays = replay(claim, defect.subject, *counter, seed).refutes() && healthy.skipped.empty() && !healthy.refutes();
  }
  return result;
}

/// Counts what is done, from any thread.
class Count {
 public:
  Count(Progress& progress, std::size_t all) : progress_(progress), all_(all) {}
  void one() { progress_.update("planted defects", static_cast<double>(++done_) / static_cast<double>(all_)); }

 private:
  Progress& progress_;
  std::size_t all_;
  std::atomic<std::size_t> done_{0};
};

}  // namespace

std::vector<GalleryResult> run_gallery(const std::vector<const Claim*>& judged, std::uint64_t seed, std::uint64_t cases, Progress& progress) {
  const auto defects = gallery();
  struct Cell {
    const PlantedDefect* defect;
    const Claim* claim;
  };
  std::vector<Cell> cells;
  for (const PlantedDefect& defect : defects)
    for (const Claim* claim : judged)
      if (claim->applies_to(defect.subject)) cells.push_back({&defect, claim});
  Twins twins(seed, cases);
  Count count(progress, cells.size());
  std::vector<GalleryResult> results(cells.size());
  parallel_for(static_cast<Index>(cells.size()), [&](Index i) {
    const Cell& cell = cells[static_cast<std::size_t>(i)];
    results[static_cast<std::size_t>(i)] = judge_defect(*cell.claim, *cell.defect, seed, cases, twins);
    count.one();
  });
  return results;
}

std::vector<GalleryResult> first_defects_caught(const std::vector<const Claim*>& judged, std::uint64_t seed, std::uint64_t cases, Progress& progress) {
  const auto defects = gallery();
  Twins twins(seed, cases);
  Count count(progress, judged.size());
  std::vector<std::optional<GalleryResult>> caught(judged.size());
  parallel_for(static_cast<Index>(judged.size()), [&](Index i) {
    const Claim& claim = *judged[static_cast<std::size_t>(i)];
    for (const PlantedDefect& defect : defects) {
      if (!claim.applies_to(defect.subject)) continue;
      GalleryResult result = judge_defect(claim, defect, seed, cases, twins);
      if (!result.caught()) continue;
      caught[static_cast<std::size_t>(i)] = std::move(result);
      break;
    }
    count.one();
  });
  std::vector<GalleryResult> results;
  for (auto& one : caught)
    if (one) results.push_back(std::move(*one));
  return results;
}

}  // namespace slicecheck
