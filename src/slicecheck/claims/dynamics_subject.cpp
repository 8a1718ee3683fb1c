#include "slicecheck/claims/dynamics_subject.h"

namespace slicecheck {

std::vector<SchemeSubject> scheme_subjects() {
  return {
      {"sgd", "u − αφ", false, [](double, double, const std::vector<Index>&) { return std::make_unique<Sgd<double>>(); }},
      {"npsgd", "noised projected SGD", true,
       [](double radius, double noise, const std::vector<Index>&) { return std::make_unique<NoisedProjectedSgd<double>>(radius, noise); }},
  };
}

std::vector<SamplerSubject> sampler_subjects() {
  return {{"fresh-batches", "X, Y and θ fresh and independent at every step",
           [](std::shared_ptr<const Law> source, std::shared_ptr<const Law> target, const SamplerSettings& settings) {
             return std::make_unique<FreshBatches<double>>(std::move(source), std::move(target), settings);
           }}};
}

std::vector<TrainingSubject> training_subjects() {
  return {{"training", "Algorithm 1", [](const TrainingParts<double>& parts, std::uint64_t steps) {
             State<double> state = start(parts);
             std::vector<Eigen::VectorXd> path{state.u};
             while (state.step < steps) {
               advance(parts, state);
               path.push_back(state.u);
             }
             return path;
           }}};
}

std::vector<LawSubject> law_subjects() {
  return {{"finite-law", "finitely many atoms with given probabilities", [](Points<double> atoms, std::vector<double> probabilities) {
             return std::make_unique<FiniteLaw>("finite law under test", std::move(atoms), std::move(probabilities));
           }}};
}

}  // namespace slicecheck
