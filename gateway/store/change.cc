#include "gateway/store/change.h"

#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::store {

absl::Status ChangeContext::RequireVersion(int64_t subject,
                                           int64_t version) const {
  CONSENTRY_ASSIGN_OR_RETURN(
      Query query,
      connection_->Prepare("SELECT version FROM subjects WHERE subject = $1"));
  CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Bind(subject).Step());
  if ((row ? query.Int64(0) : 0) != version) {
    return MakeError(v1::ERROR_REASON_ETAG_MISMATCH,
                     "the customer changed since it was read");
  }
  return absl::OkStatus();
}

absl::Status ChangeContext::RequireConfiguration(int64_t epoch) const {
  if (configuration_epoch_ == epoch) return absl::OkStatus();
  return MakeError(v1::ERROR_REASON_ETAG_MISMATCH,
                   "the configuration changed since it was read");
}

}  // namespace consentry::store
