#include "gateway/server/wire_review.h"

#include <chrono>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gateway/base/constant.h"
#include "gateway/base/log.h"
#include "policy/engine/civil.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::server {
namespace {

constexpr base::LogEvent kTickFailed{base::LogLevel::kWarn, 5001,
                                     "review.upkeep_failed"};
constexpr std::chrono::seconds kTick{60};
constexpr std::chrono::milliseconds kIndexWait{5000};

absl::Status NoTarget() {
  return MakeError(v1::ERROR_REASON_NOT_FOUND, "no output has this id");
}

}  // namespace

review::ReviewTarget* Review::LateTarget::Of(std::string_view target) const {
  return target.starts_with("vul_") ? vulnerabilities : to;
}

absl::Status Review::LateTarget::Apply(store::ChangeContext& context,
                                       std::string_view target,
                                       review::Ruling ruling,
                                       std::string_view new_outcome,
                                       store::v1::Leaf* leaf) {
  review::ReviewTarget* const one = Of(target);
  if (one == nullptr) return NoTarget();
  return one->Apply(context, target, ruling, new_outcome, leaf);
}

absl::StatusOr<review::TargetCase> Review::LateTarget::Describe(
    store::Connection* connection, std::string_view target,
    const crypto::Grant& grant) {
  review::ReviewTarget* const one = Of(target);
  if (one == nullptr) return NoTarget();
  return one->Describe(connection, target, grant);
}

absl::StatusOr<review::TargetCase> Review::LoggedDecisions::Find(
    std::string_view decision) {
  const absl::Status unknown =
      MakeError(v1::ERROR_REASON_NOT_FOUND, "no decision has this id");
  const auto payload = tokens_->Decode(crypto::TokenKind::kDecision, decision);
  if (!payload.ok()) return unknown;
  const crypto::LogPosition at = crypto::LogPosition::Unpack(*payload);
  const auto bytes = log_->Read(at.index);
  if (absl::IsOutOfRange(bytes.status())) return unknown;
  CONSENTRY_RETURN_IF_ERROR(bytes.status());
  store::v1::Leaf leaf;
  if (!leaf.ParseFromString(*bytes) || at.item >= leaf.subjects_size() ||
      leaf.subjects(at.item).effects_digest().empty()) {
    return unknown;
  }
  if (!trail_->WaitUntilIndexed(at.index + 1, kIndexWait)) {
    return MakeError(v1::ERROR_REASON_STORE_UNAVAILABLE,
                     "the index of the log is still catching up");
  }
  review::TargetCase found;
  CONSENTRY_ASSIGN_OR_RETURN(found.subject,
                             trail_->SubjectOf(at.index, at.item));
  if (found.subject == 0) return unknown;
  const store::v1::LeafSubject& item = leaf.subjects(at.item);
  found.purpose = leaf.purpose();
  found.proposal = absl::StrCat(
      item.effect() == v1::EFFECT_PERMIT ? "permitted: " : "not permitted: ",
      leaf.client_id(), " under ", leaf.purpose(), " on ",
      policy::FormatTime(leaf.time_us()));
  if (item.reason() != v1::ERROR_REASON_UNSPECIFIED) {
    found.findings.push_back(
        v1::ErrorReason_Name(static_cast<v1::ErrorReason>(item.reason())));
  }
  return found;
}

Review::Review(Options options)
    : decisions_(options.parts.tokens, options.trail, options.log) {
  options.parts.target = &target_;
  options.parts.decisions = &decisions_;
  options.parts.tell = [sender = options.sender](
                           store::ChangeContext& context, uint64_t subject,
                           std::string_view text,
                           std::map<std::string, std::string> arguments) {
    delivery::Arguments taken;
    for (auto& [name, value] : arguments) taken[name] = std::move(value);
    return sender->TellCustomer(context, subject, text, /*language=*/"",
                                std::move(taken));
  };
  const access::AnswerParts answers{
      .configuration = options.parts.configuration,
      .committer = options.parts.committer,
      .workers = options.workers};
  desk_ = std::make_unique<review::ReviewDesk>(std::move(options.parts));
  of_subjects_ = std::make_unique<review::SubjectReviews>(&desk_->rows());
  reads_ = std::make_unique<review::ReviewReads>(
      review::ReviewReads::Options{.parts = answers,
                                   .desk = desk_.get(),
                                   .reads = options.reads,
                                   .page_tokens = options.page_tokens});
}

void Review::Start() {
  thread_ =
      std::make_unique<base::Periodic>(base::Constant("review"), kTick, [this] {
        for (const auto& done : {desk_->TimeOutDue(), desk_->ForgetOld()}) {
          if (!done.ok()) base::Log(kTickFailed, {{"status", done.status()}});
        }
      });
  thread_->Wake();
}

absl::StatusOr<std::string> QueueCase(store::ChangeContext& context,
                                      const store::v1::RightsCaseDoc& doc,
                                      const std::string& statement,
                                      review::ReviewDesk* desk) {
  review::CaseQuestion question;
  question.case_id = doc.id();
  question.target = doc.decision_id();
  question.subject = doc.decision_subject();
  question.statement = statement;
  question.requester.set_client_id(doc.opened_by().client_id());
  question.requester.set_person(doc.opened_by().person());
  CONSENTRY_ASSIGN_OR_RETURN(const review::QueuedReview queued,
                             desk->EnqueueCase(context, question));
  return queued.id;
}

}  // namespace consentry::server
