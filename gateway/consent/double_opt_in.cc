#include "gateway/consent/double_opt_in.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gateway/consent/choice.h"
#include "gateway/consent/ledger_request.h"
#include "gateway/consent/typed_code.h"
#include "gateway/crypto/ids.h"
#include "gateway/crypto/opener.h"
#include "gateway/crypto/sealer.h"
#include "gateway/vault/identifier_key.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

namespace consentry::consent {
namespace {

using store::v1::PendingOptIn;

constexpr int64_t kUsPerHour = int64_t{3600} * 1000 * 1000;
constexpr uint32_t kPendingSchema = 1;
constexpr int64_t kSweptAtOnce = 1000;

absl::Status WrongCode() {
  return MakeError(v1::ERROR_REASON_CODE_INVALID,
                   "the code is wrong, or is not waited for any more");
}

// The raw bytes of "doi_...".
absl::StatusOr<crypto::ObjectId> ReadHandle(std::string_view handle) {
  auto id = crypto::ParseId(crypto::IdKind::kDoubleOptIn, handle);
  if (!id.ok()) return WrongCode();
  return id;
}

// A row is written over by each wrong code; what may be put back by whoever
// writes the store is a number of tries.
crypto::FactContext ContextOf(const crypto::ObjectId& handle) {
  crypto::FactContext context{};
  context.table = crypto::FactTable::kPendingOptIn;
  context.row = crypto::RowId(handle);
  context.schema = kPendingSchema;
  context.row_generation = 1;
  return context;
}

absl::Status Put(store::ChangeContext* context, const vault::HeadEdit& head,
                 const crypto::ObjectId& handle, const PendingOptIn& pending) {
  CONSENTRY_ASSIGN_OR_RETURN(
      const std::string sealed,
      crypto::Sealer::Seal(head.keys(), ContextOf(handle),
                           pending.SerializeAsString()));
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      context->connection()->Prepare(
          "INSERT INTO double_opt_ins (handle, subject, due_hour, doc) VALUES "
          "($1, $2, $3, $4) ON CONFLICT (handle) DO UPDATE SET doc = "
          "excluded.doc"));
  query.Bind(vault::AsBytes(handle), static_cast<int64_t>(head.subject()),
             pending.expire_us() / kUsPerHour + 1, sealed);
  return query.Run();
}

absl::Status Remove(store::ChangeContext* context,
                    const crypto::ObjectId& handle) {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query, context->connection()->Prepare(
                      "DELETE FROM double_opt_ins WHERE handle = $1"));
  query.Bind(vault::AsBytes(handle));
  return query.Run();
}

// None when it is gone.
absl::StatusOr<std::optional<PendingOptIn>> Get(
    store::ChangeContext* context, const vault::HeadEdit& head,
    const crypto::ObjectId& handle) {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      context->connection()->Prepare(
          "SELECT doc FROM double_opt_ins WHERE handle = $1 AND subject = $2"));
  query.Bind(vault::AsBytes(handle), static_cast<int64_t>(head.subject()));
  CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
  if (!found) return std::optional<PendingOptIn>();
  const auto plaintext =
      crypto::FactOpener::Open(head.keys(), ContextOf(handle), query.Blob(0));
  PendingOptIn pending;
  if (!plaintext.ok() ||
      !pending.ParseFromArray(plaintext->view().data(),
                              static_cast<int>(plaintext->view().size()))) {
    return MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                     "a double opt-in in the store does not open");
  }
  return std::optional<PendingOptIn>(std::move(pending));
}

absl::StatusOr<int64_t> CountOpen(store::ChangeContext* context,
                                  const vault::HeadEdit& head) {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query, context->connection()->Prepare(
                      "SELECT count(*) FROM double_opt_ins WHERE subject = $1 "
                      "AND due_hour > $2"));
  query.Bind(static_cast<int64_t>(head.subject()),
             context->now_us() / kUsPerHour);
  CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
  return found ? query.Int64(0) : int64_t{0};
}

bool Holds(const store::v1::SubjectHead& head, int32_t type, uint64_t digest) {
  return std::any_of(head.identifiers().begin(), head.identifiers().end(),
                     [&](const auto& held) {
                       return held.type() == type && held.digest() == digest;
                     });
}

// The words of MayGive and CheckRecord for a double opt-in.
v1::RecordConsentRequest AsConsent(const v1::StartDoubleOptInRequest& request) {
  v1::RecordConsentRequest consent;
  consent.set_action(v1::CONSENT_ACTION_GIVE);
  *consent.mutable_purposes() = request.purposes();
  *consent.mutable_notice() = request.notice();
  return consent;
}

}  // namespace

std::string DoubleOptIns::DigestOf(const std::string& handle,
                                   const std::string& code) const {
  return options_.digests->Of(
      absl::StrCat("double-opt-in\n", handle, "\n", code));
}

void DoubleOptIns::Start(const clients::CallerContext& caller,
                         const v1::StartDoubleOptInRequest& request,
                         Done<v1::StartDoubleOptInResponse> done) {
  const auto configuration = options_.configuration();
  const v1::RecordConsentRequest consent = AsConsent(request);
  absl::Status fault = CheckRecord(consent, options_.committer->NowUs());
  auto purposes = KnownPurposes(*configuration, request.purposes());
  if (fault.ok()) fault = purposes.status();
  if (fault.ok()) {
    fault = MayGive(*configuration, caller, *purposes, consent);
  }
  if (fault.ok() &&
      (sender_ == nullptr || !sender_->Reaches(request.identifier().type()))) {
    fault = MakeError(v1::ERROR_REASON_SENDER_MISSING,
                      "no way is configured of sending a code there");
  }
  auto key = options_.subjects->MakeKey(request.identifier());
  if (fault.ok()) fault = key.status();
  if (!fault.ok()) {
    done(std::move(fault));
    return;
  }
  v1::SubjectRef ref;
  *ref.mutable_identifier() = request.identifier();
  auto subjects = changes_.FindSubjects(caller, ref, false);
  if (!subjects.ok() || subjects->empty()) {
    done(subjects.ok() ? UnknownCustomer() : subjects.status());
    return;
  }
  const crypto::ObjectId id = crypto::NewObjectId();
  const std::string handle = crypto::FormatId(crypto::IdKind::kDoubleOptIn, id);
  CodeMessage message;
  message.to = request.identifier();
  message.subject = subjects->front();
  message.language = request.notice().language();
  message.code = NewCode();

  PendingOptIn pending;
  pending.set_client_id(caller.client_id);
  pending.mutable_purposes()->Assign(purposes->begin(), purposes->end());
  store::v1::ConsentEvent noticed;
  SetNotice(request.notice(), &noticed);
  pending.set_notice_id(noticed.notice_id());
  pending.set_notice_version(noticed.notice_version());
  pending.set_notice_hash(noticed.notice_hash());
  pending.set_notice_language(noticed.notice_language());
  pending.set_explicit_statement(request.explicit_());
  pending.set_identifier_type(request.identifier().type());
  pending.set_code_digest(DigestOf(handle, *ReadCode(message.code)));

  auto answer = std::make_shared<v1::StartDoubleOptInResponse>();
  answer->set_handle(handle);
  EditHead edit = [this, id, message, pending, answer,
                   identifier = *key->identifier](
                      store::ChangeContext& context,
                      vault::HeadEdit& head) -> absl::StatusOr<Edited> {
    CONSENTRY_ASSIGN_OR_RETURN(const int64_t open, CountOpen(&context, head));
    if (open >= kMaxOpen) {
      return MakeError(v1::ERROR_REASON_RATE_LIMITED,
                       "too many codes were sent there and not used");
    }
    PendingOptIn made = pending;
    made.set_identifier_digest(
        vault::IdentifierDigest(head.head().digest_key(), identifier));
    made.set_expire_us(context.now_us() + kLifetimeUs);
    CONSENTRY_RETURN_IF_ERROR(Put(&context, head, id, made));
    CodeMessage sent = message;
    sent.expire_us = made.expire_us();
    CONSENTRY_RETURN_IF_ERROR(sender_->Send(&context, sent));
    SetTime(made.expire_us(), answer->mutable_expire_time());
    return Edited{};
  };
  options_.committer->CommitChange(
      changes_.Make(
          LedgerRequestOf(caller, request,
                          purposes->size() == 1 ? purposes->front() : "",
                          v1::CHANNEL_UNSPECIFIED),
          *std::move(subjects), /*negative=*/false, std::move(edit),
          [answer] { return answer->SerializeAsString(); }),
      [done = std::move(done)](store::ChangeOutcome outcome) mutable {
        if (!outcome.status.ok()) {
          done(std::move(outcome.status));
          return;
        }
        Answer<v1::StartDoubleOptInResponse> told;
        if (!told.response.ParseFromString(outcome.result)) {
          done(MakeError(v1::ERROR_REASON_INTERNAL, "a kept result is broken"));
          return;
        }
        // Erased since she was found: nothing was sent.
        if (!told.response.has_expire_time()) {
          done(UnknownCustomer());
          return;
        }
        done(std::move(told));
      });
}

absl::StatusOr<uint64_t> DoubleOptIns::FindOwner(
    const std::string& handle) const {
  CONSENTRY_ASSIGN_OR_RETURN(const crypto::ObjectId id, ReadHandle(handle));
  CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      lease->Prepare("SELECT subject FROM double_opt_ins WHERE handle = $1"));
  query.Bind(vault::AsBytes(id));
  CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
  if (!found) return WrongCode();
  return static_cast<uint64_t>(query.Int64(0));
}

void DoubleOptIns::Complete(const clients::CallerContext& caller,
                            const v1::CompleteDoubleOptInRequest& request,
                            Done<v1::RecordConsentResponse> done) {
  std::vector<uint64_t> subjects;
  crypto::ObjectId id{};
  if (const auto owner = FindOwner(request.handle()); owner.ok()) {
    subjects.push_back(*owner);
    id = *ReadHandle(request.handle());
  } else if (ReasonOf(owner.status()) != v1::ERROR_REASON_CODE_INVALID ||
             request.request_id().empty()) {
    // A repetition of one that succeeded finds no handle and its result.
    done(owner.status());
    return;
  }
  const std::string digest =
      DigestOf(request.handle(), ReadCode(request.code()).value_or(""));
  auto states = std::make_shared<States>();
  EditHead edit = [this, caller, id, digest, states](
                      store::ChangeContext& context,
                      vault::HeadEdit& head) -> absl::StatusOr<Edited> {
    states->clear();
    CONSENTRY_ASSIGN_OR_RETURN(auto pending, Get(&context, head, id));
    if (!pending || pending->client_id() != caller.client_id) return Edited{};
    if (pending->expire_us() <= context.now_us() ||
        !Holds(head.head(), pending->identifier_type(),
               pending->identifier_digest())) {
      CONSENTRY_RETURN_IF_ERROR(Remove(&context, id));
      return Edited{};
    }
    if (!SameDigest(pending->code_digest(), digest)) {
      pending->set_wrong(pending->wrong() + 1);
      CONSENTRY_RETURN_IF_ERROR(pending->wrong() >= kMaxWrong
                                    ? Remove(&context, id)
                                    : Put(&context, head, id, *pending));
      return Edited{};
    }
    CONSENTRY_RETURN_IF_ERROR(Remove(&context, id));
    for (auto& held : *head.head().mutable_identifiers()) {
      if (held.type() == pending->identifier_type() &&
          held.digest() == pending->identifier_digest()) {
        held.set_verified(true);
      }
    }
    Choice choice;
    choice.purposes = {pending->purposes().begin(), pending->purposes().end()};
    choice.months = MonthsOf(*options_.configuration(), choice.purposes);
    choice.event.set_type(store::v1::ConsentEvent::GIVEN);
    choice.event.set_actor(store::v1::ConsentEvent::SELF);
    choice.event.set_notice_id(pending->notice_id());
    choice.event.set_notice_version(pending->notice_version());
    choice.event.set_notice_hash(pending->notice_hash());
    choice.event.set_notice_language(pending->notice_language());
    choice.event.set_method("double_opt_in");
    choice.event.set_explicit_statement(pending->explicit_statement());
    CONSENTRY_ASSIGN_OR_RETURN(Appended appended,
                               AppendChoice(options_, choice, &context, &head));
    for (v1::ConsentState& state : appended.states) {
      (*states)[state.purpose()] = std::move(state);
    }
    return Edited{std::move(appended.changes), appended.narrows};
  };
  // Empty: not confirmed.
  const auto result = [states] {
    v1::RecordConsentResponse response;
    for (const auto& [purpose, state] : *states) {
      *response.add_states() = state;
    }
    return response.SerializeAsString();
  };
  auto told = changes_.Told(std::move(done));
  // The kept result must not hold the code's trace: the request is bound by
  // its keyed digest alone.
  options_.committer->CommitChange(
      changes_.Make(
          LedgerRequestOf(caller, request, "", v1::CHANNEL_UNSPECIFIED),
          std::move(subjects), /*negative=*/false, std::move(edit), result),
      [told = std::move(told)](store::ChangeOutcome outcome) mutable {
        if (outcome.status.ok() && outcome.result.empty()) {
          outcome.status = WrongCode();
        }
        told(std::move(outcome));
      });
}

absl::Status DoubleOptIns::Sweep() {
  const int64_t hour = options_.committer->NowUs() / kUsPerHour;
  std::vector<std::string> handles;
  {
    CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
    CONSENTRY_ASSIGN_OR_RETURN(
        auto query,
        lease->Prepare("SELECT handle FROM double_opt_ins WHERE due_hour <= $1 "
                       "ORDER BY due_hour LIMIT $2"));
    query.Bind(hour, kSweptAtOnce);
    while (true) {
      CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Step());
      if (!row) break;
      handles.emplace_back(query.Blob(0));
    }
  }
  if (handles.empty()) return absl::OkStatus();
  store::Change change;
  change.apply = [this, handles](store::ChangeContext& context) {
    clients::CallerContext self;
    self.event = "system.double_opt_in_expire";
    store::v1::Leaf leaf =
        clients::LeafOf(*options_.configuration(), self, context.now_us());
    leaf.set_change_number(static_cast<uint64_t>(context.number()));
    leaf.add_details(absl::StrCat("codes=", handles.size()));
    context.SetEntry(leaf.SerializeAsString());
    return store::RunMany(
        context.connection(), "DELETE FROM double_opt_ins WHERE handle = $1",
        handles.size(),
        [&](store::Query& query, size_t i) { query.Bind(handles[i]); });
  };
  return options_.committer->CommitChangeAndWait(std::move(change)).status;
}

}  // namespace consentry::consent
