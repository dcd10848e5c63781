#ifndef CONSENTRY_GATEWAY_RIGHTS_CASE_CODE_H_
#define CONSENTRY_GATEWAY_RIGHTS_CASE_CODE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "consentry/store/v1/rights.pb.h"

namespace consentry::rights {

// A code that shows control of a contact point: 50 random bits as two groups of
// five letters and digits that are not taken for one another.
std::string NewCode();

// Keeps its digest, for 24 hours.
void SetCode(std::string_view code, int64_t now_us,
             store::v1::RightsCaseDoc* doc);

// Whether it is the code of the case; takes the same time for every wrong one.
// Lower case and spaces around it pass.
bool IsCode(std::string_view code, const store::v1::RightsCaseDoc& doc);

}  // namespace consentry::rights

#endif  // CONSENTRY_GATEWAY_RIGHTS_CASE_CODE_H_
