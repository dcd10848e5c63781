#include "tools/consentry/draft_command.h"

#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "policy/engine/text_config.h"
#include "policy/packs/packs.h"
#include "proto/support/status_macros.h"
#include "tools/consentry/draft.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/parse_words.h"

namespace consentry::tools {
namespace {

// "webshop" of "/data/webshop-2026.csv": the letters in front.
std::string SourceOf(const std::string& file) {
  std::string source;
  for (const char c : std::filesystem::path(file).stem().string()) {
    if (c >= 'A' && c <= 'Z') {
      source.push_back(static_cast<char>(c - 'A' + 'a'));
    } else if (c >= 'a' && c <= 'z') {
      source.push_back(c);
    } else {
      break;
    }
  }
  return source.empty() ? "file" : source;
}

absl::Status WriteNew(const std::string& path, const std::string& text) {
  if (std::filesystem::exists(path)) {
    return absl::AlreadyExistsError(path +
                                    " is there already and is not replaced");
  }
  std::ofstream out(path, std::ios::binary);
  out << text;
  out.flush();
  return out ? absl::OkStatus()
             : absl::UnavailableError("cannot write " + path);
}

absl::Status Draft(const std::string& folder, const std::string& file) {
  DraftOptions options;
  options.source = SourceOf(file);
  options.file_name = std::filesystem::path(file).filename().string();
  std::string catalog_file = folder + "/catalog.txtpb";
  if (std::ifstream catalog(catalog_file); catalog) {
    std::ostringstream text;
    text << catalog.rdbuf();
    options.catalog_text = text.str();
  } else {
    // Without a gateway's folder, what `init` would write.
    for (const EmbeddedFile& defaults : policy::EmbeddedDefaults()) {
      if (defaults.name != "catalog.txtpb") continue;
      catalog_file = std::string(defaults.name);
      options.catalog_text = std::string(defaults.content);
    }
  }
  CONSENTRY_ASSIGN_OR_RETURN(auto located,
                             policy::ParseText<config::v1::Catalog>(
                                 catalog_file, options.catalog_text));
  options.catalog = std::move(located.message);
  std::ifstream csv(file, std::ios::binary);
  if (!csv) return absl::NotFoundError("cannot read " + file);
  CONSENTRY_ASSIGN_OR_RETURN(const ImportDraft draft,
                             DraftImport(&csv, options));
  const std::string map = file + ".map.txtpb";
  CONSENTRY_RETURN_IF_ERROR(WriteNew(map, draft.map_text));
  std::cout << map << ": " << draft.columns << " columns, " << draft.unsure
            << " of them guessed without ground; read every line that says "
               "\"review\"\n";
  if (!draft.catalog_text.empty()) {
    const std::string catalog = file + ".catalog.txtpb";
    CONSENTRY_RETURN_IF_ERROR(WriteNew(catalog, draft.catalog_text));
    std::cout << catalog << ": the catalog with " << draft.new_fields
              << " new fields; review it and put it into force before the "
                 "import\n";
  }
  return absl::OkStatus();
}

}  // namespace

int RunDraft(const std::string& folder, const std::string& file) {
  const absl::Status status = Draft(folder, file);
  return status.ok() ? kExitOk : Fail(status);
}

}  // namespace consentry::tools
