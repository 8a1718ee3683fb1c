#pragma once
/// Experiment `plane-gan`: what its parts share.

#include <string>
#include <vector>

#include "slicecheck/measures/law.h"
#include "slicecheck/reporting/manifest.h"
#include "two_player_arm.h"

namespace slicecheck::gan_plane {

/// Values of an evaluation, by position.
enum Value : std::size_t { kModes, kHighQuality, kExactW2, kValues };

/// One training and where it stands in the tables.
struct Entry {
  TwoPlayerArm arm;
  bool adversarial = false;  ///< the generator plays against scores, not a sliced loss
};

/// What two independent samples of the target itself give: the best that W_2 can tell.
struct TargetScore {
  double w2;
  double high_quality;
  double modes;
};

/// Everything that has been measured.
struct Results {
  std::vector<Entry> entries;
  std::vector<TwoPlayerRecord<float>> records;
  TargetScore floor{};
  std::vector<std::string> hashes;
};

/// A loss and an optimiser, over the replicates.
struct Group {
  std::string loss;
  std::string optimiser;
  bool adversarial = false;
  std::vector<std::size_t> members;  ///< positions in Results, by replicate
};
std::vector<Group> groups_of(const Results& results);

/// One value at the last evaluation of each member.
std::vector<double> finals(const Results& results, const Group& group, Value value);
/// The W_2 at the end minus the smallest of the run, of each member: how far it has fallen back.
std::vector<double> setbacks(const Results& results, const Group& group);

/// Writes every table and density but trajectory.csv.
void write_tables(const Results& results, const ExperimentContext& context);

/// The summary without its name, profile and seed.
Json summarise(const Results& results, const ExperimentContext& context);

/// Points of the first replicate's final generator, count×2.
Points<float> final_points(const Results& results, std::size_t member, Index count);

}  // namespace slicecheck::gan_plane
