#ifndef CONSENTRY_GATEWAY_VAULT_REMOVE_RECORD_H_
#define CONSENTRY_GATEWAY_VAULT_REMOVE_RECORD_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "gateway/crypto/ids.h"
#include "gateway/store/change.h"
#include "gateway/vault/head_edit.h"

namespace consentry::vault {

// Removes one record of the head's subject, inside of the change that writes
// the head. False: it is gone already.
absl::StatusOr<bool> RemoveRecord(const store::ChangeContext& context,
                                  std::string_view kind,
                                  const crypto::ObjectId& record,
                                  HeadEdit* head);

}  // namespace consentry::vault

#endif  // CONSENTRY_GATEWAY_VAULT_REMOVE_RECORD_H_
