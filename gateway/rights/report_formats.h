#ifndef CONSENTRY_GATEWAY_RIGHTS_REPORT_FORMATS_H_
#define CONSENTRY_GATEWAY_RIGHTS_REPORT_FORMATS_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "consentry/store/v1/report.pb.h"
#include "google/protobuf/descriptor.h"

// The forms in which a report is handed over. Pure: the same report gives the
// same bytes, so that a download can go on where it broke off.
namespace consentry::rights {

// {"schema": ..., "report": ...}: the report with the JSON Schema (draft
// 2020-12) that it follows, made from the same description.
absl::StatusOr<std::string> ReportJson(const store::v1::AccessReport& report);
std::string JsonSchemaOf(const google::protobuf::Descriptor& message);

// A ZIP file: one table for each kind of record, one for every other list of
// the report, and schema.csv, which names table, column, type and category of
// each. UTF-8, RFC 4180; a cell that a spreadsheet would run is quoted.
absl::StatusOr<std::string> ReportZip(const store::v1::AccessReport& report);

// One page without scripts or anything from elsewhere, in the report's
// language.
std::string ReportHtml(const store::v1::AccessReport& report);

// One cell: quoted where RFC 4180 asks for it, with an apostrophe before what a
// spreadsheet would take for a formula (=, +, -, @, tab, carriage return).
std::string CsvCell(std::string_view text);

}  // namespace consentry::rights

#endif  // CONSENTRY_GATEWAY_RIGHTS_REPORT_FORMATS_H_
