#ifndef CONSENTRY_POLICY_ENGINE_REGIME_DECIDER_H_
#define CONSENTRY_POLICY_ENGINE_REGIME_DECIDER_H_

#include <array>
#include <cstdint>

#include "policy/engine/question.h"

// Denials 2 to 9, 12 and 14 of SPEC.md, as far as one regime decides them; the
// engine's own business.
namespace consentry::policy {

class RegimeDecider {
 public:
  // `question` must outlive it; notices there until when the answers stand.
  RegimeDecider(Question* question, RegimeId regime);

  // The first denial of a field, kNoDenial for none. `slot`: its position among
  // the fields of the purpose; `field` null: the purpose itself, with the slot
  // behind the last.
  Denial ForField(uint16_t slot, const FieldId* field);

 private:
  // What holds for every field on one basis.
  struct BasisView {
    Denial denial = kNoDenial;
    // The lowest CONSENT_BY_PARENT row that makes the consent invalid.
    Denial parent_missing = kNoDenial;
    bool done = false;
  };

  const BasisEntry* BasisAt(BasisSlot slot) const;
  void DecideBasis(const RegimeVersion& v, const UseCell& use,
                   const BasisEntry* basis, BasisView* view) const;
  void DecideChoices(const RegimeVersion& v, const BasisEntry* basis,
                     Denial* least) const;
  void DecideMinors(const RegimeVersion& v, const BasisEntry* basis,
                    BasisView* view) const;
  void DecideUse(const UseCell& use, const BasisEntry* basis,
                 BasisView* view) const;
  void DecideTransfer(const TransferRow& row, const BasisEntry* basis,
                      Denial parent_missing, Denial* least) const;
  void DecideSensitive(const RegimeVersion& v, FieldId field,
                       const BasisEntry* basis, const BasisView& view,
                       Denial* least) const;

  const Question& q_;
  const int class_;
  const RegimeVersion& version_;
  const UseCell& use_;
  const std::vector<BasisSlot>& basis_of_;
  const FieldSet& sensitive_;
  std::array<BasisView, kMaxBasesPerPurpose + 1> views_;
};

}  // namespace consentry::policy

#endif  // CONSENTRY_POLICY_ENGINE_REGIME_DECIDER_H_
