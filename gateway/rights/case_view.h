#ifndef CONSENTRY_GATEWAY_RIGHTS_CASE_VIEW_H_
#define CONSENTRY_GATEWAY_RIGHTS_CASE_VIEW_H_

#include "consentry/store/v1/rights.pb.h"
#include "consentry/v1/rights_service.pb.h"

namespace consentry::rights {

// How much of a case somebody is shown.
struct CaseShown {
  // Lists leave steps out.
  bool steps = true;
  // Before a requester is identified, systems are not told who, or whether
  // anybody, was found (PROTOCOLS A7).
  bool subject = true;
};

// A case as the API answers it, without what the customer wrote. Pure.
v1::RightsCase ShowCase(const store::v1::RightsCaseDoc& doc,
                        const CaseShown& shown);

}  // namespace consentry::rights

#endif  // CONSENTRY_GATEWAY_RIGHTS_CASE_VIEW_H_
