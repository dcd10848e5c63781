#include "gateway/fairness/audit_desk.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gateway/clients/caller_context.h"
#include "gateway/fairness/report_file.h"
#include "policy/fairness/report_html.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::fairness {
namespace {

constexpr int kDefaultPage = 50;

absl::Status BadToken() {
  return MakeError(v1::ERROR_REASON_PAGE_TOKEN_INVALID,
                   "the page token is not one of this question");
}

}  // namespace

void AuditDesk::Run(const access::Caller& caller,
                    const v1::RunFairnessAuditRequest& request,
                    ReportDone done) {
  const auto configuration = options_.answers.configuration();
  store::Change change;
  change.apply = [this, caller, request, configuration](
                     store::ChangeContext& context) -> absl::Status {
    ReportRow row;
    CONSENTRY_RETURN_IF_ERROR(
        register_.Ask(context, request, clients::RequesterOf(caller), &row));
    store::v1::Leaf leaf =
        clients::LeafOf(*configuration, caller, context.now_us());
    leaf.set_change_number(static_cast<uint64_t>(context.number()));
    TellRegistration(row.doc, &leaf);
    context.SetEntry(leaf.SerializeAsString());
    context.SetResult(row.doc.id());
    return absl::OkStatus();
  };
  if (!request.request_id().empty()) {
    v1::RunFairnessAuditRequest plain = request;
    plain.clear_request_id();
    plain.clear_context();
    change.request = store::RequestBinding{
        clients::RequesterOf(caller), request.request_id(), caller.method,
        options_.digests->Of(clients::CanonicalBytes(plain))};
  }
  options_.answers.committer->CommitChange(
      std::move(change),
      [this, ahead = request.confirmatory(),
       done = std::move(done)](store::ChangeOutcome outcome) mutable {
        if (!outcome.status.ok()) {
          done(std::move(outcome.status));
        } else if (ahead) {
          AnswerRegistered(outcome.result, std::move(done));
        } else {
          runner_.Wait(outcome.result, std::move(done));
        }
      });
}

// With how it stands now: the same request may be repeated when it is made.
void AuditDesk::AnswerRegistered(const std::string& id, ReportDone done) const {
  auto shared = std::make_shared<ReportDone>(std::move(done));
  const bool taken = options_.answers.workers->TrySubmit([this, id, shared] {
    const auto read = [&]() -> absl::StatusOr<v1::FairnessReport> {
      CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
      CONSENTRY_ASSIGN_OR_RETURN(const ReportRow row,
                                 options_.rows->Read(lease.get(), id));
      if (row.state != ReportState::kMade) return ReportSummary(row.doc);
      CONSENTRY_ASSIGN_OR_RETURN(v1::FairnessReport report, ReportOf(row));
      return FittingReport(std::move(report));
    };
    (*shared)(read());
  });
  if (!taken) {
    (*shared)(MakeError(v1::ERROR_REASON_STORE_UNAVAILABLE,
                        "too much waits to be answered: the audit is "
                        "registered, and stands in the list of reports"));
  }
}

void AuditDesk::Get(const access::Caller& caller,
                    const v1::GetFairnessReportRequest& request,
                    access::Done<v1::FairnessReport> done) const {
  access::AnswerAudited<v1::FairnessReport>(
      options_.answers, caller,
      [this, id = request.id()](
          access::AnswerEntry* entry) -> absl::StatusOr<v1::FairnessReport> {
        CONSENTRY_ASSIGN_OR_RETURN(const ReportRow row,
                                   ReadMadeReport(options_, id));
        CONSENTRY_ASSIGN_OR_RETURN(v1::FairnessReport report, ReportOf(row));
        entry->leaf.add_details("report=" + id);
        return FittingReport(std::move(report));
      },
      std::move(done));
}

void AuditDesk::Download(const access::Caller& caller,
                         const v1::DownloadFairnessReportRequest& request,
                         access::Done<std::string> done) const {
  access::AnswerAudited<std::string>(
      options_.answers, caller,
      [this,
       request](access::AnswerEntry* entry) -> absl::StatusOr<std::string> {
        CONSENTRY_ASSIGN_OR_RETURN(ReportRow row,
                                   ReadMadeReport(options_, request.id()));
        entry->leaf.add_details("report=" + request.id());
        if (request.format() == v1::FAIRNESS_REPORT_FORMAT_JSON) {
          return std::move(row.file);
        }
        CONSENTRY_ASSIGN_OR_RETURN(const v1::FairnessReport report,
                                   ReportOf(row));
        return rules::FairnessReportHtml(report);
      },
      std::move(done));
}

void AuditDesk::List(const access::Caller& caller,
                     const v1::ListFairnessReportsRequest& request,
                     access::Done<v1::ListFairnessReportsResponse> done) const {
  access::AnswerAudited<v1::ListFairnessReportsResponse>(
      options_.answers, caller,
      [this, caller, request](access::AnswerEntry* entry)
          -> absl::StatusOr<v1::ListFairnessReportsResponse> {
        const int64_t now_us = entry->leaf.time_us();
        const std::string who = clients::RequesterOf(caller);
        const std::string query =
            absl::StrCat("fairness.reports/", request.profile_id());
        int64_t before = 0;
        if (!request.page_token().empty()) {
          const auto position = options_.page_tokens->Open(
              who, query, request.page_token(), now_us);
          if (!position.ok() || !absl::SimpleAtoi(*position, &before)) {
            return BadToken();
          }
        }
        const auto size = static_cast<size_t>(
            request.page_size() == 0 ? kDefaultPage : request.page_size());
        CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
        std::string key;
        if (!request.profile_id().empty()) {
          CONSENTRY_ASSIGN_OR_RETURN(
              key,
              options_.profiles->ProfileKey(lease.get(), request.profile_id()));
        }
        CONSENTRY_ASSIGN_OR_RETURN(
            const auto rows,
            options_.rows->List(lease.get(), key, before, size + 1));
        v1::ListFairnessReportsResponse page;
        for (size_t i = 0; i < std::min(size, rows.size()); ++i) {
          *page.add_reports() = ReportSummary(rows[i].doc);
        }
        if (rows.size() > size) {
          CONSENTRY_ASSIGN_OR_RETURN(
              *page.mutable_next_page_token(),
              options_.page_tokens->Seal(
                  who, query, absl::StrCat(rows[size - 1].no), now_us));
        }
        return page;
      },
      std::move(done));
}

}  // namespace consentry::fairness
