#pragma once
/// The loss in Python libraries (NumPy, POT), in a process of its own that answers requests: scripts/bench_peers.py.

#include <sys/types.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agreement.h"

namespace slicecheck::benchmarks {

/// Between requests the process waits and uses no processor, so that its work can take its turn in the rounds. It measures its own times.
class Peers {
 public:
  /// Starts the process. Where that fails, nobody is available and `skipped` says why.
  Peers();
  Peers(const Peers&) = delete;
  Peers& operator=(const Peers&) = delete;
  ~Peers();

  [[nodiscard]] const std::map<std::string, std::string>& available() const { return available_; }  ///< name → version
  [[nodiscard]] const std::vector<std::string>& skipped() const { return skipped_; }                ///< sentences: who, and why

  /// The clouds that later requests are about.
  void load(const Clouds& clouds);
  /// Value and gradient (`with_gradient`) of a peer, for a check.
  LossGradient<float> evaluate(const std::string& peer, bool with_gradient);
  /// Seconds of processor time of one evaluation, as the peer measured them.
  double seconds(const std::string& peer, bool with_gradient);
  /// A problem of KL-regularised transport for POT's sinkhorn_log. Its version, or nothing: then `sentence` says why.
  std::optional<std::string> load_transport(VectorView<double> a, VectorView<double> b, PointsView<double> cost, double lambda, std::string& sentence);
  /// Iterations until the duality gap of its potentials is at most `gap`.
  Index sinkhorn_iterations(double gap);
  /// Seconds of processor time of that many iterations.
  double sinkhorn_seconds(Index iterations);
  /// Whether it offers the gradient too.
  [[nodiscard]] bool has_gradient(const std::string& peer) const;

 private:
  std::string ask(const std::string& request);

  std::map<std::string, std::string> available_;
  std::map<std::string, bool> gradients_;
  std::vector<std::string> skipped_;
  std::string folder_;
  FILE* to_ = nullptr;
  FILE* from_ = nullptr;
  pid_t process_ = -1;
  Index n_ = 0, d_ = 0;
};

}  // namespace slicecheck::benchmarks
