#include "slicecheck/gallery/matrix.h"

#include "slicecheck/core/error.h"

namespace slicecheck {

namespace {

const LossCheck& check_named(const Claim& claim, const std::string& name) {
  for (const LossCheck& check : claim.checks)
    if (check.name == name) return check;
  reject("the claim {} has no check '{}'", claim.id, name);
}

}  // namespace

std::vector<GalleryResult> run_gallery(const std::vector<const Claim*>& judged, std::uint64_t seed, std::uint64_t cases, Progress& progress) {
  const LossSubject twin = repaired_loss();
  const auto gallery = loss_gallery();
  std::vector<GalleryResult> results;
  for (const LossDefect& defect : gallery) {
    for (const Claim* claim : judged) {
      progress.update("planted defects", static_cast<double>(results.size()) / static_cast<double>(gallery.size() * judged.size()));
      SilentProgress silent;
      GalleryResult result{defect.name, defect.title, claim->id, verify(*claim, defect.subject, {cases, seed, true}, silent), false};
      if (const auto& counter = result.verdict.counter_example) {
        const LossCheck& check = check_named(*claim, counter->check);
        const Judgement healthy = judge(check, twin, counter->example);
        result.replays = judge(check, defect.subject, counter->example).refutes() && healthy.skipped.empty() && !healthy.refutes();
      }
      results.push_back(std::move(result));
    }
  }
  progress.update("planted defects", 1.0);
  return results;
}

}  // namespace slicecheck
