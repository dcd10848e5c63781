#ifndef CONSENTRY_AUDIT_VERIFY_EXPORTED_FOLDER_H_
#define CONSENTRY_AUDIT_VERIFY_EXPORTED_FOLDER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "audit/io/file.h"
#include "audit/log/tile.h"
#include "audit/merkle/hash.h"

namespace consentry::audit {

// The files of a log exported as C2SP tlog-tiles, as they lie there. Missing,
// short and surplus ones are no errors: what they mean is judged elsewhere.
class ExportedFolder {
 public:
  ExportedFolder(FileSystem* fs, std::string_view folder)
      : fs_(fs), folder_(folder) {}

  // Hands on the entries of all bundles in order: of those that a log of `size`
  // has, and of further ones. Of a bundle that does not parse, those before the
  // place.
  absl::Status ForEachEntry(
      uint64_t size,
      absl::FunctionRef<void(std::string_view entry)> on_entry) const;

  // The hashes of level 0, up to the first that is missing.
  absl::StatusOr<std::vector<Hash>> LeafHashes(uint64_t size) const;

  // The bytes of a tile or bundle, by its name or by that of another width;
  // none where there is no such file.
  absl::StatusOr<std::optional<std::string>> Read(const TileName& name) const;

 private:
  FileSystem* const fs_;
  const std::string folder_;
};

}  // namespace consentry::audit

#endif  // CONSENTRY_AUDIT_VERIFY_EXPORTED_FOLDER_H_
