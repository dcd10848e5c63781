#include "policy/engine/minors.h"

#include <algorithm>
#include <bit>

#include "policy/engine/question.h"
#include "policy/engine/tables.h"

namespace consentry::policy {
namespace {

using config::v1::MinorRule;

// Whether the purpose rests on a basis that the row speaks about.
bool ReachesBasis(const Question& question, RegimeId regime,
                  const MinorRow& row) {
  const PurposeTable& purpose = question.purpose();
  const auto& slots = purpose.basis_of[Index(regime)];
  return std::any_of(slots.begin(), slots.end(), [&](BasisSlot slot) {
    const int kind =
        slot < purpose.basis_count
            ? question.tables().bases[size_t{purpose.first_basis} + slot].kind
            : 0;
    return Has(row.bases, kind);
  });
}

}  // namespace

bool NeedsParent(const Bundle& bundle, const SubjectFacts& facts,
                 PurposeId purpose, int64_t time_us) {
  DecisionRequest request;
  request.purpose = purpose;
  request.time_us = time_us;
  const Question question(bundle.tables(), facts, request);
  if (question.age_unreadable() || question.age() == kAgeUnknown) return false;
  for (uint64_t mask = question.attached(); mask != 0; mask &= mask - 1) {
    const RegimeId regime{static_cast<uint16_t>(std::countr_zero(mask))};
    for (const MinorRow& row : question.VersionOf(regime).minors) {
      const bool by_parent = row.action == MinorRule::OPT_IN_BY_PARENT ||
                             (row.action == MinorRule::CONSENT_BY_PARENT &&
                              !question.purpose().counselling_for_children);
      if (by_parent && Has(row.classes, question.purpose().purpose_class) &&
          question.MinorRowApplies(row) &&
          ReachesBasis(question, regime, row)) {
        return true;
      }
    }
  }
  return false;
}

}  // namespace consentry::policy
