#include "gateway/screening/subject_outputs.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "gateway/screening/screening_words.h"
#include "gateway/screening/vulnerability_rows.h"
#include "policy/conduct/amount_text.h"
#include "policy/engine/civil.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

namespace consentry::screening {
namespace {

constexpr size_t kMostInReport = 2000;
constexpr size_t kRowsAtOnce = 256;

// "OUTPUT_KIND_PAGE_CONTENT" -> "page content".
std::string Word(absl::string_view name, absl::string_view prefix) {
  return absl::StrReplaceAll(
      absl::AsciiStrToLower(absl::StripPrefix(name, prefix)), {{"_", " "}});
}

std::string KindWord(int kind) {
  return Word(v1::OutputKind_Name(static_cast<v1::OutputKind>(kind)),
              "OUTPUT_KIND_");
}

std::string ModelOf(const store::v1::ScreeningDoc& doc) {
  return absl::StrCat(doc.model(), "@", doc.model_version());
}

std::string ContentOf(const v1::Output& output) {
  if (!output.text().empty()) return output.text();
  if (!output.label().empty()) return output.label();
  if (output.has_price()) {
    return conduct::AmountText(output.price().minor_units(),
                               output.price().currency());
  }
  return absl::StrJoin(output.ranking(), ", ");
}

}  // namespace

absl::StatusOr<std::vector<ScreeningRow>> SubjectOutputs::RowsOf(
    store::Connection* connection, const Members& members, size_t most) const {
  std::vector<ScreeningRow> rows;
  for (const auto& member : members) {
    ScreeningFilter filter;
    filter.subject = member->subject();
    size_t taken = 0;
    for (int64_t before = 0; taken < most;) {
      int64_t last = 0;
      CONSENTRY_ASSIGN_OR_RETURN(
          auto found,
          parts_->rows->List(connection, filter, before,
                             std::min(kRowsAtOnce, most - taken), &last));
      for (ScreeningRow& row : found) rows.push_back(std::move(row));
      taken += found.size();
      if (last == 0) break;
      before = last;
    }
  }
  std::sort(
      rows.begin(), rows.end(),
      [](const ScreeningRow& a, const ScreeningRow& b) { return a.no > b.no; });
  if (rows.size() > most) rows.resize(most);
  return rows;
}

absl::StatusOr<std::vector<v1::AutomatedOutput>> SubjectOutputs::List(
    store::Connection* connection, const Members& members, size_t most) const {
  CONSENTRY_ASSIGN_OR_RETURN(const auto rows,
                             RowsOf(connection, members, most));
  std::vector<v1::AutomatedOutput> outputs;
  for (const ScreeningRow& row : rows) {
    v1::AutomatedOutput& output = outputs.emplace_back();
    output.set_screening_id(row.doc.id());
    SetTime(row.doc.time_us(), output.mutable_time());
    output.set_kind(KindWord(row.doc.kind()));
    output.set_logic(absl::StrCat(
        ModelOf(row.doc), row.doc.input_categories().empty() ? "" : ", from ",
        absl::StrJoin(row.doc.input_categories(), ", ")));
    output.set_verdict(
        VerdictWord(static_cast<v1::Verdict>(row.doc.verdict())));
    output.set_reviewed(row.doc.reviewed());
  }
  return outputs;
}

absl::Status SubjectOutputs::AddTo(store::Connection* connection,
                                   const crypto::Grant& grant,
                                   const Members& members,
                                   store::v1::AccessReport* report) const {
  CONSENTRY_ASSIGN_OR_RETURN(const auto rows,
                             RowsOf(connection, members, kMostInReport));
  for (const ScreeningRow& listed : rows) {
    CONSENTRY_ASSIGN_OR_RETURN(
        const ScreeningRow row,
        parts_->rows->ReadByNumber(connection, listed.no));
    CONSENTRY_ASSIGN_OR_RETURN(const auto words,
                               parts_->rows->OpenOutput(grant, row));
    v1::Output output;
    if (!output.ParseFromString(words.output())) return CorruptScreening();
    store::v1::ReportOutput* told = report->add_outputs();
    told->set_id(row.doc.id());
    told->set_time(policy::FormatTime(row.doc.time_us()));
    told->set_purpose(row.doc.purpose());
    told->set_channel(
        Word(v1::Channel_Name(static_cast<v1::Channel>(row.doc.channel())),
             "CHANNEL_"));
    told->set_kind(KindWord(row.doc.kind()));
    told->set_model(ModelOf(row.doc));
    told->set_item(row.doc.item());
    told->set_content(ContentOf(output));
    told->set_logic(output.explanation());
    for (const std::string& input : row.doc.input_categories()) {
      told->add_inputs(input);
    }
    told->set_verdict(VerdictWord(static_cast<v1::Verdict>(row.doc.verdict())));
    told->set_reviewed(row.doc.reviewed());
  }
  for (const auto& member : members) {
    CONSENTRY_ASSIGN_OR_RETURN(
        const auto declared,
        VulnerabilityRows::List(connection, member->keys(), 0, kMostInReport));
    for (const VulnerabilityRow& row : declared) {
      store::v1::ReportVulnerability* told = report->add_vulnerabilities();
      told->set_kind(
          Word(v1::VulnerabilityKind_Name(
                   static_cast<v1::VulnerabilityKind>(row.doc.kind())),
               "VULNERABILITY_KIND_"));
      told->set_basis(row.doc.basis());
      told->set_since(policy::FormatTime(row.doc.set_us()));
      told->set_until(policy::FormatTime(
          row.doc.clear_us() != 0 ? row.doc.clear_us() : row.doc.expire_us()));
    }
  }
  return absl::OkStatus();
}

}  // namespace consentry::screening
