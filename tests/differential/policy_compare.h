#ifndef CONSENTRY_TESTS_DIFFERENTIAL_POLICY_COMPARE_H_
#define CONSENTRY_TESTS_DIFFERENTIAL_POLICY_COMPARE_H_

#include <map>
#include <memory>
#include <string>

#include "policy/engine/bundle.h"
#include "policy/engine/engine.h"
#include "tests/differential/policy_model.h"

namespace consentry::policy_model {

policy::BundleSources SourcesOf(const World& world);

// The engine's answer in the model's words.
Answer AnswerOf(const policy::Bundle& bundle, const policy::Decision& decision);

// Asks engine and model and adds a test failure, with the case as text and the
// world in files of the build folder, when they differ. False then.
bool Agree(const World& world, const policy::Bundle& bundle,
           const config::v1::PolicyCase& policy_case, const std::string& label);

// How often each outcome was seen, so that a test can tell that it tested:
// "PERMIT" and the reasons, of requests and of fields.
extern std::map<std::string, int> seen_outcomes;

}  // namespace consentry::policy_model

#endif  // CONSENTRY_TESTS_DIFFERENTIAL_POLICY_COMPARE_H_
