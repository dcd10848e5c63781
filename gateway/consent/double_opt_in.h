#ifndef CONSENTRY_GATEWAY_CONSENT_DOUBLE_OPT_IN_H_
#define CONSENTRY_GATEWAY_CONSENT_DOUBLE_OPT_IN_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "consentry/v1/consent_service.pb.h"
#include "gateway/consent/code_sender.h"
#include "gateway/consent/ledger_changes.h"

namespace consentry::consent {

// Consents that a customer confirms by a code sent to her contact point: they
// count as her own act (PROTOCOLS G3), and the contact point as verified.
//
// A code lives 24 hours, for the client that started it; the fifth wrong one
// voids it. Of the code a keyed digest is kept, sealed under the customer's
// key. Safe for many threads; none of the methods but Sweep waits for the disk.
class DoubleOptIns {
 public:
  static constexpr int64_t kLifetimeUs = int64_t{24} * 3600 * 1'000'000;
  static constexpr uint32_t kMaxWrong = 5;
  // Codes that one customer may have open: more would be a nuisance to her.
  static constexpr int64_t kMaxOpen = 5;

  // `sender`: null while nothing can be sent. Outlives this.
  DoubleOptIns(const LedgerOptions& options, const CodeSender* sender)
      : options_(options), changes_(options), sender_(sender) {}

  // Makes a code and sends it. SENDER_MISSING, ACCESS_DENIED (nobody, or more
  // than one, is known by the contact point), RATE_LIMITED (kMaxOpen), and as
  // for a consent that the caller reports.
  void Start(const clients::CallerContext& caller,
             const v1::StartDoubleOptInRequest& request,
             Done<v1::StartDoubleOptInResponse> done);

  // Records the consents. CODE_INVALID for a wrong code, and for a handle that
  // is unknown, another client's, used, void, or past its end. A wrong code is
  // counted before it is answered.
  void Complete(const clients::CallerContext& caller,
                const v1::CompleteDoubleOptInRequest& request,
                Done<v1::RecordConsentResponse> done);

  // Removes what is past its end, in one bounded step. For a thread that may
  // wait.
  absl::Status Sweep();

 private:
  std::string DigestOf(const std::string& handle,
                       const std::string& code) const;
  absl::StatusOr<uint64_t> FindOwner(const std::string& handle) const;

  const LedgerOptions options_;
  const LedgerChanges changes_;
  const CodeSender* const sender_;
};

}  // namespace consentry::consent

#endif  // CONSENTRY_GATEWAY_CONSENT_DOUBLE_OPT_IN_H_
