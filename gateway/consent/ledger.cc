#include "gateway/consent/ledger.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "absl/strings/escaping.h"
#include "gateway/consent/event_rows.h"
#include "gateway/consent/ledger_request.h"
#include "gateway/consent/shown_states.h"
#include "gateway/crypto/subject_tag.h"
#include "proto/support/error.h"
#include "proto/support/mutex.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

namespace consentry::consent {
namespace {

using clients::CallerContext;

// Subjects that one entry tells of: some 40 bytes each, of at most 64 KiB.
constexpr size_t kSubjectsPerEntry = 256;

// That the one whom lookup led to is known by that name.
absl::Status CheckName(const vault::SubjectReader& reader,
                       store::Connection* connection, uint64_t subject,
                       const vault::LookupKey& key, int64_t as_of_change) {
  vault::SubjectReader::HeadOptions options;
  options.as_of_change = as_of_change;
  // The head in the cache may be older than the row of lookup.
  for (const bool past_cache : {false, true}) {
    options.past_cache = past_cache;
    const auto head = reader.ReadHead(connection, subject, options);
    if (absl::IsNotFound(head.status())) return absl::OkStatus();
    CONSENTRY_RETURN_IF_ERROR(head.status());
    if (vault::IsKnownBy((*head)->head(), key)) return absl::OkStatus();
  }
  return MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                   "a name leads to somebody else");
}

// Of somebody who is not known here; no purpose: all of them.
store::v1::StandingChoices RefusalsOf(const std::vector<std::string>& purposes,
                                      bool withdrawn) {
  store::v1::StandingChoices choices;
  for (const std::string& purpose :
       purposes.empty() ? std::vector<std::string>{"*"} : purposes) {
    auto* refusal = choices.add_refusals();
    refusal->set_purpose(purpose);
    refusal->set_withdrawn(withdrawn);
  }
  return choices;
}

absl::Status UnknownCustomer() {
  return MakeError(v1::ERROR_REASON_ACCESS_DENIED,
                   "no such customer, or not open to this caller");
}

}  // namespace

absl::StatusOr<std::vector<uint64_t>> Ledger::FindSubjects(
    const CallerContext& caller, const v1::SubjectRef& ref,
    bool every_holder) const {
  if (ref.ref_case() == v1::SubjectRef::kPseudonym) {
    const auto subject = options_.tokens->Decode(
        crypto::TokenKind::kPseudonym, ref.pseudonym(), caller.client_id);
    if (!subject.ok()) {
      return MakeError(v1::ERROR_REASON_FIELD_INVALID,
                       "the pseudonym is not one of this caller");
    }
    return std::vector<uint64_t>{*subject};
  }
  CONSENTRY_ASSIGN_OR_RETURN(const auto key, options_.subjects->MakeKey(ref));
  const int64_t as_of_change = options_.committer->LastStored();
  CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
  if (every_holder) {
    return options_.subjects->ResolveAll(lease.get(), key, INT64_MAX);
  }
  CONSENTRY_ASSIGN_OR_RETURN(const auto subject,
                             options_.subjects->Resolve(lease.get(), key));
  std::vector<uint64_t> subjects;
  if (subject) {
    CONSENTRY_RETURN_IF_ERROR(CheckName(*options_.subjects, lease.get(),
                                        *subject, key, as_of_change));
    subjects.push_back(*subject);
  }
  return subjects;
}

template <class Request>
store::Change Ledger::MakeChange(const CallerContext& caller,
                                 const Request& request, std::string purpose,
                                 v1::Channel channel,
                                 std::vector<uint64_t> subjects, bool negative,
                                 Edit edit, std::function<std::string()> result,
                                 std::optional<Unknown> unknown) const {
  store::Change change;
  change.negative = negative;
  if (!request.request_id().empty()) {
    Request canonical = request;
    canonical.clear_request_id();
    change.request = store::RequestBinding{
        clients::RequesterOf(caller), request.request_id(), caller.method,
        options_.digests->Of(canonical.SerializeAsString())};
  }
  change.apply = [this, caller, purpose = std::move(purpose), channel,
                  subjects = std::move(subjects), negative,
                  edit = std::move(edit), result = std::move(result),
                  unknown = std::move(unknown)](
                     store::ChangeContext& context) mutable -> absl::Status {
    if (negative) context.MarkNegative();
    if (unknown.has_value() && subjects.empty()) {
      // She may have come since she was looked for.
      CONSENTRY_ASSIGN_OR_RETURN(
          subjects, options_.subjects->ResolveAll(
                        context.connection(), unknown->key, kSubjectsPerEntry));
    }
    store::v1::Leaf leaf =
        clients::LeafOf(*options_.configuration(), caller, context.now_us());
    leaf.set_purpose(purpose);
    leaf.set_channel(channel);
    leaf.set_change_number(static_cast<uint64_t>(context.number()));
    bool stays = false;
    for (const uint64_t subject : subjects) {
      auto head = vault::HeadEdit::Begin(&context, *options_.slots, subject);
      // Erased since it was found: nothing is left to take back.
      if (absl::IsNotFound(head.status())) continue;
      if (!head.ok()) return head.status();
      stays = stays || !head->head().erasing();
      CONSENTRY_ASSIGN_OR_RETURN(Edited edited, edit(context, *head));
      if (edited.narrows) context.MarkNegative();
      const crypto::SubjectTag tag = crypto::ComputeSubjectTag(
          head->keys(), options_.log_origin, crypto::MonthOf(context.now_us()));
      CONSENTRY_RETURN_IF_ERROR(head->Write(options_.cache));
      store::v1::LeafSubject* told = leaf.add_subjects();
      told->set_tag(tag.data(), tag.size());
      told->set_version(static_cast<uint64_t>(context.number()));
      for (std::string& line : edited.changes) {
        told->add_changes(std::move(line));
      }
    }
    if (unknown.has_value() && !stays) {
      for (auto& refusal : *unknown->choices.mutable_refusals()) {
        refusal.set_time_us(context.now_us());
        refusal.set_client_id(caller.client_id);
      }
      CONSENTRY_RETURN_IF_ERROR(options_.suppression->Keep(
          context, *unknown->key.identifier, unknown->choices));
    }
    context.SetEntry(leaf.SerializeAsString());
    context.SetResult(result());
    return absl::OkStatus();
  };
  return change;
}

template <class Request>
void Ledger::CommitNegative(const CallerContext& caller, const Request& request,
                            const std::string& purpose,
                            const std::vector<uint64_t>& subjects,
                            const Edit& edit,
                            const std::function<std::string()>& result,
                            store::v1::StandingChoices choices,
                            store::ChangeCompletion done) const {
  struct Gathered {
    Mutex mu;
    size_t open ABSL_GUARDED_BY(mu) = 0;
    absl::Status fault ABSL_GUARDED_BY(mu);
    store::ChangeOutcome last ABSL_GUARDED_BY(mu);
    store::ChangeCompletion done;
  };
  const size_t parts = std::max<size_t>(
      1, (subjects.size() + kSubjectsPerEntry - 1) / kSubjectsPerEntry);
  auto gathered = std::make_shared<Gathered>();
  gathered->done = std::move(done);
  {
    MutexLock lock(&gathered->mu);
    gathered->open = parts;
  }
  const std::optional<Unknown> unknown =
      UnknownOf(request.subject(), std::move(choices));
  Request unbound = request;
  unbound.clear_request_id();
  for (size_t part = 0; part < parts; ++part) {
    const size_t first = part * kSubjectsPerEntry;
    const size_t end = std::min(subjects.size(), first + kSubjectsPerEntry);
    const bool last = part + 1 == parts;
    std::vector<uint64_t> of_part(
        subjects.begin() + static_cast<std::ptrdiff_t>(first),
        subjects.begin() + static_cast<std::ptrdiff_t>(end));
    // The last is applied last. It alone answers to the request's id: whoever
    // repeats the request repeats the others too, which changes no state.
    options_.committer->CommitChange(
        MakeChange(caller, last ? request : unbound, purpose, request.channel(),
                   std::move(of_part), /*negative=*/true, edit, result,
                   unknown),
        [gathered, last](const store::ChangeOutcome& outcome) {
          store::ChangeOutcome told;
          {
            MutexLock lock(&gathered->mu);
            if (!outcome.status.ok() && gathered->fault.ok()) {
              gathered->fault = outcome.status;
            }
            if (last) gathered->last = std::move(outcome);
            if (--gathered->open > 0) return;
            told = std::move(gathered->last);
            if (told.status.ok()) told.status = gathered->fault;
          }
          gathered->done(std::move(told));
        });
  }
}

std::optional<Ledger::Unknown> Ledger::UnknownOf(
    const v1::SubjectRef& ref, store::v1::StandingChoices choices) const {
  if (options_.suppression == nullptr || !ref.has_identifier() ||
      vault::IsEmpty(choices)) {
    return std::nullopt;
  }
  auto key = options_.subjects->MakeKey(ref);
  if (!key.ok() || !key->identifier.has_value()) return std::nullopt;
  return Unknown{*std::move(key), std::move(choices)};
}

std::string Ledger::AuditReference(const store::ChangeOutcome& outcome) const {
  if (outcome.repeated) return "";
  return options_.tokens->Encode(
      crypto::TokenKind::kAudit,
      crypto::LogPosition{outcome.log_index, 0}.Pack());
}

std::string Ledger::ConsistencyToken(
    const store::ChangeOutcome& outcome) const {
  return options_.tokens->Encode(crypto::TokenKind::kConsistency,
                                 static_cast<uint64_t>(outcome.change));
}

template <class Response>
store::ChangeCompletion Ledger::Told(Done<Response> done) const {
  return [this, done = std::move(done)](store::ChangeOutcome outcome) mutable {
    if (!outcome.status.ok()) {
      done(std::move(outcome.status));
      return;
    }
    Answer<Response> answer;
    if (!answer.response.ParseFromString(outcome.result)) {
      done(MakeError(v1::ERROR_REASON_INTERNAL, "a kept result is broken"));
      return;
    }
    answer.response.set_consistency_token(ConsistencyToken(outcome));
    answer.response.set_audit_reference(AuditReference(outcome));
    done(std::move(answer));
  };
}

void Ledger::Record(const CallerContext& caller,
                    const v1::RecordConsentRequest& request,
                    Done<v1::RecordConsentResponse> done) {
  const auto configuration = options_.configuration();
  const int64_t now_us = options_.committer->NowUs();
  if (absl::Status fault = CheckRecord(request, now_us); !fault.ok()) {
    done(std::move(fault));
    return;
  }
  auto purposes = KnownPurposes(*configuration, request.purposes());
  if (!purposes.ok()) {
    done(purposes.status());
    return;
  }
  const bool gives = request.action() == v1::CONSENT_ACTION_GIVE;
  if (absl::Status fault =
          gives ? MayGive(*configuration, caller, *purposes, request)
                : absl::OkStatus();
      !fault.ok()) {
    done(std::move(fault));
    return;
  }
  auto subjects = FindSubjects(caller, request.subject(), !gives);
  if (!subjects.ok() || (gives && subjects->empty())) {
    done(subjects.ok() ? UnknownCustomer() : subjects.status());
    return;
  }

  store::v1::ConsentEvent event;
  event.set_type(gives ? store::v1::ConsentEvent::GIVEN
                       : store::v1::ConsentEvent::REFUSED);
  event.set_actor(store::v1::ConsentEvent::ATTESTED);
  event.set_client_id(caller.client_id);
  event.set_notice_id(request.notice().id());
  event.set_notice_version(request.notice().version());
  event.set_notice_hash(absl::HexStringToBytes(request.notice().text_hash()));
  event.set_notice_language(request.notice().language());
  event.set_method(request.method());
  event.set_channel(request.channel());
  event.set_explicit_statement(request.explicit_());
  event.set_evidence(request.evidence());
  if (request.has_valid_until()) {
    event.set_valid_until_us(MicrosOf(request.valid_until()));
  }
  const int64_t captured_us =
      request.has_capture_time() ? MicrosOf(request.capture_time()) : 0;

  auto states = std::make_shared<std::map<std::string, v1::ConsentState>>();
  Edit edit = [event, captured_us, purposes = *purposes, states](
                  store::ChangeContext& context,
                  vault::HeadEdit& head) -> absl::StatusOr<Edited> {
    std::vector<store::v1::ConsentEvent> events;
    for (const std::string& purpose : purposes) {
      store::v1::ConsentEvent one = event;
      one.set_purpose(purpose);
      one.set_received_at_us(context.now_us());
      one.set_captured_at_us(captured_us == 0
                                 ? context.now_us()
                                 : std::min(captured_us, context.now_us()));
      events.push_back(std::move(one));
    }
    CONSENTRY_ASSIGN_OR_RETURN(
        Appended appended,
        AppendEvents(context.connection(), &head, std::move(events)));
    for (v1::ConsentState& state : appended.states) {
      (*states)[state.purpose()] = std::move(state);
    }
    return Edited{std::move(appended.changes), appended.narrows};
  };
  const auto result = [states, purposes = *purposes] {
    v1::RecordConsentResponse response;
    AddUnknown(purposes, v1::CONSENT_STATUS_REFUSED, *states,
               response.mutable_states());
    return response.SerializeAsString();
  };
  const std::string purpose = purposes->size() == 1 ? purposes->front() : "";
  auto told = Told(std::move(done));
  if (!gives) {
    CommitNegative(caller, request, purpose, *subjects, edit, result,
                   RefusalsOf(*purposes, /*withdrawn=*/false), std::move(told));
    return;
  }
  options_.committer->CommitChange(
      MakeChange(caller, request, purpose, request.channel(),
                 *std::move(subjects), /*negative=*/false, std::move(edit),
                 result),
      std::move(told));
}

// Consents that stand, of the subject and of all who are joined with it: the
// withdrawal is kept with the one, and holds for all as long as they are.
absl::StatusOr<std::vector<std::string>> Ledger::AllGiven(
    store::ChangeContext* context, vault::HeadEdit& head) const {
  std::set<std::string> given;
  const auto add = [&given](const store::v1::SubjectHead& of) {
    for (const auto& held : of.consents()) {
      if (held.status() == v1::CONSENT_STATUS_GIVEN) {
        given.insert(held.purpose());
      }
    }
  };
  add(head.head());
  for (const int64_t other : head.head().links()) {
    auto joined = vault::HeadEdit::Begin(context, *options_.slots,
                                         static_cast<uint64_t>(other));
    if (absl::IsNotFound(joined.status())) continue;
    if (!joined.ok()) return joined.status();
    add(joined->head());
  }
  return std::vector<std::string>(given.begin(), given.end());
}

void Ledger::Withdraw(const CallerContext& caller,
                      const v1::WithdrawConsentRequest& request,
                      Done<v1::WithdrawConsentResponse> done) {
  if (request.purposes_size() > kMaxPurposes) {
    RequestFaults faults;
    faults.Add("purposes", "at most 16");
    done(faults.status());
    return;
  }
  const auto configuration = options_.configuration();
  auto purposes = KnownPurposes(*configuration, request.purposes());
  auto subjects = FindSubjects(caller, request.subject(), true);
  if (!purposes.ok() || !subjects.ok()) {
    done(!purposes.ok() ? purposes.status() : subjects.status());
    return;
  }
  // By purpose, so that several holders of one identifier answer as one.
  auto states = std::make_shared<std::map<std::string, v1::ConsentState>>();
  Edit edit = [this, request, caller, purposes = *purposes, states](
                  store::ChangeContext& context,
                  vault::HeadEdit& head) -> absl::StatusOr<Edited> {
    std::vector<std::string> withdrawn = purposes;
    if (withdrawn.empty()) {
      CONSENTRY_ASSIGN_OR_RETURN(withdrawn, AllGiven(&context, head));
    }
    std::vector<store::v1::ConsentEvent> events;
    for (const std::string& purpose : withdrawn) {
      store::v1::ConsentEvent event;
      event.set_purpose(purpose);
      event.set_type(store::v1::ConsentEvent::WITHDRAWN);
      event.set_actor(store::v1::ConsentEvent::ATTESTED);
      event.set_client_id(caller.client_id);
      event.set_captured_at_us(context.now_us());
      event.set_received_at_us(context.now_us());
      event.set_channel(request.channel());
      event.set_method(request.method());
      events.push_back(std::move(event));
    }
    CONSENTRY_ASSIGN_OR_RETURN(
        Appended appended,
        AppendEvents(context.connection(), &head, std::move(events)));
    for (v1::ConsentState& state : appended.states) {
      (*states)[state.purpose()] = std::move(state);
    }
    return Edited{std::move(appended.changes), true};
  };
  const auto result = [states, purposes = *purposes] {
    v1::WithdrawConsentResponse response;
    AddUnknown(purposes, v1::CONSENT_STATUS_WITHDRAWN, *states,
               response.mutable_states());
    return response.SerializeAsString();
  };
  CommitNegative(caller, request,
                 purposes->size() == 1 ? purposes->front() : "", *subjects,
                 edit, result, RefusalsOf(*purposes, /*withdrawn=*/true),
                 Told(std::move(done)));
}

void Ledger::OptOut(const CallerContext& caller,
                    const v1::OptOutRequest& request,
                    Done<v1::OptOutResponse> done) {
  RequestFaults faults;
  std::set<int> kinds;
  for (const int kind : request.kinds()) {
    if (kind == v1::OPT_OUT_KIND_UNSPECIFIED || !v1::OptOutKind_IsValid(kind)) {
      faults.Add("kinds", "an unknown kind of opt-out");
    } else {
      kinds.insert(kind);
    }
  }
  if (kinds.empty()) faults.Add("kinds", "at least one");
  if (!faults.status().ok()) {
    done(faults.status());
    return;
  }
  auto subjects = FindSubjects(caller, request.subject(), true);
  if (!subjects.ok()) {
    done(subjects.status());
    return;
  }
  auto standing = std::make_shared<std::set<int>>(kinds);
  Edit edit = [kinds, standing, gpc = request.global_privacy_control()](
                  store::ChangeContext&,
                  vault::HeadEdit& head) -> absl::StatusOr<Edited> {
    Edited edited;
    std::set<int> all(head.head().opt_outs().begin(),
                      head.head().opt_outs().end());
    for (const int kind : kinds) {
      all.insert(kind);
      edited.changes.push_back(
          "opt_out." + v1::OptOutKind_Name(static_cast<v1::OptOutKind>(kind)) +
          "=set");
    }
    head.head().mutable_opt_outs()->Assign(all.begin(), all.end());
    if (gpc) {
      head.head().set_global_privacy_control(true);
      edited.changes.push_back("gpc=set");
    }
    standing->insert(all.begin(), all.end());
    edited.narrows = true;
    return edited;
  };
  const auto result = [standing] {
    v1::OptOutResponse response;
    for (const int kind : *standing) {
      response.add_kinds(static_cast<v1::OptOutKind>(kind));
    }
    return response.SerializeAsString();
  };
  store::v1::StandingChoices choices;
  for (const int kind : kinds) choices.add_opt_outs(kind);
  choices.set_global_privacy_control(request.global_privacy_control());
  CommitNegative(caller, request, "", *subjects, edit, result,
                 std::move(choices), Told(std::move(done)));
}

}  // namespace consentry::consent
