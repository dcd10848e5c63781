#include "gateway/review/review_desk.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gateway/access/chunk.h"
#include "gateway/access/output_decision.h"
#include "gateway/crypto/subject_tag.h"
#include "policy/engine/civil.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

namespace consentry::review {
namespace {

using clients::CallerContext;
using store::v1::ReviewActor;
using store::v1::ReviewDoc;
using store::v1::ReviewWords;

constexpr int64_t kUsPerHour = int64_t{3600} * 1'000'000;
constexpr int64_t kUsPerDay = 24 * kUsPerHour;
constexpr int64_t kUsPerSecond = 1'000'000;
constexpr uint32_t kDefaultKeepDays = 400;
constexpr int kMaxPieces = 100;
// About one customer, looked at for one that a request can join.
constexpr size_t kMaxOfSubject = 200;
constexpr size_t kRowsAtOnce = 64;
// Reviews that one claim without an id may fall on, when others are quicker.
constexpr size_t kClaimed = 16;
constexpr char kOutputPrefix[] = "scr_";
constexpr char kDecisionPrefix[] = "dec_";
constexpr char kVulnerabilityPrefix[] = "vul_";

absl::Status Invalid(std::string field, std::string description) {
  absl::Status status =
      MakeError(v1::ERROR_REASON_FIELD_INVALID, "the request is not valid");
  AddFieldViolation(&status, {std::move(field), std::move(description)});
  return status;
}
absl::Status NoReview() {
  return MakeError(v1::ERROR_REASON_NOT_FOUND, "no review has this id");
}

absl::Status NoTarget() {
  return MakeError(v1::ERROR_REASON_NOT_FOUND,
                   "this customer has no such output or decision");
}
absl::Status CheckRoom(const ReviewDoc& doc) {
  return doc.pieces() < kMaxPieces
             ? absl::OkStatus()
             : MakeError(v1::ERROR_REASON_STATE_INVALID,
                         "the review takes no more words");
}

int32_t PriorityOf(v1::ReviewTrigger trigger) {
  switch (trigger) {
    case v1::REVIEW_TRIGGER_HAND_OVER:
      return 1;
    case v1::REVIEW_TRIGGER_SIGNIFICANT_DECISION:
    case v1::REVIEW_TRIGGER_CUSTOMER:
      return 2;
    case v1::REVIEW_TRIGGER_SAMPLE:
      return 5;
    default:
      return 3;
  }
}

bool IsOutput(const std::string& target) {
  return target.starts_with(kOutputPrefix);
}
// Where a decision takes effect by itself.
bool HasEffect(const std::string& target) {
  return IsOutput(target) || target.starts_with(kVulnerabilityPrefix);
}
bool IsDecision(const std::string& target) {
  return target.starts_with(kDecisionPrefix);
}

ReviewWords WordsOf(ReviewWords::Kind kind, const std::string& text,
                    int64_t now_us, const CallerContext& caller) {
  ReviewWords words;
  words.set_kind(kind);
  words.set_text(text);
  words.set_time_us(now_us);
  words.set_person(caller.context.acting_person());
  return words;
}

}  // namespace

ReviewDesk::ReviewDesk(ReviewParts parts)
    : parts_(std::move(parts)), rows_(parts_.slots, parts_.epochs) {}

ReviewActor ReviewDesk::ActorOf(const CallerContext& caller) {
  ReviewActor actor;
  actor.set_client_id(caller.client_id);
  actor.set_person(caller.context.acting_person());
  actor.set_proven(caller.person.has_value());
  return actor;
}

Powers ReviewDesk::powers() const {
  Powers powers;
  powers.authorities = {parts_.settings.authorities().begin(),
                        parts_.settings.authorities().end()};
  powers.higher = {parts_.settings.higher_authorities().begin(),
                   parts_.settings.higher_authorities().end()};
  powers.single_operator = parts_.single_operator;
  return powers;
}

int64_t ReviewDesk::TermUs(v1::ReviewTrigger trigger) const {
  const auto hours = [](uint32_t set, uint32_t otherwise) {
    return int64_t{set == 0 ? otherwise : set} * kUsPerHour;
  };
  switch (trigger) {
    case v1::REVIEW_TRIGGER_HAND_OVER:
      return hours(parts_.settings.hand_over_due_hours(), 1);
    case v1::REVIEW_TRIGGER_CUSTOMER:
    case v1::REVIEW_TRIGGER_FACT_CONFLICT:
      return hours(parts_.settings.customer_due_hours(), 168);
    default:
      return hours(parts_.settings.due_hours(), 72);
  }
}

v1::Review ReviewDesk::Show(const ReviewDoc& doc, int64_t now_us) {
  v1::Review shown;
  shown.set_id(doc.id());
  shown.set_state(ShownState(doc, now_us));
  shown.set_trigger(static_cast<v1::ReviewTrigger>(doc.trigger()));
  shown.set_target(doc.target());
  shown.set_priority(doc.priority());
  SetTime(doc.due_us(), shown.mutable_due_time());
  shown.set_high_risk(doc.high_risk());
  if (IsHeld(doc, now_us)) {
    shown.set_claimed_by(doc.holder().person());
    SetTime(doc.lease_us(), shown.mutable_lease_end_time());
  }
  *shown.mutable_rules() = doc.rules();
  shown.set_model(doc.model());
  shown.set_verdict(static_cast<v1::ReviewVerdict>(doc.verdict()));
  shown.set_reason_code(doc.reason_code());
  SetTime(doc.created_us(), shown.mutable_create_time());
  if (doc.decided_us() != 0) {
    SetTime(doc.decided_us(), shown.mutable_decide_time());
  }
  shown.set_timeouts(doc.timeouts());
  shown.set_etag(std::to_string(doc.version()));
  return shown;
}

v1::Review ReviewDesk::ShowToAsker(const ReviewDoc& doc, int64_t now_us) {
  v1::Review shown = Show(doc, now_us);
  shown.clear_claimed_by();
  shown.clear_lease_end_time();
  shown.clear_etag();
  return shown;
}

absl::StatusOr<ReviewRow> ReviewDesk::Insert(store::ChangeContext& context,
                                             const NewReview& review,
                                             bool holds_target,
                                             const ReviewActor& requester,
                                             const std::string& name_key) {
  ReviewRow row;
  row.id = crypto::NewObjectId();
  row.subject = review.subject;
  ReviewDoc& doc = row.doc;
  doc.set_id(crypto::FormatId(crypto::IdKind::kReview, row.id));
  doc.set_state(v1::REVIEW_STATE_OPEN);
  doc.set_trigger(review.trigger);
  doc.set_target(review.target);
  doc.set_priority(review.priority == 0
                       ? PriorityOf(review.trigger)
                       : std::clamp<int32_t>(review.priority, 1, 5));
  const int64_t now_us = context.now_us();
  doc.set_term_us(TermUs(review.trigger));
  doc.set_due_us(review.due_us == 0 ? now_us + doc.term_us() : review.due_us);
  doc.set_high_risk(review.high_risk);
  doc.mutable_rules()->Assign(review.rules.begin(), review.rules.end());
  doc.set_model(review.model);
  doc.set_created_us(now_us);
  doc.set_version(static_cast<uint64_t>(context.number()));
  doc.set_holds_target(holds_target);
  *doc.mutable_requested_by() = requester;
  if (review.subject == 0) doc.set_name_key(name_key);
  CONSENTRY_RETURN_IF_ERROR(Bar(review.made_for, &doc));
  CONSENTRY_RETURN_IF_ERROR(rows_.Insert(context.connection(), &row));
  return row;
}

absl::Status ReviewDesk::Join(store::ChangeContext& context,
                              const ReviewActor& requester,
                              const v1::RequestReviewRequest& request,
                              ReviewDoc* doc) const {
  const int64_t now_us = context.now_us();
  if (doc->trigger() == v1::REVIEW_TRIGGER_SAMPLE) {
    doc->set_trigger(request.trigger());
  }
  doc->set_priority(std::min(doc->priority(), PriorityOf(request.trigger())));
  doc->set_due_us(std::min(doc->due_us(), now_us + TermUs(request.trigger())));
  CONSENTRY_RETURN_IF_ERROR(NoteRequester(requester, doc));
  doc->set_version(static_cast<uint64_t>(context.number()));
  return absl::OkStatus();
}

absl::Status ReviewDesk::AddStatementTo(store::ChangeContext& context,
                                        const std::string& statement,
                                        const CallerContext& caller,
                                        ReviewRow* row) const {
  CONSENTRY_RETURN_IF_ERROR(CheckRoom(row->doc));
  CONSENTRY_RETURN_IF_ERROR(HearCustomer(&row->doc));
  CONSENTRY_RETURN_IF_ERROR(Bar(caller.context.acting_person(), &row->doc));
  if (row->subject == 0) {
    // No erasure would find it again; it counts as one that is kept.
    row->doc.set_pieces(row->doc.pieces() + 1);
    return absl::OkStatus();
  }
  return rows_.AddWords(
      context.connection(),
      WordsOf(ReviewWords::STATEMENT, statement, context.now_us(), caller),
      row);
}

absl::StatusOr<QueuedReview> ReviewDesk::Enqueue(store::ChangeContext& context,
                                                 const NewReview& review) {
  CONSENTRY_ASSIGN_OR_RETURN(
      const ReviewRow row,
      Insert(context, review,
             IsOutput(review.target) &&
                 review.trigger != v1::REVIEW_TRIGGER_SAMPLE,
             {}));
  return QueuedReview{row.doc.id(), row.doc.due_us()};
}

absl::StatusOr<ReviewDesk::Queued> ReviewDesk::Ask(
    store::ChangeContext& context, const CallerContext& caller,
    const ReviewActor& requester, const Named& named,
    const v1::RequestReviewRequest& request) {
  CONSENTRY_ASSIGN_OR_RETURN(std::optional<ReviewRow> open,
                             FindOpen(context.connection(), named, request));
  Queued asked;
  asked.joined = open.has_value();
  asked.first = !asked.joined || open->doc.requested_by().client_id().empty();
  if (asked.joined) {
    CONSENTRY_RETURN_IF_ERROR(Join(context, requester, request, &open->doc));
  } else {
    NewReview review;
    review.target = request.target();
    review.subject = named.subject;
    review.trigger = request.trigger();
    CONSENTRY_ASSIGN_OR_RETURN(
        open, Insert(context, review, /*holds_target=*/false, requester,
                     named.keys.empty() ? "" : named.keys.front()));
  }
  asked.row = *std::move(open);
  if (!request.statement().empty()) {
    CONSENTRY_RETURN_IF_ERROR(
        AddStatementTo(context, request.statement(), caller, &asked.row));
  }
  asked.changed = asked.joined || !request.statement().empty();
  return asked;
}

absl::StatusOr<QueuedReview> ReviewDesk::EnqueueCase(
    store::ChangeContext& context, const CaseQuestion& question) {
  v1::RequestReviewRequest request;
  request.set_target(question.target);
  request.set_trigger(v1::REVIEW_TRIGGER_CUSTOMER);
  request.set_statement(question.statement);
  CallerContext caller;
  caller.client_id = question.requester.client_id();
  caller.context.set_acting_person(question.requester.person());
  CONSENTRY_ASSIGN_OR_RETURN(Queued asked,
                             Ask(context, caller, question.requester,
                                 {question.subject, {}}, request));
  asked.row.doc.add_cases(question.case_id);
  CONSENTRY_RETURN_IF_ERROR(rows_.Update(context.connection(), &asked.row));
  return QueuedReview{asked.row.doc.id(), asked.row.doc.due_us()};
}

absl::StatusOr<uint64_t> ReviewDesk::SubjectOf(
    store::Connection* connection, const std::string& target) const {
  if (IsDecision(target) && parts_.decisions != nullptr) {
    CONSENTRY_ASSIGN_OR_RETURN(const TargetCase found,
                               parts_.decisions->Find(target));
    return found.subject;
  }
  if (!IsOutput(target) || parts_.target == nullptr) return NoTarget();
  CONSENTRY_ASSIGN_OR_RETURN(
      const crypto::Grant grant,
      access::ReviewGrant(parts_.configuration()->bundle()));
  CONSENTRY_ASSIGN_OR_RETURN(
      const TargetCase found,
      parts_.target->Describe(connection, target, grant));
  return found.subject;
}

absl::Status ReviewDesk::TellAbout(store::ChangeContext& context,
                                   uint64_t subject,
                                   store::v1::Leaf* leaf) const {
  if (subject == 0) return absl::OkStatus();
  CONSENTRY_ASSIGN_OR_RETURN(const auto keys, parts_.slots->Load(subject));
  const crypto::SubjectTag tag = crypto::ComputeSubjectTag(
      keys, parts_.log_origin, crypto::MonthOf(context.now_us()));
  leaf->add_subjects()->set_tag(tag.data(), tag.size());
  context.TellOf(static_cast<int64_t>(subject));
  return absl::OkStatus();
}

void ReviewDesk::Tell(store::ChangeContext& context, const ReviewRow& row,
                      std::string_view text, store::v1::Leaf* leaf) const {
  if (row.subject == 0 || !parts_.tell || !ConcernsHer(row.doc)) return;
  std::map<std::string, std::string> arguments{{"review", row.doc.id()}};
  if (text != "review.decided") {
    arguments["due"] = policy::FormatTime(row.doc.due_us()).substr(0, 10);
  }
  const absl::Status told =
      parts_.tell(context, row.subject, text, std::move(arguments));
  leaf->add_details(told.ok() ? "customer=told" : "customer=not_told");
}

void ReviewDesk::Commit(store::Change change, Done done) {
  parts_.committer->CommitChange(
      std::move(change),
      [done = std::move(done)](store::ChangeOutcome outcome) mutable {
        v1::Review shown;
        if (!outcome.status.ok()) {
          done(std::move(outcome.status));
        } else if (!shown.ParseFromString(outcome.result)) {
          done(MakeError(v1::ERROR_REASON_INTERNAL, "a kept result is broken"));
        } else {
          done(std::move(shown));
        }
      });
}

template <class Asked>
void ReviewDesk::Change(const CallerContext& caller, Asked request,
                        const std::string& id, bool customers, Step step,
                        Done done) {
  const auto parsed = crypto::ParseId(crypto::IdKind::kReview, id);
  if (!parsed.ok()) {
    done(NoReview());
    return;
  }
  ChangeOneOf(caller, std::move(request), {*parsed}, customers, std::move(step),
              std::move(done));
}

template <class Asked>
void ReviewDesk::ChangeOneOf(const CallerContext& caller, Asked request,
                             std::vector<crypto::ObjectId> ids, bool customers,
                             Step step, Done done) {
  store::Change change;
  if (!request.request_id().empty()) {
    const std::string request_id = request.request_id();
    request.clear_request_id();
    change.request = store::RequestBinding{
        clients::RequesterOf(caller), request_id, caller.method,
        parts_.digests->Of(clients::CanonicalBytes(request))};
  }
  change.apply =
      [this, caller, ids = std::move(ids), customers,
       step = std::move(step)](store::ChangeContext& context) -> absl::Status {
    ReviewRow row;
    store::v1::Leaf leaf;
    const auto take = [&](const crypto::ObjectId& id) -> absl::Status {
      CONSENTRY_ASSIGN_OR_RETURN(row, rows_.Read(context.connection(), id));
      if (caller.IsCustomer()) {
        if (!customers) return NoReview();
        CONSENTRY_RETURN_IF_ERROR(
            CheckMine(context.connection(), caller, row.subject));
      }
      leaf = clients::LeafOf(*parts_.configuration(), caller, context.now_us());
      leaf.set_change_number(static_cast<uint64_t>(context.number()));
      leaf.add_details("review=" + row.doc.id());
      return step(context, &row, &leaf);
    };
    absl::Status taken;
    for (const crypto::ObjectId& id : ids) {
      taken = take(id);
      const auto reason = ReasonOf(taken);
      if (reason != v1::ERROR_REASON_STATE_INVALID &&
          reason != v1::ERROR_REASON_PERMISSION_MISSING &&
          reason != v1::ERROR_REASON_NOT_FOUND) {
        break;
      }
    }
    CONSENTRY_RETURN_IF_ERROR(taken);
    row.doc.set_version(static_cast<uint64_t>(context.number()));
    CONSENTRY_RETURN_IF_ERROR(rows_.Update(context.connection(), &row));
    leaf.add_details(absl::StrCat(
        "state=", static_cast<int>(ShownState(row.doc, context.now_us()))));
    CONSENTRY_RETURN_IF_ERROR(TellAbout(context, row.subject, &leaf));
    context.SetEntry(leaf.SerializeAsString());
    context.SetResult((customers ? ShowToAsker(row.doc, context.now_us())
                                 : Show(row.doc, context.now_us()))
                          .SerializeAsString());
    return absl::OkStatus();
  };
  Commit(std::move(change), std::move(done));
}

absl::StatusOr<std::vector<uint64_t>> ReviewDesk::GroupOf(
    store::Connection* connection, uint64_t subject) const {
  vault::SubjectReader::HeadOptions options;
  options.past_cache = true;
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto head, parts_.subjects->ReadHead(connection, subject, options));
  std::vector<uint64_t> group = {subject};
  for (const int64_t other : head->head().links()) {
    group.push_back(static_cast<uint64_t>(other));
  }
  return group;
}

absl::Status ReviewDesk::CheckMine(store::Connection* connection,
                                   const CallerContext& caller,
                                   uint64_t subject) const {
  const auto group = GroupOf(connection, caller.customer());
  if (absl::IsNotFound(group.status())) return NoReview();
  CONSENTRY_RETURN_IF_ERROR(group.status());
  return subject != 0 && std::find(group->begin(), group->end(), subject) !=
                             group->end()
             ? absl::OkStatus()
             : NoReview();
}

absl::StatusOr<ReviewDesk::Named> ReviewDesk::NameOf(
    const CallerContext& caller, const v1::SubjectRef& ref) const {
  Named named;
  if (caller.IsCustomer()) {
    named.subject = caller.customer();
    return named;
  }
  auto name = access::NameOf(*parts_.subjects, *parts_.tokens, caller, ref);
  if (ReasonOf(name.status()) == v1::ERROR_REASON_FIELD_INVALID) {
    return Invalid("subject", "can be nobody's name for this caller");
  }
  CONSENTRY_RETURN_IF_ERROR(name.status());
  named.subject = name->subject;
  if (name->subject == 0) {
    CONSENTRY_ASSIGN_OR_RETURN(auto lease, parts_.readers->Acquire());
    CONSENTRY_ASSIGN_OR_RETURN(
        const auto found, parts_.subjects->Resolve(lease.get(), name->key));
    named.subject = found.value_or(0);
    for (const crypto::BlindIndex& key : name->key.keys) {
      named.keys.push_back(parts_.digests->Of(absl::StrCat(
          "review/name/",
          absl::string_view(reinterpret_cast<const char*>(key.data()),
                            key.size()))));
    }
  } else {
    named.keys.push_back(
        parts_.digests->Of(absl::StrCat("review/number/", name->subject)));
  }
  // Erased: her pseudonyms lead to nobody.
  if (named.subject != 0 &&
      absl::IsFailedPrecondition(parts_.slots->Load(named.subject).status())) {
    named.subject = 0;
  }
  CONSENTRY_RETURN_IF_ERROR(access::ChargeBudget(*parts_.configuration(),
                                                 caller, *name, named.subject,
                                                 parts_.clock->MonotonicUs()));
  return named;
}

absl::StatusOr<std::optional<ReviewRow>> ReviewDesk::FindOpen(
    store::Connection* connection, const Named& named,
    const v1::RequestReviewRequest& request) const {
  const auto fits = [&request](const ReviewRow& row) {
    return IsOpen(row.doc) && row.doc.target() == request.target() &&
           (!request.target().empty() ||
            row.doc.trigger() == request.trigger());
  };
  if (request.target().empty()) {
    CONSENTRY_ASSIGN_OR_RETURN(
        auto rows, rows_.OfNobody(connection, named.keys, kMaxOfSubject));
    for (ReviewRow& row : rows) {
      if (!fits(row)) continue;
      // Whoever asked before she was a customer is not told that she is one.
      if (named.subject != 0) {
        CONSENTRY_RETURN_IF_ERROR(rows_.Adopt(connection, named.subject, &row));
      }
      return std::optional<ReviewRow>(std::move(row));
    }
  }
  if (named.subject == 0) return std::optional<ReviewRow>();
  CONSENTRY_ASSIGN_OR_RETURN(
      auto rows, rows_.OfSubject(connection, named.subject, kMaxOfSubject));
  for (ReviewRow& row : rows) {
    if (fits(row)) return std::optional<ReviewRow>(std::move(row));
  }
  return std::optional<ReviewRow>();
}

void ReviewDesk::Request(const CallerContext& caller,
                         const v1::RequestReviewRequest& request, Done done) {
  const auto named = NameOf(caller, request.subject());
  if (!named.ok()) {
    done(named.status());
    return;
  }
  if (request.target().empty() &&
      request.trigger() != v1::REVIEW_TRIGGER_HAND_OVER) {
    done(Invalid("target", "is required but for a hand-over"));
    return;
  }
  // Whom a decision is about never changes.
  uint64_t decided = 0;
  if (IsDecision(request.target())) {
    const auto found = parts_.decisions == nullptr
                           ? absl::StatusOr<TargetCase>(NoTarget())
                           : parts_.decisions->Find(request.target());
    if (!found.ok()) {
      done(found.status());
      return;
    }
    decided = found->subject;
  }
  store::Change change;
  if (!request.request_id().empty()) {
    v1::RequestReviewRequest canonical = request;
    canonical.clear_request_id();
    change.request = store::RequestBinding{
        clients::RequesterOf(caller), request.request_id(), caller.method,
        parts_.digests->Of(clients::CanonicalBytes(canonical))};
  }
  change.apply = [this, caller, request, named = *named,
                  decided](store::ChangeContext& context) -> absl::Status {
    const uint64_t asked = named.subject;
    uint64_t subject = asked;
    if (IsDecision(request.target())) subject = decided;
    if (HasEffect(request.target())) {
      if (parts_.target == nullptr) return NoTarget();
      CONSENTRY_ASSIGN_OR_RETURN(
          const crypto::Grant grant,
          access::ReviewGrant(parts_.configuration()->bundle()));
      CONSENTRY_ASSIGN_OR_RETURN(
          const TargetCase found,
          parts_.target->Describe(context.connection(), request.target(),
                                  grant));
      subject = found.subject;
    }
    if (!request.target().empty()) {
      if (subject == 0 || asked == 0) return NoTarget();
      const auto group = GroupOf(context.connection(), asked);
      if (absl::IsNotFound(group.status())) return NoTarget();
      CONSENTRY_RETURN_IF_ERROR(group.status());
      if (std::find(group->begin(), group->end(), subject) == group->end()) {
        return NoTarget();
      }
    }
    CONSENTRY_ASSIGN_OR_RETURN(
        Queued made,
        Ask(context, caller, ActorOf(caller), {subject, named.keys}, request));
    ReviewRow& row = made.row;
    if (made.changed) {
      CONSENTRY_RETURN_IF_ERROR(rows_.Update(context.connection(), &row));
    }
    store::v1::Leaf leaf =
        clients::LeafOf(*parts_.configuration(), caller, context.now_us());
    leaf.set_change_number(static_cast<uint64_t>(context.number()));
    leaf.add_details("review=" + row.doc.id());
    leaf.add_details(absl::StrCat("trigger=", int{request.trigger()}));
    if (made.joined) leaf.add_details("joined=true");
    // She is written to once, however often she is asked for.
    if (made.first) Tell(context, row, "review.received", &leaf);
    CONSENTRY_RETURN_IF_ERROR(TellAbout(context, subject, &leaf));
    context.SetEntry(leaf.SerializeAsString());
    context.SetResult(
        ShowToAsker(row.doc, context.now_us()).SerializeAsString());
    return absl::OkStatus();
  };
  Commit(std::move(change), std::move(done));
}

void ReviewDesk::Claim(const CallerContext& caller,
                       const v1::ClaimReviewRequest& request, Done done) {
  if (caller.context.acting_person().empty()) {
    done(Invalid("context.acting_person", "is required: who reviews"));
    return;
  }
  std::vector<crypto::ObjectId> ids;
  if (request.id().empty()) {
    const auto find = [&]() -> absl::Status {
      CONSENTRY_ASSIGN_OR_RETURN(auto lease, parts_.readers->Acquire());
      const int64_t now_us = parts_.committer->NowUs();
      ReviewPlace place;
      for (bool more = true; more;) {
        CONSENTRY_ASSIGN_OR_RETURN(
            const auto rows,
            rows_.Queue(lease.get(), place, kRowsAtOnce, &place, &more));
        for (const ReviewRow& row : rows) {
          if (!IsHeld(row.doc, now_us) &&
              row.doc.state() != v1::REVIEW_STATE_AWAITING_CUSTOMER &&
              MayDecide(ActorOf(caller), now_us, powers(), row.doc).ok()) {
            ids.push_back(row.id);
            if (ids.size() == kClaimed) return absl::OkStatus();
          }
        }
      }
      return ids.empty() ? MakeError(v1::ERROR_REASON_NOT_FOUND,
                                     "no open review is one that this person "
                                     "may take")
                         : absl::OkStatus();
    };
    if (const absl::Status found = find(); !found.ok()) {
      done(found);
      return;
    }
  } else {
    const auto parsed = crypto::ParseId(crypto::IdKind::kReview, request.id());
    if (!parsed.ok()) {
      done(NoReview());
      return;
    }
    ids.push_back(*parsed);
  }
  constexpr int64_t kDefaultLease = 1800;
  const int64_t lease_us =
      (request.lease_seconds() == 0 ? kDefaultLease
                                    : int64_t{request.lease_seconds()}) *
      kUsPerSecond;
  ChangeOneOf(
      caller, request, std::move(ids), /*customers=*/false,
      [this, caller, lease_us](store::ChangeContext& context, ReviewRow* row,
                               store::v1::Leaf*) {
        return review::Claim(ActorOf(caller), lease_us, context.now_us(),
                             powers(), &row->doc);
      },
      std::move(done));
}

void ReviewDesk::Release(const CallerContext& caller,
                         const v1::ReleaseReviewRequest& request, Done done) {
  Change(
      caller, request, request.id(), /*customers=*/false,
      [this, caller, question = request.question()](
          store::ChangeContext& context, ReviewRow* row,
          store::v1::Leaf* leaf) -> absl::Status {
        const int64_t now_us = context.now_us();
        if (question.empty()) {
          return GiveBack(ActorOf(caller), now_us, &row->doc);
        }
        if (row->subject == 0) {
          return MakeError(v1::ERROR_REASON_STATE_INVALID,
                           "nobody is held who could be asked");
        }
        CONSENTRY_RETURN_IF_ERROR(CheckRoom(row->doc));
        CONSENTRY_RETURN_IF_ERROR(
            AskCustomer(ActorOf(caller), now_us, &row->doc));
        Tell(context, *row, "review.question", leaf);
        return rows_.AddWords(
            context.connection(),
            WordsOf(ReviewWords::QUESTION, question, now_us, caller), row);
      },
      std::move(done));
}

void ReviewDesk::Decide(const CallerContext& caller,
                        const v1::DecideReviewRequest& request, Done done) {
  const auto& codes = parts_.settings.reason_codes();
  if (!codes.empty() && std::find(codes.begin(), codes.end(),
                                  request.reason_code()) == codes.end()) {
    done(Invalid("reason_code", "is not on the configured list"));
    return;
  }
  if (!request.new_outcome().empty() &&
      request.verdict() != v1::REVIEW_VERDICT_CHANGE &&
      request.verdict() != v1::REVIEW_VERDICT_REVERSE) {
    done(Invalid("new_outcome", "is for a change or a reversal"));
    return;
  }
  if (request.verdict() == v1::REVIEW_VERDICT_CHANGE &&
      request.new_outcome().empty()) {
    done(Invalid("new_outcome", "is required to change an outcome"));
    return;
  }
  Change(
      caller, request, request.id(), /*customers=*/false,
      [this, caller, request](store::ChangeContext& context, ReviewRow* row,
                              store::v1::Leaf* leaf) -> absl::Status {
        const int64_t now_us = context.now_us();
        CONSENTRY_RETURN_IF_ERROR(
            CheckHolds(ActorOf(caller), now_us, row->doc));
        if (request.etag() != std::to_string(row->doc.version())) {
          return MakeError(v1::ERROR_REASON_ETAG_MISMATCH,
                           "the review changed; look at it again");
        }
        // Two who agree must mean the same.
        if (row->doc.high_risk() && !request.new_outcome().empty() &&
            request.verdict() == v1::REVIEW_VERDICT_REVERSE) {
          return Invalid("new_outcome",
                         "is for a change where two persons must agree");
        }
        CONSENTRY_ASSIGN_OR_RETURN(
            const std::optional<Ruling> ruling,
            review::Decide(ActorOf(caller), request.verdict(),
                           request.reason_code(), now_us, powers(), &row->doc));
        leaf->add_details(absl::StrCat("verdict=", int{request.verdict()}));
        leaf->add_details("reason=" + request.reason_code());
        CONSENTRY_RETURN_IF_ERROR(
            rows_.AddWords(context.connection(),
                           WordsOf(ReviewWords::RATIONALE, request.rationale(),
                                   now_us, caller),
                           row));
        if (!request.new_outcome().empty()) {
          CONSENTRY_RETURN_IF_ERROR(
              rows_.AddWords(context.connection(),
                             WordsOf(ReviewWords::OUTCOME,
                                     request.new_outcome(), now_us, caller),
                             row));
        }
        if (!ruling) {
          leaf->add_details("final=no");
          return absl::OkStatus();
        }
        // What is out already stays as it is when it is upheld.
        if (HasEffect(row->doc.target()) &&
            (row->doc.holds_target() || *ruling != Ruling::kRelease)) {
          if (parts_.target == nullptr) {
            return MakeError(v1::ERROR_REASON_STATE_INVALID,
                             "nobody can carry the decision out");
          }
          const absl::Status applied = parts_.target->Apply(
              context, row->doc.target(), *ruling, request.new_outcome(), leaf);
          // Its time to be kept is over: there is nothing left to change.
          if (ReasonOf(applied) == v1::ERROR_REASON_NOT_FOUND) {
            leaf->add_details("target=gone");
          } else {
            CONSENTRY_RETURN_IF_ERROR(applied);
          }
        }
        if (parts_.answer_case) {
          for (const std::string& waiting : row->doc.cases()) {
            CONSENTRY_RETURN_IF_ERROR(
                parts_.answer_case(context, waiting, row->doc, leaf));
          }
        }
        Tell(context, *row, "review.decided", leaf);
        return absl::OkStatus();
      },
      std::move(done));
}

void ReviewDesk::AddStatement(const CallerContext& caller,
                              const v1::AddStatementRequest& request,
                              Done done) {
  Change(
      caller, request, request.id(), /*customers=*/true,
      [this, caller, request](store::ChangeContext& context, ReviewRow* row,
                              store::v1::Leaf*) -> absl::Status {
        // A system adds to what came through it, and nobody else's.
        if (!caller.IsCustomer() && !IsAskedForBy(caller.client_id, row->doc)) {
          return NoReview();
        }
        return AddStatementTo(context, request.statement(), caller, row);
      },
      std::move(done));
}

absl::StatusOr<int64_t> ReviewDesk::TimeOutDue(int64_t most) {
  const int64_t now_us = parts_.committer->NowUs();
  std::vector<crypto::ObjectId> due;
  {
    CONSENTRY_ASSIGN_OR_RETURN(auto lease, parts_.readers->Acquire());
    ReviewPlace place;
    for (bool more = true; more && static_cast<int64_t>(due.size()) < most;) {
      CONSENTRY_ASSIGN_OR_RETURN(
          const auto rows, rows_.ByHour(lease.get(), /*open=*/true, INT64_MIN,
                                        now_us / kUsPerHour + 1, place,
                                        kRowsAtOnce, &place, &more));
      for (const ReviewRow& row : rows) {
        if (now_us >= row.doc.due_us()) due.push_back(row.id);
      }
    }
  }
  int64_t passed = 0;
  for (const crypto::ObjectId& id : due) {
    if (passed >= most) break;
    store::Change change;
    change.apply = [&](store::ChangeContext& context) -> absl::Status {
      CONSENTRY_ASSIGN_OR_RETURN(ReviewRow row,
                                 rows_.Read(context.connection(), id));
      // Decided or put off meanwhile.
      if (!TimeOut(context.now_us(), &row.doc)) {
        return absl::CancelledError("not due any more");
      }
      CallerContext self;
      self.event = "review.timeout";
      store::v1::Leaf leaf =
          clients::LeafOf(*parts_.configuration(), self, context.now_us());
      leaf.set_change_number(static_cast<uint64_t>(context.number()));
      leaf.add_details("review=" + row.doc.id());
      leaf.add_details(absl::StrCat("timeouts=", row.doc.timeouts()));
      row.doc.set_version(static_cast<uint64_t>(context.number()));
      CONSENTRY_RETURN_IF_ERROR(rows_.Update(context.connection(), &row));
      // Not each time: whoever waits for long is not to be written to by the
      // hour.
      if ((row.doc.timeouts() & (row.doc.timeouts() - 1)) == 0) {
        Tell(context, row, "review.late", &leaf);
      }
      CONSENTRY_RETURN_IF_ERROR(TellAbout(context, row.subject, &leaf));
      context.SetEntry(leaf.SerializeAsString());
      return absl::OkStatus();
    };
    const absl::Status status =
        parts_.committer->CommitChangeAndWait(std::move(change)).status;
    if (absl::IsCancelled(status) || absl::IsNotFound(status)) continue;
    CONSENTRY_RETURN_IF_ERROR(status);
    ++passed;
  }
  return passed;
}

absl::StatusOr<int64_t> ReviewDesk::ForgetOld(int64_t most) {
  const uint32_t days =
      parts_.keep_days == 0 ? kDefaultKeepDays : parts_.keep_days;
  const int64_t before_us =
      parts_.committer->NowUs() - int64_t{days} * kUsPerDay;
  std::vector<ReviewRow> old;
  {
    CONSENTRY_ASSIGN_OR_RETURN(auto lease, parts_.readers->Acquire());
    ReviewPlace place;
    bool more = false;
    CONSENTRY_ASSIGN_OR_RETURN(
        old, rows_.ByHour(lease.get(), /*open=*/false, INT64_MIN,
                          before_us / kUsPerHour, place,
                          static_cast<size_t>(most), &place, &more));
  }
  if (old.empty()) return 0;
  store::Change change;
  change.apply = [&](store::ChangeContext& context) -> absl::Status {
    CallerContext self;
    self.event = "review.retention";
    store::v1::Leaf leaf =
        clients::LeafOf(*parts_.configuration(), self, context.now_us());
    leaf.set_change_number(static_cast<uint64_t>(context.number()));
    for (const ReviewRow& row : old) {
      CONSENTRY_RETURN_IF_ERROR(rows_.Remove(context.connection(), row.no));
    }
    leaf.add_details(absl::StrCat("reviews=", old.size()));
    context.SetEntry(leaf.SerializeAsString());
    return absl::OkStatus();
  };
  CONSENTRY_RETURN_IF_ERROR(
      parts_.committer->CommitChangeAndWait(std::move(change)).status);
  return static_cast<int64_t>(old.size());
}

absl::StatusOr<int64_t> ReviewDesk::Forget(store::ChangeContext& context,
                                           uint64_t subject,
                                           int64_t limit) const {
  return rows_.Forget(context.connection(), subject, limit);
}

}  // namespace consentry::review
