#ifndef CONSENTRY_GATEWAY_CONSENT_RECEIPT_RECORD_H_
#define CONSENTRY_GATEWAY_CONSENT_RECEIPT_RECORD_H_

#include <cstdint>

#include "consentry/store/v1/consent.pb.h"
#include "consentry/store/v1/subject.pb.h"
#include "consentry/v1/consent_receipt.pb.h"
#include "gateway/clients/configuration.h"

namespace consentry::consent {

// What a receipt tells of one event: the purpose as the registry in force words
// it, with its bases, data, recipients and retention. Every mandatory field of
// ISO/IEC TS 27560:2023 is filled; what the controller has not declared of
// itself reads "not declared". The purpose must be of the configuration. Pure.
v1::ReceiptRecord MakeReceipt(const clients::Configuration& configuration,
                              const store::v1::SubjectHead& head,
                              const store::v1::ConsentEvent& event,
                              int64_t now_us);

}  // namespace consentry::consent

#endif  // CONSENTRY_GATEWAY_CONSENT_RECEIPT_RECORD_H_
