#include "slicecheck/gallery/matrix.h"

#include <map>
#include <utility>

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

std::vector<GalleryResult> run_gallery(const std::vector<const Claim*>& judged, std::uint64_t seed, std::uint64_t cases, Progress& progress) {
  const auto defects = gallery();
  std::vector<GalleryResult> results;
  SilentProgress silent;
  std::map<std::pair<std::string, std::string>, bool> refuted;  // by finding and twin: refuted, and its counter-example replays
  const auto refutes = [&](const Claim& finding, const Subject& twin) {
    const auto [entry, first] = refuted.try_emplace({finding.id, name_of(twin)}, false);
    if (first) {
      const Verdict verdict = verify(finding, twin, {cases, seed, true}, silent);
      entry->second = verdict.outcome == Outcome::refuted && verdict.counter_example && replay(finding, twin, *verdict.counter_example, seed).refutes();
    }
    return entry->second;
  };
  for (std::size_t i = 0; i < defects.size(); ++i) {
    const PlantedDefect& defect = defects[i];
    for (const Claim* claim : judged) {
      progress.update("planted defects", static_cast<double>(i) / static_cast<double>(defects.size()));
      if (!claim->applies_to(defect.subject)) continue;
      GalleryResult result{defect.name, defect.title, type_of(defect.subject), claim->id, verify(*claim, defect.subject, {cases, seed, true}, silent), false};
      if (claim->finding()) {
        result.replays = refutes(*claim, defect.twin);
      } else if (const auto& counter = result.verdict.counter_example) {
        const Judgement healthy = replay(*claim, defect.twin, *counter, seed);
        result.replays = replay(*claim, defect.subject, *counter, seed).refutes() && healthy.skipped.empty() && !healthy.refutes();
      }
      results.push_back(std::move(result));
    }
  }
  progress.update("planted defects", 1.0);
  return results;
}

}  // namespace slicecheck
