#ifndef CONSENTRY_GATEWAY_SERVER_DOCTOR_UPKEEP_H_
#define CONSENTRY_GATEWAY_SERVER_DOCTOR_UPKEEP_H_

#include <cstdint>
#include <vector>

#include "gateway/server/config.h"
#include "gateway/server/doctor.h"
#include "gateway/store/engine.h"

namespace consentry::server {

// What `doctor` says of backups and rotations: whether there are backups, how
// old the last one that was read back is, whether its file is still there, and
// whether keys are being rotated or are older than the configuration wants.
std::vector<Finding> CheckUpkeep(const Config& config,
                                 store::Connection* reader, int64_t now_us);

}  // namespace consentry::server

#endif  // CONSENTRY_GATEWAY_SERVER_DOCTOR_UPKEEP_H_
