#pragma once
/// What the program prints on a terminal: a progress bar and aligned tables.

#include <atomic>
#include <chrono>
#include <mutex>
#include <string>
#include <vector>

#include "slicecheck/core/progress.h"

namespace slicecheck::app {

/// A bar on standard error, redrawn at most ten times a second. Where standard error is no terminal, a line at every tenth of each piece of work instead.
class ConsoleProgress final : public Progress {
 public:
  ConsoleProgress();
  ~ConsoleProgress() override;
  void update(std::string_view what, double fraction) override;

  /// Removes the bar from the terminal, so that something else can be printed.
  void clear();

 private:
  void draw(const std::string& what, double fraction);

  std::mutex mutex_;
  bool terminal_;
  bool drawn_ = false;
  std::string last_what_;
  int last_tenth_ = -1;
  std::chrono::steady_clock::time_point last_draw_{};
  std::chrono::steady_clock::time_point began_{};
};

/// Columns padded to their widest cell (counted in code points), two spaces apart. The first row is the header.
std::string aligned(const std::vector<std::vector<std::string>>& rows);

}  // namespace slicecheck::app
