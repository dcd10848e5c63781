#ifndef CONSENTRY_GATEWAY_ACCESS_AUDIT_READER_H_
#define CONSENTRY_GATEWAY_ACCESS_AUDIT_READER_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "audit/log/audit_log.h"
#include "consentry/v1/audit_service.pb.h"
#include "gateway/access/audited_answer.h"
#include "gateway/access/caller.h"
#include "gateway/access/governed_reads.h"
#include "gateway/crypto/page_token.h"
#include "gateway/trail/trail_index.h"

namespace consentry::access {

// The log as compliance staff read it. Every answer is preceded by its own
// entry. Work is done on the workers; `done` is called on a thread of the
// committer, or at once for what is refused. Safe for many threads.
//
// Errors: FIELD_INVALID, NOT_FOUND, PAGE_TOKEN_INVALID, DATA_CORRUPT,
// STORE_UNAVAILABLE while the index or a checkpoint lags behind too far.
class AuditReader {
 public:
  struct Options {
    // All outlive the object.
    ConfigurationSource configuration;
    audit::AuditLog* log = nullptr;
    trail::TrailIndex* trail = nullptr;
    store::Committer* committer = nullptr;
    store::ReaderPool* readers = nullptr;
    const vault::SubjectReader* subjects = nullptr;
    const crypto::OpaqueTokens* tokens = nullptr;
    const crypto::PageTokens* page_tokens = nullptr;
    base::WorkerPool* workers = nullptr;
    std::string log_origin;
    std::string verifier_key;
  };
  explicit AuditReader(Options options)
      : options_(std::move(options)),
        parts_{options_.configuration, options_.committer, options_.workers} {}

  void Describe(Caller caller, Done<v1::AuditLog> done);
  void Get(Caller caller, const v1::GetAuditEntryRequest& request,
           Done<v1::AuditEntry> done);
  void Query(Caller caller, const v1::QueryAuditEntriesRequest& request,
             Done<v1::QueryAuditEntriesResponse> done);
  void GetCheckpoint(Caller caller, const v1::GetCheckpointRequest& request,
                     Done<v1::Checkpoint> done);
  void ProveInclusion(Caller caller, const v1::ProveInclusionRequest& request,
                      Done<v1::InclusionProof> done);
  void ProveConsistency(Caller caller,
                        const v1::ProveConsistencyRequest& request,
                        Done<v1::ConsistencyProof> done);

  // Writes the entry of an export or a tail over [from, to) and answers how far
  // it may go: the size under the newest checkpoint, or of the log. Then
  // ReadLeaves and ReadEntries read what it covers, in bounded steps, on a
  // thread that may wait for the disk.
  struct Span {
    uint64_t from = 0;
    uint64_t to = 0;
  };
  void Open(Caller caller, Span span, Done<Span> done);
  // At most 256 from `from`; fewer at the end. Never waits for new entries.
  absl::StatusOr<v1::ExportAuditEntriesResponse> ReadLeaves(uint64_t from,
                                                            uint64_t to) const;
  absl::StatusOr<std::vector<v1::AuditEntry>> ReadEntries(uint64_t from,
                                                          uint64_t to) const;
  // Of the newest checkpoint; NOT_FOUND before the first.
  absl::StatusOr<v1::Checkpoint> NewestCheckpoint() const;
  const audit::LogReader& log() const { return options_.log->reader(); }

 private:
  // `make` may add to the entry.
  template <class Response>
  void Answer(Caller caller,
              std::function<absl::StatusOr<Response>(store::v1::Leaf*)> make,
              Done<Response> done);
  absl::StatusOr<uint64_t> IndexOf(const std::string& reference) const;
  absl::StatusOr<v1::QueryAuditEntriesResponse> Find(
      const Caller& caller, const v1::QueryAuditEntriesRequest& request,
      AnswerEntry* entry);

  const Options options_;
  const AnswerParts parts_;
};

}  // namespace consentry::access

#endif  // CONSENTRY_GATEWAY_ACCESS_AUDIT_READER_H_
