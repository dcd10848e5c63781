#include "gateway/rights/case_desk.h"

#include <sodium.h>

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gateway/access/rights_grant.h"
#include "gateway/crypto/subject_tag.h"
#include "gateway/rights/case_code.h"
#include "gateway/rights/case_law.h"
#include "gateway/rights/case_view.h"
#include "policy/engine/civil.h"
#include "policy/engine/rights_tables.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

namespace consentry::rights {
namespace {

using clients::CallerContext;
using policy::CaseAction;
using store::v1::CaseActor;
using store::v1::RightsCaseDoc;

constexpr int kMaxSteps = 200;
constexpr int kKeptFirst = 20;
constexpr uint32_t kMaxWrongCodes = 5;
constexpr size_t kDigestHex = 64;
// Between telling a customer that her restriction ends and its end.
constexpr int64_t kLiftNoticeUs = policy::kUsPerDay;
constexpr size_t kMaxOtherCases = 200;

absl::Status NoCase() {
  return MakeError(v1::ERROR_REASON_NOT_FOUND, "no case has this id");
}
absl::Status WrongState(std::string_view message) {
  return MakeError(v1::ERROR_REASON_STATE_INVALID, message);
}
absl::Status Invalid(std::string field, std::string description) {
  absl::Status status =
      MakeError(v1::ERROR_REASON_FIELD_INVALID, "the request is not valid");
  AddFieldViolation(&status, {std::move(field), std::move(description)});
  return status;
}

bool Same(const CaseActor& a, const CaseActor& b) {
  return a.client_id() == b.client_id() && a.person() == b.person();
}

// The state after the action, or STATE_INVALID.
absl::Status Move(CaseAction action, RightsCaseDoc* doc) {
  const auto next = policy::After(StandingOf(*doc), action);
  if (!next) return WrongState("the case is not in a state that allows it");
  doc->set_state(*next);
  return absl::OkStatus();
}

void AddChange(CaseDesk::Step* step, std::string line) {
  step->changes.push_back(std::move(line));
  step->narrows = true;
}

void AddObjection(const std::string& target, CaseDesk::Step* step) {
  auto* objections = step->head->head().mutable_objections();
  if (std::find(objections->begin(), objections->end(), target) ==
      objections->end()) {
    *objections->Add() = target;
  }
  AddChange(step, absl::StrCat("objection.", target, "=set"));
}

absl::Status NotExcluded(const CallerContext& caller,
                         const RightsCaseDoc& doc) {
  const CaseActor actor = ActorOf(caller);
  for (const CaseActor& excluded : doc.excluded()) {
    if (Same(actor, excluded)) {
      return WrongState(
          "an appeal is decided by another person than the refusal");
    }
  }
  return absl::OkStatus();
}

}  // namespace

CaseActor ActorOf(const CallerContext& caller) {
  CaseActor actor;
  actor.set_client_id(caller.client_id);
  actor.set_person(caller.context.acting_person());
  return actor;
}

bool IsService(const clients::Configuration& configuration,
               const CallerContext& caller) {
  if (caller.person) return caller.person->Is(v1::ROLE_SERVICE);
  const auto* registration = configuration.FindById(caller.client_id);
  return registration == nullptr ||
         registration->client().role() == v1::ROLE_SERVICE;
}

void CaseDesk::Note(const CallerContext& caller, int64_t now_us,
                    std::string_view event, std::string_view reason,
                    RightsCaseDoc* doc) {
  if (doc->steps_size() >= kMaxSteps) {
    doc->mutable_steps()->DeleteSubrange(kKeptFirst, 1);
  }
  store::v1::CaseStep* step = doc->add_steps();
  step->set_time_us(now_us);
  step->set_event(std::string(event));
  step->set_client_id(caller.client_id);
  step->set_acting_person(caller.context.acting_person());
  step->set_reason_code(std::string(reason));
}

absl::Status CaseDesk::MaySee(const CallerContext& caller,
                              const CaseRow& row) const {
  if (caller.IsCustomer()) {
    return row.subject == caller.customer() ? absl::OkStatus() : NoCase();
  }
  // A system sees what came through it.
  if (IsService(*options_.configuration(), caller) &&
      row.doc.opened_by().client_id() != caller.client_id) {
    return NoCase();
  }
  return absl::OkStatus();
}

v1::RightsCase CaseDesk::Show(const CallerContext& caller,
                              const RightsCaseDoc& doc, bool steps) const {
  CaseShown shown;
  shown.steps = steps;
  shown.subject = caller.IsCustomer() ||
                  !IsService(*options_.configuration(), caller) ||
                  doc.verified() >= v1::VERIFICATION_LEVEL_CONTACT;
  return ShowCase(doc, shown);
}

void CaseDesk::Change(Plan plan, Done done) {
  const auto id = crypto::ParseId(crypto::IdKind::kRightsRequest, plan.case_id);
  if (!id.ok()) {
    done(NoCase());
    return;
  }
  if (plan.needs_etag && plan.etag.empty() &&
      !IsService(*options_.configuration(), plan.caller)) {
    done(Invalid("etag", "is required from staff"));
    return;
  }
  store::Change change;
  change.negative = plan.negative;
  if (!plan.request_id.empty()) {
    change.request = store::RequestBinding{
        clients::RequesterOf(plan.caller), plan.request_id, plan.caller.method,
        options_.digests->Of(plan.canonical)};
  }
  change.apply = [this, plan = std::move(plan),
                  id = *id](store::ChangeContext& context) -> absl::Status {
    Step step;
    CONSENTRY_ASSIGN_OR_RETURN(step.row, rows_.Read(context.connection(), id));
    RightsCaseDoc& doc = step.row.doc;
    CONSENTRY_RETURN_IF_ERROR(MaySee(plan.caller, step.row));
    if (!plan.etag.empty() && plan.etag != std::to_string(doc.version())) {
      return MakeError(v1::ERROR_REASON_ETAG_MISMATCH,
                       "the case changed; read it again");
    }
    step.leaf = clients::LeafOf(*options_.configuration(), plan.caller,
                                context.now_us());
    step.leaf.set_change_number(static_cast<uint64_t>(context.number()));
    step.leaf.add_details("case=" + doc.id());
    std::optional<vault::HeadEdit> head;
    if (step.row.subject != 0 && plan.edits_head) {
      auto begun =
          vault::HeadEdit::Begin(&context, *options_.slots, step.row.subject);
      if (absl::IsNotFound(begun.status())) return NoCase();
      CONSENTRY_RETURN_IF_ERROR(begun.status());
      head.emplace(*std::move(begun));
      step.head = &*head;
    }
    CONSENTRY_RETURN_IF_ERROR(plan.step(context, &step));
    doc.set_version(static_cast<uint64_t>(context.number()));
    if (plan.negative || step.narrows) context.MarkNegative();
    if (head) {
      const crypto::SubjectTag tag = crypto::ComputeSubjectTag(
          head->keys(), options_.log_origin, crypto::MonthOf(context.now_us()));
      CONSENTRY_RETURN_IF_ERROR(head->Write(options_.cache));
      store::v1::LeafSubject* told = step.leaf.add_subjects();
      told->set_tag(tag.data(), tag.size());
      told->set_version(static_cast<uint64_t>(context.number()));
      for (std::string& line : step.changes) told->add_changes(line);
    }
    CONSENTRY_RETURN_IF_ERROR(rows_.Update(context.connection(), &step.row));
    step.leaf.add_details(absl::StrCat("state=", doc.state()));
    context.SetEntry(step.leaf.SerializeAsString());
    context.SetResult(step.wrong_code
                          ? ""
                          : Show(plan.caller, step.answer ? *step.answer : doc)
                                .SerializeAsString());
    return absl::OkStatus();
  };
  options_.committer->CommitChange(
      std::move(change),
      [done = std::move(done)](store::ChangeOutcome outcome) mutable {
        v1::RightsCase shown;
        if (!outcome.status.ok()) {
          done(std::move(outcome.status));
        } else if (outcome.result.empty()) {
          done(Invalid("code", "is not the one that was sent, or too old"));
        } else if (!shown.ParseFromString(outcome.result)) {
          done(MakeError(v1::ERROR_REASON_INTERNAL, "a kept result is broken"));
        } else {
          done(std::move(shown));
        }
      });
}

void CaseDesk::Tell(store::ChangeContext& context, const CallerContext& caller,
                    std::string_view text,
                    std::map<std::string, std::string> arguments,
                    CaseRow* row) const {
  if (row->subject == 0 || !options_.outgoing.tell) return;
  arguments["case"] = row->doc.id();
  const absl::Status told = options_.outgoing.tell(
      context, row->subject, text, row->doc.language(), std::move(arguments));
  // Staff write a letter then.
  Note(caller, context.now_us(), told.ok() ? "told" : "not_told", text,
       &row->doc);
}

void CaseDesk::Close(store::ChangeContext& context, v1::RightsState state,
                     Step* step) const {
  step->row.doc.set_state(state);
  step->row.doc.set_closed_us(context.now_us());
  if (step->row.doc.acknowledged_us() == 0) {
    step->row.doc.set_acknowledged_us(context.now_us());
  }
}

void CaseDesk::TakeEffect(store::ChangeContext& context,
                          const CallerContext& caller, Step* step) const {
  RightsCaseDoc& doc = step->row.doc;
  if (doc.in_force() || step->head == nullptr || doc.clocks().empty()) return;
  switch (doc.kind()) {
    case v1::RIGHTS_KIND_RESTRICTION:
      step->head->head().set_restricted(true);
      AddChange(step, "restricted=set");
      if (options_.outgoing.tell_recipients) {
        options_.outgoing
            .tell_recipients(context, step->row.subject, "restriction",
                             {doc.fields().begin(), doc.fields().end()})
            .IgnoreError();
      }
      break;
    case v1::RIGHTS_KIND_OBJECTION:
      // What was stopped at submission stands already.
      for (const std::string& purpose : doc.purposes()) {
        if (std::find(doc.stopped().begin(), doc.stopped().end(), purpose) ==
            doc.stopped().end()) {
          AddObjection(purpose, step);
        }
      }
      if (doc.purposes().empty()) AddObjection("*", step);
      break;
    default:
      return;
  }
  doc.set_in_force(true);
  Note(caller, context.now_us(), "in_force", "", &doc);
}

absl::Status CaseDesk::AskForReview(store::ChangeContext& context,
                                    const CallerContext& caller,
                                    Step* step) const {
  RightsCaseDoc& doc = step->row.doc;
  if (step->row.subject == 0 || !doc.review_id().empty()) {
    return absl::OkStatus();
  }
  // Whoever was joined with her may have been erased since.
  if (doc.decision_subject() == 0 || !options_.outgoing.review ||
      !options_.slots->Load(doc.decision_subject()).ok()) {
    Note(caller, context.now_us(), "review_needs_staff",
         doc.decision_id().empty() ? "no_decision_named" : "decision_not_found",
         &doc);
    return absl::OkStatus();
  }
  store::v1::CaseWords words;
  if (step->words != nullptr) {
    words = *step->words;
  } else if (doc.has_words()) {
    CONSENTRY_ASSIGN_OR_RETURN(
        const crypto::Grant grant,
        access::RightsGrant(options_.configuration()->bundle()));
    CONSENTRY_ASSIGN_OR_RETURN(words, rows_.OpenWords(grant, step->row));
  }
  CONSENTRY_ASSIGN_OR_RETURN(
      const std::string review,
      options_.outgoing.review(context, doc, words.statement()));
  doc.set_review_id(review);
  step->leaf.add_details("review=" + review);
  Note(caller, context.now_us(), "in_review", review, &doc);
  return absl::OkStatus();
}

absl::Status CaseDesk::GoOn(store::ChangeContext& context,
                            const CallerContext& caller, Step* step) const {
  RightsCaseDoc& doc = step->row.doc;
  if (doc.verified() >= v1::VERIFICATION_LEVEL_CONTACT) {
    TakeEffect(context, caller, step);
  }
  if (doc.verified() < doc.required() ||
      doc.state() != v1::RIGHTS_STATE_WORKING) {
    return absl::OkStatus();
  }
  switch (doc.kind()) {
    case v1::RIGHTS_KIND_RESTRICTION:
      Note(caller, context.now_us(), "completed", "", &doc);
      Close(context, v1::RIGHTS_STATE_COMPLETED, step);
      Tell(context, caller, "rights.answer_ready", {}, &step->row);
      return absl::OkStatus();
    case v1::RIGHTS_KIND_RECTIFICATION:
      for (const std::string& field : doc.fields()) {
        store::v1::CaseOutcome* outcome = doc.add_outcomes();
        outcome->set_target(field);
        outcome->set_disposition(v1::RIGHTS_DISPOSITION_GRANTED);
      }
      return Move(CaseAction::kPlan, &doc);
    case v1::RIGHTS_KIND_ERASURE:
      if (options_.outgoing.plan_erasure && step->row.subject != 0) {
        CONSENTRY_ASSIGN_OR_RETURN(
            const auto outcomes, options_.outgoing.plan_erasure(
                                     context.connection(), step->row.subject));
        doc.mutable_outcomes()->Assign(outcomes.begin(), outcomes.end());
      }
      return Move(CaseAction::kPlan, &doc);
    case v1::RIGHTS_KIND_HUMAN_REVIEW:
      return AskForReview(context, caller, step);
    default:
      return absl::OkStatus();
  }
}

void CaseDesk::Verify(const CallerContext& caller,
                      const v1::VerifyRightsCaseRequest& request, Done done) {
  const bool service = IsService(*options_.configuration(), caller);
  const bool by_code = !request.code().empty();
  const bool by_evidence = !request.evidence_digest().empty();
  if (!v1::VerificationLevel_IsValid(request.level()) ||
      request.level() < v1::VERIFICATION_LEVEL_CONTACT) {
    done(Invalid("level", "CONTACT or above"));
    return;
  }
  if (by_evidence &&
      (request.evidence_digest().size() != kDigestHex ||
       absl::HexStringToBytes(request.evidence_digest()).size() !=
           kDigestHex / 2)) {
    done(Invalid("evidence_digest", "must be SHA-256, 64 hexadecimal digits"));
    return;
  }
  if (service && request.level() != v1::VERIFICATION_LEVEL_CONTACT) {
    done(Invalid("level", "a system may pass a code, for CONTACT alone"));
    return;
  }
  if (request.level() > v1::VERIFICATION_LEVEL_CONTACT && !by_evidence) {
    done(Invalid("evidence_digest", "is required for this level"));
    return;
  }
  Plan plan = PlanOf(caller, request);
  // A new code, for whoever can be reached.
  const std::string fresh = NewCode();
  plan.step = [this, caller, by_code, by_evidence, service, fresh,
               level = request.level(), code = request.code(),
               evidence = request.evidence_digest()](
                  store::ChangeContext& context, Step* step) -> absl::Status {
    RightsCaseDoc& doc = step->row.doc;
    const int64_t now_us = context.now_us();
    if (doc.state() != v1::RIGHTS_STATE_VERIFYING &&
        doc.state() != v1::RIGHTS_STATE_PAUSED) {
      return WrongState("the case waits for no identification");
    }
    if (!by_code && !by_evidence) {
      if (doc.subject_id().empty()) {
        // As for one who is held.
        Note(caller, now_us, "code_sent", "", &doc);
        return absl::OkStatus();
      }
      SetCode(fresh, now_us, &doc);
      Tell(context, caller, "code.rights_request", {{"code", fresh}},
           &step->row);
      return absl::OkStatus();
    }
    if (service && !by_code) return Invalid("code", "is required");
    if (by_code) {
      if (!doc.has_code() || doc.code().wrong() >= kMaxWrongCodes ||
          doc.code().expire_us() <= now_us || !IsCode(code, doc)) {
        if (doc.has_code()) {
          doc.mutable_code()->set_wrong(doc.code().wrong() + 1);
        }
        Note(caller, now_us, "wrong_code", "", &doc);
        step->wrong_code = true;
        return absl::OkStatus();
      }
      doc.clear_code();
    }
    // A code proves the contact point and no more.
    const int reached = by_code && !by_evidence
                            ? int{v1::VERIFICATION_LEVEL_CONTACT}
                            : int{level};
    doc.set_verified(std::max<int>(doc.verified(), reached));
    step->leaf.add_details(absl::StrCat("level=", reached));
    if (by_evidence) step->leaf.add_details("evidence=" + evidence);
    Note(caller, now_us, "verified", absl::StrCat("level_", reached), &doc);
    CONSENTRY_RETURN_IF_ERROR(Move(CaseAction::kVerify, &doc));
    return GoOn(context, caller, step);
  };
  Change(std::move(plan), std::move(done));
}

void CaseDesk::Extend(const CallerContext& caller,
                      const v1::ExtendRightsCaseRequest& request, Done done) {
  Plan plan = PlanOf(caller, request);
  plan.step = [this, caller, reason = request.reason_code()](
                  store::ChangeContext& context, Step* step) -> absl::Status {
    RightsCaseDoc& doc = step->row.doc;
    if (!SomeClockExtends(doc, reason, context.now_us())) {
      return WrongState(
          "no clock can be extended for this reason: its time is over, it was "
          "extended, or its regime does not know the reason");
    }
    CONSENTRY_RETURN_IF_ERROR(Move(CaseAction::kExtend, &doc));
    doc.set_extended(true);
    Note(caller, context.now_us(), "extended", reason, &doc);
    step->leaf.add_details("reason=" + reason);
    Tell(context, caller, "rights.progress",
         {{"due", policy::FormatTime(DueOf(doc)).substr(0, 10)}}, &step->row);
    return absl::OkStatus();
  };
  Change(std::move(plan), std::move(done));
}

void CaseDesk::Pause(const CallerContext& caller,
                     const v1::PauseRightsCaseRequest& request, Done done) {
  Plan plan = PlanOf(caller, request);
  plan.step = [this, caller, resume = request.resume(),
               reason = request.reason_code()](store::ChangeContext& context,
                                               Step* step) -> absl::Status {
    RightsCaseDoc& doc = step->row.doc;
    const int64_t now_us = context.now_us();
    if (resume) {
      CONSENTRY_RETURN_IF_ERROR(Move(CaseAction::kResume, &doc));
      for (auto& pause : *doc.mutable_pauses()) {
        if (pause.to_us() == 0) pause.set_to_us(now_us);
      }
      Note(caller, now_us, "resumed", "", &doc);
      if (doc.state() == v1::RIGHTS_STATE_WORKING) {
        return GoOn(context, caller, step);
      }
      return absl::OkStatus();
    }
    if (!SomeClockStops(doc, reason, now_us)) {
      return WrongState("no clock of the case stops for this reason now");
    }
    CONSENTRY_RETURN_IF_ERROR(Move(CaseAction::kPause, &doc));
    auto* pause = doc.add_pauses();
    pause->set_reason(reason);
    pause->set_from_us(now_us);
    Note(caller, now_us, "paused", reason, &doc);
    Tell(context, caller, "rights.progress",
         {{"due", policy::FormatTime(DueOf(doc)).substr(0, 10)}}, &step->row);
    return absl::OkStatus();
  };
  Change(std::move(plan), std::move(done));
}

void CaseDesk::Refuse(const CallerContext& caller,
                      const v1::RefuseRightsCaseRequest& request, Done done) {
  Plan plan = PlanOf(caller, request);
  plan.step = [this, caller, request](store::ChangeContext& context,
                                      Step* step) -> absl::Status {
    RightsCaseDoc& doc = step->row.doc;
    CONSENTRY_RETURN_IF_ERROR(NotExcluded(caller, doc));
    const auto configuration = options_.configuration();
    std::string regime;
    const auto* ground =
        GroundOf(configuration->bundle(), doc, request.ground(), &regime);
    if (ground == nullptr) {
      return Invalid("ground",
                     "no attached regime knows this ground for this right");
    }
    const bool unverified_alone =
        ground->support_size() == 1 &&
        ground->support(0) == config::v1::Support::UNVERIFIED;
    if (unverified_alone && doc.verified() >= doc.required()) {
      return Invalid("ground", "the requester is identified");
    }
    std::vector<std::string> targets(request.targets().begin(),
                                     request.targets().end());
    if (targets.empty()) {
      doc.clear_outcomes();
      targets.push_back("*");
    }
    const bool keeps = ground->effect() == config::v1::GroundRule::KEEP;
    for (const std::string& target : targets) {
      store::v1::CaseOutcome* outcome = nullptr;
      for (auto& held : *doc.mutable_outcomes()) {
        if (held.target() == target) outcome = &held;
      }
      if (outcome == nullptr) {
        // A part of what was asked, or of what is held.
        if (doc.kind() == v1::RIGHTS_KIND_RECTIFICATION && target != "*") {
          return Invalid("targets", "not among what was asked for");
        }
        outcome = doc.add_outcomes();
        outcome->set_target(target);
      }
      outcome->set_disposition(keeps ? v1::RIGHTS_DISPOSITION_KEPT
                                     : v1::RIGHTS_DISPOSITION_REFUSED);
      outcome->set_ground(ground->rule().citation());
      outcome->set_ground_id(ground->rule().id());
      outcome->set_document(absl::StrCat(regime, "/", ground->rule().id()));
    }
    CONSENTRY_RETURN_IF_ERROR(Move(CaseAction::kPlan, &doc));
    *doc.mutable_decided_by() = ActorOf(caller);
    doc.clear_approved_by();
    Note(caller, context.now_us(), "refused", request.ground(), &doc);
    step->leaf.add_details("ground=" + request.ground());
    return absl::OkStatus();
  };
  Change(std::move(plan), std::move(done));
}

void CaseDesk::Approve(const CallerContext& caller,
                       const v1::ApproveRightsCaseRequest& request, Done done) {
  Plan plan = PlanOf(caller, request);
  // The desk of erasures writes heads itself; an approval writes none.
  plan.edits_head = false;
  plan.negative = true;
  plan.step = [this, caller](store::ChangeContext& context,
                             Step* step) -> absl::Status {
    RightsCaseDoc& doc = step->row.doc;
    CONSENTRY_RETURN_IF_ERROR(NotExcluded(caller, doc));
    const CaseActor actor = ActorOf(caller);
    if (Same(actor, doc.opened_by()) ||
        (doc.has_decided_by() && Same(actor, doc.decided_by()))) {
      return WrongState(
          "whoever entered or decided the case does not approve it");
    }
    CONSENTRY_RETURN_IF_ERROR(Move(CaseAction::kApprove, &doc));
    *doc.mutable_approved_by() = actor;
    Note(caller, context.now_us(), "approved", "", &doc);
    if (doc.state() == v1::RIGHTS_STATE_WAITING) {
      if (!options_.outgoing.erase || step->row.subject == 0) {
        return WrongState("nothing can be erased");
      }
      vault::SubjectReader::HeadOptions fresh;
      fresh.past_cache = true;
      fresh.keep = false;
      CONSENTRY_ASSIGN_OR_RETURN(
          const auto group,
          options_.subjects->ReadGroup(context.connection(), step->row.subject,
                                       fresh));
      for (const auto& member : group) {
        CONSENTRY_RETURN_IF_ERROR(
            rows_.KeepBeyondKeys(context.connection(), member->subject()));
      }
      // This case was among them, as it stood before.
      step->row.by_system = true;
      ++step->row.row_generation;
      return options_.outgoing.erase(context, step->row.subject, doc,
                                     &step->leaf);
    }
    return absl::OkStatus();
  };
  Change(std::move(plan), std::move(done));
}

void CaseDesk::Cancel(const CallerContext& caller,
                      const v1::CancelRightsCaseRequest& request, Done done) {
  Plan plan = PlanOf(caller, request);
  plan.edits_head = false;
  plan.step = [this, caller](store::ChangeContext& context,
                             Step* step) -> absl::Status {
    RightsCaseDoc& doc = step->row.doc;
    const bool erasing = doc.state() == v1::RIGHTS_STATE_WAITING;
    CONSENTRY_RETURN_IF_ERROR(Move(CaseAction::kCancel, &doc));
    doc.set_closed_us(context.now_us());
    Note(caller, context.now_us(), "cancelled", "", &doc);
    if (erasing && options_.outgoing.cancel_erasure) {
      return options_.outgoing.cancel_erasure(context, doc.id(), &step->leaf);
    }
    return absl::OkStatus();
  };
  Change(std::move(plan), std::move(done));
}

void CaseDesk::LiftRestriction(const CallerContext& caller,
                               const v1::LiftRestrictionRequest& request,
                               Done done) {
  Plan plan = PlanOf(caller, request);
  plan.step = [this, caller, reason = request.reason_code()](
                  store::ChangeContext& context, Step* step) -> absl::Status {
    RightsCaseDoc& doc = step->row.doc;
    const int64_t now_us = context.now_us();
    if (doc.kind() != v1::RIGHTS_KIND_RESTRICTION || !doc.in_force() ||
        step->head == nullptr) {
      return WrongState("the case restricts nothing");
    }
    if (doc.lift_announced_us() == 0) {
      doc.set_lift_announced_us(now_us);
      Note(caller, now_us, "lift_announced", reason, &doc);
      Tell(context, caller, "rights.progress",
           {{"due", policy::FormatTime(now_us + kLiftNoticeUs).substr(0, 10)}},
           &step->row);
      return absl::OkStatus();
    }
    if (now_us < doc.lift_announced_us() + kLiftNoticeUs) {
      return WrongState("the customer was told less than a day ago");
    }
    doc.set_in_force(false);
    Note(caller, now_us, "lifted", reason, &doc);
    CaseFilter filter;
    filter.subject = step->row.subject;
    filter.kind = v1::RIGHTS_KIND_RESTRICTION;
    CasePlace last;
    CONSENTRY_ASSIGN_OR_RETURN(
        const auto cases,
        rows_.List(context.connection(), filter, {}, kMaxOtherCases, &last));
    for (const CaseRow& other : cases) {
      if (other.case_no != step->row.case_no && other.doc.in_force()) {
        return absl::OkStatus();
      }
    }
    step->head->head().set_restricted(false);
    step->changes.push_back("restricted=lifted");
    if (options_.outgoing.tell_recipients) {
      CONSENTRY_RETURN_IF_ERROR(options_.outgoing.tell_recipients(
          context, step->row.subject, "restriction_lifted",
          {doc.fields().begin(), doc.fields().end()}));
    }
    return absl::OkStatus();
  };
  Change(std::move(plan), std::move(done));
}

absl::Status CaseDesk::Reviewed(store::ChangeContext& context,
                                std::string_view case_id,
                                std::string_view review_id,
                                store::v1::Leaf* leaf) const {
  const auto id = crypto::ParseId(crypto::IdKind::kRightsRequest, case_id);
  if (!id.ok()) return absl::OkStatus();
  auto row = rows_.Read(context.connection(), *id);
  if (absl::IsNotFound(row.status())) return absl::OkStatus();
  CONSENTRY_RETURN_IF_ERROR(row.status());
  Step step;
  step.row = *std::move(row);
  RightsCaseDoc& doc = step.row.doc;
  if (!policy::IsOpen(static_cast<v1::RightsState>(doc.state())) ||
      doc.review_id() != review_id) {
    return absl::OkStatus();
  }
  CallerContext gateway;
  gateway.client_id = "gateway";
  // What staff planned meanwhile is overtaken.
  doc.clear_outcomes();
  store::v1::CaseOutcome* outcome = doc.add_outcomes();
  outcome->set_target(doc.decision_id());
  outcome->set_disposition(v1::RIGHTS_DISPOSITION_GRANTED);
  outcome->set_ground("a person has decided");
  outcome->set_document(std::string(review_id));
  Note(gateway, context.now_us(), "completed", review_id, &doc);
  Close(context, v1::RIGHTS_STATE_COMPLETED, &step);
  Tell(context, gateway, "rights.answer_ready", {}, &step.row);
  doc.set_version(static_cast<uint64_t>(context.number()));
  leaf->add_details("case=" + doc.id());
  return rows_.Update(context.connection(), &step.row);
}

absl::Status CaseDesk::Erased(store::ChangeContext& context,
                              const v1::ErasureCertificate& certificate) const {
  const auto id = crypto::ParseId(crypto::IdKind::kRightsRequest,
                                  certificate.rights_case_id());
  if (!id.ok()) return absl::OkStatus();
  auto row = rows_.Read(context.connection(), *id);
  // An erasure that no case asked for.
  if (absl::IsNotFound(row.status())) return absl::OkStatus();
  CONSENTRY_RETURN_IF_ERROR(row.status());
  RightsCaseDoc& doc = row->doc;
  CallerContext gateway;
  gateway.client_id = "gateway";
  if (!policy::IsOpen(static_cast<v1::RightsState>(doc.state()))) {
    // Answered when the rest went; what was kept is gone now too.
    Note(gateway, context.now_us(), "erased", "", &doc);
    doc.set_version(static_cast<uint64_t>(context.number()));
    return rows_.Update(context.connection(), &*row);
  }
  doc.clear_outcomes();
  for (const v1::RightsOutcome& outcome : certificate.outcomes()) {
    if (outcome.disposition() == v1::RIGHTS_DISPOSITION_GRANTED) continue;
    store::v1::CaseOutcome* kept = doc.add_outcomes();
    kept->set_target(outcome.target());
    kept->set_disposition(outcome.disposition());
    kept->set_ground(outcome.ground());
    kept->set_document(outcome.document());
    if (outcome.has_keep_until()) {
      kept->set_keep_until_us(MicrosOf(outcome.keep_until()));
    }
  }
  CONSENTRY_RETURN_IF_ERROR(Move(CaseAction::kErased, &doc));
  doc.set_closed_us(context.now_us());
  doc.set_version(static_cast<uint64_t>(context.number()));
  Note(gateway, context.now_us(), "erased", "", &doc);
  return rows_.Update(context.connection(), &*row);
}

}  // namespace consentry::rights
