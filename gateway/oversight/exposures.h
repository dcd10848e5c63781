#ifndef CONSENTRY_GATEWAY_OVERSIGHT_EXPOSURES_H_
#define CONSENTRY_GATEWAY_OVERSIGHT_EXPOSURES_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/status/statusor.h"
#include "consentry/v1/audit_service.pb.h"
#include "gateway/access/audited_answer.h"
#include "gateway/crypto/page_token.h"
#include "gateway/oversight/counted.h"
#include "gateway/oversight/field_sets.h"
#include "gateway/store/reader_pool.h"
#include "gateway/trail/trail_index.h"
#include "gateway/vault/subject_reader.h"

namespace consentry::oversight {

// What was released about customers, summed over entries of the log.
struct ExposureSums {
  struct Subject {
    uint64_t subject = 0;
    uint32_t fields = 0;  // Of `sets`.
    uint32_t releases = 0;
  };
  // By PlaceOf(subject).
  std::vector<Subject> subjects;
  FieldSets sets;
  int64_t erased = 0;
  int64_t releases = 0;
  // Customers; empty keys stand for unknown.
  std::map<std::string, int64_t, std::less<>> by_field;
  std::map<std::string, int64_t, std::less<>> by_residence;
};

// Who and what a lost key, a wrong registration or a curious colleague touched:
// the report behind a breach (GDPR Art. 33(3)(a)). Everything comes from the
// log and its index; no value is opened, but where a customer resides. Of
// customers who are joined the one counts that was asked for. Safe for many
// threads; answers are made on the workers.
class Exposures {
 public:
  struct Options {
    // All outlive the object.
    access::AnswerParts parts;
    trail::TrailIndex* trail = nullptr;
    const audit::LogReader* log = nullptr;
    store::ReaderPool* readers = nullptr;
    const vault::SubjectReader* subjects = nullptr;
    const crypto::PageTokens* page_tokens = nullptr;
    std::string log_origin;
    // How long a call waits for the counting.
    std::chrono::milliseconds wait = std::chrono::milliseconds(4000);
  };
  explicit Exposures(Options options);

  // Each page is an entry that is about its customers. FIELD_INVALID,
  // PAGE_TOKEN_INVALID, TOO_LARGE (more than 256 customers behind the names);
  // STORE_UNAVAILABLE while the log is being counted.
  void List(access::Caller caller, const v1::ListExposuresRequest& request,
            access::Done<v1::ListExposuresResponse> done);

 private:
  absl::StatusOr<v1::ListExposuresResponse> Make(
      const access::Caller& caller, const v1::ListExposuresRequest& request,
      access::AnswerEntry* entry);
  absl::StatusOr<std::vector<uint64_t>> Named(
      const v1::ListExposuresRequest& request) const;
  absl::StatusOr<ExposureSums> Count(const trail::EntryFilter& filter,
                                     const std::vector<uint64_t>& named,
                                     bool all, uint64_t to,
                                     const std::atomic<bool>& cancelled) const;
  absl::Status CountResidences(ExposureSums* sums,
                               const std::atomic<bool>& cancelled) const;

  const Options options_;
  Counted<ExposureSums> counted_;
};

}  // namespace consentry::oversight

#endif  // CONSENTRY_GATEWAY_OVERSIGHT_EXPOSURES_H_
