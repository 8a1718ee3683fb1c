#pragma once
/// What is certified about a generator on a ball of parameters, at one input.

#include <vector>

#include "slicecheck/core/types.h"
#include "slicecheck/generators/activation.h"

namespace slicecheck {

/// Valid for all u, u' with ‖u − u0‖, ‖u' − u0‖ ≤ radius.
struct GeneratorBounds {
  double lipschitz = 0.0;  ///< Λ: ‖T(u, x) − T(u', x)‖ ≤ Λ‖u − u'‖
  double image = 0.0;      ///< H: ‖T(u, x)‖ ≤ H
  double rounding = 0.0;   ///< ‖computed T(u, x) − T(u, x)‖ in double
};

/// Lip(act): 1 for all activations of this library (softplus' slope is below 1, LeakyReLU's at most 1).
inline double activation_lipschitz(Activation) { return 1.0; }

/// |act(0)|: ln 2 for softplus, 0 for the others.
inline double activation_at_zero(Activation act) { return activate(act, 0.0); }

/// One dense layer with a certificate, as seen from the layers before it.
///
/// Layer m computes h_m = act(Σ_{i<m} W_{m,i} h_i + b_m), h_0 = x, width p_m. With H_i, E_i, c_{i,l} bounds on ‖h_i‖, on its rounding error and on the
/// Lipschitz constant of h_i in the parameters of layer l, ℓ = Lip(act), and every ‖W_{m,i}‖₂, ‖b_m‖ at u0 enlarged by the radius ε:
///
///     H_m     = √p_m |act(0)| + ℓ(Σ_i (‖W_{m,i}‖ + ε) H_i + ‖b_m‖ + ε)
///     c_{m,l} = ℓ(Σ_i (‖W_{m,i}‖ + ε) c_{i,l} + 1[l = m] √(1 + Σ_i H_i²))        Λ_m = ‖c_m‖₂
///
/// since ‖ΔW_m h + Δb_m‖ ≤ ‖Δ(W_m, b_m)‖_F √(1 + ‖h‖²). With ℓ = 1 and act(0) = 0 taken for granted, softplus violates both lines.
class LayerBounds {
 public:
  /// The input x, which no parameter moves.
  explicit LayerBounds(double input_norm) : image_{input_norm}, rounding_{0.0}, lipschitz_{{}} {}

  /// Adds layer m. `blocks[i]`: W_{m,i} at u0; rounding is that of sums over `fan_in` products.
  struct Layer {
    std::vector<Points<double>> blocks;
    double bias_norm = 0.0;
    Index width = 1;
    Index fan_in = 1;
    double lipschitz = 1.0;  ///< ℓ
    double at_zero = 0.0;    ///< |act(0)|
  };
  /// Adds layer m, its parameters anywhere in the ball of this radius around u0.
  void add(const Layer& layer, double radius);

  /// Of the last layer that was added.
  [[nodiscard]] GeneratorBounds last() const;

 private:
  std::vector<double> image_;                   // H_i
  std::vector<double> rounding_;                // E_i
  std::vector<std::vector<double>> lipschitz_;  // c_i
};

}  // namespace slicecheck
