#pragma once
/// Losses that others wrote, brought as TorchScript files: claims judge them as they judge ours.

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "slicecheck/core/error.h"
#include "slicecheck/loss/sample_loss.h"

namespace slicecheck {

/// A TorchScript module with
///
///     forward(X, Y, directions) -> loss        X, Y: n×d; directions: L×d, unit rows; loss: one number, (1/L) Σ_l w_{θ_l}(X, Y) with p = 2,
///
/// whose derivative with respect to X comes from automatic differentiation through the script, AT A TIE as well: what the script does there is what is judged.
///
/// An evaluation is a function of its three arguments alone, to the bit and for any number of threads. It starts from the module as it was loaded (attributes
/// that `forward` changes are forgotten) and from a fixed state of LibTorch's random numbers (put back afterwards); one evaluation runs at a time in the whole
/// process, without the just-in-time optimiser, which would spend tens of milliseconds on each shape and may change the order of sums. The arguments are
/// copies.
///
/// A TorchScript file is code: it can read and write files, and it can run for ever. Load only what you trust.
class ScriptModule {
 public:
  /// Reads the file onto the CPU and tries `forward` on a few fixed clouds of distinct points (n = 3 and 5, d = 2 and 3, L = 1, 2, 5), in double and in float.
  ///
  /// @throws InputError, with the file and the reason, if it cannot be read, is no TorchScript archive, has no method forward, or forward does not take exactly
  /// three tensors; and if on the fixed clouds forward throws both in double and in float, or returns anything but one finite number of type float or double
  /// that depends on X by differentiable steps (a detached result has no gradient). A gradient that is not finite is left to the claims.
  static std::shared_ptr<const ScriptModule> load(const std::filesystem::path& file);

  [[nodiscard]] const std::filesystem::path& file() const { return file_; }

  /// "torchscript:FILE".
  [[nodiscard]] const std::string& name() const { return name_; }

  /// forward takes double tensors and does not round its result to float. What it rounds in between cannot be seen from outside.
  [[nodiscard]] bool accepts_double() const { return accepts_double_; }
  /// forward takes float tensors. Their result may be float or double.
  [[nodiscard]] bool accepts_float() const { return accepts_float_; }
  /// To be judged in float, because it does not work in double.
  [[nodiscard]] bool single() const { return !accepts_double_; }

  /// Value and gradient, NaN and infinities included; `per_direction` is empty, since the script cannot tell.
  /// @throws InputError as `check_loss_arguments` does; Error, with the file and the first line of the reason, where forward or its derivative throws, or
  /// returns something other than one number of type float or double with a gradient.
  template <class S>
  [[nodiscard]] LossGradient<S> evaluate(PointsView<S> z, PointsView<S> y, PointsView<S> directions) const;

 private:
  struct Script;
  explicit ScriptModule(std::filesystem::path file);
  void try_out();

  std::filesystem::path file_;
  std::string name_;
  std::shared_ptr<const Script> script_;
  bool accepts_double_ = false;
  bool accepts_float_ = false;
};

/// Subject `torchscript:FILE` in one scalar type. p = 2 only.
template <class S>
class ScriptLoss final : public SampleLoss<S> {
 public:
  /// @throws InputError for a module that does not accept tensors of type S.
  explicit ScriptLoss(std::shared_ptr<const ScriptModule> module);
  /// Loads the file: `ScriptModule::load`.
  explicit ScriptLoss(const std::filesystem::path& file) : ScriptLoss(ScriptModule::load(file)) {}

  [[nodiscard]] std::string_view name() const override { return module_->name(); }
  [[nodiscard]] double exponent() const override { return 2.0; }

  /// As `ScriptModule::evaluate`.
  [[nodiscard]] LossGradient<S> evaluate(PointsView<S> z, PointsView<S> y, PointsView<S> directions) const override;

  /// Each direction by itself: L evaluations.
  [[nodiscard]] Vector<double> values(PointsView<S> z, PointsView<S> y, PointsView<S> directions) const override;

 private:
  std::shared_ptr<const ScriptModule> module_;
};

}  // namespace slicecheck
