#ifndef CONSENTRY_GATEWAY_ACCESS_MERGE_DESK_H_
#define CONSENTRY_GATEWAY_ACCESS_MERGE_DESK_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "consentry/v1/admin_service.pb.h"
#include "gateway/access/caller.h"
#include "gateway/crypto/opaque_token.h"
#include "gateway/crypto/request_digest.h"
#include "gateway/store/committer.h"
#include "gateway/store/reader_pool.h"
#include "gateway/vault/merges.h"
#include "gateway/vault/subject_reader.h"

namespace consentry::access {

// What an administrator decides about customers who are or might be one person
// (PROTOCOLS G4). Shows ids and kinds of identifiers, and no value of anybody.
// Safe for many threads; its methods read the store and are for a worker.
class MergeDesk {
 public:
  struct Options {
    // All outlive the desk.
    ConfigurationSource configuration;
    store::Committer* committer = nullptr;
    store::ReaderPool* readers = nullptr;
    const vault::SubjectReader* subjects = nullptr;
    const vault::Merges* merges = nullptr;
    const crypto::OpaqueTokens* tokens = nullptr;
    const crypto::RequestDigests* digests = nullptr;
  };
  explicit MergeDesk(Options options) : options_(std::move(options)) {}

  // Called once, on a thread of the committer or the calling one.
  using Done = absl::AnyInvocable<void(absl::StatusOr<v1::Merge>)>;

  // Up to `limit` joins in `state` (UNSPECIFIED: candidates) after the one with
  // number `after`, oldest first. `next` is the last one's number when there
  // may be more, else 0.
  absl::StatusOr<v1::ListMergesResponse> List(v1::MergeState state,
                                              int64_t after, size_t limit,
                                              int64_t* next) const;

  // Each is in force, and logged, when `done` is called with the join as it
  // stands then. NOT_FOUND for an id that leads nowhere, those of
  // vault::Merges and of the committer.
  void Merge(const Caller& caller, const v1::MergeSubjectsRequest& request,
             Done done) const;
  void Undo(const Caller& caller, const v1::UndoMergeRequest& request,
            Done done) const;
  void Dismiss(const Caller& caller, const v1::DismissMergeRequest& request,
               Done done) const;

 private:
  absl::StatusOr<uint64_t> FindSubject(store::Connection* connection,
                                       const std::string& id) const;
  absl::StatusOr<int64_t> FindMerge(std::string_view id) const;
  template <class Request>
  vault::Merges::Decision DecisionOf(const Caller& caller,
                                     const Request& request) const;
  template <class Request>
  void Commit(const Caller& caller, Request request,
              absl::StatusOr<store::Change> change, Done done) const;

  const Options options_;
};

}  // namespace consentry::access

#endif  // CONSENTRY_GATEWAY_ACCESS_MERGE_DESK_H_
