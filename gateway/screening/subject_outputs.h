#ifndef CONSENTRY_GATEWAY_SCREENING_SUBJECT_OUTPUTS_H_
#define CONSENTRY_GATEWAY_SCREENING_SUBJECT_OUTPUTS_H_

#include <cstddef>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/store/v1/report.pb.h"
#include "consentry/v1/rights_service.pb.h"
#include "gateway/crypto/grant.h"
#include "gateway/screening/screener.h"
#include "gateway/store/engine.h"
#include "gateway/vault/head_cache.h"

namespace consentry::screening {

// What a customer is told of outputs about her, by those who answer for her
// rights: without an entry of their own, which whoever asks writes. Safe for
// many threads, each with a connection of its own.
class SubjectOutputs {
 public:
  using Members = std::vector<std::shared_ptr<const vault::CachedSubject>>;

  // Outlives the object.
  explicit SubjectOutputs(const ScreeningParts* parts) : parts_(parts) {}

  // For the transparency view: newest first, without the words of any.
  absl::StatusOr<std::vector<v1::AutomatedOutput>> List(
      store::Connection* connection, const Members& members, size_t most) const;

  // For her access report: outputs with their words, opened under the grant of
  // her case, and vulnerabilities, all of them, newest first.
  absl::Status AddTo(store::Connection* connection, const crypto::Grant& grant,
                     const Members& members,
                     store::v1::AccessReport* report) const;

 private:
  // Newest first.
  absl::StatusOr<std::vector<ScreeningRow>> RowsOf(
      store::Connection* connection, const Members& members, size_t most) const;

  const ScreeningParts* const parts_;
};

}  // namespace consentry::screening

#endif  // CONSENTRY_GATEWAY_SCREENING_SUBJECT_OUTPUTS_H_
