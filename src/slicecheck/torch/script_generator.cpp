#include "slicecheck/torch/script_generator.h"

#include <torch/autograd.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/script.h>

#include <cmath>
#include <type_traits>
#include <utility>

#include "slicecheck/core/error.h"
#include "slicecheck/torch/bridge.h"
#include "slicecheck/torch/script_archive.h"
#include "slicecheck/torch/torch_info.h"

namespace slicecheck {

namespace {

using torch::jit::Module;

constexpr std::string_view kUse = "a generator";

template <class S>
constexpr const char* scalar_name() {
  return std::is_same_v<S, float> ? "float" : "double";
}

/// One tensor of u and the attributes that hold it.
struct Part {
  std::vector<std::string> names;  ///< "layer.weight"
  std::vector<std::int64_t> shape;
  Index size = 0;
};

/// Replaces the tensor at "layer.weight".
void set_tensor(const Module& module, const std::string& name, const torch::Tensor& value) {
  Module owner = module;
  std::size_t start = 0;
  for (std::size_t dot = name.find('.'); dot != std::string::npos; dot = name.find('.', start)) {
    owner = owner.attr(name.substr(start, dot - start)).toModule();
    start = dot + 1;
  }
  owner.setattr(name.substr(start), value);
}

bool same_memory(const torch::Tensor& a, const torch::Tensor& b) {
  return a.data_ptr() == b.data_ptr() && a.sizes() == b.sizes() && a.strides() == b.strides() && a.scalar_type() == b.scalar_type();
}

/// The module with all floating-point tensors of type S, its trained parameters, and their values.
template <class S>
struct Script {
  Module module;
  std::vector<Part> parts;
  Vector<S> stored;

  explicit Script(Module loaded) : module(std::move(loaded)) {
    std::vector<torch::Tensor> values;
    for (const auto& parameter : module.named_parameters(/*recurse=*/true)) {
      const torch::Tensor& value = parameter.value;
      if (!value.is_floating_point() || !value.requires_grad() || value.numel() == 0) continue;
      std::size_t i = 0;
      while (i < values.size() && !same_memory(values[i], value)) ++i;
      if (i == values.size()) {
        values.push_back(value);
        parts.push_back({{}, value.sizes().vec(), value.numel()});
      }
      parts[i].names.push_back(parameter.name);
    }
    Index size = 0;
    for (const Part& part : parts) size += part.size;
    stored.resize(size);
    Index offset = 0;
    for (const torch::Tensor& value : values) {
      const torch::Tensor numbers = value.detach().to(torch::CppTypeToScalarType<S>::value).contiguous();
      stored.segment(offset, numbers.numel()) = Eigen::Map<const Vector<S>>(numbers.data_ptr<S>(), numbers.numel());
      offset += numbers.numel();
    }
    std::vector<std::pair<std::string, torch::Tensor>> floating;  // collected first: the module is not changed while its slots are listed
    for (const auto& attribute : module.named_attributes(/*recurse=*/true))
      if (attribute.value.isTensor() && attribute.value.toTensor().defined() && attribute.value.toTensor().is_floating_point())
        floating.emplace_back(attribute.name, attribute.value.toTensor());
    for (const auto& [name, value] : floating) set_tensor(module, name, value.detach().to(torch::CppTypeToScalarType<S>::value));
  }

  /// forward(x) with the parameters u, of any type and shape.
  [[nodiscard]] torch::Tensor run(const torch::Tensor& u, const torch::Tensor& x) const {
    const torch::jit::GraphOptimizerEnabledGuard as_written(false);
    c10::IValue returned;
    try {
      Module fresh = module.deepcopy();
      Index offset = 0;
      for (const Part& part : parts) {
        const torch::Tensor value = u.narrow(0, offset, part.size).view(part.shape);
        for (const std::string& name : part.names) set_tensor(fresh, name, value);
        offset += part.size;
      }
      returned = fresh.forward({x});
    } catch (const std::exception& error) {
      throw Error(fmt::format("forward raised an exception for {} row{} of x: {}", x.size(0), x.size(0) == 1 ? "" : "s", script_reason(error)));
    }
    if (!returned.isTensor())
      throw Error(fmt::format("forward returned {}; expected a tensor with one row for each row of x", returned.type()->annotation_str()));
    const torch::Tensor out = returned.toTensor();
    if (!out.defined()) throw Error("forward returned an undefined tensor; expected one row for each row of x");
    if (!out.is_floating_point()) throw Error(fmt::format("forward returned numbers of type {}; expected float or double", c10::toString(out.scalar_type())));
    if (out.dim() < 1 || out.size(0) != x.size(0) || out.numel() == 0) {
      const auto sizes = out.sizes().vec();
      throw Error(fmt::format("forward returned a tensor of shape ({}) for {} rows of x; expected one row for each", fmt::join(sizes, ", "), x.size(0)));
    }
    return out.reshape({x.size(0), out.numel() / x.size(0)}).to(torch::CppTypeToScalarType<S>::value);
  }
};

template <class S>
torch::Tensor leaf(VectorView<S> u, bool recorded) {
  const torch::Tensor out = tensor_view<S>(Eigen::Map<const Points<S>>(u.data(), 1, u.size())).view({u.size()}).clone();
  return recorded ? out.requires_grad_(true) : out;
}

template <class S>
torch::Tensor rows(PointsView<S> x) {
  return tensor_view<S>(x).clone(torch::MemoryFormat::Contiguous);
}

template <class S>
class ScriptLinearisation final : public Linearisation<S> {
 public:
  ScriptLinearisation(const Script<S>& script, VectorView<S> u, PointsView<S> x) {
    const torch::AutoGradMode recording(true);
    u_ = leaf<S>(u, true);
    graph_ = script.run(u_, rows<S>(x));
    images_ = to_points<S>(graph_.detach());
  }

  [[nodiscard]] const Points<S>& images() const override { return images_; }

  /// A result that does not depend on u by differentiable steps has no gradient.
  [[nodiscard]] bool differentiable() const { return graph_.requires_grad(); }

  [[nodiscard]] Vector<S> pullback(PointsView<S> cotangent) const override {
    check_cotangent<S>(images_, cotangent);
    if (!differentiable()) return Vector<S>::Zero(u_.numel());
    try {
      const auto gradients = torch::autograd::grad({graph_}, {u_}, {rows<S>(cotangent)}, /*retain_graph=*/true, /*create_graph=*/false, /*allow_unused=*/true);
      if (!gradients.front().defined()) return Vector<S>::Zero(u_.numel());
      const torch::Tensor out = gradients.front().contiguous();
      return Eigen::Map<const Vector<S>>(out.data_ptr<S>(), out.numel());
    } catch (...) {
      rethrow_torch_error();
    }
  }

 private:
  torch::Tensor u_;
  torch::Tensor graph_;
  Points<S> images_;
};

template <class S>
class ScriptGenerator final : public Generator<S> {
 public:
  ScriptGenerator(std::filesystem::path file, Index input_dimension)
      : file_(std::move(file)), name_("torchscript:" + file_.filename().string()), input_(input_dimension), script_(checked()) {
    try {
      try_out();
    } catch (const std::exception& error) {
      const std::string_view reason = error.what();
      const auto names = [&](std::string_view end) { return reason.find(end) != std::string_view::npos; };
      // Constants of type float inside forward: "expected scalar type Double but found Float", "double != float".
      const bool of_types = std::is_same_v<S, double> && names("ouble") && names("loat");
      reject("cannot use {} as {}: for a {} tensor x with {} columns, {}{}", file_.string(), kUse, scalar_name<S>(), input_, reason,
             of_types ? "; let forward make its constants of the type of x, or set precision = \"single\"" : "");
    }
  }

  [[nodiscard]] std::string name() const override { return name_; }
  [[nodiscard]] Index parameters() const override { return script_.stored.size(); }
  [[nodiscard]] Index input_dimension() const override { return input_; }
  [[nodiscard]] Index output_dimension() const override { return output_; }
  [[nodiscard]] std::vector<Index> tensors() const override {
    std::vector<Index> sizes;
    for (const Part& part : script_.parts) sizes.push_back(part.size);
    return sizes;
  }
  [[nodiscard]] Vector<S> initial(const RandomStream& /*stream*/) const override { return script_.stored; }

  [[nodiscard]] std::unique_ptr<Linearisation<S>> linearise(VectorView<S> u, PointsView<S> x) const override {
    check_generator_arguments<S>(*this, u, x);
    return guarded([&] {
      auto out = std::make_unique<ScriptLinearisation<S>>(script_, u, x);
      check_width(out->images().cols());
      return out;
    });
  }

  [[nodiscard]] Points<S> forward(VectorView<S> u, PointsView<S> x) const override {
    check_generator_arguments<S>(*this, u, x);
    return guarded([&] {
      const torch::NoGradGuard no_recording;
      Points<S> images = to_points<S>(script_.run(leaf<S>(u, false), rows<S>(x)));
      check_width(images.cols());
      return images;
    });
  }

 private:
  Script<S> checked() const {
    use_one_torch_thread();
    if (input_ < 1) reject("cannot use {} as {}: the dimension of x is {}; it must be at least 1", file_.string(), kUse, input_);
    Module module = read_script_archive(file_, kUse);
    const ScriptArguments arguments = forward_arguments(module, file_, kUse, "forward(x)");
    // forward(x = default) would run without x.
    if (arguments.required != 1 || !arguments.required_are_tensors)
      reject("cannot use {} as {}: its method is forward({}); expected one tensor, forward(x)", file_.string(), kUse, fmt::join(arguments.written, ", "));
    Script<S> script(std::move(module));
    if (script.parts.empty())
      reject("cannot use {} as {}: the module has no parameter with requires_grad; expected parameters that are trained", file_.string(), kUse);
    if (!script.stored.allFinite()) reject("cannot use {} as {}: a parameter in the file is not finite", file_.string(), kUse);
    return script;
  }

  /// Not with one row: batch normalisation in training mode refuses that.
  void try_out() {
    for (const Index n : {2, 3, 5}) {
      Points<S> x(n, input_);
      for (Index k = 0; k < n; ++k)
        for (Index j = 0; j < input_; ++j) x(k, j) = static_cast<S>(std::sin(0.1 + 1.3 * static_cast<double>(k) + 2.9 * static_cast<double>(j)));
      const ScriptLinearisation<S> once(script_, script_.stored, x);
      if (!once.images().allFinite()) throw Error(fmt::format("forward returned a number that is not finite for {} fixed points", n));
      if (output_ == 0) output_ = once.images().cols();
      check_width(once.images().cols());
      if (!once.differentiable())
        throw Error(
            "the result has no gradient with respect to the parameters: it is detached from them (by detach(), item(), no_grad(), or because it is constant)");
      if (ScriptLinearisation<S>(script_, script_.stored, x).images() != once.images())
        throw Error(
            "two calls with the same x and the same parameters return different numbers: T(u, x) has no random numbers of its own (dropout in training mode "
            "has; "
            "call eval(), or let them be coordinates of x)");
    }
  }

  void check_width(Index width) const {
    if (width != output_) throw Error(fmt::format("forward returned {} numbers a row, and {} for other rows", width, output_));
  }

  template <class Function>
  auto guarded(Function&& function) const {
    try {
      return function();
    } catch (const Error& error) {  // of forward: the file does what a generator must not
      reject("cannot use {} as {}: {}", file_.string(), kUse, error.what());
    } catch (const std::exception& error) {
      throw Error(name_ + ": LibTorch: " + script_reason(error));
    }
  }

  std::filesystem::path file_;
  std::string name_;
  Index input_;
  Index output_ = 0;
  Script<S> script_;
};

}  // namespace

template <class S>
std::shared_ptr<const Generator<S>> load_script_generator(const std::filesystem::path& file, Index input_dimension) {
  return std::make_shared<ScriptGenerator<S>>(file, input_dimension);
}

template std::shared_ptr<const Generator<float>> load_script_generator<float>(const std::filesystem::path&, Index);
template std::shared_ptr<const Generator<double>> load_script_generator<double>(const std::filesystem::path&, Index);

}  // namespace slicecheck
