#include "tools/consentry/import_report.h"

#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tools/consentry/progress.h"

namespace consentry::tools {
namespace {

// "97.5%"; a field that no record can have has no share.
std::string Percent(uint64_t part, uint64_t whole) {
  if (whole == 0) return "-";
  return absl::StrFormat(
      "%.1f%%", 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

std::string Json(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppend(&out, absl::StrFormat("\\u%04x", c));
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
  return out;
}

}  // namespace

std::string ReportTable(const ImportReport& report) {
  std::string out;
  absl::StrAppend(&out, report.dry_run ? "Dry run, nothing was written: " : "",
                  report.file, " from ", report.source, "\n");
  absl::StrAppend(&out, "  rows         ", WithCommas(report.rows));
  if (report.skipped > 0) {
    absl::StrAppend(&out, ", left out by the map ", WithCommas(report.skipped));
  }
  absl::StrAppend(&out, "\n  records      ", WithCommas(report.changed()),
                  " changed (", WithCommas(report.created), " new, ",
                  WithCommas(report.updated), " updated), ",
                  WithCommas(report.unchanged), " unchanged\n");
  absl::StrAppend(
      &out, "  held back    ", WithCommas(report.quarantined_rows),
      " whole rows",
      report.reasons.empty() ? "" : "; rows and single values, by reason:");
  for (const auto& [reason, count] : report.reasons) {
    absl::StrAppend(&out, "\n    ", absl::StrFormat("%-24s", reason), " ",
                    WithCommas(count));
  }
  absl::StrAppend(&out, "\n  duplicates   ", WithCommas(report.duplicates),
                  " rows repeat an earlier row's key\n");
  absl::StrAppend(&out, "  joined       ", WithCommas(report.joined),
                  " records with customers who were there\n\n");
  absl::StrAppend(&out, absl::StrFormat("  %-38s %9s %9s %9s\n", "field",
                                        "complete", "valid", "conflicts"));
  for (const auto& [name, field] : report.fields) {
    const uint64_t given = field.present + field.invalid;
    absl::StrAppend(&out,
                    absl::StrFormat("  %-38s %9s %9s %9s\n", name.substr(0, 38),
                                    Percent(given, field.records),
                                    Percent(field.present, given),
                                    WithCommas(field.conflicts)));
  }
  return out;
}

std::string ReportJson(const ImportReport& report) {
  std::string out = absl::StrCat(
      "{\"source\":", Json(report.source), ",\"file\":", Json(report.file),
      ",\"dry_run\":", report.dry_run ? "true" : "false",
      ",\"rows\":", report.rows, ",\"skipped\":", report.skipped,
      ",\"quarantined_rows\":", report.quarantined_rows,
      ",\"duplicates\":", report.duplicates, ",\"changed\":", report.changed(),
      ",\"created\":", report.created, ",\"updated\":", report.updated);
  absl::StrAppend(&out, ",\"unchanged\":", report.unchanged,
                  ",\"quarantined_records\":", report.quarantined_records,
                  ",\"joined\":", report.joined,
                  ",\"choices\":", report.choices,
                  ",\"took_s\":", static_cast<double>(report.took_us) / 1e6,
                  ",\"reasons\":{");
  bool first = true;
  for (const auto& [reason, count] : report.reasons) {
    absl::StrAppend(&out, first ? "" : ",", Json(reason), ":", count);
    first = false;
  }
  absl::StrAppend(&out, "},\"fields\":[");
  first = true;
  for (const auto& [name, field] : report.fields) {
    absl::StrAppend(&out, first ? "" : ",", "{\"name\":", Json(name),
                    ",\"records\":", field.records,
                    ",\"present\":", field.present,
                    ",\"invalid\":", field.invalid,
                    ",\"conflicts\":", field.conflicts, "}");
    first = false;
  }
  absl::StrAppend(&out, "]}\n");
  return out;
}

}  // namespace consentry::tools
