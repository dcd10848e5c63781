#include "gateway/erasure/erasure_desk.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gateway/clients/caller_context.h"
#include "gateway/crypto/ids.h"
#include "gateway/erasure/certificate.h"
#include "gateway/erasure/erasure_rows.h"
#include "gateway/erasure/hold_changes.h"
#include "gateway/erasure/holdings.h"
#include "gateway/erasure/leaf_subjects.h"
#include "gateway/vault/head_edit.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

namespace consentry::erasure {
namespace {

constexpr size_t kDefaultPageSize = 50;

absl::Status NoSuchCustomer() {
  return MakeError(v1::ERROR_REASON_NOT_FOUND,
                   "no such customer, or not open to this caller");
}

absl::Status WrongState(std::string_view message) {
  return MakeError(v1::ERROR_REASON_STATE_INVALID, message);
}

absl::Status Known(absl::Status status) {
  return absl::IsNotFound(status) && !ReasonOf(status) ? NoSuchCustomer()
                                                       : status;
}

absl::StatusOr<std::vector<Hold>> HoldsOnAll(
    store::Connection* connection, const std::vector<Member>& members) {
  std::vector<Hold> holds;
  for (const Member& member : members) {
    CONSENTRY_ASSIGN_OR_RETURN(std::vector<Hold> own,
                               HoldsOn(connection, member.keys));
    for (Hold& hold : own) holds.push_back(std::move(hold));
  }
  return holds;
}

absl::StatusOr<v1::LegalHold> ShowHold(store::Connection* connection,
                                       const Hold& hold) {
  v1::LegalHold shown;
  shown.set_id(crypto::FormatId(crypto::IdKind::kHold, hold.public_id));
  CONSENTRY_ASSIGN_OR_RETURN(
      store::Query query,
      connection->Prepare("SELECT public_id FROM subjects WHERE subject = $1"));
  query.Bind(static_cast<int64_t>(hold.subject));
  CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
  crypto::ObjectId subject;
  if (found && query.Blob(0).size() == subject.size()) {
    std::copy(query.Blob(0).begin(), query.Blob(0).end(), subject.begin());
    shown.set_subject_id(crypto::FormatId(crypto::IdKind::kSubject, subject));
  }
  *shown.mutable_fields() = hold.doc.fields();
  shown.set_ground(hold.doc.ground());
  shown.set_document(hold.doc.document());
  if (hold.doc.end_us() != 0) {
    SetTime(hold.doc.end_us(), shown.mutable_end_time());
  }
  SetTime(hold.doc.created_us(), shown.mutable_create_time());
  if (hold.doc.lifted_us() != 0) {
    SetTime(hold.doc.lifted_us(), shown.mutable_lift_time());
  }
  return shown;
}

ErasureStatus StatusOfRow(const Erasure& erasure) {
  ErasureStatus status;
  status.id = erasure.id;
  status.state = erasure.state;
  status.decided_us = erasure.job.decided_us();
  status.destroy_us = erasure.job.destroyed_us() != 0
                          ? erasure.job.destroyed_us()
                          : erasure.job.due_us();
  return status;
}

}  // namespace

access::AnswerParts ErasureDesk::AnswerParts() const {
  return {.configuration = parts_.configuration,
          .committer = parts_.committer,
          .workers = parts_.workers};
}

absl::StatusOr<uint64_t> ErasureDesk::FindSubject(
    store::Connection* connection, const v1::SubjectRef& ref) const {
  CONSENTRY_ASSIGN_OR_RETURN(const auto key, parts_.subjects->MakeKey(ref));
  CONSENTRY_ASSIGN_OR_RETURN(const auto subject,
                             parts_.subjects->Resolve(connection, key));
  if (!subject.has_value()) return NoSuchCustomer();
  return *subject;
}

absl::StatusOr<v1::ErasurePlan> ErasureDesk::Plan(
    store::Connection* connection, uint64_t subject,
    const std::vector<policy::Retained>& retained) const {
  const auto configuration = parts_.configuration();
  const int64_t now_us = parts_.committer->NowUs();
  auto members =
      ReadMembers(connection, *parts_.slots, configuration->bundle(), subject);
  if (!members.ok()) return Known(members.status());
  CONSENTRY_ASSIGN_OR_RETURN(const std::vector<Hold> holds,
                             HoldsOnAll(connection, *members));
  std::vector<policy::Retained> all = RetainedBy(holds);
  all.insert(all.end(), retained.begin(), retained.end());
  const GroupPlan group =
      PlanGroup(configuration->bundle(), *members, all, now_us);
  v1::ErasurePlan plan;
  for (const store::v1::ErasedField& field : group.outcomes) {
    *plan.add_outcomes() = OutcomeOf(field);
  }
  for (size_t i = 1; i < members->size(); ++i) {
    plan.add_linked_subject_ids((*members)[i].head.public_id());
  }
  // Nobody knows when a hold on everything ends.
  if (!AnyHoldsAll(holds)) {
    SetTime(now_us + parts_.wait_us, plan.mutable_destroy_time());
  }
  return plan;
}

absl::StatusOr<int64_t> ErasureDesk::Decide(store::ChangeContext& context,
                                            const ErasureOrder& order,
                                            store::v1::Leaf* leaf) const {
  store::Connection* const connection = context.connection();
  const auto epochs = parts_.epochs->keys();
  const auto configuration = parts_.configuration();
  auto members = ReadMembers(connection, *parts_.slots, configuration->bundle(),
                             order.subject);
  if (!members.ok()) return Known(members.status());
  for (const Member& member : *members) {
    CONSENTRY_ASSIGN_OR_RETURN(const std::vector<Erasure> open,
                               FindOpen(connection, *epochs, member.subject()));
    if (!open.empty() || member.head.erasing()) {
      return WrongState("an erasure was decided before");
    }
  }
  CONSENTRY_ASSIGN_OR_RETURN(const std::vector<Hold> holds,
                             HoldsOnAll(connection, *members));
  const bool held = AnyHoldsAll(holds);

  Erasure erasure;
  erasure.id = context.number();
  erasure.subject = order.subject;
  erasure.state = held ? ErasureState::kHeld : ErasureState::kWaiting;
  erasure.job.set_case_id(order.case_id);
  erasure.job.set_decided_us(context.now_us());
  erasure.job.set_due_us(context.now_us() + parts_.wait_us);
  for (const policy::Retained& one : order.retained) {
    store::v1::RetainedFields* kept = erasure.job.add_retained();
    kept->mutable_fields()->Assign(one.fields.begin(), one.fields.end());
    kept->set_ground(one.ground);
    kept->set_document(one.document);
    kept->set_until_us(one.until_us);
  }
  std::vector<policy::Retained> retained = RetainedBy(holds);
  retained.insert(retained.end(), order.retained.begin(), order.retained.end());
  const GroupPlan plan =
      PlanGroup(configuration->bundle(), *members, retained, context.now_us());
  std::vector<std::string> changes = {held ? "erasure=held"
                                           : "erasure=decided"};
  for (const store::v1::ErasedField& field : plan.outcomes) {
    if (field.kept()) changes.push_back(absl::StrCat(field.field(), "=kept"));
  }

  std::vector<crypto::SuppressionHash> hashes;
  for (const Member& member : *members) {
    CONSENTRY_ASSIGN_OR_RETURN(
        const auto own, parts_.suppression->HashesOf(member.keys, member.head));
    hashes.insert(hashes.end(), own.begin(), own.end());
    store::v1::ErasedMember* one = erasure.job.add_members();
    one->set_subject(static_cast<int64_t>(member.subject()));
    CONSENTRY_ASSIGN_OR_RETURN(
        vault::HeadEdit edit,
        vault::HeadEdit::Begin(&context, *parts_.slots, member.subject()));
    edit.head().set_erasing(!held);
    edit.head().set_erasure_held(held);
    CONSENTRY_RETURN_IF_ERROR(edit.Write(parts_.cache));
    TellSubject(context, edit.keys(), parts_.log_origin, changes, leaf);
  }
  if (!hashes.empty()) {
    CONSENTRY_RETURN_IF_ERROR(
        parts_.suppression
            ->Suppress(context, hashes, erasure.id, kSuppressionGround, {})
            .status());
  }
  CONSENTRY_RETURN_IF_ERROR(
      WriteErasure(context, *epochs, erasure, erasure.job.due_us()));
  context.MarkNegative();
  if (parts_.wake) context.OnStored(parts_.wake);
  return erasure.id;
}

absl::Status ErasureDesk::Cancel(store::ChangeContext& context, int64_t id,
                                 store::v1::Leaf* leaf) const {
  const auto epochs = parts_.epochs->keys();
  CONSENTRY_ASSIGN_OR_RETURN(Erasure erasure,
                             ReadErasure(context.connection(), *epochs, id));
  if (erasure.state != ErasureState::kWaiting &&
      erasure.state != ErasureState::kHeld) {
    return WrongState("the erasure has begun, or ended");
  }
  if (erasure.job.destroyed_us() != 0) {
    return WrongState("what is left of an erasure cannot be taken back");
  }
  for (const store::v1::ErasedMember& member : erasure.job.members()) {
    auto edit = vault::HeadEdit::Begin(&context, *parts_.slots,
                                       static_cast<uint64_t>(member.subject()));
    if (absl::IsNotFound(edit.status())) continue;
    if (!edit.ok()) return edit.status();
    edit->head().set_erasing(false);
    edit->head().set_erasure_held(false);
    CONSENTRY_RETURN_IF_ERROR(edit->Write(parts_.cache));
    TellSubject(context, edit->keys(), parts_.log_origin, {"erasure=cancelled"},
                leaf);
  }
  CONSENTRY_RETURN_IF_ERROR(parts_.suppression->Release(context, id));
  erasure.state = ErasureState::kCancelled;
  return WriteErasure(context, *epochs, erasure, INT64_MAX);
}

absl::StatusOr<std::optional<ErasureStatus>> ErasureDesk::StatusOf(
    store::Connection* connection, std::string_view case_id) const {
  CONSENTRY_ASSIGN_OR_RETURN(
      const std::optional<Erasure> erasure,
      FindByCase(connection, *parts_.epochs->keys(), case_id));
  if (!erasure.has_value()) return std::optional<ErasureStatus>();
  return std::optional<ErasureStatus>(StatusOfRow(*erasure));
}

absl::StatusOr<v1::ErasureCertificate> ErasureDesk::CertificateOf(
    store::Connection* connection, std::string_view case_id) const {
  CONSENTRY_ASSIGN_OR_RETURN(
      const std::optional<Erasure> erasure,
      FindByCase(connection, *parts_.epochs->keys(), case_id));
  if (!erasure.has_value()) {
    return MakeError(v1::ERROR_REASON_NOT_FOUND,
                     "no erasure was decided for this case");
  }
  // Of the last time that it was done: a ground that ends makes a new one.
  if (erasure->job.certificate().empty()) {
    return erasure->state == ErasureState::kHeld
               ? MakeError(v1::ERROR_REASON_LEGAL_HOLD,
                           "a legal hold stops the erasure")
               : WrongState("the erasure is not done");
  }
  v1::ErasureCertificate certificate;
  if (!certificate.ParseFromString(erasure->job.certificate())) {
    return MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                     "a kept certificate is broken");
  }
  return certificate;
}

absl::StatusOr<bool> ErasureDesk::IsSuppressed(
    store::Connection* connection, const v1::Identifier& identifier) const {
  CONSENTRY_ASSIGN_OR_RETURN(const auto key,
                             parts_.subjects->MakeKey(identifier));
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto look, parts_.suppression->Find(connection, *key.identifier));
  return look.erased || !vault::IsEmpty(look.choices);
}

void ErasureDesk::Preview(access::Caller caller,
                          const v1::PreviewErasureRequest& request,
                          access::Done<v1::ErasurePlan> done) const {
  access::AnswerAudited<v1::ErasurePlan>(
      AnswerParts(), std::move(caller),
      [this,
       request](access::AnswerEntry* entry) -> absl::StatusOr<v1::ErasurePlan> {
        const int64_t now_us = parts_.committer->NowUs();
        const int64_t as_of_change = parts_.committer->LastStored();
        CONSENTRY_ASSIGN_OR_RETURN(auto lease, parts_.readers->Acquire());
        // Nothing held is an answer like others, with its entry.
        const auto nothing = [&] {
          entry->Tell(nullptr, parts_.log_origin, now_us);
          return v1::ErasurePlan();
        };
        CONSENTRY_ASSIGN_OR_RETURN(const auto key,
                                   parts_.subjects->MakeKey(request.subject()));
        CONSENTRY_ASSIGN_OR_RETURN(const auto found,
                                   parts_.subjects->Resolve(lease.get(), key));
        if (!found.has_value()) return nothing();
        const uint64_t subject = *found;
        vault::SubjectReader::HeadOptions options;
        options.as_of_change = as_of_change;
        auto group = parts_.subjects->ReadGroup(lease.get(), subject, options);
        if (absl::IsNotFound(group.status())) return nothing();
        if (!group.ok()) return group.status();
        for (const auto& member : *group) {
          entry->Tell(member.get(), parts_.log_origin, now_us);
        }
        CONSENTRY_ASSIGN_OR_RETURN(v1::ErasurePlan plan,
                                   Plan(lease.get(), subject));
        if (parts_.name_recipients) {
          CONSENTRY_ASSIGN_OR_RETURN(const auto names,
                                     parts_.name_recipients(subject));
          plan.mutable_recipients()->Add(names.begin(), names.end());
        }
        if (!request.fields().empty()) {
          const policy::Retained asked = {
              {request.fields().begin(), request.fields().end()}, "", "", 0};
          auto* const outcomes = plan.mutable_outcomes();
          outcomes->erase(std::remove_if(outcomes->begin(), outcomes->end(),
                                         [&](const v1::RightsOutcome& outcome) {
                                           return !policy::Names(
                                               asked, outcome.target());
                                         }),
                          outcomes->end());
        }
        return plan;
      },
      std::move(done));
}

void ErasureDesk::GetCertificate(
    access::Caller caller, const v1::GetErasureCertificateRequest& request,
    access::Done<v1::ErasureCertificate> done) const {
  const bool is_customer = caller.IsCustomer();
  const uint64_t customer = caller.customer();
  access::AnswerAudited<v1::ErasureCertificate>(
      AnswerParts(), std::move(caller),
      [this, id = request.id(), is_customer,
       customer](access::AnswerEntry* entry)
          -> absl::StatusOr<v1::ErasureCertificate> {
        entry->leaf.add_details("case=" + id);
        CONSENTRY_ASSIGN_OR_RETURN(auto lease, parts_.readers->Acquire());
        if (is_customer) {
          // Another's, or of somebody who is gone: alike.
          CONSENTRY_ASSIGN_OR_RETURN(
              const std::optional<Erasure> erasure,
              FindByCase(lease.get(), *parts_.epochs->keys(), id));
          if (!erasure.has_value() || erasure->subject != customer) {
            return MakeError(v1::ERROR_REASON_NOT_FOUND,
                             "no erasure was decided for this case");
          }
        }
        return CertificateOf(lease.get(), id);
      },
      std::move(done));
}

template <class Request>
void ErasureDesk::CommitHold(
    const access::Caller& caller, const Request& request,
    std::function<absl::StatusOr<Hold>(store::ChangeContext&, store::v1::Leaf*)>
        apply,
    HoldDone done) const {
  store::Change change;
  if (!request.request_id().empty()) {
    Request canonical = request;
    canonical.clear_request_id();
    change.request = store::RequestBinding{
        .client = clients::RequesterOf(caller),
        .request_id = request.request_id(),
        .method = caller.method,
        .request_hash = parts_.digests->Of(clients::CanonicalBytes(canonical))};
  }
  change.apply = [this, caller, apply = std::move(apply)](
                     store::ChangeContext& context) -> absl::Status {
    store::v1::Leaf leaf =
        clients::LeafOf(*parts_.configuration(), caller, context.now_us());
    leaf.set_change_number(static_cast<uint64_t>(context.number()));
    auto hold = apply(context, &leaf);
    if (!hold.ok()) return Known(hold.status());
    context.SetEntry(leaf.SerializeAsString());
    // The rest is sealed under the customer's key.
    context.SetResult(crypto::FormatId(crypto::IdKind::kHold, hold->public_id));
    return absl::OkStatus();
  };
  parts_.committer->CommitChange(
      std::move(change),
      [this, done = std::move(done)](store::ChangeOutcome outcome) mutable {
        if (!outcome.status.ok()) {
          done(std::move(outcome.status));
          return;
        }
        auto kept = std::make_shared<HoldDone>(std::move(done));
        const bool taken = parts_.workers->TrySubmit(
            [this, kept, id = std::move(outcome.result)] {
              (*kept)([&]() -> absl::StatusOr<v1::LegalHold> {
                CONSENTRY_ASSIGN_OR_RETURN(auto lease,
                                           parts_.readers->Acquire());
                CONSENTRY_ASSIGN_OR_RETURN(
                    const Hold hold, FindHold(lease.get(), *parts_.slots, id));
                return ShowHold(lease.get(), hold);
              }());
            });
        if (!taken) {
          (*kept)(MakeError(v1::ERROR_REASON_UNKNOWN_OUTCOME,
                            "the change is made; too much is waiting to tell"));
        }
      });
}

void ErasureDesk::PlaceHold(const access::Caller& caller,
                            const v1::PlaceLegalHoldRequest& request,
                            HoldDone done) const {
  store::v1::HeldBack doc;
  *doc.mutable_fields() = request.fields();
  doc.set_ground(request.ground());
  doc.set_document(request.document());
  if (request.has_end_time()) doc.set_end_us(MicrosOf(request.end_time()));
  if (doc.end_us() != 0 && doc.end_us() <= parts_.committer->NowUs()) {
    absl::Status fault = MakeError(v1::ERROR_REASON_FIELD_INVALID,
                                   "the hold would have ended before it began");
    AddFieldViolation(&fault, {"end_time", "must lie in the future"});
    done(std::move(fault));
    return;
  }
  const auto configuration = parts_.configuration();
  absl::Status unknown;
  for (const std::string& name : request.fields()) {
    const size_t dot = name.find('.');
    const bool kind = name.size() > 2 && name.substr(dot) == ".*";
    if (kind ? configuration->bundle().FindKind(name.substr(0, dot)).has_value()
             : configuration->bundle().FindField(name).has_value()) {
      continue;
    }
    if (unknown.ok()) {
      unknown = MakeError(v1::ERROR_REASON_FIELD_INVALID,
                          "the catalog does not know a field");
    }
    AddFieldViolation(&unknown, {"fields", "not in the catalog"});
  }
  if (!unknown.ok()) {
    done(std::move(unknown));
    return;
  }
  const auto subject = [&]() -> absl::StatusOr<uint64_t> {
    CONSENTRY_ASSIGN_OR_RETURN(auto lease, parts_.readers->Acquire());
    return FindSubject(lease.get(), request.subject());
  }();
  if (!subject.ok()) {
    done(subject.status());
    return;
  }
  CommitHold(
      caller, request,
      [this, subject = *subject, doc](store::ChangeContext& context,
                                      store::v1::Leaf* leaf) {
        return PlaceHoldIn(parts_, context, subject, doc, leaf);
      },
      std::move(done));
}

void ErasureDesk::LiftHold(const access::Caller& caller,
                           const v1::LiftLegalHoldRequest& request,
                           HoldDone done) const {
  CommitHold(
      caller, request,
      [this, id = request.id(), reason = request.reason_code()](
          store::ChangeContext& context, store::v1::Leaf* leaf) {
        leaf->add_details("reason=" + reason);
        return LiftHoldIn(parts_, context, id, leaf);
      },
      std::move(done));
}

void ErasureDesk::ListHolds(
    access::Caller caller, const v1::ListLegalHoldsRequest& request,
    access::Done<v1::ListLegalHoldsResponse> done) const {
  const std::string client = clients::RequesterOf(caller);
  access::AnswerAudited<v1::ListLegalHoldsResponse>(
      AnswerParts(), std::move(caller),
      [this, request, client](access::AnswerEntry* entry)
          -> absl::StatusOr<v1::ListLegalHoldsResponse> {
        const int64_t now_us = parts_.committer->NowUs();
        v1::ListLegalHoldsRequest query = request;
        query.clear_page_token();
        query.clear_page_size();
        query.clear_context();
        const std::string hash =
            parts_.digests->Of(clients::CanonicalBytes(query));
        int64_t before = INT64_MAX;
        if (!request.page_token().empty()) {
          const auto position = parts_.page_tokens->Open(
              client, hash, request.page_token(), now_us);
          if (!position.ok() ||
              std::from_chars(position->data(),
                              position->data() + position->size(), before)
                      .ec != std::errc()) {
            return MakeError(v1::ERROR_REASON_PAGE_TOKEN_INVALID,
                             "the page token is not of this query, or too old");
          }
        }
        CONSENTRY_ASSIGN_OR_RETURN(auto lease, parts_.readers->Acquire());
        std::optional<uint64_t> subject;
        if (request.has_subject()) {
          CONSENTRY_ASSIGN_OR_RETURN(
              subject, FindSubject(lease.get(), request.subject()));
          const auto head =
              parts_.subjects->ReadHead(lease.get(), *subject, {});
          entry->Tell(head.ok() ? head->get() : nullptr, parts_.log_origin,
                      now_us);
        }
        const size_t limit = request.page_size() == 0
                                 ? kDefaultPageSize
                                 : static_cast<size_t>(request.page_size());
        CONSENTRY_ASSIGN_OR_RETURN(
            const std::vector<Hold> holds,
            erasure::ListHolds(lease.get(), *parts_.slots, subject,
                               request.include_ended(), before, limit));
        v1::ListLegalHoldsResponse page;
        for (const Hold& hold : holds) {
          CONSENTRY_ASSIGN_OR_RETURN(*page.add_legal_holds(),
                                     ShowHold(lease.get(), hold));
        }
        if (holds.size() == limit) {
          CONSENTRY_ASSIGN_OR_RETURN(
              *page.mutable_next_page_token(),
              parts_.page_tokens->Seal(
                  client, hash, std::to_string(holds.back().id), now_us));
        }
        return page;
      },
      std::move(done));
}

}  // namespace consentry::erasure
