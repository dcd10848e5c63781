#ifndef CONSENTRY_TESTS_DIFFERENTIAL_POLICY_MODEL_H_
#define CONSENTRY_TESTS_DIFFERENTIAL_POLICY_MODEL_H_

#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "consentry/config/v1/catalog.pb.h"
#include "consentry/config/v1/controller.pb.h"
#include "consentry/config/v1/pack.pb.h"
#include "consentry/config/v1/policy_case.pb.h"
#include "consentry/config/v1/purposes.pb.h"

namespace consentry::policy_model {

// The files, as they are.
struct World {
  config::v1::Catalog catalog;
  config::v1::PurposeRegistry purposes;
  config::v1::ControllerProfile profile;
  std::vector<config::v1::Pack> packs;
};

struct FieldAnswer {
  std::string field;
  bool permitted = false;
  std::string transform;
  std::string reason;
  std::string rule;

  friend bool operator==(const FieldAnswer&, const FieldAnswer&) = default;
};

struct Answer {
  bool permitted = false;
  std::string reason;
  std::string rule;
  std::vector<FieldAnswer> fields;
  std::set<std::string> regimes;
  // Regime, and the basis as text.
  std::set<std::pair<std::string, std::string>> bases;
  std::set<std::string> rules;
  // Whether there is a fact about consent to the purpose.
  bool consent = false;
  // "human_on_request", "human_before_effect", "notice".
  std::set<std::string> owed;
  int64_t decided_until_us = std::numeric_limits<int64_t>::max();

  friend bool operator==(const Answer&, const Answer&) = default;
};

// Transcribes policy/SPEC.md sentence by sentence, with no thought for speed
// and no code of the engine. The case must be well formed.
Answer Decide(const World& world, const config::v1::PolicyCase& policy_case);

// For failure messages.
std::string ToText(const Answer& answer);

}  // namespace consentry::policy_model

#endif  // CONSENTRY_TESTS_DIFFERENTIAL_POLICY_MODEL_H_
