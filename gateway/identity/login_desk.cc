#include "gateway/identity/login_desk.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gateway/crypto/subject_tag.h"
#include "gateway/vault/head_edit.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::identity {
namespace {

absl::Status Denied() {
  return MakeError(v1::ERROR_REASON_ACCESS_DENIED,
                   "no such customer, or not open to this caller");
}

}  // namespace

absl::StatusOr<uint64_t> LoginDesk::FindSubject(
    const clients::CallerContext& caller, const v1::SubjectRef& ref) const {
  if (ref.ref_case() == v1::SubjectRef::kPseudonym) {
    const auto subject = options_.tokens->Decode(
        crypto::TokenKind::kPseudonym, ref.pseudonym(), caller.client_id);
    if (subject.ok()) return *subject;
    return MakeError(v1::ERROR_REASON_FIELD_INVALID,
                     "the pseudonym is not one of this caller");
  }
  CONSENTRY_ASSIGN_OR_RETURN(const auto key, options_.subjects->MakeKey(ref));
  CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
  const int64_t as_of = options_.committer->LastStored();
  CONSENTRY_ASSIGN_OR_RETURN(const auto subject,
                             options_.subjects->Resolve(lease.get(), key));
  if (!subject) return Denied();
  // A row of lookup is believed when the head knows the name.
  vault::SubjectReader::HeadOptions past_cache;
  past_cache.as_of_change = as_of;
  past_cache.past_cache = true;
  const auto head =
      options_.subjects->ReadHead(lease.get(), *subject, past_cache);
  if (absl::IsNotFound(head.status())) return Denied();
  CONSENTRY_RETURN_IF_ERROR(head.status());
  if (!vault::IsKnownBy((*head)->head(), key)) {
    return MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                     "a name leads to somebody else");
  }
  return *subject;
}

template <class Request, class Response>
void LoginDesk::Commit(const clients::CallerContext& caller,
                       const Request& request, bool negative, Edit edit,
                       Done<Response> done) const {
  if (options_.issuers.find(request.issuer()) == options_.issuers.end()) {
    absl::Status status = MakeError(v1::ERROR_REASON_FIELD_INVALID,
                                    "the request has malformed fields");
    AddFieldViolation(&status, {"issuer",
                                "is no issuer of customers' tokens in the "
                                "configuration (identity.issuers)"});
    done(std::move(status));
    return;
  }
  const auto subject = FindSubject(caller, request.subject());
  if (!subject.ok()) {
    done(subject.status());
    return;
  }
  store::Change change;
  change.negative = negative;
  if (!request.request_id().empty()) {
    Request canonical = request;
    canonical.clear_request_id();
    change.request = store::RequestBinding{
        .client = clients::RequesterOf(caller),
        .request_id = request.request_id(),
        .method = caller.method,
        .request_hash =
            options_.digests->Of(clients::CanonicalBytes(canonical))};
  }
  change.apply =
      [this, caller, subject = *subject, negative,
       edit = std::move(edit)](store::ChangeContext& context) -> absl::Status {
    auto head = vault::HeadEdit::Begin(&context, *options_.slots, subject);
    if (absl::IsNotFound(head.status())) return Denied();
    CONSENTRY_RETURN_IF_ERROR(head.status());
    CONSENTRY_ASSIGN_OR_RETURN(const std::string told,
                               edit(&context, head->keys()));
    const crypto::SubjectTag tag = crypto::ComputeSubjectTag(
        head->keys(), options_.log_origin, crypto::MonthOf(context.now_us()));
    CONSENTRY_RETURN_IF_ERROR(head->Write(options_.cache));
    store::v1::Leaf leaf =
        clients::LeafOf(*options_.configuration(), caller, context.now_us());
    leaf.set_change_number(static_cast<uint64_t>(context.number()));
    store::v1::LeafSubject* who = leaf.add_subjects();
    who->set_tag(tag.data(), tag.size());
    who->set_version(static_cast<uint64_t>(context.number()));
    who->set_effect(v1::EFFECT_PERMIT);
    who->add_changes(told);
    if (negative) context.MarkNegative();
    context.SetEntry(clients::CanonicalBytes(leaf));
    return absl::OkStatus();
  };
  options_.committer->CommitChange(
      std::move(change), [tokens = options_.tokens, done = std::move(done)](
                             const store::ChangeOutcome& outcome) mutable {
        if (!outcome.status.ok()) {
          done(outcome.status);
          return;
        }
        Response response;
        if (!outcome.repeated) {
          response.set_audit_reference(tokens->Encode(
              crypto::TokenKind::kAudit,
              crypto::LogPosition{.index = outcome.log_index, .item = 0}
                  .Pack()));
        }
        done(std::move(response));
      });
}

void LoginDesk::Link(const clients::CallerContext& caller,
                     const v1::LinkLoginRequest& request,
                     Done<v1::LinkLoginResponse> done) const {
  store::v1::LoginFact fact;
  fact.set_issuer(request.issuer());
  fact.set_login(request.login());
  fact.set_client_id(caller.client_id);
  Commit(
      caller, request, /*negative=*/false,
      [logins = options_.logins, fact](
          store::ChangeContext* context,
          const crypto::SubjectKeys& keys) -> absl::StatusOr<std::string> {
        store::v1::LoginFact dated = fact;
        dated.set_linked_us(context->now_us());
        CONSENTRY_RETURN_IF_ERROR(logins->Add(context, keys, dated).status());
        return absl::StrCat("login:", fact.issuer(), "=linked");
      },
      std::move(done));
}

void LoginDesk::Unlink(const clients::CallerContext& caller,
                       const v1::UnlinkLoginRequest& request,
                       Done<v1::UnlinkLoginResponse> done) const {
  Commit(
      caller, request, /*negative=*/true,
      [logins = options_.logins, issuer = request.issuer()](
          store::ChangeContext* context,
          const crypto::SubjectKeys& keys) -> absl::StatusOr<std::string> {
        CONSENTRY_RETURN_IF_ERROR(
            logins->Remove(context, keys, issuer).status());
        return absl::StrCat("login:", issuer, "=unlinked");
      },
      std::move(done));
}

}  // namespace consentry::identity
