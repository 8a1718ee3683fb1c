#pragma once
/// How long work tells how far it is. The library never prints; the program brings a bar.

#include <string_view>

namespace slicecheck {

/// Told of progress by whoever works.
class Progress {
 public:
  Progress() = default;
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  virtual ~Progress() = default;

  /// `fraction` of `what` is done, in [0, 1]. May be called from any thread, often; must be cheap.
  virtual void update(std::string_view what, double fraction) = 0;
};

/// For callers that do not care.
class SilentProgress final : public Progress {
 public:
  void update(std::string_view, double) override {}
};

}  // namespace slicecheck
