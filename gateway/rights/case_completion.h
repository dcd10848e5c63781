#ifndef CONSENTRY_GATEWAY_RIGHTS_CASE_COMPLETION_H_
#define CONSENTRY_GATEWAY_RIGHTS_CASE_COMPLETION_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "consentry/store/v1/report.pb.h"
#include "consentry/v1/rights_service.pb.h"
#include "gateway/access/audited_answer.h"
#include "gateway/rights/case_desk.h"
#include "gateway/trail/trail_index.h"
#include "gateway/vault/vault_writer.h"

namespace consentry::rights {

// Carries cases out and hands their answers over. Reads a customer's data
// through access with a grant of her own case, and writes an entry before
// anything of it is kept or leaves (PROTOCOLS G6).
//
// Safe for many threads; the methods work on the workers.
class CaseCompletion {
 public:
  struct Options {
    // All outlive the object.
    access::AnswerParts parts;
    CaseDesk* desk = nullptr;
    trail::TrailIndex* trail = nullptr;
    // Entries in the log: a report waits until all of them are indexed. Empty:
    // it does not.
    std::function<uint64_t()> log_size;
    vault::VaultWriter* writer = nullptr;
    // Whether a hash of erased identifiers is kept; empty: none ever is.
    std::function<absl::StatusOr<bool>(store::Connection*,
                                       const v1::Identifier&)>
        is_suppressed;
    // Adds what models made for these subjects, opened under the case's grant,
    // and what was declared to protect them. Empty: there is nothing of it.
    std::function<absl::Status(
        store::Connection*, const crypto::Grant&,
        const std::vector<std::shared_ptr<const vault::CachedSubject>>& members,
        store::v1::AccessReport* report)>
        add_outputs;
  };
  explicit CaseCompletion(Options options) : options_(std::move(options)) {}

  // STATE_INVALID unless the case may be answered now; ETAG_MISMATCH. Of a
  // rectification the values are written first, which a repetition does again.
  void Complete(const clients::CallerContext& caller,
                const v1::CompleteRightsCaseRequest& request,
                CaseDesk::Done done);

  // The bytes of a report or letter, to be handed over in pieces; its entry is
  // written. NOT_FOUND for another's case, and for a report that is not there
  // or older than 30 days.
  void Download(access::Caller caller, const v1::DownloadReportRequest& request,
                access::Done<std::string> done);

  // The report as it would be now, without an entry: for Complete, and for
  // measuring. Reads for long; on a worker.
  absl::StatusOr<store::v1::AccessReport> MakeReport(
      const CaseRow& row, const v1::CompleteRightsCaseRequest& request,
      store::v1::Leaf* leaf, std::vector<store::SubjectVersion>* subjects);

 private:
  absl::Status Correct(const clients::CallerContext& caller,
                       const CaseRow& row);
  void CompleteNow(const clients::CallerContext& caller,
                   const v1::CompleteRightsCaseRequest& request, CaseRow row,
                   CaseDesk::Done done);
  void Commit(const clients::CallerContext& caller,
              const v1::CompleteRightsCaseRequest& request,
              std::shared_ptr<const store::v1::AccessReport> report,
              CaseDesk::Done done);

  const Options options_;
};

}  // namespace consentry::rights

#endif  // CONSENTRY_GATEWAY_RIGHTS_CASE_COMPLETION_H_
