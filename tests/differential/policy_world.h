#ifndef CONSENTRY_TESTS_DIFFERENTIAL_POLICY_WORLD_H_
#define CONSENTRY_TESTS_DIFFERENTIAL_POLICY_WORLD_H_

#include <cstdint>
#include <random>
#include <string>

#include "consentry/config/v1/policy_case.pb.h"
#include "tests/differential/policy_model.h"

namespace consentry::policy_model {

using Random = std::mt19937_64;

// A world of one to three made-up regimes, three to five purposes, now and then
// an owner's pack, whose rows are drawn from all that the format can say and
// begin and end on a few days. Most are accepted by the engine; the rest are
// refused for what only shows when all is there.
World MakeWorld(Random* random);

// A request about a subject of that world. Purposes, fields and places exist;
// facts lean to what permits, so that single prohibitions show.
config::v1::PolicyCase MakeCase(const World& world, Random* random);

}  // namespace consentry::policy_model

#endif  // CONSENTRY_TESTS_DIFFERENTIAL_POLICY_WORLD_H_
