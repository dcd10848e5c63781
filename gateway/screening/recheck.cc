#include "gateway/screening/recheck.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_join.h"
#include "gateway/clients/caller_context.h"
#include "gateway/crypto/subject_tag.h"
#include "gateway/screening/conduct_check.h"
#include "gateway/screening/pressure_words.h"
#include "gateway/screening/significance.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::screening {
namespace {

// The gateway could not say; anything else is an answer about the caller's
// registration, the purpose or the customer.
bool IsFailure(const absl::Status& status) {
  const auto reason = ReasonOf(status);
  return !reason || *reason == v1::ERROR_REASON_STORE_UNAVAILABLE ||
         *reason == v1::ERROR_REASON_KEY_UNAVAILABLE ||
         *reason == v1::ERROR_REASON_DATA_CORRUPT ||
         *reason == v1::ERROR_REASON_INTERNAL;
}

// What the release itself was charged is no reason against it: it has its place
// in the budgets, whoever came after it.
void KeepOwn(const store::v1::ScreeningDoc& doc, conduct::Question* question) {
  if (!doc.has_charge()) return;
  auto& contacts = question->subject.contacts.contacts;
  const conduct::Contact own = ContactOf(doc.charge());
  const auto found = std::find(contacts.begin(), contacts.end(), own);
  if (found == contacts.end()) return;
  contacts.erase(found);
  question->reserved = own;
}

absl::Status JudgeAgain(const ScreeningParts& parts,
                        store::Connection* connection, const v1::Output& output,
                        int64_t now_us, bool for_delivery, Rechecked* made) {
  v1::Output now_delivered = output;
  if (made->row.doc.deliver_us() <= now_us) now_delivered.clear_deliver_time();
  ConductCheck::Evidence evidence;
  evidence.scan = parts.conduct->Scan(output);
  CONSENTRY_RETURN_IF_ERROR(parts.conduct->Gather(connection, made->plan,
                                                  made->decision, now_delivered,
                                                  {}, now_us, &evidence));
  KeepOwn(made->row.doc, &evidence.question);
  // Others' prices were compared when it was released.
  evidence.question.others = {};
  const conduct::Judgement judgement = parts.conduct->Judge(evidence);
  made->quiet_from_us = judgement.quiet_from_us;
  made->retry_us = judgement.retry_us;
  for (const conduct::Finding& finding : judgement.findings) {
    const bool settled =
        finding.action == conduct::Action::kHold && made->row.doc.reviewed();
    if (finding.action == conduct::Action::kRelease || settled) continue;
    if (finding.verdict_class == v1::VERDICT_CLASS_NOT_PERMITTED) {
      made->state = Rechecked::State::kOver;
      return absl::OkStatus();
    }
    if (finding.verdict_class == v1::VERDICT_CLASS_PRESSURE && for_delivery) {
      made->state = Rechecked::State::kLater;
    }
  }
  if (for_delivery && made->row.doc.charge_due() &&
      made->state == Rechecked::State::kHolds) {
    made->due = judgement.charge;
    made->pressure = std::move(evidence.pressure);
  }
  return absl::OkStatus();
}

// A human who let it pass has answered what the monitors ask.
void AskMonitors(const ScreeningParts& parts, const v1::Output& output,
                 int64_t now_us, Rechecked* made) {
  if (parts.fairness == nullptr || made->row.doc.reviewed()) return;
  FairnessGate::Answer answer =
      parts.fairness->Ask(output, made->decision.snapshot, now_us);
  if (answer.action == conduct::Action::kRelease) return;
  made->state = Rechecked::State::kOver;
  made->verdict_class = v1::VERDICT_CLASS_FAIRNESS;
  made->monitors = std::move(answer.monitors);
  made->due.reset();
}

absl::Status Overtaken() {
  return MakeError(v1::ERROR_REASON_ETAG_MISMATCH,
                   "what the charge was judged on changed");
}

}  // namespace

absl::StatusOr<access::OutputPlan> PlanOf(const ScreeningParts& parts,
                                          const ScreeningRow& row,
                                          int64_t now_us,
                                          access::Caller* engine) {
  engine->client_id = row.doc.client_id();
  access::OutputQuestion question;
  question.purpose = row.doc.purpose();
  question.channel = static_cast<v1::Channel>(row.doc.channel());
  question.input_categories = {row.doc.input_categories().begin(),
                               row.doc.input_categories().end()};
  return access::MakeOutputPlan(parts.configuration(), *engine, question,
                                now_us, /*decided_before=*/true);
}

absl::StatusOr<Rechecked> Recheck(const ScreeningParts& parts,
                                  store::Connection* connection,
                                  const ReleaseRow& release, int64_t now_us,
                                  int64_t as_of_change, bool for_delivery) {
  Rechecked made;
  if (release.subject == 0 || now_us >= release.doc.expire_us()) return made;
  auto row = parts.rows->ReadByNumber(connection, release.no);
  if (!row.ok()) {
    if (ReasonOf(row.status()) == v1::ERROR_REASON_NOT_FOUND) return made;
    return row.status();
  }
  made.row = *std::move(row);
  access::Caller engine;
  auto plan = PlanOf(parts, made.row, now_us, &engine);
  if (!plan.ok()) {
    if (IsFailure(plan.status())) return plan.status();
    return made;
  }
  made.plan = *std::move(plan);
  access::SubjectName name;
  name.subject = made.row.subject;
  vault::SubjectReader::HeadOptions options;
  options.as_of_change = as_of_change;
  options.past_cache = true;
  CONSENTRY_ASSIGN_OR_RETURN(
      access::Snapshot snapshot,
      access::TakeSnapshot(*parts.subjects, connection, made.plan.plan, name,
                           options));
  CONSENTRY_ASSIGN_OR_RETURN(
      made.decision,
      access::DecideOutput(made.plan, engine, std::move(snapshot), now_us,
                           made.row.doc.reviewed()));
  if (!made.decision.permitted ||
      SignificanceOf(made.decision, made.row.doc.reviewed()).action !=
          conduct::Action::kRelease) {
    return made;
  }
  const auto grant = access::OutputGrant(made.plan, made.decision);
  if (!grant) return made;
  made.state = Rechecked::State::kHolds;
  CONSENTRY_ASSIGN_OR_RETURN(made.words,
                             parts.rows->OpenOutput(*grant, made.row));
  v1::Output output;
  if (!output.ParseFromString(made.words.output())) return CorruptScreening();
  CONSENTRY_RETURN_IF_ERROR(
      JudgeAgain(parts, connection, output, now_us, for_delivery, &made));
  if (for_delivery && made.state == Rechecked::State::kHolds &&
      now_us < made.row.doc.deliver_us()) {
    made.state = Rechecked::State::kLater;
    made.due.reset();
  }
  if (made.state != Rechecked::State::kOver) {
    AskMonitors(parts, output, now_us, &made);
  }
  return made;
}

absl::Status JudgeAltered(const ScreeningParts& parts,
                          store::ChangeContext& context,
                          const ScreeningRow& row, const v1::Output& altered) {
  if (row.subject == 0) return absl::OkStatus();
  access::Caller engine;
  CONSENTRY_ASSIGN_OR_RETURN(const access::OutputPlan plan,
                             PlanOf(parts, row, context.now_us(), &engine));
  access::SubjectName name;
  name.subject = row.subject;
  vault::SubjectReader::HeadOptions options;
  options.past_cache = true;
  options.keep = false;
  CONSENTRY_ASSIGN_OR_RETURN(
      access::Snapshot snapshot,
      access::TakeSnapshot(*parts.subjects, context.connection(), plan.plan,
                           name, options));
  if (!snapshot.known()) return absl::OkStatus();
  CONSENTRY_ASSIGN_OR_RETURN(
      const access::OutputDecision decision,
      access::DecideOutput(plan, engine, std::move(snapshot), context.now_us(),
                           /*reviewed=*/true));
  ConductCheck::Evidence evidence;
  evidence.scan = parts.conduct->Scan(altered);
  CONSENTRY_RETURN_IF_ERROR(parts.conduct->Gather(context.connection(), plan,
                                                  decision, altered, {},
                                                  context.now_us(), &evidence));
  evidence.question.others = {};
  std::set<std::string> held_for;
  for (const auto& finding : row.doc.findings())
    held_for.insert(finding.rule());
  std::set<std::string> broken;
  for (const conduct::Finding& finding :
       parts.conduct->Judge(evidence).findings) {
    if (finding.verdict_class != v1::VERDICT_CLASS_CONDUCT ||
        finding.action == conduct::Action::kRelease ||
        (finding.action == conduct::Action::kHold &&
         held_for.contains(finding.rule))) {
      continue;
    }
    broken.insert(finding.rule);
  }
  if (broken.empty()) return absl::OkStatus();
  absl::Status status = MakeError(v1::ERROR_REASON_FIELD_INVALID,
                                  "the new outcome breaks rules of conduct");
  AddFieldViolation(&status, {"new_outcome", absl::StrJoin(broken, ", ")});
  return status;
}

absl::StatusOr<bool> ChargeDue(const ScreeningParts& parts,
                               const Rechecked& checked) {
  store::Change change;
  change.apply = [&](store::ChangeContext& context) -> absl::Status {
    const auto& members = checked.decision.snapshot.members;
    for (const store::SubjectVersion& seen : checked.decision.versions()) {
      CONSENTRY_RETURN_IF_ERROR(
          context.RequireVersion(seen.subject, seen.version));
    }
    store::Connection* const connection = context.connection();
    CONSENTRY_ASSIGN_OR_RETURN(
        ScreeningRow row, parts.rows->ReadByNumber(connection, checked.row.no));
    CONSENTRY_ASSIGN_OR_RETURN(
        const bool current,
        PressureRows::IsCurrent(connection, members, checked.pressure));
    if (!current || !row.doc.charge_due() ||
        row.doc.digest() != checked.row.doc.digest()) {
      return Overtaken();
    }
    CONSENTRY_ASSIGN_OR_RETURN(const auto keys,
                               parts.rows->slots().Load(row.subject));
    CONSENTRY_RETURN_IF_ERROR(PressureRows::Add(
        connection, keys, parts.conduct->rules(), *checked.due));
    *row.doc.mutable_charge() = StoredContact(*checked.due);
    row.doc.clear_charge_due();
    CONSENTRY_RETURN_IF_ERROR(
        parts.rows->Update(connection, &row, checked.words));
    clients::CallerContext self;
    self.event = "system.release_charge";
    store::v1::Leaf leaf =
        clients::LeafOf(*parts.configuration(), self, context.now_us());
    leaf.set_change_number(static_cast<uint64_t>(context.number()));
    leaf.add_details("screening=" + row.doc.id());
    leaf.add_details(ChargeDetail(0, *checked.due));
    const crypto::SubjectTag tag = crypto::ComputeSubjectTag(
        keys, parts.log_origin, crypto::MonthOf(context.now_us()));
    leaf.add_subjects()->set_tag(tag.data(), tag.size());
    context.TellOf(static_cast<int64_t>(row.subject));
    context.SetEntry(leaf.SerializeAsString());
    return absl::OkStatus();
  };
  const absl::Status status =
      parts.committer->CommitChangeAndWait(std::move(change)).status;
  if (status.ok()) return true;
  const auto reason = ReasonOf(status);
  if (reason == v1::ERROR_REASON_ETAG_MISMATCH ||
      reason == v1::ERROR_REASON_NOT_FOUND) {
    return false;
  }
  return status;
}

}  // namespace consentry::screening
