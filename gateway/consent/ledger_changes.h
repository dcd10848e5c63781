#ifndef CONSENTRY_GATEWAY_CONSENT_LEDGER_CHANGES_H_
#define CONSENTRY_GATEWAY_CONSENT_LEDGER_CHANGES_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "consentry/v1/consent_service.pb.h"
#include "gateway/base/clock.h"
#include "gateway/base/threads.h"
#include "gateway/clients/caller_context.h"
#include "gateway/consent/agents.h"
#include "gateway/consent/notice_book.h"
#include "gateway/crypto/link_token.h"
#include "gateway/crypto/opaque_token.h"
#include "gateway/crypto/page_token.h"
#include "gateway/crypto/request_digest.h"
#include "gateway/crypto/slot_file.h"
#include "gateway/store/committer.h"
#include "gateway/store/reader_pool.h"
#include "gateway/vault/head_cache.h"
#include "gateway/vault/head_edit.h"
#include "gateway/vault/subject_reader.h"
#include "gateway/vault/suppression.h"
#include "proto/support/error.h"

namespace consentry::consent {

// An answer, with what has to be held until it was handed over.
template <class Response>
struct Answer {
  Response response;
  // Of reads; none for changes.
  std::vector<store::ReleaseTicket> tickets;
};

// Called once, on a thread of the committer or the calling thread. Must not
// block.
template <class Response>
using Done = absl::AnyInvocable<void(absl::StatusOr<Answer<Response>>)>;

// What all parts of the ledger work on. Outlives them.
struct LedgerOptions {
  clients::ConfigurationSource configuration;
  store::Committer* committer = nullptr;
  store::ReaderPool* readers = nullptr;
  const vault::SubjectReader* subjects = nullptr;
  const crypto::SlotFile* slots = nullptr;
  vault::HeadCache* cache = nullptr;
  // Null: what somebody unknown prohibits is not kept.
  vault::Suppression* suppression = nullptr;
  const crypto::OpaqueTokens* tokens = nullptr;
  const crypto::RequestDigests* digests = nullptr;
  base::WorkerPool* workers = nullptr;
  const base::Clock* clock = nullptr;
  std::string log_origin;
  // Null: no notice is registered.
  const NoticeBook* notices = nullptr;
  // Null: no agent is known.
  const Agents* agents = nullptr;
  // Whether a consent to the purpose counts only with the authorisation of
  // whoever is responsible for the customer, given her head and those that are
  // joined with it. Pure. Null: left to the decisions that rest on it.
  std::function<bool(const clients::Configuration& configuration,
                     std::span<const store::v1::SubjectHead* const> heads,
                     const std::string& purpose, int64_t now_us)>
      needs_parent = nullptr;
  // Null where nothing is paged.
  const crypto::PageTokens* page_tokens = nullptr;
  // Null, or no address: no links are made.
  const crypto::LinkTokens* links = nullptr;
  // What the token of a link is appended to.
  std::string unsubscribe_url;
};

// Prohibitions and the name that they came under: kept where nobody here goes
// by it, or only somebody who is about to be erased.
struct UnknownChoices {
  vault::LookupKey key;
  store::v1::StandingChoices choices;
};

// One request that changes choices, apart from what it does to each head.
struct LedgerRequest {
  clients::CallerContext caller;
  // Empty: not repeatable.
  std::string request_id;
  // The request without its id, serialised.
  std::string canonical;
  // For the entry; empty where it is about several.
  std::string purpose;
  v1::Channel channel = v1::CHANNEL_UNSPECIFIED;
  // None for what need not bind whoever comes later.
  std::optional<UnknownChoices> unknown = std::nullopt;
  // Who acts for the customer, "agt_..."; empty: nobody.
  std::string agent_id = {};
};
template <class Request>
LedgerRequest LedgerRequestOf(const clients::CallerContext& caller,
                              Request request, std::string purpose,
                              v1::Channel channel) {
  LedgerRequest made{.caller = caller,
                     .request_id = request.request_id(),
                     .canonical = "",
                     .purpose = std::move(purpose),
                     .channel = channel};
  if constexpr (requires { request.agent_id(); }) {
    made.agent_id = request.agent_id();
  }
  request.clear_request_id();
  made.canonical = request.SerializeAsString();
  return made;
}

// What was done to one head.
struct Edited {
  // For the leaf: "marketing.email=withdrawn".
  std::vector<std::string> changes;
  // Something was taken away.
  bool narrows = false;
};
// Runs on the committer's store thread, perhaps more than once, each time from
// the start. The head is written afterwards.
using EditHead = std::function<absl::StatusOr<Edited>(store::ChangeContext&,
                                                      vault::HeadEdit&)>;
// Makes what a repetition with the same request_id is answered with; called
// after all edits.
using MakeResult = std::function<std::string()>;

// How the ledger finds the customers a request names, and commits changes of
// their heads with one entry. Safe for many threads.
class LedgerChanges {
 public:
  explicit LedgerChanges(const LedgerOptions& options) : options_(options) {}

  // The customer that `ref` names, or every one that it may name; empty for a
  // name that leads nowhere. FIELD_INVALID for what can be no name.
  absl::StatusOr<std::vector<uint64_t>> FindSubjects(
      const clients::CallerContext& caller, const v1::SubjectRef& ref,
      bool every_holder) const;

  // What LedgerRequest::unknown is for a request that names its customer so;
  // none for a name under which nobody could come later.
  std::optional<UnknownChoices> UnknownOf(
      const v1::SubjectRef& ref, store::v1::StandingChoices choices) const;

  // FindSubjects of every holder. With an agent, the one of them whose agent it
  // is: whoever acts for one of those who share a name does not act for the
  // others. PERMISSION_MISSING for a customer's own call that names an agent;
  // else as PowerOver.
  absl::StatusOr<std::vector<uint64_t>> FindHolders(
      const clients::CallerContext& caller, const v1::SubjectRef& ref,
      std::string_view agent_id, std::span<const AgentAct> acts) const;

  // Inside of a change: the agent's power still reaches to `acts` for the head
  // that is edited. Nothing to check without an agent.
  absl::Status CheckAgent(store::ChangeContext* context,
                          const vault::HeadEdit& head,
                          std::string_view agent_id,
                          std::span<const AgentAct> acts) const;

  // One change of the heads of at most kSubjectsPerEntry subjects. Subjects
  // that were erased meanwhile are passed over. An edit that narrows makes it
  // negative.
  store::Change Make(const LedgerRequest& request,
                     std::vector<uint64_t> subjects, bool negative,
                     EditHead edit, MakeResult result) const;

  // The same, negative, for every one of `subjects`, in changes of bounded
  // size, then `done` with the outcome of the last, or the first error.
  void CommitNegative(const LedgerRequest& request,
                      const std::vector<uint64_t>& subjects,
                      const EditHead& edit, const MakeResult& result,
                      store::ChangeCompletion done) const;

  // Answers with the result of a change, its consistency token and its audit
  // reference.
  template <class Response>
  store::ChangeCompletion Told(Done<Response> done) const;

  std::string AuditReference(const store::ChangeOutcome& outcome) const;
  std::string ConsistencyToken(const store::ChangeOutcome& outcome) const;

  const LedgerOptions& options() const { return options_; }

 private:
  const LedgerOptions options_;
};

// ACCESS_DENIED, as for a customer who is not open to the caller.
absl::Status UnknownCustomer();
// PERMISSION_MISSING: a customer who says that somebody else acts for her.
absl::Status NobodyElses();

template <class Response>
store::ChangeCompletion LedgerChanges::Told(Done<Response> done) const {
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

}  // namespace consentry::consent

#endif  // CONSENTRY_GATEWAY_CONSENT_LEDGER_CHANGES_H_
