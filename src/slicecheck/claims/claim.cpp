#include "slicecheck/claims/claim.h"

#include <limits>

#include "slicecheck/core/error.h"

namespace slicecheck {

#define SLICECHECK_CLAIM(name, id) Claim claim_##name();
#include "slicecheck/claims/claims.def"
#undef SLICECHECK_CLAIM

namespace {

/// What a subject returns must have the shapes of its arguments: checks index into it.
void check_shapes(const LossGradient<double>& out, const Points<double>& z, const Points<double>& theta) {
  if (out.gradient.rows() != z.rows() || out.gradient.cols() != z.cols())
    throw Error(fmt::format("the gradient is {} × {}; the points are {} × {}", out.gradient.rows(), out.gradient.cols(), z.rows(), z.cols()));
  if (out.per_direction.size() != 0 && out.per_direction.size() != theta.rows())
    throw Error(fmt::format("{} values per direction for {} direction(s)", out.per_direction.size(), theta.rows()));
}

Judgement thrown(const std::exception& error) {
  Judgement judgement;
  judgement.observed = std::numeric_limits<double>::quiet_NaN();
  judgement.note = fmt::format("the subject threw: {}", error.what());
  return judgement;
}

constexpr const char* type_name(const LossSubject*) { return "loss"; }
constexpr const char* type_name(const GeneratorSubject*) { return "generator"; }
constexpr const char* type_name(const SchemeSubject*) { return "scheme"; }
constexpr const char* type_name(const SamplerSubject*) { return "sampler"; }
constexpr const char* type_name(const TrainingSubject*) { return "training"; }
constexpr const char* type_name(const LawSubject*) { return "law"; }
constexpr const char* type_name(const CriticalitySubject*) { return "criticality"; }
constexpr const char* type_name(const FlowSubject*) { return "flow"; }
constexpr const char* type_name(const MaxSlicedSubject*) { return "max-sliced"; }
constexpr const char* type_name(const TwoPlayerSubject*) { return "two-player"; }
constexpr const char* type_name(const CoverageSubject*) { return "coverage"; }
constexpr const char* type_name(const TransportSubject*) { return "transport"; }
constexpr const char* type_name(const TransportBoundsSubject*) { return "transport-bounds"; }

template <class S>
void add_type(const std::vector<TypedCheck<S>>& checks, std::vector<std::string>& types) {
  if (!checks.empty()) types.emplace_back(type_name(static_cast<const S*>(nullptr)));
}

}  // namespace

std::string type_of(const Subject& subject) {
  return std::visit([](const auto& one) -> std::string { return type_name(&one); }, subject);
}

std::string Claim::judges() const {
  std::vector<std::string> types;
  if (!checks.empty()) types.emplace_back("loss");
  std::apply([&](const auto&... list) { (add_type(list, types), ...); }, typed);
  return fmt::format("{}", fmt::join(types, ", "));
}

bool Claim::applies_to(const Subject& subject) const {
  if (leaves_out && leaves_out(subject)) return false;
  return std::visit(
      [&](const auto& one) {
        using S = std::decay_t<decltype(one)>;
        if constexpr (std::is_same_v<S, LossSubject>)
          return !checks.empty();
        else
          return !typed_checks<S>(*this).empty();
      },
      subject);
}

const std::vector<Claim>& claims() {
  static const std::vector<Claim> all{
#define SLICECHECK_CLAIM(name, id) claim_##name(),
#include "slicecheck/claims/claims.def"
#undef SLICECHECK_CLAIM
  };
  return all;
}

const Claim& claim_by_id(const std::string& id) {
  std::vector<std::string> ids;
  for (const Claim& claim : claims()) {
    if (claim.id == id) return claim;
    ids.push_back(claim.id);
  }
  reject("unknown claim '{}'; the known ones are {}", id, fmt::join(ids, ", "));
}

LossCase rounded_case(const LossSubject& subject, LossCase c) {
  for (Points<double>* cloud : {&c.z, &c.y, &c.w, &c.theta}) *cloud = subject.rounded(*cloud);
  c.v = subject.rounded(c.v);
  if (subject.squares_only) c.p = 2.0;
  return c;
}

Judgement judge(const LossCheck& check, const LossSubject& subject, const LossCase& c) {
  try {
    LossSubject checked = subject;
    checked.evaluate = [&subject](const Points<double>& z, const Points<double>& y, const Points<double>& theta, double p) {
      LossGradient<double> out = subject.evaluate(z, y, theta, p);
      check_shapes(out, z, theta);
      return out;
    };
    return check.judge(checked, c);
  } catch (const std::exception& error) {
    return thrown(error);
  }
}

template <class S>
Trial judge(const TypedCheck<S>& check, const S& subject, const RandomStream& stream, int size) {
  try {
    return check.judge(subject, stream, size);
  } catch (const std::exception& error) {
    return {thrown(error), {}};
  }
}

template Trial judge(const TypedCheck<GeneratorSubject>&, const GeneratorSubject&, const RandomStream&, int);
template Trial judge(const TypedCheck<SchemeSubject>&, const SchemeSubject&, const RandomStream&, int);
template Trial judge(const TypedCheck<SamplerSubject>&, const SamplerSubject&, const RandomStream&, int);
template Trial judge(const TypedCheck<TrainingSubject>&, const TrainingSubject&, const RandomStream&, int);
template Trial judge(const TypedCheck<LawSubject>&, const LawSubject&, const RandomStream&, int);
template Trial judge(const TypedCheck<CriticalitySubject>&, const CriticalitySubject&, const RandomStream&, int);
template Trial judge(const TypedCheck<FlowSubject>&, const FlowSubject&, const RandomStream&, int);
template Trial judge(const TypedCheck<MaxSlicedSubject>&, const MaxSlicedSubject&, const RandomStream&, int);
template Trial judge(const TypedCheck<TwoPlayerSubject>&, const TwoPlayerSubject&, const RandomStream&, int);
template Trial judge(const TypedCheck<CoverageSubject>&, const CoverageSubject&, const RandomStream&, int);
template Trial judge(const TypedCheck<TransportSubject>&, const TransportSubject&, const RandomStream&, int);
template Trial judge(const TypedCheck<TransportBoundsSubject>&, const TransportBoundsSubject&, const RandomStream&, int);

}  // namespace slicecheck
