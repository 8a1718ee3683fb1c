/// Files: whole or not at all, and errors that name the path.

#include "slicecheck/core/files.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "slicecheck/core/error.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

namespace fs = std::filesystem;

/// The sentence of the InputError that `action` throws; a failure if it throws none.
template <class Action>
std::string complaint(const Action& action) {
  try {
    action();
  } catch (const InputError& error) {
    return error.what();
  }
  ADD_FAILURE() << "no InputError was thrown";
  return {};
}

TEST(Files, round_trip_of_any_bytes) {
  const TemporaryFolder folder;
  std::string bytes;
  for (int i = 0; i < 100'000; ++i) bytes.push_back(static_cast<char>((i * 7919) >> 3));
  for (const std::string& contents : {std::string(), std::string("one\r\ntwo\0three", 14), bytes}) {
    write_atomically(folder / "file", contents);
    EXPECT_EQ(read_file(folder / "file"), contents);
    EXPECT_EQ(folder.entries(), 1U);
  }
}

TEST(Files, makes_missing_folders) {
  const TemporaryFolder folder;
  write_atomically(folder.path() / "a" / "b" / "file", "x");
  EXPECT_EQ(read_file(folder.path() / "a" / "b" / "file"), "x");
}

TEST(Files, a_full_disk_leaves_the_old_file_and_nothing_else) {
  const TemporaryFolder folder;
  write_atomically(folder / "file", "old");
  const std::string large(1 << 20, 'x');
  std::string sentence;
  {
    const ScopedFileSizeLimit limit(4096);
    sentence = complaint([&] { write_atomically(folder / "file", large); });
  }
  EXPECT_NE(sentence.find((folder / "file").string()), std::string::npos) << sentence;
  EXPECT_NE(sentence.find("File too large"), std::string::npos) << sentence;
  EXPECT_EQ(read_file(folder / "file"), "old");
  EXPECT_EQ(folder.entries(), 1U) << "a partial file was left";
  write_atomically(folder / "file", large);
  EXPECT_EQ(read_file(folder / "file"), large);
}

TEST(Files, a_new_file_that_cannot_be_written_does_not_appear) {
  const TemporaryFolder folder;
  const ScopedFileSizeLimit limit(10);
  EXPECT_THROW(write_atomically(folder / "file", "more than ten bytes"), InputError);
  EXPECT_EQ(folder.entries(), 0U);
}

TEST(Files, a_folder_without_permission_is_named) {
  if (::geteuid() == 0) GTEST_SKIP() << "the superuser may write everywhere";
  const TemporaryFolder folder;
  fs::permissions(folder.path(), fs::perms::owner_read | fs::perms::owner_exec);
  const std::string sentence = complaint([&] { write_atomically(folder / "file", "x"); });
  fs::permissions(folder.path(), fs::perms::owner_all);
  EXPECT_NE(sentence.find("Permission denied"), std::string::npos) << sentence;
  EXPECT_EQ(folder.entries(), 0U);
}

TEST(Files, a_place_where_nobody_can_write_is_named) {
  const std::string sentence = complaint([] { write_atomically("/proc/slicecheck-test", "x"); });
  EXPECT_NE(sentence.find("/proc/slicecheck-test"), std::string::npos) << sentence;
}

TEST(Files, a_file_cannot_be_a_folder) {
  const TemporaryFolder folder;
  write_atomically(folder / "file", "x");
  const std::string sentence = complaint([&] { write_atomically(folder.path() / "file" / "below", "y"); });
  EXPECT_NE(sentence.find("file"), std::string::npos) << sentence;
  EXPECT_EQ(read_file(folder / "file"), "x");
}

TEST(Files, writing_over_a_folder_is_rejected) {
  const TemporaryFolder folder;
  fs::create_directory(folder / "inner");
  EXPECT_NE(complaint([&] { write_atomically(folder / "inner", "x"); }).find("it is a folder"), std::string::npos);
  EXPECT_TRUE(fs::is_directory(folder / "inner"));
  EXPECT_EQ(folder.entries(), 1U);
}

TEST(Files, a_full_device_is_an_error_and_stays_a_device) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "there is no /dev/full here";
  const std::string sentence = complaint([] { write_atomically("/dev/full", "x"); });
  EXPECT_NE(sentence.find("/dev/full"), std::string::npos) << sentence;
  EXPECT_NE(sentence.find("No space left"), std::string::npos) << sentence;
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
}

TEST(Files, a_device_is_written_in_place) {
  write_atomically("/dev/null", "x");
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

TEST(Files, reading_what_is_not_there_or_a_folder_is_rejected) {
  const TemporaryFolder folder;
  EXPECT_NE(complaint([&] { (void)read_file(folder / "missing"); }).find("missing"), std::string::npos);
  EXPECT_NE(complaint([&] { (void)read_file(folder.path()); }).find("it is a folder"), std::string::npos);
}

TEST(Files, what_killed_writers_left_is_removed_and_nothing_else) {
  const TemporaryFolder folder;
  const pid_t ended = ::fork();
  if (ended == 0) ::_exit(0);
  ::waitpid(ended, nullptr, 0);
  const std::string alive = fmt::format("other.csv.{}.partial", ::getpid());
  for (const std::string& name : {alive, std::string("notes.partial"), std::string("file.csv.12x.partial"), std::string("7.partial"), std::string("file.csv")})
    write_atomically(folder / name, "x");
  for (const char* name : {"file.csv", ".index.html"}) write_atomically(folder / fmt::format("{}.{}.partial", name, ended), "half");
  fs::create_directory(folder / "inner");
  remove_leftovers(folder.path());
  EXPECT_EQ(folder.entries(), 6U);
  EXPECT_FALSE(fs::exists(folder / fmt::format("file.csv.{}.partial", ended)));
  EXPECT_TRUE(fs::exists(folder / alive)) << "its writer lives";
  remove_leftovers(folder / "absent");
}

TEST(Files, a_file_larger_than_the_memory_is_refused_before_it_is_read) {
  const TemporaryFolder folder;
  write_atomically(folder / "file", "x");
  EXPECT_EQ(size_that_fits(folder / "file"), 1U);
  EXPECT_EQ(size_that_fits(folder / "absent"), 0U);
  EXPECT_EQ(size_that_fits("/dev/null"), 0U);
  if (::truncate((folder / "file").c_str(), off_t{1} << 42) != 0) GTEST_SKIP() << "this file system has no files of 2^42 bytes";
  EXPECT_NE(complaint([&] { (void)read_file(folder / "file"); }).find("memory"), std::string::npos);
}

TEST(Files, an_error_while_reading_is_not_the_end_of_the_file) {
  // Address 0 of a process is never mapped: the file opens, and reading its first byte fails.
  if (!std::ifstream("/proc/self/mem")) GTEST_SKIP() << "there is no /proc/self/mem here";
  EXPECT_THROW((void)read_file("/proc/self/mem"), InputError);
}

}  // namespace
}  // namespace slicecheck::testing
