#pragma once
/// `--device cpu|cuda|auto`: who computes a loss.

#include <CLI/CLI.hpp>
#include <string>

#include "slicecheck/cuda/device.h"

namespace slicecheck::app {

/// Adds `--device`, cpu unless it is given; `what` says what is computed there, and what is not.
void add_device_option(CLI::App& command, std::string& word, const std::string& what);

/// The device that `word` asks for. `processor_only` says why this work is for the processor alone; empty: a CUDA device can do it.
/// @throws InputError for a word that is none of the three, and for "cuda" where the work is for the processor or there is no device; the sentence says why.
cuda::Choice chosen_device(const std::string& word, const std::string& processor_only);

/// For "auto", what was taken and why, as one line on standard error.
void tell_choice(const std::string& word, const cuda::Choice& choice);

/// "cpu", or "cuda: " and the name of the device: the field `device` of manifests.
std::string device_field(cuda::Where where);

}  // namespace slicecheck::app
