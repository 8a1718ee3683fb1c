/// TorchScript files as generators: against DenseMlp, what is refused and why, and what a module may do.

#include "slicecheck/torch/script_generator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "comparison.h"
#include "script_modules.h"
#include "slicecheck/core/error.h"
#include "slicecheck/core/tolerances.h"
#include "slicecheck/generators/dense_mlp.h"
#include "support/process.h"

namespace slicecheck {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::normals;
using testing::saved;
using testing::script_module;
using testing::TemporaryFolder;

torch::Tensor numbers(const std::vector<double>& values, std::vector<std::int64_t> shape) { return torch::tensor(values, torch::kDouble).view(shape); }

/// W₂ (x, relu(W₁x + b₁)) + b₂ with the parameters of DenseMlp 2 → 3 → 2, in its order. The inner layer is a module of its own.
torch::jit::Module dense(const Eigen::VectorXd& u) {
  const std::vector<double> all(u.data(), u.data() + u.size());
  const auto part = [&](std::size_t from, std::size_t count) {
    return std::vector<double>(all.begin() + static_cast<long>(from), all.begin() + static_cast<long>(from + count));
  };
  const torch::jit::Module inner = script_module({{"weight", numbers(part(0, 6), {3, 2})}, {"bias", numbers(part(6, 3), {3})}}, R"(
def forward(self, x):
    return torch.relu(torch.matmul(x, torch.t(self.weight)) + self.bias)
)");
  torch::jit::Module outer("__torch__.Outer");
  outer.register_module("inner", inner);
  outer.register_parameter("weight", numbers(part(9, 10), {2, 5}).set_requires_grad(true), false);
  outer.register_parameter("bias", numbers(part(19, 2), {2}).set_requires_grad(true), false);
  outer.define(R"(
def forward(self, x):
    return torch.matmul(torch.cat([x, self.inner.forward(x)], 1), torch.t(self.weight)) + self.bias
)");
  return outer;
}

/// Where named_parameters() lists the outer layer first, the parts are exchanged.
Eigen::VectorXd in_order_of(const Generator<double>& script, const Eigen::VectorXd& u) {
  if (script.tensors().front() == 6) return u;
  Eigen::VectorXd out(21);
  out << u.tail(12), u.head(9);
  return out;
}

template <class S>
void expect_equal_to_dense(double unit) {
  const TemporaryFolder folder;
  const DenseMlp<double> mlp(2, {3}, 2, Activation::relu);
  const Eigen::VectorXd stored = mlp.initial({1, Purpose::initial, 0, 0});
  const auto file = saved(dense(stored), folder.path() / "net.pt");
  const auto script = load_script_generator<S>(file, 2);
  const auto in_double = load_script_generator<double>(file, 2);
  EXPECT_EQ(script->name(), "torchscript:net.pt");
  EXPECT_EQ(script->parameters(), 21);
  EXPECT_EQ(script->output_dimension(), 2);
  EXPECT_EQ(script->initial({7, Purpose::initial, 3, 4}), Vector<S>(in_order_of(*in_double, stored).template cast<S>()));

  // Another u and an x; both as they are rounded to S.
  const Eigen::VectorXd u = normals(21, 1, 5).cast<S>().template cast<double>();
  const Points<double> x = normals(9, 2, 6).cast<S>().template cast<double>();
  const Points<double> cotangent = normals(9, 2, 7).cast<S>().template cast<double>();
  const auto expected = mlp.linearise(u, x);
  const Vector<S> u_script = in_order_of(*in_double, u).template cast<S>();
  const Points<S> x_script = x.cast<S>();
  const Points<S> c_script = cotangent.cast<S>();
  const auto found = script->linearise(u_script, x_script);
  // Sums of at most 6 products of layers below; |h| ≤ 3·max|u|·max(1, |x|) a layer. Absolute values through the network bound every term, and γ the rounding.
  const double size = 36.0 * std::pow(std::max(1.0, u.cwiseAbs().maxCoeff()), 2) * std::max(1.0, x.cwiseAbs().maxCoeff());
  const double allowed = 2.0 * tolerance::gamma(64.0, unit) * size;
  EXPECT_LE((found->images().template cast<double>() - expected->images()).cwiseAbs().maxCoeff(), allowed);
  EXPECT_EQ(script->forward(u_script, x_script), found->images());
  const Eigen::VectorXd pulled = found->pullback(c_script).template cast<double>();
  EXPECT_LE((pulled - in_order_of(*in_double, expected->pullback(cotangent))).cwiseAbs().maxCoeff(), 18.0 * cotangent.cwiseAbs().maxCoeff() * allowed);
}

TEST(ScriptGenerator, EqualsDenseMlpInDouble) { expect_equal_to_dense<double>(tolerance::unit_roundoff<double>()); }
TEST(ScriptGenerator, EqualsDenseMlpInFloat) { expect_equal_to_dense<float>(tolerance::unit_roundoff<float>()); }

TEST(ScriptGenerator, TheSameBitsOnSeveralThreads) {
  const TemporaryFolder folder;
  const auto script = load_script_generator<double>(saved(dense(normals(21, 1, 1)), folder.path() / "net.pt"), 2);
  const Points<double> x = normals(40, 2, 2);
  std::vector<Eigen::VectorXd> alone, together(8);
  const auto gradient = [&](std::uint32_t i) { return Eigen::VectorXd(script->pullback(Eigen::VectorXd(normals(21, 1, 10 + i)), x, x)); };
  for (std::uint32_t i = 0; i < 8; ++i) alone.push_back(gradient(i));
  std::vector<std::thread> threads;
  for (std::uint32_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (std::uint32_t i = t; i < 8; i += 4) together[i] = gradient(i);
    });
  for (std::thread& thread : threads) thread.join();
  for (std::size_t i = 0; i < 8; ++i) EXPECT_EQ(alone[i], together[i]);
}

TEST(ScriptGenerator, TiedWeightsAreOnePartAndFrozenOnesNone) {
  const TemporaryFolder folder;
  torch::jit::Module module("__torch__.Net");
  const torch::Tensor shared = torch::full({2}, 3.0, torch::kDouble).set_requires_grad(true);
  module.register_parameter("a", shared, false);
  module.register_parameter("b", shared, false);
  module.register_parameter("frozen", torch::full({2}, 10.0, torch::kDouble), false);
  module.define("def forward(self, x):\n    return x * self.a + self.b + self.frozen\n");
  const auto script = load_script_generator<double>(saved(module, folder.path() / "net.pt"), 2);
  ASSERT_EQ(script->tensors(), std::vector<Index>{2});
  const Points<double> x = Points<double>::Constant(1, 2, 5.0);
  EXPECT_EQ(script->forward(Eigen::Vector2d(1.0, 2.0), x), (Points<double>(1, 2) << 16.0, 22.0).finished());
  EXPECT_EQ(Eigen::VectorXd(script->pullback(Eigen::Vector2d(1.0, 2.0), x, Points<double>::Ones(1, 2))), Eigen::VectorXd::Constant(2, 6.0));
}

/// Batch normalisation by hand: what is saved decides.
TEST(ScriptGenerator, KeepsTrainingModeAndForgetsRunningStatistics) {
  const TemporaryFolder folder;
  const std::string methods = R"(
def forward(self, x):
    self.count.add_(1)
    return torch.batch_norm(x * self.w, None, None, self.mean, self.variance, self.training, 0.1, 1e-5, False) + self.count
)";
  for (const bool training : {true, false}) {
    torch::jit::Module module("__torch__.Net");
    module.register_parameter("w", torch::ones({2}, torch::kDouble).set_requires_grad(true), false);
    module.register_buffer("mean", torch::zeros({2}, torch::kDouble));
    module.register_buffer("variance", torch::ones({2}, torch::kDouble));
    module.register_buffer("count", torch::zeros({1}, torch::kDouble));
    module.register_attribute("training", c10::BoolType::get(), training);
    module.define(methods);
    const auto script = load_script_generator<double>(saved(module, folder.path() / "net.pt"), 2);
    const Vector<double> u = script->initial({1, Purpose::initial, 0, 0});
    Points<double> x = normals(4, 2, 3);
    const Points<double> before = script->forward(u, x);
    EXPECT_EQ(before, script->forward(u, x));  // the counter is that of a copy
    x.row(3).array() += 1.0;
    EXPECT_EQ(before.row(0) != script->forward(u, x).row(0), training);
  }
}

TEST(ScriptGenerator, AtAKinkWhatTheScriptsDerivativeIs) {
  const TemporaryFolder folder;
  const auto script = load_script_generator<double>(
      saved(script_module({{"u", torch::zeros({1}, torch::kDouble)}}, "def forward(self, x):\n    return (torch.relu(self.u) - torch.relu(-self.u)) * x\n"),
            folder.path() / "net.pt"),
      1);
  const Points<double> x = Points<double>::Ones(2, 1);
  EXPECT_EQ(script->pullback(Vector<double>::Zero(1), x, x)[0], 0.0);  // u itself has slope 1
  EXPECT_EQ(script->pullback(Vector<double>::Ones(1), x, x)[0], 2.0);
}

template <class S>
std::string refusal(const std::filesystem::path& file, Index dimension = 2) {
  try {
    (void)load_script_generator<S>(file, dimension);
  } catch (const InputError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(ScriptGenerator, RefusesWithTheReason) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "net.pt";
  EXPECT_THAT(refusal<double>(file), HasSubstr("net.pt"));
  write_atomically(file, "no archive");
  EXPECT_THAT(refusal<double>(file), HasSubstr("no TorchScript archive"));
  const torch::Tensor w = torch::ones({2}, torch::kDouble);
  const auto tried = [&](const std::string& methods, Index dimension = 2) {
    return refusal<double>(saved(script_module({{"w", w}}, methods), file), dimension);
  };
  EXPECT_THAT(tried("def run(self, x):\n    return x * self.w\n"), HasSubstr("no method forward; expected forward(x)"));
  EXPECT_THAT(tried("def forward(self, x, y):\n    return x * self.w + y\n"),
              AllOf(HasSubstr("forward(x: Tensor, y: Tensor)"), HasSubstr("expected one tensor")));
  EXPECT_THAT(tried("def forward(self, n: int):\n    return self.w * n\n"), HasSubstr("forward(n: int)"));
  EXPECT_EQ(tried("def forward(self, x, scale: float = 2.0):\n    return x * self.w * scale\n"), "accepted");
  EXPECT_THAT(tried("def forward(self, x):\n    return (x * self.w).sum()\n"), HasSubstr("a tensor of shape () for 2 rows of x"));
  EXPECT_THAT(tried("def forward(self, x):\n    return torch.t(x * self.w)[:, 0:1]\n", 2), HasSubstr("for 3 rows of x"));
  EXPECT_THAT(tried("def forward(self, x):\n    return [x * self.w]\n"), HasSubstr("expected a tensor"));
  EXPECT_THAT(tried("def forward(self, x):\n    return (x * self.w).long()\n"), HasSubstr("numbers of type Long"));
  EXPECT_THAT(tried("def forward(self, x):\n    return x / (self.w - self.w)\n"), HasSubstr("not finite"));
  EXPECT_THAT(tried("def forward(self, x):\n    return x * self.w.detach()\n"), HasSubstr("no gradient with respect to the parameters"));
  EXPECT_THAT(tried("def forward(self, x):\n    return x * self.w + torch.rand_like(x)\n"), HasSubstr("random numbers"));
  EXPECT_THAT(tried("def forward(self, x):\n    return x * self.w\n", 3), AllOf(HasSubstr("x with 3 columns"), HasSubstr("raised an exception")));
  EXPECT_THAT(tried("def forward(self, x):\n    return (x * self.w)[:, 0:1].expand(x.size(0), x.size(0))\n"),
              HasSubstr("3 numbers a row, and 2 for other rows"));
  EXPECT_THAT(refusal<double>(saved(script_module({}, "def forward(self, x):\n    return x\n"), file)), HasSubstr("no parameter"));
  EXPECT_EQ(tried("def forward(s, x):\n    return x * s.w\n"), "accepted");  // self by another name
  EXPECT_THAT(tried("def forward(s, self):\n    return self * s.w\n"), "accepted");
  EXPECT_THAT(tried("def forward(s, x, self):\n    return x * s.w + self\n"), HasSubstr("forward(x: Tensor, self: Tensor)"));
  EXPECT_THAT(tried("def forward(self, x):\n    assert False, 'never'\n    return x * self.w\n"), ::testing::Not(HasSubstr("precision")));
  // Constants of type float inside: single precision only.
  const auto in_float =
      script_module({{"w", torch::ones({2, 2})}}, "def forward(self, x):\n    return torch.matmul(torch.matmul(x, self.w), torch.ones([2, 2]))\n");
  EXPECT_THAT(refusal<double>(saved(in_float, file)), AllOf(HasSubstr("double tensor x"), HasSubstr("or set precision = \"single\"")));
  EXPECT_EQ(refusal<float>(file), "accepted");
}

TEST(ScriptGenerator, ErrorsNameTheFile) {
  const TemporaryFolder folder;
  const auto module =
      script_module({{"w", torch::ones({1}, torch::kDouble)}}, "def forward(self, x):\n    assert bool(self.w[0] < 5), 'too large'\n    return x * self.w\n");
  const auto script = load_script_generator<double>(saved(module, folder.path() / "net.pt"), 1);
  try {
    (void)script->forward(Vector<double>::Constant(1, 6.0), Points<double>::Ones(1, 1));
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("net.pt"), HasSubstr("too large")));
  }
  EXPECT_THROW((void)script->forward(Vector<double>::Ones(2), Points<double>::Ones(1, 1)), InputError);
}

/// As batch normalisation in training mode: what forward raises is the input's fault.
TEST(ScriptGenerator, WhatForwardRaisesIsAnInputError) {
  const TemporaryFolder folder;
  const auto module = script_module({{"w", torch::ones({1}, torch::kDouble)}},
                                    "def forward(self, x):\n    assert x.size(0) > 1, 'more than 1 value per channel'\n    return x * self.w\n");
  const auto file = saved(module, folder.path() / "net.pt");
  const auto script = load_script_generator<double>(file, 1);
  const Vector<double> u = Vector<double>::Ones(1);
  for (const bool recorded : {false, true}) {
    try {
      recorded ? (void)script->linearise(u, Points<double>::Ones(1, 1)) : (void)script->forward(u, Points<double>::Ones(1, 1));
      FAIL();
    } catch (const InputError& error) {
      EXPECT_THAT(error.what(), AllOf(HasSubstr(file.string()), HasSubstr("for 1 row of x"), HasSubstr("more than 1 value per channel")));
    }
  }
}

}  // namespace
}  // namespace slicecheck
