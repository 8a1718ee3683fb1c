#pragma once
/// Schemes with a defect: what training code in the wild does in place of NPSGD.

#include <vector>

#include "slicecheck/dynamics/scheme.h"

namespace slicecheck {

/// Each tensor of the network is projected onto the ball by itself, and u0 is not projected: with m tensors ‖u‖ can reach r·√m. So does the code of report 000.
template <class S>
class PerTensorProjectedSgd final : public Scheme<S> {
 public:
  /// `tensors`: sizes that add up to the number of parameters. @throws InputError unless radius > 0 and noise ≥ 0.
  PerTensorProjectedSgd(double radius, double noise, std::vector<Index> tensors);

  [[nodiscard]] std::string name() const override;
  void advance(State<S>& state, VectorView<S> phi, double alpha, const RandomStream& noise) const override;

 private:
  double radius_;
  double noise_;
  std::vector<Index> tensors_;
};

}  // namespace slicecheck
