#ifndef CONSENTRY_TESTS_DIFFERENTIAL_SMALL_WORLD_H_
#define CONSENTRY_TESTS_DIFFERENTIAL_SMALL_WORLD_H_

#include <string>

#include "tests/differential/policy_model.h"

namespace consentry::policy_model {

// Two small regimes, one that asks first and one that lets opt out, six
// purposes and seven fields: small enough to enumerate, and to read.
extern const char kSmallCatalog[];
extern const char kSmallPurposes[];
extern const char kSmallProfile[];
extern const char kSmallAskFirst[];  // "ask-first"
extern const char kSmallOptOut[];    // "opt-out"
extern const char kSmallOwner[];     // "own"

World SmallWorld();

}  // namespace consentry::policy_model

#endif  // CONSENTRY_TESTS_DIFFERENTIAL_SMALL_WORLD_H_
