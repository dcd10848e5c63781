#ifndef CONSENTRY_GATEWAY_FAIRNESS_AUDIT_DESK_H_
#define CONSENTRY_GATEWAY_FAIRNESS_AUDIT_DESK_H_

#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/v1/screening_service.pb.h"
#include "gateway/access/audited_answer.h"
#include "gateway/access/caller.h"
#include "gateway/fairness/audit_parts.h"
#include "gateway/fairness/audit_register.h"
#include "gateway/fairness/audit_runner.h"

namespace consentry::fairness {

// Audits, on dates and when asked, and their signed reports (report_file.h).
// Each is registered, with what it may spend, before it looks.
//
// Run and the reads: any thread. Tick: one thread, which waits.
class AuditDesk {
 public:
  using Options = AuditParts;
  explicit AuditDesk(Options options)
      : options_(std::move(options)),
        register_(&options_),
        runner_(&options_) {}
  AuditDesk(const AuditDesk&) = delete;
  AuditDesk& operator=(const AuditDesk&) = delete;

  // Errors of AuditRegister::Ask. A confirmatory one is answered with its
  // registration; another `done` when it is made, which may take long, or with
  // what AuditCases::Look says.
  using ReportDone =
      absl::AnyInvocable<void(absl::StatusOr<v1::FairnessReport>)>;
  void Run(const access::Caller& caller,
           const v1::RunFairnessAuditRequest& request, ReportDone done);

  // NOT_FOUND; STATE_INVALID for one that is not made.
  void Get(const access::Caller& caller,
           const v1::GetFairnessReportRequest& request,
           access::Done<v1::FairnessReport> done) const;
  void List(const access::Caller& caller,
            const v1::ListFairnessReportsRequest& request,
            access::Done<v1::ListFairnessReportsResponse> done) const;
  // The whole file.
  void Download(const access::Caller& caller,
                const v1::DownloadFairnessReportRequest& request,
                access::Done<std::string> done) const;

  // As AuditRunner.
  absl::Status Tick() { return runner_.Tick(); }
  void Stop() { runner_.Stop(); }

 private:
  void AnswerRegistered(const std::string& id, ReportDone done) const;

  const Options options_;
  const AuditRegister register_;
  AuditRunner runner_;
};

}  // namespace consentry::fairness

#endif  // CONSENTRY_GATEWAY_FAIRNESS_AUDIT_DESK_H_
