#pragma once
/// One run at a time in a folder.

#include <filesystem>
#include <string>
#include <vector>

namespace slicecheck {

/// Holds a folder for this process, by flock(2) on FOLDER/.slicecheck.lock: the system lets go of it however the process ends, SIGKILL included. The file holds
/// who has the folder, for people; it is removed at the end of the scope, and one that a killed process left holds nobody up. Processes that this one starts
/// inherit the lock: it lasts until the last of them has ended. Over MPI, rank 0 holds it for all.
class FolderLock {
 public:
  /// Makes the folder where it is missing. `what` says what the process does there: "slicecheck verify".
  /// @throws InputError where another process holds the folder: the sentence names its process id and since when; and where the folder or the file in it cannot
  /// be made.
  FolderLock(std::filesystem::path folder, const std::string& what);
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  /// Removes the file, and those of the folders it made that are empty.
  ~FolderLock();

  /// The folder was not there before.
  [[nodiscard]] bool made_folder() const { return !made_.empty(); }
  /// Empty; or why the file system has no locks (some network file systems do not), as a sentence: then two runs are not kept apart.
  [[nodiscard]] const std::string& warning() const { return warning_; }
  /// Name of the file.
  static constexpr const char* kName = ".slicecheck.lock";

 private:
  bool try_to_hold(const std::string& what);
  void remove_made_folders() const;

  std::filesystem::path folder_;
  std::vector<std::filesystem::path> made_;  // innermost first
  std::string warning_;
  int descriptor_ = -1;
};

}  // namespace slicecheck
