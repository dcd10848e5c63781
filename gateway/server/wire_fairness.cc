#include "gateway/server/wire_fairness.h"

#include <chrono>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gateway/base/log.h"
#include "proto/support/status_macros.h"

namespace consentry::server {
namespace {

constexpr base::LogEvent kTickFailed{base::LogLevel::kWarn, 7002,
                                     "fairness.upkeep_failed"};
constexpr std::chrono::minutes kTick{5};

}  // namespace

absl::StatusOr<std::unique_ptr<Fairness>> Fairness::Open(
    const Options& options) {
  auto made = std::unique_ptr<Fairness>(new Fairness(options));
  made->rows_ =
      std::make_unique<fairness::FairnessRows>(options.epochs, options.digests);
  const access::AnswerParts& answers = options.answers;
  CONSENTRY_ASSIGN_OR_RETURN(auto lease, options.readers->Acquire());
  CONSENTRY_ASSIGN_OR_RETURN(
      made->watch_,
      fairness::FairnessWatch::Open(
          {.configuration = answers.configuration,
           .subjects = options.subjects,
           .rows = made->rows_.get(),
           .on_found =
               [answers, rows = made->rows_.get(), digest = options.digest](
                   std::vector<fairness::FairnessFinding> found) {
                 fairness::RecordFindings(answers.committer, rows,
                                          answers.configuration, found);
                 digest->Wake();
               }},
          lease.get()));
  const auto lines = [watch = made->watch_.get()](int64_t now_us) {
    return fairness::FindingLines(*watch, now_us);
  };
  options.digest->AddAlarm(lines);
  options.digest->Add(lines);
  made->desk_ = std::make_unique<fairness::FairnessDesk>(
      fairness::FairnessDesk::Options{.answers = answers,
                                      .readers = options.readers,
                                      .watch = made->watch_.get(),
                                      .rows = made->rows_.get(),
                                      .page_tokens = options.page_tokens,
                                      .keep_days = options.keep_days,
                                      .proposals = options.proposals});
  return made;
}

void Fairness::OpenAudits(AuditOptions options) {
  report_rows_ = std::make_unique<fairness::ReportRows>(options_.epochs);
  cases_ = std::make_unique<fairness::AuditCases>(fairness::AuditCases::Options{
      .configuration = options_.answers.configuration,
      .committer = options_.answers.committer,
      .readers = options_.readers,
      .subjects = options_.subjects,
      .screenings = options.screenings,
      .outcomes = options.outcomes});
  audits_ = std::make_unique<fairness::AuditDesk>(fairness::AuditDesk::Options{
      .answers = options_.answers,
      .readers = options_.readers,
      .watch = watch_.get(),
      .profiles = rows_.get(),
      .rows = report_rows_.get(),
      .cases = cases_.get(),
      .digests = options_.digests,
      .page_tokens = options_.page_tokens,
      .signer = options.signer,
      .log_origin = options.log_origin,
      .keep_days = options_.keep_days,
      .tell =
          [sender = options.sender](store::ChangeContext& context,
                                    const std::string& report, bool made,
                                    const std::vector<std::string>& lines) {
            const std::string text = absl::StrJoin(lines, "\n");
            return sender->TellStaff(
                context, made ? "staff.fairness" : "staff.fairness_not_made",
                {{"report", report}, {"lines", text}},
                absl::StrCat("fairness:", report, made ? "" : "/" + text));
          },
      .wake =
          [this] {
            MutexLock lock(&mu_);
            if (thread_ != nullptr) thread_->Wake();
          }});
}

void Fairness::Start() {
  fairness::RecordFindings(options_.answers.committer, rows_.get(),
                           options_.answers.configuration, watch_->unlogged());
  MutexLock lock(&mu_);
  thread_ = std::make_unique<base::Periodic>(
      base::Constant("fairness"), kTick, [this] {
        watch_->Sweep(options_.answers.committer->NowUs());
        if (const absl::Status status = audits_->Tick(); !status.ok()) {
          base::Log(kTickFailed, {{"status", status}});
        }
      });
  thread_->Wake();
}

void Fairness::Stop() {
  if (audits_ != nullptr) audits_->Stop();
  std::unique_ptr<base::Periodic> thread;
  {
    MutexLock lock(&mu_);
    thread = std::move(thread_);
  }
  // What it does may want the lock.
  thread.reset();
}

}  // namespace consentry::server
