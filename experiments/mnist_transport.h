#pragma once
/// Experiment `mnist-transport`: what its parts share.

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "slicecheck/dynamics/transport_players.h"
#include "slicecheck/reporting/manifest.h"
#include "slicecheck/statistics/frechet.h"
#include "slicecheck/torch/image_classifier.h"
#include "two_player_arm.h"

namespace slicecheck::transport_mnist {

constexpr Index kLatent = 100;  ///< normals that go into the generator

/// Values of an evaluation, by position. From kEpsilon to kRelative: medians (and quartiles) over minibatches, ε in units of the training's own λ. Then
/// minibatches on which the error exceeds R7's bound, on which D > d, on which the solver did not reach its tolerance. NaN for a WGAN-GP.
enum Value : std::size_t { kScore, kFrechet, kEpsilon, kEpsilonLow, kEpsilonHigh, kBound, kError, kRelative, kExceeded, kNegative, kUncertified, kValues };

/// Real images, networks for them, and the classifier that judges.
struct Pictures {
  std::string name;  ///< "MNIST"
  Index rows = 28;   ///< of an image as stored: three planes one above the other where it is colour
  Index columns = 28;
  bool colour = false;
  std::shared_ptr<const Law> images;  ///< the training images
  std::shared_ptr<const Law> source = Gaussian::standard(kLatent);
  std::shared_ptr<const Generator<float>> generator;
  std::shared_ptr<const Critic<float>> critic;  ///< of the WGAN-GP; its features are the encoder
  std::shared_ptr<const ImageClassifier> classifier;
  GaussianFit test;  ///< of the features of all test images
  double accuracy = 0.0;
  double real_score = 0.0;    ///< of fresh test images
  double real_frechet = 0.0;  ///< of fresh training images from all test images
};

/// Images of a set as they are read.
struct PictureFiles {
  LabelledImages training;
  LabelledImages test;
};
/// @throws InputError for files that cannot be used.
PictureFiles read_mnist(const std::filesystem::path& data);
PictureFiles read_cifar10_files(const std::filesystem::path& folder);
/// Networks for them, and a classifier that is trained here.
std::shared_ptr<Pictures> mnist_pictures(const ExperimentContext& context, PictureFiles files);
std::shared_ptr<Pictures> cifar10_pictures(const ExperimentContext& context, PictureFiles files);
/// The first file of MNIST that is missing, or nothing.
std::optional<std::filesystem::path> missing_mnist(const std::filesystem::path& data);

/// Images of `count` inputs of a stream, batch by batch as in the training.
Points<float> generated_pictures(const Pictures& pictures, const Vector<float>& u, const RandomStream& stream, Index count, Index batch);

/// One training and where it stands in the tables.
struct Entry {
  TwoPlayerArm arm;
  std::shared_ptr<const Pictures> pictures;
  std::string name;    ///< "L_λ, ℓ₁, encoded"; the same for all replicates
  std::string key;     ///< without the replicate, as files have it
  std::string second;  ///< the second player: its networks and how often they move
  bool wgan = false;
  bool sinkhorn_loss = false;
  bool encoded = false;
  bool sweeps = false;
  GroundCost cost = GroundCost::l1;
  double lambda = 0.0;     ///< 0 for a WGAN-GP
  double mean_cost = 0.0;  ///< at u_0 and v_0
};

/// The trainings that differ in their replicate alone: positions in Results.
using Group = std::vector<std::size_t>;

/// Everything that has been measured.
struct Results {
  std::vector<std::shared_ptr<const Pictures>> pictures;
  std::vector<Entry> entries;
  std::vector<TwoPlayerRecord<float>> records;
  std::vector<std::string> hashes;
  std::string cifar10;                     ///< "not run" and why, or nothing
  std::vector<std::string> cifar10_names;  ///< of the trainings that were not run

  [[nodiscard]] std::vector<Group> groups() const;
  /// A value at the last evaluation (or the first), mean over the members.
  [[nodiscard]] double last(const Group& group, Value value) const;
  [[nodiscard]] double first(const Group& group, Value value) const;
  [[nodiscard]] const Entry& entry(const Group& group) const { return entries[group.front()]; }
  /// The mean Fréchet distance at the end is below a quarter of what it was at u_0.
  [[nodiscard]] bool learns(const Group& group) const;
  /// The earliest step at which a member diverged. From there on it stands still, and is compared with nothing.
  [[nodiscard]] std::optional<std::uint64_t> diverged(const Group& group) const;
  /// The sum of a count over all evaluations of all members that have it, and over how many of them.
  [[nodiscard]] std::pair<double, std::size_t> total(const Group& group, Value value) const;
};

/// "diverged at step k: not compared".
std::string not_compared(std::uint64_t step);

/// The name that a settings word has in tables. @throws InputError for a word that is none.
std::string training_name(const std::string& word);
/// Everything in the settings that can be refused before anything is trained. @throws InputError naming it.
void check_settings(const Settings& settings, bool cifar10);

/// The training that a settings word means. @throws InputError for a word that is none.
Entry make_entry(std::shared_ptr<const Pictures> pictures, const std::string& word, std::uint32_t replicate, const ExperimentContext& context);

/// grid-ARM-STEP.idx, where the grid of images of an evaluation of replicate 0 is.
std::string grid_file(const std::string& arm, std::uint64_t step);

/// final.csv, quality.csv.
void write_tables(const Results& results, const ExperimentContext& context);
/// The array "figures".
Json figures(const Results& results, const ExperimentContext& context);
/// The array "advice".
Json advice(const Results& results, const Settings& settings);
/// The summary without its name, profile and seed.
Json summarise(const Results& results, const ExperimentContext& context);

}  // namespace slicecheck::transport_mnist
