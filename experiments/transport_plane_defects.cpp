/// Mistakes in trainings by regularised transport, which the verdicts of `transport-plane` must refuse.

#include <map>

#include "slicecheck/core/error.h"
#include "transport_plane.h"

namespace slicecheck::oracle_plane {

namespace {

/// The weights of ∇d̄ where those of ∇d are called for.
class SharpWeights final : public RegularisedTransport {
 public:
  [[nodiscard]] Points<double> weights_of_d(const TransportProblem& problem, const DualPotentials& potentials) const override {
    return RegularisedTransport::weights_of_sharp_d(problem, potentials);
  }
};

class WrongOracleSgd final : public OracleSgd {
 public:
  WrongOracleSgd(OracleParts parts, Defect defect) : OracleSgd(std::move(parts)), defect_(defect) {}

  [[nodiscard]] OracleAnswer ask(PointsView<double> z, const OracleState& state, double tolerance) const override {
    OracleAnswer answer = OracleSgd::ask(z, state, tolerance);
    if (defect_ != Defect::sharp_value) return answer;
    const bool self = parts().objective == OracleObjective::sinkhorn;
    answer.value = self ? 2.0 * answer.between.transport - answer.within.transport : answer.between.transport;
    return answer;
  }

  [[nodiscard]] Points<double> full_cotangent(PointsView<double> z, const OracleAnswer& answer) const override {
    if (defect_ != Defect::no_self_term && defect_ != Defect::half_self_term) return OracleSgd::full_cotangent(z, answer);
    if (parts().objective == OracleObjective::transport) return OracleSgd::full_cotangent(z, answer);
    Points<double> out = 2.0 * transport().pullback(parts().cost, z, parts().y, transport().weights_of_d(between(z), answer.between.potentials));
    if (defect_ == Defect::half_self_term) out -= transport().pullback(parts().cost, z, z, transport().weights_of_d(within(z), answer.within.potentials));
    return out;
  }

  [[nodiscard]] Points<double> batch_cotangent(PointsView<double> z, const OracleAnswer& answer, const OracleBatch& batch) const override {
    const double factor = defect_ == Defect::lost_square ? static_cast<double>(batch.x.size()) : 1.0;
    return factor * OracleSgd::batch_cotangent(z, answer, batch);
  }

 private:
  Defect defect_;
};

const std::map<std::string, Defect>& defects() {
  static const std::map<std::string, Defect> all{{"none", Defect::none},
                                                 {"sharp-gradient", Defect::sharp_gradient},
                                                 {"sharp-value", Defect::sharp_value},
                                                 {"no-self-term", Defect::no_self_term},
                                                 {"half-self-term", Defect::half_self_term},
                                                 {"lost-square", Defect::lost_square}};
  return all;
}

}  // namespace

Defect defect_by_name(const std::string& name) {
  const auto found = defects().find(name);
  if (found != defects().end()) return found->second;
  std::vector<std::string> names;
  for (const auto& entry : defects()) names.push_back(entry.first);
  reject("settings: unknown defect '{}'; the known ones are {}", name, fmt::join(names, ", "));
}

std::unique_ptr<OracleSgd> make_oracle(OracleParts parts, Defect defect) {
  if (defect == Defect::none) return std::make_unique<OracleSgd>(std::move(parts));
  if (defect == Defect::sharp_gradient) parts.transport = std::make_shared<SharpWeights>();
  return std::make_unique<WrongOracleSgd>(std::move(parts), defect);
}

}  // namespace slicecheck::oracle_plane
