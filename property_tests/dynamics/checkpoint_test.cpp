/// Checkpoints: every bit of a record, and every damage.

#include "slicecheck/dynamics/checkpoint.h"

#include <gtest/gtest.h>

#include <limits>

#include "dynamics/record_equality.h"
#include "slicecheck/core/error.h"
#include "slicecheck/core/files.h"
#include "slicecheck/core/sealed.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

template <class S>
TrainingRecord<S> full_record() {
  using Limits = std::numeric_limits<double>;
  TrainingRecord<S> record;
  record.state.step = (std::uint64_t{1} << 39) + 1;
  record.state.u = Vector<S>::LinSpaced(8, S(-1.1), S(2.3));
  record.state.u[3] = std::numeric_limits<S>::denorm_min();
  record.state.memory = {Vector<S>::LinSpaced(2, S(-0.7), S(0.3)), Vector<S>(), Vector<S>::Constant(1, -S{0})};
  record.u0 = Vector<S>::LinSpaced(8, S(0.1), S(-0.0));
  record.time = 1.0 / 3.0;
  record.rows = {{9, 0.1, 0.05, 1.0 / 7.0, 2.5, Limits::max(), 4}, {18, 0.2, -0.0, Limits::denorm_min(), Limits::infinity(), 1e-300, 0}};
  record.evaluations = {{0, {}}, {35, {1.0, -0.0, Limits::quiet_NaN()}}};
  record.schedule_memory = {0.05, Limits::max(), 1.0};
  record.loss_sum = 0.1 + 0.2;
  record.phi_sum = -1.5;
  record.summed = 3;
  record.on_sphere = 2;
  record.epoch_sum = 1e-17;
  return record;
}

template <class S>
class CheckpointTest : public ::testing::Test {
 protected:
  /// What the checkpoint with these bytes is refused with; "accepted" if it is not.
  std::string refusal(const std::string& bytes) {
    write_atomically(folder_ / "damaged", bytes);
    try {
      (void)load_checkpoint<S>(folder_ / "damaged", "print");
    } catch (const InputError& error) {
      return error.what();
    }
    return "accepted";
  }

  TemporaryFolder folder_;
};
using Scalars = ::testing::Types<float, double>;
TYPED_TEST_SUITE(CheckpointTest, Scalars);

TYPED_TEST(CheckpointTest, keeps_every_bit) {
  using S = TypeParam;
  const TrainingRecord<S> record = full_record<S>();
  save_checkpoint(this->folder_ / "file", "print", record);
  expect_equal_records(load_checkpoint<S>(this->folder_ / "file", "print"), record);
  const TrainingRecord<S> empty;
  save_checkpoint(this->folder_ / "file", "", empty);
  expect_equal_records(load_checkpoint<S>(this->folder_ / "file", ""), empty);
  EXPECT_EQ(this->folder_.entries(), 1U);
}

/// Adam without its moments would be another training.
TYPED_TEST(CheckpointTest, adam_goes_on_from_a_checkpoint_as_if_nothing_had_been) {
  using S = TypeParam;
  const Adam<S> adam(0.5, 0.999);
  const RandomStream noise(1, Purpose::noise, 0, 0);
  const auto phi = [](int step) { return Vector<S>(Vector<S>::LinSpaced(4, S(-1), S(2)).array() * static_cast<S>(step % 3 - 1)); };
  TrainingRecord<S> record;
  record.state = adam.start(Vector<S>::LinSpaced(4, S(0.1), S(0.9)));
  for (int step = 1; step <= 4; ++step) adam.advance(record.state, phi(step), 0.01, noise);
  save_checkpoint(this->folder_ / "file", "print", record);
  TrainingRecord<S> loaded = load_checkpoint<S>(this->folder_ / "file", "print");
  expect_equal_records(loaded, record);
  for (int step = 5; step <= 8; ++step) {
    adam.advance(record.state, phi(step), 0.01, noise);
    adam.advance(loaded.state, phi(step), 0.01, noise);
  }
  expect_equal_records(loaded, record);
  loaded.state.memory.clear();
  EXPECT_THROW(adam.advance(loaded.state, phi(1), 0.01, noise), InputError);
}

TYPED_TEST(CheckpointTest, checkpoints_from_before_schemes_had_a_memory_are_read) {
  using S = TypeParam;
  TrainingRecord<S> record = full_record<S>();
  save_checkpoint(this->folder_ / "file", "print", record);
  auto body = unseal(read_file(this->folder_ / "file"));
  body.erase("memory");
  write_atomically(this->folder_ / "file", seal(body));
  record.state.memory.clear();
  expect_equal_records(load_checkpoint<S>(this->folder_ / "file", "print"), record);
  body["memory"] = nlohmann::json::array({1, 2});
  EXPECT_NE(this->refusal(seal(body)).find("damaged"), std::string::npos);
}

TYPED_TEST(CheckpointTest, the_comparison_sees_a_single_bit) {
  using S = TypeParam;
  EXPECT_FALSE(same_bits<S>(Vector<S>::Constant(1, S{0}), Vector<S>::Constant(1, -S{0})));
  EXPECT_FALSE(same_bits(1.0, std::nextafter(1.0, 2.0)));
}

TYPED_TEST(CheckpointTest, another_fingerprint_is_refused) {
  using S = TypeParam;
  save_checkpoint(this->folder_ / "file", "print", full_record<S>());
  for (const char* other : {"", "Print", "print "}) EXPECT_THROW((void)load_checkpoint<S>(this->folder_ / "file", other), InputError) << other;
}

TYPED_TEST(CheckpointTest, every_truncation_is_refused) {
  using S = TypeParam;
  save_checkpoint(this->folder_ / "file", "print", full_record<S>());
  const std::string bytes = read_file(this->folder_ / "file");
  ASSERT_EQ(this->refusal(bytes), "accepted");
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const std::string sentence = this->refusal(bytes.substr(0, size));
    ASSERT_NE(sentence, "accepted") << size << " of " << bytes.size() << " bytes";
    ASSERT_NE(sentence.find("damaged"), std::string::npos) << sentence;
  }
  EXPECT_NE(this->refusal(bytes + "x"), "accepted");
}

TYPED_TEST(CheckpointTest, other_files_are_refused) {
  EXPECT_NE(this->refusal("no checkpoint at all"), "accepted");
  EXPECT_NE(this->refusal(std::string(1000, '\0')), "accepted");
  EXPECT_NE(this->refusal("\xA0"), "accepted") << "an empty CBOR map";
  EXPECT_NE(this->refusal("{}"), "accepted");
  EXPECT_THROW((void)load_checkpoint<TypeParam>(this->folder_ / "missing", "print"), InputError);
}

/// The checksum sees every flipped bit; none ends in anything but an InputError.
TYPED_TEST(CheckpointTest, every_flipped_bit_is_refused) {
  using S = TypeParam;
  save_checkpoint(this->folder_ / "file", "print", full_record<S>());
  const std::string bytes = read_file(this->folder_ / "file");
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (const int mask : {0x01, 0x20, 0x80}) {
      std::string damaged = bytes;
      damaged[i] = static_cast<char>(damaged[i] ^ mask);
      EXPECT_NO_THROW(EXPECT_NE(this->refusal(damaged), "accepted")) << "byte " << i;
    }
  }
}

TYPED_TEST(CheckpointTest, the_scalar_is_part_of_it) {
  using S = TypeParam;
  using Other = std::conditional_t<std::is_same_v<S, float>, double, float>;
  // 8 doubles have the bytes of 16 floats, which would be another training.
  save_checkpoint(this->folder_ / "file", "print", full_record<S>());
  EXPECT_THROW((void)load_checkpoint<Other>(this->folder_ / "file", "print"), InputError);
}

TYPED_TEST(CheckpointTest, a_megabyte_of_brackets_is_refused) {
  // Readers that call themselves for every level ended by a signal here: arrays, maps, and strings in pieces.
  for (const char byte : {'\x81', '\xA1', '\x5F', '\x7F', '\x9F', '\xBF', '\xC1'}) {
    const std::string deep(1 << 20, byte);
    EXPECT_NE(this->refusal(deep).find("damaged"), std::string::npos) << static_cast<int>(byte);
  }
}

TYPED_TEST(CheckpointTest, counts_that_are_none_are_refused) {
  using S = TypeParam;
  save_checkpoint(this->folder_ / "file", "print", full_record<S>());
  const nlohmann::json body = unseal(read_file(this->folder_ / "file"));
  ASSERT_EQ(this->refusal(seal(body)), "accepted");
  for (const char* name : {"step", "summed", "on_sphere"})
    for (const nlohmann::json& value : {nlohmann::json(1e45), nlohmann::json(-1), nlohmann::json(2.5), nlohmann::json("3")}) {
      auto changed = body;
      changed[name] = value;
      EXPECT_NE(this->refusal(seal(changed)).find("whole number"), std::string::npos) << name << " " << value;
    }
}

}  // namespace
}  // namespace slicecheck::testing
