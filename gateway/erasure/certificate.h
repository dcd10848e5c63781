#ifndef CONSENTRY_GATEWAY_ERASURE_CERTIFICATE_H_
#define CONSENTRY_GATEWAY_ERASURE_CERTIFICATE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "audit/log/signer.h"
#include "consentry/store/v1/erasure.pb.h"
#include "consentry/v1/rights_service.pb.h"

namespace consentry::erasure {

// The first line of every certificate: no origin of a log has a space, so none
// can be taken for a checkpoint, which the same key signs.
inline constexpr char kCertificateTitle[] = "consentry erasure certificate v1";

// States what a finished erasure did, and signs it as a C2SP note with the
// log's key. It claims no more than that keys were destroyed: what a disk may
// still hold of them in worn-out cells is outside of anybody's reach. Names
// fields, grounds and dates; no value, and no id of the customer.
//
//   consentry erasure certificate v1
//   log shop.example/7f3a90c2
//   case rgt_...
//   decided 2026-11-20T10:00:00Z
//   destroyed 2026-11-21T10:00:02Z
//   final 2026-11-28T10:00:02Z
//   entry 4711
//   erased profile.email
//   kept order.total until 2033-01-31T00:00:00Z on HGB s. 257(1) no. 4
//   kept suppression until 2036-11-21T10:00:02Z on ...
//   failed order.note
absl::StatusOr<v1::ErasureCertificate> MakeCertificate(
    const store::v1::ErasureJob& job, std::string_view log_origin,
    int64_t final_us, const audit::Signer& signer);

// Why a hash of the identifiers is kept.
inline constexpr char kSuppressionGround[] =
    "GDPR Art. 17(3)(b), Art. 21(3): so that nobody is brought back";

// One field as the API tells it.
v1::RightsOutcome OutcomeOf(const store::v1::ErasedField& field);

}  // namespace consentry::erasure

#endif  // CONSENTRY_GATEWAY_ERASURE_CERTIFICATE_H_
