#ifndef CONSENTRY_GATEWAY_RIGHTS_LETTER_H_
#define CONSENTRY_GATEWAY_RIGHTS_LETTER_H_

#include <cstdint>
#include <string>

#include "consentry/store/v1/rights.pb.h"
#include "policy/engine/bundle.h"

namespace consentry::rights {

// The letter that tells the customer where her case stands, in the case's
// language: receipt, a question about who she is, an extension with its reason,
// or the answer; of a refusal with ground, field, end, complaint, court and
// appeal (GDPR Art. 12(4)). Plain text, UTF-8. Holds no value of hers: those
// are in the report. Pure.
std::string LetterOf(const policy::Bundle& bundle,
                     const store::v1::RightsCaseDoc& doc, int64_t now_us);

}  // namespace consentry::rights

#endif  // CONSENTRY_GATEWAY_RIGHTS_LETTER_H_
