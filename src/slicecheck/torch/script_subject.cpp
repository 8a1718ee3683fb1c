#include "slicecheck/torch/script_subject.h"

#include <string>

#include "slicecheck/torch/script_loss.h"

namespace slicecheck {

namespace {

template <class S>
LossSubject subject_in(const std::shared_ptr<const ScriptModule>& module, const std::string& scalar) {
  LossSubject subject;
  subject.name = module->name();
  subject.description = "TorchScript module " + module->file().string() + ", autograd through its forward, in " + scalar;
  subject.unit_roundoff = tolerance::unit_roundoff<S>();
  subject.squares_only = true;
  subject.one_value_only = true;
  subject.evaluate = [module](const Points<double>& z, const Points<double>& y, const Points<double>& directions, double p) {
    if (p != 2.0) throw Error(fmt::format("{}: a TorchScript subject is judged at p = 2 only; asked for p = {}", module->name(), p));
    const Points<S> z_s = z.cast<S>();
    const Points<S> y_s = y.cast<S>();
    const Points<S> directions_s = directions.cast<S>();
    const LossGradient<S> out = module->evaluate<S>(z_s, y_s, directions_s);
    return LossGradient<double>{out.value, out.per_direction, out.gradient.template cast<double>()};
  };
  return subject;
}

}  // namespace

LossSubject torchscript_subject(const std::filesystem::path& file) {
  const auto module = ScriptModule::load(file);
  return module->single() ? subject_in<float>(module, "float") : subject_in<double>(module, "double");
}

}  // namespace slicecheck
