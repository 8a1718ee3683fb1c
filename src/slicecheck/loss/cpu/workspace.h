#pragma once
/// What an evaluation of the cpu loss needs beyond its arguments, kept from call to call.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "slicecheck/loss/cpu/row_sort.h"
#include "slicecheck/loss/cpu/scratch.h"

namespace slicecheck::cpu {

/// Memory of one thread: directions in the works.
template <class S>
struct ThreadSpace {
  Scratch<S> projected_z;
  Scratch<S> projected_y;
  Scratch<S> sorted;  // where no gradient is wanted
  Scratch<std::uint32_t> z_keys;
  Scratch<std::uint32_t> y_keys;
  RowSort row_sort;
};

/// Memory of one evaluation. Sizes are written where it is filled, in evaluation.cpp.
template <class S>
struct Workspace {
  Scratch<S> z;
  Scratch<S> y;
  Scratch<double> mean;  // of Y
  Scratch<S> centre;
  Scratch<S> theta_by_column;
  Scratch<S> theta_by_row;
  Scratch<S> weights;
  Scratch<S> gradient;
  Scratch<S> group_gradients;
  Scratch<std::byte> groups;
  std::vector<std::unique_ptr<ThreadSpace<S>>> threads;
};

/// Workspaces that no evaluation uses at the moment: one evaluation takes one, several at once take several.
template <class S>
class WorkspacePool {
 public:
  /// A workspace for as long as this lives.
  class Loan {
   public:
    explicit Loan(WorkspacePool& pool) : pool_(pool), workspace_(pool.take()) {}
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;
    ~Loan() { pool_.give_back(std::move(workspace_)); }
    Workspace<S>& operator*() { return *workspace_; }

   private:
    WorkspacePool& pool_;
    std::unique_ptr<Workspace<S>> workspace_;
  };

 private:
  std::unique_ptr<Workspace<S>> take() {
    {
      const std::scoped_lock lock(mutex_);
      if (!idle_.empty()) {
        auto workspace = std::move(idle_.back());
        idle_.pop_back();
        return workspace;
      }
      idle_.reserve(++made_);  // so that giving back never allocates
    }
    return std::make_unique<Workspace<S>>();
  }

  void give_back(std::unique_ptr<Workspace<S>> workspace) {
    const std::scoped_lock lock(mutex_);
    idle_.push_back(std::move(workspace));
  }

  std::mutex mutex_;
  std::vector<std::unique_ptr<Workspace<S>>> idle_;
  std::size_t made_ = 0;
};

}  // namespace slicecheck::cpu
