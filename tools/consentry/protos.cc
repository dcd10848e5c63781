#include "tools/consentry/protos.h"

#include <filesystem>
#include <fstream>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace consentry::tools {

absl::StatusOr<std::vector<std::string>> WriteProtos(
    const std::string& directory) {
  std::vector<std::string> names;
  for (const EmbeddedFile& file : EmbeddedProtos()) {
    const std::filesystem::path path =
        std::filesystem::path(directory) / file.name;
    std::error_code error;
    std::filesystem::create_directories(path.parent_path(), error);
    if (error) {
      return absl::UnavailableError(absl::StrCat("cannot make the folder ",
                                                 path.parent_path().string(),
                                                 ": ", error.message()));
    }
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out.write(file.content.data(),
              static_cast<std::streamsize>(file.content.size()));
    out.close();
    if (!out) {
      return absl::UnavailableError(
          absl::StrCat("cannot write ", path.string()));
    }
    names.emplace_back(file.name);
  }
  return names;
}

}  // namespace consentry::tools
