#ifndef CONSENTRY_GATEWAY_FAIRNESS_AUDIT_PARTS_H_
#define CONSENTRY_GATEWAY_FAIRNESS_AUDIT_PARTS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "audit/log/signer.h"
#include "gateway/access/audited_answer.h"
#include "gateway/access/caller.h"
#include "gateway/crypto/page_token.h"
#include "gateway/crypto/request_digest.h"
#include "gateway/fairness/audit_cases.h"
#include "gateway/fairness/fairness_rows.h"
#include "gateway/fairness/fairness_watch.h"
#include "gateway/fairness/report_rows.h"
#include "gateway/store/change.h"
#include "gateway/store/reader_pool.h"

namespace consentry::fairness {

// What audits stand on. All that is pointed to outlives whoever has it.
struct AuditParts {
  // Tells staff of a report, in the change that keeps it: that it was made, or
  // that it could not be; lines of [a-z0-9_.:- ].
  using Tell = std::function<absl::Status(
      store::ChangeContext&, const std::string& report, bool made,
      const std::vector<std::string>& lines)>;

  access::AnswerParts answers;
  store::ReaderPool* readers = nullptr;
  const FairnessWatch* watch = nullptr;
  const FairnessRows* profiles = nullptr;
  const ReportRows* rows = nullptr;
  const AuditCases* cases = nullptr;
  const crypto::RequestDigests* digests = nullptr;
  const crypto::PageTokens* page_tokens = nullptr;
  const audit::Signer* signer = nullptr;
  std::string log_origin;
  // For how many days outputs are held. 0: for good.
  int64_t keep_days = 0;
  // May be empty.
  Tell tell;
  // Asks for a Tick soon. May be called from any thread.
  std::function<void()> wake;
};

// Entries of the gateway's own about audits.
inline constexpr char kAuditRegisterEvent[] = "system.fairness_audit";
inline constexpr char kAuditMadeEvent[] = "system.fairness_report";

// The gateway itself.
inline access::Caller AuditSelf(const char* event) {
  access::Caller self;
  self.event = event;
  self.method = event;
  return self;
}

}  // namespace consentry::fairness

#endif  // CONSENTRY_GATEWAY_FAIRNESS_AUDIT_PARTS_H_
