/// The classifier of images on a task that it must learn, and the score on probabilities whose score is known.

#include "slicecheck/torch/image_classifier.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "slicecheck/core/error.h"
#include "slicecheck/core/parallel.h"
#include "slicecheck/core/tolerances.h"

namespace slicecheck {
namespace {

/// Images of 8×8 noise with one of three bright bands; the label says which.
LabelledImages bands(Index count, std::uint32_t number) {
  LabelledImages out{{count, 8, 8, {}}, {}};
  const RandomStream stream(1, Purpose::cases, number, 0);
  for (Index k = 0; k < count; ++k) {
    PointDraws draws(stream, static_cast<std::uint64_t>(k));
    const auto label = static_cast<Index>(draws.below(3));
    out.labels.push_back(static_cast<std::uint8_t>(label));
    for (Index row = 0; row < 8; ++row)
      for (Index column = 0; column < 8; ++column) {
        const double level = row / 2 == label ? 160.0 : 0.0;
        out.images.pixels.push_back(static_cast<std::uint8_t>(level + draws.uniform(0.0, 90.0)));
      }
  }
  return out;
}

ClassifierSettings settings(Index steps) {
  ClassifierSettings out;
  out.classes = 3;
  out.steps = steps;
  out.batch = 16;
  return out;
}

TEST(ImageClassifierTest, learns_what_can_be_learnt) {
  SilentProgress progress;
  const auto training = bands(200, 51), test = bands(300, 52);
  const ImageClassifier trained(training, settings(60), progress);
  EXPECT_EQ(trained.parameters(), 8 * 16 + 8 + 16 * 8 * 16 + 16 + 64 * 64 + 64 + 64 * 3 + 3);
  EXPECT_EQ(trained.accuracy(test), 1.0);
  auto wrong = test;
  for (auto& label : wrong.labels) label = static_cast<std::uint8_t>((label + 1) % 3);
  EXPECT_EQ(trained.accuracy(wrong), 0.0);

  std::vector<Index> rows(300);
  std::iota(rows.begin(), rows.end(), 0);
  const Points<float> points = points_of_images(test.images, rows);
  EXPECT_EQ(trained.features(points).rows(), 300);
  EXPECT_EQ(trained.features(points).cols(), ImageClassifier::kFeatures);
  EXPECT_GE(trained.features(points).minCoeff(), 0.0) << "after relu";
  const Points<double> p = trained.probabilities(points);
  EXPECT_LE((p.rowwise().sum().array() - 1.0).abs().maxCoeff(), tolerance::gamma(6.0, tolerance::unit_roundoff<double>()));
  const double score = classifier_score(p);
  EXPECT_LE(score, 3.0);
  EXPECT_GT(score, 2.5) << "three classes, told apart";
}

TEST(ImageClassifierTest, is_a_pure_function_of_what_it_is_given) {
  SilentProgress progress;
  const auto training = bands(50, 53);
  const auto points = points_of_images(training.images, {3, 4, 5});
  const auto outcome = [&](std::uint64_t seed) {
    auto given = settings(3);
    given.seed = seed;
    return ImageClassifier(training, given, progress).features(points);
  };
  const Points<double> expected = outcome(1);
  EXPECT_NE(outcome(2), expected);
  set_thread_count(2);
  std::vector<Points<double>> again(4);
  parallel_for(4, [&](Index i) { again[static_cast<std::size_t>(i)] = outcome(1); });
  for (const auto& one : again) EXPECT_EQ(one, expected);
}

TEST(ImageClassifierTest, points_are_scaled_as_image_law_scales_them) {
  const IdxImages images{2, 1, 3, {0, 51, 255, 255, 102, 0}};
  const ImageLaw law("two", images);
  const Points<float> points = points_of_images(images, {1, 0});
  EXPECT_EQ(points.row(0), law.atom(1).cast<float>());
  EXPECT_EQ(points.row(1), law.atom(0).cast<float>());
  EXPECT_THROW((void)points_of_images(images, {2}), InputError);
  EXPECT_THROW((void)points_of_images(images, {-1}), InputError);
}

TEST(ClassifierScore, of_known_probabilities) {
  constexpr double unit = tolerance::unit_roundoff<double>();
  const Index classes = 10;
  const double allowed = 10.0 * tolerance::gamma(400.0, unit);  // 300 terms of at most ln 10 in a sum, and the exponential of it
  EXPECT_NEAR(classifier_score(Points<double>::Constant(30, classes, 0.1)), 1.0, allowed) << "nothing is told apart";
  Points<double> certain = Points<double>::Zero(30, classes);
  for (Index k = 0; k < 30; ++k) certain(k, k % classes) = 1.0;
  EXPECT_NEAR(classifier_score(certain), 10.0, allowed);
  certain.setZero();
  certain.col(4).setOnes();
  EXPECT_NEAR(classifier_score(certain), 1.0, allowed) << "one class alone";
  certain.topRows(15).setZero();
  certain.topRows(15).col(7).setOnes();
  EXPECT_NEAR(classifier_score(certain), 2.0, allowed);
  // p = (1, 0) and (1/2, 1/2): mean (3/4, 1/4), KL ln 4/3 and ½ ln 2/3 + ½ ln 2
  Points<double> two(2, 2);
  two << 1.0, 0.0, 0.5, 0.5;
  EXPECT_NEAR(classifier_score(two), std::exp(0.5 * (std::log(4.0 / 3.0) + 0.5 * std::log(2.0 / 3.0) + 0.5 * std::log(2.0))), allowed);
}

TEST(ImageClassifierTest, what_does_not_fit_is_rejected) {
  SilentProgress progress;
  const auto good = bands(20, 54);
  auto fewer = good;
  fewer.labels.pop_back();
  EXPECT_THROW(ImageClassifier(fewer, settings(1), progress), InputError);
  auto unknown = good;
  unknown.labels[7] = 3;
  EXPECT_THROW(ImageClassifier(unknown, settings(1), progress), InputError);
  EXPECT_THROW(ImageClassifier(good, settings(0), progress), InputError);
  auto bad = settings(1);
  bad.step_size = 0.0;
  EXPECT_THROW(ImageClassifier(good, bad, progress), InputError);
  bad = settings(1);
  bad.batch = 0;
  EXPECT_THROW(ImageClassifier(good, bad, progress), InputError);
  const ImageClassifier classifier(good, settings(1), progress);
  EXPECT_THROW((void)classifier.features(Points<float>::Zero(2, 63)), InputError);
  EXPECT_THROW((void)classifier.accuracy(fewer), InputError);
  EXPECT_THROW((void)classifier_score(Points<double>(0, 10)), InputError);
  EXPECT_THROW((void)classifier_score(Points<double>::Constant(2, 10, 0.2)), InputError);
  Points<double> negative(1, 2);
  negative << -0.5, 1.5;
  EXPECT_THROW((void)classifier_score(negative), InputError);
}

}  // namespace
}  // namespace slicecheck
