#ifndef CONSENTRY_GATEWAY_CRYPTO_SLOT_REPAIR_H_
#define CONSENTRY_GATEWAY_CRYPTO_SLOT_REPAIR_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "audit/io/file.h"
#include "gateway/crypto/epoch_keys.h"

namespace consentry::crypto {

// Forgets what the header of a slot file remembers of log entries from `size`
// on: for a restore whose log is lost, which nothing else may ask for. The file
// is open nowhere. DataLoss when its header does not verify.
absl::Status ForgetLogBeyond(audit::FileSystem* fs, const std::string& path,
                             const EpochKeys& keys, uint64_t size);

}  // namespace consentry::crypto

#endif  // CONSENTRY_GATEWAY_CRYPTO_SLOT_REPAIR_H_
