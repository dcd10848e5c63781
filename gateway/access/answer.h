#ifndef CONSENTRY_GATEWAY_ACCESS_ANSWER_H_
#define CONSENTRY_GATEWAY_ACCESS_ANSWER_H_

#include <cstdint>
#include <string>

#include "consentry/v1/common.pb.h"
#include "gateway/access/read_plan.h"
#include "policy/engine/decision.h"
#include "policy/engine/types.h"

namespace consentry::access {

// Whether a reason tells something about the subject, and therefore is told to
// callers with decisions.explain alone.
bool IsAboutSubject(v1::ErrorReason reason);

// As the API writes it: "legitimate_interest".
std::string BasisName(policy::LawfulBasis basis);

// What a caller is told of a decision, without its ids. For callers that may
// not explain, unknown, erased and denied subjects look alike. `now_us` is the
// time of the decision, `until_us` the end of the first released value's
// retention (INT64_MAX: none).
v1::Decision MakeAnswer(const ReadPlan& plan, const policy::Decision& decision,
                        bool may_explain, int64_t now_us, int64_t until_us);

// The decision about a subject that does not exist, or no longer: everything
// denied for `reason`.
policy::Decision DenyAll(const ReadPlan& plan, v1::ErrorReason reason);

}  // namespace consentry::access

#endif  // CONSENTRY_GATEWAY_ACCESS_ANSWER_H_
