#pragma once
/// Everything that a claim can judge.

#include <string>
#include <variant>

#include "slicecheck/claims/criticality_subject.h"
#include "slicecheck/claims/dynamics_subject.h"
#include "slicecheck/claims/flow_subject.h"
#include "slicecheck/claims/generative_subject.h"
#include "slicecheck/claims/generator_subject.h"
#include "slicecheck/claims/loss_subject.h"
#include "slicecheck/claims/transport_subject.h"

namespace slicecheck {

/// A subject of any type.
using Subject = std::variant<LossSubject, GeneratorSubject, SchemeSubject, SamplerSubject, TrainingSubject, LawSubject, CriticalitySubject, FlowSubject,
                             MaxSlicedSubject, TwoPlayerSubject, CoverageSubject, TransportSubject, TransportBoundsSubject>;

/// The name by which the program and the report know it.
inline const std::string& name_of(const Subject& subject) {
  return std::visit([](const auto& one) -> const std::string& { return one.name; }, subject);
}

/// loss, generator, scheme, sampler, training, law, criticality, flow, max-sliced, two-player, coverage, transport or transport-bounds: what the program and
/// the report call its type.
std::string type_of(const Subject& subject);

}  // namespace slicecheck
