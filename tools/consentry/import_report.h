#ifndef CONSENTRY_TOOLS_CONSENTRY_IMPORT_REPORT_H_
#define CONSENTRY_TOOLS_CONSENTRY_IMPORT_REPORT_H_

#include <cstdint>
#include <map>
#include <string>

namespace consentry::tools {

// How good the data of one field, identifier or choice of one source is.
struct FieldQuality {
  // Records that could have a value, and that have one.
  uint64_t records = 0;
  uint64_t present = 0;
  // Cells that were held back.
  uint64_t invalid = 0;
  // Values that differ from another source's.
  uint64_t conflicts = 0;
};

// What an import did. Holds counts and names of columns, no value.
struct ImportReport {
  std::string source;
  std::string file;
  bool dry_run = false;
  // Rows of the file.
  uint64_t rows = 0;
  uint64_t skipped = 0;
  uint64_t quarantined_rows = 0;
  // Rows that repeat the key of an earlier row.
  uint64_t duplicates = 0;
  // Records, of which a row can have several.
  uint64_t created = 0;
  uint64_t updated = 0;
  uint64_t unchanged = 0;
  uint64_t quarantined_records = 0;
  // Records whose customer was there before.
  uint64_t joined = 0;
  uint64_t choices = 0;
  // By "kind.field", "identifier email", "residence", "choice PURPOSE".
  std::map<std::string, FieldQuality> fields;
  // What was held back, by reason ("VALUE_MALFORMED").
  std::map<std::string, uint64_t> reasons;
  int64_t took_us = 0;

  uint64_t changed() const { return created + updated; }
};

// A table for people, at most 80 columns wide.
std::string ReportTable(const ImportReport& report);
// One JSON object in one line.
std::string ReportJson(const ImportReport& report);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_IMPORT_REPORT_H_
