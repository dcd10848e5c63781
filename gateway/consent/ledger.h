#ifndef CONSENTRY_GATEWAY_CONSENT_LEDGER_H_
#define CONSENTRY_GATEWAY_CONSENT_LEDGER_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "consentry/v1/consent_service.pb.h"
#include "gateway/base/clock.h"
#include "gateway/base/threads.h"
#include "gateway/clients/caller_context.h"
#include "gateway/crypto/opaque_token.h"
#include "gateway/crypto/request_digest.h"
#include "gateway/crypto/slot_file.h"
#include "gateway/store/committer.h"
#include "gateway/store/reader_pool.h"
#include "gateway/vault/head_cache.h"
#include "gateway/vault/head_edit.h"
#include "gateway/vault/subject_reader.h"
#include "gateway/vault/suppression.h"

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

// The ledger of choices (GDPR Art. 7; PROTOCOLS G3): events are only added, and
// the state of each purpose is derived from all of them.
//
// What a service reports is attested by it and needs its registration's word
// for purpose and notice. Whatever takes something away needs nothing: no
// attestation, no verification, no state to take it from; it reaches every
// customer who holds the identifier, however many, and is in force when `done`
// is called: for all of them, or, after an error, perhaps for some. It holds
// for those who are joined with them as well. The same change repeated is one
// more event and changes no state.
//
// Errors: FIELD_INVALID, ATTESTATION_NOT_ALLOWED, PURPOSE_NOT_ALLOWED,
// CONTEXT_REQUIRED (of grants and of questions alone), BUDGET_EXHAUSTED (of
// questions), ACCESS_DENIED (a consent for a customer whom the gateway does not
// know), those of the committer. Withdrawals, refusals and opt-outs of unknown
// customers are answered like those of known ones.
//
// Safe for many threads; none of the methods waits for the disk.
class Ledger {
 public:
  struct Options {
    // All outlive the ledger.
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
  };
  explicit Ledger(Options options) : options_(std::move(options)) {}

  void Record(const clients::CallerContext& caller,
              const v1::RecordConsentRequest& request,
              Done<v1::RecordConsentResponse> done);
  void Withdraw(const clients::CallerContext& caller,
                const v1::WithdrawConsentRequest& request,
                Done<v1::WithdrawConsentResponse> done);
  void OptOut(const clients::CallerContext& caller,
              const v1::OptOutRequest& request, Done<v1::OptOutResponse> done);
  // `all_purposes`: the caller's role may ask about every purpose, not only
  // those of its registration.
  void GetState(const clients::CallerContext& caller,
                const v1::GetConsentStateRequest& request, bool all_purposes,
                Done<v1::GetConsentStateResponse> done);

 private:
  // The customer that `ref` names, or every one that it may name.
  absl::StatusOr<std::vector<uint64_t>> FindSubjects(
      const clients::CallerContext& caller, const v1::SubjectRef& ref,
      bool every_holder) const;

  // One change of the heads of `subjects`: `edit` says what to do to each, and
  // what of it the entry tells.
  struct Edited {
    std::vector<std::string> changes;
    bool narrows = false;
  };
  using Edit = std::function<absl::StatusOr<Edited>(store::ChangeContext&,
                                                    vault::HeadEdit&)>;
  // Prohibitions and the name that they came under: kept where nobody here goes
  // by it, or only somebody who is about to be erased.
  struct Unknown {
    vault::LookupKey key;
    store::v1::StandingChoices choices;
  };
  // None for a name under which nobody could come later.
  std::optional<Unknown> UnknownOf(const v1::SubjectRef& ref,
                                   store::v1::StandingChoices choices) const;
  template <class Request>
  store::Change MakeChange(const clients::CallerContext& caller,
                           const Request& request, std::string purpose,
                           v1::Channel channel, std::vector<uint64_t> subjects,
                           bool negative, Edit edit,
                           std::function<std::string()> result,
                           std::optional<Unknown> unknown = {}) const;
  // The same for every one of `subjects`, in changes of bounded size, then
  // `done` with the outcome of the last, or the first error.
  template <class Request>
  void CommitNegative(const clients::CallerContext& caller,
                      const Request& request, const std::string& purpose,
                      const std::vector<uint64_t>& subjects, const Edit& edit,
                      const std::function<std::string()>& result,
                      store::v1::StandingChoices choices,
                      store::ChangeCompletion done) const;
  template <class Response>
  store::ChangeCompletion Told(Done<Response> done) const;
  absl::StatusOr<std::vector<std::string>> AllGiven(
      store::ChangeContext* context, vault::HeadEdit& head) const;
  void ReadState(const clients::CallerContext& caller,
                 const v1::GetConsentStateRequest& request, bool all_purposes,
                 int attempts, Done<v1::GetConsentStateResponse> done);
  std::string AuditReference(const store::ChangeOutcome& outcome) const;
  std::string ConsistencyToken(const store::ChangeOutcome& outcome) const;

  const Options options_;
};

}  // namespace consentry::consent

#endif  // CONSENTRY_GATEWAY_CONSENT_LEDGER_H_
