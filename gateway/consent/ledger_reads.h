#ifndef CONSENTRY_GATEWAY_CONSENT_LEDGER_READS_H_
#define CONSENTRY_GATEWAY_CONSENT_LEDGER_READS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/store/v1/leaf.pb.h"
#include "gateway/consent/ledger_changes.h"
#include "gateway/store/engine.h"
#include "gateway/vault/head_cache.h"

namespace consentry::consent {

// The customer who is asked about, and all who are joined with her, herself
// first. Empty: nobody the gateway knows.
using Members = std::vector<std::shared_ptr<const vault::CachedSubject>>;

// What one question about choices is answered from.
struct LedgerView {
  const clients::Configuration* configuration = nullptr;
  const clients::Registration* registration = nullptr;
  // Null where there are no members.
  store::Connection* connection = nullptr;
  const Members* members = nullptr;
  int64_t now_us = 0;
};

// The subject that a name given by the caller leads to; none: nobody.
using FindAsked = std::function<absl::StatusOr<std::vector<uint64_t>>()>;

// Questions about one customer's choices: each counts against the budget, has
// its entry, and is answered on what still holds when the entry is on stable
// storage. Somebody unknown is asked about in the same steps. Safe for many
// threads.
class LedgerReads {
 public:
  LedgerReads(const LedgerOptions& options, const LedgerChanges* changes)
      : options_(options), changes_(changes) {}

  struct Question {
    clients::CallerContext caller;
    v1::SubjectRef subject;
    // Instead of `subject`: another way of finding her.
    FindAsked find = nullptr;
    // The caller's role may ask about everybody and everything: no registered
    // context is demanded.
    bool unlimited = false;
  };

  // `check` sees the view without customer and connection, before anything is
  // looked up or counted; `make` fills the answer and adds details to the leaf.
  // Both may run several times, each time from the start.
  template <class Response>
  struct Answering {
    std::function<absl::Status(const LedgerView&)> check;
    std::function<absl::Status(const LedgerView&, Response*, store::v1::Leaf*)>
        make;
  };
  template <class Response>
  void Ask(Question question, Answering<Response> answering,
           Done<Response> done) const {
    Attempt<Response>(std::move(question), std::move(answering), 1,
                      std::move(done));
  }

 private:
  // Reads of a state before CONTENDED.
  static constexpr int kMaxAttempts = 4;

  // What is read for one attempt.
  struct Read {
    std::shared_ptr<const clients::Configuration> configuration;
    Members members;
    store::ReaderPool::Lease lease;
    LedgerView view;
    store::ReadCommit commit;
    store::v1::Leaf leaf;
  };
  absl::Status Begin(
      const Question& question,
      const std::function<absl::Status(const LedgerView&)>& check, int attempt,
      Read* read) const;
  void Seal(Read* read) const;
  std::string AuditReference(uint64_t log_index) const;

  template <class Response>
  void Attempt(Question question, Answering<Response> answering, int attempt,
               Done<Response> done) const;

  const LedgerOptions options_;
  const LedgerChanges* const changes_;
};

template <class Response>
void LedgerReads::Attempt(Question question, Answering<Response> answering,
                          int attempt, Done<Response> done) const {
  Answer<Response> answer;
  store::ReadCommit commit;
  {
    Read read;
    absl::Status status = Begin(question, answering.check, attempt, &read);
    if (status.ok()) {
      status = answering.make(read.view, &answer.response, &read.leaf);
    }
    if (!status.ok()) {
      done(std::move(status));
      return;
    }
    Seal(&read);
    commit = std::move(read.commit);
  }
  options_.committer->CommitRead(
      std::move(commit),
      [this, question = std::move(question), answering = std::move(answering),
       attempt, answer = std::move(answer),
       done = std::move(done)](store::ReadOutcome outcome) mutable {
        switch (outcome.kind) {
          case store::ReadOutcome::Kind::kFailed:
            done(std::move(outcome.status));
            return;
          case store::ReadOutcome::Kind::kCommitted:
            if constexpr (requires {
                            answer.response.set_audit_reference("");
                          }) {
              answer.response.set_audit_reference(
                  AuditReference(outcome.log_index));
            }
            answer.tickets.push_back(std::move(outcome.ticket));
            done(std::move(answer));
            return;
          case store::ReadOutcome::Kind::kStale:
            break;
        }
        if (attempt >= kMaxAttempts) {
          done(MakeError(v1::ERROR_REASON_CONTENDED,
                         "the customer's choices kept changing"));
          return;
        }
        auto kept = std::make_shared<Done<Response>>(std::move(done));
        if (!options_.workers->TrySubmit(
                [this, question, answering, attempt, kept] {
                  Attempt<Response>(question, answering, attempt + 1,
                                    std::move(*kept));
                })) {
          (*kept)(MakeError(v1::ERROR_REASON_STORE_UNAVAILABLE,
                            "too many reads are waiting"));
        }
      });
}

}  // namespace consentry::consent

#endif  // CONSENTRY_GATEWAY_CONSENT_LEDGER_READS_H_
