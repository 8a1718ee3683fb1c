#include "slicecheck/generators/critic.h"

#include "slicecheck/core/error.h"

namespace slicecheck {

template <class S>
PenaltyGradient<S> Critic<S>::gradient_penalty(VectorView<S>, PointsView<S>) const {
  reject("critic {}: it has no gradient penalty", name());
}

template <class S>
void check_critic_arguments(const Critic<S>& critic, VectorView<S> v, PointsView<S> points) {
  if (v.size() != critic.parameters()) reject("critic {}: v has {} entries; it has {} parameters", critic.name(), v.size(), critic.parameters());
  if (points.rows() < 1 || points.cols() != critic.input_dimension())
    reject("critic {}: the points are {} × {}; expected at least one of dimension {}", critic.name(), points.rows(), points.cols(), critic.input_dimension());
}

template <class S>
void check_critic_cotangent(const CriticLinearisation<S>& at, const CriticCotangent<S>& cotangent) {
  const Points<S>& h = at.features();
  if (cotangent.features.size() != 0 && (cotangent.features.rows() != h.rows() || cotangent.features.cols() != h.cols()))
    reject("the cotangent of the features is {} × {}; they are {} × {}", cotangent.features.rows(), cotangent.features.cols(), h.rows(), h.cols());
  if (cotangent.scores.size() != 0 && cotangent.scores.size() != at.scores().size())
    reject("the cotangent of the scores has {} entries; there are {} scores", cotangent.scores.size(), at.scores().size());
}

template class Critic<float>;
template class Critic<double>;
template void check_critic_arguments(const Critic<float>&, VectorView<float>, PointsView<float>);
template void check_critic_arguments(const Critic<double>&, VectorView<double>, PointsView<double>);
template void check_critic_cotangent(const CriticLinearisation<float>&, const CriticCotangent<float>&);
template void check_critic_cotangent(const CriticLinearisation<double>&, const CriticCotangent<double>&);

}  // namespace slicecheck
