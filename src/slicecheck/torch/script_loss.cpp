#include "slicecheck/torch/script_loss.h"

#include <torch/autograd.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/script.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <type_traits>
#include <utility>

#include "slicecheck/torch/bridge.h"
#include "slicecheck/torch/script_archive.h"
#include "slicecheck/torch/torch_info.h"

namespace slicecheck {

namespace {

using torch::jit::Module;

/// The script, or its derivative, threw. What else can be wrong with a result is an `Error`. Neither names the file.
class Raised : public Error {
 public:
  using Error::Error;
};

template <class S>
constexpr const char* scalar_name() {
  return std::is_same_v<S, float> ? "float" : "double";
}

/// LibTorch's random numbers on the CPU from seed 0 on; put back at the end of the scope.
class FixedRandomNumbers {
 public:
  FixedRandomNumbers() : generator_(at::globalContext().defaultGenerator(torch::Device(torch::kCPU))) {
    const std::lock_guard<std::mutex> lock(generator_.mutex());
    before_ = generator_.get_state();
    generator_.set_current_seed(0);
  }
  FixedRandomNumbers(const FixedRandomNumbers&) = delete;
  FixedRandomNumbers& operator=(const FixedRandomNumbers&) = delete;
  ~FixedRandomNumbers() {
    const std::lock_guard<std::mutex> lock(generator_.mutex());
    generator_.set_state(before_);
  }

 private:
  at::Generator generator_;
  torch::Tensor before_;
};

struct Result {
  torch::Tensor loss;      ///< one number, float or double
  torch::Tensor gradient;  ///< n×d, of the scalar of X
};

template <class S>
torch::Tensor copied(PointsView<S> points) {
  return tensor_view<S>(points).clone(torch::MemoryFormat::Contiguous);
}

/// @throws Raised, Error.
template <class S>
Result run(const Module& pristine, PointsView<S> z, PointsView<S> y, PointsView<S> directions) {
  static std::mutex one_at_a_time;  // LibTorch's random numbers, like the compiled code that copies of a module share, belong to the whole process
  const std::lock_guard<std::mutex> lock(one_at_a_time);
  const torch::jit::GraphOptimizerEnabledGuard as_written(false);
  const torch::AutoGradMode recording(true);
  const FixedRandomNumbers random_numbers;
  const torch::Tensor x = copied<S>(z).set_requires_grad(true);
  c10::IValue returned;
  try {
    Module fresh = pristine.deepcopy();
    returned = fresh.forward({x, copied<S>(y), copied<S>(directions)});
  } catch (const std::exception& error) {
    throw Raised("forward raised an exception: " + script_reason(error));
  }
  if (!returned.isTensor()) throw Error(fmt::format("forward returned {}; expected a tensor with one number", returned.type()->annotation_str()));
  Result result;
  result.loss = returned.toTensor();
  if (!result.loss.defined()) throw Error("forward returned an undefined tensor; expected a tensor with one number");
  if (result.loss.numel() != 1) {
    const auto sizes = result.loss.sizes().vec();
    throw Error(fmt::format("forward returned a tensor of shape ({}); expected one number, the mean over the directions", fmt::join(sizes, ", ")));
  }
  if (result.loss.scalar_type() != torch::kFloat && result.loss.scalar_type() != torch::kDouble)
    throw Error(fmt::format("forward returned a number of type {}; expected float or double", c10::toString(result.loss.scalar_type())));
  constexpr const char* kDetached =
      "the result has no gradient with respect to X: it is detached from X (by detach(), item(), no_grad(), or because it is a constant)";
  if (!result.loss.requires_grad()) throw Error(kDetached);
  try {
    result.gradient = torch::autograd::grad({result.loss}, {x}, {}, {}, false, true).front();
  } catch (const std::exception& error) {
    throw Raised("the derivative of forward raised an exception: " + script_reason(error));
  }
  if (!result.gradient.defined()) throw Error(kDetached);
  return result;
}

/// What came of trying `forward` in one scalar type.
struct Trial {
  bool raised = false;
  bool wrong = false;     ///< ran, and returned what no loss returns
  bool in_float = false;  ///< ran, and returned float
  std::string sentence;   ///< what was wrong
  [[nodiscard]] bool good() const { return !raised && !wrong; }
};

/// A cloud of distinct points within the unit cube, the same for the same phase.
template <class S>
Points<S> fixed_points(Index rows, Index cols, double phase) {
  Points<double> points(rows, cols);
  for (Index k = 0; k < rows; ++k)
    for (Index j = 0; j < cols; ++j) points(k, j) = std::sin(phase + 1.3 * static_cast<double>(k) + 2.9 * static_cast<double>(j));
  return points.cast<S>();
}

template <class S>
Trial trial(const Module& script) {
  struct Shape {
    Index n, d, directions;
  };
  // Beyond the first: a traced module may have sizes of its example built in, and L = 1 is where an axis gets lost.
  constexpr Shape kShapes[] = {{3, 2, 2}, {3, 2, 1}, {3, 2, 5}, {5, 3, 2}};
  Trial out;
  for (const auto& [n, d, count] : kShapes) {
    Points<S> directions = fixed_points<S>(count, d, 0.7);
    directions.rowwise().normalize();
    try {
      const Result result = run<S>(script, fixed_points<S>(n, d, 0.1), fixed_points<S>(n, d, 2.0), directions);
      out.in_float = out.in_float || result.loss.scalar_type() == torch::kFloat;
      const double value = result.loss.item<double>();
      if (!std::isfinite(value)) throw Error(fmt::format("forward returned {}; expected a finite number", value));
    } catch (const Error& error) {
      out.raised = dynamic_cast<const Raised*>(&error) != nullptr;
      out.wrong = !out.raised;
      out.sentence =
          fmt::format("for {} tensors X and Y of shape ({}, {}) and directions of shape ({}, {}), {}", scalar_name<S>(), n, d, count, d, error.what());
      return out;
    }
  }
  return out;
}

void check_signature(const Module& module, const std::filesystem::path& file) {
  const ScriptArguments arguments = forward_arguments(module, file, "a loss", "forward(X, Y, directions)");
  if (arguments.written.size() != 3 || arguments.required != 3 || !arguments.required_are_tensors)
    reject("cannot use {} as a loss: its method is forward({}); expected three tensors, forward(X, Y, directions)", file.string(),
           fmt::join(arguments.written, ", "));
}

}  // namespace

struct ScriptModule::Script {
  Module module;
};

ScriptModule::ScriptModule(std::filesystem::path file) : file_(std::move(file)), name_("torchscript:" + file_.string()) {
  use_one_torch_thread();
  Module module = read_script_archive(file_, "a loss");
  check_signature(module, file_);
  script_ = std::make_shared<const Script>(Script{module});
  try_out();
}

void ScriptModule::try_out() {
  const auto refuse = [&](const std::string& sentence) { reject("cannot use {} as a loss: {}", file_.string(), sentence); };
  const Trial in_double = trial<double>(script_->module);
  if (in_double.wrong) refuse(in_double.sentence);
  const Trial in_float = trial<float>(script_->module);
  accepts_double_ = in_double.good() && !in_double.in_float;
  accepts_float_ = in_float.good();
  if (accepts_double_ || accepts_float_) return;
  if (in_double.raised) refuse(in_double.sentence + "; and " + in_float.sentence);
  refuse("it rounds double tensors to float; and " + in_float.sentence);
}

std::shared_ptr<const ScriptModule> ScriptModule::load(const std::filesystem::path& file) {
  return std::shared_ptr<const ScriptModule>(new ScriptModule(file));  // the constructor is private
}

template <class S>
LossGradient<S> ScriptModule::evaluate(PointsView<S> z, PointsView<S> y, PointsView<S> directions) const {
  check_loss_arguments<S>(z, y, directions);
  try {
    const Result result = run<S>(script_->module, z, y, directions);
    LossGradient<S> out;
    out.value = result.loss.item<double>();
    out.gradient = to_points<S>(result.gradient);
    return out;
  } catch (const Error& error) {
    throw Error(name_ + ": " + error.what());
  } catch (const std::exception& error) {
    throw Error(name_ + ": LibTorch: " + script_reason(error));
  }
}

template LossGradient<float> ScriptModule::evaluate<float>(PointsView<float>, PointsView<float>, PointsView<float>) const;
template LossGradient<double> ScriptModule::evaluate<double>(PointsView<double>, PointsView<double>, PointsView<double>) const;

template <class S>
ScriptLoss<S>::ScriptLoss(std::shared_ptr<const ScriptModule> module) : module_(std::move(module)) {
  const bool accepted = std::is_same_v<S, float> ? module_->accepts_float() : module_->accepts_double();
  if (!accepted) reject("{} does not work in {}; expected a module whose forward takes tensors of that type and keeps it", module_->name(), scalar_name<S>());
}

template <class S>
LossGradient<S> ScriptLoss<S>::evaluate(PointsView<S> z, PointsView<S> y, PointsView<S> directions) const {
  return module_->evaluate<S>(z, y, directions);
}

template <class S>
Vector<double> ScriptLoss<S>::values(PointsView<S> z, PointsView<S> y, PointsView<S> directions) const {
  check_loss_arguments<S>(z, y, directions);
  Vector<double> out(directions.rows());
  for (Index l = 0; l < directions.rows(); ++l) out[l] = module_->evaluate<S>(z, y, directions.row(l)).value;
  return out;
}

template class ScriptLoss<float>;
template class ScriptLoss<double>;

}  // namespace slicecheck
