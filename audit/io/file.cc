#include "audit/io/file.h"

#include <memory>
#include <string>
#include <string_view>

#include "proto/support/status_macros.h"

namespace consentry::audit {
namespace {

std::string_view FolderOf(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return slash == 0 ? path.substr(0, 1) : path.substr(0, slash);
}

}  // namespace

absl::Status ReplaceFile(FileSystem* fs, std::string_view path,
                         std::string_view data) {
  const std::string sibling = std::string(path) + ".new";
  CONSENTRY_ASSIGN_OR_RETURN(const bool left_over, fs->Exists(sibling));
  // What a crash left half-written never became the file.
  if (left_over) CONSENTRY_RETURN_IF_ERROR(fs->Remove(sibling));
  {
    CONSENTRY_ASSIGN_OR_RETURN(const std::unique_ptr<File> file,
                               fs->Open(sibling, FileSystem::Mode::kCreate));
    CONSENTRY_RETURN_IF_ERROR(file->WriteAt(0, data));
    CONSENTRY_RETURN_IF_ERROR(file->Sync());
  }
  CONSENTRY_RETURN_IF_ERROR(fs->Rename(sibling, path));
  return fs->SyncDirectory(FolderOf(path));
}

absl::Status MakeDurableDirectory(FileSystem* fs, std::string_view path) {
  CONSENTRY_RETURN_IF_ERROR(fs->MakeDirectory(path));
  // Also where it was there already: a crash may have come in between.
  return fs->SyncDirectory(FolderOf(path));
}

absl::StatusOr<std::string> ReadFile(FileSystem* fs, std::string_view path,
                                     uint64_t limit) {
  CONSENTRY_ASSIGN_OR_RETURN(const std::unique_ptr<File> file,
                             fs->Open(path, FileSystem::Mode::kRead));
  CONSENTRY_ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  if (size > limit) {
    return absl::ResourceExhaustedError(std::string(path) +
                                        " is longer than the limit of " +
                                        std::to_string(limit) + " bytes");
  }
  CONSENTRY_ASSIGN_OR_RETURN(std::string data,
                             file->ReadAt(0, static_cast<size_t>(size)));
  if (data.size() != size) {
    return absl::UnavailableError(std::string(path) +
                                  " became shorter while it was read");
  }
  return data;
}

}  // namespace consentry::audit
