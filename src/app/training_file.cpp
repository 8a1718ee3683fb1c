#include "training_file.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "commands.h"
#include "slicecheck/core/error.h"
#include "slicecheck/core/files.h"
#include "slicecheck/generators/bounded_generator.h"
#include "slicecheck/generators/closed_form.h"
#include "slicecheck/generators/dense_mlp.h"
#include "slicecheck/measures/idx_images.h"
#include "slicecheck/measures/image_folder.h"
#include "slicecheck/measures/point_file.h"
#include "slicecheck/torch/conv_generator.h"
#include "slicecheck/torch/script_generator.h"

namespace slicecheck::app {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kDefault = R"toml(# A training, as `slicecheck regime` and `slicecheck audit` read it. What is left out keeps these values.
seed = 1
precision = "double"       # or "single": what the training computes in

[generator]
kind = "mlp"               # mlp, affine, two-point-line, conv, residual-conv, torchscript
file = ""                  # torchscript: a module with forward(x); its parameters are u
hidden = [64, 64]          # mlp: widths of the hidden layers; every layer sees the input and all earlier ones
activation = "relu"        # mlp: identity, relu, leaky_relu, tanh, softplus
width = 16                 # conv, residual-conv: base width
initial_gain = 1.0         # conv, residual-conv: of the He spread of u0
bounded_radius = 0.0       # R > 0: T(u, x) is multiplied by a C2 cut-off of |u|/R, 1 up to R and 0 from 2R on
parameters = ""            # CSV file of the d_u numbers of u0; otherwise u0 is drawn, or comes with the torchscript file

[source]                   # the law of x
law = "normal"             # normal, cube ([-1, 1]^d), or one of the plane laws (two-moons, ...)
dimension = 2              # of normal and cube
file = ""                  # instead of a law: CSV of points, IDX images, or a folder of images, drawn with replacement; data:NAME is in SLICECHECK_DATA
atoms = 0                  # N > 0: N draws of the law, taken as atoms (a finite law)
truncated = 0.0            # R > 0: conditioned on |x| <= R

[target]                   # the law of y, as [source]
law = "two-moons"
dimension = 2
file = ""
atoms = 0
truncated = 0.0

[training]
step_size = 0.01
steps = 1000
batch = 256
directions = 1
fresh_directions = true    # false: the same directions at every step
sampling = "fresh"         # fresh (i.i.d. batches), cycling (pairs drawn once, in the same order), shuffled (a new order every epoch)
pairs = 0                  # how many, for cycling and shuffled
scheme = "sgd"             # sgd, npsgd, adam
momentum = 0.0
projection = "none"        # none, whole (the vector u onto the ball), tensors (each tensor onto its own)
radius = 0.0               # of the ball
noise = 0.0                # a: a step adds alpha * a * normal
noise_scale = "alpha"      # or "sqrt-alpha"
schedule = "constant"      # constant, linear, inverse-time, cosine, plateau

[regime]                   # slicecheck regime
levels = 3                 # step sizes alpha, alpha/2, alpha/4, ...
replicates = 8             # runs at each of them
looks = 64                 # times at which the paths are compared
tolerance = 0.25           # distance to the flow, in units of the distance travelled, up to which a run counts as "in the flow regime"
residual_batches = 64      # fresh batches for the gradient of F at the start and at the end
objective_batches = 20     # and for F itself
objective_directions = 100 # directions a batch for F
checkpoint_seconds = 10.0  # between checkpoints of --out

[analyse]                  # slicecheck analyse
batches = 4                # fresh batches averaged for each gradient of the reference flow
directions = 64            # directions of each of them
substeps = 2               # Heun steps of the reference between two records
tolerance = 0.25           # distance to the flow, in units of the distance it travels, up to which a run follows it

[audit]                    # slicecheck audit
radius = 0.0               # R: what is asked on B(0, R); 0: the training's ball, or twice the norm of u0
points = 16                # inputs looked at
rays = 8                   # directions in u along which growth, kinks and derivatives are looked at
vicinity = 0.01            # K_f on a ball around u0 of this part of its norm
batches = 16               # batches for F, K_f and K_F
)toml";

/// Where a name leads: `data:NAME` into the folder of the data sets (SLICECHECK_DATA, or data), everything else from the folder of the training file.
fs::path beside(const fs::path& training_file, const std::string& name) {
  constexpr std::string_view kData = "data:";
  if (name.starts_with(kData)) {
    const char* folder = std::getenv("SLICECHECK_DATA");
    return fs::path(folder != nullptr ? folder : "data") / name.substr(kData.size());
  }
  const fs::path path(name);
  return path.is_absolute() ? path : training_file.parent_path() / path;
}

std::shared_ptr<const Law> law_in_file(const fs::path& path) {
  if (fs::is_directory(path)) return std::make_shared<ImageLaw>(path.filename().string(), read_image_folder(path));
  if (path.extension() == ".csv") return std::make_shared<FiniteLaw>(path.filename().string(), read_points(path));
  return std::make_shared<ImageLaw>(path.filename().string(), read_idx_images(path));
}

std::shared_ptr<const Law> read_law(const Settings& s, const std::string& section, const fs::path& training_file, std::uint64_t seed) {
  const std::string file = s.word(section + ".file");
  const std::string name = s.word(section + ".law");
  const Index dimension = s.integer_at_least(section + ".dimension", 1);
  std::shared_ptr<const Law> law;
  if (!file.empty())
    law = law_in_file(beside(training_file, file));
  else if (name == "normal")
    law = Gaussian::standard(dimension);
  else if (name == "cube")
    law = std::make_shared<Uniform>(-1.0, 1.0, dimension);
  else
    law = law_by_name(name);
  if (const double radius = s.number(section + ".truncated"); radius != 0.0)
    law = std::make_shared<Truncated>(law, Eigen::RowVectorXd::Zero(law->dimension()), radius);
  if (const Index atoms = s.integer_at_least(section + ".atoms", 0); atoms > 0)
    law = FiniteLaw::discretised(*law, atoms, {seed, Purpose::law, section == "source" ? 1u : 2u, 0});
  return law;
}

template <class S>
std::shared_ptr<const Generator<S>> read_generator(const Settings& s, const fs::path& training_file, Index input, Index output) {
  const std::string kind = s.word("generator.kind");
  const std::string file = s.word("generator.file");
  std::shared_ptr<const Generator<S>> generator;
  if (!file.empty() && kind != "torchscript") reject("generator.file is given, and the kind is '{}'; a file is read for kind = \"torchscript\"", kind);
  if (kind == "mlp") {
    generator = std::make_shared<DenseMlp<S>>(input, s.integers("generator.hidden"), output, parse_activation(s.word("generator.activation")));
  } else if (kind == "affine") {
    generator = std::make_shared<Affine<S>>(input, output);
  } else if (kind == "two-point-line") {
    generator = std::make_shared<TwoPointLine<S>>();
  } else if (kind == "torchscript") {
    if (file.empty()) reject("generator.kind is torchscript, and generator.file is empty; expected the name of a file written by torch.jit.save");
    try {
      generator = load_script_generator<S>(beside(training_file, file), input);
    } catch (const InputError&) {  // with constants of type float inside it works in single precision only
      if (std::is_same_v<S, float> || s.word("precision") != "single") throw;
    }
  } else if (kind == "conv" || kind == "residual-conv") {
    if constexpr (std::is_same_v<S, float>) {
      const Index width = s.integer_at_least("generator.width", 1);
      const double gain = s.number("generator.initial_gain");
      if (kind == "conv")
        generator = std::make_shared<ConvGenerator>(width, gain);
      else
        generator = std::make_shared<ResidualConvGenerator>(width, gain);
    }
  } else {
    reject("generator.kind is '{}'; expected mlp, affine, two-point-line, conv, residual-conv or torchscript", kind);
  }
  const double radius = s.number("generator.bounded_radius");
  if (generator != nullptr && radius != 0.0) generator = std::make_shared<BoundedGenerator<S>>(generator, radius);
  return generator;
}

std::string one_of(const Settings& s, const std::string& key, const std::vector<std::string>& known) {
  std::string word = s.word(key);
  if (std::find(known.begin(), known.end(), word) == known.end()) reject("{} is '{}'; expected one of {}", key, word, fmt::join(known, ", "));
  return word;
}

double number_where(const Settings& s, const std::string& key, bool (*good)(double), const char* expected) {
  const double value = s.number(key);
  if (!std::isfinite(value) || !good(value)) reject("{} is {}; expected {}", key, value, expected);
  return value;
}

TrainingPractice read_practice(const Settings& s) {
  const auto not_negative = [](double v) { return v >= 0.0; };
  TrainingPractice p;
  p.step_size = number_where(
      s, "training.step_size", [](double v) { return v > 0.0; }, "a positive number");
  p.steps = static_cast<std::uint64_t>(s.integer_at_least("training.steps", 1));
  p.batch = s.integer_at_least("training.batch", 1);
  p.directions = s.integer_at_least("training.directions", 1);
  p.fresh_directions = s.truth("training.fresh_directions");
  p.sampling = one_of(s, "training.sampling", {"fresh", "cycling", "shuffled"});
  p.pairs = s.integer_at_least("training.pairs", 0);
  p.scheme = one_of(s, "training.scheme", {"sgd", "npsgd", "adam"});
  p.momentum = number_where(
      s, "training.momentum", [](double v) { return v >= 0.0 && v < 1.0; }, "a number in [0, 1)");
  p.projection = one_of(s, "training.projection", {"none", "whole", "tensors"});
  p.radius = number_where(s, "training.radius", not_negative, "0 or a positive number");
  p.noise = number_where(s, "training.noise", not_negative, "0 or a positive number");
  p.noise_scale = one_of(s, "training.noise_scale", {"alpha", "sqrt-alpha"});
  p.schedule = one_of(s, "training.schedule", {"constant", "linear", "inverse-time", "cosine", "plateau"});
  if (p.scheme == "npsgd" && p.projection == "none") p.projection = "whole";
  if (p.projection != "none" && !(p.radius > 0.0)) reject("training.radius is {}; {} needs the radius of its ball", p.radius, p.scheme);
  if (p.projection == "none" && p.radius > 0.0)
    reject("training.radius is {}, and nothing projects onto that ball: set scheme = \"npsgd\" or projection", p.radius);
  if (p.sampling != "fresh" && p.pairs < p.batch) reject("training.pairs is {}; {} batches of {} need at least as many pairs", p.pairs, p.sampling, p.batch);
  return p;
}

Eigen::VectorXd read_parameters(const fs::path& path, Index expected) {
  const Points<double> numbers = read_points(path);
  if (numbers.size() != expected || std::min(numbers.rows(), numbers.cols()) != 1)
    reject("{}: {} rows of {} numbers; the generator has {} parameters, in one row or one column", path.string(), numbers.rows(), numbers.cols(), expected);
  return Eigen::Map<const Eigen::VectorXd>(numbers.data(), expected);
}

}  // namespace

std::string_view default_training() { return kDefault; }

void add_training_options(CLI::App& command, TrainingOptions& options, const std::string& folder, const std::string& what) {
  command.add_option("--set", options.assignments, "key=value overrides a setting of the training file; may be repeated")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command.add_option("--seed", options.seed, "Seed of every random number, instead of that of the training file");
  command.add_option("--threads", options.threads, "Threads; the results do not depend on it")->check(at_least_one());
  command.add_option("--out", options.out, fmt::format("Run folder; files go to OUT/{}, for `slicecheck report OUT`", folder));
  command.add_flag("--json", options.json, fmt::format("{}, as JSON on standard output", what));
}

TrainingFile read_training_file(const fs::path& path, const TrainingOptions& options) {
  std::vector<std::string> assignments = options.assignments;
  if (options.seed) assignments.push_back(fmt::format("seed={}", *options.seed));
  return read_training_file(path, assignments);
}

TrainingFile read_training_file(const fs::path& path, const std::vector<std::string>& assignments) {
  TrainingFile out{Settings::from_toml(kDefault, "default training"), {}};
  Settings& s = out.settings;
  s.override_from_file(path);
  for (const std::string& assignment : assignments) s.override_from_text(assignment);
  TrainingDescription& training = out.training;
  training.name = path.stem().string();
  training.seed = static_cast<std::uint64_t>(s.integer_at_least("seed", 0));
  training.single = one_of(s, "precision", {"single", "double"}) == "single";
  try {
    training.practice = read_practice(s);
    training.source = read_law(s, "source", path, training.seed);
    training.target = read_law(s, "target", path, training.seed);
    const Index input = training.source->dimension();
    const Index output = training.target->dimension();
    training.generator = read_generator<double>(s, path, input, output);
    training.generator_single = read_generator<float>(s, path, input, output);
  } catch (const InputError& error) {
    const std::string sentence = error.what();
    if (sentence.starts_with(path.string())) throw;
    reject("{}: {}", path.string(), sentence);
  }
  const Generator<float>& generator = *training.generator_single;
  if (training.generator == nullptr) training.single = true;
  if (generator.input_dimension() != training.source->dimension())
    reject("{}: the source {} has dimension {}; the generator {} takes {}", path.string(), training.source->name(), training.source->dimension(),
           generator.name(), generator.input_dimension());
  if (generator.output_dimension() != training.target->dimension())
    reject("{}: the target {} has dimension {}; the generator {} makes {}", path.string(), training.target->name(), training.target->dimension(),
           generator.name(), generator.output_dimension());
  if (const std::string file = s.word("generator.parameters"); !file.empty()) training.parameters = read_parameters(beside(path, file), generator.parameters());
  return out;
}

}  // namespace slicecheck::app
