#ifndef CONSENTRY_GATEWAY_OVERSIGHT_RECORDS_OF_PROCESSING_H_
#define CONSENTRY_GATEWAY_OVERSIGHT_RECORDS_OF_PROCESSING_H_

#include <chrono>
#include <string>

#include "consentry/v1/audit_service.pb.h"
#include "gateway/access/audited_answer.h"
#include "gateway/oversight/counted.h"
#include "gateway/oversight/processing_record.h"
#include "gateway/trail/trail_index.h"

namespace consentry::oversight {

// The records of processing as they are asked for: made anew each time, from
// the policy in force and from what the log shows of a span. Safe for many
// threads; answers are made on the workers.
class RecordsOfProcessing {
 public:
  struct Options {
    // All outlive the object.
    access::AnswerParts parts;
    trail::TrailIndex* trail = nullptr;
    const audit::LogReader* log = nullptr;
    std::string dpo_contact;
    // How long a call waits for the counting.
    std::chrono::milliseconds wait = std::chrono::milliseconds(4000);
  };
  explicit RecordsOfProcessing(Options options);

  // FIELD_INVALID for a span that ends before it begins; STORE_UNAVAILABLE
  // while the log is being counted.
  void Get(access::Caller caller, const v1::GetProcessingRecordRequest& request,
           access::Done<v1::ProcessingRecord> done);

 private:
  absl::StatusOr<v1::ProcessingRecord> Make(
      const access::Caller& caller,
      const v1::GetProcessingRecordRequest& request);

  const Options options_;
  Counted<ProcessingSums> counted_;
};

}  // namespace consentry::oversight

#endif  // CONSENTRY_GATEWAY_OVERSIGHT_RECORDS_OF_PROCESSING_H_
