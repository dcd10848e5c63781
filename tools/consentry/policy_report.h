#ifndef CONSENTRY_TOOLS_CONSENTRY_POLICY_REPORT_H_
#define CONSENTRY_TOOLS_CONSENTRY_POLICY_REPORT_H_

#include <iosfwd>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "google/protobuf/struct.pb.h"
#include "policy/engine/bundle.h"
#include "policy/engine/decision.h"
#include "policy/engine/explain.h"

namespace consentry::tools {

// Says what is wrong on `err` and returns kExitError.
int FailPolicy(const absl::Status& status, std::ostream& err);

// A decision for people: outcome, fields, rules with citations, bases, consent,
// what is owed, until when it holds.
std::string DecisionText(const policy::Bundle& bundle,
                         const policy::Decision& decision);

// The same for programs. Keys: effect, reason, rule, fields[], regimes[],
// bases[], rules[], obligations[], decided_until.
google::protobuf::Struct DecisionJson(const policy::Bundle& bundle,
                                      const policy::Decision& decision);

google::protobuf::Struct ExplanationJson(
    const policy::Explanation& explanation);

// Indented JSON, keys sorted, with a final newline.
std::string ToJson(const google::protobuf::Struct& value);

// Shorthands to build JSON.
google::protobuf::Value JsonText(std::string_view text);
google::protobuf::Value JsonNumber(double number);
google::protobuf::Value JsonBool(bool value);
google::protobuf::Value JsonObject(google::protobuf::Struct object);

// "CONSENT_MISSING".
std::string ReasonName(policy::Reason reason);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_POLICY_REPORT_H_
