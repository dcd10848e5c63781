#ifndef CONSENTRY_TOOLS_CONSENTRY_IMPORT_MAP_H_
#define CONSENTRY_TOOLS_CONSENTRY_IMPORT_MAP_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/config/v1/import_map.pb.h"
#include "consentry/v1/data_service.pb.h"
#include "proto/support/text_proto.h"
#include "tools/consentry/cell.h"
#include "tools/consentry/csv.h"

namespace consentry::tools {

// Something of a row that is held back. Holds no value.
struct CellFault {
  // As in the header; "row" for the whole row.
  std::string column;
  v1::ErrorReason reason = v1::ERROR_REASON_UNSPECIFIED;
  // Nothing of the row is imported.
  bool whole_row = false;
};

// What one row of a file becomes. Holds personal data.
struct MappedRow {
  // One for each record; none when the row is skipped or held back.
  std::vector<v1::ImportRow> rows;
  std::vector<CellFault> faults;
  // The map leaves it out.
  bool skipped = false;
};

// Turns rows into records by an import map. Cells are brought into the form
// that the gateway reads ("YYYY-MM-DD", "12.50 EUR", "true", "+49..."); whether
// they fit the catalog is the gateway's to say. A cell that does not follow the
// map is held back and told; the rest of its row goes on. Pure; safe from many
// threads once made.
class ImportMapper {
 public:
  // Checks the map by itself and against the file's columns; all faults at
  // once, each with its place in `text` (CONFIG_INVALID). `file_us`: the time
  // of the file, for negative choices without a date.
  static absl::StatusOr<std::unique_ptr<ImportMapper>> Create(
      const config::v1::ImportMap& map, const TextProto& text,
      const std::vector<std::string>& header, int64_t file_us);

  // `row` must be without fault and as wide as the header.
  MappedRow Map(const CsvRow& row) const;

  // The column behind a name that the gateway's faults use ("profile.email",
  // "email", "residence", "choices"); the name itself when no column is behind
  // it.
  std::string ColumnOf(std::string_view name) const;

  const config::v1::ImportMap& map() const { return map_; }

 private:
  ImportMapper(const config::v1::ImportMap& map,
               const std::vector<std::string>& header, int64_t file_us);

  std::string Cell(const CsvRow& row, const std::string& column) const;
  bool Holds(const CsvRow& row, const config::v1::Condition& test) const;
  bool HoldsAll(const CsvRow& row,
                const google::protobuf::RepeatedPtrField<config::v1::Condition>&
                    tests) const;
  std::optional<CellTime> Time(
      const std::string& cell,
      const google::protobuf::RepeatedPtrField<std::string>& formats) const;
  std::string Residence(const CsvRow& row, MappedRow* out) const;
  void MapIdentifiers(const CsvRow& row, const std::string& phone_country,
                      v1::ImportRow* common, MappedRow* out) const;
  void MapFacts(const CsvRow& row, const std::string& residence,
                v1::ImportRow* first, MappedRow* out) const;
  void MapChoices(const CsvRow& row, v1::ImportRow* first,
                  MappedRow* out) const;
  bool MapRecord(const CsvRow& row, const config::v1::MappedRecord& record,
                 const std::string& phone_country, v1::ImportRow* to,
                 MappedRow* out) const;
  std::optional<std::string> FieldText(const CsvRow& row,
                                       const config::v1::MappedField& field,
                                       const std::string& phone_country) const;

  const config::v1::ImportMap map_;
  const int64_t file_us_;
  std::map<std::string, size_t, std::less<>> columns_;
  std::vector<std::string> empty_words_;  // Folded.
};

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_IMPORT_MAP_H_
