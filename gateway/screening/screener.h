#ifndef CONSENTRY_GATEWAY_SCREENING_SCREENER_H_
#define CONSENTRY_GATEWAY_SCREENING_SCREENER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "audit/log/signer.h"
#include "consentry/config/v1/screening.pb.h"
#include "consentry/v1/screening_service.pb.h"
#include "gateway/access/caller.h"
#include "gateway/access/governed_reads.h"
#include "gateway/access/refusals.h"
#include "gateway/base/clock.h"
#include "gateway/base/threads.h"
#include "gateway/crypto/opaque_token.h"
#include "gateway/review/review_queue.h"
#include "gateway/screening/conduct_check.h"
#include "gateway/screening/fairness_gate.h"
#include "gateway/screening/item_rows.h"
#include "gateway/screening/outcome_rows.h"
#include "gateway/screening/release_note.h"
#include "gateway/screening/release_rows.h"
#include "gateway/screening/screening_rows.h"
#include "gateway/store/committer.h"
#include "gateway/store/reader_pool.h"
#include "gateway/vault/subject_reader.h"

namespace consentry::screening {

// What the parts of screening stand on. All outlive them.
struct ScreeningParts {
  access::ConfigurationSource configuration;
  store::Committer* committer = nullptr;
  store::ReaderPool* readers = nullptr;
  const vault::SubjectReader* subjects = nullptr;
  const crypto::OpaqueTokens* tokens = nullptr;
  const base::Clock* clock = nullptr;
  base::WorkerPool* workers = nullptr;
  access::Refusals* refusals = nullptr;
  std::string log_origin;

  const ScreeningRows* rows = nullptr;
  const ReleaseRows* releases = nullptr;
  const ItemRows* items = nullptr;
  const OutcomeRows* outcomes = nullptr;
  const ConductCheck* conduct = nullptr;
  // Null: nobody watches models yet.
  FairnessGate* fairness = nullptr;
  // Null: what is held waits for nobody.
  review::ReviewQueue* reviews = nullptr;
  // Of releases.
  const audit::Signer* signer = nullptr;
  config::v1::Screening settings;
  // Told, on the committer's thread, when a released output is to leave an
  // inferred record. Must not block. Null: nobody.
  std::function<void()> on_inference = nullptr;
};

// Settings with their defaults.
int64_t ReleaseSpanUs(const config::v1::Screening& settings);

// The way of an output: treatment, conduct, fairness, significance, verdict;
// each on one state of the customer, and the verdict in the log before it is
// answered. One change for each output: row, release, what it adds to pressure,
// review. When something that it was decided on changed meanwhile it starts
// again, three times at most, then CONTENDED.
//
// The same output of the same client again is answered as it stands by then,
// and spends nothing; another output under a used id is ALREADY_EXISTS.
// `validate_only` leaves an entry and nothing else.
//
// Safe for many threads. Up to its commit a call does short page reads on the
// calling thread.
class Screener {
 public:
  explicit Screener(ScreeningParts parts) : parts_(std::move(parts)) {}

  // The requests live until `done` was called. Errors are about the caller, the
  // request or the gateway; what is refused for a reason about the caller has
  // its entry too.
  void Screen(const access::Caller& caller,
              const v1::ScreenOutputRequest& request,
              access::Done<v1::ScreenOutputResponse> done);

  // Each for itself; an error is the result's `error`. Fails as a whole only
  // where the gateway does (AUDIT_UNAVAILABLE and its like). `check` says what
  // is wrong with one request by itself.
  using Check = std::function<absl::Status(const v1::ScreenOutputRequest&)>;
  template <class Request>
  void ScreenAll(const access::Caller& caller, const Request& request,
                 const Check& check,
                 access::Done<std::vector<v1::ScreenOutputResponse>> done) {
    std::vector<const v1::ScreenOutputRequest*> requests;
    for (const auto& each : request.requests()) requests.push_back(&each);
    ScreenMany(caller, std::move(requests), check, std::move(done));
  }

  const ScreeningParts& parts() const { return parts_; }

 private:
  struct Job;

  void ScreenMany(const access::Caller& caller,
                  std::vector<const v1::ScreenOutputRequest*> requests,
                  const Check& check,
                  access::Done<std::vector<v1::ScreenOutputResponse>> done);
  void Attempt(const std::shared_ptr<Job>& job);
  // Steps 1 to 5 on one state of the store.
  absl::Status Decide(Job* job);
  absl::Status PrepareRelease(Job* job) const;
  void CommitOnly(const std::shared_ptr<Job>& job);
  // An answer that changes nothing, with its entry.
  void CommitAnswer(const std::shared_ptr<Job>& job,
                    const store::v1::Leaf& leaf,
                    v1::ScreenOutputResponse answer);
  void CommitRow(const std::shared_ptr<Job>& job);
  absl::Status Apply(store::ChangeContext& context, Job* job) const;
  absl::Status ApplyRelease(store::ChangeContext& context, Job* job) const;
  void AnswerRepeated(const std::shared_ptr<Job>& job);
  void Again(const std::shared_ptr<Job>& job);
  void Refuse(const std::shared_ptr<Job>& job, absl::Status status);

  const ScreeningParts parts_;
};

// Whether the rule names this model.
bool IsHighRisk(const config::v1::Screening& settings, const std::string& model,
                const std::string& version);

}  // namespace consentry::screening

#endif  // CONSENTRY_GATEWAY_SCREENING_SCREENER_H_
