#include "slicecheck/claims/generator_subject.h"

#include <array>
#include <cmath>

#include "slicecheck/generators/bounded_generator.h"
#include "slicecheck/generators/closed_form.h"
#include "slicecheck/generators/dense_mlp.h"

namespace slicecheck {

namespace {

constexpr std::array kActivations{Activation::identity, Activation::relu, Activation::leaky_relu, Activation::tanh, Activation::softplus};

Index between(PointDraws& draws, Index low, Index high) { return low + static_cast<Index>(draws.below(static_cast<std::uint64_t>(high - low + 1))); }

std::shared_ptr<const Generator<double>> dense_network(PointDraws& draws, int size, Index outputs, Activation act) {
  const Index inputs = between(draws, 1, 3);
  std::vector<Index> hidden(1 + draws.below(2));
  for (Index& width : hidden) width = between(draws, 1, size + 1);
  return std::make_shared<DenseMlp<double>>(inputs, hidden, outputs, act);
}

GeneratorSubject dense_subject(Activation act) {
  return {fmt::format("dense-mlp/{}", activation_name(act)), fmt::format("dense residual networks, one or two hidden layers, {}", activation_name(act)),
          [act](PointDraws& draws, int size) { return dense_network(draws, size, between(draws, 1, 3), act); },
          act == Activation::relu || act == Activation::leaky_relu};
}

}  // namespace

std::shared_ptr<const Generator<double>> drawn_network(PointDraws& draws, int size, Index outputs) {
  if (draws.below(4) == 0) return std::make_shared<Affine<double>>(between(draws, 1, 3), outputs);
  return dense_network(draws, size, outputs, kActivations[static_cast<std::size_t>(draws.below(kActivations.size()))]);
}

std::vector<GeneratorSubject> generator_subjects() {
  std::vector<GeneratorSubject> subjects{
      {"two-point-line", "T(u, x) = u·x on the line", [](PointDraws&, int) { return std::make_shared<TwoPointLine<double>>(); }},
      {"affine", "T(u, x) = Ax + b",
       [](PointDraws& draws, int) {
         const Index inputs = between(draws, 1, 3);
         return std::make_shared<Affine<double>>(inputs, between(draws, 1, 3));
       }},
  };
  for (const Activation act : kActivations)
    if (act != Activation::identity) subjects.push_back(dense_subject(act));
  subjects.push_back({"bounded", "T(u, x)·χ(‖u‖/R) for affine maps and dense networks, R around √d_u", [](PointDraws& draws, int size) {
                        const auto inner = drawn_network(draws, size, between(draws, 1, 3));
                        const double radius = std::sqrt(static_cast<double>(inner->parameters())) * std::exp2(draws.uniform(-1.0, 1.0));
                        return std::make_shared<BoundedGenerator<double>>(inner, radius);
                      }});
  return subjects;
}

}  // namespace slicecheck
