#include "two_player_arm.h"

#include <map>
#include <set>

#include "shared_progress.h"
#include "slicecheck/core/build_info.h"
#include "slicecheck/core/error.h"
#include "slicecheck/core/parallel.h"

namespace slicecheck {

std::vector<std::string> common_hashes(const std::vector<TwoPlayerArm>& arms) {
  std::set<std::string> ids;
  for (const TwoPlayerArm& arm : arms)
    if (!ids.insert(arm.id).second) reject("settings: the training {} is there twice", arm.id);
  std::map<std::uint32_t, std::string> hashes;
  for (const TwoPlayerArm& arm : arms) {
    const std::string hash = initial_hash(arm.parts);
    const auto [known, fresh] = hashes.emplace(arm.parts.replicate, hash);
    if (!fresh && known->second != hash)
      reject("training {}: u0 and v0 have the hash {}; those of the others of replicate {} have {}", arm.id, hash, arm.parts.replicate, known->second);
  }
  std::vector<std::string> out;
  for (const auto& [replicate, hash] : hashes) out.push_back(fmt::format("replicate {}: {}", replicate, hash));
  return out;
}

std::vector<TwoPlayerRecord<float>> run_two_player_arms(const std::vector<TwoPlayerArm>& arms, const ExperimentContext& context) {
  const Settings& settings = context.settings;
  common_hashes(arms);
  SharedProgress shared(context.progress, context.folder.filename().string(), arms.size());
  std::vector<TwoPlayerRecord<float>> records(arms.size());
  const TwoPlayer<float> usual;
  parallel_for(static_cast<Index>(arms.size()), [&](Index i) {
    const TwoPlayerArm& arm = arms[static_cast<std::size_t>(i)];
    TwoPlayerRunSettings<float> run;
    run.steps = static_cast<std::uint64_t>(settings.integer_at_least("steps", 1));
    run.record_every = static_cast<std::uint64_t>(settings.integer_at_least("record_every", 1));
    run.evaluate_every = static_cast<std::uint64_t>(settings.integer_at_least("evaluate_every", 0));
    run.evaluate = arm.evaluate;
    run.checkpoint = context.folder / "checkpoints" / (arm.id + ".cbor");
    run.checkpoint_seconds = settings.number("checkpoint.seconds");
    run.fingerprint =
        fmt::format("{} {} seed {} program {}\n{}\n{}", context.profile, arm.id, context.seed, build::fingerprint(), arm.description, settings.json().dump());
    run.resume = context.resume;
    PartProgress progress(shared, static_cast<std::size_t>(i));
    try {
      records[static_cast<std::size_t>(i)] = run_two_player(arm.players ? *arm.players : usual, arm.parts, run, arm.id, progress);
    } catch (const InputError& error) {
      reject("training {}: {}", arm.id, error.what());
    }
  });
  return records;
}

std::shared_ptr<const Scheme<float>> two_player_scheme(const std::string& name) {
  if (name == "sgd") return std::make_shared<Sgd<float>>();
  if (name == "adam") return std::make_shared<Adam<float>>(0.5, 0.999);
  reject("settings: unknown optimiser '{}'; expected sgd or adam", name);
}

void write_two_player_rows(const std::vector<TwoPlayerArm>& arms, const std::vector<TwoPlayerRecord<float>>& records, const std::filesystem::path& folder) {
  CsvTable table({"arm", "loss", "optimiser", "replicate", "step", "generator_loss", "critic_loss", "generator_gradient", "critic_gradient", "slope_real",
                  "slope_generated", "u_norm", "v_norm"});
  for (std::size_t i = 0; i < arms.size(); ++i)
    for (const TwoPlayerRow& row : records[i].rows)
      table.add({arms[i].id, arms[i].loss, arms[i].optimiser, static_cast<std::int64_t>(arms[i].parts.replicate), static_cast<std::int64_t>(row.step),
                 row.generator_loss, row.critic_loss, row.generator_gradient, row.critic_gradient, row.slope_real, row.slope_generated, row.u_norm,
                 row.v_norm});
  table.write(folder / "trajectory.csv");
}

}  // namespace slicecheck
