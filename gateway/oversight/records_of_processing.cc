#include "gateway/oversight/records_of_processing.h"

#include <utility>

#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

namespace consentry::oversight {
namespace {

constexpr int64_t kYearUs = int64_t{365} * 24 * 3600 * 1'000'000;
constexpr std::chrono::milliseconds kIndexWait(5000);

// What every deployment has (GDPR Art. 32(1)), whatever its owner adds.
constexpr const char* kSecurity[] = {
    "TLS 1.3 with a certificate of each calling system",
    "each value sealed under a key of its customer, in an encrypted store; "
    "keys apart from data",
    "data by registered purpose and field alone, reduced to what the purpose "
    "needs",
    "an entry in a tamper-evident log before anything is released",
    "erasure by destroying keys",
};

}  // namespace

RecordsOfProcessing::RecordsOfProcessing(Options options)
    : options_(std::move(options)), counted_("processing", options_.wait) {}

absl::StatusOr<v1::ProcessingRecord> RecordsOfProcessing::Make(
    const access::Caller& caller,
    const v1::GetProcessingRecordRequest& request) {
  const int64_t now_us = options_.parts.committer->NowUs();
  trail::EntryFilter filter;
  filter.to_us = request.has_to_time() ? MicrosOf(request.to_time()) : now_us;
  filter.from_us = request.has_from_time() ? MicrosOf(request.from_time())
                                           : filter.to_us - kYearUs;
  if (filter.from_us >= filter.to_us) {
    return MakeError(v1::ERROR_REASON_FIELD_INVALID,
                     "from_time: must be before to_time");
  }
  const uint64_t size = options_.log->size();
  if (!options_.trail->WaitUntilIndexed(size, kIndexWait)) {
    return MakeError(v1::ERROR_REASON_STORE_UNAVAILABLE,
                     "the index of the log is still catching up");
  }
  // Default ends move with the clock; the question stays the same.
  const std::string question =
      clients::RequesterOf(caller) + request.SerializeAsString();
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto answer,
      counted_.Get(
          question, 0, size,
          [this, filter](uint64_t to, const std::atomic<bool>& cancelled)
              -> absl::StatusOr<ProcessingSums> {
            ProcessingSums sums;
            CONSENTRY_RETURN_IF_ERROR(options_.trail->Walk(
                0, to, filter, [&](const trail::TrailIndex::Walked& entry) {
                  sums.Add(*entry.leaf, entry.subjects);
                  return cancelled ? absl::CancelledError() : absl::OkStatus();
                }));
            return sums;
          }));
  v1::ProcessingRecord record =
      MakeProcessingRecord(*options_.parts.configuration(), *answer.sums);
  record.set_complete_to(answer.to);
  record.set_dpo_contact(options_.dpo_contact);
  for (const char* words : kSecurity) record.add_security(words);
  SetTime(filter.from_us, record.mutable_from_time());
  SetTime(filter.to_us, record.mutable_to_time());
  return record;
}

void RecordsOfProcessing::Get(access::Caller caller,
                              const v1::GetProcessingRecordRequest& request,
                              access::Done<v1::ProcessingRecord> done) {
  access::AnswerAudited<v1::ProcessingRecord>(
      options_.parts, caller,
      [this, caller, request](access::AnswerEntry*) {
        return Make(caller, request);
      },
      std::move(done));
}

}  // namespace consentry::oversight
