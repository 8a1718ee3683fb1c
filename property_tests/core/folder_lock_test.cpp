/// One run at a time in a folder.

#include "slicecheck/core/folder_lock.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "slicecheck/core/error.h"
#include "slicecheck/core/files.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

namespace fs = std::filesystem;

/// The sentence with which the folder is refused; empty where it is not.
std::string refusal(const fs::path& folder) {
  try {
    const FolderLock lock(folder, "test");
  } catch (const InputError& error) {
    return error.what();
  }
  return {};
}

TEST(FolderLock, a_second_one_is_refused_and_told_who_has_it) {
  const TemporaryFolder folder;
  {
    const FolderLock lock(folder.path(), "the first run");
    EXPECT_EQ(lock.warning(), "");
    const std::string sentence = refusal(folder.path());
    EXPECT_NE(sentence.find(folder.path().string()), std::string::npos) << sentence;
    EXPECT_NE(sentence.find(fmt::format("process {} ", ::getpid())), std::string::npos) << sentence;
    EXPECT_NE(sentence.find("the first run"), std::string::npos) << sentence;
    EXPECT_EQ(refusal(folder / "inner"), "") << "another folder";
  }
  EXPECT_EQ(refusal(folder.path()), "");
  EXPECT_EQ(folder.entries(), 0U);
}

TEST(FolderLock, removes_the_folders_that_it_made_where_they_are_empty) {
  const TemporaryFolder folder;
  {
    const FolderLock lock(folder.path() / "a" / "b" / "", "test");
    EXPECT_TRUE(lock.made_folder());
    EXPECT_TRUE(fs::exists(folder.path() / "a" / "b" / FolderLock::kName));
  }
  EXPECT_EQ(folder.entries(), 0U);
  {
    const FolderLock lock(folder.path() / "a" / "b", "test");
    write_atomically(folder.path() / "a" / "file", "x");
  }
  EXPECT_TRUE(fs::exists(folder.path() / "a" / "file"));
  EXPECT_FALSE(fs::exists(folder.path() / "a" / "b"));
  const FolderLock lock(folder.path(), "test");
  EXPECT_FALSE(lock.made_folder());
}

TEST(FolderLock, a_killed_process_holds_nothing) {
  const TemporaryFolder folder;
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const FolderLock lock(folder.path(), "a run that is killed");
    [[maybe_unused]] const ssize_t told = ::write(ready[1], "x", 1);
    for (;;) ::pause();
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_NE(refusal(folder.path()).find(fmt::format("process {} ", child)), std::string::npos);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(fs::exists(folder / FolderLock::kName));
  EXPECT_EQ(refusal(folder.path()), "");
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST(FolderLock, what_the_file_says_is_shown_as_text) {
  const TemporaryFolder folder;
  const FolderLock lock(folder.path(), "test");
  const int file = ::open((folder / FolderLock::kName).c_str(), O_WRONLY | O_TRUNC);
  ASSERT_EQ(::write(file, "\x1B[31m\nsecond", 12), 12);
  ::close(file);
  EXPECT_NE(refusal(folder.path()).find("in use by ?[31m;"), std::string::npos) << refusal(folder.path());
}

TEST(FolderLock, a_place_where_nobody_can_write_is_named) {
  EXPECT_NE(refusal("/proc/slicecheck-test").find("/proc/slicecheck-test"), std::string::npos);
  EXPECT_NE(refusal("/proc").find("/proc"), std::string::npos);
}

}  // namespace
}  // namespace slicecheck::testing
