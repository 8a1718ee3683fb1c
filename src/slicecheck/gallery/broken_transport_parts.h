#pragma once
/// The planted defects of regularised transport by what they are about; broken_transport.cpp puts them together.

#include <memory>
#include <string>
#include <vector>

#include "slicecheck/gallery/broken_transport.h"

namespace slicecheck {

/// `gallery/NAME`, an implementation.
inline TransportDefect transport_defect(const std::string& name, const std::string& title, std::shared_ptr<const RegularisedTransport> transport) {
  return {name, title, {"gallery/" + name, title, std::move(transport)}};
}

/// `gallery/NAME`, bounds.
inline TransportBoundsDefect transport_bounds_defect(const std::string& name, const std::string& title, std::shared_ptr<const TransportBounds> bounds) {
  return {name, title, {"gallery/" + name, title, std::move(bounds)}};
}

/// Solvers, plans, certificates, regularisers (R1–R3).
std::vector<TransportDefect> broken_duality();
/// Gradients of d and d̄ (R4–R7).
std::vector<TransportDefect> broken_gradients();
/// Minibatches (R11).
std::vector<TransportDefect> broken_batches();
/// The Sinkhorn loss (R12–R14, R16).
std::vector<TransportDefect> broken_sinkhorn();

/// Smoothness and gradient error (R5–R7).
std::vector<TransportBoundsDefect> broken_smoothness();
/// Steps, stationarity, noise (R8–R11).
std::vector<TransportBoundsDefect> broken_descent();
/// Error, noise and smoothness of the Sinkhorn loss (R12).
std::vector<TransportBoundsDefect> broken_loss_bounds();
/// λ → 0 and λ → ∞ (R14–R16).
std::vector<TransportBoundsDefect> broken_limits();

}  // namespace slicecheck
