#ifndef CONSENTRY_TOOLS_CONSENTRY_DRAFT_H_
#define CONSENTRY_TOOLS_CONSENTRY_DRAFT_H_

#include <istream>
#include <string>

#include "absl/status/statusor.h"
#include "consentry/config/v1/catalog.pb.h"

namespace consentry::tools {

struct DraftOptions {
  // Key of the source in the catalog; becomes part of the map.
  std::string source;
  bool source_is_guess = false;
  // For the map's heading; no path.
  std::string file_name;
  // Purpose of collection.
  std::string purpose = "essential.service.operations";
  std::string marketing_purpose = "marketing.communications.email";
  // Of telephone numbers without a country code. ISO 3166-1 alpha-2 or empty.
  std::string home_country;
  // The catalog in force, and its text. Empty: none yet.
  config::v1::Catalog catalog;
  std::string catalog_text;
};

struct ImportDraft {
  // An import map, as protobuf text. Every guess carries "# review:" and how
  // sure it is. It can be imported as it is, unless it says that something is
  // missing.
  std::string map_text;
  // The catalog with what the map needs, each addition with "# review:". Empty:
  // nothing is missing.
  std::string catalog_text;
  int columns = 0;
  int unsure = 0;
  int new_fields = 0;
};

// Drafts the mapping of a file from the names of its columns and the shape of
// its cells, looking at the first kDraftRows rows. No cell gets into the draft
// but the words of choices. Failures: those of CsvReader::Open.
absl::StatusOr<ImportDraft> DraftImport(std::istream* csv,
                                        const DraftOptions& options);

inline constexpr int kDraftRows = 5000;

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_DRAFT_H_
