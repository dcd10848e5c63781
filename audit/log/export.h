#ifndef CONSENTRY_AUDIT_LOG_EXPORT_H_
#define CONSENTRY_AUDIT_LOG_EXPORT_H_

#include <cstdint>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "audit/io/file.h"
#include "audit/log/checkpoint.h"
#include "audit/log/reader.h"

namespace consentry::audit {

// Writes the entries below checkpoint.size, their tiles and the checkpoint to
// the new folder `folder` in the layout of C2SP tlog-tiles: "checkpoint",
// "tile/<L>/<N>[.p/<W>]", "tile/entries/<N>[.p/<W>]". All tiles are computed
// from the entries as they are read. `progress`, where given, is called with
// the number of entries written so far, now and then.
//
// AlreadyExists when the folder holds anything; OutOfRange when the log is
// shorter than the checkpoint; DataLoss, with the files left there, when its
// entries are not those of the checkpoint. The checkpoint is written last: a
// folder without one is not whole.
absl::Status ExportLog(const LogReader& log, const SignedCheckpoint& checkpoint,
                       FileSystem* fs, std::string_view folder,
                       absl::FunctionRef<void(uint64_t entries)> progress);

}  // namespace consentry::audit

#endif  // CONSENTRY_AUDIT_LOG_EXPORT_H_
