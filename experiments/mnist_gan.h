#pragma once
/// Experiment `mnist-gan`: what its parts share.

#include <string>
#include <vector>

#include "slicecheck/reporting/manifest.h"
#include "two_player_arm.h"

namespace slicecheck::gan_mnist {

constexpr Index kSide = 28;     ///< rows and columns of an image
constexpr Index kLatent = 100;  ///< normals that go into the generator

/// σ is called flat where mean σ(1 − σ) is below this: a hundredth of its largest value.
constexpr double kFlat = 0.01 / 4.0;

/// Values of an evaluation, by position.
enum Value : std::size_t { kScore, kFrechet, kValues };

/// One training and where it stands in the tables.
struct Entry {
  TwoPlayerArm arm;
  std::string generator;  ///< its objective in words: "SW₁ on features"
  std::string critic;     ///< likewise: "BCE critic"
  CriticObjective::Kind critic_kind;
};

/// What real images score.
struct RealScore {
  double score;    ///< classifier score of fresh test images
  double frechet;  ///< Fréchet distance of fresh training images from all test images: the floor
};

/// Everything that has been measured.
struct Results {
  std::vector<Entry> entries;
  std::vector<TwoPlayerRecord<float>> records;
  RealScore real{};
  double accuracy = 0.0;  ///< of the classifier, on the test images
  Index classifier_parameters = 0;
  std::vector<std::string> hashes;  ///< in words, one for each pair of networks and replicate
};

/// The trainings that differ in their replicate alone.
struct Group {
  std::string generator;
  std::string critic;
  std::string optimiser;
  CriticObjective::Kind critic_kind;
  std::vector<std::size_t> members;  ///< positions in Results, by replicate

  /// "SW₁ on features, BCE critic", with the optimiser where it is not Adam.
  [[nodiscard]] std::string name() const;
};
std::vector<Group> groups_of(const Results& results);

/// A value at the last evaluation of each member, or at the first.
std::vector<double> finals(const Results& results, const Group& group, Value value);
std::vector<double> firsts(const Results& results, const Group& group, Value value);

/// Mean of a recorded quantity over the last half of the steps, of each member. Rows are means over equally many steps each.
std::vector<double> over_last_half(const Results& results, const Group& group, double TwoPlayerRow::*quantity);
double mean_of(const std::vector<double>& values);

/// Whether the training made digits: its mean Fréchet distance at the end is below a quarter of what it was at u_0. Which of them are digits is for the eye.
bool learns(const Results& results, const Group& group);

/// Share of the recorded moments, mean over the members, at which σ is flat on real AND generated images (both means of σ(1 − σ) below 1 % of 1/4)
/// on the SAME side of it: the critic tells nothing and hardly moves, and its features stand still. NaN but for the critic that is linear on sigmoids.
double frozen_share(const Results& results, const Group& group);

/// grid-ARM-STEP.idx, where the grid of images of an evaluation of replicate 0 is.
std::string grid_file(const std::string& arm, std::uint64_t step);

/// final.csv, quality.csv.
void write_tables(const Results& results, const ExperimentContext& context);
/// The array "figures".
Json figures(const Results& results, const ExperimentContext& context);
/// The array "advice": what of report 002 holds.
Json advice(const Results& results);
/// The summary without its name, profile and seed.
Json summarise(const Results& results, const ExperimentContext& context);

}  // namespace slicecheck::gan_mnist
