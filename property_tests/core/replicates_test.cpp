/// Replicates over threads and ranks: the same bits however the work was divided, interrupted and taken up again.

#include "slicecheck/core/replicates.h"

#include <gtest/gtest.h>

#include <atomic>
#include <bit>
#include <cstring>
#include <fstream>
#include <limits>
#include <map>
#include <set>

#include "slicecheck/core/error.h"
#include "slicecheck/core/files.h"
#include "slicecheck/core/random.h"
#include "slicecheck/core/replicate_parts.h"
#include "support/process.h"
#include "support/thread_ranks.h"

namespace slicecheck::testing {
namespace {

namespace fs = std::filesystem;

constexpr Index kCount = 37;
constexpr Index kWidth = 5;

/// A row whose bits tell its number: uniforms, and every value that a careless copy would change.
void fill_row(Index replicate, Eigen::Ref<Eigen::RowVectorXd> row) {
  using Limits = std::numeric_limits<double>;
  const auto u = RandomStream(3, Purpose::cases, static_cast<std::uint32_t>(replicate), 0).uniforms(0);
  row << u[0], std::bit_cast<double>(0x7FF8'0000'0000'0000ULL + static_cast<std::uint64_t>(replicate)), -0.0, Limits::denorm_min(), Limits::infinity();
  if (replicate % 3 == 1) row.setConstant(std::bit_cast<double>(0xFFF4'0000'DEAD'BEEFULL));  // a signalling NaN
}

Points<double> expected_table() {
  Points<double> table(kCount, kWidth);
  for (Index i = 0; i < kCount; ++i) fill_row(i, table.row(i));
  return table;
}

bool same_bits(const Points<double>& a, const Points<double>& b) {
  return a.rows() == b.rows() && a.cols() == b.cols() && std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(double)) == 0;
}

struct Killed final : std::runtime_error {
  Killed() : std::runtime_error("killed") {}
};

class Replicates : public ::testing::Test {
 protected:
  ReplicateSettings settings(bool resume) const { return {folder_ / "rows", "print", 0.0, resume}; }

  /// All rows on `size` ranks; every rank must get the expected bits. Returns how many rows were computed. Ends with `Killed` when `rows_before_kill` are done.
  int run(int size, const ReplicateSettings& settings, int rows_before_kill = std::numeric_limits<int>::max()) const {
    std::atomic<int> computed{0};
    std::atomic<int> begun{0};
    run_on_ranks(size, [&](Ranks& ranks) {
      SilentProgress progress;
      const auto table = run_replicates(
          kCount, kWidth,
          [&](Index replicate, Eigen::Ref<Eigen::RowVectorXd> row) {
            if (begun++ >= rows_before_kill) throw Killed();
            fill_row(replicate, row);
            ++computed;
          },
          settings, ranks, "rows", progress);
      if (!same_bits(table, expected_table())) throw std::runtime_error(fmt::format("rank {} of {} has other bits", ranks.rank(), size));
    });
    return computed.load();
  }

  /// What a run on one rank that takes up the folder's rows is refused with; "accepted" if it is not.
  std::string refusal(const ReplicateSettings& settings, Index count = kCount, Index width = kWidth) const {
    SingleRank alone;
    SilentProgress progress;
    try {
      (void)run_replicates(
          count, width, [](Index, Eigen::Ref<Eigen::RowVectorXd>) {}, settings, alone, "rows", progress);
    } catch (const InputError& error) {
      return error.what();
    }
    return "accepted";
  }

  std::set<std::string> files() const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_ / "rows")) names.insert(entry.path().filename().string());
    return names;
  }

  TemporaryFolder folder_;
};

TEST_F(Replicates, every_row_once_and_the_same_bits_on_every_rank) {
  for (const int threads : {1, 2, 3}) {
    const ScopedThreads scope(threads);
    for (const int size : {1, 2, 4, 50}) EXPECT_EQ(run(size, {}), kCount) << size << " ranks, " << threads << " threads";
  }
  EXPECT_EQ(folder_.entries(), 0U);
}

TEST_F(Replicates, the_comparison_sees_the_payload_of_a_nan) {
  Points<double> other = expected_table();
  ASSERT_TRUE(same_bits(other, expected_table()));
  other(4, 1) = std::bit_cast<double>(std::bit_cast<std::uint64_t>(other(4, 1)) ^ 1U);
  EXPECT_FALSE(same_bits(other, expected_table()));
}

TEST_F(Replicates, killed_again_and_again_with_another_number_of_ranks) {
  const ScopedThreads scope(1);
  // A rank of one thread saves after every row, so no row is computed twice: rows of earlier runs are neither lost nor forgotten.
  int left = kCount;
  bool resume = false;
  for (const auto& [size, rows] : {std::pair{4, 9}, {1, 5}, {3, 7}, {2, 1}, {4, 0}, {2, 8}}) {
    EXPECT_THROW(run(size, settings(resume), rows), Killed);
    resume = true;
    left -= rows;
  }
  EXPECT_EQ(run(3, settings(true)), left);
  EXPECT_EQ(run(4, settings(true)), 0);
}

TEST_F(Replicates, killed_with_several_threads_in_every_rank) {
  const ScopedThreads scope(3);
  EXPECT_THROW(run(2, settings(false), 20), Killed);
  // How many rows were saved is a matter of time here: a thread does not wait while another one saves.
  const int computed = run(4, settings(true));
  EXPECT_GE(computed, kCount - 20);
  EXPECT_LT(computed, kCount);
  EXPECT_EQ(run(1, settings(true)), 0);
}

TEST_F(Replicates, rows_are_saved_at_the_end_and_not_before_it_is_time) {
  ReplicateSettings slow = settings(false);
  slow.checkpoint_seconds = 1e9;
  EXPECT_THROW(run(1, slow, 20), Killed);
  EXPECT_FALSE(fs::exists(folder_ / "rows"));
  slow.resume = true;
  EXPECT_EQ(run(2, slow), kCount);
  EXPECT_EQ(files(), (std::set<std::string>{"part-0.cbor", "part-1.cbor"}));
  EXPECT_EQ(run(1, slow), 0);
  EXPECT_EQ(files(), (std::set<std::string>{"earlier.cbor"}));
}

TEST_F(Replicates, a_new_start_forgets_the_rows_of_the_folder) {
  EXPECT_EQ(run(4, settings(false)), kCount);
  write_atomically(folder_ / "rows" / "part-1.cbor.77.partial", "half a file");
  write_atomically(folder_ / "rows" / "earlier.cbor", "damaged");
  EXPECT_EQ(run(2, settings(false)), kCount);
  EXPECT_EQ(files(), (std::set<std::string>{"part-0.cbor", "part-1.cbor"}));
}

TEST_F(Replicates, files_of_others_stay) {
  write_atomically(folder_ / "rows" / "two-moons.cbor", "a training's");
  EXPECT_EQ(run(1, settings(false)), kCount);
  EXPECT_EQ(run(1, settings(true)), 0);
  EXPECT_EQ(files(), (std::set<std::string>{"earlier.cbor", "two-moons.cbor"}));
}

TEST_F(Replicates, a_kill_between_merging_and_removing_does_no_harm) {
  const ScopedThreads scope(1);
  EXPECT_THROW(run(1, settings(false), 10), Killed);
  const std::string part = read_file(folder_ / "rows" / "part-0.cbor");
  EXPECT_THROW(run(1, settings(true), 0), Killed);
  ASSERT_EQ(files(), (std::set<std::string>{"earlier.cbor"}));
  write_atomically(folder_ / "rows" / "part-0.cbor", part);
  write_atomically(folder_ / "rows" / "earlier.cbor.5.partial", part);
  EXPECT_EQ(run(1, settings(true)), kCount - 10);
}

TEST_F(Replicates, rows_of_other_settings_are_refused) {
  EXPECT_EQ(run(2, settings(false)), kCount);
  ReplicateSettings other = settings(true);
  other.fingerprint = "Print";
  for (const std::string& sentence : {refusal(other), refusal(settings(true), kCount + 1), refusal(settings(true), kCount, kWidth + 1)}) {
    EXPECT_NE(sentence.find("other settings"), std::string::npos) << sentence;
    EXPECT_NE(sentence.find((folder_ / "rows").string()), std::string::npos) << sentence;
  }
  EXPECT_EQ(files(), (std::set<std::string>{"part-0.cbor", "part-1.cbor"}));
  EXPECT_EQ(run(1, settings(true)), 0) << "a refusal changes nothing";
}

TEST_F(Replicates, damaged_files_are_refused) {
  EXPECT_EQ(run(2, settings(false)), kCount);
  const fs::path part = folder_ / "rows" / "part-1.cbor";
  const std::string bytes = read_file(part);
  const auto refused_by_name = [&](const std::string& damaged) {
    write_atomically(part, damaged);
    return refusal(settings(true)).find("part-1.cbor: a damaged checkpoint") != std::string::npos;
  };
  for (std::size_t size = 0; size < bytes.size(); size += 7) EXPECT_TRUE(refused_by_name(bytes.substr(0, size))) << size;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x20);
    EXPECT_TRUE(refused_by_name(damaged)) << "byte " << i;
  }
  write_atomically(part, bytes);
  EXPECT_EQ(run(1, settings(true)), 0);
}

TEST_F(Replicates, files_that_no_run_writes_are_refused) {
  const PartsOfTable table{folder_ / "rows", "print", kCount, kWidth};
  const std::vector<double> row(kWidth, 1.0);
  for (const DoneRows& rows : {DoneRows{{kCount}, row}, DoneRows{{-1}, row}, DoneRows{{0, 1}, row}}) {
    save_part(table, 0, rows);
    EXPECT_NE(refusal(settings(true)).find("damaged"), std::string::npos);
  }
}

TEST_F(Replicates, files_that_contradict_each_other_are_refused) {
  const PartsOfTable table{folder_ / "rows", "print", kCount, kWidth};
  std::vector<double> row(kWidth, std::numeric_limits<double>::quiet_NaN());
  save_part(table, 0, {{7}, row});
  save_part(table, 2, {{7}, row});
  EXPECT_EQ(refusal(settings(true)), "accepted") << "equal NaN are equal";
  remove_parts(table);
  row[4] = 0.0;
  save_part(table, 0, {{7}, row});
  row[4] = -0.0;
  save_part(table, 2, {{7}, row});
  EXPECT_NE(refusal(settings(true)).find("row 7"), std::string::npos);
}

TEST_F(Replicates, an_error_is_that_of_the_smallest_replicate_and_ends_the_work) {
  for (const int threads : {1, 2, 4}) {
    const ScopedThreads scope(threads);
    std::atomic<int> begun{0};
    SingleRank alone;
    SilentProgress progress;
    const auto compute = [&](Index i, Eigen::Ref<Eigen::RowVectorXd>) {
      ++begun;
      if (i % 10 == 7) reject("replicate {}", i);
    };
    try {
      (void)run_replicates(100000, 1, compute, {}, alone, "rows", progress);
      FAIL() << "nothing was thrown";
    } catch (const InputError& error) {
      EXPECT_STREQ(error.what(), "replicate 7") << threads << " threads";
    }
    EXPECT_LT(begun.load(), 100000 / 2) << threads << " threads";
  }
}

TEST_F(Replicates, an_error_on_one_rank_comes_out) {
  for (const int size : {2, 4}) {
    const auto body = [](Ranks& ranks) {
      SilentProgress progress;
      (void)run_replicates(
          kCount, 1, [](Index i, Eigen::Ref<Eigen::RowVectorXd>) { i == 5 ? reject("replicate {}", i) : void(); }, {}, ranks, "rows", progress);
    };
    EXPECT_THROW(run_on_ranks(size, body), InputError);
  }
}

TEST_F(Replicates, ranks_that_disagree_are_told) {
  for (const bool other_fingerprint : {true, false}) {
    std::atomic<int> told{0};
    run_on_ranks(3, [&](Ranks& ranks) {
      SilentProgress progress;
      const bool odd = ranks.rank() == 1;
      const ReplicateSettings mine{{}, odd && other_fingerprint ? "a" : "b", 10.0, false};
      try {
        (void)run_replicates(
            kCount + (odd ? 1 : 0), 1, [](Index, Eigen::Ref<Eigen::RowVectorXd>) {}, mine, ranks, "rows", progress);
      } catch (const Error& error) {
        told += std::string(error.what()).find("disagree") != std::string::npos ? 1 : 0;
      }
    });
    EXPECT_EQ(told.load(), 3);
  }
}

TEST_F(Replicates, a_row_that_was_left_as_it_was_is_nan) {
  SingleRank alone;
  SilentProgress progress;
  const auto table = run_replicates(
      3, 2, [](Index i, Eigen::Ref<Eigen::RowVectorXd> row) { row[0] = static_cast<double>(i); }, {}, alone, "rows", progress);
  for (Index i = 0; i < 3; ++i) EXPECT_TRUE(table(i, 0) == static_cast<double>(i) && std::isnan(table(i, 1)));
}

TEST_F(Replicates, progress_ends_at_one) {
  struct Heard final : Progress {
    void update(std::string_view what, double fraction) override {
      EXPECT_EQ(what, "rows");
      EXPECT_GE(fraction, last);
      last = fraction;
    }
    double last = 0.0;
  };
  const ScopedThreads scope(1);
  SingleRank alone;
  Heard fresh;
  (void)run_replicates(kCount, kWidth, fill_row, settings(false), alone, "rows", fresh);
  EXPECT_EQ(fresh.last, 1.0);
  Heard resumed;
  (void)run_replicates(kCount, kWidth, fill_row, settings(true), alone, "rows", resumed);
  EXPECT_EQ(resumed.last, 1.0);
}

TEST_F(Replicates, shapes) {
  EXPECT_EQ(refusal({}, 0, 1), "accepted");
  EXPECT_EQ(refusal(settings(true), 0, 1), "accepted") << "there is no folder yet";
  EXPECT_NE(refusal({}, -1, 1), "accepted");
  EXPECT_NE(refusal({}, 1, 0), "accepted");
}

TEST_F(Replicates, a_folder_that_cannot_be_used_is_named) {
  write_atomically(folder_ / "rows", "a file");
  for (const bool resume : {false, true}) EXPECT_NE(refusal(settings(resume)).find("rows"), std::string::npos);
}

}  // namespace
}  // namespace slicecheck::testing
