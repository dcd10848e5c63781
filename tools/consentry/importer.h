#ifndef CONSENTRY_TOOLS_CONSENTRY_IMPORTER_H_
#define CONSENTRY_TOOLS_CONSENTRY_IMPORTER_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/v1/data_service.pb.h"
#include "tools/consentry/import_map.h"
#include "tools/consentry/import_report.h"
#include "tools/consentry/progress.h"

namespace consentry::tools {

// The two directions of one call of DataService.ImportRecords. Send and Receive
// are called from two threads at the same time, each from one.
class ImportTransport {
 public:
  virtual ~ImportTransport() = default;

  // Blocks until the message was taken over. After a failure nothing more is
  // sent; the reason comes from Receive or Finish.
  virtual absl::Status Send(const v1::ImportRecordsRequest& message) = 0;
  // No more messages will be sent.
  virtual absl::Status DoneSending() = 0;
  // The next answer, in the order of the messages of rows; nothing at the end.
  virtual std::optional<v1::ImportRecordsResponse> Receive() = 0;
  // After Receive gave nothing: how the call ended.
  virtual absl::Status Finish() = 0;
};

struct ImportOptions {
  // Applies nothing and reports what would happen.
  bool dry_run = false;
  v1::CallContext context;
};

// Reads `csv_path` by the map and sends it through `transport`, at most
// kImportWindow messages ahead of the answers, so that mapping, network and
// gateway work at the same time. Writes one line per held-back cell or row to
// `quarantine` as CSV: row (the header is row 1), column, reason; never a
// value. `progress` counts bytes of the file; may be null.
//
// Failures: what Create of ImportMapper and CsvReader say, NotFound for a file
// that cannot be opened, and what ended the call; rows answered before that are
// applied and a second run goes on from there.
absl::StatusOr<ImportReport> ImportFile(
    const std::string& map_path, const std::string& csv_path,
    const ImportOptions& options,
    const std::function<absl::StatusOr<std::unique_ptr<ImportTransport>>()>&
        connect,
    std::ostream* quarantine, Progress* progress);

// Rows of one message: what the API allows.
inline constexpr int kImportRowsPerMessage = 256;
inline constexpr int kImportWindow = 8;

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_IMPORTER_H_
