#include "gateway/rpc/person_scope.h"

#include "proto/support/error.h"

namespace consentry::rpc {

absl::Status NotHers() {
  return MakeError(v1::ERROR_REASON_ACCESS_DENIED, "access denied");
}

}  // namespace consentry::rpc
