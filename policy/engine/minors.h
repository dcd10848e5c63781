#ifndef CONSENTRY_POLICY_ENGINE_MINORS_H_
#define CONSENTRY_POLICY_ENGINE_MINORS_H_

#include <cstdint>

#include "policy/engine/bundle.h"
#include "policy/engine/facts.h"

namespace consentry::policy {

// Whether a consent to the purpose counts, in some regime that attaches, only
// with the authorisation of whoever has parental responsibility: the rows of
// the packs for the young, at the age and residence of the subject. False for
// an age that is unknown or cannot be read; decisions see to that. `time_us` in
// the years 1970 to 2200. Pure; any thread may call.
bool NeedsParent(const Bundle& bundle, const SubjectFacts& facts,
                 PurposeId purpose, int64_t time_us);

}  // namespace consentry::policy

#endif  // CONSENTRY_POLICY_ENGINE_MINORS_H_
