#ifndef CONSENTRY_GATEWAY_SERVER_ANSWERS_H_
#define CONSENTRY_GATEWAY_SERVER_ANSWERS_H_

#include <string>
#include <vector>

#include "gateway/server/initialise.h"
#include "proto/support/error.h"

// Answers to the questions of `init`. Pure.
namespace consentry::server {

// What cannot be used of the answers, with the question as the field: "home",
// "market", "threshold", "source", "purpose", "listen". An answer that is not
// given is no fault.
std::vector<FieldViolation> CheckAnswers(const InitialiseOptions& options);

// Size thresholds that the program's legal packs know, sorted:
// "us-ca.business", ...
std::vector<std::string> KnownThresholds();

// Those of KnownThresholds() that belong to a law of one of the markets and are
// not among the answers: without them that law does not attach.
std::vector<std::string> OpenThresholds(const InitialiseOptions& options);

}  // namespace consentry::server

#endif  // CONSENTRY_GATEWAY_SERVER_ANSWERS_H_
