#ifndef CONSENTRY_POLICY_SIGNALS_MEANING_H_
#define CONSENTRY_POLICY_SIGNALS_MEANING_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "consentry/config/v1/vocabulary.pb.h"
#include "policy/signals/signal.h"

namespace consentry::signals {

using OptOut = config::v1::OptOut::Value;
using PurposeClass = config::v1::PurposeClass::Value;

// One opt-out and the field that says it.
struct SignalledOptOut {
  OptOut kind = config::v1::OptOut::UNSPECIFIED;
  std::string field;  // "usca.SaleOptOut".

  friend bool operator==(const SignalledOptOut&,
                         const SignalledOptOut&) = default;
};

// What TC strings say about the business's own processing. In a mask, bit n - 1
// is TCF purpose n.
struct TcfChoices {
  bool present = false;
  // Consented to in every TC string of the signal; by the publisher's own
  // segment as well where that is in use (has any bit set).
  uint32_t consents = 0;
  // Legitimate interest established and not objected to, likewise.
  uint32_t legitimate_interests = 0;
  uint16_t vendor_list_version = 0;
};

// What a signal comes to. It takes away wherever one section does; it never
// says "did not opt out": that re-opens nothing.
struct Meaning {
  bool global_privacy_control = false;
  // By kind, each kind once.
  std::vector<SignalledOptOut> opt_outs;
  TcfChoices tcf;
};

// Pure. Opt-outs:
//   SaleOptOut, SharingOptOut, TargetedAdvertisingOptOut 1: their kind.
//   SensitiveDataProcessing, any 1: SENSITIVE_DATA. One kind stands for all
//     sensitive data, so a no to some is a no to all.
//   KnownChildSensitiveDataConsents, any 1: SALE, SHARING and
//     TARGETED_ADVERTISING; of usca the first SALE, the second SHARING.
//   uspv1 OptOutSale Y: SALE and SHARING, which that format cannot tell apart.
//   Gpc: global_privacy_control; what follows from it is for each regime to
//   say.
// Notices, PersonalDataConsents and Mspa fields say nothing about choices here.
Meaning MeaningOf(const Signal& signal);

// TCF purposes that a purpose of the registry is made of, as a mask: by its key
// where that is, or lies below, a data use that the framework's purposes stand
// for (fideslang's mapping of the Global Vendor List), else by its class. 0:
// the framework does not speak about it.
uint32_t TcfPurposesOf(std::string_view purpose_key,
                       PurposeClass purpose_class);

enum class Choice : uint8_t { kNone, kGive, kRefuse };

// What `choices` say to a purpose of the registry. kGive where consent is there
// for all its TCF purposes. kRefuse where for any of them neither consent nor
// legitimate interest is there; and where consent is missing, if
// `rests_on_consent`.
Choice ChoiceFor(const TcfChoices& choices, uint32_t tcf_purposes,
                 bool rests_on_consent);

}  // namespace consentry::signals

#endif  // CONSENTRY_POLICY_SIGNALS_MEANING_H_
