#ifndef CONSENTRY_GATEWAY_VAULT_ALL_RECORDS_H_
#define CONSENTRY_GATEWAY_VAULT_ALL_RECORDS_H_

#include <vector>

#include "absl/status/statusor.h"
#include "gateway/store/engine.h"
#include "gateway/vault/head_cache.h"
#include "gateway/vault/subject_reader.h"

namespace consentry::vault {

// Every record that is held of the subject, of every kind in the order of its
// head and as it was written: for what must be complete, such as the copy for
// the customer herself. Opens metas and no value. DATA_CORRUPT when one does
// not verify, or fewer are there than the head says.
absl::StatusOr<std::vector<StoredRecord>> ReadAllRecords(
    store::Connection* connection, const CachedSubject& subject);

}  // namespace consentry::vault

#endif  // CONSENTRY_GATEWAY_VAULT_ALL_RECORDS_H_
