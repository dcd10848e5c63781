#ifndef CONSENTRY_GATEWAY_ACCESS_AUDITED_ANSWER_H_
#define CONSENTRY_GATEWAY_ACCESS_AUDITED_ANSWER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "consentry/store/v1/leaf.pb.h"
#include "gateway/access/caller.h"
#include "gateway/access/governed_reads.h"
#include "gateway/base/threads.h"
#include "gateway/store/committer.h"
#include "gateway/vault/head_cache.h"
#include "proto/support/error.h"

namespace consentry::access {

// The entry of an answer in the making.
struct AnswerEntry {
  store::v1::Leaf leaf;
  // One for each subject of the leaf, in its order.
  std::vector<store::SubjectVersion> subjects;

  // One more subject that the answer is about; null for one that the store does
  // not hold, whose item looks the same.
  void Tell(const vault::CachedSubject* subject, std::string_view log_origin,
            int64_t now_us);
};

// What audited answers stand on. All outlive them.
struct AnswerParts {
  ConfigurationSource configuration;
  store::Committer* committer = nullptr;
  base::WorkerPool* workers = nullptr;
};

// For answers that no decision on fields stands behind (the log, cases,
// reports): makes the answer on a worker, commits its entry, then calls `done`,
// on a thread of the committer, or at once for what is refused. `make` may add
// to the entry; when it fails there is no entry. CONTENDED when a subject of
// the entry changed meanwhile; STORE_UNAVAILABLE when too much is waiting.
template <class Response>
void AnswerAudited(const AnswerParts& parts, Caller caller,
                   std::function<absl::StatusOr<Response>(AnswerEntry*)> make,
                   Done<Response> done) {
  auto kept = std::make_shared<Done<Response>>(std::move(done));
  auto work = [parts, caller = std::move(caller), make = std::move(make),
               kept] {
    const auto configuration = parts.configuration();
    store::ReadCommit commit;
    commit.as_of_change = parts.committer->LastStored();
    commit.configuration_epoch = configuration->epoch();
    commit.decided_at_us = parts.committer->NowUs();
    AnswerEntry entry;
    entry.leaf = clients::LeafOf(*configuration, caller, commit.decided_at_us);
    absl::StatusOr<Response> response = make(&entry);
    if (!response.ok()) {
      (*kept)(response.status());
      return;
    }
    commit.entry = entry.leaf.SerializeAsString();
    commit.subjects = std::move(entry.subjects);
    parts.committer->CommitRead(
        std::move(commit), [kept, response = *std::move(response)](
                               store::ReadOutcome outcome) mutable {
          switch (outcome.kind) {
            case store::ReadOutcome::Kind::kFailed:
              (*kept)(std::move(outcome.status));
              return;
            case store::ReadOutcome::Kind::kStale:
              (*kept)(
                  MakeError(v1::ERROR_REASON_CONTENDED,
                            "what was asked about changed; repeat the call"));
              return;
            case store::ReadOutcome::Kind::kCommitted:
              break;
          }
          Released<Response> released;
          released.response = std::move(response);
          released.tickets.push_back(std::move(outcome.ticket));
          (*kept)(std::move(released));
        });
  };
  if (!parts.workers->TrySubmit(std::move(work))) {
    (*kept)(MakeError(v1::ERROR_REASON_STORE_UNAVAILABLE,
                      "too much is waiting; try again"));
  }
}

}  // namespace consentry::access

#endif  // CONSENTRY_GATEWAY_ACCESS_AUDITED_ANSWER_H_
