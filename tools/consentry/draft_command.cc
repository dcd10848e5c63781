#include "tools/consentry/draft_command.h"

#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "absl/strings/ascii.h"
#include "policy/engine/text_config.h"
#include "policy/packs/packs.h"
#include "proto/support/status_macros.h"
#include "tools/consentry/draft.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/parse_words.h"

namespace consentry::tools {
namespace {

// The system of the catalog that a file is named after, the longest key first;
// else the one that is trusted most.
std::string GuessSource(const config::v1::Catalog& catalog,
                        const std::string& file) {
  std::string name = std::filesystem::path(file).stem().string();
  for (char& c : name) {
    c = c == '-' || c == ' ' ? '_' : absl::ascii_tolower(c);
  }
  std::string best;
  for (const auto& source : catalog.sources()) {
    if (source.key().size() > best.size() &&
        name.find(source.key()) != std::string::npos) {
      best = source.key();
    }
  }
  if (best.empty() && !catalog.sources().empty()) {
    best = catalog.sources(0).key();
  }
  return best.empty() ? "file" : best;
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

absl::Status Draft(const std::string& folder, const std::string& file,
                   const std::string& source) {
  DraftOptions options;
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
  options.source = source.empty() ? GuessSource(options.catalog, file) : source;
  options.source_is_guess = source.empty();
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
              << " new fields; review it, replace " << catalog_file
              << " by it, and put it into force: consentry policy apply\n";
  }
  return absl::OkStatus();
}

}  // namespace

int RunDraft(const std::string& folder, const std::string& file,
             const std::string& source) {
  const absl::Status status = Draft(folder, file, source);
  return status.ok() ? kExitOk : Fail(status);
}

}  // namespace consentry::tools
