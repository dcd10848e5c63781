#ifndef CONSENTRY_GATEWAY_FAIRNESS_AUDIT_DESK_H_
#define CONSENTRY_GATEWAY_FAIRNESS_AUDIT_DESK_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "audit/log/signer.h"
#include "consentry/v1/screening_service.pb.h"
#include "gateway/access/audited_answer.h"
#include "gateway/access/caller.h"
#include "gateway/crypto/page_token.h"
#include "gateway/crypto/request_digest.h"
#include "gateway/fairness/audit_cases.h"
#include "gateway/fairness/fairness_rows.h"
#include "gateway/fairness/fairness_watch.h"
#include "gateway/fairness/report_rows.h"
#include "gateway/store/reader_pool.h"
#include "proto/support/mutex.h"

namespace consentry::fairness {

// Audits, on dates and when asked. Each is registered, with what it may spend,
// before it looks; who asks again within the year finds less. What a crash
// interrupted looks again at the same outputs for the same alpha: nobody had
// seen it. Its report is signed (policy/fairness/report_note.h).
//
// Run and the reads: any thread. Tick: one thread, which waits.
class AuditDesk {
 public:
  // Tells staff of a report, in the change that keeps it: lines of
  // [a-z0-9_.:- ].
  using Tell = std::function<absl::Status(store::ChangeContext&,
                                          const std::string& report,
                                          const std::vector<std::string>&)>;
  struct Options {
    // All outlive the desk.
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
    // May be empty.
    Tell tell;
    // Asks for a Tick soon. May be called from any thread.
    std::function<void()> wake;
  };
  explicit AuditDesk(Options options) : options_(std::move(options)) {}
  ~AuditDesk() { Stop(); }

  // Above this an answer leaves the figures to the file.
  static constexpr size_t kMaxAnswerBytes = size_t{3} << 20;

  // NOT_FOUND without such a profile; FIELD_INVALID for a time that has no
  // outputs yet; STATE_INVALID where a report of nearly the same cases was told
  // before, so that the two would tell about single people; errors of
  // AuditCases::Look. `done` when it is made, which may
  // take long.
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

  // Registers what is due, makes what is registered, and notes how monitors
  // stand. An error is that of the first that failed; the others are made all
  // the same.
  absl::Status Tick();
  // A Tick ends soon, and further ones at once; whoever waits is told STOPPING.
  void Stop();

 private:
  absl::Status RegisterDue();
  absl::Status Make(ReportRow row);
  absl::Status Fail(ReportRow row, const absl::Status& why);
  absl::StatusOr<v1::FairnessReport> Look(const ReportRow& row,
                                          int64_t now_us) const;
  // Reports that may share cases with this one.
  absl::StatusOr<std::vector<v1::FairnessReport>> EarlierThan(
      const ReportRow& row) const;
  absl::Status AddMonitors(const ReportRow& row,
                           v1::FairnessReport* report) const;
  absl::Status NoteMonitors();
  // Sets aside what the profile still has, and writes the row.
  absl::Status Register(store::ChangeContext& context, ReportRow* row,
                        bool confirmatory) const;
  void Answer(const std::string& id, const absl::StatusOr<ReportRow>& row);
  absl::StatusOr<ReportRow> ReadMade(std::string_view id) const;

  const Options options_;
  std::atomic<bool> stop_{false};
  Mutex mu_;
  // By id of the report: who waits for it.
  std::multimap<std::string, ReportDone> waiting_ ABSL_GUARDED_BY(mu_);
};

}  // namespace consentry::fairness

#endif  // CONSENTRY_GATEWAY_FAIRNESS_AUDIT_DESK_H_
