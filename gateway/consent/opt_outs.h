#ifndef CONSENTRY_GATEWAY_CONSENT_OPT_OUTS_H_
#define CONSENTRY_GATEWAY_CONSENT_OPT_OUTS_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "consentry/store/v1/subject.pb.h"

namespace consentry::consent {

// Adds `kinds` (v1::OptOutKind) to the opt-outs that stand, as made at
// `made_us`; of one that stood already the later date is kept. Returns what the
// entry tells: "opt_out.OPT_OUT_KIND_SALE=set". Pure.
std::vector<std::string> TakeOptOuts(const std::set<int>& kinds,
                                     int64_t made_us,
                                     store::v1::SubjectHead* head);

// When the opt-out was last made; 0 when that is not known.
int64_t OptOutDate(const store::v1::SubjectHead& head, int kind);

}  // namespace consentry::consent

#endif  // CONSENTRY_GATEWAY_CONSENT_OPT_OUTS_H_
