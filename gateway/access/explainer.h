#ifndef CONSENTRY_GATEWAY_ACCESS_EXPLAINER_H_
#define CONSENTRY_GATEWAY_ACCESS_EXPLAINER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "audit/log/reader.h"
#include "consentry/v1/data_service.pb.h"
#include "gateway/access/caller.h"
#include "gateway/access/governed_reads.h"
#include "gateway/clients/archive.h"
#include "gateway/trail/trail_index.h"

namespace consentry::access {

// Says why a decision came out as it did, and replays it: the facts of its time
// (heads are kept by version), under the configuration of its time (kept by
// hash), through the same Decide. The replay must reproduce the digest of
// effects in the entry; when it does not, the gateway says so and raises an
// alarm.
//
// Explaining is itself an entry, on stable storage before the answer. Runs on
// the workers. Safe for many threads.
class Explainer {
 public:
  struct Options {
    // All outlive the object.
    ConfigurationSource configuration;
    clients::ConfigurationArchive* archive = nullptr;
    store::Committer* committer = nullptr;
    store::ReaderPool* readers = nullptr;
    const vault::SubjectReader* subjects = nullptr;
    trail::TrailIndex* trail = nullptr;
    const audit::LogReader* log = nullptr;
    const crypto::OpaqueTokens* tokens = nullptr;
    base::WorkerPool* workers = nullptr;
    std::string log_origin;
  };
  explicit Explainer(Options options) : options_(std::move(options)) {}

  // `of_others`: the caller may see decisions on other callers' questions.
  // NOT_FOUND for an id that names no decision, or one of another caller;
  // SUBJECT_ERASED when the facts are gone.
  void Explain(Caller caller, const v1::ExplainDecisionRequest& request,
               bool of_others, Done<v1::ExplainDecisionResponse> done);

 private:
  struct Found;
  absl::StatusOr<v1::ExplainDecisionResponse> Run(const Caller& caller,
                                                  const std::string& id,
                                                  bool of_others,
                                                  store::v1::Leaf* entry);
  absl::StatusOr<Found> Find(const std::string& id);
  // Heads of the subject and all joined with it, at the versions in the leaf.
  absl::StatusOr<std::vector<store::v1::SubjectHead>> HeadsOf(
      store::Connection* connection, const Found& found);

  const Options options_;
};

}  // namespace consentry::access

#endif  // CONSENTRY_GATEWAY_ACCESS_EXPLAINER_H_
