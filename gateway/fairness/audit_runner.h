#ifndef CONSENTRY_GATEWAY_FAIRNESS_AUDIT_RUNNER_H_
#define CONSENTRY_GATEWAY_FAIRNESS_AUDIT_RUNNER_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/v1/screening_service.pb.h"
#include "gateway/fairness/audit_parts.h"
#include "gateway/fairness/audit_register.h"
#include "gateway/fairness/report_rows.h"
#include "proto/support/mutex.h"

namespace consentry::fairness {

// Makes audits when they are due. What a crash interrupted looks again at the
// same outputs for the same alpha: nobody had seen it. What fails is tried
// again, ever later, where it was registered ahead: purposes are mended, and
// stores; then, and at once where nothing can mend it, it failed for good. It
// keeps its alpha: whoever could get that back by making an audit fail might
// look first. Its entry and a notice to staff say so.
//
// Wait and Stop: any thread. Tick: one thread, which waits.
class AuditRunner {
 public:
  using Done = absl::AnyInvocable<void(absl::StatusOr<v1::FairnessReport>)>;

  // `parts` outlives the object.
  explicit AuditRunner(const AuditParts* parts)
      : parts_(parts), register_(parts) {}
  ~AuditRunner() { Stop(); }

  // Tries of what was registered ahead: waiting 5 minutes after the first, and
  // twice as long after each, a week in all.
  static constexpr uint32_t kMostTries = 12;
  static constexpr int64_t kFirstWaitUs = int64_t{5} * 60 * 1'000'000;

  // `done` once the report is made, or cannot be: soon, where it is due.
  void Wait(const std::string& id, Done done);

  // Registers what the calendar and alarms want, makes what is due, and notes
  // how monitors stand. An error is that of the first that failed; the others
  // are made all the same.
  absl::Status Tick();
  // A Tick ends soon, and further ones at once; whoever waits is told STOPPING.
  void Stop();

 private:
  bool IsDue(const ReportRow& row, int64_t now_us) const;
  absl::Status MakeDue();
  absl::Status Make(ReportRow row);
  absl::Status Fail(ReportRow row, const absl::Status& why);
  absl::StatusOr<v1::FairnessReport> Look(const ReportRow& row,
                                          int64_t now_us) const;
  // Sets the audits that may share cases with this one: reports that it must be
  // read beside, and those that are not at hand.
  absl::Status FindOthers(const ReportRow& row, AuditQuestion* question) const;
  absl::Status Keep(const ReportRow& row, store::v1::Leaf told, bool tell,
                    const std::vector<std::string>& lines) const;
  void AnswerLeft();
  void Answer(const std::string& id, const absl::StatusOr<ReportRow>& row);

  const AuditParts* const parts_;
  const AuditRegister register_;
  std::atomic<bool> stop_{false};
  // Tick alone: when what failed may be tried again.
  std::map<std::string, int64_t> again_us_;
  Mutex mu_;
  // By id of the report: who waits for it.
  std::multimap<std::string, Done> waiting_ ABSL_GUARDED_BY(mu_);
};

// STATE_INVALID for one that is not made, with the reason; NOT_FOUND.
absl::StatusOr<ReportRow> ReadMadeReport(const AuditParts& parts,
                                         std::string_view id);

}  // namespace consentry::fairness

#endif  // CONSENTRY_GATEWAY_FAIRNESS_AUDIT_RUNNER_H_
