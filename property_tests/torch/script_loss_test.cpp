/// TorchScript files as losses: the examples, what is refused and why, and verdicts on them.

#include "slicecheck/torch/script_loss.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/script.h>

#include <algorithm>
#include <cmath>
#include <sstream>
#include <thread>
#include <vector>

#include "comparison.h"
#include "slicecheck/claims/claim.h"
#include "slicecheck/core/error.h"
#include "slicecheck/core/files.h"
#include "slicecheck/core/parallel.h"
#include "slicecheck/core/tolerances.h"
#include "slicecheck/loss/reference_loss.h"
#include "slicecheck/torch/script_examples.h"
#include "slicecheck/torch/script_subject.h"
#include "support/process.h"

namespace slicecheck {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::normals;
using testing::ratio;
using testing::ScopedThreads;
using testing::TemporaryFolder;

template <class S>
struct Case {
  Points<S> z, y, directions;
};

struct Shape {
  Index n, d, directions;
};

constexpr Shape kShapes[] = {{1, 1, 1}, {1, 6, 3}, {2, 1, 4}, {3, 40, 10}, {17, 2, 9}, {33, 5, 4}, {60, 3, 2}};

template <class S>
Case<S> random_case(Shape shape, std::uint32_t number) {
  return {normals(shape.n, shape.d, number).cast<S>(), (0.5 + 1.5 * normals(shape.n, shape.d, number + 1).array()).matrix().cast<S>(),
          uniform_directions<S>(RandomStream(1, Purpose::directions, number, 0), shape.directions, shape.d)};
}

/// What the derivations of core/tolerances.h need of a case, in double.
struct Exact {
  template <class S>
  explicit Exact(const Case<S>& given)
      : z(given.z.template cast<double>()), y(given.y.template cast<double>()), directions(given.directions.template cast<double>()) {
    u = tolerance::unit_roundoff<S>();
    const double size = z.rowwise().norm().maxCoeff() + y.rowwise().norm().maxCoeff();
    // subject and reference both err
    gap_error = tolerance::gap(z.cols(), size, u) + tolerance::gap(z.cols(), size, tolerance::unit_roundoff<double>());
    const Eigen::MatrixXd projected_z = sorted(directions * z.transpose());
    largest_gap = (projected_z - sorted(directions * y.transpose())).cwiseAbs().maxCoeff();
    separation = std::numeric_limits<double>::infinity();
    if (z.rows() > 1) separation = (projected_z.rightCols(z.rows() - 1) - projected_z.leftCols(z.rows() - 1)).minCoeff();
    expected = ReferenceLoss(2.0).evaluate(z, y, directions);
  }

  static Eigen::MatrixXd sorted(Eigen::MatrixXd projected) {
    for (auto row : projected.rowwise()) {
      Eigen::VectorXd entries = row;
      std::sort(entries.begin(), entries.end());
      row = entries.transpose();
    }
    return projected;
  }

  Points<double> z, y, directions;
  LossGradient<double> expected;
  double u = 0.0, gap_error = 0.0, largest_gap = 0.0, separation = 0.0;
};

template <class S>
double value_ratio(const LossGradient<S>& got, const Exact& exact) {
  const double w = exact.expected.value;
  return ratio(std::abs(got.value - w), tolerance::value(w, 2.0, exact.gap_error, exact.z.rows() * exact.directions.rows(), exact.u));
}

/// Row by row, where the matching is unique. A row is the mean over L directions of (2/n)Δθ: Δ errs by the gap error; its rounding to S, the scaling and the
/// sum of L products cost γ_{L+12} of at most (2/n)(largest gap).
template <class S>
double gradient_ratio(const LossGradient<S>& got, const Exact& exact) {
  EXPECT_GT(exact.separation, 2.0 * exact.gap_error) << "the matching must be unique";
  const auto directions = static_cast<double>(exact.directions.rows());
  const double allowed =
      2.0 * (exact.gap_error + tolerance::gamma(directions + 12.0, exact.u) * (exact.largest_gap + exact.gap_error)) / static_cast<double>(exact.z.rows());
  double worst = 0.0;
  for (Index k = 0; k < exact.z.rows(); ++k)
    worst = std::max(worst, ratio((got.gradient.row(k).template cast<double>() - exact.expected.gradient.row(k)).norm(), allowed));
  return worst;
}

/// The method forward(self, X, Y, directions) with the given body: lines without indentation.
std::string forward(const std::string& body, const std::string& arguments = "X, Y, directions") {
  std::string methods = "def forward(self, " + arguments + "):\n";
  std::istringstream lines(body);
  for (std::string line; std::getline(lines, line);) methods += "    " + line + "\n";
  return methods;
}

/// Gaps of sorted projections, n×L, of the scalar type of `X`.
const std::string kGaps =
    "x, order_x = torch.sort(torch.matmul(X, torch.t(directions)), 0)\n"
    "y, order_y = torch.sort(torch.matmul(Y, torch.t(directions)), 0)\n"
    "gaps = x - y\n";
const std::string kLoss = kGaps + "loss = torch.mean(gaps * gaps)\n";

class ScriptLossTest : public ::testing::Test {
 protected:
  std::filesystem::path written(const std::string& methods) {
    const auto file = folder_ / ("module-" + std::to_string(++count_) + ".pt");
    write_script_module(file, methods);
    return file;
  }
  std::filesystem::path with_contents(const std::string& contents) {
    const auto file = folder_ / ("file-" + std::to_string(++count_) + ".pt");
    write_atomically(file, contents);
    return file;
  }

  TemporaryFolder folder_;
  int count_ = 0;
};

template <class S>
class ScriptLossInScalar : public ScriptLossTest {};

class ScalarName {
 public:
  template <class S>
  static std::string GetName(int) {
    return std::is_same_v<S, float> ? "float" : "double";
  }
};

using Scalars = ::testing::Types<float, double>;
TYPED_TEST_SUITE(ScriptLossInScalar, Scalars, ScalarName);

TYPED_TEST(ScriptLossInScalar, the_right_example_is_the_reference_and_the_unsorted_one_is_not) {
  using S = TypeParam;
  const auto files = write_script_examples(this->folder_.path());
  ASSERT_EQ(files.size(), 3U);
  const ScriptLoss<S> right(files[0]), unsorted(files[1]), root(files[2]);
  std::uint32_t number = 0;
  for (const Shape shape : kShapes) {
    const auto given = random_case<S>(shape, number += 10);
    const Exact exact(given);
    const auto got = right.evaluate(given.z, given.y, given.directions);
    EXPECT_LE(value_ratio<S>(got, exact), 1.0) << "n " << shape.n << ", d " << shape.d;
    EXPECT_LE(gradient_ratio<S>(got, exact), 1.0) << "n " << shape.n << ", d " << shape.d;
    EXPECT_EQ(got.per_direction.size(), 0);
    // away from 0 the square of the root is the loss up to a few roundings in double: 2 for the value, 6 for the gradient, below the 8 and 12 allowed
    const auto by_root = root.evaluate(given.z, given.y, given.directions);
    EXPECT_LE(value_ratio<S>(by_root, exact), 1.0);
    EXPECT_LE(gradient_ratio<S>(by_root, exact), 1.0);
    // the judges refuse what is wrong
    auto flipped = got;
    flipped.gradient = -flipped.gradient;
    EXPECT_GT(gradient_ratio<S>(flipped, exact), 1.0);
    if (shape.n < 3) continue;  // random rows of two points may be in order already
    const auto wrong = unsorted.evaluate(given.z, given.y, given.directions);
    EXPECT_GT(value_ratio<S>(wrong, exact), 1.0) << "n " << shape.n << ", d " << shape.d;
    EXPECT_GT(gradient_ratio<S>(wrong, exact), 1.0) << "n " << shape.n << ", d " << shape.d;
  }
}

TYPED_TEST(ScriptLossInScalar, equal_clouds) {
  using S = TypeParam;
  const auto files = write_script_examples(this->folder_.path());
  const auto given = random_case<S>({9, 3, 4}, 500);
  const auto right = ScriptLoss<S>(files[0]).evaluate(given.z, given.z, given.directions);
  EXPECT_EQ(right.value, 0.0);
  EXPECT_EQ(right.gradient.cwiseAbs().maxCoeff(), S{0});
  const auto root = ScriptLoss<S>(files[2]).evaluate(given.z, given.z, given.directions);
  EXPECT_EQ(root.value, 0.0);
  EXPECT_TRUE(root.gradient.array().isNaN().any()) << "the defect of this example";
}

TYPED_TEST(ScriptLossInScalar, values_are_those_of_single_directions_and_arguments_may_be_blocks) {
  using S = TypeParam;
  const ScriptLoss<S> loss(write_script_examples(this->folder_.path())[0]);
  const auto given = random_case<S>({20, 3, 6}, 600);
  const auto all = loss.evaluate(given.z, given.y, given.directions);
  const Vector<double> values = loss.values(given.z, given.y, given.directions);
  ASSERT_EQ(values.size(), 6);
  for (Index l = 0; l < 6; ++l) EXPECT_LE(value_ratio<S>({values[l], {}, {}}, Exact(Case<S>{given.z, given.y, given.directions.row(l)})), 1.0);
  Points<S> larger = Points<S>::Constant(22, 9, S{7});
  larger.block(1, 2, 20, 3) = given.z;
  const auto of_block = loss.evaluate(larger.block(1, 2, 20, 3), given.y, given.directions);
  EXPECT_EQ(of_block.value, all.value);
  EXPECT_EQ(of_block.gradient, all.gradient);
  EXPECT_EQ(loss.exponent(), 2.0);
  EXPECT_THAT(std::string(loss.name()), HasSubstr("torchscript:" + this->folder_.path().string()));
}

TYPED_TEST(ScriptLossInScalar, the_same_bits_for_any_number_of_threads_and_at_every_call) {
  using S = TypeParam;
  constexpr Index kCases = 24;
  const ScriptLoss<S> loss(write_script_examples(this->folder_.path())[0]);
  std::vector<Case<S>> cases;
  for (Index i = 0; i < kCases; ++i) cases.push_back(random_case<S>({30 + i, 4, 5}, static_cast<std::uint32_t>(700 + 10 * i)));
  const auto evaluate_all = [&](int threads) {
    const ScopedThreads scoped(threads);
    std::vector<LossGradient<S>> out(kCases);
    parallel_for(kCases, [&](Index i) {
      const auto& given = cases[static_cast<std::size_t>(i)];
      out[static_cast<std::size_t>(i)] = loss.evaluate(given.z, given.y, given.directions);
    });
    return out;
  };
  const auto expected = evaluate_all(1);
  for (const int threads : {1, 2, 5}) {
    const auto got = evaluate_all(threads);
    for (std::size_t i = 0; i < cases.size(); ++i) {
      EXPECT_EQ(got[i].value, expected[i].value) << threads << " threads, case " << i;
      EXPECT_EQ(got[i].gradient, expected[i].gradient) << threads << " threads, case " << i;
    }
  }
  // threads that OpenMP did not make
  std::vector<LossGradient<S>> got(4);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < got.size(); ++t) threads.emplace_back([&, t] { got[t] = loss.evaluate(cases[0].z, cases[0].y, cases[0].directions); });
  for (auto& thread : threads) thread.join();
  for (const auto& one : got) {
    EXPECT_EQ(one.value, expected[0].value);
    EXPECT_EQ(one.gradient, expected[0].gradient);
  }
}

TYPED_TEST(ScriptLossInScalar, arguments_that_no_loss_accepts_are_input_errors) {
  using S = TypeParam;
  const ScriptLoss<S> loss(write_script_examples(this->folder_.path())[0]);
  auto given = random_case<S>({4, 3, 2}, 800);
  EXPECT_NO_THROW((void)loss.evaluate(given.z, given.y, given.directions));
  given.z(2, 1) = std::numeric_limits<S>::quiet_NaN();
  EXPECT_THROW((void)loss.evaluate(given.z, given.y, given.directions), InputError);
  EXPECT_THROW((void)loss.values(given.z, given.y, given.directions), InputError);
}

/// The sentence of the InputError with which the file is refused.
std::string refusal(const std::filesystem::path& file) {
  try {
    (void)ScriptModule::load(file);
  } catch (const InputError& error) {
    const std::string sentence = error.what();
    EXPECT_THAT(sentence, HasSubstr(file.string()));
    EXPECT_EQ(sentence.find('\n'), std::string::npos) << sentence;
    return sentence;
  }
  return "accepted";
}

TEST_F(ScriptLossTest, files_that_are_no_archives_are_refused) {
  const auto good = written(forward(kLoss + "return loss"));
  EXPECT_EQ(refusal(good), "accepted");
  const std::string archive = read_file(good);
  EXPECT_THAT(refusal(folder_ / "missing.pt"), HasSubstr("No such file"));
  EXPECT_THAT(refusal(folder_.path()), HasSubstr("it is a folder"));
  EXPECT_THAT(refusal(with_contents("")), HasSubstr("the file is empty"));
  EXPECT_THAT(refusal(with_contents("a text, not an archive\n")), HasSubstr("no TorchScript archive"));
  EXPECT_THAT(refusal(with_contents("x")), HasSubstr("no TorchScript archive"));
  for (const std::size_t kept : {std::size_t{4}, std::size_t{100}, archive.size() / 2, archive.size() - 1})
    EXPECT_THAT(refusal(with_contents(archive.substr(0, kept))), HasSubstr("no TorchScript archive")) << kept << " bytes";
  // Damaged anywhere: refused in one sentence, or, where nothing that counts was hit (padding, traces), accepted.
  int refused = 0;
  for (std::size_t first = 0; first + 16 <= archive.size(); first += 16) {
    std::string damaged = archive;
    for (std::size_t i = first; i < first + 16; ++i) damaged[i] = static_cast<char>(~damaged[i]);
    refused += refusal(with_contents(damaged)) == "accepted" ? 0 : 1;
  }
  EXPECT_GT(refused, 20);
}

TEST_F(ScriptLossTest, wrong_signatures_are_refused) {
  EXPECT_THAT(refusal(written("def loss(self, X, Y, directions):\n    return torch.mean(X)\n")), HasSubstr("no method forward"));
  EXPECT_THAT(refusal(written(forward("return torch.mean(X - Y)", "X, Y"))), HasSubstr("forward(X: Tensor, Y: Tensor); expected three tensors"));
  EXPECT_THAT(refusal(written(forward("return torch.mean(X - Y)", "X, Y, directions, p"))), HasSubstr("p: Tensor"));
  EXPECT_THAT(refusal(written(forward("return torch.mean(X - Y)", "X, Y, directions: int"))), HasSubstr("directions: int"));
  EXPECT_THAT(refusal(written(forward("return torch.mean(X - Y)", "X, Y, directions: List[Tensor]"))), HasSubstr("List[Tensor]"));
}

TEST_F(ScriptLossTest, results_that_are_no_loss_are_refused) {
  const std::string shape = "X and Y of shape (3, 2) and directions of shape (2, 2)";
  EXPECT_THAT(refusal(written(forward(kLoss + "return [loss, loss]"))), AllOf(HasSubstr("forward returned List[Tensor]"), HasSubstr(shape)));
  EXPECT_THAT(refusal(written(forward(kLoss + "return loss.item()"))), HasSubstr("expected a tensor with one number"));
  EXPECT_THAT(refusal(written(forward(kGaps + "return torch.mean(gaps * gaps, 0)"))), HasSubstr("a tensor of shape (2); expected one number"));
  EXPECT_THAT(refusal(written(forward(kGaps + "return gaps"))), HasSubstr("a tensor of shape (3, 2)"));
  EXPECT_THAT(refusal(written(forward(kLoss + "return loss * float('nan')"))), HasSubstr("forward returned nan"));
  EXPECT_THAT(refusal(written(forward(kLoss + "return loss / 0.0"))), HasSubstr("forward returned inf"));
  EXPECT_THAT(refusal(written(forward(kLoss + "return loss.long()"))), HasSubstr("type Long; expected float or double"));
  EXPECT_THAT(refusal(written(forward(kLoss + "return loss.half()"))), HasSubstr("type Half"));
  EXPECT_THAT(refusal(written(forward(kLoss + "return loss.detach()"))), HasSubstr("it is detached from X"));
  EXPECT_THAT(refusal(written(forward("return torch.mean(Y)"))), HasSubstr("it is detached from X"));
  EXPECT_THAT(refusal(written(forward("assert False, 'no such luck\\nand more'\n" + kLoss + "return loss"))),
              AllOf(HasSubstr("forward raised an exception"), HasSubstr("no such luck")));
  EXPECT_THAT(refusal(written(forward("return torch.mean(torch.matmul(X, Y))"))), HasSubstr("mat1 and mat2 shapes cannot be multiplied"));
  // Wrong for one direction, or for other sizes than those of an example: what a traced module often is.
  EXPECT_THAT(refusal(written(forward(kGaps + "return torch.mean(torch.squeeze(gaps * gaps)[:, 0])"))), HasSubstr("directions of shape (1, 2)"));
  EXPECT_THAT(refusal(written(forward("X = X.view(3, 2)\n" + kLoss + "return loss"))), HasSubstr("X and Y of shape (5, 3)"));
  // One number in a tensor with axes is one number.
  EXPECT_EQ(refusal(written(forward(kLoss + "return loss.view(1, 1)"))), "accepted");
}

TEST_F(ScriptLossTest, a_result_with_a_gradient_that_does_not_come_from_x_is_refused) {
  torch::jit::Module module("__torch__.Constant");
  module.register_parameter("level", torch::ones({}, torch::kDouble), false);
  module.define(forward("return self.level * 2.0"));
  std::ostringstream archive;
  module.save(archive);
  EXPECT_THAT(refusal(with_contents(archive.str())), HasSubstr("it is detached from X"));
}

TEST_F(ScriptLossTest, the_scalar_type_is_found_out) {
  const auto both = ScriptModule::load(written(forward(kLoss + "return loss")));
  EXPECT_TRUE(both->accepts_double() && both->accepts_float() && !both->single());

  const auto float_only = written(forward("assert X.dtype == 6, 'expected float32'\n" + kLoss + "return loss"));
  const auto rounds = written(forward("X = X.float()\nY = Y.float()\ndirections = directions.float()\n" + kLoss + "return loss"));
  const Case<float> given = random_case<float>({6, 2, 3}, 900);
  for (const auto& file : {float_only, rounds}) {
    const auto module = ScriptModule::load(file);
    EXPECT_TRUE(!module->accepts_double() && module->accepts_float() && module->single());
    EXPECT_THROW(ScriptLoss<double> refused(module), InputError);
    const LossSubject subject = torchscript_subject(file);
    EXPECT_TRUE(subject.single());
    const Exact exact(given);
    const auto got = subject.evaluate(exact.z, exact.y, exact.directions, 2.0);
    EXPECT_LE(gradient_ratio<double>(got, exact), 1.0);
    EXPECT_EQ(got.value, static_cast<double>(static_cast<float>(got.value)));
  }

  const auto double_only = ScriptModule::load(written(forward("assert X.dtype == 7, 'expected float64'\n" + kLoss + "return loss")));
  EXPECT_TRUE(double_only->accepts_double() && !double_only->accepts_float() && !double_only->single());
  EXPECT_THROW(ScriptLoss<float> refused(double_only), InputError);

  EXPECT_THAT(refusal(written(forward("assert X.dtype == 5, 'expected half'\n" + kLoss + "return loss"))),
              AllOf(HasSubstr("for double tensors"), HasSubstr("for float tensors"), HasSubstr("expected half")));
}

/// The sentence of the Error, which must not be an InputError, of an evaluation.
template <class Call>
std::string failure(Call&& call) {
  try {
    (void)call();
  } catch (const InputError& error) {
    return std::string("InputError: ") + error.what();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST_F(ScriptLossTest, what_goes_wrong_later_is_no_input_error) {
  Case<double> given = random_case<double>({4, 2, 3}, 1000);
  given.z(0, 0) = 100.0;  // beyond the clouds of the trial
  const auto failure_of = [&](const std::string& at_large) {
    const auto file = written(forward(kLoss + "if bool(X[0, 0] > 50.0):\n    " + at_large + "\nreturn loss"));
    const ScriptLoss<double> loss(file);
    const std::string sentence = failure([&] { return loss.evaluate(given.z, given.y, given.directions); });
    EXPECT_THAT(sentence, HasSubstr("torchscript:" + file.string() + ": "));
    return sentence;
  };
  EXPECT_THAT(failure_of("assert False, 'too far'"), HasSubstr("forward raised an exception: RuntimeError: AssertionError: too far"));
  EXPECT_THAT(failure_of("loss = loss.detach()"), HasSubstr("detached from X"));
  EXPECT_THAT(failure_of("loss = X"), HasSubstr("a tensor of shape (4, 2)"));
  EXPECT_THAT(failure_of("loss = loss.long()"), HasSubstr("type Long"));

  const ScriptLoss<double> infinite(written(forward(kLoss + "if bool(X[0, 0] > 50.0):\n    loss = loss * float('nan')\nreturn loss")));
  EXPECT_TRUE(std::isnan(infinite.evaluate(given.z, given.y, given.directions).value)) << "handed on, for the claims to judge";
}

TEST_F(ScriptLossTest, an_evaluation_leaves_nothing_behind) {
  const Case<double> given = random_case<double>({5, 2, 3}, 1100);
  const auto evaluate = [&](const ScriptLoss<double>& loss) { return loss.evaluate(given.z, given.y, given.directions).value; };

  torch::jit::Module counting("__torch__.Counting");
  counting.register_buffer("calls", torch::zeros({}, torch::kDouble));
  counting.define(forward(kLoss + "self.calls = self.calls + 1.0\nreturn loss * self.calls"));
  std::ostringstream archive;
  counting.save(archive);
  const ScriptLoss<double> with_state(with_contents(archive.str()));
  const double first = evaluate(with_state);
  EXPECT_LE(value_ratio<double>({first, {}, {}}, Exact(given)), 1.0) << "the first call: factor 1";
  EXPECT_EQ(evaluate(with_state), first);

  const ScriptLoss<double> random(written(forward(kLoss + "return loss * torch.rand([1]).double()")));
  torch::manual_seed(7);
  const double drawn = torch::rand({1}).item<double>();
  const double next = torch::rand({1}).item<double>();
  torch::manual_seed(7);
  EXPECT_EQ(torch::rand({1}).item<double>(), drawn);
  EXPECT_EQ(evaluate(random), evaluate(random));
  EXPECT_EQ(torch::rand({1}).item<double>(), next) << "the program's own random numbers go on where they were";

  const auto before = given.y;
  const ScriptLoss<double> writes(written(forward(kLoss + "Y.zero_()\nreturn loss")));
  EXPECT_LE(value_ratio<double>({evaluate(writes), {}, {}}, Exact(given)), 1.0);
  EXPECT_EQ(given.y, before) << "scripts get copies";
}

/// The claim with every case moved to p = 2.
Claim at_two(Claim claim) {
  for (LossCheck& check : claim.checks) {
    check.judge = [judge = check.judge](const LossSubject& subject, LossCase c) {
      c.p = 2.0;
      return judge(subject, c);
    };
  }
  return claim;
}

TEST_F(ScriptLossTest, claims_hold_for_the_right_example_and_refute_the_defects) {
  const auto files = write_script_examples(folder_.path());
  std::vector<LossSubject> subjects;
  for (const auto& file : files) subjects.push_back(torchscript_subject(file));
  // float inside, double outside: it passes for double, and is judged as double
  subjects.push_back(torchscript_subject(written(forward("X = X.float()\nY = Y.float()\ndirections = directions.float()\n" + kLoss + "return loss.double()"))));
  EXPECT_FALSE(subjects[3].single());
  EXPECT_EQ(subjects[0].name, "torchscript:" + files[0].string());
  EXPECT_FALSE(subjects[0].single());
  SilentProgress progress;
  std::vector<std::string> refuted(subjects.size());
  for (const std::string id : {"L1", "L2", "L5", "L6"}) {
    for (std::size_t i = 0; i < subjects.size(); ++i) {
      const Verdict verdict = verify(at_two(claim_by_id(id)), subjects[i], {.cases = 150, .stop_at_first = true}, progress);
      if (verdict.outcome == Outcome::refuted) refuted[i] += id + " ";
      if (i == 0) {
        EXPECT_NE(verdict.outcome, Outcome::refuted) << id << ": " << verdict.detail;
      }
    }
  }
  EXPECT_EQ(refuted[0], "");
  EXPECT_THAT(refuted[1], AllOf(HasSubstr("L1"), HasSubstr("L5")));
  EXPECT_EQ(refuted[2], "L6 ") << "NaN where v = 0";
  EXPECT_THAT(refuted[3], HasSubstr("L1"));
}

TEST_F(ScriptLossTest, no_subject_is_asked_for_another_exponent) {
  const LossSubject subject = torchscript_subject(write_script_examples(folder_.path())[0]);
  const Case<double> given = random_case<double>({5, 2, 3}, 1200);
  EXPECT_NO_THROW((void)subject.evaluate(given.z, given.y, given.directions, 2.0));
  for (const double p : {1.0, 1.5, 3.0, std::numeric_limits<double>::quiet_NaN()})
    EXPECT_THAT(failure([&] { return subject.evaluate(given.z, given.y, given.directions, p); }), HasSubstr("judged at p = 2 only"));
}

TEST_F(ScriptLossTest, a_source_that_does_not_compile_is_an_error) {
  EXPECT_THAT(failure([&] {
                write_script_module(folder_ / "wrong.pt", forward("return nothing_known"));
                return 0;
              }),
              HasSubstr("nothing_known"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "wrong.pt"));
}

}  // namespace
}  // namespace slicecheck
