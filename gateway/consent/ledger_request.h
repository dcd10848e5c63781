#ifndef CONSENTRY_GATEWAY_CONSENT_LEDGER_REQUEST_H_
#define CONSENTRY_GATEWAY_CONSENT_LEDGER_REQUEST_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/v1/consent_service.pb.h"
#include "gateway/clients/caller_context.h"
#include "gateway/clients/configuration.h"

namespace consentry::consent {

// What a request to the ledger must be. Pure; safe for many threads.

// Purposes of one request.
inline constexpr int kMaxPurposes = 16;

// All faults of a request at once, as FIELD_INVALID.
class RequestFaults {
 public:
  void Add(std::string_view field, std::string_view description);
  const absl::Status& status() const { return status_; }

 private:
  absl::Status status_;
};

// FIELD_INVALID with every faulty field.
absl::Status CheckRecord(const v1::RecordConsentRequest& request,
                         int64_t now_us);

// Purposes of a request, once each. PURPOSE_NOT_ALLOWED for one that the
// registry does not know.
absl::StatusOr<std::vector<std::string>> KnownPurposes(
    const clients::Configuration& configuration,
    const google::protobuf::RepeatedPtrField<std::string>& asked);

// The purposes of a question: those asked for, or all that the caller may ask
// about. PURPOSE_NOT_ALLOWED.
absl::StatusOr<std::vector<std::string>> AskedPurposes(
    const clients::Configuration& configuration,
    const clients::Registration& registration,
    const google::protobuf::RepeatedPtrField<std::string>& asked,
    bool all_purposes);

// Whether the caller's registration may report these consents:
// ATTESTATION_NOT_ALLOWED, PERMISSION_MISSING (of parental authorisation),
// CONTEXT_REQUIRED.
absl::Status MayGive(const clients::Configuration& configuration,
                     const clients::CallerContext& caller,
                     const std::vector<std::string>& purposes,
                     const v1::RecordConsentRequest& request);

}  // namespace consentry::consent

#endif  // CONSENTRY_GATEWAY_CONSENT_LEDGER_REQUEST_H_
